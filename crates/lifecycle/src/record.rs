//! Records: one row of a source, read and typed.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{EmployeeNumber, ProfilePath};

/// One row of a source. Columns nobody mapped are not in it, and are stored nowhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The line in the file, or the position in the answer, counted from 1.
    pub line: u64,
    /// Whom the row is about.
    pub employee_number: EmployeeNumber,
    /// The mapped values. None: the column is there and empty, so the attribute loses its value. A
    /// path that is not in the map is none of the source's business.
    pub values: BTreeMap<ProfilePath, Option<Value>>,
    /// The first day of the employment the row is about.
    pub hire_date: Option<Date>,
    /// The first day after it.
    pub termination_date: Option<Date>,
    /// What the status column says, if there is one.
    pub status: Option<StatusWord>,
}

/// What a source's own word for a status means. Leave counts as employed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusWord {
    /// Employed, on leave, or hired for a later day.
    Employed,
    /// Not employed any more.
    Left,
}

/// A row that could not become a [`Record`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRow {
    /// The line in the file.
    pub line: u64,
    /// Whom it is about, if at least that could be read. Such a person is not missing.
    pub employee_number: Option<EmployeeNumber>,
    /// What is wrong with it, without a full stop: `hire_date "31/12/2020" is no M/D/YYYY`.
    pub problem: String,
}
