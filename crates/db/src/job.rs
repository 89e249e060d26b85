//! A write that waits: a closure, its outcome so far, and where that goes.

use crate::error::{Error, Result};
use crate::inside::caught;
use crate::tx::Tx;

/// Work that waits for a writer.
pub(crate) trait Job: Send {
    /// Runs the work once; it may be run again.
    fn run(&mut self, tx: &mut Tx) -> Verdict;
    /// Makes an error the outcome of a run that could not be kept.
    fn fail(&mut self, error: Error);
    /// Hands the outcome over, once its transaction is committed or lost.
    fn finish(self: Box<Self>, committed: Result<()>);
}

/// What becomes of what a job wrote.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Undo,
}

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

/// Tells every job of a group what became of it.
pub(crate) fn finish_all(group: &mut Vec<Box<dyn Job>>, committed: &Result<()>) {
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

    fn fail(&mut self, error: Error) {
        self.outcome = Some(Err(error.into()));
    }

    fn finish(self: Box<Self>, committed: Result<()>) {
        let Work { outcome, deliver, .. } = *self;
        deliver(match committed {
            Ok(()) => outcome.unwrap_or_else(|| Err(Error::Closed.into())),
            Err(error) => Err(error.into()),
        });
    }
}
