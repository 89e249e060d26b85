//! Identifiers: strings that are valid once they exist, each kind a type of its own.
//!
//! They are cheap to copy (shared text), since a plan names the same person many times.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits;

/// A text that cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing but white space.
    #[error("{kind} is empty: give it a value")]
    Empty {
        /// What it should have been: `person id`.
        kind: &'static str,
    },
    /// Longer than the limit.
    #[error("{kind} is {bytes} bytes long; at most {bytes_max} are allowed")]
    TooLong {
        /// What it should have been.
        kind: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A line break, a NUL or the like inside.
    #[error("{kind} contains a control character: `{}`", text.escape_debug())]
    ControlCharacter {
        /// What it should have been.
        kind: &'static str,
        /// The text.
        text: String,
    },
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $bytes_max:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads one; white space around it is dropped.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                checked(text, $kind, $bytes_max).map(|text| Self(Arc::from(text)))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                String::from(&*id.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
    };
}

id_type!(
    /// A person of the directory.
    PersonId,
    "person id",
    limits::ID_BYTES_MAX
);
id_type!(
    /// A group of the directory.
    GroupId,
    "group id",
    limits::ID_BYTES_MAX
);
id_type!(
    /// A rule that fills groups.
    RuleId,
    "rule id",
    limits::ID_BYTES_MAX
);
id_type!(
    /// An application that people get accounts in.
    ApplicationId,
    "application id",
    limits::ID_BYTES_MAX
);
id_type!(
    /// A source of people: an HR export, an HR system.
    SourceId,
    "source id",
    limits::ID_BYTES_MAX
);
id_type!(
    /// What an application calls a resource of its own; nothing may be read into it.
    RemoteId,
    "remote id",
    limits::ID_BYTES_MAX
);
id_type!(
    /// The number by which HR knows a person; never given to a second one. Compared exactly.
    EmployeeNumber,
    "employee number",
    limits::EMPLOYEE_NUMBER_BYTES_MAX
);

fn checked<'a>(text: &'a str, kind: &'static str, bytes_max: usize) -> Result<&'a str, IdError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(IdError::Empty { kind });
    }
    if text.len() > bytes_max {
        return Err(IdError::TooLong { kind, bytes: text.len(), bytes_max });
    }
    if text.chars().any(char::is_control) {
        return Err(IdError::ControlCharacter { kind, text: text.to_owned() });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_is_dropped() {
        assert_eq!(EmployeeNumber::parse(" 00-0037846\r\n").unwrap().as_str(), "00-0037846");
    }

    #[test]
    fn what_is_no_identifier_is_refused_with_the_reason() {
        let message = |text: &str| PersonId::parse(text).unwrap_err().to_string();
        assert_eq!(message("  "), "person id is empty: give it a value");
        assert_eq!(message("a\tb"), "person id contains a control character: `a\\tb`");
        assert_eq!(
            message(&"x".repeat(513)),
            "person id is 513 bytes long; at most 512 are allowed"
        );
    }

    #[test]
    fn stored_text_is_checked_when_it_is_read_again() {
        let id = GroupId::parse("sales").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"sales\"");
        assert_eq!(serde_json::from_str::<GroupId>("\"sales\"").unwrap(), id);
        assert!(serde_json::from_str::<GroupId>("\"\"").is_err());
    }
}
