//! What is PostgreSQL's own: lost connections, several nodes, rows that do not fit into memory.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;

use crate::fixture::{Fixture, NOTES, open, url};
use crate::testing::on_sqlite;
use crate::{Db, Error, Tx, params};

fn note(tx: &mut Tx, name: &str) -> Result<u64, Error> {
    tx.execute("INSERT INTO notes (scope, name) VALUES ($1, $2)", params!["s", name])
}

fn names(db: &Db) -> Vec<String> {
    let sql = "SELECT name FROM notes WHERE scope = $1 ORDER BY name";
    db.read(|r| r.query(sql, params!["s"], |row| row.text(0))).unwrap()
}

/// Writes a note; the first time it does so, `trouble` follows.
fn write_with(db: &Db, trouble: &'static str) -> (Result<(), Error>, u32) {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let written = db.write("s", move |tx| {
        note(tx, "once")?;
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            tx.session().batch(trouble)?;
        }
        Ok::<_, Error>(())
    });
    (written, runs.load(Ordering::SeqCst))
}

const DIE: &str = "SELECT pg_terminate_backend(pg_backend_pid())";

#[test]
fn a_write_that_came_too_late_or_lost_its_connection_is_run_again() {
    if on_sqlite() {
        return;
    }
    for trouble in ["DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", DIE] {
        let Fixture { db, .. } = &Fixture::new();
        let (written, runs) = write_with(db, trouble);
        written.unwrap();
        assert_eq!((runs, names(db)), (2, vec!["once".to_owned()]), "{trouble}");
    }
}

#[test]
fn a_write_whose_commit_was_not_answered_says_that_nobody_knows() {
    if on_sqlite() {
        return;
    }
    let Fixture { db, .. } = &Fixture::new();
    db.write("s", |tx| {
        tx.session().batch(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER die AFTER INSERT ON notes
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()",
        )
    })
    .unwrap();
    let written = db.write("s", |tx| note(tx, "perhaps"));
    assert!(matches!(written, Err(Error::OutcomeUnknown { .. })), "{written:?}");
    assert!(names(db).is_empty());
}

#[test]
fn a_read_whose_connection_was_ended_meanwhile_is_run_again() {
    if on_sqlite() {
        return;
    }
    let Fixture { db, .. } = &Fixture::new();
    let pid = db.read(|r| r.query_one("SELECT pg_backend_pid()", &[], |row| row.int(0))).unwrap();
    let killed = db.write("s", move |tx| {
        let sql = "SELECT pg_terminate_backend(CAST($1 AS INTEGER))";
        tx.query_one(sql, params![pid], |row| row.bool(0))
    });
    assert!(killed.unwrap());
    assert!(names(db).is_empty());
}

#[test]
fn writers_of_one_turn_on_two_nodes_go_one_after_another() {
    if on_sqlite() {
        return;
    }
    let Fixture { db, folder } = &Fixture::new();
    let nodes = [db.clone(), open(folder, NOTES).unwrap()];
    std::thread::scope(|s| {
        for worker in 0..8 {
            let db = &nodes[worker % 2];
            s.spawn(move || {
                for _ in 0..25 {
                    // Each reads what is there and writes what follows from it.
                    db.write("s", |tx| {
                        let sql = "SELECT COUNT(*) FROM notes WHERE scope = $1";
                        let count = tx.query_one(sql, params!["s"], |row| row.int(0))?;
                        note(tx, &format!("{count:03}"))
                    })
                    .unwrap();
                }
            });
        }
    });
    let expected: Vec<_> = (0..200).map(|n| format!("{n:03}")).collect();
    assert_eq!(names(db), expected);
}

#[test]
fn turns_do_not_wait_for_one_another() {
    if on_sqlite() {
        return;
    }
    let Fixture { db, .. } = &Fixture::new();
    let (open_gate, wait) = channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    std::thread::scope(|s| {
        let gate = s.spawn(|| {
            db.write("gate", move |tx| {
                tx.execute("DELETE FROM promises", &[])?;
                wait.lock().unwrap().recv().unwrap();
                Ok::<_, Error>(())
            })
        });
        db.write("s", |tx| note(tx, "meanwhile")).unwrap();
        open_gate.send(()).unwrap();
        gate.join().unwrap().unwrap();
    });
}

#[test]
fn what_a_closure_goes_on_with_after_a_failure_is_not_kept() {
    if on_sqlite() {
        return;
    }
    let Fixture { db, .. } = &Fixture::new();
    let written = db.write("s", |tx| {
        note(tx, "twice")?;
        let _ = note(tx, "twice");
        Ok::<_, Error>(())
    });
    assert!(written.unwrap_err().is_unique("notes.name"));
    assert!(names(db).is_empty());
}

#[test]
fn rows_are_fetched_a_few_at_a_time() {
    if on_sqlite() {
        return;
    }
    let Fixture { db, .. } = &Fixture::new();
    let count = |until: i64| {
        let mut sum = 0;
        db.read(|r| {
            let sql = "SELECT n FROM generate_series(1, CAST($1 AS BIGINT)) AS n";
            r.for_each(sql, params![100_000_i64], |row| {
                sum += 1;
                let last = row.int(0)? == until;
                Ok(if last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            // The connection answers at once, whatever was left.
            r.query_one("SELECT 7", &[], |row| row.int(0))
        })
        .unwrap();
        sum
    };
    assert_eq!(count(3), 3);
    assert_eq!(count(1_025), 1_025);
    assert_eq!(count(100_000), 100_000);
}

#[test]
fn numbers_are_whole_whatever_type_they_come_in() {
    if on_sqlite() {
        return;
    }
    let Fixture { db, .. } = &Fixture::new();
    let check = |sql: &str, expected: &str| {
        let read = db.read(|r| r.query_one(sql, &[], |row| row.int(0)));
        assert_eq!(
            read.map_or_else(|error| error.to_string(), |n| n.to_string()),
            expected,
            "{sql}"
        );
    };
    check("SELECT SUM(n) FROM generate_series(1, 100000) AS n", "5000050000");
    check("SELECT CAST(-9223372036854775808 AS NUMERIC)", "-9223372036854775808");
    check("SELECT CAST(9223372036854775807 AS NUMERIC)", "9223372036854775807");
    check("SELECT CAST(10000 AS NUMERIC)", "10000");
    check("SELECT CAST(0 AS NUMERIC)", "0");
    check("SELECT CAST(9223372036854775808 AS NUMERIC)", {
        "Column 0 holds a fraction where a whole number was asked for."
    });
    check("SELECT 1.5", "Column 0 holds a fraction where a whole number was asked for.");
    check("SELECT CAST(3 AS SMALLINT)", "3");
    check("SELECT 2 > 1", "1");
}

#[test]
fn a_value_that_is_too_large_for_its_index_is_told_as_such() {
    if on_sqlite() {
        return;
    }
    let Fixture { db, .. } = &Fixture::new();
    // Random, since what is alike is made smaller before it is looked at.
    let long: String = (0..400).map(|_| crate::new_id()).collect();
    let written = db.write("s", move |tx| note(tx, &long));
    assert!(written.unwrap_err().is_unfit_value());
}

#[test]
fn a_wrong_password_is_in_no_message() {
    if on_sqlite() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let url = url(&folder).replace("muster@127.0.0.1", "muster:s3cret@127.0.0.1");
    let db = Db::open(&url, "notes", NOTES).unwrap();
    assert!(!format!("{db:?}").contains("s3cret"));
    let nobody = url.replace("muster:s3cret", "nobody:s3cret");
    let error = Db::open(&nobody, "notes", NOTES).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
}
