//! What the server's errors mean.

use std::io;
use std::sync::Arc;

use tokio_postgres::error::{DbError, SqlState};

use super::address::Address;
use super::connection::Trouble;
use crate::error::{Error, shown};

/// An error, and what may be done about it.
pub(super) struct Told {
    pub(super) error: Error,
    /// Whether the transaction may succeed if it is run again.
    pub(super) retryable: bool,
    /// Whether what was prepared no longer fits the tables.
    pub(super) forget_statements: bool,
}

impl Told {
    fn of(error: Error) -> Told {
        Told { error, retryable: false, forget_statements: false }
    }

    fn again(error: Error) -> Told {
        Told { error, retryable: true, forget_statements: false }
    }
}

/// Tells what happened to `sql`.
pub(super) fn explain(address: &Address, sql: &str, trouble: Trouble) -> Told {
    match trouble {
        Trouble::Lost(error) => lost(address, error),
        Trouble::NoTurn => Told::again(Error::Busy),
        Trouble::Refused(error) => match error.as_db_error() {
            Some(said) => explain_code(address, sql, said),
            None => Told::of(Error::Sql { statement: shown(sql), source: Arc::new(error) }),
        },
    }
}

/// Whether the server ended the connection with this error.
pub(super) fn ends_connection(error: &tokio_postgres::Error) -> bool {
    let code = error.code().map(SqlState::code).unwrap_or_default();
    error.is_closed()
        || std::error::Error::source(error).is_some_and(|source| source.is::<io::Error>())
        || matches!(code, "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04")
        || code.starts_with("08")
}

fn lost(address: &Address, source: io::Error) -> Told {
    let place = address.path().display().to_string();
    Told::again(Error::Lost { place, source: Arc::new(source) })
}

fn explain_code(address: &Address, sql: &str, said: &DbError) -> Told {
    let statement = || shown(sql);
    Told::of(match said.code().code() {
        "23505" => Error::Unique { constraint: constraint(said) },
        "23503" => Error::ForeignKey,
        code if code.starts_with("23") => {
            Error::Constraint { detail: said.message().trim_end_matches('.').to_owned() }
        }
        "25006" => Error::WriteInRead { statement: statement() },
        // Somebody else was first: a serialization failure, a deadlock, a lock that was not given.
        "40001" | "40P01" | "55P03" => return Told::again(Error::Busy),
        "57014" => Error::TimedOut { statement: statement() },
        "54000" | "54001" | "22001" | "53200" => {
            Error::TooLarge { detail: said.message().trim_end_matches('.').to_owned() }
        }
        "22021" => Error::Nul,
        "53100" => Error::DiskFull { path: address.path().to_owned() },
        // A table was changed under a statement that was prepared before.
        "0A000" if said.message().contains("cached plan") => {
            let error = Error::Busy;
            return Told { error, retryable: true, forget_statements: true };
        }
        _ => {
            let source = Arc::new(io::Error::other(said.message().to_owned()));
            Error::Sql { statement: statement(), source }
        }
    })
}

/// The columns that must be unique, as `table.column, table.column`.
fn constraint(said: &DbError) -> String {
    // "Key (tenant, user_name)=(acme, ana) already exists."; the words are the server's language's.
    let columns = said.detail().and_then(|detail| {
        let (_, rest) = detail.split_once('(')?;
        Some(rest.split_once(")=(")?.0)
    });
    match (said.table(), columns) {
        (Some(table), Some(columns)) if !columns.contains('(') => {
            let columns = columns.split(", ").map(|column| format!("{table}.{column}"));
            columns.collect::<Vec<_>>().join(", ")
        }
        _ => format!("index '{}'", said.constraint().unwrap_or_default()),
    }
}
