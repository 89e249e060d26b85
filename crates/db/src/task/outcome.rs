//! How a leased task ends. Every verb says whether the task was still this holder's; if it was
//! not, it changed nothing.

use jiff::Timestamp;

use super::{Slot, Task, slot, slots};
use crate::error::Result;
use crate::lease::end;
use crate::limits::TASK_ERROR_CHARS_MAX;
use crate::params;
use crate::tx::Tx;
use crate::value::{Value, micros};

/// Where a generation that did not succeed goes back to.
struct Return {
    /// When it may run again; 0 for at once.
    due_at: i64,
    /// How many attempts are taken back.
    uncounted: u32,
    /// Why it did not succeed; what was known before if absent.
    reason: Option<String>,
}

/// Marks that something is about to be sent, so that a later holder knows the outcome is unknown.
pub fn mark_sent(tx: &mut Tx, task: &Task, now: Timestamp) -> Result<bool> {
    let marked = tx.execute(
        "UPDATE tasks SET sent_at = $1
         WHERE scope = $2 AND queue = $3 AND subject = $4 AND slot = 'running' AND token = $5",
        params![now, &task.scope, &task.queue, &task.subject, &task.token],
    )?;
    Ok(marked > 0)
}

/// Takes the mark away: the outcome of all that was sent is known, for instance a refusal.
pub fn mark_answered(tx: &mut Tx, task: &Task) -> Result<bool> {
    if owned(tx, task)?.is_none() {
        return Ok(false);
    }
    tx.execute(
        "UPDATE tasks SET sent_at = NULL WHERE scope = $1 AND queue = $2 AND subject = $3",
        params![&task.scope, &task.queue, &task.subject],
    )?;
    Ok(true)
}

/// Extends the lease to `lease_secs` seconds from now.
pub fn renew(tx: &mut Tx, task: &Task, now: Timestamp, lease_secs: u32) -> Result<bool> {
    let renewed = tx.execute(
        "UPDATE tasks SET state = 'running', due_at = $1
         WHERE scope = $2 AND queue = $3 AND subject = $4 AND slot = 'running' AND token = $5",
        params![end(now, lease_secs)?, &task.scope, &task.queue, &task.subject, &task.token],
    )?;
    Ok(renewed > 0)
}

/// The task is done. What was given up of its subject before is settled with it, and the
/// generation that waited behind it becomes ready.
pub fn complete(tx: &mut Tx, task: &Task) -> Result<bool> {
    if owned(tx, task)?.is_none() {
        return Ok(false);
    }
    tx.execute(
        "DELETE FROM tasks
         WHERE scope = $1 AND queue = $2 AND subject = $3 AND slot IN ('running', 'dead')",
        params![&task.scope, &task.queue, &task.subject],
    )?;
    tx.execute(
        "UPDATE tasks SET state = CASE WHEN due_at = 0 THEN 'ready' ELSE 'delayed' END,
             sent_at = NULL
         WHERE scope = $1 AND queue = $2 AND subject = $3 AND slot = 'pending'",
        params![&task.scope, &task.queue, &task.subject],
    )?;
    Ok(true)
}

/// The task did not succeed and is to be tried again at `next_attempt_at`. If a newer generation
/// waits, that one takes its place at once. The mark of a sending stays: after a definite
/// answer call [`mark_answered`] first.
pub fn retry(tx: &mut Tx, task: &Task, next_attempt_at: Timestamp, reason: &str) -> Result<bool> {
    let due_at = micros(next_attempt_at);
    give_back(tx, task, Return { due_at, uncounted: 0, reason: Some(clipped(reason)) })
}

/// Gives the task back as if it had not been handed out, for instance when the program stops.
pub fn release(tx: &mut Tx, task: &Task) -> Result<bool> {
    give_back(tx, task, Return { due_at: 0, uncounted: 1, reason: None })
}

/// Gives the task up: it is kept with its reason until somebody revives or discards it, or a
/// later generation of its subject completes.
pub fn bury(tx: &mut Tx, task: &Task, reason: &str) -> Result<bool> {
    let Some(slots) = owned(tx, task)? else { return Ok(false) };
    let running = slot(&slots, "running");
    discard(tx, &task.scope, &task.queue, &task.subject)?;
    tx.execute(
        "UPDATE tasks SET slot = 'dead', state = 'dead', due_at = 0, token = NULL, last_error = $1
         WHERE scope = $2 AND queue = $3 AND subject = $4 AND slot = 'running'",
        params![clipped(reason), &task.scope, &task.queue, &task.subject],
    )?;
    unblock(tx, task, running, None)?;
    Ok(true)
}

