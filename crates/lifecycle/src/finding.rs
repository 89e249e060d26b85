//! Findings: what is wrong or doubtful in the world, as data.
//!
//! A finding never stops what does not depend on it. Each says what was found and about whom, and what
//! to do next. A new kind of finding is a variant, its sentence and its next step.

use std::fmt;
use std::mem::{Discriminant, discriminant};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{EmployeeNumber, Employment, GroupId, Person, PersonId, RuleId, SourceId, limits};

/// Whom a finding is about: enough to print, and to look them up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// The number HR knows them by.
    pub employee_number: EmployeeNumber,
    /// Their name, or the number again.
    pub name: String,
}

impl Subject {
    /// The subject that is this person.
    pub fn of(person: &Person) -> Self {
        Self { employee_number: person.employee_number.clone(), name: person.name() }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name == self.employee_number.as_str() {
            write!(f, "Employee {}", self.employee_number)
        } else {
            write!(f, "{} ({})", self.name, self.employee_number)
        }
    }
}

/// Something wrong or doubtful about the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Finding {
    /// A row of a source cannot be read; it is set aside.
    RowUnreadable {
        /// The source.
        source: SourceId,
        /// The line.
        line: u64,
        /// Whom it is about, if that could be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        employee_number: Option<EmployeeNumber>,
        /// What is wrong with it.
        problem: String,
    },
    /// Several rows have the same employee number; none of them is applied.
    DuplicateRows {
        /// The source.
        source: SourceId,
        /// The number.
        employee_number: EmployeeNumber,
        /// The lines.
        lines: Vec<u64>,
    },
    /// A row's termination date lies before its hire date; its dates are not applied.
    InvertedEmployment {
        /// The source.
        source: SourceId,
        /// The line.
        line: u64,
        /// Whom it is about.
        subject: Subject,
        /// The employment as the row has it.
        employment: Employment,
    },
    /// A row's employment overlaps one that is known; its dates are not applied.
    OverlappingEmployment {
        /// The source.
        source: SourceId,
        /// The line.
        line: u64,
        /// Whom it is about.
        subject: Subject,
        /// The one that is known.
        known: Employment,
        /// The employment as the row has it.
        employment: Employment,
    },
    /// A row's status word says otherwise than its dates; the dates count.
    StatusContradictsDates {
        /// The source.
        source: SourceId,
        /// The line.
        line: u64,
        /// Whom it is about.
        subject: Subject,
        /// What the status says.
        employed_by_status: bool,
    },
    /// A row neither has a hire date nor says that the person is employed.
    NoHireDate {
        /// The source.
        source: SourceId,
        /// The line.
        line: u64,
        /// Whom it is about.
        subject: Subject,
    },
    /// A rehire is no longer in the source: its row shows the earlier employment again.
    RehireWithdrawn {
        /// The source.
        source: SourceId,
        /// The line.
        line: u64,
        /// Whom it is about.
        subject: Subject,
        /// When the withdrawn employment started, or would have.
        start: Date,
    },
    /// More employments than are kept for one person; the row's dates are not applied.
    TooManyEmployments {
        /// The source.
        source: SourceId,
        /// The line.
        line: u64,
        /// Whom it is about.
        subject: Subject,
    },
    /// A person that another source owns is in this one too; the row is not applied.
    OwnedByOtherSource {
        /// The source.
        source: SourceId,
        /// The line.
        line: u64,
        /// Whom it is about.
        subject: Subject,
        /// The source that owns the person.
        owner: SourceId,
    },
    /// A value does not fit the profile's schema; the attribute keeps what it had.
    ValueDoesNotFit {
        /// The source.
        source: SourceId,
        /// The line.
        line: u64,
        /// Whom it is about.
        subject: Subject,
        /// The attribute.
        path: String,
        /// Why it does not fit.
        problem: String,
    },
    /// A person is missing from a complete snapshot and stays, by policy.
    MissingKept {
        /// The source.
        source: SourceId,
        /// Who.
        subject: Subject,
    },
    /// A person is missing, but rows that nobody could be read from could be theirs; they stay.
    MissingUndecided {
        /// The source.
        source: SourceId,
        /// Who.
        subject: Subject,
        /// How many rows have no readable employee number.
        anonymous_row_count: u64,
    },
    /// A login cannot be made from what is known.
    LoginEmpty {
        /// For whom.
        subject: Subject,
        /// What it should have been made from.
        base: String,
    },
    /// A login is taken and the policy allows no other.
    LoginTaken {
        /// For whom.
        subject: Subject,
        /// The login.
        login: String,
        /// Who has it.
        holder: EmployeeNumber,
    },
    /// A rule matches nobody.
    RuleMatchesNobody {
        /// The rule.
        rule: RuleId,
        /// Its name.
        name: String,
        /// Its condition.
        condition: String,
    },
    /// A rule fills a group that does not exist.
    RuleGroupUnknown {
        /// The rule.
        rule: RuleId,
        /// Its name.
        name: String,
        /// The group.
        group: GroupId,
    },
    /// A rule's condition could not be worked out for a person; it counts as not matching.
    RuleFailed {
        /// The rule.
        rule: RuleId,
        /// Its name.
        name: String,
        /// For whom.
        subject: Subject,
        /// Why not.
        problem: String,
    },
    /// A rule matches a person that is excluded from the group.
    ExcludedDespiteRule {
        /// The rule.
        rule: RuleId,
        /// Its name.
        name: String,
        /// The group's name.
        group: String,
        /// Who.
        subject: Subject,
    },
    /// A group names somebody by hand whom the directory does not know.
    GroupPersonUnknown {
        /// The group.
        group: GroupId,
        /// Its name.
        name: String,
        /// Who.
        person: PersonId,
    },
    /// There are more findings of a kind than are listed.
    More {
        /// How many.
        count: u64,
        /// One that is listed.
        example: String,
    },
}

