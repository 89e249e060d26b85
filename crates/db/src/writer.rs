//! The one thread that writes, and how many writes share one commit.
//!
//! The thread takes the first job that waits, begins a transaction, runs the job in a savepoint,
//! and goes on with whatever waits, one of each turn after another, up to named limits; then it
//! commits once and only then answers all of them. A job that fails or panics is rolled back to
//! its savepoint and harms no other. If the commit fails, or the engine gives the transaction up,
//! nothing of the group was kept and every job of it is told so.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::inside::Inside;
use crate::job::{Job, Verdict, finish_all};
use crate::limits::{ATTEMPTS_MAX, GROUP_COMMIT_MAX, GROUP_COMMIT_MILLIS_MAX};
use crate::queue::Queue;
use crate::session::Session;
use crate::sqlite::{self, again};
use crate::tx::Tx;

/// The queue and the thread behind it; dropping it ends both, after the jobs that wait.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread over a connection of its own.
    pub(crate) fn start(tx: Tx) -> Result<Writer> {
        let path = session(&tx)?.path().to_owned();
        let queue = Arc::new(Queue::new());
        let jobs = queue.clone();
        let thread = std::thread::Builder::new()
            .name("db-writer".to_owned())
            .spawn(move || serve(tx, &jobs))
            .map_err(|error| Error::Open { path, source: Arc::new(error) })?;
        Ok(Writer { queue, thread: Some(thread) })
    }

    /// The queue the thread serves.
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        let Some(thread) = self.thread.take() else { return };
        // The last handle may have lived in a job: then this is the writer thread itself.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("the writer thread ended with a panic");
        }
    }
}

fn serve(mut tx: Tx, jobs: &Queue) {
    // Work that opens another transaction is refused instead of waiting for itself.
    let Ok(_inside) = Inside::enter() else { return };
    let mut group = Vec::with_capacity(GROUP_COMMIT_MAX);
    while let Some(first) = jobs.next() {
        group.push(first);
        let committed = commit_group(&mut tx, &mut group, jobs);
        if let Err(error) = &committed {
            tracing::error!(%error, writes = group.len(), "a commit failed; its writes were told");
            if let Err(error) = tx.session().roll_back() {
                tracing::error!(%error, "the failed transaction could not be rolled back");
            }
            tx.session().take_retryable();
        }
        finish_all(&mut group, &committed);
    }
    if let Ok(session) = session(&tx) {
        session.close();
    }
}

fn commit_group(tx: &mut Tx, group: &mut Vec<Box<dyn Job>>, jobs: &Queue) -> Result<()> {
    again(session(tx)?, || session(tx)?.begin_write())?;
    let begun = Instant::now();
    loop {
        if let Some(job) = group.last_mut() {
            run_job(tx, job.as_mut())?;
        }
        if group.len() >= GROUP_COMMIT_MAX
            || begun.elapsed() >= Duration::from_millis(GROUP_COMMIT_MILLIS_MAX)
        {
            break;
        }
        match jobs.next_waiting() {
            Some(next) => group.push(next),
            None => break,
        }
    }
    again(session(tx)?, || session(tx)?.commit())
}

fn run_job(tx: &mut Tx, job: &mut dyn Job) -> Result<()> {
    for attempt in 1..=ATTEMPTS_MAX {
        session(tx)?.set_savepoint()?;
        let verdict = job.run(tx);
        if !session(tx)?.in_transaction() {
            // The engine gave the whole transaction up: the jobs before this one lost theirs too.
            return Err(session(tx)?.take_given_up());
        }
        match verdict {
            Verdict::Keep => session(tx)?.keep_savepoint()?,
            Verdict::Undo => session(tx)?.undo_savepoint()?,
        }
        let again = session(tx)?.take_retryable() && verdict == Verdict::Undo;
        if !again || attempt == ATTEMPTS_MAX {
            break;
        }
    }
    Ok(())
}

/// The one engine that has one writer.
fn session(tx: &Tx) -> Result<&sqlite::Session> {
    match tx.session() {
        Session::Sqlite(session) => Ok(session),
        Session::Postgres(_) => Err(Error::Closed),
    }
}
