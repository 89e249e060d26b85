//! The tally of a run: how each subject ended.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::client::Failure;
use crate::limits;

/// A subject for which something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// Whom it is about.
    pub subject: String,
    /// Why it was not done.
    pub reason: String,
    /// What to do about it.
    pub next_step: String,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// What was released has been done.
    Done,
    /// There was nothing to do any more.
    Nothing,
    /// What is to be done has changed: nothing was sent, the new change was released and enqueued.
    Superseded,
    /// It was given up until a person does something.
    Failed {
        /// Why.
        reason: String,
        /// What to do.
        next_step: String,
        /// What the application said, if that was it.
        failure: Option<Failure>,
    },
    /// It is tried again later.
    Retrying {
        /// Why.
        failure: Failure,
    },
    /// Everybody would meet the same; the task waits as if it had not been handed out.
    Everybody(Failure),
    /// The task was given back before anything was sent.
    NotNow,
}

/// How the subjects of a run ended so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Subjects whose change was made.
    pub done: u64,
    /// Subjects about which there was nothing to do any more.
    pub nothing: u64,
    /// Subjects whose change was replaced by another one.
    pub superseded: u64,
    /// How many failed.
    pub failed_count: u64,
    /// Those that failed, up to a limit.
    pub failed: Vec<Failed>,
    /// Those that are tried again later.
    pub retrying: BTreeMap<String, Failed>,
}

impl Tally {
    /// Counts one.
    pub fn count(&mut self, subject: &str, name: &str, ended: &Ended) {
        if !matches!(ended, Ended::Everybody(_) | Ended::NotNow) {
            self.retrying.remove(subject);
        }
        match ended {
            Ended::Done => self.done += 1,
            Ended::Nothing => self.nothing += 1,
            Ended::Superseded => self.superseded += 1,
            Ended::Failed { reason, next_step, .. } => {
                self.failed_count += 1;
                if self.failed.len() < limits::FAILED_SHOWN_COUNT {
                    self.failed.push(Failed {
                        subject: name.to_string(),
                        reason: reason.clone(),
                        next_step: next_step.clone(),
                    });
                }
            }
            Ended::Retrying { failure } => {
                let failed = Failed {
                    subject: name.to_string(),
                    reason: failure.to_string(),
                    next_step: failure.next_step().to_string(),
                };
                self.retrying.insert(subject.to_string(), failed);
            }
            Ended::Everybody(_) | Ended::NotNow => {}
        }
    }

    /// How many have ended.
    pub fn ended(&self) -> u64 {
        self.done + self.nothing + self.superseded + self.failed_count
    }

    /// Adds what another run did.
    pub fn add(&mut self, other: Self) {
        self.done += other.done;
        self.nothing += other.nothing;
        self.superseded += other.superseded;
        self.failed_count += other.failed_count;
        self.failed.extend(other.failed);
        self.failed.truncate(limits::FAILED_SHOWN_COUNT);
        self.retrying = other.retrying;
    }
}
