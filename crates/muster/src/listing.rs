//! Lists: a table for a person, an array of whole values for a program.

use jiff::Timestamp;
use serde_json::Value;

use crate::error::CommandError;
use crate::output::Output;

/// Prints rows for a person, or values for a program. A cell is what a person reads; a value keeps
/// its types.
///
/// # Errors
/// Standard output is gone.
pub fn listing(
    output: &Output,
    headings: &[&str],
    rows: Vec<Vec<String>>,
    values: Vec<Value>,
) -> Result<(), CommandError> {
    if output.json { output.value(&Value::from(values)) } else { output.table(headings, &rows) }
}

/// A moment as a person reads it, to the second: `2026-11-24 09:00:00 UTC`.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A value, or a word for there being none.
pub fn or<T: ToString>(value: Option<T>, none: &str) -> String {
    value.map_or_else(|| none.to_string(), |value| value.to_string())
}

/// Several things in a cell, or a dash.
pub fn joined<T: ToString>(things: impl IntoIterator<Item = T>) -> String {
    let things: Vec<String> = things.into_iter().map(|thing| thing.to_string()).collect();
    if things.is_empty() { "-".into() } else { things.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_to_the_second() {
        let at: Timestamp = "2026-11-24T09:00:00.123456Z".parse().unwrap();
        assert_eq!(moment(at), "2026-11-24 09:00:00 UTC");
    }
}
