//! Everything that is PostgreSQL's own: connecting, statements, error codes, dialect.
//!
//! No file outside this folder names the engine's crate. A session is one connection, used by one
//! thread at a time. What need not be waited for (`BEGIN`, a turn's lock, savepoints) is sent
//! together with the statement that follows it, so that a read of one query is one round trip.

mod address;
mod connection;
mod dialect;
mod explain;
mod tls;
mod values;
mod wire;
mod writers;

use std::cell::{Cell as Flag, RefCell};
use std::path::Path;
use std::sync::Arc;

use tokio_postgres::types::{ToSql, Type};

pub(crate) use self::address::{Address, redacted};
use self::connection::{Connection, Trouble};
pub(crate) use self::dialect::{COLUMNS, TABLES, create_what_every_session_needs};
pub(crate) use self::values::PostgresRow;
pub(crate) use self::writers::Writers;
use crate::error::{Error, Result};
use crate::limits::FETCH_ROWS;
use crate::row::{Columns, Row};
use crate::turn::Turn;
use crate::value::Value;
use crate::visit::Visit;

/// The turn in which migrations are applied.
const MIGRATING: &str = "muster migrations";

/// One connection, made anew when it breaks.
pub(crate) struct Session {
    address: Arc<Address>,
    role: Role,
    live: RefCell<Option<Connection>>,
    /// The error after which the engine refuses everything until the savepoint is undone.
    aborted: RefCell<Option<Error>>,
    /// Whether a statement since the last look failed in a way that another attempt may mend.
    retryable: Flag<bool>,
    cursor_count: Flag<u32>,
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It reads.
    Reader,
    /// It writes, under a turn's lock.
    Writer,
}

impl Session {
    /// A session that connects when it is first needed.
    pub(crate) fn new(address: Arc<Address>, role: Role) -> Session {
        Session {
            address,
            role,
            live: RefCell::new(None),
            aborted: RefCell::new(None),
            retryable: Flag::new(false),
            cursor_count: Flag::new(0),
        }
    }

