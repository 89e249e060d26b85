//! What can fail in the service provider, with what the caller knew.

use std::sync::Arc;

/// An operation of the service provider that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database failed.
    #[error("The service provider's database failed.")]
    Db(#[from] db::Error),
    /// A request that SCIM refuses.
    #[error(transparent)]
    Scim(#[from] scim::Error),
    /// A thing of this name does not exist.
    #[error("There is no {noun} `{id}`.")]
    NotFound {
        /// Tenant, token, user, group.
        noun: &'static str,
        /// The name or id that was given.
        id: String,
    },
    /// A thing of this name exists already.
    #[error("There is already a {noun} `{id}`.")]
    Exists {
        /// Tenant, token, user, group.
        noun: &'static str,
        /// The name.
        id: String,
    },
    /// Something was asked for that the rules do not allow.
    #[error("{sentence}")]
    Refused {
        /// What is not allowed, to whom, and the next step.
        sentence: String,
    },
    /// The beginning of a log was cut off.
    #[error(
        "The events up to place {place} have been removed. Read users and groups over SCIM, then go on with after={place}."
    )]
    Truncated {
        /// The place of the last event that is gone.
        place: i64,
    },
    /// A configuration that cannot be used.
    #[error("{what}: {message}")]
    Config {
        /// Which part of the configuration.
        what: &'static str,
        /// What is wrong, and the next step.
        message: String,
    },
    /// Something stored cannot be read by this version.
    #[error("The stored {what} cannot be read: {message}")]
    Stored {
        /// What it is, and whose.
        what: String,
        /// Why.
        message: String,
    },
    /// The operating system refused something.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        #[source]
        source: Arc<std::io::Error>,
    },
}

/// The outcome of an operation of the service provider.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Tells that a thing of this name does not exist.
    pub fn not_found(noun: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound { noun, id: id.into() }
    }

    /// Tells that something is not allowed, in a sentence of its own.
    pub fn refused(sentence: impl Into<String>) -> Self {
        Self::Refused { sentence: sentence.into() }
    }

    /// Tells that something stored cannot be read.
    pub(crate) fn stored(what: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self::Stored { what: what.into(), message: message.to_string() }
    }

    /// What a SCIM client is told. Faults of ours are logged with their causes, and told without.
    pub fn to_scim(&self) -> scim::Error {
        match self {
            Self::Scim(error) => error.clone(),
            Self::Db(error) if error.is_temporary() => {
                tracing::warn!(error = %Chain(self), "a request was put off");
                scim::Error::new(503, "The server is busy. Send the request again in a moment.")
            }
            Self::Db(error) if error.is_unfit_value() => {
                scim::Error::bad_request(scim::ScimType::InvalidValue, error.to_string())
            }
            // Looked for before it was written, so that somebody else was first in between.
            Self::Db(db::Error::Unique { .. }) => scim::Error::uniqueness(
                "Another request has just taken a value that must be unique. Read again and decide.",
            ),
            Self::NotFound { .. } => scim::Error::new(404, self.to_string()),
            Self::Exists { .. } => scim::Error::uniqueness(self.to_string()),
            Self::Refused { sentence } => scim::Error::new(403, sentence.clone()),
            Self::Truncated { .. } => scim::Error::new(410, self.to_string()),
            fault => {
                tracing::error!(error = %Chain(fault), "a request failed");
                scim::Error::new(
                    500,
                    "The server has a fault and could not carry out the request. It has been logged.",
                )
            }
        }
    }
}

/// An error with its causes, on one line.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, " {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
