//! A company and an application in memory: facts go in, plans come out and are applied as a worker
//! would apply them. Shared by the scenarios and the convergence tests.

#![allow(dead_code)]

pub mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{Date, date};
use lifecycle::{
    Account, AccountFacts, Action, Actions, Application, ApplicationId, ApplicationProfile, Change,
    ChangeSubject, Drift, EmployeeNumber, Employment, Group, GroupFacts, GroupId, Mappings,
    MatchAttribute, MemberFacts, Memberships, Origin, Person, PersonId, Plan, PlanInput, Presence,
    ProfilePath, PushedGroup, RemoteAccount, RemoteGroup, RemoteId, Rule, Situation, assigned,
    default_mappings, memberships, plan, plan_account, plan_group, profile_type,
};
use scim::{Extension, Resource, ResourceType};
use serde_json::Value;

use target::Target;

pub struct World {
    pub as_of: Date,
    pub application: Application,
    pub mappings: Mappings,
    pub people: Vec<Person>,
    pub groups: Vec<Group>,
    pub rules: Vec<Rule>,
    pub accounts: BTreeMap<PersonId, Account>,
    pub pushed: BTreeMap<GroupId, PushedGroup>,
    pub target: Target,
}

/// What the directory would hold in its tables, borrowed for one plan.
pub struct Seen {
    pub accounts: Vec<Account>,
    pub unlinked: Vec<RemoteAccount>,
    pub pushed: Vec<PushedGroup>,
    pub unlinked_groups: Vec<RemoteGroup>,
}

pub fn user_type() -> Arc<ResourceType> {
    Arc::new(ResourceType::user(vec![Extension::optional(scim::enterprise_user_schema())]))
}

impl World {
    pub fn new() -> Self {
        let application = Application {
            id: ApplicationId::parse("workplace").unwrap(),
            name: "Workplace".to_owned(),
            profile: ApplicationProfile::default(),
            actions: Actions::default(),
            match_by: vec![
                MatchAttribute::ExternalId,
                MatchAttribute::UserName,
                MatchAttribute::Email,
            ],
            drift: Drift::Report,
            mappings: default_mappings(),
            assignments: vec![],
            push_groups: vec![],
        };
        let mappings = Mappings::check(&application.mappings, user_type()).unwrap();
        Self {
            as_of: date(2026, 11, 24),
            mappings,
            application,
            people: vec![],
            groups: vec![],
            rules: vec![],
            accounts: BTreeMap::new(),
            pushed: BTreeMap::new(),
            target: Target::new(user_type()),
        }
    }

    pub fn add_person(&mut self, number: &str, login: Option<&str>, values: &[(&str, &str)]) {
        let mut profile = Resource::default();
        set(&mut profile, "employeeNumber", number);
        if let Some(login) = login {
            set(&mut profile, "userName", login);
        }
        values.iter().for_each(|(path, value)| set(&mut profile, path, value));
        self.people.push(Person {
            id: PersonId::parse(&format!("p{number}")).unwrap(),
            employee_number: EmployeeNumber::parse(number).unwrap(),
            source: None,
            profile,
            employments: vec![],
        });
    }

    pub fn person(&mut self, number: &str) -> &mut Person {
        let found = self.people.iter_mut().find(|one| one.employee_number.as_str() == number);
        found.unwrap_or_else(|| panic!("there is no person {number}"))
    }

    pub fn add_group(&mut self, name: &str, grants_licenses: bool) {
        self.groups.push(Group {
            id: GroupId::parse(&name.to_lowercase()).unwrap(),
            name: name.to_owned(),
            description: String::new(),
            grants_licenses,
            members: vec![],
            exclusions: vec![],
        });
    }

    /// What a full list of the application shows: who is gone, who and what is linked to nobody.
    pub fn list(&mut self) {
        for account in self.accounts.values_mut() {
            if account.linked().is_some_and(|id| !self.target.users.contains_key(id)) {
                account.situation = Situation::Gone;
                account.active = false;
            }
        }
        for group in self.pushed.values_mut() {
            if group.linked().is_some_and(|id| !self.target.groups.contains_key(id)) {
                group.situation = Situation::Gone;
                group.members.clear();
            }
        }
    }

    /// Every account that is ours is read whole.
    pub fn observe(&mut self) {
        for account in self.accounts.values_mut() {
            account.observed = account.linked().and_then(|id| self.target.users.get(id)).cloned();
        }
    }

