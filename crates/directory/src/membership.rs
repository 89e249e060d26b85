//! Who is in a group and why; whom a condition would match before anybody saves it.

use std::collections::BTreeSet;

use jiff::civil::Date;
use lifecycle::{Person, Reason, Rule, RuleId};
use serde::Serialize;

use crate::{Directory, Error, facts, group, limits, person, rule};

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupMember {
    /// The employee number.
    pub employee_number: String,
    /// The name.
    pub name: String,
    /// The login.
    pub login: Option<String>,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// Whom a condition matches among the people who are employed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// The condition.
    pub condition: String,
    /// The day it was tried for.
    pub as_of: Date,
    /// The attributes it reads.
    pub reads: Vec<String>,
    /// How many people are employed that day.
    pub employed: u64,
    /// How many of them it matches.
    pub matching: u64,
    /// Some it matches.
    pub examples: Vec<TriedPerson>,
    /// Some it does not match.
    pub counterexamples: Vec<TriedPerson>,
}

/// A person on whom a condition was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriedPerson {
    /// The employee number.
    pub employee_number: String,
    /// The name.
    pub name: String,
    /// Which values decided.
    pub because: String,
}

impl Directory {
    /// The members of a group on a day, by employee number, each with the reasons.
    ///
    /// # Errors
    /// No such group; the database failed.
    pub fn group_members(&self, group: &str, as_of: Date) -> Result<Vec<GroupMember>, Error> {
        self.db.read(|r| {
            let wanted = group::named(r, group)?.id;
            let mut groups = group::all(r)?;
            groups.retain(|group| group.id == wanted);
            let groups = facts::with_members(r, groups)?;
            let mut rules = facts::rules(r)?;
            rules.retain(|rule| rule.fills(&wanted));
            for rule in &mut rules {
                rule.groups.retain(|filled| *filled == wanted);
            }
            let people = person::everybody(r)?;
            let memberships = lifecycle::memberships(&people, &groups, &rules, as_of);
            let mut members: Vec<GroupMember> = memberships
                .of_group(&wanted)
                .iter()
                .map(|membership| GroupMember {
                    employee_number: membership.person.employee_number.to_string(),
                    name: membership.person.name(),
                    login: membership.person.profile.text("userName").map(str::to_string),
                    reasons: membership.reasons(as_of),
                })
                .collect();
            members.sort_by(|a, b| a.employee_number.cmp(&b.employee_number));
            Ok(members)
        })
    }

    /// How many members each group has on a day, in the order of [`Directory::groups`].
    ///
    /// # Errors
    /// The database failed.
    pub fn group_sizes(&self, as_of: Date) -> Result<Vec<(String, u64)>, Error> {
        self.db.read(|r| {
            let stored = group::all(r)?;
            let groups = facts::with_members(r, stored.clone())?;
            let rules = facts::rules(r)?;
            let people = person::everybody(r)?;
            let memberships = lifecycle::memberships(&people, &groups, &rules, as_of);
            Ok(stored
                .into_iter()
                .map(|group| {
                    let size = memberships.of_group(&group.id).len() as u64;
                    (group.config.name, size)
                })
                .collect())
        })
    }

    /// Whom a condition would match, before it is saved.
    ///
    /// # Errors
    /// A condition that is wrong, with the column; the database failed.
    pub fn try_condition(&self, condition: &str, as_of: Date) -> Result<Trial, Error> {
        let expression = Rule::condition(condition).map_err(|error| Error::Config {
            what: "condition".into(),
            message: error.to_string(),
        })?;
        let id = person::parsed("rule id", "trial", RuleId::parse)?;
        let name = String::new();
        let trial = Rule { id, name, expression, groups: Vec::new(), active: true };
        let people = self.db.read(person::everybody)?;
        Ok(try_rule(&trial, &people, as_of))
    }

    /// Whom the rule of this name matches.
    ///
    /// # Errors
    /// There is no such rule; the database failed.
    pub fn try_stored_rule(&self, name: &str, as_of: Date) -> Result<Trial, Error> {
        let rules = self.db.read(rule::all)?;
        let stored = rules
            .into_iter()
            .find(|rule| rule.config.name.to_lowercase() == name.to_lowercase())
            .ok_or_else(|| Error::NotFound { kind: "rule", name: name.to_string() })?;
        self.try_condition(&stored.config.condition, as_of)
    }
}

fn try_rule(rule: &Rule, people: &[Person], as_of: Date) -> Trial {
    let mut trial = Trial {
        condition: rule.expression.text().to_string(),
        as_of,
        reads: rule.expression.reads().iter().cloned().collect(),
        employed: 0,
        matching: 0,
        examples: Vec::new(),
        counterexamples: Vec::new(),
    };
    // Examples that say the same are told once: five colleagues from one department teach nothing.
    let mut said: BTreeSet<String> = BTreeSet::new();
    for person in people.iter().filter(|person| person.is_employed(as_of)) {
        trial.employed += 1;
        let matches = rule.matches(person, as_of).unwrap_or(false);
        trial.matching += u64::from(matches);
        let side = if matches { &mut trial.examples } else { &mut trial.counterexamples };
        if side.len() >= limits::TRIAL_EXAMPLE_COUNT {
            continue;
        }
        let because = match rule.reason(person, as_of) {
            Reason::Rule { because, .. } | Reason::RuleDoesNotMatch { because, .. } => because,
            other => other.sentence(),
        };
        if matches || said.insert(because.clone()) {
            side.push(TriedPerson {
                employee_number: person.employee_number.to_string(),
                name: person.name(),
                because,
            });
        }
    }
    trial
}
