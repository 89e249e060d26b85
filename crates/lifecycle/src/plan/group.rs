//! What is done about one push group.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::account::Presence;
use super::change::{Action, Change, ChangeSubject, Lane, MemberReasons, Rename};
use super::finding::PlanFinding;
use crate::{
    Application, Group, Membership, Person, PersonId, PushGroup, PushMode, PushStatus, PushedGroup,
    Quirk, Reason, RemoteGroup, Rule, Situation, Subject, why_not,
};

/// Everything that decides about one push group.
#[derive(Clone, Copy)]
pub struct GroupFacts<'a> {
    /// The day that is decided for.
    pub as_of: Date,
    /// The application.
    pub application: &'a Application,
    /// The push group, as it is configured.
    pub push_group: &'a PushGroup,
    /// The group. None: the directory has none of this id.
    pub group: Option<&'a Group>,
    /// The rules, to tell why somebody is a member no longer.
    pub rules: &'a [Rule],
    /// The members of the group, by person id ([`crate::Memberships::of_group`]).
    pub members: &'a [Membership<'a>],
    /// The group as it is there.
    pub pushed: Option<&'a PushedGroup>,
    /// The groups there that are linked to none here and have the name, in any case.
    pub candidates: &'a [&'a RemoteGroup],
    /// What is known of somebody who is, was or could be a member.
    pub member: &'a dyn Fn(&PersonId) -> MemberFacts<'a>,
}

/// What is known of somebody who is, was or could be a member.
#[derive(Debug, Clone, Copy)]
pub struct MemberFacts<'a> {
    /// The person. None: nobody knows them any more.
    pub person: Option<&'a Person>,
    /// Whether they are assigned to the application.
    pub assigned: bool,
    /// Whether their account can be a member.
    pub presence: Presence,
}

/// What is done about one push group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupDecision {
    /// What is known of the group there.
    pub situation: Situation,
    /// What is done. None: nothing.
    pub change: Option<Change>,
    /// What a person should know.
    pub findings: Vec<PlanFinding>,
}

/// What is done about one push group: created, linked, renamed, its members changed, or nothing. A
/// group that is pushed no longer stays as it is.
///
/// Members are those who are in the group, are assigned to the application, and whose account is
/// active or will be by this plan. The memberships of an account that is not active are left as they
/// are, so a leaver costs one request; when it is active again they are compared anew.
pub fn plan_group(facts: &GroupFacts<'_>) -> GroupDecision {
    let mut findings = Vec::new();
    let name = &facts.push_group.remote_name;
    let situation = facts.pushed.map_or(Situation::Absent, |pushed| pushed.situation);
    if facts.push_group.status == PushStatus::Inactive {
        return GroupDecision { situation, change: None, findings };
    }
    if facts.group.is_none() {
        findings.push(PlanFinding::PushGroupUnknown { group: name.clone() });
        return GroupDecision { situation, change: None, findings };
    }
    let (wanted, waiting) = wanted(facts);
    if waiting > 0 {
        findings.push(PlanFinding::MembersWithoutAccount { group: name.clone(), count: waiting });
    }
    let linked = facts.pushed.filter(|pushed| pushed.linked().is_some());
    let (situation, action) = match linked {
        Some(pushed) => (Situation::Linked, keep(facts, pushed, &wanted, &mut findings)),
        None => obtain(facts, situation, wanted, &mut findings),
    };
    let change = action.map(|action| change(facts, action));
    GroupDecision { situation, change, findings }
}

/// Who should be a member, and how many cannot be for want of an account.
fn wanted(facts: &GroupFacts<'_>) -> (BTreeSet<PersonId>, u64) {
    let mut waiting = 0;
    let wanted = facts
        .members
        .iter()
        .map(|membership| &membership.person.id)
        .filter(|person| {
            let member = (facts.member)(person);
            let present = matches!(member.presence, Presence::Active | Presence::Joining);
            waiting += u64::from(member.assigned && !present);
            member.assigned && present
        })
        .cloned()
        .collect();
    (wanted, waiting)
}

fn keep(
    facts: &GroupFacts<'_>,
    pushed: &PushedGroup,
    wanted: &BTreeSet<PersonId>,
    findings: &mut Vec<PlanFinding>,
) -> Option<Action> {
    let rename = rename(facts, pushed.written_name.as_deref(), findings);
    let (add, remove) = member_changes(facts, &pushed.members, wanted);
    (rename.is_some() || !add.is_empty() || !remove.is_empty()).then_some(Action::ChangeGroup {
        rename,
        add,
        remove,
    })
}

