//! Tasks: work that outlives a crash.
//!
//! A task is keyed by (scope, queue, subject). A subject has at most one generation that runs and
//! one that waits: a newer one takes the waiting one's place, and while one runs the waiting one
//! is not handed out. The order of events:
//!
//! 1. `enqueue` in the transaction that causes the work;
//! 2. `lease` hands it to a holder until a moment, with a token; the most urgent priority (the
//!    lowest number) first, then the oldest;
//! 3. `mark_sent` before anything leaves the house;
//! 4. `complete`, `retry`, `release` or `bury`, by token: a holder whose task was handed to
//!    another changes nothing and is told so.
//!
//! A holder that dies leaves its generation to the next when its lease runs out. The mark of
//! step 3 survives this, a retry and a newer generation, until somebody completes the subject or
//! `mark_answered` says that the outcome is known: so the next holder knows that it is not, and
//! looks before it sends ([`Task::outcome_unknown`]). Tasks run at least once; that a second run
//! does no harm is up to the work.

mod outcome;

use jiff::Timestamp;

use crate::ctx::new_id;
use crate::error::{Error, Result};
use crate::lease::end;
use crate::limits::{LEASE_SECS_MAX, LIST_MAX, TASKS_LEASED_MAX, TASKS_PROMOTED_MAX};
use crate::params;
use crate::row::Row;
use crate::tx::{Read, Tx};
use crate::value::micros;

pub use outcome::{
    bury, complete, discard, mark_answered, mark_sent, release, renew, retry, revive,
};

/// Work to be enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// Whose queue: a tenant, or the directory's one scope.
    pub scope: String,
    /// Which queue: an application, a kind of effect.
    pub queue: String,
    /// Whom it is about; at most one generation of a subject runs.
    pub subject: String,
    /// How urgent: 0 comes first.
    pub priority: u32,
    /// What to do, in the queue's own format.
    pub payload: String,
    /// Which version of that format.
    pub format_version: u32,
    /// Not before this moment; at once if absent.
    pub not_before: Option<Timestamp>,
    /// Because of what: an event's id, a run, a request.
    pub cause: String,
}

/// A generation of a task, as leased or listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Whose queue.
    pub scope: String,
    /// Which queue.
    pub queue: String,
    /// Whom it is about.
    pub subject: String,
    /// The id of this generation: each `enqueue` makes a new one.
    pub generation: String,
    /// Where it stands.
    pub state: TaskState,
    /// How urgent: 0 comes first.
    pub priority: u32,
    /// Since when the subject waits; a newer generation keeps its predecessor's place.
    pub enqueued_at: Timestamp,
    /// When it may run, or until when it is leased; absent if at once.
    pub due_at: Option<Timestamp>,
    /// How often it was handed out, this time included.
    pub attempt: u32,
    /// Which version of the payload's format.
    pub format_version: u32,
    /// What to do.
    pub payload: String,
    /// Because of what.
    pub cause: String,
    /// Who has it, or had it last.
    pub holder: Option<String>,
    /// When it was handed out last.
    pub leased_at: Option<Timestamp>,
    /// When something was sent for this subject whose outcome nobody has told yet.
    pub sent_at: Option<Timestamp>,
    /// Why it did not succeed last time.
    pub last_error: Option<String>,
    /// Proves to the finishing verbs that it is still this holder's; none if it was only listed.
    token: Option<String>,
}

/// Where a generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// It can be leased, or its holder's lease has run out and it can be leased again.
    Ready,
    /// Its time has not come, or another generation of its subject runs.
    Waiting,
    /// A holder has it.
    Running,
    /// It was given up and waits for a person.
    Dead,
}

/// How many generations of a queue stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct TaskCounts {
    /// Can be leased.
    pub ready: u64,
    /// Wait for their time or for their subject's running generation.
    pub waiting: u64,
    /// Are with a holder, or were until their lease ran out.
    pub running: u64,
    /// Were given up.
    pub dead: u64,
}

const COLUMNS: &str = "scope, queue, subject, generation, state, priority, enqueued_at, due_at, \
                       attempt, format_version, payload, cause, holder, leased_at, sent_at, \
                       last_error, token";

/// One slot of a subject, as far as the verbs need it.
struct Slot {
    name: String,
    token: Option<String>,
    sent_at: Option<i64>,
    priority: i64,
}

impl Task {
    /// Whether something was sent for this subject and nobody told how it ended: then look
    /// before sending again.
    pub fn outcome_unknown(&self) -> bool {
        self.sent_at.is_some()
    }
}

impl TaskCounts {
    /// Generations that are still to be worked off.
    pub fn open(&self) -> u64 {
        self.ready + self.waiting + self.running
    }
}

