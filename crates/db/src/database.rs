//! The database as the rest of the program holds it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::inside::{Inside, caught};
use crate::job::job;
use crate::limits::ATTEMPTS_MAX;
use crate::migration::{Migration, OWN_MIGRATIONS, OWN_TRAIN, migrate};
use crate::readers::Readers;
use crate::sqlite::Session;
use crate::turn::Turn;
use crate::tx::{Read, Tx};
use crate::writer::Writer;

/// A database. Clones share it; it is closed when the last of them is dropped.
///
/// A transaction is a closure without input or output of its own. It is `FnMut` because it may
/// be run again when somebody else was first: it must not take from its captures what it cannot
/// take twice. No transaction can be begun inside another ([`Error::Nested`]).
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    // Dropped in this order: the readers' connections end before the writer folds the log.
    readers: Readers,
    writer: Writer,
}

impl Db {
    /// Opens or creates the database at `url` (`sqlite:PATH`) and brings its schema up to date:
    /// first this crate's own tables, then the migrations of `train`.
    pub fn open(url: &str, train: &str, migrations: &[Migration]) -> Result<Db> {
        let path = sqlite_path(url)?;
        let mut tx = Tx::over(Session::writer(&path)?);
        migrate(&mut tx, OWN_TRAIN, OWN_MIGRATIONS)?;
        migrate(&mut tx, train, migrations)?;
        let readers = Readers::over(path.clone());
        let writer = Writer::start(tx)?;
        Ok(Db { inner: Arc::new(Inner { path, readers, writer }) })
    }

    /// Runs a read on this thread; all its queries see one moment.
    pub fn read<T, E: From<Error>>(
        &self,
        mut work: impl FnMut(&mut Read) -> Result<T, E>,
    ) -> Result<T, E> {
        let _inside = Inside::enter()?;
        let mut loan = self.inner.readers.take()?;
        let read = loan.read()?;
        let mut attempt = 1;
        loop {
            read.session().begin_read()?;
            let outcome = caught(|| work(read));
            let again = read.session().take_retryable() && outcome.is_err();
            if !again || attempt == ATTEMPTS_MAX {
                // Dropping the loan ends the transaction.
                return outcome;
            }
            read.session().roll_back()?;
            attempt += 1;
        }
    }

    /// Runs a write and waits until it is on disk. An error of the closure rolls it back.
    ///
    /// Writes of many callers share one commit; each is kept or rolled back by itself, and none
    /// is answered before the commit.
    ///
    /// Writes of one turn go one after another, on every node; `turn` also is what the database is
    /// fair between.
    pub fn write<T, E>(
        &self,
        turn: impl Into<Turn>,
        work: impl FnMut(&mut Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        Inside::refuse()?;
        let (sender, outcome) = std::sync::mpsc::sync_channel(1);
        let job = job(work, move |outcome| drop(sender.send(outcome)));
        self.inner.writer.queue().push_blocking(turn.into(), job)?;
        outcome.recv().unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// Runs a read on a thread that may block.
    pub async fn read_async<T, E>(
        &self,
        work: impl FnMut(&mut Read) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let db = self.clone();
        let outcome = tokio::task::spawn_blocking(move || db.read(work)).await;
        // The runtime is going down, or a destructor panicked.
        outcome.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// Runs a write and waits, without blocking the thread, until it is on disk. Once begun, the
    /// write happens even if nobody waits for it any more.
    pub async fn write_async<T, E>(
        &self,
        turn: impl Into<Turn>,
        work: impl FnMut(&mut Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        Inside::refuse()?;
        let (sender, outcome) = tokio::sync::oneshot::channel();
        let job = job(work, move |outcome| drop(sender.send(outcome)));
        self.inner.writer.queue().push(turn.into(), job).await?;
        outcome.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// The whole present schema as text in a stable order, for the test that compares it with
    /// the one that is written down.
    pub fn schema(&self) -> Result<String> {
        let statements = self.read(|read| read.session().schema())?;
        Ok(statements.iter().map(|sql| format!("{sql};\n")).collect())
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Db(sqlite:{})", self.inner.path.display())
    }
}

fn sqlite_path(url: &str) -> Result<PathBuf> {
    let unknown = || Error::Url { url: url.to_owned() };
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return Err(Error::UnsupportedEngine { engine: "PostgreSQL" });
    }
    let path = url.strip_prefix("sqlite:").ok_or_else(unknown)?;
    // sqlite:///var/lib/x.db is the same as sqlite:/var/lib/x.db
    let path = path.strip_prefix("//").unwrap_or(path);
    // Every connection of a database in memory would be another database.
    if path.is_empty() || path.starts_with(':') {
        return Err(unknown());
    }
    Ok(Path::new(path).to_owned())
}

#[cfg(test)]
mod tests;
