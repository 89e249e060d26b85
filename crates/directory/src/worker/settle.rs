//! Settling: how a task ends that met trouble.
//!
//! | what happened | what becomes of the task |
//! |---|---|
//! | it was not sent | given back, as if it had not been handed out |
//! | everybody would meet it (401, 429, no connection) | given back; the crew decides when to go on |
//! | it may pass (5xx, no answer) | tried again later, with the mark: the outcome is unknown |
//! | it was refused | given up until a person does something |

use std::time::Duration;

use db::task::{self, Task};
use db::{Ctx, Tx};
use jiff::{SignedDuration, Timestamp};
use lifecycle::ChangeSubject;
use serde_json::json;

use super::Run;
use super::tally::Ended;
use super::task::about;
use super::wire::Trouble;
use crate::client::Failure;
use crate::directory::SCOPE;
use crate::{Error, account, limits, pushed_group};

/// Ends a task that met trouble. Where something was written before the trouble came, the outcome of
/// the whole is in doubt, whatever the trouble was.
pub(super) async fn settle(
    run: &Run,
    task: &Task,
    subject: &ChangeSubject,
    (trouble, in_doubt): (Trouble, bool),
) -> Result<Ended, Error> {
    match trouble {
        Trouble::Internal(error) => Err(error),
        Trouble::NotNow => {
            give_back(run, vec![task.clone()], in_doubt).await?;
            Ok(Ended::NotNow)
        }
        Trouble::Failed(failure) if failure.concerns_everybody() => {
            give_back(run, vec![task.clone()], in_doubt).await?;
            Ok(Ended::Everybody(failure))
        }
        Trouble::Failed(failure)
            if may_pass(&failure) && task.attempt < limits::ATTEMPT_COUNT_MAX =>
        {
            retry(run, task, &failure).await?;
            Ok(Ended::Retrying { failure })
        }
        Trouble::Failed(failure) => {
            let reason = failure.to_string();
            let next_step = next_step(&failure).to_string();
            let definite = failure.is_definite() && !in_doubt;
            bury(run, task, subject, &reason, &next_step, definite).await?;
            Ok(Ended::Failed { reason, next_step, failure: Some(failure) })
        }
    }
}

/// Gives tasks back as if they had not been handed out. What was unknown of them before still is.
pub(super) async fn give_back(run: &Run, tasks: Vec<Task>, in_doubt: bool) -> Result<(), Error> {
    run.directory
        .db
        .write_async(SCOPE, move |tx| {
            for task in &tasks {
                if !in_doubt && !task.outcome_unknown() {
                    task::mark_answered(tx, task)?;
                }
                task::release(tx, task)?;
            }
            Ok(())
        })
        .await
}

/// Gives a task up until a person does something.
pub(super) async fn bury(
    run: &Run,
    task: &Task,
    subject: &ChangeSubject,
    reason: &str,
    next_step: &str,
    definite: bool,
) -> Result<(), Error> {
    let (ctx, task, subject) = (run.ctx(), task.clone(), subject.clone());
    let (reason, next_step) = (reason.to_string(), next_step.to_string());
    let id = run.id().clone();
    let name = run.application.config.name.clone();
    run.directory
        .db
        .write_async(SCOPE, move |tx| {
            if definite {
                task::mark_answered(tx, &task)?;
            }
            task::bury(tx, &task, &reason)?;
            let payload = json!({
                "application": name, "application_id": id.as_str(),
                "reason": reason, "next_step": next_step,
            });
            failed(tx, &ctx, &id, &subject, &reason, &payload)
        })
        .await
}

fn failed(
    tx: &mut Tx,
    ctx: &Ctx,
    id: &lifecycle::ApplicationId,
    subject: &ChangeSubject,
    reason: &str,
    payload: &serde_json::Value,
) -> Result<(), Error> {
    let kind = match subject {
        ChangeSubject::Account(person) => {
            account::put_error(tx, ctx, id, person, reason)?;
            "account.failed"
        }
        ChangeSubject::Group(group) => {
            pushed_group::put_error(tx, id, group, reason)?;
            "push_group.failed"
        }
    };
    db::event::append(tx, ctx, SCOPE, kind, about(subject), payload)?;
    Ok(())
}

async fn retry(run: &Run, task: &Task, failure: &Failure) -> Result<(), Error> {
    let now = run.directory.clock.now();
    let named = match failure {
        Failure::Broken { until, .. } => *until,
        _ => None,
    };
    let at = named.filter(|at| *at > now).unwrap_or_else(|| after(now, backoff(task.attempt)));
    let (task, reason) = (task.clone(), failure.to_string());
    // The mark stays: before it is sent again, somebody looks.
    run.directory
        .db
        .write_async(SCOPE, move |tx| {
            task::retry(tx, &task, at, &reason)?;
            Ok(())
        })
        .await
}

/// How long to wait after so many attempts: twice as long each time, and a little more or less, so
/// that what failed together does not come back together.
pub(super) fn backoff(attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(20);
    let millis = limits::RETRY_BASE_MILLIS.saturating_mul(1 << doublings);
    let millis = millis.min(limits::RETRY_SECS_MAX * 1_000);
    let [.., random] = *uuid::Uuid::now_v7().as_bytes();
    // Between three quarters and five quarters.
    Duration::from_millis(millis * 3 / 4 + millis * u64::from(random) / 512)
}

/// That long after.
pub(super) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    now.checked_add(SignedDuration::from_millis(millis)).unwrap_or(Timestamp::MAX)
}

/// 501 is a 5xx that will not pass: the application cannot do it.
fn may_pass(failure: &Failure) -> bool {
    failure.is_passing() && !matches!(failure, Failure::Broken { status: 501, .. })
}

fn next_step(failure: &Failure) -> &'static str {
    match failure {
        failure @ Failure::Broken { status: 501, .. } => failure.next_step(),
        failure if failure.is_passing() => {
            "It was tried often enough; see what the application says, then apply again."
        }
        failure => failure.next_step(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let check = |attempt: u32, from: u64, to: u64| {
            for _ in 0..50 {
                let wait = backoff(attempt).as_millis();
                assert!((u128::from(from)..u128::from(to)).contains(&wait), "{attempt}: {wait}");
            }
        };
        check(1, 750, 1_251);
        check(2, 1_500, 2_501);
        check(5, 12_000, 20_001);
        check(30, 450_000, 750_001);
    }
}