/// Enqueues a generation, in place of the one that waits if there is one: the newer payload, the
/// more urgent priority, the older place in the queue, a new count of attempts.
pub fn enqueue(tx: &mut Tx, task: &NewTask, now: Timestamp) -> Result<()> {
    let slots = slots(tx, &task.scope, &task.queue, &task.subject)?;
    let due_at = task.not_before.filter(|at| *at > now).map_or(0, micros);
    let state = match (slot(&slots, "running"), due_at) {
        (Some(_), _) => "blocked",
        (None, 0) => "ready",
        (None, _) => "delayed",
    };
    // What was given up with an unknown outcome is still unknown to its successor.
    let sent_at = slot(&slots, "dead").and_then(|dead| dead.sent_at);
    tx.execute(
        "INSERT INTO tasks (scope, queue, subject, slot, state, generation, priority, enqueued_at,
             due_at, attempt, format_version, payload, cause, sent_at)
         VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, 0, $9, $10, $11, $12)
         ON CONFLICT (scope, queue, subject, slot) DO UPDATE SET
             state = excluded.state,
             generation = excluded.generation,
             priority = CASE WHEN excluded.priority < tasks.priority
                 THEN excluded.priority ELSE tasks.priority END,
             due_at = excluded.due_at,
             attempt = 0,
             format_version = excluded.format_version,
             payload = excluded.payload,
             cause = excluded.cause,
             last_error = NULL",
        params![
            &task.scope,
            &task.queue,
            &task.subject,
            state,
            new_id(),
            task.priority,
            now,
            due_at,
            task.format_version,
            &task.payload,
            &task.cause,
            sent_at,
        ],
    )?;
    Ok(())
}

/// Hands up to `limit` tasks to `holder` for `lease_secs` seconds, the most urgent first, then
/// the oldest. A task whose lease ran out is handed out again.
pub fn lease(
    tx: &mut Tx,
    scope: &str,
    queue: &str,
    holder: &str,
    now: Timestamp,
    lease_secs: u32,
    limit: u32,
) -> Result<Vec<Task>> {
    for state in ["delayed", "running"] {
        promote(tx, scope, queue, state, now)?;
    }
    let sql = format!(
        "UPDATE tasks SET slot = 'running', state = 'running', token = $1, holder = $2,
             leased_at = $3, due_at = $4, attempt = attempt + 1
         WHERE scope = $5 AND queue = $6 AND state = 'ready' AND subject IN (
             SELECT subject FROM tasks WHERE scope = $5 AND queue = $6 AND state = 'ready'
             ORDER BY priority, enqueued_at, subject LIMIT $7)
         RETURNING {COLUMNS}"
    );
    let limit = limit.min(TASKS_LEASED_MAX);
    let params = params![new_id(), holder, now, end(now, lease_secs)?, scope, queue, limit];
    let mut tasks = tx.query(&sql, params, read_task)?;
    // RETURNING promises no order.
    tasks.sort_by(|a, b| {
        (a.priority, a.enqueued_at, &a.subject).cmp(&(b.priority, b.enqueued_at, &b.subject))
    });
    Ok(tasks)
}

/// Hands the task of one subject to `holder` at once, even before its time; none if there is no
/// such task or another holder has it.
pub fn lease_one(
    tx: &mut Tx,
    scope: &str,
    queue: &str,
    subject: &str,
    holder: &str,
    now: Timestamp,
    lease_secs: u32,
) -> Result<Option<Task>> {
    // A subject's waiting generation is `blocked` while one runs, so at most one row fits.
    let sql = format!(
        "UPDATE tasks SET slot = 'running', state = 'running', token = $1, holder = $2,
             leased_at = $3, due_at = $4, attempt = attempt + 1
         WHERE scope = $5 AND queue = $6 AND subject = $7
             AND (state IN ('ready', 'delayed') OR (state = 'running' AND due_at <= $3))
         RETURNING {COLUMNS}"
    );
    let params = params![new_id(), holder, now, end(now, lease_secs)?, scope, queue, subject];
    tx.query_opt(&sql, params, read_task)
}

/// How many generations of a queue stand where.
pub fn counts(r: &mut Read, scope: &str, queue: &str) -> Result<TaskCounts> {
    let rows = r.query(
        "SELECT state, COUNT(*) FROM tasks WHERE scope = $1 AND queue = $2 GROUP BY state",
        params![scope, queue],
        |row| Ok((read_state(row, 0)?, row.count(1)?)),
    )?;
    let mut counts = TaskCounts::default();
    for (state, count) in rows {
        match state {
            TaskState::Ready => counts.ready += count,
            TaskState::Waiting => counts.waiting += count,
            TaskState::Running => counts.running += count,
            TaskState::Dead => counts.dead += count,
        }
    }
    Ok(counts)
}

