//! What a plan finds: what keeps it from doing more, and what is doubtful in an application.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::reason::printed;
use crate::{MatchAttribute, PersonId, RemoteId, Subject, limits};

/// Something a person should know about an application and its accounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PlanFinding {
    /// An account would be created, but that is switched off.
    CreateIsOff {
        /// For whom.
        subject: Subject,
    },
    /// Attributes would be updated, but that is switched off.
    UpdateIsOff {
        /// Whose.
        subject: Subject,
        /// Which.
        attributes: Vec<String>,
    },
    /// An account would be deactivated, but that is switched off.
    DeactivateIsOff {
        /// Whose.
        subject: Subject,
    },
    /// An account would be activated again, but that is switched off.
    ReactivateIsOff {
        /// Whose.
        subject: Subject,
    },
    /// The mappings give no login.
    NoUserName {
        /// For whom.
        subject: Subject,
    },
    /// Several people would have the same login; none of them gets an account.
    UserNameShared {
        /// Who.
        subjects: Vec<Subject>,
        /// The login.
        user_name: String,
    },
    /// A mapping gives no value that fits; the attribute stays as it is.
    MappingFailed {
        /// For whom.
        subject: Subject,
        /// The attribute.
        target: String,
        /// Why not.
        problem: String,
    },
    /// Several accounts could be the person's; none is touched.
    Disputed {
        /// Whose.
        subject: Subject,
        /// By what they were recognised.
        by: MatchAttribute,
        /// The accounts.
        accounts: Vec<RemoteId>,
    },
    /// One account could be several people's; it is not touched.
    ClaimedBySeveral {
        /// Whose.
        subjects: Vec<Subject>,
        /// The account.
        account: RemoteId,
    },
    /// An administrator's account has the person's e-mail; it is not linked by that alone.
    Privileged {
        /// Who.
        subject: Subject,
        /// The account.
        account: RemoteId,
    },
    /// An account that was ours is not there any more.
    AccountGone {
        /// Whose.
        subject: Subject,
        /// The account.
        account: RemoteId,
    },
    /// Somebody who is not entitled to an account has one there that is active and not ours.
    UnlinkedAccountOfLeaver {
        /// Who.
        subject: Subject,
        /// The account.
        account: RemoteId,
    },
    /// The account of somebody who left was activated there.
    ReactivatedThere {
        /// Whose.
        subject: Subject,
    },
    /// The account was deactivated there, though the person is entitled to it.
    DeactivatedThere {
        /// Whose.
        subject: Subject,
    },
    /// An attribute that we own was changed there.
    Drifted {
        /// Whose.
        subject: Subject,
        /// Which.
        attribute: String,
        /// What we wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        written: Option<Value>,
        /// What is there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        observed: Option<Value>,
    },
    /// Accounts are there that belong to nobody here.
    Unmatched {
        /// How many.
        count: u64,
        /// Some of their logins.
        examples: Vec<String>,
    },
    /// An account is linked to somebody the directory does not know.
    PersonUnknown {
        /// Who.
        person: PersonId,
    },
    /// A group is to be pushed that does not exist.
    PushGroupUnknown {
        /// Its name there.
        group: String,
    },
    /// Several groups there have the name; none is touched.
    PushGroupDisputed {
        /// The name.
        group: String,
        /// The groups.
        groups: Vec<RemoteId>,
    },
    /// No group there has the name, and it may only be linked.
    PushGroupAbsent {
        /// The name.
        group: String,
    },
    /// A group that was ours is not there any more.
    PushGroupGone {
        /// The name.
        group: String,
    },
    /// A group has another name there and cannot be renamed.
    RenameImpossible {
        /// The name it should have.
        group: String,
        /// The name it has.
        written: String,
    },
    /// Members of a group have no active account and cannot be members there.
    MembersWithoutAccount {
        /// The group's name there.
        group: String,
        /// How many.
        count: u64,
    },
    /// There are more findings of a kind than are listed.
    More {
        /// How many.
        count: u64,
        /// The kind.
        of: String,
    },
}

