//! What the tests of this crate share: a database in a folder that goes away.

use std::path::PathBuf;

use jiff::Timestamp;
use tempfile::TempDir;

use crate::{Db, Migration, Result};

/// A table of notes, and one whose reference is only checked at the commit.
pub(crate) const NOTES: &[Migration] = &[Migration {
    name: "notes",
    sql: "CREATE TABLE notes (scope TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (scope, name));
          CREATE TABLE promises (name TEXT NOT NULL, scope TEXT NOT NULL,
              FOREIGN KEY (scope, name) REFERENCES notes (scope, name)
              DEFERRABLE INITIALLY DEFERRED);",
}];

/// A folder with a database in it.
pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) db: Db,
}

impl Fixture {
    pub(crate) fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let db = open(&folder, NOTES).unwrap();
        Fixture { folder, db }
    }
}

pub(crate) fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("test.db")
}

pub(crate) fn url(folder: &TempDir) -> String {
    crate::testing::url(&path(folder))
}

pub(crate) fn open(folder: &TempDir, migrations: &[Migration]) -> Result<Db> {
    Db::open(&url(folder), "notes", migrations)
}

/// The moment `secs` seconds after the tests' beginning.
pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + secs).unwrap()
}
