//! Plans: what has to happen in an application so that it is as it should be on a day.
//!
//! [`plan`] asks [`plan_account`] about every person and [`plan_group`] about every push group, and
//! puts the changes in order. A worker asks the same two functions about one subject again, just
//! before it sends: if the change has another digest by then, nothing is sent.
//!
//! Planning twice for the same day and facts gives the same bytes; planning after everything was
//! applied gives a plan without changes.

mod account;
mod change;
mod cost;
mod finding;
mod group;
mod render;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use account::{AccountDecision, AccountFacts, Presence, plan_account};
pub use change::{
    Action, Change, ChangeSubject, ChangeSubjectError, Lane, MemberReasons, PLAN_FORMAT_VERSION,
    Rename,
};
pub use cost::{Cost, MemberBatch, MemberBatches, minimum_requests};
pub use finding::PlanFinding;
pub use group::{GroupDecision, GroupFacts, MemberFacts, plan_group};
pub use render::{render, render_change};

use crate::desired::desired;
use crate::{
    Account, Application, ApplicationId, Candidates, Group, GroupId, Mappings, MatchKeys,
    Memberships, Person, PersonId, PushGroup, PushedGroup, Reason, RemoteAccount, RemoteGroup,
    RemoteId, Rule, Subject, assigned, digest, limits,
};

/// Everything a plan follows from.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// The day that is decided for.
    pub as_of: Date,
    /// The application.
    pub application: &'a Application,
    /// Its mappings.
    pub mappings: &'a Mappings,
    /// Everybody the directory knows.
    pub people: &'a [Person],
    /// The groups.
    pub groups: &'a [Group],
    /// The rules that fill them.
    pub rules: &'a [Rule],
    /// Who is in which group on that day.
    pub memberships: &'a Memberships<'a>,
    /// The accounts that are ours, or were.
    pub accounts: &'a [Account],
    /// The accounts there that are linked to nobody.
    pub unlinked: &'a [RemoteAccount],
    /// The push groups as they are there.
    pub pushed_groups: &'a [PushedGroup],
    /// The groups there that are linked to none here.
    pub unlinked_groups: &'a [RemoteGroup],
}

/// What has to happen in an application so that it is as it should be on a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The form in which it is stored.
    pub format_version: u32,
    /// The application.
    pub application: ApplicationId,
    /// Its name.
    pub application_name: String,
    /// The day it is for.
    pub as_of: Date,
    /// What is done, in order.
    pub changes: Vec<Change>,
    /// What a person should know.
    pub findings: Vec<PlanFinding>,
    /// What there is before anything is done.
    pub population: Population,
    /// What it takes.
    pub cost: Cost,
    /// Accounts that were seen to be as they should be already in something that we do not know to
    /// have written, by person: what is to be noted as last written. Nothing is sent for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settled: BTreeMap<PersonId, Map<String, Value>>,
    /// The digest over application, day and the digests of all changes.
    pub digest: String,
}

/// What there is in an application before anything is done: what the guard measures against.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Population {
    /// Accounts that are ours and active.
    pub active_account_count: u64,
    /// Groups that grant licenses.
    pub license_groups: BTreeSet<GroupId>,
    /// Memberships of those there.
    pub license_membership_count: u64,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The change of a subject.
    pub fn change(&self, subject: &ChangeSubject) -> Option<&Change> {
        self.changes.iter().find(|change| change.subject == *subject)
    }
}

impl Population {
    /// What there is, by accounts and push groups.
    pub fn of(groups: &[Group], accounts: &[Account], pushed: &[PushedGroup]) -> Self {
        let active = accounts.iter().filter(|one| Presence::of(Some(one)) == Presence::Active);
        let license_groups: BTreeSet<GroupId> = groups
            .iter()
            .filter(|group| group.grants_licenses)
            .map(|group| group.id.clone())
            .collect();
        let members = pushed.iter().filter(|group| license_groups.contains(&group.group));
        let license_membership_count = members.map(|group| group.members.len() as u64).sum();
        let active_account_count = active.count() as u64;
        Self { active_account_count, license_groups, license_membership_count }
    }
}

