//! Tasks of provisioning: one for each subject of a change, in the queue of its application.

use db::task::{self, NewTask, Task};
use db::{Ctx, Tx};
use jiff::civil::Date;
use lifecycle::{ApplicationId, Change, ChangeSubject, Lane, Subject};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::directory::SCOPE;

/// The format version of a task's payload.
const PAYLOAD_FORMAT_VERSION: u32 = 1;

/// What a task carries: not what is to be sent, but the name of the change that was released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payload {
    /// The digest of the change. Another one is not sent.
    pub change_digest: String,
    /// The day it was planned for.
    pub as_of: Date,
    /// The plan it belongs to.
    pub plan_digest: String,
    /// Whom it is about, for people.
    pub name: String,
}

/// The queue of an application.
pub(crate) fn queue(application: &ApplicationId) -> String {
    format!("provision:{application}")
}

/// Enqueues a change, in place of an older one of its subject.
pub(crate) fn enqueue(
    tx: &mut Tx,
    ctx: &Ctx,
    application: &ApplicationId,
    change: &Change,
    (as_of, plan_digest): (Date, &str),
) -> Result<(), Error> {
    let payload = Payload {
        change_digest: change.digest.clone(),
        as_of,
        plan_digest: plan_digest.to_string(),
        name: told(change),
    };
    let task = NewTask {
        scope: SCOPE.to_string(),
        queue: queue(application),
        subject: change.subject.to_string(),
        priority: priority(change.lane),
        payload: serde_json::to_string(&payload).unwrap_or_default(),
        format_version: PAYLOAD_FORMAT_VERSION,
        not_before: None,
        cause: ctx.cause.clone(),
    };
    Ok(task::enqueue(tx, &task, ctx.now)?)
}

/// Whom a change is about, for people.
pub(crate) fn told(change: &Change) -> String {
    match (&change.subject, &change.employee_number) {
        (ChangeSubject::Account(_), Some(number)) => {
            Subject { employee_number: number.clone(), name: change.name.clone() }.to_string()
        }
        (ChangeSubject::Group(_), _) => format!("group {}", change.name),
        (ChangeSubject::Account(_), None) => change.name.clone(),
    }
}

/// The id under which events of a subject stand: the person's or the group's.
pub(crate) fn about(subject: &ChangeSubject) -> &str {
    match subject {
        ChangeSubject::Account(person) => person.as_str(),
        ChangeSubject::Group(group) => group.as_str(),
    }
}

/// The subject of a task and what it carries. None: another version wrote it, so it is planned anew.
pub(crate) fn read(task: &Task) -> Option<(ChangeSubject, Payload)> {
    if task.format_version != PAYLOAD_FORMAT_VERSION {
        return None;
    }
    Some((task.subject.parse().ok()?, serde_json::from_str(&task.payload).ok()?))
}

/// The priority of a lane: leavers overtake everything.
fn priority(lane: Lane) -> u32 {
    let place = Lane::ALL.iter().position(|other| *other == lane);
    place.and_then(|place| u32::try_from(place).ok()).unwrap_or(u32::MAX)
}
