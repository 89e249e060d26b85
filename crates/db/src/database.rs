//! The database as the rest of the program holds it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::RuntimeFlavor;

use crate::error::{Error, Result};
use crate::inside::{Inside, caught};
use crate::job::job;
use crate::limits::ATTEMPTS_MAX;
use crate::migration::{Migration, OWN_MIGRATIONS, OWN_TRAIN, migrate};
use crate::postgres::{self, Address, redacted};
use crate::queue::Queue;
use crate::readers::Readers;
use crate::session::{Place, Session};
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
    place: Place,
    // Dropped in this order: the readers' connections end before the writer folds the log.
    readers: Readers,
    writers: Writers,
}

/// Who writes.
enum Writers {
    Sqlite(Writer),
    Postgres(postgres::Writers),
}

impl Db {
    /// Opens or creates the database at `url` (`sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/DATABASE`
    /// with a `schema=NAME` that is created if it is missing) and brings its schema up to date:
    /// first this crate's own tables, then the migrations of `train`.
    pub fn open(url: &str, train: &str, migrations: &[Migration]) -> Result<Db> {
        blocking(|| {
            let place = place(url)?;
            let mut tx = Tx::over(place.writer()?);
            if let Session::Postgres(session) = tx.session() {
                postgres::create_what_every_session_needs(session)?;
            }
            migrate(&mut tx, OWN_TRAIN, OWN_MIGRATIONS)?;
            migrate(&mut tx, train, migrations)?;
            let readers = Readers::over(place.clone());
            let writers = match &place {
                Place::Sqlite(_) => Writers::Sqlite(Writer::start(tx)?),
                Place::Postgres(address) => {
                    Writers::Postgres(postgres::Writers::over(address.clone()))
                }
            };
            Ok(Db { inner: Arc::new(Inner { place, readers, writers }) })
        })
    }

    /// The address of a database beside the one at `url`, for what is kept apart from it: another
    /// file, or another schema.
    pub fn beside(url: &str, name: &str) -> String {
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let stem = path.strip_suffix(".db").unwrap_or(path);
                format!("sqlite:{stem}-{name}.db")
            }
            None => Address::beside(url, name),
        }
    }

    /// Runs a read on this thread; all its queries see one moment.
    ///
    /// On PostgreSQL the thread waits for the network. A worker of a runtime with several threads
    /// hands its other tasks over meanwhile.
    pub fn read<T, E: From<Error>>(
        &self,
        work: impl FnMut(&mut Read) -> Result<T, E>,
    ) -> Result<T, E> {
        match self.inner.place {
            Place::Sqlite(_) => self.read_here(work),
            Place::Postgres(_) => blocking(|| self.read_here(work)),
        }
    }

    fn read_here<T, E: From<Error>>(
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
        let (queue, turn) = (self.inner.writers.queue()?, turn.into());
        let outcome = blocking(|| {
            queue.push_blocking(turn, job)?;
            Ok::<_, Error>(outcome.recv())
        })?;
        outcome.unwrap_or_else(|_| Err(Error::Closed.into()))
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
        let (queue, turn) = (self.inner.writers.queue()?, turn.into());
        queue.push(turn, job).await?;
        outcome.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// The whole present schema as text in a stable order, for the test that compares it with
    /// the one that is written down.
    pub fn schema(&self) -> Result<String> {
        let statements = self.read(|read| read.session().schema())?;
        Ok(statements.iter().map(|sql| format!("{sql};\n")).collect())
    }
}

impl Writers {
    fn queue(&self) -> Result<&Queue> {
        match self {
            Writers::Sqlite(writer) => Ok(writer.queue()),
            Writers::Postgres(writers) => writers.queue(),
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.place {
            Place::Sqlite(path) => write!(f, "Db(sqlite:{})", path.display()),
            Place::Postgres(address) => write!(f, "Db({address})"),
        }
    }
}

/// Runs what blocks this thread. A worker of a runtime with several threads hands its other tasks
/// over; one that is alone has nobody to hand them to.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let alone = tokio::runtime::Handle::try_current()
        .map_or(true, |handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread);
    if alone { work() } else { tokio::task::block_in_place(work) }
}

fn place(url: &str) -> Result<Place> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Place::Postgres(Arc::new(Address::parse(url)?)));
    }
    let unknown = || Error::Url { url: redacted(url) };
    let path = url.strip_prefix("sqlite:").ok_or_else(unknown)?;
    // sqlite:///var/lib/x.db is the same as sqlite:/var/lib/x.db
    let path = path.strip_prefix("//").unwrap_or(path);
    // Every connection of a database in memory would be another database.
    if path.is_empty() || path.starts_with(':') {
        return Err(unknown());
    }
    Ok(Place::Sqlite(Path::new(path).to_owned()))
}

#[cfg(test)]
mod tests;
