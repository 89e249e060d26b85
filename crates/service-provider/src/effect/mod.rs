//! Effects: what follows a deactivation or deletion, each a task of its own.
//!
//! The order of events: the transaction that takes a user out opens a receipt and enqueues a task an
//! effect ([`enqueue`]); the background leases tasks and runs each in a transaction that does the
//! effect, writes its outcome on the receipt and completes the task ([`run`]). So an effect happens
//! once, however often its task runs: a step that is not pending any more is left alone.
//!
//! A new effect is a variant of `entitlement::Effect` and a file here; the match in [`perform`]
//! forces both.

mod cancel_meetings;
mod delete_recordings;
mod end_sessions;
mod free_license;
mod keep_recordings;
mod leave_queues;
mod release_numbers;
mod trash_recordings;

use db::{Ctx, NewTask, Task, Tx, task};
use entitlement::{Effect, EffectPlan, Outcome, UserId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::limits::{
    EFFECT_ATTEMPTS_MAX, EFFECT_RETRY_DOUBLINGS_MAX, EFFECT_RETRY_SECS, RECEIPT_NOTE_CHARS_MAX,
};
use crate::stale::Work;
use crate::{Error, TenantId, receipt, stale, stored};

/// The task queue of effects; its scope is the tenant.
pub(crate) const QUEUE: &str = "effect";

const FORMAT_VERSION: u32 = 1;

/// What a task of this queue carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Payload {
    user: UserId,
    effect: Effect,
    receipt: String,
}

/// One offboarding, as an effect sees it.
pub(crate) struct Leaving<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The user who leaves.
    pub user: &'a UserId,
    /// When they were deactivated or deleted.
    pub since: Timestamp,
}

/// Enqueues the effects of a plan, each under the subject `user:effect`.
pub(crate) fn enqueue(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
    receipt: &str,
    plan: &EffectPlan,
) -> Result<(), Error> {
    for (place, effect) in plan.run.iter().enumerate() {
        let payload = Payload { user: user.clone(), effect: *effect, receipt: receipt.to_owned() };
        let new = NewTask {
            scope: tenant.as_str().to_owned(),
            queue: QUEUE.to_owned(),
            subject: format!("{user}:{effect}"),
            priority: u32::try_from(place).unwrap_or(u32::MAX),
            payload: stored::to_json(&payload)?,
            format_version: FORMAT_VERSION,
            not_before: None,
            cause: ctx.cause.clone(),
        };
        task::enqueue(tx, &new, ctx.now)?;
    }
    if plan.run.is_empty() { Ok(()) } else { stale::open(tx, ctx, tenant, Work::Effects) }
}

/// Runs one leased task: the effect, its outcome on the receipt, the event and the end of the task
/// in one transaction.
pub(crate) fn run(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, task: &Task) -> Result<(), Error> {
    let payload: Payload = stored::json("An effect's task", &task.payload)?;
    let ctx = Ctx { cause: task.cause.clone(), ..ctx.clone() };
    if !task::complete(tx, task)? {
        // The lease ran out and another worker has it.
        return Ok(());
    }
    let Payload { user, effect, receipt } = payload;
    let Some(since) = receipt::pending_since(tx, tenant, &receipt, effect)? else { return Ok(()) };
    let outcome = perform(tx, &ctx, effect, &Leaving { tenant, user: &user, since })?;
    receipt::done(tx, &ctx, tenant, &receipt, &outcome)?;
    let payload = json!({"effect": effect, "receipt": receipt, "outcome": outcome});
    db::event::append(tx, &ctx, tenant.as_str(), "effect.done", &user.0, &payload)?;
    Ok(())
}

/// Notes that a task could not be run: tried again later, or given up and kept with its reason.
pub(crate) fn not_run(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    task: &Task,
    error: &str,
) -> Result<(), Error> {
    let why: String = error.chars().take(RECEIPT_NOTE_CHARS_MAX).collect();
    let payload: Option<Payload> = serde_json::from_str(&task.payload).ok();
    if task.attempt < EFFECT_ATTEMPTS_MAX {
        let doublings = task.attempt.saturating_sub(1).min(EFFECT_RETRY_DOUBLINGS_MAX);
        let wait = SignedDuration::from_secs(EFFECT_RETRY_SECS << doublings);
        let at = ctx.now.checked_add(wait).unwrap_or(ctx.now);
        if task::retry(tx, task, at, &why)?
            && let Some(payload) = payload
        {
            receipt::tried(tx, ctx, tenant, &payload.receipt, payload.effect, &why)?;
        }
    } else if task::bury(tx, task, &why)?
        && let Some(payload) = payload
    {
        receipt::failed(tx, ctx, tenant, &payload.receipt, payload.effect, &why)?;
    }
    Ok(())
}

fn perform(
    tx: &mut Tx,
    ctx: &Ctx,
    effect: Effect,
    leaving: &Leaving<'_>,
) -> Result<Outcome, Error> {
    match effect {
        Effect::EndSessions => end_sessions::run(tx, ctx, leaving),
        Effect::FreeLicense => free_license::run(tx, ctx, leaving),
        Effect::LeaveQueues => leave_queues::run(tx, ctx, leaving),
        Effect::ReleaseNumbers => release_numbers::run(tx, ctx, leaving),
        Effect::CancelMeetings => cancel_meetings::run(tx, ctx, leaving),
        Effect::KeepRecordings => keep_recordings::run(tx, ctx, leaving),
        Effect::TrashRecordings => trash_recordings::run(tx, ctx, leaving),
        Effect::DeleteRecordings => delete_recordings::run(tx, ctx, leaving),
    }
}

