//! Rows that come out of a query.
//!
//! A row lends its columns only while the query's closure runs; what is kept is copied out.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::error::{Error, Result};
use crate::postgres::PostgresRow;
use crate::sqlite::SqliteRow;

/// One row of a query's answer. Columns are counted from 0.
pub struct Row<'a>(pub(crate) Columns<'a>);

/// The row of whichever engine answered.
pub(crate) enum Columns<'a> {
    Sqlite(SqliteRow<'a>),
    Postgres(PostgresRow<'a>),
}

/// One column as every engine can tell it.
pub(crate) enum Cell<'a> {
    Null,
    Int(i64),
    Real,
    Text(&'a str),
    NotUtf8,
    Blob(&'a [u8]),
    Missing,
}

impl Row<'_> {
    /// Text, copied.
    pub fn text(&self, column: usize) -> Result<String> {
        self.text_ref(column).map(str::to_owned)
    }

    /// Text, lent while the row is.
    pub fn text_ref(&self, column: usize) -> Result<&str> {
        match self.cell(column) {
            Cell::Text(text) => Ok(text),
            other => Err(other.not(column, "text")),
        }
    }

    /// Text, if there is any.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>> {
        self.opt(column, Row::text)
    }

    /// A whole number.
    pub fn int(&self, column: usize) -> Result<i64> {
        match self.cell(column) {
            Cell::Int(number) => Ok(number),
            other => Err(other.not(column, "a whole number")),
        }
    }

    /// A whole number, if there is one.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        self.opt(column, Row::int)
    }

    /// A whole number that is never negative, such as a count or a version.
    pub fn count(&self, column: usize) -> Result<u64> {
        let number = self.int(column)?;
        u64::try_from(number).map_err(|_| Error::Column {
            column,
            wanted: "a count",
            found: "a negative number",
        })
    }

    /// True or false.
    pub fn bool(&self, column: usize) -> Result<bool> {
        match self.cell(column) {
            Cell::Int(0) => Ok(false),
            Cell::Int(1) => Ok(true),
            other => Err(other.not(column, "true or false")),
        }
    }

    /// True or false, if it is known.
    pub fn opt_bool(&self, column: usize) -> Result<Option<bool>> {
        self.opt(column, Row::bool)
    }

    /// Bytes, copied.
    pub fn blob(&self, column: usize) -> Result<Vec<u8>> {
        match self.cell(column) {
            Cell::Blob(bytes) => Ok(bytes.to_vec()),
            other => Err(other.not(column, "bytes")),
        }
    }

    /// Bytes, if there are any.
    pub fn opt_blob(&self, column: usize) -> Result<Option<Vec<u8>>> {
        self.opt(column, Row::blob)
    }

    /// A moment, kept as microseconds.
    pub fn timestamp(&self, column: usize) -> Result<Timestamp> {
        Timestamp::from_microsecond(self.int(column)?).map_err(|_| Error::Column {
            column,
            wanted: "a moment",
            found: "a number out of range",
        })
    }

    /// A moment, if there is one.
    pub fn opt_timestamp(&self, column: usize) -> Result<Option<Timestamp>> {
        self.opt(column, Row::timestamp)
    }

    /// A day, kept as text `2026-11-24`.
    pub fn date(&self, column: usize) -> Result<Date> {
        self.text_ref(column)?.parse().map_err(|_| Error::Column {
            column,
            wanted: "a date",
            found: "other text",
        })
    }

    /// A day, if there is one.
    pub fn opt_date(&self, column: usize) -> Result<Option<Date>> {
        self.opt(column, Row::date)
    }

    /// JSON, kept as text.
    pub fn json(&self, column: usize) -> Result<serde_json::Value> {
        serde_json::from_str(self.text_ref(column)?).map_err(|_| Error::Column {
            column,
            wanted: "JSON",
            found: "other text",
        })
    }

    /// JSON, if there is any.
    pub fn opt_json(&self, column: usize) -> Result<Option<serde_json::Value>> {
        self.opt(column, Row::json)
    }

    fn opt<T>(
        &self,
        column: usize,
        get: impl FnOnce(&Self, usize) -> Result<T>,
    ) -> Result<Option<T>> {
        match self.cell(column) {
            Cell::Null => Ok(None),
            _ => get(self, column).map(Some),
        }
    }

    /// The value of a column as every engine can tell it.
    pub(crate) fn cell(&self, column: usize) -> Cell<'_> {
        match &self.0 {
            Columns::Sqlite(row) => row.cell(column),
            Columns::Postgres(row) => row.cell(column),
        }
    }
}

impl Cell<'_> {
    fn not(&self, column: usize, wanted: &'static str) -> Error {
        let found = match self {
            Cell::Null => "nothing",
            Cell::Int(_) => "a whole number",
            Cell::Real => "a fraction",
            Cell::Text(_) => "text",
            Cell::NotUtf8 => "text that is not UTF-8",
            Cell::Blob(_) => "bytes",
            Cell::Missing => "nothing, for the query has fewer columns,",
        };
        Error::Column { column, wanted, found }
    }
}
