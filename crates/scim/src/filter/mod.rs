//! Filters (RFC 7644 3.4.2.2): grammar, evaluation and errors that name the column.
//!
//! `parse` reads text, `check` holds a filter against a resource type, `evaluate` against a
//! document, `restrict` against one of several types, `probe` says what an index may be asked, `display` prints.

mod canonical;
mod check;
mod display;
mod evaluate;
mod parse;
mod probe;
#[cfg(test)]
mod properties;
mod restrict;

use crate::{AttributePath, Error, ScimType};

pub(crate) use canonical::{canonical_value_filter, described_value};
pub(crate) use parse::Parser;
pub use restrict::Restricted;

/// A parsed filter. `and` binds tighter than `or`; `not` applies to a group.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// `path op literal`
    Compare {
        /// What is compared.
        path: AttributePath,
        /// How.
        op: CompareOp,
        /// With what.
        value: Literal,
    },
    /// `path pr`
    Present(AttributePath),
    /// All of these.
    And(Vec<Filter>),
    /// Any of these.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// `path[filter]`: one value of the attribute satisfies the whole filter.
    ValuePath {
        /// The multi-valued complex attribute.
        path: AttributePath,
        /// The filter over its sub-attributes.
        filter: Box<Filter>,
    },
}

/// The comparison operators of RFC 7644 table 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// equal
    Eq,
    /// not equal
    Ne,
    /// contains
    Co,
    /// starts with
    Sw,
    /// ends with
    Ew,
    /// greater than
    Gt,
    /// greater than or equal
    Ge,
    /// less than
    Lt,
    /// less than or equal
    Le,
}

/// A comparison value: a JSON scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A string.
    String(String),
    /// A number.
    Number(serde_json::Number),
    /// true or false.
    Boolean(bool),
    /// null.
    Null,
}

/// A filter that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct FilterError {
    /// The column, in characters, counted from 1.
    pub column: usize,
    /// What was expected, and what was found.
    pub message: String,
}

impl From<FilterError> for Error {
    /// RFC 7644 table 9, `invalidFilter`. A PATCH path is `invalidPath` instead.
    fn from(error: FilterError) -> Self {
        Self::bad_request(ScimType::InvalidFilter, format!("The filter cannot be read: {error}."))
    }
}