/// What has to happen in an application so that it is as it should be on a day.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    let mut world = World::new(input);
    let mut decisions: Vec<(&Person, AccountDecision)> = Vec::with_capacity(input.people.len());
    let mut people: Vec<&Person> = input.people.iter().collect();
    people.sort_unstable_by_key(|person| (&person.employee_number, &person.id));
    for person in people {
        let (assigned, decision) = world.account(person);
        world.members.insert(
            &person.id,
            MemberFacts {
                person: Some(person),
                assigned: !assigned.is_empty(),
                presence: decision.presence,
            },
        );
        decisions.push((person, decision));
    }
    let mut findings = refuse_shared(&mut decisions, &mut world.members);
    let (mut changes, mut settled) = (Vec::new(), BTreeMap::new());
    for (person, decision) in &mut decisions {
        let resource = decision.settled.take();
        settled.extend(resource.map(|it| (person.id.clone(), it.into_document())));
        changes.extend(decision.change.take());
        findings.append(&mut decision.findings);
    }
    for push_group in &input.application.push_groups {
        let mut decision = world.group(push_group);
        changes.extend(decision.change);
        findings.append(&mut decision.findings);
    }
    findings.extend(world.strangers(&changes));
    Plan { settled, ..finish(input, changes, findings) }
}

fn finish(input: &PlanInput<'_>, mut changes: Vec<Change>, findings: Vec<PlanFinding>) -> Plan {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Digested<'a> {
        format_version: u32,
        application: &'a ApplicationId,
        as_of: Date,
        changes: Vec<&'a str>,
    }
    let application = input.application;
    changes.sort_by(Change::order);
    let digest = digest(&Digested {
        format_version: PLAN_FORMAT_VERSION,
        application: &application.id,
        as_of: input.as_of,
        changes: changes.iter().map(|change| change.digest.as_str()).collect(),
    });
    Plan {
        format_version: PLAN_FORMAT_VERSION,
        application: application.id.clone(),
        application_name: application.name.clone(),
        as_of: input.as_of,
        cost: Cost::of(&changes, &application.profile),
        population: Population::of(input.groups, input.accounts, input.pushed_groups),
        changes,
        settled: BTreeMap::new(),
        findings: finding::capped(findings),
        digest,
    }
}

/// The facts of a plan, ready to be looked up.
struct World<'a> {
    input: &'a PlanInput<'a>,
    accounts: HashMap<&'a PersonId, &'a Account>,
    candidates: Candidates<'a>,
    groups: HashMap<&'a GroupId, &'a Group>,
    pushed: HashMap<&'a GroupId, &'a PushedGroup>,
    /// The names of the groups that mappings ask for, by person.
    asked_groups: HashMap<&'a PersonId, BTreeSet<String>>,
    members: HashMap<&'a PersonId, MemberFacts<'a>>,
}

impl<'a> World<'a> {
    fn new(input: &'a PlanInput<'a>) -> Self {
        let asked = input.mappings.groups();
        let mut asked_groups: HashMap<&PersonId, BTreeSet<String>> = HashMap::new();
        let asked = input.groups.iter().filter(|group| asked.contains(&group.name));
        for membership in asked.flat_map(|group| input.memberships.of_group(&group.id)) {
            let names = asked_groups.entry(&membership.person.id).or_default();
            names.insert(membership.group.name.clone());
        }
        Self {
            input,
            accounts: input.accounts.iter().map(|one| (&one.person, one)).collect(),
            candidates: Candidates::new(input.unlinked),
            groups: input.groups.iter().map(|group| (&group.id, group)).collect(),
            pushed: input.pushed_groups.iter().map(|group| (&group.group, group)).collect(),
            asked_groups,
            members: HashMap::with_capacity(input.people.len()),
        }
    }

    fn account(&self, person: &Person) -> (Vec<Reason>, AccountDecision) {
        const NO_GROUPS: &BTreeSet<String> = &BTreeSet::new();
        let PlanInput { as_of, application, mappings, memberships, .. } = *self.input;
        let assigned = assigned(&application.assignments, &person.id, |group| {
            memberships.contains(group, &person.id)
        });
        let groups = self.asked_groups.get(&person.id).unwrap_or(NO_GROUPS);
        let account = self.accounts.get(&person.id).copied();
        let ours = account.is_some_and(|account| account.linked().is_some());
        // Nobody is looked for among strangers who has an account, or where there are none.
        let candidates = if ours || self.input.unlinked.is_empty() {
            Vec::new()
        } else {
            let desired = desired(person, &application.name, mappings, groups);
            let resource = desired.at_creation(mappings.user_type());
            self.candidates.of(&MatchKeys::of(&resource))
        };
        let facts = AccountFacts {
            as_of,
            application,
            mappings,
            person,
            assigned: &assigned,
            groups,
            account,
            candidates: &candidates,
        };
        let decision = plan_account(&facts);
        (assigned, decision)
    }

