//! The one thread that writes, and how many writes share one commit.
//!
//! Jobs come through a bounded queue. The thread takes the first, begins a transaction, runs the
//! job in a savepoint, and goes on with whatever waits, up to named limits; then it commits once
//! and only then answers all of them. A job that fails or panics is rolled back to its savepoint
//! and harms no other. If the commit fails, or the engine gives the transaction up, nothing of
//! the group was kept and every job of it is told so.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::inside::{Inside, caught};
use crate::limits::{ATTEMPTS_MAX, GROUP_COMMIT_MAX, GROUP_COMMIT_MILLIS_MAX, WRITE_QUEUE_MAX};
use crate::sqlite::again;
use crate::tx::Tx;

/// The queue and the thread behind it; dropping it ends both, after the jobs that wait.
pub(crate) struct Writer {
    queue: Option<SyncSender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

/// Work that waits for the writer.
pub(crate) trait Job: Send {
    /// Runs the work once; it may be run again.
    fn run(&mut self, tx: &mut Tx) -> Verdict;
    /// Hands the outcome over, once its transaction is committed or lost.
    fn finish(self: Box<Self>, committed: Result<()>);
}

/// What becomes of what a job wrote.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Undo,
}

/// A closure, its outcome so far, and where that goes.
struct Work<F, T, E, D> {
    work: F,
    outcome: Option<Result<T, E>>,
    deliver: D,
}

/// Makes a job of a closure and of the place its outcome goes to.
pub(crate) fn job<T, E, F, D>(work: F, deliver: D) -> Box<dyn Job>
where
    F: FnMut(&mut Tx) -> Result<T, E> + Send + 'static,
    D: FnOnce(Result<T, E>) + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    Box::new(Work { work, outcome: None, deliver })
}

impl Writer {
    /// Starts the thread over a connection of its own.
    pub(crate) fn start(tx: Tx) -> Result<Writer> {
        let path = tx.session().path().to_owned();
        let (queue, jobs) = sync_channel(WRITE_QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name("db-writer".to_owned())
            .spawn(move || serve(tx, &jobs))
            .map_err(|error| Error::Open { path, source: std::sync::Arc::new(error) })?;
        Ok(Writer { queue: Some(queue), thread: Some(thread) })
    }

    /// Puts a job in the queue, waiting for a place if there is none.
    pub(crate) fn push(&self, job: Box<dyn Job>) -> Result<()> {
        let queue = self.queue.as_ref().ok_or(Error::Closed)?;
        queue.send(job).map_err(|_| Error::Closed)
    }

    /// Puts a job in the queue; without blocking the thread if there is no place.
    pub(crate) async fn push_async(&self, job: Box<dyn Job>) -> Result<()> {
        let queue = self.queue.as_ref().ok_or(Error::Closed)?;
        match queue.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(Error::Closed),
            Err(TrySendError::Full(job)) => {
                let queue = queue.clone();
                let sent = tokio::task::spawn_blocking(move || queue.send(job)).await;
                if matches!(sent, Ok(Ok(()))) { Ok(()) } else { Err(Error::Closed) }
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        let Some(thread) = self.thread.take() else { return };
        // The last handle may have lived in a job: then this is the writer thread itself.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("the writer thread ended with a panic");
        }
    }
}

impl<F, T, E, D> Job for Work<F, T, E, D>
where
    F: FnMut(&mut Tx) -> Result<T, E> + Send,
    D: FnOnce(Result<T, E>) + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, tx: &mut Tx) -> Verdict {
        let outcome = caught(|| (self.work)(tx));
        let verdict = if outcome.is_ok() { Verdict::Keep } else { Verdict::Undo };
        self.outcome = Some(outcome);
        verdict
    }

    fn finish(self: Box<Self>, committed: Result<()>) {
        let Work { outcome, deliver, .. } = *self;
        deliver(match committed {
            Ok(()) => outcome.unwrap_or_else(|| Err(Error::Closed.into())),
            Err(error) => Err(error.into()),
        });
    }
}

fn serve(mut tx: Tx, jobs: &Receiver<Box<dyn Job>>) {
    // Work that opens another transaction is refused instead of waiting for itself.
    let Ok(_inside) = Inside::enter() else { return };
    let mut group = Vec::with_capacity(GROUP_COMMIT_MAX);
    while let Ok(first) = jobs.recv() {
        group.push(first);
        let committed = commit_group(&mut tx, &mut group, jobs);
        if let Err(error) = &committed {
            tracing::error!(%error, writes = group.len(), "a commit failed; its writes were told");
            if let Err(error) = tx.session().roll_back() {
                tracing::error!(%error, "the failed transaction could not be rolled back");
            }
            tx.session().take_retryable();
        }
        for job in group.drain(..) {
            let committed = committed.clone();
            // Neither the outcome's owner nor a value's destructor may end the writer.
            let finished: Result<()> = caught(|| {
                job.finish(committed);
                Ok(())
            });
            if let Err(error) = finished {
                tracing::error!(%error, "an outcome could not be handed over");
            }
        }
    }
    tx.session().close();
}

fn commit_group(
    tx: &mut Tx,
    group: &mut Vec<Box<dyn Job>>,
    jobs: &Receiver<Box<dyn Job>>,
) -> Result<()> {
    again(tx.session(), || tx.session().begin_write())?;
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
        match jobs.try_recv() {
            Ok(next) => group.push(next),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
        }
    }
    again(tx.session(), || tx.session().commit())
}

fn run_job(tx: &mut Tx, job: &mut dyn Job) -> Result<()> {
    for attempt in 1..=ATTEMPTS_MAX {
        tx.session().set_savepoint()?;
        let verdict = job.run(tx);
        if !tx.session().in_transaction() {
            // The engine gave the whole transaction up: the jobs before this one lost theirs too.
            return Err(tx.session().take_given_up());
        }
        match verdict {
            Verdict::Keep => tx.session().keep_savepoint()?,
            Verdict::Undo => tx.session().undo_savepoint()?,
        }
        let again = tx.session().take_retryable() && verdict == Verdict::Undo;
        if !again || attempt == ATTEMPTS_MAX {
            break;
        }
    }
    Ok(())
}
