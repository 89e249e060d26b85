//! The threads that write to PostgreSQL, each with a connection of its own.
//!
//! A thread takes one turn at a time and runs what waits in it, up to named limits, in one
//! transaction: it holds the turn's row, so no other node writes in that turn meanwhile, and every
//! statement sees all that was committed in it before. Each job has a savepoint; all are answered
//! after the commit. What fails because somebody else was first, or because the connection broke
//! before the commit, is run again from the first job on; if it broke during the commit, nobody
//! knows what became of the group, and that is what its jobs are told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Address, Role, Session};
use crate::error::{Error, Result};
use crate::inside::Inside;
use crate::job::{Job, Verdict, finish_all};
use crate::limits::{
    ATTEMPTS_MAX, RETRY_PAUSE_MILLIS, RETRY_PAUSE_MILLIS_MAX, TURN_COMMIT_MAX,
    TURN_COMMIT_MILLIS_MAX, WRITE_RETRY_MILLIS_MAX, WRITERS_MAX,
};
use crate::queue::Queue;
use crate::session;
use crate::turn::Turn;
use crate::tx::Tx;

/// The queue and the threads behind it; dropping it ends them, after the jobs that wait.
pub(crate) struct Writers {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    address: Arc<Address>,
    queue: Queue,
    idle_count: AtomicUsize,
}

/// How an attempt at a turn ended.
enum Attempt {
    Committed,
    Again(Error),
    Failed(Error),
}

impl Writers {
    /// Threads are started when there is something to write.
    pub(crate) fn over(address: Arc<Address>) -> Writers {
        let shared = Shared { address, queue: Queue::new(), idle_count: AtomicUsize::new(0) };
        Writers { shared: Arc::new(shared), threads: Mutex::new(Vec::new()) }
    }

    /// The queue, behind which there is a thread that can take another job.
    pub(crate) fn queue(&self) -> Result<&Queue> {
        if self.shared.idle_count.load(Ordering::Acquire) == 0 {
            self.start_one()?;
        }
        Ok(&self.shared.queue)
    }

    fn start_one(&self) -> Result<()> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if threads.len() >= WRITERS_MAX {
            return Ok(());
        }
        let shared = self.shared.clone();
        let started = std::thread::Builder::new()
            .name(format!("db-writer-{}", threads.len() + 1))
            .spawn(move || serve(&shared));
        match started {
            Ok(thread) => threads.push(thread),
            // Those there are do the work, only later.
            Err(_) if !threads.is_empty() => {}
            Err(error) => {
                let path = self.shared.address.path().to_owned();
                return Err(Error::Open { path, source: Arc::new(error) });
            }
        }
        Ok(())
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.shared.queue.close();
        let threads =
            std::mem::take(self.threads.get_mut().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // The last handle may have lived in a job: then this is the thread itself.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a writer thread ended with a panic");
            }
        }
    }
}

fn serve(shared: &Shared) {
    // Work that opens another transaction is refused instead of waiting for itself.
    let Ok(_inside) = Inside::enter() else { return };
    let mut tx = Tx::over(Session::new(shared.address.clone(), Role::Writer).into());
    let mut group = Vec::with_capacity(TURN_COMMIT_MAX);
    loop {
        shared.idle_count.fetch_add(1, Ordering::AcqRel);
        let taken = shared.queue.take_turn();
        shared.idle_count.fetch_sub(1, Ordering::AcqRel);
        let Some(turn) = taken else { return };
        group.extend(shared.queue.next_of(&turn));
        let committed = commit_turn(&mut tx, &turn, &mut group, &shared.queue);
        shared.queue.give_back(turn);
        if let Err(error) = &committed {
            tracing::error!(%error, writes = group.len(), "a commit failed; its writes were told");
        }
        finish_all(&mut group, &committed);
    }
}

fn commit_turn(
    tx: &mut Tx,
    turn: &Turn,
    group: &mut Vec<Box<dyn Job>>,
    queue: &Queue,
) -> Result<()> {
    let begun = Instant::now();
    let mut pause_millis = RETRY_PAUSE_MILLIS;
    let mut attempt = 1;
    loop {
        let error = match attempt_turn(tx, turn, group, queue) {
            Attempt::Committed => return Ok(()),
            Attempt::Failed(error) => {
                session(tx)?.roll_back()?;
                return Err(error);
            }
            Attempt::Again(error) => error,
        };
        session(tx)?.roll_back()?;
        let is_over = begun.elapsed() >= Duration::from_millis(WRITE_RETRY_MILLIS_MAX);
        if attempt == ATTEMPTS_MAX || is_over {
            return Err(error);
        }
        tracing::debug!(%error, %turn, attempt, "a write is attempted again");
        attempt += 1;
        std::thread::sleep(Duration::from_millis(pause_millis));
        pause_millis = (pause_millis * 2).min(RETRY_PAUSE_MILLIS_MAX);
    }
}

/// Runs the group, and what else waits in its turn, and commits.
fn attempt_turn(tx: &mut Tx, turn: &Turn, group: &mut Vec<Box<dyn Job>>, queue: &Queue) -> Attempt {
    let outcome = run_and_commit(tx, turn, group, queue);
    let retryable = session(tx).is_ok_and(|session| session.take_retryable() || session.is_lost());
    match outcome {
        Ok(()) => Attempt::Committed,
        Err(error @ Error::OutcomeUnknown { .. }) => Attempt::Failed(error),
        Err(error) if retryable => Attempt::Again(error),
        Err(error) => Attempt::Failed(error),
    }
}

fn run_and_commit(
    tx: &mut Tx,
    turn: &Turn,
    group: &mut Vec<Box<dyn Job>>,
    queue: &Queue,
) -> Result<()> {
    session(tx)?.begin_turn(turn)?;
    // From when the first job is done: until then it may have waited for another node's turn.
    let mut begun = None::<Instant>;
    let mut done_count = 0;
    loop {
        if done_count == group.len() {
            let begun = *begun.get_or_insert_with(Instant::now);
            if group.len() >= TURN_COMMIT_MAX
                || begun.elapsed() >= Duration::from_millis(TURN_COMMIT_MILLIS_MAX)
            {
                break;
            }
            match queue.next_of(turn) {
                Some(next) => group.push(next),
                None => break,
            }
        }
        let Some(job) = group.get_mut(done_count) else { break };
        run_job(tx, job.as_mut())?;
        done_count += 1;
    }
    session(tx)?.commit()
}

/// Runs a job in its savepoint; an error is one after which all of the transaction is run again.
fn run_job(tx: &mut Tx, job: &mut dyn Job) -> Result<()> {
    session(tx)?.set_savepoint()?;
    let verdict = job.run(tx);
    let session = session(tx)?;
    let aborted = session.take_aborted();
    if session.is_lost() {
        return Err(aborted.unwrap_or(Error::Closed));
    }
    match (verdict, aborted) {
        (_, Some(error @ Error::Busy)) => Err(error),
        (Verdict::Keep, None) => session.keep_savepoint(),
        (Verdict::Keep, Some(error)) => {
            // The closure went on after a statement had failed: the engine keeps nothing of it.
            job.fail(error);
            session.undo_savepoint()
        }
        (Verdict::Undo, _) => session.undo_savepoint(),
    }
}

fn session(tx: &Tx) -> Result<&Session> {
    match tx.session() {
        session::Session::Postgres(session) => Ok(session),
        session::Session::Sqlite(_) => Err(Error::Closed),
    }
}
