//! Everything that is SQLite's own: opening, pragmas, statements, error codes, dialect.
//!
//! No other file names the engine's crate. The journal is a write-ahead log and every commit is
//! on disk before it is acknowledged (`synchronous = FULL`).

use std::cell::{Cell as Flag, RefCell};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use crate::error::{Error, Result, shown};
use crate::limits::{
    ATTEMPTS_MAX, BUSY_WAIT_MILLIS, READER_CACHE_KIB, RETRY_PAUSE_MILLIS, STATEMENT_CACHE_MAX,
    WAL_BYTES_KEPT, WRITER_CACHE_KIB,
};
use crate::row::{Cell, Columns, Row};
use crate::value::{Value, refuse_nul};
use crate::visit::Visit;

/// The names of the tables.
pub(crate) const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table'
     AND name NOT LIKE 'sqlite^_%' ESCAPE '^' ORDER BY name";
/// The columns of a table, each with its place in the primary key.
pub(crate) const COLUMNS: &str = "SELECT name, pk FROM pragma_table_info($1) ORDER BY name";

/// Tables whose key is their storage order end in this comment; other engines ignore it.
const CLUSTERED: &str = "/* clustered */";

/// One connection.
pub(crate) struct Session {
    connection: Connection,
    path: Arc<Path>,
    mode: Mode,
    /// Whether a statement since the last look failed only because somebody else was first.
    retryable: Flag<bool>,
    /// The error with which the engine gave a whole transaction up.
    given_up: RefCell<Option<Error>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Read,
    Write,
}

/// A row lent by a running statement.
pub(crate) struct SqliteRow<'a>(&'a rusqlite::Row<'a>);

impl Session {
    /// Opens the one connection that writes, creating the file for this user alone if need be.
    pub(crate) fn writer(path: &Path) -> Result<Session> {
        create_private(path)?;
        let session = Session::open(path, Mode::Write)?;
        let mode = again(&session, || session.pragma("PRAGMA journal_mode = WAL"))?;
        if mode != "wal" {
            let source = format!("its journal cannot be a write-ahead log (it is `{mode}`)");
            return Err(Error::Open { path: path.into(), source: source_of(source) });
        }
        session.batch(&format!(
            "PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA journal_size_limit = {WAL_BYTES_KEPT};
             PRAGMA cache_size = -{WRITER_CACHE_KIB};"
        ))?;
        Ok(session)
    }

    /// Opens a connection that only reads.
    pub(crate) fn reader(path: &Path) -> Result<Session> {
        let session = Session::open(path, Mode::Read)?;
        session.batch(&format!(
            "PRAGMA query_only = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -{READER_CACHE_KIB};"
        ))?;
        Ok(session)
    }