impl Finding {
    /// What was found, about whom.
    pub fn sentence(&self) -> String {
        match self {
            Self::RowUnreadable { source, line, employee_number, problem } => {
                let whom = employee_number
                    .as_ref()
                    .map(|number| format!(" (employee {number})"))
                    .unwrap_or_default();
                format!("Line {line} of {source}{whom} is set aside: {problem}.")
            }
            Self::DuplicateRows { source, employee_number, lines } => format!(
                "Employee {employee_number} is in {source} {} times (lines {}); none is applied.",
                lines.len(),
                lines.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
            ),
            Self::InvertedEmployment { source, line, subject, employment } => format!(
                "{subject} ends before starting ({}) in line {line} of {source}; the dates are \
                 not applied.",
                stretch(employment)
            ),
            Self::OverlappingEmployment { source, line, subject, known, employment } => format!(
                "{subject} has an employment ({}) in line {line} of {source} that overlaps the \
                 known one ({}); the dates are not applied.",
                stretch(employment),
                stretch(known)
            ),
            Self::StatusContradictsDates { source, line, subject, employed_by_status } => format!(
                "{subject} is {} by the status in line {line} of {source}, but not by the dates; \
                 the dates count.",
                if *employed_by_status { "employed" } else { "not employed" }
            ),
            Self::NoHireDate { source, line, subject } => {
                format!("{subject} has no hire date in line {line} of {source}.")
            }
            Self::RehireWithdrawn { source, line, subject, start } => format!(
                "{subject} was to be employed again from {start}, but line {line} of {source} \
                 shows the earlier employment again; the rehire is taken back."
            ),
            Self::TooManyEmployments { source, line, subject } => format!(
                "{subject} has more employments than are kept; the dates in line {line} of \
                 {source} are not applied."
            ),
            Self::OwnedByOtherSource { source, line, subject, owner } => format!(
                "{subject} comes from {owner} and is in {source} too (line {line}); the row is \
                 not applied."
            ),
            Self::ValueDoesNotFit { source, line, subject, path, problem } => format!(
                "The {path} of {subject} in line {line} of {source} is not applied: {problem}."
            ),
            Self::MissingKept { source, subject } => {
                format!("{subject} is missing from {source} and stays employed.")
            }
            Self::MissingUndecided { source, subject, anonymous_row_count } => format!(
                "{subject} is missing from {source}, but {anonymous_row_count} rows without a \
                 readable employee number could be theirs; nothing is changed."
            ),
            Self::LoginEmpty { subject, base } => {
                format!("{subject} gets no login: none can be made from \"{base}\".")
            }
            Self::LoginTaken { subject, login, holder } => {
                format!("{subject} gets no login: {login} belongs to employee {holder}.")
            }
            Self::RuleMatchesNobody { name, condition, .. } => {
                format!("Rule \"{name}\" matches nobody: {condition}.")
            }
            Self::RuleGroupUnknown { name, group, .. } => {
                format!("Rule \"{name}\" fills group {group}, which does not exist.")
            }
            Self::RuleFailed { name, subject, problem, .. } => {
                format!("Rule \"{name}\" could not be decided for {subject}: {problem}.")
            }
            Self::ExcludedDespiteRule { name, group, subject, .. } => format!(
                "{subject} is excluded from group {group}, although rule \"{name}\" matches."
            ),
            Self::GroupPersonUnknown { name, person, .. } => {
                format!("Group {name} names person {person} by hand, whom nobody knows.")
            }
            Self::More { count, example } => format!("{count} more are like this one: {example}"),
        }
    }

