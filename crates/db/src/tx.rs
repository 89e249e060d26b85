//! Transactions: what can be asked and changed inside one.

use std::ops::{ControlFlow, Deref, DerefMut};

use crate::error::{Error, Result, shown};
use crate::row::Row;
use crate::session::Session;
use crate::value::Value;

/// A transaction that reads: all its queries see one moment of the database.
pub struct Read {
    session: Session,
}

/// A transaction that writes. It reads too, and sees what it wrote.
pub struct Tx {
    read: Read,
}

impl Read {
    pub(crate) fn over(session: Session) -> Read {
        Read { session }
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Every row of a query, each made into a `T`.
    ///
    /// Placeholders are `$1`, `$2`, … and must first appear in that order.
    pub fn query<T>(
        &mut self,
        sql: &str,
        params: &[Value],
        mut map: impl FnMut(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.session().visit(sql, params, &mut |row| {
            found.push(map(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// The first row of a query, if it has one.
    pub fn query_opt<T>(
        &mut self,
        sql: &str,
        params: &[Value],
        mut map: impl FnMut(&Row) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut found = None;
        self.session().visit(sql, params, &mut |row| {
            found = Some(map(row)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// The first row of a query that always has one; [`Error::NoRow`] if it has none.
    pub fn query_one<T>(
        &mut self,
        sql: &str,
        params: &[Value],
        map: impl FnMut(&Row) -> Result<T>,
    ) -> Result<T> {
        let found = self.query_opt(sql, params, map)?;
        found.ok_or_else(|| Error::NoRow { statement: shown(sql) })
    }

    /// Visits the rows of a query one by one, without holding more than one in memory, until
    /// they end or the closure breaks.
    pub fn for_each(
        &mut self,
        sql: &str,
        params: &[Value],
        mut visit: impl FnMut(&Row) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.session().stream(sql, params, &mut visit)
    }
}

impl Tx {
    pub(crate) fn over(session: Session) -> Tx {
        Tx { read: Read::over(session) }
    }

    /// Runs a statement that answers no rows; says how many rows it changed. A statement with
    /// `RETURNING` goes through [`Read::query`] and its kin.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.session().execute(sql, params)
    }
}

impl Deref for Tx {
    type Target = Read;

    fn deref(&self) -> &Read {
        &self.read
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Read {
        &mut self.read
    }
}
