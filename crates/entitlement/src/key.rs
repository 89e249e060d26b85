//! Identifiers: keys of the catalogue, users, groups.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits;

/// The key of a license type or product: lower-case letters, digits and hyphens, as in
/// `workplace-licensed`. Always valid once built.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing was given.
    #[error("A key must not be empty. Give a name such as `workplace-licensed`.")]
    Empty,
    /// It is longer than a key may be.
    #[error("A key has at most {max} characters, `{given}` has {length}. Shorten it.", max = limits::KEY_BYTES_MAX)]
    TooLong {
        /// What was given.
        given: String,
        /// Its length in bytes.
        length: usize,
    },
    /// It holds a character that keys do not have.
    #[error(
        "The key `{given}` holds {found:?}. Use letters, digits and hyphens, and begin with a letter or digit."
    )]
    BadCharacter {
        /// What was given.
        given: String,
        /// The first character that does not belong.
        found: char,
    },
}

impl Key {
    /// Reads a key; surrounding space is dropped and ASCII letters are lowered.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        if text.len() > limits::KEY_BYTES_MAX {
            return Err(KeyError::TooLong { given: text.to_owned(), length: text.len() });
        }
        let foreign = text
            .chars()
            .enumerate()
            .find(|(i, c)| !(c.is_ascii_alphanumeric() || (*c == '-' && *i > 0)));
        if let Some((_, found)) = foreign {
            return Err(KeyError::BadCharacter { given: text.to_owned(), found });
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::parse(&text)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

/// A user, by an id that only its owner understands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub String);

/// A group, by an id that only its owner understands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(pub String);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_lowered_and_only_plain_characters_pass() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let got = Key::parse(text);
            match (&got, expected) {
                (Ok(key), Ok(wanted)) => assert_eq!(key.as_str(), wanted),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                _ => panic!("{text:?} gave {got:?}"),
            }
        };
        check("workplace-licensed", Ok("workplace-licensed"));
        check("  Phone ", Ok("phone"));
        check("4", Ok("4"));
        check("", Err("must not be empty"));
        check("   ", Err("must not be empty"));
        check("-phone", Err("'-'"));
        check("zoom phone", Err("' '"));
        check("größe", Err("'ö'"));
        check(&"a".repeat(65), Err("at most 64"));
    }

    #[test]
    fn a_bad_key_is_refused_by_serde_too() {
        assert!(serde_json::from_str::<Key>("\"a b\"").is_err());
        assert_eq!(serde_json::to_string(&Key::parse("a").unwrap()).unwrap(), "\"a\"");
    }
}