    /// Runs a query and hands over its rows, which are all there by then.
    pub(crate) fn visit(&self, sql: &str, params: &[Value], visit: Visit) -> Result<()> {
        let rows = self.run(sql, params, |connection| connection.query(sql, params))?;
        for row in &rows {
            if visit(&Row(Columns::Postgres(PostgresRow(row))))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Runs a query and hands over its rows, of which few are there at a time.
    pub(crate) fn stream(&self, sql: &str, params: &[Value], visit: Visit) -> Result<()> {
        let name = format!("rows_{}", self.cursor_count.replace(self.cursor_count.get() + 1));
        let declare = format!("DECLARE {name} NO SCROLL CURSOR FOR {sql}");
        let fetch = format!("FETCH {FETCH_ROWS} FROM {name}");
        let mut rows =
            self.run(sql, params, |connection| connection.first_rows(&declare, params, &fetch))?;
        loop {
            for row in &rows {
                if visit(&Row(Columns::Postgres(PostgresRow(row))))?.is_break() {
                    return self.put_off(&format!("CLOSE {name}"));
                }
            }
            if rows.len() < FETCH_ROWS {
                return self.put_off(&format!("CLOSE {name}"));
            }
            rows = self.run(sql, &[], |connection| connection.query_once(&fetch, &[]))?;
        }
    }

    /// Runs a statement that answers no rows and says how many it changed.
    pub(crate) fn execute(&self, sql: &str, params: &[Value]) -> Result<u64> {
        self.run(sql, params, |connection| connection.execute(sql, params))
    }

    /// Runs several statements without parameters, in this engine's dialect, however long they take.
    pub(crate) fn batch(&self, sql: &str) -> Result<()> {
        let sql = dialect::translated(sql);
        self.run(&sql, &[], |connection| connection.batch(&sql))
    }

    /// Begins a read, all of whose queries see one moment.
    pub(crate) fn begin_read(&self) -> Result<()> {
        self.connect()?;
        self.put_off("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    /// Ends a read, without waiting for the answer.
    pub(crate) fn end_read(&self) -> Result<()> {
        self.aborted.take();
        match &mut *self.live.borrow_mut() {
            Some(connection) if !connection.is_lost() => {
                connection.put_off("ROLLBACK");
                connection.send();
                Ok(())
            }
            _ => Err(Error::Closed),
        }
    }

    /// Begins a write in a turn: nobody else writes in it, on any node, until it is over. Each of
    /// its statements sees what was committed before the statement, so everything of the turn.
    pub(crate) fn begin_turn(&self, turn: &Turn) -> Result<()> {
        self.connect()?;
        self.on_connection(|connection| connection.know_turn(turn.as_str()))?;
        self.put_off("BEGIN ISOLATION LEVEL READ COMMITTED")?;
        self.live.borrow_mut().as_mut().ok_or(Error::Closed)?.put_off_lock(turn.as_str());
        Ok(())
    }

    /// Begins the write in which a migration is applied; two nodes never do so at once.
    pub(crate) fn begin_migration(&self) -> Result<()> {
        self.begin_turn(&MIGRATING.into())?;
        // A table may take long to be changed, and the other node long to be done with it.
        self.put_off("SET LOCAL statement_timeout = 0")?;
        self.put_off("SET LOCAL lock_timeout = 0")
    }

    /// Commits; until it is answered nobody knows whether it happened.
    pub(crate) fn commit(&self) -> Result<()> {
        let known_lost = self.is_lost();
        let committed = self.on_connection(|connection| connection.end("COMMIT"));
        match committed {
            Err(Error::Lost { place, .. }) if !known_lost => Err(Error::OutcomeUnknown { place }),
            other => other,
        }
    }

    /// Rolls back whatever is open.
    pub(crate) fn roll_back(&self) -> Result<()> {
        self.aborted.take();
        match &mut *self.live.borrow_mut() {
            Some(connection) if !connection.is_lost() => {
                // What went wrong before has been told already.
                let _ = connection.end("ROLLBACK");
                Ok(())
            }
            // The server rolls back what a broken connection began.
            _ => Ok(()),
        }
    }

    pub(crate) fn set_savepoint(&self) -> Result<()> {
        self.put_off("SAVEPOINT job")
    }

    pub(crate) fn keep_savepoint(&self) -> Result<()> {
        self.put_off("RELEASE job")
    }

    pub(crate) fn undo_savepoint(&self) -> Result<()> {
        self.aborted.take();
        self.put_off("ROLLBACK TO job")?;
        self.put_off("RELEASE job")
    }

    /// The error after which nothing of the savepoint can be kept, if there was one.
    pub(crate) fn take_aborted(&self) -> Option<Error> {
        self.aborted.take()
    }

    /// Whether the connection broke: nothing of an open transaction was kept.
    pub(crate) fn is_lost(&self) -> bool {
        self.live.borrow().as_ref().is_none_or(Connection::is_lost)
    }

    /// Whether a statement since the last call failed in a way that another attempt may mend.
    pub(crate) fn take_retryable(&self) -> bool {
        self.retryable.take()
    }

    /// Where the database is, without its password.
    pub(crate) fn path(&self) -> &Path {
        self.address.path()
    }

    /// The whole schema as text, in a stable order.
    pub(crate) fn schema(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for sql in dialect::SCHEMA {
            self.visit(sql, &[], &mut |row| {
                found.push(row.text(0)?);
                Ok(std::ops::ControlFlow::Continue(()))
            })?;
        }
        Ok(found)
    }

    /// Makes sure that there is a connection that is not known to be broken.
    fn connect(&self) -> Result<()> {
        self.aborted.take();
        let mut live = self.live.borrow_mut();
        if live.as_ref().is_none_or(Connection::is_lost) {
            *live = None;
            *live = Some(Connection::open(&self.address, self.role)?);
        }
        Ok(())
    }

    /// Has something sent together with the next statement.
    fn put_off(&self, sql: &str) -> Result<()> {
        self.live.borrow_mut().as_mut().ok_or(Error::Closed)?.put_off(sql);
        Ok(())
    }

    fn run<T>(
        &self,
        sql: &str,
        params: &[Value],
        statement: impl FnOnce(&mut Connection) -> Result<T, Trouble>,
    ) -> Result<T> {
        if let Some(error) = &*self.aborted.borrow() {
            return Err(error.clone());
        }
        crate::value::refuse_nul(params)?;
        let mut live = self.live.borrow_mut();
        let connection = live.as_mut().ok_or(Error::Closed)?;
        statement(connection).map_err(|trouble| {
            let told = explain::explain(&self.address, sql, trouble);
            self.retryable.set(self.retryable.get() || told.retryable);
            if told.forget_statements {
                connection.forget_statements();
            }
            self.aborted.replace(Some(told.error.clone()));
            told.error
        })
    }

    fn on_connection<T>(
        &self,
        step: impl FnOnce(&mut Connection) -> Result<T, Trouble>,
    ) -> Result<T> {
        let mut live = self.live.borrow_mut();
        step(live.as_mut().ok_or(Error::Closed)?).map_err(|trouble| {
            let told = explain::explain(&self.address, "", trouble);
            self.retryable.set(self.retryable.get() || told.retryable);
            told.error
        })
    }
}

/// Runs one statement outside of any transaction, such as one that makes a database.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn run_alone(url: &str, sql: &str) -> Result<()> {
    let session = Session::new(Arc::new(Address::parse(url)?), Role::Writer);
    session.connect()?;
    session.batch(sql)
}

/// The parameters as the engine's crate takes them.
fn bound(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// The type that each parameter has by itself. What is absent has that of the place it stands at.
fn types(params: &[Value]) -> Vec<Type> {
    params.iter().map(values::type_of).collect()
}

#[cfg(test)]
mod tests;