    /// What to do about it.
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::RowUnreadable { .. } => {
                "Correct the row in HR, or the source's mapping, and import again."
            }
            Self::DuplicateRows { .. } => {
                "Leave one row for each employee number in HR and import again."
            }
            Self::InvertedEmployment { .. } | Self::OverlappingEmployment { .. } => {
                "Correct the dates in HR and import again."
            }
            Self::StatusContradictsDates { .. } => {
                "Correct the status or the dates in HR, or the source's status words."
            }
            Self::NoHireDate { .. } => "Add the hire date in HR and import again.",
            Self::RehireWithdrawn { .. } => {
                "Nothing, if HR took the rehire back; otherwise correct HR."
            }
            Self::TooManyEmployments { .. } => "Remove employments that were entered by mistake.",
            Self::OwnedByOtherSource { .. } => {
                "Remove the person from one of the sources, or let this source own them."
            }
            Self::ValueDoesNotFit { .. } => {
                "Correct the value in HR, or map the column to another attribute."
            }
            Self::MissingKept { .. } => {
                "End the employment in HR, or set the source's policy for missing people to leave."
            }
            Self::MissingUndecided { .. } => "Correct the unreadable rows and import again.",
            Self::LoginEmpty { .. } => {
                "Fill in the name in HR, or give the person a login by hand."
            }
            Self::LoginTaken { .. } => {
                "Give the person a login by hand, or let the policy number logins."
            }
            Self::RuleMatchesNobody { .. } => {
                "Check the spelling of the values, or remove the rule."
            }
            Self::RuleGroupUnknown { .. } => "Create the group, or take it out of the rule.",
            Self::RuleFailed { .. } => {
                "Guard the condition with has(), or correct the person's profile."
            }
            Self::ExcludedDespiteRule { .. } => {
                "Nothing, if it is meant; otherwise lift the exclusion."
            }
            Self::GroupPersonUnknown { .. } => "Take the person out of the group.",
            Self::More { .. } => "Deal with those that are listed first.",
        }
    }
}

