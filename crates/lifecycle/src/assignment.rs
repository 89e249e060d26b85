//! Assignments: what entitles a person to an account.

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

    fn assignment(to: AssignedTo, priority: u32, name: &str) -> Assignment {
        let group = GroupId::parse(name).unwrap();
        let reason = Reason::AssignedByGroup { group, name: name.to_owned() };
        Assignment { to, priority, reason }
    }

    #[test]
    fn every_assignment_that_entitles_is_told_the_one_that_counts_first() {
        let (ana, sales) = (PersonId::parse("ana").unwrap(), GroupId::parse("sales").unwrap());
        let assignments = [
            assignment(AssignedTo::Everyone, 7, "all"),
            assignment(AssignedTo::Group(sales.clone()), 3, "sales"),
            assignment(AssignedTo::Group(GroupId::parse("legal").unwrap()), 0, "legal"),
            assignment(AssignedTo::Person(ana.clone()), 9, "in-person"),
        ];
        let check = |person: &PersonId, expected: &[&str]| {
            let found: Vec<_> = assigned(&assignments, person, |group| *group == sales)
                .into_iter()
                .map(|reason| match reason {
                    Reason::AssignedByGroup { name, .. } => name,
                    other => other.sentence(),
                })
                .collect();
            assert_eq!(found, expected);
        };
        check(&ana, &["in-person", "sales", "all"]);
        check(&PersonId::parse("ben").unwrap(), &["sales", "all"]);
        assert_eq!(assigned(&[], &ana, |_| true), []);
    }
}