impl PlanFinding {
    /// What was found, about whom.
    pub fn sentence(&self) -> String {
        match self {
            Self::CreateIsOff { subject } => {
                format!("{subject} would get an account, but creating users is switched off.")
            }
            Self::UpdateIsOff { subject, attributes } => format!(
                "{subject} would get another {}, but updating attributes is switched off.",
                attributes.join(", ")
            ),
            Self::DeactivateIsOff { subject } => {
                format!("{subject} would be deactivated, but deactivating users is switched off.")
            }
            Self::ReactivateIsOff { subject } => {
                format!(
                    "{subject} would be activated again, but deactivating users is switched off."
                )
            }
            Self::NoUserName { subject } => {
                format!("{subject} gets no account: the mappings give no userName.")
            }
            Self::UserNameShared { subjects, user_name } => format!(
                "{} would all be called {user_name}; none of them gets an account.",
                listed(subjects)
            ),
            Self::MappingFailed { subject, target, problem } => {
                format!("{subject} keeps the {target} they have: {problem}.")
            }
            Self::Disputed { subject, by, accounts } => format!(
                "{subject} could be one of {} accounts with the same {} ({}); none is touched.",
                accounts.len(),
                by.name(),
                ids(accounts)
            ),
            Self::ClaimedBySeveral { subjects, account } => format!(
                "Account {account} could belong to {}; it is not touched.",
                listed(subjects)
            ),
            Self::Privileged { subject, account } => format!(
                "{subject} has the e-mail of account {account}, which is an administrator's; it is \
                 not linked by e-mail alone."
            ),
            Self::AccountGone { subject, account } => {
                format!("{subject} had account {account}, which is not there any more.")
            }
            Self::UnlinkedAccountOfLeaver { subject, account } => format!(
                "{subject} is not entitled to an account, but account {account} is active and not \
                 ours."
            ),
            Self::ReactivatedThere { subject } => {
                format!("{subject} is not entitled to an account, but was activated there.")
            }
            Self::DeactivatedThere { subject } => {
                format!("{subject} is entitled to an account, but was deactivated there.")
            }
            Self::Drifted { subject, attribute, written, observed } => format!(
                "{subject} has the {attribute} {} there; {} was written.",
                value(observed.as_ref()),
                value(written.as_ref())
            ),
            Self::Unmatched { count: 1, examples } => {
                format!("An account there belongs to nobody here: {}.", examples.join(", "))
            }
            Self::Unmatched { count, examples } => {
                format!("{count} accounts there belong to nobody here: {}.", examples.join(", "))
            }
            Self::PersonUnknown { person } => {
                format!("An account is linked to person {person}, whom nobody knows.")
            }
            Self::PushGroupUnknown { group } => {
                format!("Group {group} is to be pushed, but does not exist.")
            }
            Self::PushGroupDisputed { group, groups } => format!(
                "{} groups there are called {group} ({}); none is touched.",
                groups.len(),
                ids(groups)
            ),
            Self::PushGroupAbsent { group } => {
                format!("Group {group} is to be linked, but none there has that name.")
            }
            Self::PushGroupGone { group } => format!("Group {group} is not there any more."),
            Self::RenameImpossible { group, written } => format!(
                "Group {written} should be called {group}, but the application renames no groups."
            ),
            Self::MembersWithoutAccount { group, count: 1 } => {
                format!("A member of group {group} has no active account there.")
            }
            Self::MembersWithoutAccount { group, count } => {
                format!("{count} members of group {group} have no active account there.")
            }
            Self::More { count, of } => format!("{count} more of this kind: {of}."),
        }
    }

