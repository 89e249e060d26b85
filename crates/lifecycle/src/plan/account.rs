//! What is done about one person's account.

use std::collections::BTreeSet;

use jiff::civil::Date;
use scim::Resource;

use super::change::{Action, Change, ChangeSubject, Lane, activation, active_path};
use super::finding::PlanFinding;
use crate::desired::{Desired, desired};
use crate::observed::{AttributeChange, Differences, after, differences, seen_active};
use crate::{
    Account, Application, Drift, Mappings, Match, MatchKeys, Person, Reason, RemoteAccount,
    RemoteId, Situation, Standing, Subject, match_account,
};

/// Everything that decides about one person's account.
#[derive(Debug, Clone, Copy)]
pub struct AccountFacts<'a> {
    /// The day that is decided for.
    pub as_of: Date,
    /// The application.
    pub application: &'a Application,
    /// Its mappings.
    pub mappings: &'a Mappings,
    /// The person.
    pub person: &'a Person,
    /// Why the person is assigned ([`crate::assigned`]); empty: they are not.
    pub assigned: &'a [Reason],
    /// The names of the groups the person is in, if a mapping asks for any.
    pub groups: &'a BTreeSet<String>,
    /// The account, if there is or was one.
    pub account: Option<&'a Account>,
    /// The accounts there that are linked to nobody and could be the person's.
    pub candidates: &'a [&'a RemoteAccount],
}

/// What is done about one person's account.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountDecision {
    /// What is known of the account.
    pub situation: Situation,
    /// What is done. None: nothing.
    pub change: Option<Change>,
    /// What a person should know.
    pub findings: Vec<PlanFinding>,
    /// Whether the account can be a member of groups, once the change is made.
    pub presence: Presence,
    /// The login the account has or will have, in lower case.
    pub user_name: Option<String>,
    /// What we own of the account, if it was seen to be as it should be already in something that we
    /// do not know to have written. It is to be noted as last written; nothing is sent for it, and a
    /// change of the same decision starts from it.
    pub settled: Option<Resource>,
}

/// Whether an account can be a member of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is there and active: a member by what was pushed.
    Active,
    /// It will be there and active by this plan, and is a member of nothing yet.
    Joining,
    /// It is there and not active: its memberships are left as they are.
    Inactive,
    /// It is not there.
    Absent,
}

impl Presence {
    /// The presence of an account about which nothing is done.
    pub fn of(account: Option<&Account>) -> Self {
        match account.filter(|account| account.linked().is_some()) {
            Some(account) if seen_active(account) => Self::Active,
            Some(_) => Self::Inactive,
            None => Self::Absent,
        }
    }
}

/// What is done about one person's account: created, linked, kept as it should be, deactivated,
/// activated again, or nothing. It is never deleted.
pub fn plan_account(facts: &AccountFacts<'_>) -> AccountDecision {
    let linked = facts.account.and_then(|account| Some((account, account.linked()?)));
    let mut deciding = Deciding { facts, findings: Vec::new(), user_name: None, settled: None };
    let (situation, presence, done) = match (deciding.is_entitled(), linked) {
        (true, Some((account, _))) => deciding.keep(account),
        (true, None) => deciding.obtain(),
        (false, Some((account, _))) => deciding.release(account),
        (false, None) => deciding.leave_alone(),
    };
    let change = done.map(|done| deciding.change(done));
    AccountDecision {
        situation,
        change,
        presence,
        findings: deciding.findings,
        user_name: deciding.user_name,
        settled: deciding.settled,
    }
}

/// The situation and presence that follow, and what is done, in which lane and why.
type Decided = (Situation, Presence, Option<Done>);

struct Done {
    lane: Lane,
    action: Action,
    reasons: Vec<Reason>,
}

struct Deciding<'d, 'a> {
    facts: &'d AccountFacts<'a>,
    findings: Vec<PlanFinding>,
    user_name: Option<String>,
    settled: Option<Resource>,
}

impl Deciding<'_, '_> {
    fn is_entitled(&self) -> bool {
        self.standing().is_employed() && !self.facts.assigned.is_empty()
    }

    fn standing(&self) -> Standing {
        self.facts.person.standing(self.facts.as_of)
    }

    fn subject(&self) -> Subject {
        Subject::of(self.facts.person)
    }

    fn change(&self, done: Done) -> Change {
        let Done { lane, action, reasons } = done;
        let AccountFacts { application, person, as_of, .. } = self.facts;
        let requests = action.requests(&application.profile);
        let subject = ChangeSubject::Account(person.id.clone());
        let change = Change::new(&application.id, *as_of, subject, person.name(), (lane, action));
        Change {
            employee_number: Some(person.employee_number.clone()),
            reasons,
            requests,
            ..change
        }
    }

