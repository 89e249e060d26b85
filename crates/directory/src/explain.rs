//! Why a person has, or lacks, each membership, account and license.
//!
//! The cast: `facts` loads what the directory knows of one person, this file derives the chain from
//! it (HR row, employment, rules, groups, assignment, account, push), `asked` goes on where the
//! directory's knowledge ends, by asking the application over HTTP as a stranger would, and `told`
//! makes sentences of it all. Nothing here is stored or guessed: an explanation is derived when it
//! is asked for, and what an application said carries the time it was asked.

mod asked;
mod facts;
mod told;

use jiff::Timestamp;
use jiff::civil::Date;
use lifecycle::{GroupId, Origin, Reason, Situation, Standing, memberships_of, why_not};
use serde::Serialize;

pub use asked::{
    Asked, AskedLicense, AskedPolicy, GrantingGroup, Knowledge, LicenseKind, LicenseState,
};
pub use told::{Mark, ToldLine};

use crate::{Directory, Error, PersonSource, application};
use facts::{ApplicationFacts, Known};

/// Why a person has, or lacks, each membership, account and license.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The day it is for.
    pub as_of: Date,
    /// The person, and where HR says so.
    pub person: ExplainedPerson,
    /// Every group, those the person is in first.
    pub groups: Vec<ExplainedGroup>,
    /// The applications that were asked about.
    pub applications: Vec<ExplainedApplication>,
}

/// A person, and what HR says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedPerson {
    /// The directory's id.
    pub id: String,
    /// The employee number.
    pub employee_number: String,
    /// The name.
    pub name: String,
    /// The login.
    pub login: Option<String>,
    /// The row the values came from; none for people made by hand.
    pub source: Option<PersonSource>,
    /// What the employments say about the day.
    pub standing: Standing,
    /// Why that is so.
    pub reason: Reason,
}

/// A group, and why the person is in it or is not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedGroup {
    /// Its name.
    pub name: String,
    /// Whether the person is in it.
    pub is_member: bool,
    /// Why, or why not.
    pub reasons: Vec<Reason>,
}

/// An application, and what the person has there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedApplication {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub base_url: String,
    /// Why the person is assigned; empty: they are not.
    pub assigned: Vec<Reason>,
    /// The groups whose members are assigned.
    pub assigning_groups: Vec<String>,
    /// The account, if there is or was one.
    pub account: Option<ExplainedAccount>,
    /// What the next plan does about the account: create, update, deactivate and the like.
    pub next: Option<&'static str>,
    /// What keeps more from being done, in sentences.
    pub findings: Vec<String>,
    /// Every group that is kept there.
    pub pushed: Vec<ExplainedPush>,
    /// What the application says itself.
    pub knowledge: Knowledge,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedAccount {
    /// What the application calls it.
    pub remote_id: Option<String>,
    /// Whether we created or linked it.
    pub origin: Origin,
    /// What is known of it.
    pub situation: Situation,
    /// Whether it is active, as the application last acknowledged.
    pub active: bool,
    /// When it became ours.
    pub created_at: Timestamp,
    /// When it was last written.
    pub written_at: Timestamp,
    /// What last went wrong.
    pub last_error: Option<String>,
}

/// A group that is kept in an application, and whether the person is in it there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedPush {
    /// The group here.
    pub group: String,
    /// Its name there.
    pub remote_name: String,
    /// What the application calls it; none: it is not there yet.
    pub remote_id: Option<String>,
    /// Whether the person is in the group here.
    pub is_member: bool,
    /// Since when the application has the membership.
    pub pushed_at: Option<Timestamp>,
    /// What keeps the group from being there.
    pub problem: Option<String>,
}

impl Directory {
    /// Why a person has, or lacks, each membership, account and license on a day: by the directory's
    /// own facts, then by asking the application, or every application if none is named.
    ///
    /// # Errors
    /// No such person or application; the database failed. What an application does not say is no
    /// error: the explanation tells where knowledge ends.
    pub async fn explain(
        &self,
        person: &str,
        application: Option<&str>,
        as_of: Date,
    ) -> Result<Explanation, Error> {
        let (mut explanation, applications) = self.db.read(|r| {
            let known = facts::load(r, person)?;
            let stored = match application {
                Some(name) => vec![application::named(r, name)?],
                None => application::all(r)?,
            };
            let explanation = derive(&known, as_of);
            let mut applications = Vec::with_capacity(stored.len());
            for stored in stored {
                let facts = facts::application(r, &stored, &known.person, as_of)?;
                applications.push((derive_application(facts, &known, as_of), stored));
            }
            Ok::<_, Error>((explanation, applications))
        })?;
        for (mut explained, stored) in applications {
            explained.knowledge = asked::ask(self, &stored, &explained, &explanation.groups).await;
            explanation.applications.push(explained);
        }
        Ok(explanation)
    }

    /// Why a person is in each group or is not, without any application.
    ///
    /// # Errors
    /// No such person; the database failed.
    pub fn explain_groups(&self, person: &str, as_of: Date) -> Result<Explanation, Error> {
        self.db.read(|r| {
            let known = facts::load(r, person)?;
            Ok(derive(&known, as_of))
        })
    }
}

/// The directory's own chain, from the HR row to the groups.
fn derive(known: &Known, as_of: Date) -> Explanation {
    let Known { person, groups, rules, .. } = known;
    let memberships = memberships_of(person, groups, rules, as_of);
    let mut groups: Vec<ExplainedGroup> = groups
        .iter()
        .map(|group| {
            let membership = memberships.iter().find(|found| found.group.id == group.id);
            ExplainedGroup {
                name: group.name.clone(),
                is_member: membership.is_some(),
                reasons: match membership {
                    Some(membership) => membership.reasons(as_of),
                    None => why_not(person, group, rules, as_of),
                },
            }
        })
        .collect();
    groups.sort_by_key(|group| (!group.is_member, group.name.to_lowercase()));
    Explanation {
        as_of,
        person: ExplainedPerson {
            id: person.id.to_string(),
            employee_number: person.employee_number.to_string(),
            name: person.name(),
            login: person.profile.text("userName").map(str::to_string),
            source: known.source.clone(),
            standing: person.standing(as_of),
            reason: person.standing_reason(as_of),
        },
        groups,
        applications: Vec::new(),
    }
}

/// The chain from the groups to what was pushed.
fn derive_application(facts: ApplicationFacts, known: &Known, as_of: Date) -> ExplainedApplication {
    let person = &known.person;
    let memberships = memberships_of(person, &known.groups, &known.rules, as_of);
    let is_member = |id: &GroupId| memberships.iter().any(|one| one.group.id == *id);
    // Whoever is not employed is entitled to nothing, whatever is assigned to them.
    let assigned = match person.is_employed(as_of) {
        true => facts.world.assigned(person, as_of).0,
        false => Vec::new(),
    };
    let pushed = facts.pushed.iter().cloned();
    ExplainedApplication {
        name: facts.world.application.name.clone(),
        base_url: facts.base_url.clone(),
        assigned,
        assigning_groups: facts.assigning_groups(),
        next: facts.next,
        pushed: pushed
            .map(|(group, push)| ExplainedPush { is_member: is_member(&group), ..push })
            .collect(),
        account: facts.account,
        findings: facts.findings,
        knowledge: Knowledge::NotAsked { reason: String::new() },
    }
}
