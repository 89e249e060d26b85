//! The one place where errors become sentences with a next step and an exit code.

use std::fmt;

/// A command that did not do what was asked.
#[derive(Debug)]
pub struct CommandError {
    /// What kind of failure; decides the exit code.
    pub kind: Kind,
    /// What happened, to whom.
    pub message: String,
    /// What to do next, one sentence each.
    pub hints: Vec<String>,
}

/// The kinds of failure, as the exit code tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 1: the command failed.
    Failed,
    /// 2: bad usage or configuration.
    Usage,
    /// 3: held for a person's approval.
    Held,
}

impl CommandError {
    /// The command failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, message: message.into(), hints: Vec::new() }
    }

    /// The command line or the configuration is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, message: message.into(), hints: Vec::new() }
    }

    /// A person has to approve first.
    pub fn held(message: impl Into<String>) -> Self {
        Self { kind: Kind::Held, message: message.into(), hints: Vec::new() }
    }

    /// Adds a next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The exit code: 1 failed, 2 usage, 3 held.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Held => 3,
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        for hint in &self.hints {
            write!(f, "\n  -> {hint}")?;
        }
        Ok(())
    }
}

/// An error with every cause beneath it, as one sentence.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        Self::failed(chain(&error))
    }
}

impl From<serde_json::Error> for CommandError {
    fn from(error: serde_json::Error) -> Self {
        Self::failed(chain(&error))
    }
}

impl From<db::Error> for CommandError {
    fn from(error: db::Error) -> Self {
        Self::failed(chain(&error))
    }
}

impl From<directory::Error> for CommandError {
    fn from(error: directory::Error) -> Self {
        use directory::Error;
        let message = chain(&error);
        match error {
            Error::NotFound { .. } | Error::Exists { .. } | Error::Config { .. } => {
                Self::usage(message)
            }
            Error::Application { failure, .. } => Self::failed(message).hint(failure.next_step()),
            _ => Self::failed(message),
        }
    }
}

impl From<service_provider::Error> for CommandError {
    fn from(error: service_provider::Error) -> Self {
        Self::failed(chain(&error))
    }
}
