//! Reasons: why something is as it is, kept with the value it explains.
//!
//! Explanations are printed from reasons, never guessed afterwards. A new kind of reason is a variant
//! and its sentence.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{EmployeeNumber, GroupId, RuleId, SourceId};

/// Why something is as it is, or is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Reason {
    /// A row of an HR source says so.
    HrRow {
        /// The source.
        source: SourceId,
        /// The line in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
        /// Whom the row is about.
        employee_number: EmployeeNumber,
        /// When it was imported.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        imported_at: Option<Timestamp>,
    },
    /// The person is employed since that day.
    Hired {
        /// The hire date.
        on: Date,
    },
    /// The person will be employed from that day on.
    NotYetHired {
        /// The hire date.
        on: Date,
    },
    /// The person has left on that day.
    Terminated {
        /// The termination date.
        on: Date,
    },
    /// The person was employed before, left, and is employed again since that day.
    Rehired {
        /// The new hire date.
        on: Date,
    },
    /// No employment says anything about the day.
    NoEmployment,
    /// A complete snapshot of the source does not contain the person any more.
    Missing {
        /// The source.
        source: SourceId,
        /// The day of the snapshot.
        as_of: Date,
    },
    /// An attribute of the profile has another value.
    AttributeChanged {
        /// Its path.
        path: String,
        /// What it was. None: nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Value>,
        /// What it is. None: nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Value>,
    },
    /// A rule matches.
    Rule {
        /// The rule.
        rule: RuleId,
        /// Its name.
        name: String,
        /// Its condition, as written.
        condition: String,
        /// Which values made it match.
        because: String,
    },
    /// A rule does not match.
    RuleDoesNotMatch {
        /// The rule.
        rule: RuleId,
        /// Its name.
        name: String,
        /// Its condition, as written.
        condition: String,
        /// Which values kept it from matching.
        because: String,
    },
    /// A rule would be asked, but is switched off.
    RuleInactive {
        /// The rule.
        rule: RuleId,
        /// Its name.
        name: String,
    },
    /// No rule fills the group.
    NoRule {
        /// The group's name.
        group: String,
    },
    /// Somebody put the person there by hand.
    Manual {
        /// Who.
        actor: String,
        /// When.
        at: Timestamp,
        /// What they wrote about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Somebody decided that the person shall not be there, whatever rules say.
    Excluded {
        /// Who.
        actor: String,
        /// When.
        at: Timestamp,
        /// What they wrote about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// The person is a member of a group.
    MemberOf {
        /// The group.
        group: GroupId,
        /// Its name.
        name: String,
    },
    /// The person is not, or no longer, a member of a group.
    NotMemberOf {
        /// The group.
        group: GroupId,
        /// Its name.
        name: String,
    },
    /// A group the person is in is assigned to the application.
    AssignedByGroup {
        /// The group.
        group: GroupId,
        /// Its name.
        name: String,
    },
    /// The person is assigned to the application in person.
    AssignedDirectly {
        /// Who assigned them.
        actor: String,
        /// When.
        at: Timestamp,
    },
    /// Neither the person nor a group they are in is assigned to the application.
    NotAssigned,
    /// A group is pushed to the application.
    PushGroup {
        /// The group.
        group: GroupId,
        /// Its name.
        name: String,
    },
}

impl Reason {
    /// The reason as a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::HrRow { source, line, employee_number, imported_at } => {
                let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
                let when =
                    imported_at.map(|at| format!(", imported {}", moment(at))).unwrap_or_default();
                format!("Source {source} has employee {employee_number}{line}{when}.")
            }
            Self::Hired { on } => format!("Employed since {on}."),
            Self::NotYetHired { on } => format!("Not employed before {on}."),
            Self::Terminated { on } => format!("Left on {on}."),
            Self::Rehired { on } => format!("Employed again since {on}."),
            Self::NoEmployment => "No employment is known.".to_owned(),
            Self::Missing { source, as_of } => {
                format!("Not in the complete snapshot of {source} of {as_of}.")
            }
            Self::AttributeChanged { path, from, to } => match (from, to) {
                (None, None) => format!("{path} is unchanged."),
                (None, Some(to)) => format!("{path} is now {}.", printed(to)),
                (Some(from), None) => format!("{path} was {} and is now empty.", printed(from)),
                (Some(from), Some(to)) => {
                    format!("{path} was {} and is now {}.", printed(from), printed(to))
                }
            },
            Self::Rule { name, condition, because, .. } => {
                with_cause(format!("Rule \"{name}\" matches: {condition}"), because)
            }
            Self::RuleDoesNotMatch { name, condition, because, .. } => {
                with_cause(format!("Rule \"{name}\" does not match: {condition}"), because)
            }
            Self::RuleInactive { name, .. } => format!("Rule \"{name}\" is switched off."),
            Self::NoRule { group } => format!("No rule fills group {group}."),
            Self::Manual { actor, at, note } => by_hand("Added", actor, *at, note.as_deref()),
            Self::Excluded { actor, at, note } => by_hand("Excluded", actor, *at, note.as_deref()),
            Self::MemberOf { name, .. } => format!("Member of group {name}."),
            Self::NotMemberOf { name, .. } => format!("Not a member of group {name}."),
            Self::AssignedByGroup { name, .. } => {
                format!("Group {name} is assigned to the application.")
            }
            Self::AssignedDirectly { actor, at } => by_hand("Assigned", actor, *at, None),
            Self::NotAssigned => {
                "Neither the person nor one of their groups is assigned to the application."
                    .to_owned()
            }
            Self::PushGroup { name, .. } => format!("Group {name} is pushed to the application."),
        }
    }
}