    fn group(&self, push_group: &PushGroup) -> GroupDecision {
        let nobody = MemberFacts { person: None, assigned: false, presence: Presence::Absent };
        let name = push_group.remote_name.to_lowercase();
        let candidates: Vec<&RemoteGroup> = self
            .input
            .unlinked_groups
            .iter()
            .filter(|group| group.display_name.to_lowercase() == name)
            .collect();
        plan_group(&GroupFacts {
            as_of: self.input.as_of,
            application: self.input.application,
            push_group,
            group: self.groups.get(&push_group.group).copied(),
            rules: self.input.rules,
            members: self.input.memberships.of_group(&push_group.group),
            pushed: self.pushed.get(&push_group.group).copied(),
            candidates: &candidates,
            member: &|person| self.members.get(person).copied().unwrap_or(nobody),
        })
    }

    /// Accounts there that belong to nobody, once the plan is done, and accounts of people nobody
    /// knows.
    fn strangers(&self, changes: &[Change]) -> Vec<PlanFinding> {
        let linked: HashSet<&RemoteId> = changes
            .iter()
            .filter_map(|change| match &change.action {
                Action::LinkAccount { remote_id, .. } => Some(remote_id),
                _ => None,
            })
            .collect();
        let unmatched: Vec<&RemoteAccount> =
            self.input.unlinked.iter().filter(|one| !linked.contains(&one.remote_id)).collect();
        let mut findings = Vec::new();
        if !unmatched.is_empty() {
            let mut examples: Vec<String> = unmatched
                .iter()
                .map(|one| one.resource.text("userName").unwrap_or(one.remote_id.as_str()))
                .map(str::to_owned)
                .collect();
            examples.sort_unstable();
            examples.truncate(limits::FINDING_SUBJECT_COUNT_MAX);
            let count = unmatched.len() as u64;
            findings.push(PlanFinding::Unmatched { count, examples });
        }
        let unknown = self.input.accounts.iter().filter(|account| {
            account.linked().is_some() && !self.members.contains_key(&account.person)
        });
        let mut unknown: Vec<&PersonId> = unknown.map(|account| &account.person).collect();
        unknown.sort_unstable();
        findings.extend(
            unknown.into_iter().cloned().map(|person| PlanFinding::PersonUnknown { person }),
        );
        findings
    }
}

/// Takes back what several people cannot have at once: one account that is linked twice, one login
/// that is created twice. Nobody gets it, since it is not clear whose it is.
fn refuse_shared<'a>(
    decisions: &mut [(&'a Person, AccountDecision)],
    members: &mut HashMap<&'a PersonId, MemberFacts<'a>>,
) -> Vec<PlanFinding> {
    let mut by_account: BTreeMap<RemoteId, Vec<usize>> = BTreeMap::new();
    let mut by_user_name: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, (_, decision)) in decisions.iter().enumerate() {
        if let Some(Action::LinkAccount { remote_id, .. }) =
            decision.change.as_ref().map(|change| &change.action)
        {
            by_account.entry(remote_id.clone()).or_default().push(at);
        }
        if let Some(user_name) = &decision.user_name {
            by_user_name.entry(user_name.clone()).or_default().push(at);
        }
    }
    let subjects = |at: &[usize], decisions: &[(&Person, AccountDecision)]| {
        let mut subjects: Vec<Subject> =
            at.iter().filter_map(|at| Some(Subject::of(decisions.get(*at)?.0))).collect();
        subjects.sort_unstable();
        subjects
    };
    let mut findings = Vec::new();
    let mut refused: Vec<usize> = Vec::new();
    for (account, at) in by_account.into_iter().filter(|(_, at)| at.len() > 1) {
        let subjects = subjects(&at, decisions);
        findings.push(PlanFinding::ClaimedBySeveral { subjects, account });
        refused.extend(at);
    }
    let mut shared: Vec<(String, Vec<usize>)> =
        by_user_name.into_iter().filter(|(_, at)| at.len() > 1).collect();
    shared.sort_unstable();
    for (user_name, at) in shared {
        let creates = |at: &&usize| {
            let change = decisions.get(**at).and_then(|(_, decision)| decision.change.as_ref());
            change.is_some_and(|change| matches!(change.action, Action::CreateAccount { .. }))
        };
        let creating: Vec<usize> = at.iter().filter(creates).copied().collect();
        if !creating.is_empty() {
            let subjects = subjects(&at, decisions);
            findings.push(PlanFinding::UserNameShared { subjects, user_name });
            refused.extend(creating);
        }
    }
    for at in refused {
        if let Some((person, decision)) = decisions.get_mut(at) {
            decision.change = None;
            decision.presence = Presence::Absent;
            if let Some(member) = members.get_mut(&person.id) {
                member.presence = Presence::Absent;
            }
        }
    }
    findings
}
