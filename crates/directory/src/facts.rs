//! Facts: what is stored, as the types that decisions are made from.
//!
//! [`World`] is what concerns everybody (the application, its mappings, groups and rules); it is kept
//! while a run lasts and loaded again when its [`Generation`] has moved on. What concerns one person
//! is read anew each time.

use std::collections::BTreeSet;

use db::{Read, generation, params};
use jiff::civil::Date;
use lifecycle::{
    AccountDecision, AccountFacts, Application, ApplicationId, AssignedTo, Assignment, Exclusion,
    Group, GroupId, GuardPolicy, ManualMember, Mapping, Mappings, MatchKeys, Person, PersonId,
    PushGroup, PushStatus, Reason, Rule, default_mappings, desired, plan_account,
};
use scim::Resource;

use crate::application::{ApplicationConfig, StoredApplication, by_id};
use crate::directory::SCOPE;
use crate::group::{self, ByHand, StoredGroup};
use crate::person::parsed;
use crate::{Error, account, rule};

/// How an assignment of everybody is told: as that of a group everybody is in.
const EVERYONE: &str = "Everyone";

/// What concerns everybody in one application.
pub(crate) struct World {
    /// The application.
    pub application: Application,
    /// Its mappings.
    pub mappings: Mappings,
    /// The groups of the directory.
    pub groups: Vec<Group>,
    /// The rules that fill them.
    pub rules: Vec<Rule>,
    /// When a plan is held for a person.
    pub policy: GuardPolicy,
    /// The state of the configuration it was loaded from.
    pub generation: Generation,
}

/// The state of the configuration: it differs whenever a group, a rule or an application changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Generation([i64; 3]);

/// One person's account, and what decides about it.
pub(crate) struct AccountSubject {
    /// The person.
    pub person: Person,
    /// The account, if there is or was one.
    pub account: Option<lifecycle::Account>,
    /// The accounts there that are linked to nobody and could be the person's.
    pub candidates: Vec<lifecycle::RemoteAccount>,
}

impl Generation {
    /// The state of the configuration as it is now.
    pub fn now(r: &mut Read) -> Result<Self, Error> {
        let mut at = |name| generation::generation(r, SCOPE, name);
        Ok(Self([at("applications")?, at("groups")?, at("rules")?]))
    }
}

impl World {
    /// What concerns everybody, as it is stored now.
    pub fn load(r: &mut Read, id: &ApplicationId) -> Result<Self, Error> {
        let generation = Generation::now(r)?;
        let stored = by_id(r, id)?;
        let groups = group::all(r)?;
        let application = application(r, &stored, &groups)?;
        let rules = rules(r)?;
        Ok(Self {
            application,
            mappings: mappings(&stored.config)?,
            groups: with_members(r, groups)?,
            rules,
            policy: stored.config.guard.unwrap_or_default(),
            generation,
        })
    }

    /// Why a person is assigned to the application; empty: they are not.
    pub fn assigned(&self, person: &Person, as_of: Date) -> (Vec<Reason>, BTreeSet<String>) {
        let asked = self.mappings.groups();
        let by_group = |assignment: &Assignment| matches!(assignment.to, AssignedTo::Group(_));
        let memberships = if asked.is_empty() && !self.application.assignments.iter().any(by_group)
        {
            Vec::new()
        } else {
            lifecycle::memberships_of(person, &self.groups, &self.rules, as_of)
        };
        let assigned = lifecycle::assigned(&self.application.assignments, &person.id, |group| {
            memberships.iter().any(|membership| membership.group.id == *group)
        });
        let names = memberships.iter().map(|membership| membership.group.name.clone());
        (assigned, names.filter(|name| asked.contains(name)).collect())
    }

    /// Whether membership of a group gives licenses somewhere.
    pub fn grants_licenses(&self, group: &GroupId) -> bool {
        self.groups.iter().any(|known| known.id == *group && known.grants_licenses)
    }

    /// What is done about one person's account.
    pub fn decide(&self, subject: &AccountSubject, as_of: Date) -> AccountDecision {
        let (assigned, groups) = self.assigned(&subject.person, as_of);
        let candidates: Vec<&lifecycle::RemoteAccount> = subject.candidates.iter().collect();
        plan_account(&AccountFacts {
            as_of,
            application: &self.application,
            mappings: &self.mappings,
            person: &subject.person,
            assigned: &assigned,
            groups: &groups,
            account: subject.account.as_ref(),
            candidates: &candidates,
        })
    }

    /// The account a person would get: what an account that is there is recognised by.
    pub fn wanted(&self, person: &Person, as_of: Date) -> Resource {
        let (_, groups) = self.assigned(person, as_of);
        let desired = desired(person, &self.application.name, &self.mappings, &groups);
        desired.at_creation(self.mappings.user_type())
    }
}

impl AccountSubject {
    /// One person's account, and what decides about it. None: nobody knows the person any more.
    pub fn load(
        r: &mut Read,
        world: &World,
        person: &PersonId,
        as_of: Date,
    ) -> Result<Option<Self>, Error> {
        let Some(person) = crate::person::one(r, person.as_str())? else {
            return Ok(None);
        };
        let id = &world.application.id;
        let account = account::one(r, id, &person.id)?;
        let ours = account.as_ref().is_some_and(|account| account.linked().is_some());
        let candidates = if ours || !account::any_unlinked(r, id)? {
            Vec::new()
        } else {
            account::candidates(r, id, &MatchKeys::of(&world.wanted(&person, as_of)))?
        };
        Ok(Some(Self { person, account, candidates }))
    }
}

