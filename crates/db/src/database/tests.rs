//! What a transaction promises.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::fixture::{Fixture, NOTES, open, path};
use crate::{Db, Error, Read, Tx, params};

fn note(tx: &mut Tx, name: &str) -> Result<u64, Error> {
    tx.execute("INSERT INTO notes (scope, name) VALUES ($1, $2)", params!["s", name])
}

fn names(r: &mut Read) -> Result<Vec<String>, Error> {
    r.query("SELECT name FROM notes WHERE scope = $1 ORDER BY name", params!["s"], |row| {
        row.text(0)
    })
}

/// A job that begins a group and keeps it open until the gate is opened.
fn gate(db: &Db) -> (Sender<()>, impl Future<Output = Result<(), Error>> + use<>) {
    gate_of("s", db)
}

/// A job that keeps a group of this turn open until the gate is opened.
fn gate_of(turn: &str, db: &Db) -> (Sender<()>, impl Future<Output = Result<(), Error>> + use<>) {
    let turn = crate::Turn::from(turn);
    let (opened, wait): (Sender<()>, Receiver<()>) = channel();
    let wait = Mutex::new(wait);
    let db = db.clone();
    let job = async move {
        db.write_async(turn, move |tx| {
            names(tx)?;
            wait.lock().unwrap().recv().unwrap();
            Ok(())
        })
        .await
    };
    (opened, job)
}

#[tokio::test]
async fn a_failing_job_and_a_panicking_one_harm_nobody_in_their_group() {
    let Fixture { db, .. } = &Fixture::new();
    let (open_gate, gate) = gate(db);
    let first = db.write_async("s", |tx| note(tx, "first"));
    let failing = db.write_async("s", |tx| {
        note(tx, "failing")?;
        note(tx, "first")
    });
    let panicking = db.write_async("s", |tx| -> Result<(), Error> {
        note(tx, "panicking")?;
        panic!("on purpose")
    });
    let other = db.clone();
    let last = db.write_async("s", move |tx| {
        note(tx, "last")?;
        let inside = names(tx)?;
        let outside = std::thread::scope(|s| s.spawn(|| other.read(names)).join().unwrap())?;
        Ok::<_, Error>((inside, outside))
    });
    let opened = async move { open_gate.send(()).unwrap() };

    let (gate, first, failing, panicking, last, ()) =
        tokio::join!(gate, first, failing, panicking, last, opened);

    gate.unwrap();
    assert_eq!(first.unwrap(), 1);
    assert!(failing.unwrap_err().is_unique("notes.name"));
    assert!(matches!(panicking, Err(Error::Panicked { message }) if message == "on purpose"));
    // They shared a transaction: the last saw the first, which nobody outside saw yet.
    let (inside, outside) = last.unwrap();
    assert_eq!(inside, ["first", "last"]);
    assert!(outside.is_empty());
    assert_eq!(db.read(names).unwrap(), ["first", "last"]);
}

#[tokio::test]
async fn nothing_is_acknowledged_before_the_commit() {
    let Fixture { db, .. } = &Fixture::new();
    let acknowledged = Arc::new(AtomicBool::new(false));
    let (open_gate, gate) = gate(db);
    let first = {
        let (db, acknowledged) = (db.clone(), acknowledged.clone());
        tokio::spawn(async move {
            let written = db.write_async("s", |tx| note(tx, "first"));
            written.await.unwrap();
            acknowledged.store(true, Ordering::SeqCst);
        })
    };
    let second = db.write_async("s", move |tx| {
        assert_eq!(names(tx)?, ["first"]);
        std::thread::sleep(Duration::from_millis(30));
        Ok::<_, Error>(acknowledged.load(Ordering::SeqCst))
    });
    let opened = async move {
        // The first is queued before the second is.
        tokio::task::yield_now().await;
        open_gate.send(()).unwrap();
    };
    let ordered = async {
        tokio::task::yield_now().await;
        second.await
    };
    let (gate, first, second, ()) = tokio::join!(gate, first, ordered, opened);
    gate.unwrap();
    first.unwrap();
    assert!(!second.unwrap(), "the first write was answered while its transaction was open");
}

