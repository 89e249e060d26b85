//! What the sealer promises.

use serde_json::json;

use super::*;
use crate::event::{append, erase_payloads, events_after};
use crate::fixture::{Fixture, at};
use crate::keys::KeyFile;
use crate::{Ctx, new_id};

fn write(db: &Db, subject: &str, secs: i64) -> String {
    let ctx = Ctx { actor: "ana".into(), cause: "test".into(), now: at(secs) };
    let subject = subject.to_owned();
    db.write("s", move |tx| {
        append(tx, &ctx, "s", "note.written", &subject, &json!({ "of": subject }))
    })
    .unwrap()
}

/// The log as `place subject`.
fn log(db: &Db) -> Vec<String> {
    let found = db.read(|r| events_after(r, "s", 0, 1_000)).unwrap();
    found.iter().map(|event| format!("{} {}", event.place.unwrap(), event.subject)).collect()
}

fn verified(db: &Db, keys: Option<&KeyFile>) -> Verification {
    db.read(|r| verify(r, keys, "s")).unwrap()
}

fn broken(db: &Db, keys: Option<&KeyFile>) -> Option<(i64, Flaw)> {
    verified(db, keys).broken.map(|found| (found.place, found.flaw))
}

fn run(db: &Db, sql: &'static str) {
    assert!(db.write("s", move |tx| tx.execute(sql, &[])).unwrap() > 0, "{sql}");
}

#[test]
fn events_get_places_without_gaps_in_the_order_they_were_written() {
    let Fixture { db, .. } = &Fixture::new();
    for subject in ["a", "b", "c"] {
        write(db, subject, 0);
    }
    assert!(log(db).is_empty(), "nothing has a place before it is sealed");
    assert_eq!(db.seal_events("n1", at(1)).unwrap(), 3);
    assert_eq!(db.seal_events("n1", at(1)).unwrap(), 0);
    write(db, "d", 1);
    assert_eq!(db.seal_events("n2", at(1)).unwrap(), 1);
    assert_eq!(log(db), ["1 a", "2 b", "3 c", "4 d"]);
    let found = verified(db, None);
    assert_eq!((found.event_count, found.unsealed_count, found.broken), (4, 0, None));
    assert_eq!(found.head, db.read(|r| head(r, "s")).unwrap());
}

#[test]
fn an_event_that_commits_late_gets_a_later_place() {
    let Fixture { db, .. } = &Fixture::new();
    write(db, "a", 0);
    write(db, "b", 0);
    db.seal_events("n1", at(1)).unwrap();
    // Its id was made long ago, as that of a transaction that took its time.
    run(
        db,
        "INSERT INTO events (scope, id, kind, subject, actor, cause, at, salt, payload_digest,
             format_version)
         SELECT scope, '00000000-0000-7000-8000-000000000000', kind, 'late', actor, cause, at, salt,
             payload_digest, format_version FROM events WHERE subject = 'a'",
    );
    db.seal_events("n1", at(1)).unwrap();
    assert_eq!(log(db), ["1 a", "2 b", "3 late"]);
    assert_eq!(broken(db, None), None);
}

#[test]
fn a_clock_that_is_behind_changes_nothing_about_the_order() {
    let Fixture { db, .. } = &Fixture::new();
    write(db, "a", 0);
    // A node whose clock is ahead wrote this one.
    run(db, "UPDATE events SET id = 'ffffffff-0000-7000-8000-000000000000'");
    for subject in ["b", "c"] {
        write(db, subject, 0);
    }
    db.seal_events("n1", at(1)).unwrap();
    assert_eq!(log(db), ["1 a", "2 b", "3 c"]);
}

#[test]
fn while_one_seals_in_batches_another_waits_until_its_lease_runs_out() {
    let Fixture { db, .. } = &Fixture::new();
    for subject in ["a", "b", "c"] {
        write(db, subject, 0);
    }
    let step = |holder: &'static str, secs| {
        db.write("s", move |tx| seal(tx, "s", holder, at(secs), 2)).unwrap()
    };
    assert_eq!(step("n1", 0), Sealing::Sealed { count: 2, more: true });
    assert_eq!(step("n2", 1), Sealing::Elsewhere);
    // n1 was killed.
    assert_eq!(step("n2", 60), Sealing::Sealed { count: 1, more: false });
    assert_eq!(step("n1", 60), Sealing::Sealed { count: 0, more: false });
    assert_eq!(log(db), ["1 a", "2 b", "3 c"]);
    assert_eq!(broken(db, None), None);
}