/// The group is not there, or not ours: it is linked or created.
fn obtain(
    facts: &GroupFacts<'_>,
    situation: Situation,
    wanted: BTreeSet<PersonId>,
    findings: &mut Vec<PlanFinding>,
) -> (Situation, Option<Action>) {
    let name = || facts.push_group.remote_name.clone();
    match facts.candidates {
        [] if situation == Situation::Gone => {
            findings.push(PlanFinding::PushGroupGone { group: name() });
        }
        [] => {}
        [found] => {
            let rename = rename(facts, Some(&found.display_name), findings);
            let present = found.members.clone().unwrap_or_default();
            let (add, remove) = member_changes(facts, &present, &wanted);
            let action = Action::LinkGroup {
                remote_id: found.remote_id.clone(),
                rename,
                present: present.into_iter().collect(),
                add,
                remove,
            };
            return (Situation::Unlinked, Some(action));
        }
        several => {
            let groups = several.iter().map(|group| group.remote_id.clone()).collect();
            findings.push(PlanFinding::PushGroupDisputed { group: name(), groups });
            return (Situation::Disputed, None);
        }
    }
    if facts.push_group.mode == PushMode::LinkOnly {
        findings.push(PlanFinding::PushGroupAbsent { group: name() });
        return (situation, None);
    }
    let add = wanted.into_iter().collect();
    (situation, Some(Action::CreateGroup { display_name: name(), add }))
}

fn rename(
    facts: &GroupFacts<'_>,
    written: Option<&str>,
    findings: &mut Vec<PlanFinding>,
) -> Option<Rename> {
    let name = &facts.push_group.remote_name;
    let written = written.filter(|written| written != name)?;
    if facts.application.profile.has(Quirk::NoGroupRename) {
        findings.push(PlanFinding::RenameImpossible {
            group: name.clone(),
            written: written.to_owned(),
        });
        return None;
    }
    Some(Rename { from: written.to_owned(), to: name.clone() })
}

/// Who comes and who goes, given who is there.
fn member_changes(
    facts: &GroupFacts<'_>,
    present: &BTreeSet<PersonId>,
    wanted: &BTreeSet<PersonId>,
) -> (Vec<PersonId>, Vec<PersonId>) {
    let presence = |person: &PersonId| (facts.member)(person).presence;
    // An account that is yet to be created is a member of nothing, whatever was pushed before.
    let add = wanted
        .iter()
        .filter(|person| !present.contains(*person) || presence(person) == Presence::Joining)
        .cloned()
        .collect();
    let remove = present
        .iter()
        .filter(|person| !wanted.contains(*person) && presence(person) == Presence::Active)
        .cloned()
        .collect();
    (add, remove)
}

fn change(facts: &GroupFacts<'_>, action: Action) -> Change {
    let PushGroup { group, remote_name, .. } = facts.push_group;
    let requests = action.requests(&facts.application.profile);
    let members = member_reasons(facts, &action);
    let change = Change::new(
        &facts.application.id,
        facts.as_of,
        ChangeSubject::Group(group.clone()),
        remote_name.clone(),
        (Lane::Membership, action),
    );
    let name = facts.group.map_or_else(|| remote_name.clone(), |group| group.name.clone());
    let reasons = vec![Reason::PushGroup { group: group.clone(), name }];
    Change { reasons, members, requests, ..change }
}

fn member_reasons(facts: &GroupFacts<'_>, action: &Action) -> BTreeMap<PersonId, MemberReasons> {
    let (add, remove) = action.member_changes();
    let coming = add.iter().filter_map(|id| {
        let at = facts.members.binary_search_by(|member| member.person.id.cmp(id)).ok()?;
        let membership = facts.members.get(at)?;
        let reasons = membership.reasons(facts.as_of);
        Some((id.clone(), MemberReasons { subject: Subject::of(membership.person), reasons }))
    });
    let going = remove.iter().filter_map(|id| {
        let member = (facts.member)(id);
        let (person, group) = (member.person?, facts.group?);
        let mut reasons = why_not(person, group, facts.rules, facts.as_of);
        if !member.assigned && reasons.is_empty() {
            reasons.push(Reason::NotAssigned);
        }
        Some((id.clone(), MemberReasons { subject: Subject::of(person), reasons }))
    });
    coming.chain(going).collect()
}