    fn open(path: &Path, mode: Mode) -> Result<Session> {
        let cannot = |source: rusqlite::Error| Error::Open {
            path: path.into(),
            source: Arc::new(source) as crate::error::Source,
        };
        // A reader opens for writing too, since it may have to create the shared memory of the
        // write-ahead log; `query_only` keeps it from writing rows.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(cannot)?;
        connection.busy_timeout(Duration::from_millis(BUSY_WAIT_MILLIS)).map_err(cannot)?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_MAX);
        // A misspelt "column" is an error, as it is in PostgreSQL, and not a string.
        for config in [DbConfig::SQLITE_DBCONFIG_DQS_DML, DbConfig::SQLITE_DBCONFIG_DQS_DDL] {
            connection.set_db_config(config, false).map_err(cannot)?;
        }
        // A plan follows from the statement alone. Otherwise one with a bound `LIMIT` is prepared anew
        // each time a number is bound, which takes longer than running it.
        let stable = DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
        connection.set_db_config(stable, true).map_err(cannot)?;
        Ok(Session {
            connection,
            path: path.into(),
            mode,
            retryable: Flag::new(false),
            given_up: RefCell::new(None),
        })
    }

    /// Runs a statement and hands over its rows one by one.
    pub(crate) fn visit(&self, sql: &str, params: &[Value], visit: Visit) -> Result<()> {
        refuse_nul(params)?;
        let mut statement = self.prepare(sql)?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(params))
            .map_err(|error| self.explain(sql, error))?;
        while let Some(row) = rows.next().map_err(|error| self.explain(sql, error))? {
            if visit(&Row(Columns::Sqlite(SqliteRow(row))))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Runs a statement that answers no rows and says how many it changed.
    pub(crate) fn execute(&self, sql: &str, params: &[Value]) -> Result<u64> {
        refuse_nul(params)?;
        let mut statement = self.prepare(sql)?;
        let changed = statement
            .execute(rusqlite::params_from_iter(params))
            .map_err(|error| self.explain(sql, error))?;
        Ok(changed as u64)
    }

    /// Runs several statements without parameters, in this engine's dialect.
    pub(crate) fn batch(&self, sql: &str) -> Result<()> {
        let sql = sql.replace(CLUSTERED, "WITHOUT ROWID");
        self.connection.execute_batch(&sql).map_err(|error| self.explain(&sql, error))
    }

    pub(crate) fn begin_read(&self) -> Result<()> {
        self.execute("BEGIN DEFERRED", &[]).map(drop)
    }

    /// Begins a write; the lock is taken at once, so that no later statement can come too late.
    pub(crate) fn begin_write(&self) -> Result<()> {
        self.execute("BEGIN IMMEDIATE", &[]).map(drop)
    }

    pub(crate) fn commit(&self) -> Result<()> {
        self.execute("COMMIT", &[]).map(drop)
    }

    /// Rolls back whatever is open.
    pub(crate) fn roll_back(&self) -> Result<()> {
        if self.in_transaction() { self.execute("ROLLBACK", &[]).map(drop) } else { Ok(()) }
    }

    pub(crate) fn set_savepoint(&self) -> Result<()> {
        self.execute("SAVEPOINT job", &[]).map(drop)
    }

    pub(crate) fn keep_savepoint(&self) -> Result<()> {
        self.execute("RELEASE job", &[]).map(drop)
    }

    pub(crate) fn undo_savepoint(&self) -> Result<()> {
        self.execute("ROLLBACK TO job", &[])?;
        self.keep_savepoint()
    }

    /// Whether a transaction is open; a full disk or a broken one ends it without being asked.
    pub(crate) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// Whether a statement since the last call failed only because somebody else was first.
    pub(crate) fn take_retryable(&self) -> bool {
        self.retryable.take()
    }

    /// Why the engine gave a whole transaction up, once.
    pub(crate) fn take_given_up(&self) -> Error {
        self.given_up.take().unwrap_or(Error::Closed)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Folds the write-ahead log into the file before the connection ends.
    pub(crate) fn close(&self) {
        // What another process still reads stays in the log, where the next opener finds it.
        // No `PRAGMA optimize`: statistics of a table that was small once make for bad plans when
        // it has grown; without any, a query has the same plan on every installation.
        let folded = self.batch("PRAGMA wal_checkpoint(TRUNCATE);");
        if let Err(error) = folded {
            tracing::debug!(path = %self.path.display(), %error, "log not folded on close");
        }
    }

    /// The whole schema as text, in a stable order.
    pub(crate) fn schema(&self) -> Result<Vec<String>> {
        let mut tables = Vec::new();
        let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL
                   AND name NOT LIKE 'sqlite^_%' ESCAPE '^' ORDER BY type DESC, name";
        self.visit(sql, &[], &mut |row| {
            tables.push(row.text(0)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(tables)
    }

    fn prepare(&self, sql: &str) -> Result<rusqlite::CachedStatement<'_>> {
        let statement = self.connection.prepare_cached(sql);
        let statement = statement.map_err(|error| self.explain(sql, error))?;
        // SQLite numbers `$n` by first appearance and not by n: they must be the same.
        #[cfg(debug_assertions)]
        for index in 1..=statement.parameter_count() {
            let name = format!("${index}");
            assert_eq!(
                statement.parameter_name(index),
                Some(name.as_str()),
                "placeholders must first appear as $1, $2, …: {}",
                shown(sql)
            );
        }
        Ok(statement)
    }

    fn pragma(&self, sql: &str) -> Result<String> {
        let mut answer = String::new();
        self.visit(sql, &[], &mut |row| {
            answer = row.text(0)?;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(answer)
    }

    fn explain(&self, sql: &str, error: rusqlite::Error) -> Error {
        let error = self.name(sql, error);
        if !self.in_transaction() {
            self.given_up.replace(Some(error.clone()));
        }
        error
    }

    fn name(&self, sql: &str, error: rusqlite::Error) -> Error {
        let (code, message) = match &error {
            rusqlite::Error::SqliteFailure(code, message) => (*code, message.as_deref()),
            _ => return Error::Sql { statement: shown(sql), source: Arc::new(error) },
        };
        let path = PathBuf::from(&*self.path);
        let detail = message.unwrap_or_default();
        match code.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                self.retryable.set(true);
                Error::Busy
            }
            ErrorCode::ConstraintViolation => explain_constraint(code.extended_code, detail),
            ErrorCode::DiskFull => Error::DiskFull { path },
            ErrorCode::ReadOnly if self.mode == Mode::Read => {
                Error::WriteInRead { statement: shown(sql) }
            }
            ErrorCode::ReadOnly => Error::ReadOnly { path },
            ErrorCode::NotADatabase => Error::NotADatabase { path },
            ErrorCode::DatabaseCorrupt => Error::Damaged { path },
            ErrorCode::CannotOpen => Error::Open { path, source: Arc::new(error) },
            _ => Error::Sql { statement: shown(sql), source: Arc::new(error) },
        }
    }
}

/// Does `step` until it succeeds, or fails for another reason than that somebody else was first.
pub(crate) fn again<T>(session: &Session, step: impl Fn() -> Result<T>) -> Result<T> {
    let mut attempt = 1;
    loop {
        let outcome = step();
        if !session.take_retryable() || attempt == ATTEMPTS_MAX {
            return outcome;
        }
        attempt += 1;
        std::thread::sleep(Duration::from_millis(RETRY_PAUSE_MILLIS));
    }
}

impl SqliteRow<'_> {
    pub(crate) fn cell(&self, column: usize) -> Cell<'_> {
        match self.0.get_ref(column) {
            Ok(ValueRef::Null) => Cell::Null,
            Ok(ValueRef::Integer(number)) => Cell::Int(number),
            Ok(ValueRef::Real(_)) => Cell::Real,
            Ok(ValueRef::Text(text)) => std::str::from_utf8(text).map_or(Cell::NotUtf8, Cell::Text),
            Ok(ValueRef::Blob(bytes)) => Cell::Blob(bytes),
            Err(_) => Cell::Missing,
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Bool(value) => ValueRef::Integer(i64::from(*value)),
            Value::Int(value) => ValueRef::Integer(*value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
            Value::Blob(value) => ValueRef::Blob(value),
        }))
    }
}

fn explain_constraint(extended_code: i32, message: &str) -> Error {
    // "UNIQUE constraint failed: users.tenant, users.user_name"
    let detail = message.split_once("failed: ").map_or(message, |(_, rest)| rest);
    match extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => Error::Unique { constraint: detail.to_owned() },
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Error::ForeignKey,
        _ => Error::Constraint { detail: message.to_owned() },
    }
}

fn source_of(text: String) -> crate::error::Source {
    Arc::new(std::io::Error::other(text))
}

/// Creates the file with access for its owner alone; its journal inherits that.
fn create_private(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::Open { path: path.into(), source: Arc::new(error) }),
    }
}