    /// The account is there and should be: it is kept as it should be.
    fn keep(&mut self, account: &Account) -> Decided {
        let drift = self.facts.application.drift;
        let desired = self.desired();
        let Differences { ours, repairs, drifted, settled } =
            differences(&desired, account.last_written.as_ref(), account.observed.as_ref(), drift);
        if !settled.is_empty() {
            let written = account.last_written.as_ref();
            self.settled = Some(after(written, &settled, account.active));
        }
        let subject = self.subject();
        self.findings.extend(drifted.into_iter().map(|drifted| PlanFinding::Drifted {
            subject: subject.clone(),
            attribute: drifted.path.short().to_owned(),
            written: drifted.written,
            observed: drifted.observed,
        }));
        let lane = if ours.is_empty() { Lane::Refresh } else { Lane::Mover };
        let mut changes = self.allowed([ours, repairs].concat());
        let activate = self.activates(account);
        let presence = match (activate, seen_active(account)) {
            (true, _) | (false, true) => Presence::Active,
            (false, false) => Presence::Inactive,
        };
        if activate && let Some(path) = active_path() {
            let mut reasons = self.entitlement();
            reasons.extend(attribute_reasons(&changes));
            changes.insert(0, activation(path, false, true));
            let done =
                Done { lane: Lane::Joiner, action: Action::ReactivateAccount { changes }, reasons };
            return (Situation::Linked, presence, Some(done));
        }
        let done = (!changes.is_empty()).then(|| {
            let reasons = attribute_reasons(&changes);
            Done { lane, action: Action::UpdateAccount { changes }, reasons }
        });
        (Situation::Linked, presence, done)
    }

    /// Whether the account of somebody who is entitled to it has to be activated.
    fn activates(&mut self, account: &Account) -> bool {
        if seen_active(account) {
            return false;
        }
        let application = self.facts.application;
        // We acknowledged it active, so somebody there deactivated it: drift, not ours to send.
        if account.active && application.drift != Drift::Repair {
            if application.drift == Drift::Report {
                self.findings.push(PlanFinding::DeactivatedThere { subject: self.subject() });
            }
            return false;
        }
        if !application.actions.deactivate_users {
            self.findings.push(PlanFinding::ReactivateIsOff { subject: self.subject() });
            return false;
        }
        true
    }

    /// The account is not there, or not ours: it is linked or created.
    fn obtain(&mut self) -> Decided {
        let application = self.facts.application;
        let gone = self.gone();
        let desired = self.desired();
        if self.user_name.is_none() {
            return (self.without_account(), Presence::Absent, None);
        }
        let resource = desired.at_creation(self.facts.mappings.user_type());
        let found = match_account(
            &MatchKeys::of(&resource),
            self.facts.candidates,
            &application.match_by,
            &application.profile.privileged_roles,
        );
        let situation = found.situation();
        let subject = self.subject();
        match found {
            Match::One { account, by } => return self.link(&desired, account, by),
            Match::Several { accounts, by } => {
                let accounts = accounts.iter().map(|one| one.remote_id.clone()).collect();
                self.findings.push(PlanFinding::Disputed { subject, by, accounts });
                return (situation, Presence::Absent, None);
            }
            Match::Privileged { account } => {
                let account = account.remote_id.clone();
                self.findings.push(PlanFinding::Privileged { subject, account });
                return (situation, Presence::Absent, None);
            }
            Match::Nothing => {}
        }
        if let Some(account) = gone.clone() {
            self.findings.push(PlanFinding::AccountGone { subject, account });
        }
        if !application.actions.create_users {
            self.findings.push(PlanFinding::CreateIsOff { subject: self.subject() });
            return (self.without_account(), Presence::Absent, None);
        }
        let action = Action::CreateAccount { resource, replaces: gone };
        let done = Done { lane: Lane::Joiner, action, reasons: self.entitlement() };
        (self.without_account(), Presence::Joining, Some(done))
    }

    fn link(
        &mut self,
        desired: &Desired,
        found: &RemoteAccount,
        matched_by: crate::MatchAttribute,
    ) -> Decided {
        let actions = self.facts.application.actions;
        let differences = differences(desired, None, Some(&found.resource), Drift::Ignore);
        let mut changes = self.allowed(differences.ours);
        let mut reasons = self.entitlement();
        reasons.extend(attribute_reasons(&changes));
        let mut active = found.is_active();
        if !active
            && actions.deactivate_users
            && let Some(path) = active_path()
        {
            changes.insert(0, activation(path, false, true));
            active = true;
        } else if !active {
            self.findings.push(PlanFinding::ReactivateIsOff { subject: self.subject() });
        }
        // What we own of it afterwards: what is there now, with what is changed.
        let resource = after(Some(&owned_part(desired, &found.resource)), &changes, active);
        let action = Action::LinkAccount {
            remote_id: found.remote_id.clone(),
            matched_by,
            changes,
            resource,
        };
        let presence = if active { Presence::Joining } else { Presence::Inactive };
        let done = Done { lane: Lane::Joiner, action, reasons };
        (Situation::Unlinked, presence, Some(done))
    }

