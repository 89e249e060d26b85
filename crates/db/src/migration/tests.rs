//! What a train of migrations promises.

use super::*;
use crate::fixture::{Fixture, NOTES, at, open};
use crate::{Db, params};

#[test]
fn migrating_twice_changes_nothing() {
    let Fixture { db, folder } = Fixture::new();
    let before = db.schema().unwrap();
    drop(db);
    let again = open(&folder, NOTES).unwrap();
    assert_eq!(again.schema().unwrap(), before);
    let applied = again.read(|r| {
        r.query("SELECT train, name FROM schema_migrations ORDER BY train, position", &[], |row| {
            Ok(format!("{}/{}", row.text(0)?, row.text(1)?))
        })
    });
    assert_eq!(
        applied.unwrap(),
        ["db/tasks", "db/events", "db/secrets", "db/leases", "db/seals", "notes/notes"]
    );
}

#[test]
fn all_migrations_together_make_the_schema_that_is_written_down() {
    if !crate::testing::on_sqlite() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let schema = open(&folder, &[]).unwrap().schema().unwrap();
    let written = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.sql");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(written, &schema).unwrap();
    }
    assert_eq!(std::fs::read_to_string(written).unwrap(), schema, "run with UPDATE_EXPECT=1");
}

#[test]
fn a_train_goes_on_where_it_stood() {
    let Fixture { db, folder } = Fixture::new();
    drop(db);
    let more = Migration { name: "colour", sql: "ALTER TABLE notes ADD COLUMN colour TEXT" };
    let db = open(&folder, &[NOTES[0], more]).unwrap();
    let colour = params!["s", "n", "blue"];
    db.write("s", |tx| {
        tx.execute(
            "INSERT INTO notes (scope, name, colour) VALUES ($1, $2, $3)",
            params!["s", "n", "blue"],
        )
    })
    .unwrap();
    let count = db.read(|r| {
        r.query_one(
            "SELECT COUNT(*) FROM notes WHERE scope = $1 AND name = $2 AND colour = $3",
            colour,
            |row| row.int(0),
        )
    });
    assert_eq!(count.unwrap(), 1);
}

#[test]
fn a_failing_migration_leaves_nothing_behind_and_can_be_mended() {
    let Fixture { db, folder } = Fixture::new();
    let before = db.schema().unwrap();
    drop(db);
    let broken =
        Migration { name: "broken", sql: "CREATE TABLE half (a TEXT); CREATE TABLE half (a TEXT)" };
    let error = open(&folder, &[NOTES[0], broken]).unwrap_err();
    assert!(matches!(&error, Error::Migration { name, .. } if name == "broken"), "{error}");
    let mended = Migration { name: "mended", sql: "SELECT 1" };
    let db = open(&folder, &[NOTES[0], mended]).unwrap();
    assert_eq!(db.schema().unwrap(), before);
}

#[test]
fn a_file_that_is_not_this_builds_is_refused_with_the_next_step() {
    let Fixture { db, folder } = Fixture::new();
    drop(db);
    let check = |train: &str, migrations: &[Migration], expected: &str| {
        let url = crate::fixture::url(&folder);
        let error = Db::open(&url, train, migrations).unwrap_err().to_string();
        assert_eq!(error.replace(url.trim_start_matches("sqlite:"), "FILE"), expected);
    };
    check(
        "notes",
        &[],
        "The database FILE was written by a newer version: it has migration 1 `notes` of notes, \
         which this build does not know. Run the newer version, or restore an older backup.",
    );
    check(
        "notes",
        &[Migration { name: "notes", sql: "CREATE TABLE notes (name TEXT)" }],
        "Migration 1 `notes` of notes in FILE is not the one this build has. A migration is never \
         changed once it is released: run the version that wrote the database, or restore a \
         backup.",
    );
    check(
        "other",
        &[],
        "The database FILE belongs to notes, not to other. Give each its own database.",
    );
}

#[test]
fn two_openers_at_once_apply_each_migration_once() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let opened: Vec<_> = std::thread::scope(|s| {
            let openers: Vec<_> = (0..4).map(|_| s.spawn(|| open(&folder, NOTES))).collect();
            openers.into_iter().map(|opener| opener.join().unwrap()).collect()
        });
        for db in opened {
            db.unwrap().read(|r| crate::lease::holder(r, "s", "n", at(0))).unwrap();
        }
    }
}
