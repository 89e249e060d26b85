//! Assignments: what entitles a person to an account.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{GroupId, PersonId, Reason};

/// Entitles people to an account in an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Who.
    pub to: AssignedTo,
    /// Which of several counts first; 0 before 1.
    #[serde(default)]
    pub priority: u32,
    /// Why, as it is told of everybody whom it entitles.
    pub reason: Reason,
}

/// Whom an assignment entitles.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum AssignedTo {
    /// Everybody who is employed.
    Everyone,
    /// The members of a group.
    Group(GroupId),
    /// One person.
    Person(PersonId),
}

impl Assignment {
    /// Everybody who is employed is entitled. People know it as the group Everyone.
    pub fn everyone(priority: u32) -> Self {
        #[expect(clippy::expect_used, reason = "the word is a valid id, as a test shows")]
        let group = GroupId::parse("everyone").expect("it is an id");
        let reason = Reason::AssignedByGroup { group, name: "Everyone".to_owned() };
        Self { to: AssignedTo::Everyone, priority, reason }
    }

    /// The members of a group are entitled.
    pub fn group(group: GroupId, name: &str, priority: u32) -> Self {
        let reason = Reason::AssignedByGroup { group: group.clone(), name: name.to_owned() };
        Self { to: AssignedTo::Group(group), priority, reason }
    }

    /// One person is entitled, because somebody decided so.
    pub fn person(person: PersonId, actor: &str, at: Timestamp, priority: u32) -> Self {
        let reason = Reason::AssignedDirectly { actor: actor.to_owned(), at };
        Self { to: AssignedTo::Person(person), priority, reason }
    }
}

/// Why a person is assigned: the reason of every assignment that entitles them, the one that counts
/// first in front. Empty: they are not.
pub fn assigned(
    assignments: &[Assignment],
    person: &PersonId,
    is_member: impl Fn(&GroupId) -> bool,
) -> Vec<Reason> {
    let mut found: Vec<&Assignment> = assignments
        .iter()
        .filter(|assignment| match &assignment.to {
            AssignedTo::Everyone => true,
            AssignedTo::Group(group) => is_member(group),
            AssignedTo::Person(assigned) => assigned == person,
        })
        .collect();
    // An assignment in person beats one by group, whatever the priority of that.
    found.sort_by_key(|assignment| {
        (!matches!(assignment.to, AssignedTo::Person(_)), assignment.priority)
    });
    found.into_iter().map(|assignment| assignment.reason.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_assignment_that_entitles_is_told_the_one_that_counts_first() {
        let (ana, sales) = (PersonId::parse("ana").unwrap(), GroupId::parse("sales").unwrap());
        let legal = GroupId::parse("legal").unwrap();
        let at = "2026-11-24T08:00:00Z".parse().unwrap();
        let assignments = [
            Assignment::everyone(7),
            Assignment::group(sales.clone(), "Sales", 3),
            Assignment::group(legal, "Legal", 0),
            Assignment::person(ana.clone(), "ben", at, 9),
        ];
        let check = |person: &PersonId, expected: &[&str]| {
            let found: Vec<_> = assigned(&assignments, person, |group| *group == sales)
                .iter()
                .map(Reason::sentence)
                .collect();
            assert_eq!(found, expected);
        };
        let everyone = "Group Everyone is assigned to the application.";
        let sales_is = "Group Sales is assigned to the application.";
        check(&ana, &["Assigned by hand by ben at 2026-11-24T08:00:00Z.", sales_is, everyone]);
        check(&PersonId::parse("ben").unwrap(), &[sales_is, everyone]);
        assert_eq!(assigned(&[], &ana, |_| true), []);
    }
}