    pub fn seen(&self) -> Seen {
        let ours: BTreeSet<&RemoteId> =
            self.accounts.values().filter_map(Account::linked).collect();
        let person_of: BTreeMap<&RemoteId, &PersonId> = self
            .accounts
            .values()
            .filter_map(|account| Some((account.linked()?, &account.person)))
            .collect();
        let our_groups: BTreeSet<&RemoteId> =
            self.pushed.values().filter_map(PushedGroup::linked).collect();
        Seen {
            accounts: self.accounts.values().cloned().collect(),
            unlinked: self
                .target
                .users
                .iter()
                .filter(|(id, _)| !ours.contains(id))
                .map(|(id, user)| RemoteAccount { remote_id: id.clone(), resource: user.clone() })
                .collect(),
            pushed: self.pushed.values().cloned().collect(),
            unlinked_groups: self
                .target
                .groups
                .iter()
                .filter(|(id, _)| !our_groups.contains(id))
                .map(|(id, group)| RemoteGroup {
                    remote_id: id.clone(),
                    display_name: group.name.clone(),
                    members: Some(
                        group
                            .members
                            .iter()
                            .filter_map(|id| person_of.get(id).copied().cloned())
                            .collect(),
                    ),
                })
                .collect(),
        }
    }

    fn memberships(&self) -> Memberships<'_> {
        memberships(&self.people, &self.groups, &self.rules, self.as_of)
    }

    /// The plan, after a full list. What it found settled is noted.
    pub fn plan(&mut self) -> Plan {
        self.list();
        let made = self.planned();
        for (person, document) in &made.settled {
            let account = self.accounts.get_mut(person).unwrap();
            account.last_written = Some(Resource::from_canonical(document.clone()));
        }
        made
    }

    fn planned(&self) -> Plan {
        let (seen, memberships) = (self.seen(), self.memberships());
        let input = PlanInput {
            as_of: self.as_of,
            application: &self.application,
            mappings: &self.mappings,
            people: &self.people,
            groups: &self.groups,
            rules: &self.rules,
            memberships: &memberships,
            accounts: &seen.accounts,
            unlinked: &seen.unlinked,
            pushed_groups: &seen.pushed,
            unlinked_groups: &seen.unlinked_groups,
        };
        let made = plan(&input);
        let text = |plan: &Plan| serde_json::to_string(plan).unwrap();
        assert_eq!(text(&made), text(&plan(&input)), "planning twice gives the same bytes");
        assert_eq!(serde_json::from_str::<Plan>(&text(&made)).unwrap(), made, "a plan is stored");
        made
    }

    /// Does what the plan says, as a worker does: each subject is planned again just before, and the
    /// change has to be the one that was planned. Exactly the requests that were counted are made.
    pub fn apply(&mut self, plan: &Plan) {
        for change in &plan.changes {
            let again = self.replan(&change.subject);
            assert_eq!(
                again.map(|again| again.digest).as_ref(),
                Some(&change.digest),
                "planned alone, the change of {} differs: {change:#?}",
                change.subject
            );
            let before = self.target.request_count;
            self.apply_change(change);
            let made = self.target.request_count - before;
            assert_eq!(made, u64::from(change.requests), "requests for {change:#?}");
        }
    }

    /// The change of one subject alone, by the facts as they are now.
    pub fn replan(&self, subject: &ChangeSubject) -> Option<Change> {
        let (seen, memberships) = (self.seen(), self.memberships());
        let is_assigned = |person: &PersonId| {
            assigned(&self.application.assignments, person, |group| {
                memberships.contains(group, person)
            })
        };
        match subject {
            ChangeSubject::Account(id) => {
                let assigned = is_assigned(id);
                let candidates: Vec<&RemoteAccount> = seen.unlinked.iter().collect();
                plan_account(&AccountFacts {
                    as_of: self.as_of,
                    application: &self.application,
                    mappings: &self.mappings,
                    person: self.people.iter().find(|person| person.id == *id)?,
                    assigned: &assigned,
                    groups: &BTreeSet::new(),
                    account: self.accounts.get(id),
                    candidates: &candidates,
                })
                .change
            }
            ChangeSubject::Group(id) => {
                let push_group =
                    self.application.push_groups.iter().find(|group| group.group == *id)?;
                let candidates: Vec<&RemoteGroup> = seen
                    .unlinked_groups
                    .iter()
                    .filter(|group| {
                        group.display_name.eq_ignore_ascii_case(&push_group.remote_name)
                    })
                    .collect();
                plan_group(&GroupFacts {
                    as_of: self.as_of,
                    application: &self.application,
                    push_group,
                    group: self.groups.iter().find(|group| group.id == *id),
                    rules: &self.rules,
                    members: memberships.of_group(id),
                    pushed: self.pushed.get(id),
                    candidates: &candidates,
                    member: &|person| MemberFacts {
                        person: self.people.iter().find(|one| one.id == *person),
                        assigned: !is_assigned(person).is_empty(),
                        presence: Presence::of(self.accounts.get(person)),
                    },
                })
                .change
            }
        }
    }

    fn apply_change(&mut self, change: &Change) {
        match &change.subject {
            ChangeSubject::Account(person) => self.apply_account(person, &change.action),
            ChangeSubject::Group(group) => self.apply_group(group, &change.action),
        }
    }

    fn apply_account(&mut self, person: &PersonId, action: &Action) {
        let before = self.accounts.get(person).cloned();
        let written = action.written(before.as_ref().and_then(|it| it.last_written.as_ref()));
        let (remote_id, origin) = match action {
            Action::CreateAccount { resource, .. } => {
                (self.target.create_user(resource), Origin::Created)
            }
            Action::LinkAccount { remote_id, .. } => (remote_id.clone(), Origin::Linked),
            _ => {
                let before = before.as_ref().unwrap();
                (before.linked().unwrap().clone(), before.origin)
            }
        };
        // What was seen is kept and follows what is written, as if the answer had been read.
        let mut observed = before.as_ref().and_then(|before| before.observed.clone());
        if let Some(patch) = action.patch() {
            self.target.patch_user(&remote_id, &patch);
            observed = observed.map(|_| self.target.users[&remote_id].clone());
        }
        if matches!(action, Action::CreateAccount { .. }) || action.patch().is_none() {
            observed = None;
        }
        if matches!(action, Action::CreateAccount { .. } | Action::LinkAccount { .. }) {
            // A new account is a member of nothing.
            self.pushed.values_mut().for_each(|group| {
                group.members.remove(person);
            });
        }
        let active =
            written.as_ref().and_then(|it| it.document().get("active")) == Some(&true.into());
        self.accounts.insert(
            person.clone(),
            Account {
                application: self.application.id.clone(),
                person: person.clone(),
                remote_id: Some(remote_id),
                origin,
                situation: Situation::Linked,
                active,
                last_written: written,
                observed,
                observed_at: None,
            },
        );
    }

    fn apply_group(&mut self, group: &GroupId, action: &Action) {
        let ids: BTreeMap<PersonId, RemoteId> = self
            .accounts
            .values()
            .filter_map(|account| Some((account.person.clone(), account.linked()?.clone())))
            .collect();
        let before = self.pushed.get(group).cloned();
        let profile = self.application.profile.clone();
        let batches = action.member_batches(&profile);
        let (remote_id, origin, mut name) = match action {
            Action::CreateGroup { display_name, .. } => {
                let members = batches.with_create.iter().map(|person| ids[person].clone());
                let id = self.target.create_group(display_name, members.collect());
                (id, Origin::Created, Some(display_name.clone()))
            }
            Action::LinkGroup { remote_id, .. } => {
                let name = self.target.groups[remote_id].name.clone();
                (remote_id.clone(), Origin::Linked, Some(name))
            }
            _ => {
                let before = before.as_ref().unwrap();
                let remote_id = before.linked().unwrap().clone();
                (remote_id, before.origin, before.written_name.clone())
            }
        };
        if let Some(rename) = action.rename() {
            self.target.rename_group(&remote_id, &rename.to);
            name = Some(rename.to.clone());
        }
        for batch in batches.then {
            let patch =
                batch.patch(profile.group_patch, &|person| ids.get(person).cloned()).unwrap();
            self.target.patch_members(&remote_id, &patch);
        }
        let none = BTreeSet::new();
        let members = before.as_ref().map_or(&none, |before| &before.members);
        let members = action.members_after(members).unwrap();
        self.pushed.insert(
            group.clone(),
            PushedGroup {
                group: group.clone(),
                remote_id: Some(remote_id),
                origin,
                situation: Situation::Linked,
                written_name: name,
                members,
            },
        );
    }
}

pub fn set(profile: &mut Resource, path: &str, value: &str) {
    let path = ProfilePath::parse(path, &profile_type()).unwrap();
    path.set(profile, (!value.is_empty()).then(|| Value::from(value)));
}

pub fn employed(start: Date, end: Option<Date>) -> Employment {
    Employment { start, end }
}
