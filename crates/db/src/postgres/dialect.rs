//! What this engine's SQL needs beside the one text: collation, the turns, its catalogue.

use std::ops::ControlFlow;
use std::time::Duration;

use super::Session;
use crate::error::{Error, Result};
use crate::limits::{CREATE_ATTEMPTS_MAX, RETRY_PAUSE_MILLIS};
use crate::params;

/// The present schema, told by the server's catalogue: columns, then indexes and keys.
pub(super) const SCHEMA: [&str; 2] = [
    "SELECT 'COLUMN ' || table_name || '.' || column_name || ' ' || data_type
         || CASE WHEN is_nullable = 'NO' THEN ' NOT NULL' ELSE '' END
     FROM information_schema.columns WHERE table_schema = current_schema()
     ORDER BY table_name, ordinal_position",
    "SELECT indexdef FROM pg_catalog.pg_indexes WHERE schemaname = current_schema()
     ORDER BY tablename, indexname",
];

/// The names of the tables.
pub(crate) const TABLES: &str = "SELECT CAST(tablename AS TEXT) FROM pg_catalog.pg_tables
     WHERE schemaname = current_schema() ORDER BY CAST(tablename AS TEXT) COLLATE \"C\"";
/// The columns of a table, each with its place in the primary key.
pub(crate) const COLUMNS: &str = "SELECT CAST(a.attname AS TEXT),
     CAST(COALESCE(array_position(CAST(i.indkey AS SMALLINT[]), a.attnum) + 1, 0) AS BIGINT)
     FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary
     WHERE c.relname = $1 ORDER BY CAST(a.attname AS TEXT) COLLATE \"C\"";
/// Whoever writes in a turn holds its row.
const TURNS: &str = "CREATE TABLE IF NOT EXISTS write_turns \
                     (turn TEXT COLLATE \"C\" NOT NULL PRIMARY KEY)";

/// Makes the schema and the table of turns, which everything else is done under, if they are
/// missing. Two that do so at once may get in each other's way, so it is tried again.
pub(crate) fn create_what_every_session_needs(session: &Session) -> Result<()> {
    let mut attempt = 1;
    loop {
        match create(session) {
            Err(Error::Unique { .. } | Error::Sql { .. } | Error::Busy)
                if attempt < CREATE_ATTEMPTS_MAX =>
            {
                attempt += 1;
                std::thread::sleep(Duration::from_millis(RETRY_PAUSE_MILLIS));
            }
            other => return other,
        }
    }
}

fn create(session: &Session) -> Result<()> {
    session.connect()?;
    if let Some(schema) = &session.address.schema {
        // Creating needs a right that using does not.
        let sql = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1";
        if !finds(session, sql, schema)? {
            session.batch(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"))?;
        }
    }
    let sql = "SELECT 1 FROM pg_catalog.pg_tables
               WHERE schemaname = current_schema() AND tablename = $1";
    if finds(session, sql, "write_turns")? { Ok(()) } else { session.batch(TURNS) }
}

fn finds(session: &Session, sql: &str, name: &str) -> Result<bool> {
    let mut found = false;
    session.visit(sql, params![name], &mut |_row| {
        found = true;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// The statements of a migration with every column of text compared byte by byte, as the other
/// engine does whatever the language of the server, and true and false kept as it keeps them.
pub(super) fn translated(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 64);
    for line in sql.split_inclusive('\n') {
        let (code, comment) = line.split_at(line.find("--").unwrap_or(line.len()));
        let mut last = 0;
        for (at, word) in words(code) {
            let (before, after) = (&code[..at], &code[at + word.len()..]);
            let is_cast = before.trim_end().ends_with(" AS");
            let is_collated = after.trim_start().starts_with("COLLATE");
            let replacement = match word {
                "TEXT" if !is_cast && !is_collated => "TEXT COLLATE \"C\"",
                "BOOLEAN" => "BIGINT",
                "FALSE" => "0",
                "TRUE" => "1",
                _ => continue,
            };
            out.push_str(&code[last..at]);
            out.push_str(replacement);
            last = at + word.len();
        }
        out.push_str(&code[last..]);
        out.push_str(comment);
    }
    out
}

/// Each word and where it begins.
fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.split(move |c| !is_part(c)).filter(|word| !word.is_empty()).map(move |word| {
        // A word is a part of the line, so the distance between their beginnings is its place.
        (word.as_ptr() as usize - code.as_ptr() as usize, word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_text_is_compared_byte_by_byte() {
        let check = |sql: &str, expected: &str| assert_eq!(translated(sql), expected);
        check("a TEXT NOT NULL, b BIGINT", "a TEXT COLLATE \"C\" NOT NULL, b BIGINT");
        check("ADD COLUMN a TEXT", "ADD COLUMN a TEXT COLLATE \"C\"");
        check("CAST(a AS TEXT)", "CAST(a AS TEXT)");
        check("a BIGINT, -- no TEXT\nb TEXT,", "a BIGINT, -- no TEXT\nb TEXT COLLATE \"C\",");
        check("a BOOLEAN DEFAULT FALSE", "a BIGINT DEFAULT 0");
        check("text BYTEA, CONTEXT BIGINT", "text BYTEA, CONTEXT BIGINT");
    }
}