    /// What to do about it.
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::CreateIsOff { .. } => "Switch on creating users, or create the account there.",
            Self::UpdateIsOff { .. } => "Switch on updating attributes, or ignore this.",
            Self::DeactivateIsOff { .. } => {
                "Switch on deactivating users, or deactivate the account there."
            }
            Self::ReactivateIsOff { .. } => {
                "Switch on deactivating users, or activate the account there."
            }
            Self::NoUserName { .. } => "Give the person a login, or correct the mapping.",
            Self::UserNameShared { .. } => "Correct the mapping of userName, or the logins.",
            Self::MappingFailed { .. } => "Correct the mapping, or the person's profile.",
            Self::Disputed { .. } => {
                "Remove the wrong account there, or link the right one by hand."
            }
            Self::ClaimedBySeveral { .. } => "Link it to one of them by hand.",
            Self::Privileged { .. } => "Link it by hand, if it is theirs.",
            Self::AccountGone { .. } => "Nothing: it is created again if they are entitled to it.",
            Self::UnlinkedAccountOfLeaver { .. } => {
                "Link it by hand to have it deactivated, or deactivate it there."
            }
            Self::ReactivatedThere { .. } => "Find out who did it; it is deactivated again.",
            Self::DeactivatedThere { .. } => {
                "Activate it there, or set the application to repair drift."
            }
            Self::Drifted { .. } => {
                "Correct it there or in HR, or set the application to repair drift."
            }
            Self::Unmatched { .. } => "Deactivate them there, or add the people here.",
            Self::PersonUnknown { .. } => "Unlink the account.",
            Self::PushGroupUnknown { .. } => "Create the group, or push it no longer.",
            Self::PushGroupDisputed { .. } => "Rename all but one of them there.",
            Self::PushGroupAbsent { .. } => "Create it there, or allow it to be created.",
            Self::PushGroupGone { .. } => "Nothing: it is created again with its members.",
            Self::RenameImpossible { .. } => "Rename it there by hand.",
            Self::MembersWithoutAccount { .. } => {
                "See the other findings; they become members once their accounts are active."
            }
            Self::More { .. } => "Deal with those that are listed first.",
        }
    }

    /// The kind in words, for counting.
    fn kind(&self) -> &'static str {
        match self {
            Self::CreateIsOff { .. } => "creating users is switched off",
            Self::UpdateIsOff { .. } => "updating attributes is switched off",
            Self::DeactivateIsOff { .. } | Self::ReactivateIsOff { .. } => {
                "deactivating users is switched off"
            }
            Self::NoUserName { .. } => "no userName",
            Self::UserNameShared { .. } => "a shared userName",
            Self::MappingFailed { .. } => "a mapping without a value that fits",
            Self::Disputed { .. } | Self::ClaimedBySeveral { .. } => "disputed accounts",
            Self::Privileged { .. } => "administrators' accounts",
            Self::AccountGone { .. } => "accounts that are gone",
            Self::UnlinkedAccountOfLeaver { .. } => "active accounts of people who left",
            Self::ReactivatedThere { .. } | Self::DeactivatedThere { .. } => {
                "accounts activated or deactivated there"
            }
            Self::Drifted { .. } => "attributes changed there",
            Self::Unmatched { .. } => "accounts of nobody",
            Self::PersonUnknown { .. } => "accounts of unknown people",
            Self::PushGroupUnknown { .. }
            | Self::PushGroupDisputed { .. }
            | Self::PushGroupAbsent { .. }
            | Self::PushGroupGone { .. }
            | Self::RenameImpossible { .. } => "push groups",
            Self::MembersWithoutAccount { .. } => "members without an account",
            Self::More { .. } => "more",
        }
    }
}

/// At most [`limits::FINDING_COUNT_MAX`] findings of a kind; the rest is counted.
pub(super) fn capped(findings: Vec<PlanFinding>) -> Vec<PlanFinding> {
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    let count_max = limits::FINDING_COUNT_MAX as u64;
    let mut kept: Vec<PlanFinding> = findings
        .into_iter()
        .filter(|finding| {
            let count = counts.entry(finding.kind()).or_default();
            *count += 1;
            *count <= count_max
        })
        .collect();
    kept.extend(
        counts.into_iter().filter(|(_, count)| *count > count_max).map(|(kind, count)| {
            PlanFinding::More { count: count - count_max, of: kind.to_owned() }
        }),
    );
    kept
}

fn listed(subjects: &[Subject]) -> String {
    let shown: Vec<String> =
        subjects.iter().take(limits::FINDING_SUBJECT_COUNT_MAX).map(Subject::to_string).collect();
    match subjects.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn ids(ids: &[RemoteId]) -> String {
    ids.iter()
        .take(limits::FINDING_SUBJECT_COUNT_MAX)
        .map(RemoteId::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

fn value(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), printed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EmployeeNumber;

    #[test]
    fn findings_beyond_the_limit_are_counted() {
        let finding = |number: usize| PlanFinding::NoUserName {
            subject: Subject {
                employee_number: EmployeeNumber::parse(&number.to_string()).unwrap(),
                name: "Ana".to_owned(),
            },
        };
        let findings = (0..limits::FINDING_COUNT_MAX + 7).map(finding).collect();
        let kept = capped(findings);
        assert_eq!(kept.len(), limits::FINDING_COUNT_MAX + 1);
        assert_eq!(kept.last().unwrap().sentence(), "7 more of this kind: no userName.");
    }
}