#[cfg(test)]
mod tests {
    use db::Clock;
    use jiff::SignedDuration;
    use serde_json::json;

    use super::*;
    use crate::receipt::StepState;
    use crate::{Config, ServiceProvider, UserState};

    fn open() -> (tempfile::TempDir, ServiceProvider, TenantId, Clock) {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed("2026-11-24T09:00:00Z".parse().unwrap());
        let provider = ServiceProvider::open(Config {
            database: db::testing::url(&folder.path().join("sp.db")),
            public_url: "http://sp.test".into(),
            key_file: None,
            clock: clock.clone(),
        })
        .unwrap();
        let tenant = provider.create_tenant(&provider.ctx("t", "t"), "Acme").unwrap().id;
        (folder, provider, tenant, clock)
    }

    fn leaver(provider: &ServiceProvider, tenant: &TenantId) -> String {
        let ctx = provider.ctx("admin", "test");
        let document = json!({"schemas": [scim::urn::USER], "userName": "ana@acme.test"});
        let user = provider.create_user(&ctx, tenant, &document, UserState::Active).unwrap();
        provider.begin_session(&ctx, tenant, &user.id, "web").unwrap();
        provider.deactivate_user(&ctx, tenant, &user.id).unwrap();
        user.id
    }

    fn steps(provider: &ServiceProvider, tenant: &TenantId, user: &str) -> Vec<(StepState, u32)> {
        let receipt = provider.receipts(tenant, user).unwrap().remove(0);
        receipt.steps.into_iter().map(|step| (step.state, step.attempts)).collect()
    }

    #[test]
    fn an_effect_that_fails_is_tried_again_later_and_keeps_no_other_from_being_done() {
        let (_folder, provider, tenant, clock) = open();
        let user = leaver(&provider, &tenant);
        let rename = |from: &'static str, to: &'static str| {
            let sql = format!("ALTER TABLE {from} RENAME TO {to}");
            provider.db().write(tenant.turn(), move |tx| tx.execute(&sql, &[])).unwrap();
        };
        rename("sessions", "sessions_away");
        provider.work_off().unwrap();
        let found = steps(&provider, &tenant, &user);
        assert_eq!(found[0], (StepState::Pending, 1));
        assert!(found[1..].iter().all(|step| *step == (StepState::Done, 1)), "{found:?}");
        let receipt = provider.receipts(&tenant, &user).unwrap().remove(0);
        assert!(receipt.steps[0].sentence.starts_with("to be tried again: "), "{receipt:?}");
        assert_eq!(receipt.closed_at, None);
        // Not before its time.
        provider.work_off().unwrap();
        assert_eq!(steps(&provider, &tenant, &user)[0], (StepState::Pending, 1));
        rename("sessions_away", "sessions");
        clock.advance(SignedDuration::from_secs(EFFECT_RETRY_SECS));
        provider.work_off().unwrap();
        assert_eq!(steps(&provider, &tenant, &user)[0], (StepState::Done, 2));
        let receipt = provider.receipts(&tenant, &user).unwrap().remove(0);
        assert_eq!(receipt.steps[0].sentence, "1 session ended");
        assert!(receipt.closed_at.is_some());
    }

    #[test]
    fn an_effect_that_goes_on_failing_is_given_up_with_its_reason() {
        let (_folder, provider, tenant, clock) = open();
        let user = leaver(&provider, &tenant);
        provider.db().write(tenant.turn(), |tx| tx.execute("DROP TABLE sessions", &[])).unwrap();
        for _ in 0..EFFECT_ATTEMPTS_MAX {
            provider.work_off().unwrap();
            clock.advance(SignedDuration::from_hours(1));
        }
        assert_eq!(steps(&provider, &tenant, &user)[0], (StepState::Failed, EFFECT_ATTEMPTS_MAX));
        let receipt = provider.receipts(&tenant, &user).unwrap().remove(0);
        assert!(receipt.steps[0].sentence.contains("A statement failed"), "{receipt:?}");
        assert!(receipt.closed_at.is_some());
        let dead = provider
            .db()
            .read(|r| task::list(r, tenant.as_str(), QUEUE, db::TaskState::Dead, 10))
            .unwrap();
        assert_eq!(dead.len(), 1);
    }

    #[test]
    fn who_dies_with_a_leased_effect_leaves_it_to_the_next_and_it_happens_once() {
        let (_folder, provider, tenant, clock) = open();
        let user = leaver(&provider, &tenant);
        // A worker leases everything and is never heard of again.
        let (scope, now) = (tenant.as_str().to_owned(), clock.now());
        let leased = provider
            .db()
            .write(tenant.turn(), move |tx| task::lease(tx, &scope, QUEUE, "dead", now, 60, 100))
            .unwrap();
        assert_eq!(leased.len(), 6);
        provider.work_off().unwrap();
        assert!(steps(&provider, &tenant, &user).iter().all(|(s, _)| *s == StepState::Pending));
        clock.advance(SignedDuration::from_secs(61));
        provider.work_off().unwrap();
        let found = steps(&provider, &tenant, &user);
        assert!(found.iter().all(|step| *step == (StepState::Done, 1)), "{found:?}");
        // The dead one wakes up late: nothing of it counts any more.
        let (ctx, t) = (provider.ctx("late", "late"), tenant.clone());
        provider
            .db()
            .write(tenant.turn(), move |tx| {
                leased.iter().try_for_each(|task| run(tx, &ctx, &t, task))
            })
            .unwrap();
        assert_eq!(steps(&provider, &tenant, &user), found);
    }
}
