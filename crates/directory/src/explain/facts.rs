//! What the directory knows of one person, loaded in one transaction.

use db::{Read, params};
use jiff::civil::Date;
use lifecycle::{AssignedTo, Group, GroupId, Person, PersonId, Rule};

use super::{ExplainedAccount, ExplainedPush};
use crate::facts::{AccountSubject, World, rules, with_members};
use crate::person::parsed;
use crate::{Error, PersonSource, StoredApplication, account, group, person};

/// A person, and the groups and rules there are.
pub(super) struct Known {
    /// The person.
    pub person: Person,
    /// The row the values came from.
    pub source: Option<PersonSource>,
    /// Every group.
    pub groups: Vec<Group>,
    /// Every rule.
    pub rules: Vec<Rule>,
}

/// An application, as one person sees it.
pub(super) struct ApplicationFacts {
    /// What concerns everybody in it.
    pub world: World,
    /// Where it is.
    pub base_url: String,
    /// The person's account.
    pub account: Option<ExplainedAccount>,
    /// What is done next about it: the verb of the change.
    pub next: Option<&'static str>,
    /// What keeps more from being done.
    pub findings: Vec<String>,
    /// The groups that are kept there.
    pub pushed: Vec<(GroupId, ExplainedPush)>,
}

impl ApplicationFacts {
    /// The names of the groups whose members are assigned.
    pub fn assigning_groups(&self) -> Vec<String> {
        let assigns = |group: &&Group| {
            let to = AssignedTo::Group(group.id.clone());
            self.world.application.assignments.iter().any(|assignment| assignment.to == to)
        };
        self.world.groups.iter().filter(assigns).map(|group| group.name.clone()).collect()
    }
}

/// A person, and the groups and rules there are.
pub(super) fn load(r: &mut Read, name: &str) -> Result<Known, Error> {
    let person = person::find(r, name)?;
    let groups = group::all(r)?;
    Ok(Known {
        source: person::source_of(r, &person.id)?,
        groups: with_members(r, groups)?,
        rules: rules(r)?,
        person,
    })
}

/// An application, as this person sees it.
pub(super) fn application(
    r: &mut Read,
    stored: &StoredApplication,
    person: &Person,
    as_of: Date,
) -> Result<ApplicationFacts, Error> {
    let world = World::load(r, &stored.id)?;
    let decision = AccountSubject::load(r, &world, &person.id, as_of)?
        .map(|subject| world.decide(&subject, as_of));
    let (next, findings) = match decision {
        Some(decision) => (
            decision.change.map(|change| change.action.verb()),
            decision.findings.iter().map(lifecycle::PlanFinding::sentence).collect(),
        ),
        None => (None, Vec::new()),
    };
    Ok(ApplicationFacts {
        base_url: stored.config.base_url.clone(),
        account: explained_account(r, stored, &person.id)?,
        next,
        findings,
        pushed: pushed(r, stored, &person.id)?,
        world,
    })
}

fn explained_account(
    r: &mut Read,
    stored: &StoredApplication,
    person: &PersonId,
) -> Result<Option<ExplainedAccount>, Error> {
    let Some(account) = account::one(r, &stored.id, person)? else {
        return Ok(None);
    };
    let (created_at, written_at, last_error) = r.query_one(
        "SELECT created_at, updated_at, last_error FROM accounts \
         WHERE application_id = $1 AND person_id = $2",
        params![stored.id.as_str(), person.as_str()],
        |row| Ok((row.timestamp(0)?, row.timestamp(1)?, row.opt_text(2)?)),
    )?;
    Ok(Some(ExplainedAccount {
        remote_id: account.remote_id.map(|id| id.to_string()),
        origin: account.origin,
        situation: account.situation,
        active: account.active,
        created_at,
        written_at,
        last_error,
    }))
}

fn pushed(
    r: &mut Read,
    stored: &StoredApplication,
    person: &PersonId,
) -> Result<Vec<(GroupId, ExplainedPush)>, Error> {
    Ok(r.query(
        "SELECT p.group_id, g.name, p.remote_name, p.remote_id, m.pushed_at, p.status_reason \
         FROM push_groups p JOIN groups g ON g.id = p.group_id \
         LEFT JOIN pushed_members m ON m.application_id = p.application_id \
         AND m.group_id = p.group_id AND m.person_id = $1 AND m.in_doubt = $2 \
         WHERE p.application_id = $3 ORDER BY g.name_key",
        params![person.as_str(), false, stored.id.as_str()],
        |row| {
            let push = ExplainedPush {
                group: row.text(1)?,
                remote_name: row.text(2)?,
                remote_id: row.opt_text(3)?,
                is_member: false,
                pushed_at: row.opt_timestamp(4)?,
                problem: row.opt_text(5)?.filter(|reason| !reason.is_empty()),
            };
            Ok((parsed("group id", row.text_ref(0)?, GroupId::parse)?, push))
        },
    )?)
}