#[test]
fn many_sealers_beside_many_writers_give_every_event_one_place() {
    let Fixture { db, .. } = &Fixture::new();
    let ids: Vec<String> = std::thread::scope(|threads| {
        let writers: Vec<_> = (0..4)
            .map(|_| threads.spawn(|| (0..50).map(|_| write(db, "x", 0)).collect::<Vec<_>>()))
            .collect();
        for _ in 0..2 {
            threads.spawn(|| {
                let holder = new_id();
                for _ in 0..40 {
                    db.seal_events(&holder, at(0)).unwrap();
                }
            });
        }
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    db.seal_events("n1", at(0)).unwrap();
    let found = db.read(|r| events_after(r, "s", 0, 1_000)).unwrap();
    let places: Vec<i64> = found.iter().filter_map(|event| event.place).collect();
    assert_eq!(places, (1..=200).collect::<Vec<_>>());
    let (mut sealed, mut written): (Vec<_>, _) =
        (found.into_iter().map(|event| event.id).collect(), ids);
    assert!(sealed.is_sorted(), "places follow ids");
    sealed.sort();
    written.sort();
    assert_eq!(sealed, written);
    assert_eq!(broken(db, None), None);
}

#[test]
fn the_first_break_is_named() {
    let check = |sql: &'static str, expected: (i64, Flaw)| {
        let Fixture { db, .. } = &Fixture::new();
        for subject in ["a", "b", "c", "d"] {
            write(db, subject, 0);
        }
        db.seal_events("n1", at(1)).unwrap();
        assert_eq!(broken(db, None), None);
        run(db, sql);
        assert_eq!(broken(db, None), Some(expected), "{sql}");
    };
    check("UPDATE events SET actor = 'eve' WHERE place = 2", (2, Flaw::Changed));
    check("UPDATE events SET at = at + 1 WHERE place = 3", (3, Flaw::Changed));
    check("UPDATE events SET hash = 'x' WHERE place = 1", (1, Flaw::Changed));
    check("DELETE FROM events WHERE place = 2", (2, Flaw::Missing));
    check("DELETE FROM events WHERE place >= 3", (3, Flaw::EndMissing));
    check("DELETE FROM events WHERE place = 1", (1, Flaw::Missing));
    check(
        "UPDATE event_payloads SET payload = '{}'
         WHERE id IN (SELECT id FROM events WHERE place = 3)",
        (3, Flaw::PayloadChanged),
    );
    check("UPDATE event_chains SET hash = 'x'", (4, Flaw::Changed));
    // Two events that changed places, hashes and all.
    check("UPDATE events SET subject = 'd' WHERE subject = 'c'", (3, Flaw::Changed));
}

#[test]
fn an_erased_payload_breaks_nothing() {
    let Fixture { db, .. } = &Fixture::new();
    write(db, "a", 0);
    write(db, "b", 0);
    db.seal_events("n1", at(1)).unwrap();
    db.write("s", |tx| erase_payloads(tx, "s", "a")).unwrap();
    let found = verified(db, None);
    assert_eq!((found.event_count, found.erased_count, found.broken), (2, 1, None));
}

#[test]
fn a_chain_that_is_cut_behind_a_checkpoint_can_still_be_verified() {
    let Fixture { db, folder } = &Fixture::new();
    let keys = &KeyFile::create(folder.path().join("keys")).unwrap();
    for (subject, secs) in [("a", 0), ("b", 10), ("c", 5), ("d", 20)] {
        write(db, subject, secs);
    }
    db.seal_events("n1", at(21)).unwrap();
    let cut = |before, place_max| {
        let ctx = Ctx { actor: "bo".into(), cause: "muster log truncate".into(), now: at(30) };
        let keys = keys.clone();
        let cut = Cut { before: at(before), place_max };
        db.write("s", move |tx| truncate(tx, &keys, &ctx, "s", cut)).unwrap()
    };
    assert_eq!(cut(0, None), None, "nothing is that old");
    assert_eq!(cut(20, Some(0)), None, "somebody has yet to read the first");
    // The third is older than the second: only what lies before any newer one goes.
    assert_eq!(cut(10, None).unwrap().place, 1);
    assert_eq!(cut(20, None).unwrap().place, 3);
    // Between the checkpoint and the removal, and after it.
    assert_eq!(broken(db, Some(keys)), None);
    assert_eq!(db.write("s", |tx| prune(tx, "s", 2)).unwrap(), 2);
    assert_eq!(broken(db, Some(keys)), None);
    assert_eq!(db.write("s", |tx| prune(tx, "s", 100)).unwrap(), 1);
    assert_eq!(db.write("s", |tx| prune(tx, "s", 100)).unwrap(), 0);
    db.seal_events("n1", at(31)).unwrap();
    assert_eq!(log(db), ["4 d", "5 s", "6 s"]);
    let found = verified(db, Some(keys));
    assert_eq!((found.event_count, found.broken), (3, None));
    assert_eq!(found.checkpoint.map(|point| (point.place, point.made_by)), Some((3, "bo".into())));
    // Nobody without the key file can vouch for it, or have written it.
    assert_eq!(broken(db, None), Some((3, Flaw::KeyMissing)));
    let other = KeyFile::create(folder.path().join("other")).unwrap();
    assert_eq!(broken(db, Some(&other)), Some((3, Flaw::KeyMissing)));
    run(db, "UPDATE event_checkpoints SET made_by = 'eve' WHERE place = 3");
    assert_eq!(broken(db, Some(keys)), Some((3, Flaw::CheckpointChanged)));
}