/// A value as it is shown in a sentence: text in quotes, the rest as JSON.
pub(crate) fn printed(value: &Value) -> String {
    value.to_string()
}

fn with_cause(fact: String, because: &str) -> String {
    if because.is_empty() { format!("{fact}.") } else { format!("{fact} ({because}).") }
}

fn by_hand(verb: &str, actor: &str, at: Timestamp, note: Option<&str>) -> String {
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    format!("{verb} by hand by {actor} at {}{note}.", moment(at))
}

/// A moment as it is shown in a sentence: fractions of a second are noise to people.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reason: Reason, expected: &str) {
        assert_eq!(reason.sentence(), expected);
        let text = serde_json::to_string(&reason).unwrap();
        assert_eq!(serde_json::from_str::<Reason>(&text).unwrap(), reason, "{text}");
    }

    #[test]
    fn a_reason_is_a_sentence_and_survives_storing() {
        check(
            Reason::HrRow {
                source: SourceId::parse("hr-export").unwrap(),
                line: Some(17),
                employee_number: EmployeeNumber::parse("00-0037846").unwrap(),
                imported_at: Some("2026-11-24T08:00:00Z".parse().unwrap()),
            },
            "Source hr-export has employee 00-0037846, line 17, imported 2026-11-24T08:00:00Z.",
        );
        check(
            Reason::Rule {
                rule: RuleId::parse("r1").unwrap(),
                name: "Sales".to_owned(),
                condition: "user.department == \"Sales\"".to_owned(),
                because: "department is \"Sales\"".to_owned(),
            },
            "Rule \"Sales\" matches: user.department == \"Sales\" (department is \"Sales\").",
        );
        check(
            Reason::AttributeChanged {
                path: "department".to_owned(),
                from: Some("Sales".into()),
                to: None,
            },
            "department was \"Sales\" and is now empty.",
        );
        check(
            Reason::Manual {
                actor: "ben".to_owned(),
                at: "2026-11-24T08:00:00.123456Z".parse().unwrap(),
                note: Some("covers for Ana".to_owned()),
            },
            "Added by hand by ben at 2026-11-24T08:00:00Z: covers for Ana.",
        );
        check(
            Reason::NotAssigned,
            "Neither the person nor one of their groups is assigned to the application.",
        );
    }
}
