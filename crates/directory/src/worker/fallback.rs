//! Falling back: another form for what an application cannot do, or said it did and did not.
//!
//! A group's members are sent in the form its profile names, then in the other form of PATCH, then
//! with a PUT of the whole group. What no form brings is told for each member.

use std::collections::BTreeSet;

use lifecycle::{GroupPatch, MemberBatch, Origin, PersonId, RemoteId};
use serde_json::{Map, Value};

use super::group::{Found, RemoteIds};
use crate::client::Failure;
use crate::limits;

/// Members on their way, and how often another form was tried.
pub(super) struct Sending {
    pub batch: MemberBatch,
    turn: usize,
    /// Why the form before was left.
    because: Option<Failure>,
}

impl Sending {
    /// Members that have not been sent yet.
    pub fn first(batch: MemberBatch) -> Self {
        Self { batch, turn: 0, because: None }
    }

    /// In which form they are sent, in an application that prefers this one.
    pub fn form(&self, preferred: GroupPatch) -> GroupPatch {
        forms(preferred)[self.turn]
    }

    /// The same with a part of the members.
    pub fn part(&self, batch: MemberBatch) -> Self {
        Self { batch, turn: self.turn, because: self.because.clone() }
    }

    /// These members in the next form; or, if there is none, what is to be told.
    pub fn next(self, rest: MemberBatch, failure: Failure) -> Result<Self, (MemberBatch, Failure)> {
        let because = self.because.unwrap_or(failure);
        // The two forms of PATCH differ in how members go.
        let turn = if rest.remove.is_empty() { FORM_COUNT - 1 } else { self.turn + 1 };
        if turn >= FORM_COUNT || turn <= self.turn {
            return Err((rest, because));
        }
        Ok(Self { batch: rest, turn, because: Some(because) })
    }

    /// Why the form before was left, else this.
    pub fn reason(&self, failure: Failure) -> Failure {
        self.because.clone().unwrap_or(failure)
    }
}

/// How many forms there are.
const FORM_COUNT: usize = 3;

fn forms(preferred: GroupPatch) -> [GroupPatch; FORM_COUNT] {
    match preferred {
        GroupPatch::ByFilter => [GroupPatch::ByFilter, GroupPatch::ByValueList, GroupPatch::Put],
        GroupPatch::ByValueList => [GroupPatch::ByValueList, GroupPatch::ByFilter, GroupPatch::Put],
        GroupPatch::Put => [GroupPatch::Put; FORM_COUNT],
    }
}

/// The forms of PATCH, the preferred one first.
pub(super) fn patch_forms(preferred: GroupPatch) -> impl Iterator<Item = GroupPatch> {
    forms(preferred).into_iter().filter(|form| *form != GroupPatch::Put)
}

/// Whether the application cannot do it in this form, so that another one may help: the method or
/// the path is not implemented or not understood.
pub(super) fn cannot(failure: &Failure) -> bool {
    match failure {
        Failure::Broken { status: 501, .. } | Failure::Refused { status: 405 | 501, .. } => true,
        Failure::Refused { scim_type: Some(kind), .. } => {
            matches!(kind.as_str(), "invalidPath" | "invalidFilter")
        }
        _ => false,
    }
}

/// Whether another form did not help either, so that the reason to tell is why the first one failed.
pub(super) fn is_no_help(second: &Failure) -> bool {
    cannot(second)
        || matches!(
            second,
            Failure::Refused { .. } | Failure::NotSent { .. } | Failure::WithoutEffect { .. }
        )
}

/// A success that changed nothing.
pub(super) fn without_effect(detail: &str) -> Failure {
    Failure::WithoutEffect { detail: detail.to_string() }
}

/// The members a group shows. None: it shows no members at all, so nothing is known.
pub(super) fn members_shown(body: &Map<String, Value>) -> Option<BTreeSet<String>> {
    let members = body.get("members")?;
    // Null is no value, RFC 7643 2.5.
    let members = members.as_array().map(Vec::as_slice).unwrap_or_default();
    Some(members.iter().filter_map(|member| text(member.get("value")?)).collect())
}

/// Identifiers are texts (RFC 7643 3.1); some write numbers.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Splits a batch into what the group shows to be so, and what it shows to be otherwise.
pub(super) fn effect(
    batch: MemberBatch,
    shown: Option<&BTreeSet<String>>,
    remote_ids: &RemoteIds,
) -> (MemberBatch, MemberBatch) {
    let Some(shown) = shown else { return (batch, MemberBatch::default()) };
    let is_shown =
        |person: &PersonId| remote_ids.get(person).is_some_and(|id| shown.contains(id.as_str()));
    // A long list may be cut short: who is not on it may be there all the same.
    let cut = shown.len() >= limits::MEMBERS_SHOWN_WHOLE_COUNT;
    let (added, missing) = batch.add.into_iter().partition(|person| cut || is_shown(person));
    let (still, removed) = batch.remove.into_iter().partition(is_shown);
    (MemberBatch { add: added, remove: removed }, MemberBatch { add: missing, remove: still })
}

/// Whether a PUT of a group with these members takes nobody away whom its answer did not show.
pub(super) fn shows_everybody(
    found: &Found,
    shown: &BTreeSet<String>,
    going: &BTreeSet<String>,
) -> bool {
    let Some(pushed) = &found.pushed else {
        return shown.len() < limits::MEMBERS_SHOWN_WHOLE_COUNT;
    };
    let ours = pushed.members.iter().filter_map(|person| found.remote_ids.get(person));
    let ours = ours.map(RemoteId::as_str).filter(|id| !going.contains(*id));
    let strangers = pushed.origin != Origin::Created;
    ours.into_iter().all(|id| shown.contains(id))
        && !(strangers && shown.len() >= limits::MEMBERS_SHOWN_WHOLE_COUNT)
}

/// Whether nobody comes or goes.
pub(super) fn is_empty(batch: &MemberBatch) -> bool {
    batch.add.is_empty() && batch.remove.is_empty()
}
