//! The connection of whichever engine a database is, and what all of them can do.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Result;
use crate::postgres::{self, Address, Role};
use crate::sqlite::{self, again};
use crate::value::Value;
use crate::visit::Visit;

/// One connection.
pub(crate) enum Session {
    Sqlite(Box<sqlite::Session>),
    Postgres(Box<postgres::Session>),
}

/// Where a database is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Sqlite(PathBuf),
    Postgres(Arc<Address>),
}

impl Place {
    /// Opens a session that only reads.
    pub(crate) fn reader(&self) -> Result<Session> {
        Ok(match self {
            Place::Sqlite(path) => Session::Sqlite(Box::new(sqlite::Session::reader(path)?)),
            Place::Postgres(address) => {
                postgres::Session::new(address.clone(), Role::Reader).into()
            }
        })
    }

    /// Opens a session that writes.
    pub(crate) fn writer(&self) -> Result<Session> {
        Ok(match self {
            Place::Sqlite(path) => Session::Sqlite(Box::new(sqlite::Session::writer(path)?)),
            Place::Postgres(address) => {
                postgres::Session::new(address.clone(), Role::Writer).into()
            }
        })
    }
}

impl From<postgres::Session> for Session {
    fn from(session: postgres::Session) -> Session {
        Session::Postgres(Box::new(session))
    }
}

impl Session {
    /// Runs a query and hands over its rows.
    pub(crate) fn visit(&self, sql: &str, params: &[Value], visit: Visit) -> Result<()> {
        match self {
            Session::Sqlite(session) => session.visit(sql, params, visit),
            Session::Postgres(session) => session.visit(sql, params, visit),
        }
    }

    /// Runs a query and hands over its rows, of which few are in memory at a time.
    pub(crate) fn stream(&self, sql: &str, params: &[Value], visit: Visit) -> Result<()> {
        match self {
            Session::Sqlite(session) => session.visit(sql, params, visit),
            Session::Postgres(session) => session.stream(sql, params, visit),
        }
    }

    /// Runs a statement that answers no rows and says how many it changed.
    pub(crate) fn execute(&self, sql: &str, params: &[Value]) -> Result<u64> {
        match self {
            Session::Sqlite(session) => session.execute(sql, params),
            Session::Postgres(session) => session.execute(sql, params),
        }
    }

    /// Runs several statements without parameters, in the engine's dialect.
    pub(crate) fn batch(&self, sql: &str) -> Result<()> {
        match self {
            Session::Sqlite(session) => session.batch(sql),
            Session::Postgres(session) => session.batch(sql),
        }
    }

    /// Begins a read, all of whose queries see one moment.
    pub(crate) fn begin_read(&self) -> Result<()> {
        match self {
            Session::Sqlite(session) => session.begin_read(),
            Session::Postgres(session) => session.begin_read(),
        }
    }

    /// Ends a read. A session whose read cannot be ended is not used again.
    pub(crate) fn end_read(&self) -> Result<()> {
        match self {
            Session::Sqlite(session) => session.roll_back(),
            Session::Postgres(session) => session.end_read(),
        }
    }

    /// Begins the write in which a migration is applied, once nobody else does so.
    pub(crate) fn begin_migration(&self) -> Result<()> {
        match self {
            Session::Sqlite(session) => again(session, || session.begin_write()),
            Session::Postgres(session) => session.begin_migration(),
        }
    }

    /// Commits what is open.
    pub(crate) fn commit(&self) -> Result<()> {
        match self {
            Session::Sqlite(session) => session.commit(),
            Session::Postgres(session) => session.commit(),
        }
    }

    /// Rolls back whatever is open.
    pub(crate) fn roll_back(&self) -> Result<()> {
        match self {
            Session::Sqlite(session) => session.roll_back(),
            Session::Postgres(session) => session.roll_back(),
        }
    }

    /// Whether a statement since the last call failed in a way that another attempt may mend.
    pub(crate) fn take_retryable(&self) -> bool {
        match self {
            Session::Sqlite(session) => session.take_retryable(),
            Session::Postgres(session) => session.take_retryable(),
        }
    }

    /// Where the database is: a file, or an address without its password.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Session::Sqlite(session) => session.path(),
            Session::Postgres(session) => session.path(),
        }
    }

    /// The whole schema as text, in a stable order.
    pub(crate) fn schema(&self) -> Result<Vec<String>> {
        match self {
            Session::Sqlite(session) => session.schema(),
            Session::Postgres(session) => session.schema(),
        }
    }

    /// The names of the tables, in their order.
    pub(crate) fn tables(&self) -> Result<Vec<String>> {
        let sql = match self {
            Session::Sqlite(_) => sqlite::TABLES,
            Session::Postgres(_) => postgres::TABLES,
        };
        let mut names = Vec::new();
        self.visit(sql, &[], &mut |row| {
            names.push(row.text(0)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(names)
    }

    /// The columns of a table, each with its place in the primary key, from 1; 0 is none.
    pub(crate) fn columns(&self, table: &str) -> Result<Vec<(String, i64)>> {
        let sql = match self {
            Session::Sqlite(_) => sqlite::COLUMNS,
            Session::Postgres(_) => postgres::COLUMNS,
        };
        let mut columns = Vec::new();
        self.visit(sql, &[Value::from(table)], &mut |row| {
            columns.push((row.text(0)?, row.int(1)?));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(columns)
    }
}
