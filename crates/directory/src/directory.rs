//! The directory as a whole: its database, its key file, its clock, and where it may send to.

use std::path::PathBuf;
use std::sync::Arc;

use db::{Clock, Ctx, Db, KeyFile, Migration};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::{Error, Outbound};

/// The scope of this crate's rows in `db`: a directory serves one organisation.
pub(crate) const SCOPE: &str = "directory";

/// The name of the train in the database.
pub(crate) const TRAIN: &str = "directory";
/// The train.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { name: "directory", sql: include_str!("migrations/0001-directory.sql") },
    Migration { name: "releases", sql: include_str!("migrations/0002-releases.sql") },
    Migration { name: "first seen", sql: include_str!("migrations/0003-first-seen.sql") },
    Migration {
        name: "members in doubt",
        sql: include_str!("migrations/0004-members-in-doubt.sql"),
    },
];

/// What a directory is opened with.
#[derive(Debug, Clone)]
pub struct DirectoryOptions {
    /// The database: `sqlite:PATH`.
    pub database: String,
    /// The file with the keys that seal tokens.
    pub key_file: PathBuf,
    /// The clock.
    pub clock: Clock,
    /// Where requests may go.
    pub outbound: Outbound,
}

/// The identity-provider side. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    pub(crate) db: Db,
    pub(crate) keys: Arc<KeyFile>,
    pub(crate) clock: Clock,
    pub(crate) outbound: Outbound,
}

impl Directory {
    /// Opens a directory, making its tables if they are not there.
    ///
    /// # Errors
    /// The database or the key file cannot be opened.
    pub fn open(options: &DirectoryOptions) -> Result<Self, Error> {
        Ok(Self {
            db: Db::open(&options.database, TRAIN, MIGRATIONS)?,
            keys: Arc::new(KeyFile::open(&options.key_file)?),
            clock: options.clock.clone(),
            outbound: options.outbound.clone(),
        })
    }

    /// Who does what is done next, why, and when.
    pub fn ctx(&self, actor: &str, cause: &str) -> Ctx {
        Ctx { actor: actor.into(), cause: cause.into(), now: self.clock.now() }
    }

    /// Today, where this machine stands: the day that plans are made for unless another is named.
    pub fn today(&self) -> Date {
        TimeZone::system().to_datetime(self.clock.now()).date()
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}