#[tokio::test]
async fn a_failed_commit_is_told_to_every_write_it_carried() {
    let Fixture { db, .. } = &Fixture::new();
    let (open_gate, gate) = gate(db);
    let sound = db.write_async("s", |tx| note(tx, "sound"));
    let broken = db.write_async("s", |tx| {
        tx.execute("INSERT INTO promises (name, scope) VALUES ($1, $2)", params!["x", "s"])
    });
    let failing = db.write_async("s", |_tx| Err::<(), _>(Error::NoRandomness));
    let opened = async move { open_gate.send(()).unwrap() };
    let (gate, sound, broken, failing, ()) = tokio::join!(gate, sound, broken, failing, opened);
    for outcome in [gate, sound.map(drop), broken.map(drop), failing] {
        assert!(matches!(outcome, Err(Error::ForeignKey)), "{outcome:?}");
    }
    assert!(db.read(names).unwrap().is_empty());
    db.write("s", |tx| note(tx, "later")).unwrap();
    assert_eq!(db.read(names).unwrap(), ["later"]);
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing_behind() {
    if !crate::testing::on_sqlite() {
        return;
    }
    let Fixture { db, .. } = &Fixture::new();
    let full = db.write("s", |tx| {
        tx.session().batch("PRAGMA max_page_count = 1")?;
        note(tx, &"x".repeat(100_000))
    });
    assert!(matches!(full, Err(Error::DiskFull { .. })), "{full:?}");
    db.write("s", |tx| tx.session().batch("PRAGMA max_page_count = 1000000")).unwrap();
    db.write("s", |tx| note(tx, "after")).unwrap();
    assert_eq!(db.read(names).unwrap(), ["after"]);
}

#[test]
fn a_read_sees_one_moment() {
    let Fixture { db, .. } = &Fixture::new();
    db.write("s", |tx| note(tx, "before")).unwrap();
    let seen = db.read(|r| {
        let first = names(r)?;
        std::thread::scope(|s| {
            s.spawn(|| db.write("s", |tx| note(tx, "meanwhile"))).join().unwrap()
        })?;
        Ok::<_, Error>((first, names(r)?))
    });
    let (first, second) = seen.unwrap();
    assert_eq!(first, ["before"]);
    assert_eq!(second, ["before"]);
    assert_eq!(db.read(names).unwrap(), ["before", "meanwhile"]);
}

#[test]
fn a_transaction_inside_another_is_refused_and_does_not_wait_for_itself() {
    let Fixture { db, .. } = &Fixture::new();
    let inner = db.clone();
    let write_in_write = db.write("s", move |_tx| inner.write("s", |tx| note(tx, "inner")));
    let inner = db.clone();
    let read_in_write = db.write("s", move |_tx| inner.read(names));
    let write_in_read = db.read(|_r| db.write("s", |tx| note(tx, "inner")));
    let read_in_read = db.read(|_r| db.read(names));
    for outcome in [
        write_in_write.map(drop),
        read_in_write.map(drop),
        write_in_read.map(drop),
        read_in_read.map(drop),
    ] {
        assert!(matches!(outcome, Err(Error::Nested)), "{outcome:?}");
    }
    db.write("s", |tx| note(tx, "after")).unwrap();
}

#[test]
fn a_read_cannot_write() {
    let Fixture { db, .. } = &Fixture::new();
    let outcome = db.read(|r| {
        r.query("INSERT INTO notes (scope, name) VALUES ('s', 'x') RETURNING name", &[], |row| {
            row.text(0)
        })
    });
    assert!(matches!(outcome, Err(Error::WriteInRead { .. })), "{outcome:?}");
}

#[test]
fn a_panicking_read_gives_its_connection_back() {
    let Fixture { db, .. } = &Fixture::new();
    for _ in 0..crate::limits::READERS_MAX + 1 {
        let outcome = db.read(|_r| -> Result<(), Error> { panic!("on purpose") });
        assert!(matches!(outcome, Err(Error::Panicked { .. })));
    }
    assert!(db.read(names).unwrap().is_empty());
}

#[test]
fn a_write_that_came_too_late_is_run_again() {
    if !crate::testing::on_sqlite() {
        return;
    }
    let Fixture { db, .. } = &Fixture::new();
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    db.write("s", move |tx| {
        note(tx, "once")?;
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            // Changing a table under a running query is what this engine answers with "locked".
            let session = tx.session();
            session.visit("SELECT name FROM notes", &[], &mut |_row| {
                session.batch("DROP TABLE notes")?;
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(db.read(names).unwrap(), ["once"]);
}

#[tokio::test]
async fn another_process_is_waited_for_up_to_a_limit() {
    let Fixture { db, folder } = &Fixture::new();
    let other = open(folder, NOTES).unwrap();
    // Connected already, so that the gate's job runs at once.
    other.write("s", |_tx| Ok::<_, Error>(())).unwrap();
    let (open_gate, gate) = gate(&other);
    let work = async {
        // The gate's job holds the file once it runs.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let busy = db.write_async("s", |tx| note(tx, "busy")).await;
        open_gate.send(()).unwrap();
        busy
    };
    let (gate, busy) = tokio::join!(gate, work);
    gate.unwrap();
    assert!(matches!(busy, Err(Error::Busy)), "{busy:?}");
    db.write("s", |tx| note(tx, "now")).unwrap();
    assert_eq!(other.read(names).unwrap(), ["now"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_writes_than_the_queue_holds_all_happen() {
    let Fixture { db, .. } = &Fixture::new();
    let count = crate::limits::WRITE_QUEUE_MAX * 2;
    let mut writes = tokio::task::JoinSet::new();
    for n in 0..count {
        let db = db.clone();
        writes
            .spawn(async move { db.write_async("s", move |tx| note(tx, &format!("n{n}"))).await });
    }
    for outcome in writes.join_all().await {
        outcome.unwrap();
    }
    let found = db.read_async(names).await.unwrap();
    assert_eq!(found.len(), count);
}

#[tokio::test]
async fn a_turn_with_many_writes_waiting_does_not_keep_another_from_its_place() {
    let Fixture { db, .. } = &Fixture::new();
    // Every thread that writes is kept from it until all of it waits.
    let busy = if crate::testing::on_sqlite() { 1 } else { crate::limits::WRITERS_MAX };
    let gates: Vec<_> = (0..busy).map(|n| gate_of(&format!("gate {n}"), db)).collect();
    let (openers, gates): (Vec<_>, Vec<_>) = gates.into_iter().unzip();
    let mut closed = tokio::task::JoinSet::new();
    for gate in gates {
        closed.spawn(gate);
    }
    let ran = Arc::new(AtomicU32::new(0));
    let mut greedy = tokio::task::JoinSet::new();
    for _ in 0..crate::limits::WRITE_TURN_QUEUE_MAX * 3 {
        let (db, ran) = (db.clone(), ran.clone());
        greedy.spawn(async move {
            let count = move |_tx: &mut Tx| Ok::<_, Error>(ran.fetch_add(1, Ordering::SeqCst));
            db.write_async("greedy", count).await
        });
    }
    let modest = async {
        // Behind all that is spawned above.
        tokio::task::yield_now().await;
        let ran = ran.clone();
        let written =
            db.write_async("modest", move |_tx| Ok::<_, Error>(ran.load(Ordering::SeqCst)));
        let opened = async { openers.into_iter().for_each(|opener| opener.send(()).unwrap()) };
        tokio::join!(written, opened).0
    };
    let before_it = modest.await.unwrap();
    closed.join_all().await.into_iter().for_each(Result::unwrap);
    let at_most = if crate::testing::on_sqlite() {
        2
    } else {
        crate::limits::TURN_COMMIT_MAX * crate::limits::WRITERS_MAX
    };
    assert!(before_it as usize <= at_most, "{before_it}");
    assert_eq!(greedy.join_all().await.len(), crate::limits::WRITE_TURN_QUEUE_MAX * 3);
}

#[test]
fn a_broken_reference_is_told_even_where_only_the_first_row_is_asked_for() {
    let Fixture { db, .. } = &Fixture::new();
    let outcome = db.write("s", |tx| {
        tx.session().batch(
            "CREATE TABLE owners (name TEXT PRIMARY KEY);
             CREATE TABLE owned (name TEXT REFERENCES owners (name));",
        )?;
        tx.query_one("INSERT INTO owned (name) VALUES ('a'), ('b') RETURNING name", &[], |row| {
            row.text(0)
        })
    });
    assert!(matches!(outcome, Err(Error::ForeignKey)), "{outcome:?}");
}

#[test]
fn rows_are_streamed_until_the_closure_breaks() {
    let Fixture { db, .. } = &Fixture::new();
    db.write("s", |tx| (0..9).try_for_each(|n| note(tx, &n.to_string()).map(drop))).unwrap();
    let mut seen = Vec::new();
    db.read(|r| {
        r.for_each("SELECT name FROM notes ORDER BY name", &[], |row| {
            seen.push(row.text(0)?);
            Ok(if seen.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    })
    .unwrap();
    assert_eq!(seen, ["0", "1", "2"]);
}

#[test]
fn columns_are_read_as_what_they_are() {
    let Fixture { db, .. } = &Fixture::new();
    let check = |sql: &str, read: fn(&crate::Row) -> Result<String, Error>, expected: &str| {
        let outcome = db.read(|r| r.query_one(sql, &[], read));
        let told = outcome.unwrap_or_else(|error| error.to_string());
        assert_eq!(told, expected, "{sql}");
    };
    check("SELECT 'a'", |row| row.text(0), "a");
    check("SELECT 1", |row| row.text(0), "Column 0 holds a whole number where text was asked for.");
    check("SELECT NULL", |row| Ok(format!("{:?}", row.opt_int(0)?)), "None");
    check("SELECT 1", |row| Ok(format!("{:?}", row.opt_bool(0)?)), "Some(true)");
    check("SELECT 1.5", |row| Ok(row.int(0)?.to_string()), {
        "Column 0 holds a fraction where a whole number was asked for."
    });
    check("SELECT '{\"b\":1,\"a\":2}'", |row| Ok(row.json(0)?.to_string()), r#"{"a":2,"b":1}"#);
    check("SELECT '2026-11-24'", |row| Ok(row.date(0)?.to_string()), "2026-11-24");
    check("SELECT 1000000", |row| Ok(row.timestamp(0)?.to_string()), "1970-01-01T00:00:01Z");
    check("SELECT -1", |row| Ok(row.count(0)?.to_string()), {
        "Column 0 holds a negative number where a count was asked for."
    });
    check(
        "SELECT 1",
        |row| row.text(7),
        "Column 7 holds nothing, for the query has fewer columns, where text was asked for.",
    );
    check("SELECT 1 WHERE 1 = 2", |row| row.text(0), {
        "There is no such row. The query was: SELECT 1 WHERE 1 = 2"
    });
}

#[test]
fn a_text_that_not_every_engine_can_keep_is_refused_on_all() {
    let Fixture { db, .. } = &Fixture::new();
    let written = db.write("s", |tx| note(tx, "a\0b"));
    assert!(matches!(written, Err(Error::Nul)), "{written:?}");
    let name = |row: &crate::Row| row.text(0);
    let read = db.read(|r| r.query("SELECT name FROM notes WHERE name = $1", params!["\0"], name));
    assert!(matches!(read, Err(Error::Nul)), "{read:?}");
}

#[test]
fn values_come_back_as_they_went_in() {
    let Fixture { db, .. } = &Fixture::new();
    let now = crate::fixture::at(0);
    db.read(|r| {
        let params = params!["text", 7_i64, true, None::<String>, vec![1_u8, 2], now];
        r.query_one("SELECT $1, $2, $3, $4, $5, $6", params, |row| {
            assert_eq!(row.text(0)?, "text");
            assert_eq!(row.int(1)?, 7);
            assert!(row.bool(2)?);
            assert_eq!(row.opt_text(3)?, None);
            assert_eq!(row.blob(4)?, [1, 2]);
            assert_eq!(row.timestamp(5)?, now);
            Ok(())
        })
    })
    .unwrap();
}

#[test]
fn placeholders_out_of_order_are_a_bug_that_is_told() {
    if !crate::testing::on_sqlite() {
        return;
    }
    let Fixture { db, .. } = &Fixture::new();
    let outcome = db.read(|r| r.query_one("SELECT $2, $1", params![1_i64, 2_i64], |r| r.int(0)));
    assert!(
        matches!(&outcome, Err(Error::Panicked { message }) if message.contains("$1, $2")),
        "{outcome:?}"
    );
}

#[test]
fn the_last_handle_may_be_dropped_by_a_job() {
    let Fixture { db, folder } = Fixture::new();
    let held = db.clone();
    let (told, done) = channel();
    let told = Mutex::new(told);
    std::thread::spawn(move || {
        let inner = held.clone();
        // Its outcome is not waited for: the job alone holds the database in the end.
        let writing = std::thread::spawn(move || {
            let _ = held.clone().write("s", move |tx| {
                let _keep = &inner;
                std::thread::sleep(Duration::from_millis(20));
                note(tx, "last")
            });
        });
        writing.join().unwrap();
        told.lock().unwrap().send(()).unwrap();
    });
    drop(db);
    done.recv_timeout(Duration::from_secs(20)).expect("the writer waited for itself");
    let db = open(&folder, NOTES).unwrap();
    assert_eq!(db.read(names).unwrap(), ["last"]);
}

#[test]
fn closing_folds_the_log_into_the_file() {
    if !crate::testing::on_sqlite() {
        return;
    }
    let Fixture { db, folder } = Fixture::new();
    db.write("s", |tx| note(tx, "kept")).unwrap();
    db.read(names).unwrap();
    let log = path(&folder).with_extension("db-wal");
    assert!(log.exists());
    drop(db);
    assert!(!log.exists());
    let db = open(&folder, NOTES).unwrap();
    assert_eq!(db.read(names).unwrap(), ["kept"]);
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_alone() {
    if !crate::testing::on_sqlite() {
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let Fixture { folder, .. } = &Fixture::new();
    let mode = std::fs::metadata(path(folder)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_address_that_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let check = |url: &str, expected: &str| {
        let error = Db::open(url, "notes", NOTES).unwrap_err().to_string();
        let error = error.replace(&folder.path().display().to_string(), "FOLDER");
        assert_eq!(error, expected, "{url}");
    };
    check(
        "mysql:x",
        "`mysql:x` is no database address. Write sqlite:PATH, for example sqlite:directory.db, \
         or postgres://USER:PASSWORD@HOST/DATABASE.",
    );
    check(
        "sqlite::memory:",
        "`sqlite::memory:` is no database address. Write sqlite:PATH, for example \
         sqlite:directory.db, or postgres://USER:PASSWORD@HOST/DATABASE.",
    );
    let missing = folder.path().join("no/such/folder.db");
    check(
        &format!("sqlite:{}", missing.display()),
        "The database FOLDER/no/such/folder.db could not be opened: No such file or directory \
         (os error 2). Check that its folder exists and that this user may write there.",
    );
    let text = folder.path().join("text.db");
    std::fs::write(&text, "This is a letter and no database at all. ".repeat(100)).unwrap();
    check(
        &format!("sqlite://{}", text.display()),
        "FOLDER/text.db is not a database: it does not begin as one. Give another path, or \
         restore it from a backup.",
    );
}

#[test]
fn a_damaged_file_is_told() {
    if !crate::testing::on_sqlite() {
        return;
    }
    let Fixture { db, folder } = Fixture::new();
    db.write("s", |tx| (0..500).try_for_each(|n| note(tx, &n.to_string().repeat(20)).map(drop)))
        .unwrap();
    drop(db);
    let mut bytes = std::fs::read(path(&folder)).unwrap();
    let second_page = 4096.min(bytes.len());
    bytes[second_page..].fill(0xA5);
    std::fs::write(path(&folder), bytes).unwrap();
    let outcome = open(&folder, NOTES).and_then(|db| db.read(names));
    assert!(matches!(outcome, Err(Error::Damaged { .. })), "{outcome:?}");
}
