//! What can fail in the directory, with what the caller knew.

use crate::client::Failure;

/// An operation of the directory that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("the directory's database failed")]
    Db(#[from] db::Error),
    /// A thing of this name does not exist.
    #[error("there is no {kind} `{name}`")]
    NotFound {
        /// Source, group, rule, application, person.
        kind: &'static str,
        /// The name that was given.
        name: String,
    },
    /// A thing of this name exists already.
    #[error("there is already a {kind} `{name}`")]
    Exists {
        /// Source, group, rule, application.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A configuration that cannot be used.
    #[error("{what}: {message}")]
    Config {
        /// Which configuration.
        what: String,
        /// What is wrong, and the next step.
        message: String,
    },
    /// A file that cannot be read as what it should be.
    #[error("{file}: {message}")]
    File {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        message: String,
    },
    /// The application could not be asked or told.
    #[error("application `{application}`: {failure}")]
    Application {
        /// The application.
        application: String,
        /// What happened.
        failure: Failure,
    },
    /// Something stored cannot be read by this version.
    #[error("the stored {what} cannot be read: {message}")]
    Stored {
        /// What it is.
        what: &'static str,
        /// Why.
        message: String,
    },
    /// Somebody else works on the application.
    #[error("application `{application}` is being worked on by {holder}")]
    Busy {
        /// The application.
        application: String,
        /// Who holds its lease.
        holder: String,
    },
}