/// The generations of a queue that stand at `state`, in the order in which they would run.
pub fn list(
    r: &mut Read,
    scope: &str,
    queue: &str,
    state: TaskState,
    limit: u32,
) -> Result<Vec<Task>> {
    let states = match state {
        TaskState::Ready => "'ready'",
        TaskState::Waiting => "'delayed', 'blocked'",
        TaskState::Running => "'running'",
        TaskState::Dead => "'dead'",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM tasks WHERE scope = $1 AND queue = $2 AND state IN ({states})
         ORDER BY priority, enqueued_at, subject LIMIT $3"
    );
    r.query(&sql, params![scope, queue, limit.min(LIST_MAX)], listed)
}

/// The generations of one subject: what runs, what waits, what was given up.
pub fn of_subject(r: &mut Read, scope: &str, queue: &str, subject: &str) -> Result<Vec<Task>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tasks WHERE scope = $1 AND queue = $2 AND subject = $3
         ORDER BY generation"
    );
    r.query(&sql, params![scope, queue, subject], listed)
}

/// Makes ready what stood at `state` until now: delayed tasks whose time has come, and running
/// ones whose lease ran out. These keep their slot and token, so that a late holder can still
/// finish what nobody took over.
fn promote(tx: &mut Tx, scope: &str, queue: &str, state: &str, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE tasks SET state = 'ready', due_at = 0
         WHERE scope = $1 AND queue = $2 AND state = $3 AND subject IN (
             SELECT subject FROM tasks
             WHERE scope = $1 AND queue = $2 AND state = $3 AND due_at <= $4
             ORDER BY due_at LIMIT $5)",
        params![scope, queue, state, now, TASKS_PROMOTED_MAX],
    )?;
    if state == "running" {
        // No lease ends so late: the clock was ahead when it was made, and has been set back since.
        tx.execute(
            "UPDATE tasks SET state = 'ready', due_at = 0
             WHERE scope = $1 AND queue = $2 AND state = $3 AND due_at > $4",
            params![scope, queue, state, end(now, LEASE_SECS_MAX)?],
        )?;
    }
    Ok(())
}

fn slots(tx: &mut Tx, scope: &str, queue: &str, subject: &str) -> Result<Vec<Slot>> {
    tx.query(
        "SELECT slot, token, sent_at, priority FROM tasks
         WHERE scope = $1 AND queue = $2 AND subject = $3",
        params![scope, queue, subject],
        |row| {
            Ok(Slot {
                name: row.text(0)?,
                token: row.opt_text(1)?,
                sent_at: row.opt_int(2)?,
                priority: row.int(3)?,
            })
        },
    )
}

fn slot<'a>(slots: &'a [Slot], name: &str) -> Option<&'a Slot> {
    slots.iter().find(|slot| slot.name == name)
}

fn listed(row: &Row) -> Result<Task> {
    Ok(Task { token: None, ..read_task(row)? })
}

fn read_task(row: &Row) -> Result<Task> {
    Ok(Task {
        scope: row.text(0)?,
        queue: row.text(1)?,
        subject: row.text(2)?,
        generation: row.text(3)?,
        state: read_state(row, 4)?,
        priority: small(row, 5)?,
        enqueued_at: row.timestamp(6)?,
        due_at: Some(row.timestamp(7)?).filter(|at| *at != Timestamp::UNIX_EPOCH),
        attempt: small(row, 8)?,
        format_version: small(row, 9)?,
        payload: row.text(10)?,
        cause: row.text(11)?,
        holder: row.opt_text(12)?,
        leased_at: row.opt_timestamp(13)?,
        sent_at: row.opt_timestamp(14)?,
        last_error: row.opt_text(15)?,
        token: row.opt_text(16)?,
    })
}

fn small(row: &Row, column: usize) -> Result<u32> {
    u32::try_from(row.int(column)?).map_err(|_| Error::Column {
        column,
        wanted: "a small count",
        found: "a number out of range",
    })
}

fn read_state(row: &Row, column: usize) -> Result<TaskState> {
    match row.text_ref(column)? {
        "ready" => Ok(TaskState::Ready),
        "delayed" | "blocked" => Ok(TaskState::Waiting),
        "running" => Ok(TaskState::Running),
        "dead" => Ok(TaskState::Dead),
        other => Err(Error::unreadable("A task's state", format!("`{other}` is none"))),
    }
}

#[cfg(test)]
mod tests;
