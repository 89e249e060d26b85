//! Turns: whose writers go one after another.

use std::fmt;
use std::sync::Arc;

/// The scope whose writers go one after another: a tenant, or a half that has only one scope.
///
/// Writes of one turn never run beside each other, on any node; writes of different turns may, so
/// a write changes rows of its own turn's scope and of no other. Turns are also what the database
/// is fair between: one with many writes waiting does not keep another's single one from its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Turn(Arc<str>);

impl Turn {
    /// The name of the scope.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Turn {
    fn from(name: &str) -> Turn {
        Turn(name.into())
    }
}

impl From<String> for Turn {
    fn from(name: String) -> Turn {
        Turn(name.into())
    }
}

impl From<&String> for Turn {
    fn from(name: &String) -> Turn {
        Turn(name.as_str().into())
    }
}

impl From<Arc<str>> for Turn {
    fn from(name: Arc<str>) -> Turn {
        Turn(name)
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
