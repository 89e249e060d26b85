//! What can go wrong in a database, in sentences that name the next step.
//!
//! Errors can be cloned, since one failed commit is the answer to every write it carried.

use std::path::PathBuf;
use std::sync::Arc;

use crate::limits::STATEMENT_SHOWN_MAX;

/// The outcome of a database operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause of an error, as the engine or the system told it.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

/// A database operation that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of the database names no engine.
    #[error(
        "`{url}` is no database address. Write sqlite:PATH, for example sqlite:directory.db, or postgres://USER:PASSWORD@HOST/DATABASE."
    )]
    Url {
        /// The address as given.
        url: String,
    },
    /// A database could not be copied into another.
    #[error(
        "The database was not copied: of the target, {problem}. Name an empty one and try again."
    )]
    Transfer {
        /// What is wrong with the target.
        problem: String,
    },
    /// The address of a PostgreSQL database cannot be used.
    #[error("`{url}` cannot be used as a database address: {problem}.")]
    Address {
        /// The address, without its password.
        url: String,
        /// What is wrong, and the next step.
        problem: String,
    },
    /// The server could not be reached, or refused to be spoken to.
    #[error(
        "The database {place} could not be reached: {source}. Check that it runs, and that address, user and password are right."
    )]
    Connect {
        /// The address, without its password.
        place: String,
        /// What the system or the server said.
        source: Source,
    },
    /// The connection broke before anything could be kept.
    #[error(
        "The connection to the database {place} broke ({source}); nothing was written. Try again."
    )]
    Lost {
        /// The address, without its password.
        place: String,
        /// What the system or the server said.
        source: Source,
    },
    /// The connection broke while the commit was under way.
    #[error(
        "The connection to the database {place} broke while a change was being kept: it may have been kept or not. Look before trying again."
    )]
    OutcomeUnknown {
        /// The address, without its password.
        place: String,
    },
    /// A statement ran for too long and was stopped.
    #[error("A statement took too long and was stopped. It was: {statement}")]
    TimedOut {
        /// The beginning of the statement.
        statement: String,
    },
    /// A value is larger than the engine can keep or index.
    #[error("A value is too large for its place: {detail}.")]
    TooLarge {
        /// What the engine said.
        detail: String,
    },
    /// A text holds the character U+0000, which not every engine can keep.
    #[error("A text holds the character U+0000, which cannot be kept. Leave it out.")]
    Nul,
    /// The file could not be opened or created.
    #[error(
        "The database {} could not be opened: {source}. Check that its folder exists and that this user may write there.",
        path.display()
    )]
    Open {
        /// The database file.
        path: PathBuf,
        /// What the engine or the system said.
        source: Source,
    },
    /// The file is something else than a database.
    #[error(
        "{} is not a database: it does not begin as one. Give another path, or restore it from a backup.",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file began as a database but its content is damaged.
    #[error("The database {} is damaged. Stop the program and restore it from a backup.", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The file, or the folder it lies in, may not be written.
    #[error(
        "The database {} may not be written. Give this user write permission on the file and its folder.",
        path.display()
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full; nothing of the transaction was kept.
    #[error("The disk that holds {} is full; nothing was written. Free some space and try again.", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The file carries a migration that this build does not know.
    #[error(
        "The database {} was written by a newer version: it has migration {position} `{name}` of {train}, which this build does not know. Run the newer version, or restore an older backup.",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The train of migrations.
        train: String,
        /// The place of the unknown migration, from 1.
        position: i64,
        /// Its name.
        name: String,
    },
    /// A migration that was applied differs from the one in this build.
    #[error(
        "Migration {position} `{name}` of {train} in {} is not the one this build has. A migration is never changed once it is released: run the version that wrote the database, or restore a backup.",
        path.display()
    )]
    MigrationChanged {
        /// The file.
        path: PathBuf,
        /// The train of migrations.
        train: String,
        /// The place of the migration, from 1.
        position: i64,
        /// Its name in this build.
        name: String,
    },
    /// The file belongs to another part of the program.
    #[error(
        "The database {} belongs to {found}, not to {train}. Give each its own database.",
        path.display()
    )]
    OtherTrain {
        /// The file.
        path: PathBuf,
        /// The train that was to be opened.
        train: String,
        /// The train the file holds.
        found: String,
    },
    /// A migration could not be applied; nothing of it was kept.
    #[error(
        "Migration `{name}` of {train} could not be applied, and nothing of it was kept: {source}"
    )]
    Migration {
        /// The train of migrations.
        train: String,
        /// The migration.
        name: String,
        /// Why it failed.
        source: Arc<Error>,
    },
    /// A value that must be unique exists already.
    #[error("A row with the same {constraint} exists already.")]
    Unique {
        /// The columns as `table.column, table.column`, or `index 'name'`.
        constraint: String,
    },
    /// A row names another that does not exist, or is still named by another.
    #[error("A row names one that does not exist, or is still named by another (foreign key).")]
    ForeignKey,
    /// A value breaks another rule of its table.
    #[error("A value breaks a rule of its table: {detail}.")]
    Constraint {
        /// What the engine said.
        detail: String,
    },
    /// A statement failed.
    #[error("A statement failed: {source}. It was: {statement}")]
    Sql {
        /// The beginning of the statement; it holds no values, those are parameters.
        statement: String,
        /// What the engine said.
        source: Source,
    },
    /// A write was tried in a read transaction.
    #[error("A read transaction cannot write. It was: {statement}")]
    WriteInRead {
        /// The beginning of the statement.
        statement: String,
    },
    /// A column holds something else than was asked for.
    #[error("Column {column} holds {found} where {wanted} was asked for.")]
    Column {
        /// The column, from 0.
        column: usize,
        /// The type that was asked for.
        wanted: &'static str,
        /// What it holds.
        found: &'static str,
    },
    /// A stored value could not be read back.
    #[error("{what} could not be read back: {problem}")]
    Unreadable {
        /// What was read, and whose it is.
        what: String,
        /// Why not.
        problem: String,
    },
    /// Exactly one row was asked for and there is none.
    #[error("There is no such row. The query was: {statement}")]
    NoRow {
        /// The beginning of the statement.
        statement: String,
    },
    /// Another process or transaction held the database for too long.
    #[error("The database is busy: another process holds it. Try again.")]
    Busy,
    /// The database was closed before the work was done.
    #[error("The database is closed; nothing was written.")]
    Closed,
    /// The work panicked; its transaction was rolled back.
    #[error("A transaction stopped with a bug and was rolled back: {message}")]
    Panicked {
        /// What the panic said.
        message: String,
    },
    /// A transaction was begun inside another.
    #[error("A transaction cannot be begun inside another: use the one at hand.")]
    Nested,
    /// The system gave no random bytes.
    #[error("The system gave no random bytes; nothing was written.")]
    NoRandomness,
    /// The key file could not be read or written.
    #[error("The key file {} could not be {doing}: {source}.", path.display())]
    KeyFile {
        /// The key file.
        path: PathBuf,
        /// `read` or `created`.
        doing: &'static str,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// Others than the owner may read the key file.
    #[error(
        "The key file {} can be read by others (mode {mode:04o}). Run: chmod 600 {}",
        path.display(), path.display()
    )]
    KeyFileExposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file holds something else than keys.
    #[error("The key file {}, line {line}: {problem}. Restore it from a backup.", path.display())]
    KeyFileContent {
        /// The key file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A secret was sealed with a key that the key file does not hold.
    #[error(
        "The secret {scope}/{name} was sealed with key {key_id}, which the key file does not hold. Use the key file it was sealed with, or set the secret again."
    )]
    KeyMissing {
        /// The secret's scope.
        scope: String,
        /// The secret's name.
        name: String,
        /// The key it was sealed with.
        key_id: String,
    },
    /// A sealed secret does not open: it was changed, or moved from another place.
    #[error("The secret {scope}/{name} does not open: it was changed or moved. Set it again.")]
    Unsealable {
        /// The secret's scope.
        scope: String,
        /// The secret's name.
        name: String,
    },
    /// A secret could not be sealed.
    #[error("The secret {scope}/{name} could not be sealed; nothing was stored.")]
    Unsealed {
        /// The secret's scope.
        scope: String,
        /// The secret's name.
        name: String,
    },
}

impl Error {
    /// Tells that a stored value, named by `what`, could not be read back because of `problem`.
    pub fn unreadable(what: impl Into<String>, problem: impl std::fmt::Display) -> Error {
        Error::Unreadable { what: what.into(), problem: problem.to_string() }
    }

    /// Whether the same request may succeed in a while, since only the database was not at hand.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Error::Busy
                | Error::Closed
                | Error::Connect { .. }
                | Error::Lost { .. }
                | Error::OutcomeUnknown { .. }
                | Error::TimedOut { .. }
        )
    }

    /// Whether a value was given that the database cannot keep.
    pub fn is_unfit_value(&self) -> bool {
        matches!(self, Error::Nul | Error::TooLarge { .. })
    }

    /// Whether a unique constraint that covers `column` (as `table.column`) was violated.
    pub fn is_unique(&self, column: &str) -> bool {
        match self {
            Error::Unique { constraint } => constraint.split(", ").any(|part| part == column),
            _ => false,
        }
    }
}

/// The beginning of a statement on one line, for an error message.
pub(crate) fn shown(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(STATEMENT_SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
