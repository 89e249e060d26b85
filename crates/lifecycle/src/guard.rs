//! The guard: holds a plan that takes away too much, until a person has looked at it.
//!
//! It looks at effects, whatever their cause: accounts that are deactivated, licenses that go with a
//! group, accounts that are created again because a list came back too short. It is on by default.
//! What was released shortly before counts too, so that many small plans are held as one large one.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Action, Change, ChangeSubject, Plan, Population};

/// How much may be taken away without a person having looked at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuardPolicy {
    /// Accounts that are deactivated, of those that are active.
    pub deactivations: Allowance,
    /// Removals from groups that grant licenses, of all members of such groups.
    pub license_removals: Allowance,
    /// Accounts that are created again because they are gone, of those that are active.
    pub recreations: Allowance,
}

/// So many may go without anybody having looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// Never held up to this count, however few there are.
    pub count_free: u64,
    /// Always held beyond this count.
    pub count_max: u64,
    /// Held beyond this share, in percent.
    pub share_percent_max: u8,
}

/// What was, or would be, taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Toll {
    /// Accounts that are deactivated.
    pub deactivations: u64,
    /// Removals from groups that grant licenses.
    pub license_removals: u64,
    /// Accounts that are created again because they are gone.
    pub recreations: u64,
}

/// What a person has approved: changes, each as they saw it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Subjects, each with the digest of its change.
    pub changes: BTreeSet<(ChangeSubject, String)>,
}

/// What the guard says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum GuardVerdict {
    /// Everything may be done.
    Released,
    /// Nothing is done before a person has approved.
    Held {
        /// Why.
        holds: Vec<Hold>,
    },
}

/// Why a plan is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// What would be taken away.
    pub taking: Taking,
    /// How many, with what was released shortly before.
    pub count: u64,
    /// How many of those were released shortly before.
    pub count_recent: u64,
    /// Of how many.
    pub of: u64,
    /// What would have been allowed.
    pub allowance: Allowance,
}

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Taking {
    /// Accounts are deactivated.
    Deactivations,
    /// Members are removed from groups that grant licenses.
    LicenseRemovals,
    /// Accounts are created again because they are gone.
    Recreations,
}

impl Default for GuardPolicy {
    fn default() -> Self {
        let accounts = Allowance { count_free: 5, count_max: 100, share_percent_max: 5 };
        Self {
            deactivations: accounts,
            // Moves take licenses too and are more frequent than leaving.
            license_removals: Allowance { count_free: 10, count_max: 500, share_percent_max: 10 },
            recreations: accounts,
        }
    }
}

impl Allowance {
    /// Whether so many of so many may go.
    pub fn allows(&self, count: u64, of: u64) -> bool {
        let share = u128::from(of) * u128::from(self.share_percent_max);
        count <= self.count_free || (count <= self.count_max && u128::from(count) * 100 <= share)
    }
}

impl Toll {
    /// What these changes take away.
    pub fn of<'c>(changes: impl IntoIterator<Item = &'c Change>, population: &Population) -> Self {
        let mut toll = Self::default();
        for change in changes {
            match (&change.action, &change.subject) {
                (Action::DeactivateAccount, _) => toll.deactivations += 1,
                (Action::CreateAccount { replaces: Some(_), .. }, _) => toll.recreations += 1,
                (action, ChangeSubject::Group(group))
                    if population.license_groups.contains(group) =>
                {
                    toll.license_removals += action.member_changes().1.len() as u64;
                }
                _ => {}
            }
        }
        toll
    }

    /// This and that together.
    pub fn and(self, other: Self) -> Self {
        Self {
            deactivations: self.deactivations + other.deactivations,
            license_removals: self.license_removals + other.license_removals,
            recreations: self.recreations + other.recreations,
        }
    }
}