    /// The account is there and should not be active.
    fn release(&mut self, account: &Account) -> Decided {
        if !seen_active(account) {
            return (Situation::Linked, Presence::Inactive, None);
        }
        if !account.active {
            self.findings.push(PlanFinding::ReactivatedThere { subject: self.subject() });
        }
        if !self.facts.application.actions.deactivate_users {
            self.findings.push(PlanFinding::DeactivateIsOff { subject: self.subject() });
            return (Situation::Linked, Presence::Active, None);
        }
        let standing = self.standing();
        let reason = if standing.is_employed() { Reason::NotAssigned } else { standing.reason() };
        let done =
            Done { lane: Lane::Leaver, action: Action::DeactivateAccount, reasons: vec![reason] };
        (Situation::Linked, Presence::Inactive, Some(done))
    }

    /// The account is not ours and need not be: it is left alone, and told of if it is active.
    fn leave_alone(&mut self) -> Decided {
        if !self.facts.candidates.is_empty() {
            let application = self.facts.application;
            let resource = self.desired().at_creation(self.facts.mappings.user_type());
            // What keeps somebody from getting an account is of no concern to somebody who gets none.
            self.findings.clear();
            self.user_name = None;
            let found = match_account(
                &MatchKeys::of(&resource),
                self.facts.candidates,
                &application.match_by,
                &application.profile.privileged_roles,
            );
            if let Match::One { account, .. } = found
                && account.is_active()
            {
                let (subject, account) = (self.subject(), account.remote_id.clone());
                self.findings.push(PlanFinding::UnlinkedAccountOfLeaver { subject, account });
            }
        }
        (self.without_account(), Presence::Absent, None)
    }

    /// What the account should be. Without a login there is no account, and one that is there keeps
    /// the login it has.
    fn desired(&mut self) -> Desired {
        let AccountFacts { application, mappings, person, groups, .. } = self.facts;
        let mut desired = desired(person, &application.name, mappings, groups);
        self.findings.append(&mut desired.findings);
        self.user_name = desired.user_name().map(str::to_lowercase);
        if self.user_name.is_none() {
            let subject = self.subject();
            self.findings.push(match self.facts.account.and_then(Account::linked) {
                None => PlanFinding::NoUserName { subject },
                Some(_) => PlanFinding::MappingFailed {
                    subject,
                    target: "userName".to_owned(),
                    problem: "the mapping gives none".to_owned(),
                },
            });
            desired.owned.retain(|owned| owned.target.as_str() != "userName");
        }
        desired
    }

    /// The changes of attributes, unless they are switched off.
    fn allowed(&mut self, changes: Vec<AttributeChange>) -> Vec<AttributeChange> {
        if changes.is_empty() || self.facts.application.actions.update_attributes {
            return changes;
        }
        self.findings.push(PlanFinding::UpdateIsOff {
            subject: self.subject(),
            attributes: changes.iter().map(|change| change.path.short().to_owned()).collect(),
        });
        Vec::new()
    }

    /// Why the person is entitled to an account.
    fn entitlement(&self) -> Vec<Reason> {
        let mut reasons = vec![match self.standing() {
            Standing::Employed { since, .. } if self.left_before(since) => {
                Reason::Rehired { on: since }
            }
            standing => standing.reason(),
        }];
        reasons.extend(self.facts.assigned.iter().cloned());
        reasons
    }

    fn left_before(&self, since: Date) -> bool {
        self.facts
            .person
            .employments
            .iter()
            .any(|earlier| !earlier.is_void() && earlier.end.is_some_and(|end| end <= since))
    }

    fn gone(&self) -> Option<RemoteId> {
        let account = self.facts.account?;
        (account.situation == Situation::Gone).then(|| account.remote_id.clone()).flatten()
    }

    fn without_account(&self) -> Situation {
        match self.facts.account.map(|account| account.situation) {
            Some(Situation::Gone) => Situation::Gone,
            _ => Situation::Absent,
        }
    }
}

/// What we own of an account that was seen.
fn owned_part(desired: &Desired, resource: &Resource) -> Resource {
    let mut document = serde_json::Map::new();
    for owned in &desired.owned {
        if let Some(value) = owned.target.value(resource.document()) {
            owned.target.set(&mut document, value.clone());
        }
    }
    Resource::from_canonical(document)
}

fn attribute_reasons(changes: &[AttributeChange]) -> Vec<Reason> {
    let reason = |change: &AttributeChange| Reason::AttributeChanged {
        path: change.path.short().to_owned(),
        from: change.from.clone(),
        to: change.to.clone(),
    };
    changes.iter().map(reason).collect()
}