/// Brings a task that was given up back, ready and with a new count of attempts; false if there
/// is none. Any other generation of the subject is newer than it and stands for it: one that
/// waits need not wait for its time any longer.
pub fn revive(tx: &mut Tx, scope: &str, queue: &str, subject: &str) -> Result<bool> {
    let slots = slots(tx, scope, queue, subject)?;
    if slot(&slots, "dead").is_none() {
        return Ok(false);
    }
    let revived = if slots.len() == 1 { "dead" } else { "pending" };
    if revived == "pending" {
        discard(tx, scope, queue, subject)?;
    }
    let state = if slot(&slots, "running").is_some() { "blocked" } else { "ready" };
    tx.execute(
        "UPDATE tasks SET slot = 'pending', state = $1, due_at = 0, attempt = 0
         WHERE scope = $2 AND queue = $3 AND subject = $4 AND slot = $5",
        params![state, scope, queue, subject, revived],
    )?;
    Ok(true)
}

/// Forgets a task that was given up; false if there is none.
pub fn discard(tx: &mut Tx, scope: &str, queue: &str, subject: &str) -> Result<bool> {
    let gone = tx.execute(
        "DELETE FROM tasks WHERE scope = $1 AND queue = $2 AND subject = $3 AND slot = 'dead'",
        params![scope, queue, subject],
    )?;
    Ok(gone > 0)
}

/// The slots of the task's subject, if the running one is still this holder's.
fn owned(tx: &mut Tx, task: &Task) -> Result<Option<Vec<Slot>>> {
    let slots = slots(tx, &task.scope, &task.queue, &task.subject)?;
    let running = slot(&slots, "running");
    let owned = task.token.is_some() && running.is_some_and(|slot| slot.token == task.token);
    Ok(owned.then_some(slots))
}

fn give_back(tx: &mut Tx, task: &Task, back: Return) -> Result<bool> {
    let Some(slots) = owned(tx, task)? else { return Ok(false) };
    if slot(&slots, "pending").is_some() {
        tx.execute(
            "DELETE FROM tasks
             WHERE scope = $1 AND queue = $2 AND subject = $3 AND slot = 'running'",
            params![&task.scope, &task.queue, &task.subject],
        )?;
        unblock(tx, task, slot(&slots, "running"), back.reason)?;
        return Ok(true);
    }
    tx.execute(
        "UPDATE tasks SET slot = 'pending', token = NULL,
             state = CASE WHEN $1 = 0 THEN 'ready' ELSE 'delayed' END,
             due_at = $1, attempt = attempt - $2, last_error = COALESCE($3, last_error)
         WHERE scope = $4 AND queue = $5 AND subject = $6 AND slot = 'running'",
        params![back.due_at, back.uncounted, back.reason, &task.scope, &task.queue, &task.subject],
    )?;
    Ok(true)
}

/// Lets the waiting generation take the place of one that did not succeed: it inherits the mark
/// of what was sent, and its urgency.
fn unblock(tx: &mut Tx, task: &Task, running: Option<&Slot>, reason: Option<String>) -> Result<()> {
    let sent_at = Value::from(running.and_then(|slot| slot.sent_at));
    let priority = running.map_or(i64::MAX, |slot| slot.priority);
    tx.execute(
        "UPDATE tasks SET state = CASE WHEN due_at = 0 THEN 'ready' ELSE 'delayed' END,
             sent_at = COALESCE($1, sent_at), last_error = COALESCE($2, last_error),
             priority = CASE WHEN $3 < priority THEN $3 ELSE priority END
         WHERE scope = $4 AND queue = $5 AND subject = $6 AND slot = 'pending'",
        &[
            sent_at,
            reason.into(),
            priority.into(),
            (&task.scope).into(),
            (&task.queue).into(),
            (&task.subject).into(),
        ],
    )?;
    Ok(())
}

fn clipped(reason: &str) -> String {
    match reason.char_indices().nth(TASK_ERROR_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &reason[..at]),
        None => reason.to_owned(),
    }
}