impl Approval {
    /// The approval of everything in a plan.
    pub fn of(plan: &Plan) -> Self {
        let change = |change: &Change| (change.subject.clone(), change.digest.clone());
        Self { changes: plan.changes.iter().map(change).collect() }
    }

    /// Whether exactly this change was approved.
    pub fn covers(&self, change: &Change) -> bool {
        self.changes.contains(&(change.subject.clone(), change.digest.clone()))
    }
}

/// Whether changes may be done. What was approved does not count; what was released shortly before
/// (`recent`) does, and counts as part of the population it was taken from.
pub fn guard(
    changes: &[Change],
    population: &Population,
    policy: &GuardPolicy,
    recent: Toll,
    approval: &Approval,
) -> GuardVerdict {
    let toll = Toll::of(changes.iter().filter(|change| !approval.covers(change)), population);
    let measured = [
        (
            Taking::Deactivations,
            toll.deactivations,
            recent.deactivations,
            population.active_account_count,
            policy.deactivations,
        ),
        (
            Taking::LicenseRemovals,
            toll.license_removals,
            recent.license_removals,
            population.license_membership_count,
            policy.license_removals,
        ),
        (
            Taking::Recreations,
            toll.recreations,
            recent.recreations,
            population.active_account_count + toll.recreations,
            policy.recreations,
        ),
    ];
    let holds: Vec<Hold> = measured
        .into_iter()
        .filter_map(|(taking, count, count_recent, of, allowance)| {
            let (all, of) = (count + count_recent, of + count_recent);
            (count > 0 && !allowance.allows(all, of)).then_some(Hold {
                taking,
                count: all,
                count_recent,
                of,
                allowance,
            })
        })
        .collect();
    if holds.is_empty() { GuardVerdict::Released } else { GuardVerdict::Held { holds } }
}

impl GuardVerdict {
    /// Whether everything may be done.
    pub fn is_released(&self) -> bool {
        *self == Self::Released
    }

    /// The verdict in sentences, with what to do if it is meant.
    pub fn sentences(&self, application: &str, plan_digest: &str) -> Vec<String> {
        match self {
            Self::Released => vec!["Nothing needs approval.".to_owned()],
            Self::Held { holds } => holds
                .iter()
                .map(Hold::to_string)
                .chain([format!(
                    "Nothing was done. If it is meant: muster apply {application} --approve \
                     {plan_digest}. If not, correct the HR file, the rules or the groups and plan \
                     again."
                )])
                .collect(),
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { taking, count, count_recent, of, allowance } = self;
        let would = match taking {
            Taking::Deactivations => {
                format!("{count} of {of} active accounts would be deactivated")
            }
            Taking::LicenseRemovals => format!(
                "{count} of {of} memberships in groups that grant licenses would be taken away"
            ),
            Taking::Recreations => {
                format!("{count} of {of} accounts are gone and would be created again")
            }
        };
        let recent = match count_recent {
            0 => String::new(),
            recent => format!(" ({recent} of them shortly before)"),
        };
        let Allowance { count_max, share_percent_max, .. } = allowance;
        write!(
            f,
            "{would}{recent}; without approval it may be {count_max} or {share_percent_max} %, \
             whichever is less."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(count: u64, of: u64, expected: bool) {
        assert_eq!(
            GuardPolicy::default().deactivations.allows(count, of),
            expected,
            "{count}/{of}"
        );
    }

    #[test]
    fn an_ordinary_day_passes_and_a_mass_leaver_file_does_not() {
        // A company of 19,292: 30 leave today; 60 % of the rows are missing.
        check(30, 19_292, true);
        check(100, 19_292, true);
        check(101, 19_292, false);
        check(11_575, 19_292, false);
        // A company of 200.
        check(5, 200, true);
        check(10, 200, true);
        check(11, 200, false);
        check(120, 200, false);
        // A company of 12: leaving is not forbidden there.
        check(1, 12, true);
        check(5, 12, true);
        check(6, 12, false);
    }
}