/// At most [`limits::FINDING_COUNT_MAX`] findings of each kind, in their order, and how many more
/// there are.
pub(crate) fn capped(findings: Vec<Finding>) -> Vec<Finding> {
    if findings.len() <= limits::FINDING_COUNT_MAX {
        return findings;
    }
    let mut counts: Vec<(Discriminant<Finding>, usize)> = Vec::new();
    let mut kept = Vec::with_capacity(limits::FINDING_COUNT_MAX);
    for finding in findings {
        let kind = discriminant(&finding);
        let at = counts.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
            counts.push((kind, 0));
            counts.len() - 1
        });
        counts[at].1 += 1;
        if counts[at].1 <= limits::FINDING_COUNT_MAX {
            kept.push(finding);
        }
    }
    for (kind, count) in counts {
        let Some(more) = count.checked_sub(limits::FINDING_COUNT_MAX).filter(|more| *more > 0)
        else {
            continue;
        };
        let example = kept.iter().find(|finding| discriminant(*finding) == kind);
        let example = example.map(Finding::sentence).unwrap_or_default();
        kept.push(Finding::More { count: more as u64, example });
    }
    kept
}

fn stretch(employment: &Employment) -> String {
    match employment.end {
        Some(end) => format!("{} to {end}", employment.start),
        None => format!("from {}", employment.start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ana() -> Subject {
        Subject { employee_number: EmployeeNumber::parse("12").unwrap(), name: "Ana Ruiz".into() }
    }

    #[track_caller]
    fn check(finding: Finding, expected: &str) {
        assert_eq!(format!("{} {}", finding.sentence(), finding.next_step()), expected);
        let text = serde_json::to_string(&finding).unwrap();
        assert_eq!(serde_json::from_str::<Finding>(&text).unwrap(), finding, "{text}");
    }

    #[test]
    fn a_finding_says_what_about_whom_and_what_to_do() {
        let source = SourceId::parse("hr").unwrap();
        check(
            Finding::DuplicateRows {
                source: source.clone(),
                employee_number: EmployeeNumber::parse("12").unwrap(),
                lines: vec![3, 9],
            },
            "Employee 12 is in hr 2 times (lines 3, 9); none is applied. Leave one row for each \
             employee number in HR and import again.",
        );
        check(
            Finding::InvertedEmployment {
                source,
                line: 4,
                subject: ana(),
                employment: Employment {
                    start: jiff::civil::date(2020, 1, 1),
                    end: Some(jiff::civil::date(2019, 1, 1)),
                },
            },
            "Ana Ruiz (12) ends before starting (2020-01-01 to 2019-01-01) in line 4 of hr; the \
             dates are not applied. Correct the dates in HR and import again.",
        );
        check(
            Finding::LoginTaken {
                subject: ana(),
                login: "a.ruiz".into(),
                holder: EmployeeNumber::parse("7").unwrap(),
            },
            "Ana Ruiz (12) gets no login: a.ruiz belongs to employee 7. Give the person a login \
             by hand, or let the policy number logins.",
        );
    }

    #[test]
    fn too_many_findings_of_a_kind_are_counted() {
        let rule = |n: usize| Finding::RuleMatchesNobody {
            rule: RuleId::parse(&n.to_string()).unwrap(),
            name: n.to_string(),
            condition: "true".into(),
        };
        let unreadable = Finding::RowUnreadable {
            source: SourceId::parse("hr").unwrap(),
            line: 1,
            employee_number: None,
            problem: "it is empty".into(),
        };
        let findings = (0..1_007).map(rule).chain([unreadable.clone()]).collect();
        let found = capped(findings);
        assert_eq!(found.len(), 1_002);
        assert_eq!(found[1_000], unreadable);
        assert_eq!(
            found[1_001].sentence(),
            "7 more are like this one: Rule \"0\" matches nobody: true."
        );
    }

    #[test]
    fn somebody_without_a_name_is_called_by_the_number() {
        let number = EmployeeNumber::parse("12").unwrap();
        let nobody = Subject { employee_number: number.clone(), name: number.to_string() };
        assert_eq!(nobody.to_string(), "Employee 12");
    }
}