/// The mappings of an application, checked.
pub(crate) fn mappings(config: &ApplicationConfig) -> Result<Mappings, Error> {
    Mappings::check(&mapping_list(config), config.user_type()).map_err(|error| {
        let mut message = error.to_string();
        if let Some(source) = std::error::Error::source(&error) {
            message = format!("{message}: {source}");
        }
        config.wrong(message)
    })
}

/// The mappings of an application as they are configured, or the default ones.
pub(crate) fn mapping_list(config: &ApplicationConfig) -> Vec<Mapping> {
    if config.mappings.is_empty() {
        return default_mappings();
    }
    let mapping = |mapping: &crate::MappingConfig| Mapping {
        target: mapping.target.clone(),
        value: mapping.value.clone(),
        apply: mapping.apply,
        default_if_absent: mapping.default.clone(),
    };
    config.mappings.iter().map(mapping).collect()
}

fn application(
    r: &mut Read,
    stored: &StoredApplication,
    groups: &[StoredGroup],
) -> Result<Application, Error> {
    let config = &stored.config;
    Ok(Application {
        id: stored.id.clone(),
        name: config.name.clone(),
        profile: config.application_profile()?,
        actions: config.actions,
        match_by: config.match_by.clone(),
        drift: config.drift,
        mappings: mapping_list(config),
        assignments: assignments(r, &stored.id, groups)?,
        push_groups: push_groups(r, stored, groups)?,
    })
}

fn assignments(
    r: &mut Read,
    id: &ApplicationId,
    groups: &[StoredGroup],
) -> Result<Vec<Assignment>, Error> {
    let rows = r.query(
        "SELECT kind, subject, priority, actor, assigned_at FROM assignments \
         WHERE application_id = $1 ORDER BY priority, kind, subject",
        params![id.as_str()],
        |row| Ok((row.text(0)?, row.text(1)?, row.int(2)?, row.text(3)?, row.timestamp(4)?)),
    )?;
    let mut assignments = Vec::with_capacity(rows.len());
    for (kind, subject, priority, actor, at) in rows {
        let (to, reason) = match kind.as_str() {
            "everyone" => {
                let group = parsed("group id", EVERYONE, GroupId::parse)?;
                let reason = Reason::AssignedByGroup { group, name: EVERYONE.to_string() };
                (AssignedTo::Everyone, reason)
            }
            "group" => {
                let group = parsed("group id", &subject, GroupId::parse)?;
                let known = groups.iter().find(|known| known.id == group);
                let name = known.map_or_else(|| subject.clone(), |known| known.config.name.clone());
                let reason = Reason::AssignedByGroup { group: group.clone(), name };
                (AssignedTo::Group(group), reason)
            }
            "person" => {
                let person = parsed("person id", &subject, PersonId::parse)?;
                (AssignedTo::Person(person), Reason::AssignedDirectly { actor, at })
            }
            other => {
                let message = format!("`{other}` is no kind of assignment");
                return Err(Error::Stored { what: "assignment", message });
            }
        };
        let priority = u32::try_from(priority).unwrap_or(u32::MAX);
        assignments.push(Assignment { to, priority, reason });
    }
    Ok(assignments)
}

fn push_groups(
    r: &mut Read,
    stored: &StoredApplication,
    groups: &[StoredGroup],
) -> Result<Vec<PushGroup>, Error> {
    let rows = r.query(
        "SELECT group_id, remote_name FROM push_groups WHERE application_id = $1 ORDER BY group_id",
        params![stored.id.as_str()],
        |row| Ok((parsed("group id", row.text_ref(0)?, GroupId::parse)?, row.text(1)?)),
    )?;
    let push_group = |(group, remote_name): (GroupId, String)| {
        let known = groups.iter().find(|known| known.id == group);
        let name = known.map_or("", |known| known.config.name.as_str()).to_lowercase();
        let configured =
            stored.config.push_groups.iter().find(|push| push.group.trim().to_lowercase() == name);
        PushGroup {
            group,
            remote_name,
            mode: configured.map(|push| push.mode).unwrap_or_default(),
            status: PushStatus::Active,
        }
    };
    Ok(rows.into_iter().map(push_group).collect())
}

/// Groups with who was added and who is kept out by hand.
pub(crate) fn with_members(r: &mut Read, groups: Vec<StoredGroup>) -> Result<Vec<Group>, Error> {
    let mut members = group::by_hand(r, "manual_members")?;
    let mut exclusions = group::by_hand(r, "exclusions")?;
    let note = |by_hand: &ByHand| (!by_hand.note.is_empty()).then(|| by_hand.note.clone());
    let member = |by_hand: ByHand| ManualMember {
        note: note(&by_hand),
        person: by_hand.person,
        actor: by_hand.actor,
        at: by_hand.at,
    };
    let exclusion = |by_hand: ByHand| Exclusion {
        note: note(&by_hand),
        person: by_hand.person,
        actor: by_hand.actor,
        at: by_hand.at,
    };
    let group = |group: StoredGroup| Group {
        members: members.remove(&group.id).into_iter().flatten().map(member).collect(),
        exclusions: exclusions.remove(&group.id).into_iter().flatten().map(exclusion).collect(),
        id: group.id,
        name: group.config.name,
        description: group.config.description,
        grants_licenses: group.config.grants_licenses,
    };
    Ok(groups.into_iter().map(group).collect())
}

/// Every rule, checked.
pub(crate) fn rules(r: &mut Read) -> Result<Vec<Rule>, Error> {
    let rule = |stored: crate::StoredRule| {
        Ok(Rule {
            expression: rule::checked(&stored.config)?,
            id: stored.id,
            name: stored.config.name,
            groups: stored.groups,
            active: stored.config.active,
        })
    };
    rule::all(r)?.into_iter().map(rule).collect()
}
