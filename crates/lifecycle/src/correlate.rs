//! Correlation: which person a row is about, and what it changes.
//!
//! The employee number decides, nothing else. The order of events: the snapshot is examined; rows that
//! cannot be told apart are set aside; each remaining row joins somebody new, changes somebody known or
//! says nothing new; then those who are missing are looked at. Everything comes back sorted by employee
//! number, so the order of rows does not matter, and correlating the result with the same snapshot
//! changes nothing.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use scim::Resource;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::finding::capped;
use crate::movement::{Dates, Refusal, follow, leave};
use crate::person::display_name;
use crate::profile::kept_paths;
use crate::snapshot::Known;
use crate::{
    Acceptance, Completeness, EmployeeNumber, Employment, Finding, MissingPolicy, Movement, Person,
    PersonId, ProfilePath, Reason, Record, Snapshot, SourceContract, SourceId, StatusWord, Subject,
    Verdict, standing,
};

/// What follows from a snapshot. Nothing does if the verdict is to stop.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlation {
    /// The source.
    pub source: SourceId,
    /// The day it was made for.
    pub as_of: Date,
    /// Whether anything may follow.
    pub verdict: Verdict,
    /// New people, by employee number.
    pub joined: Vec<Joined>,
    /// Known people who change, by employee number; those who left by being missing among them.
    pub changed: Vec<Changed>,
    /// How many rows said nothing new.
    pub unchanged_count: u64,
    /// Those who are employed, or will be, and are not in a complete snapshot.
    pub missing: Vec<Missing>,
    /// What is wrong or doubtful.
    pub findings: Vec<Finding>,
}

/// Somebody new.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// Whom the row is about.
    pub employee_number: EmployeeNumber,
    /// The source.
    pub source: SourceId,
    /// The row's line.
    pub line: u64,
    /// The profile. It has a login only if a column is mapped to it.
    pub profile: Resource,
    /// The employments.
    pub employments: Vec<Employment>,
}

impl Joined {
    /// The person, once they have an id.
    pub fn into_person(self, id: PersonId) -> Person {
        Person {
            id,
            employee_number: self.employee_number,
            source: Some(self.source),
            profile: self.profile,
            employments: self.employments,
        }
    }

    /// Who it is.
    pub fn subject(&self) -> Subject {
        subject(&self.employee_number, &self.profile)
    }

    /// Why the person is there.
    pub fn reason(&self) -> Reason {
        Reason::HrRow {
            source: self.source.clone(),
            line: Some(self.line),
            employee_number: self.employee_number.clone(),
            imported_at: None,
        }
    }
}

/// Somebody known who changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Who.
    pub person: PersonId,
    /// Who, to print.
    pub subject: Subject,
    /// The source, which owns the person from now on.
    pub source: SourceId,
    /// The row's line. None: there is no row, the person is missing.
    pub line: Option<u64>,
    /// Whether the person had been created by hand and is the source's from now on.
    pub adopted: bool,
    /// The profile as it is now.
    pub profile: Resource,
    /// The employments as they are now.
    pub employments: Vec<Employment>,
    /// What changes in the profile, by path.
    pub changes: Vec<ValueChange>,
    /// What changes in the employments.
    pub movements: Vec<Movement>,
}

impl Changed {
    /// Makes the change.
    pub fn apply(self, person: &mut Person) {
        person.source = Some(self.source);
        person.profile = self.profile;
        person.employments = self.employments;
    }

    /// The changes of the profile as reasons.
    pub fn reasons(&self) -> Vec<Reason> {
        self.changes.iter().map(ValueChange::reason).collect()
    }
}

/// One value of a profile that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueChange {
    /// The attribute.
    pub path: String,
    /// What it was. None: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What it is. None: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

impl ValueChange {
    /// The change as a reason.
    pub fn reason(&self) -> Reason {
        Reason::AttributeChanged {
            path: self.path.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
        }
    }
}

/// Somebody who is not in a complete snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    /// Who.
    pub person: PersonId,
    /// Who, to print.
    pub subject: Subject,
    /// Whether they left by that.
    pub leaves: bool,
}

/// What follows from a snapshot, given everybody the directory knows (whatever their source).
pub fn correlate(
    known: &[Person],
    snapshot: &Snapshot,
    contract: &SourceContract,
    acceptance: Acceptance,
    as_of: Date,
) -> Correlation {
    let mut correlation = Correlation {
        source: snapshot.source.clone(),
        as_of,
        verdict: contract.examine(known, snapshot, acceptance, as_of),
        joined: Vec::new(),
        changed: Vec::new(),
        unchanged_count: 0,
        missing: Vec::new(),
        findings: Vec::new(),
    };
    if correlation.verdict.is_stop() {
        return correlation;
    }
    let doubles = snapshot.doubles();
    correlation.set_aside(snapshot, &doubles);
    let by_number: HashMap<&EmployeeNumber, &Person> =
        known.iter().map(|person| (&person.employee_number, person)).collect();
    let mut records: Vec<&Record> = snapshot
        .records
        .iter()
        .filter(|record| !doubles.contains_key(&record.employee_number))
        .collect();
    records.sort_unstable_by(|a, b| a.employee_number.cmp(&b.employee_number));
    for record in records {
        match by_number.get(&record.employee_number) {
            Some(person) => correlation.change(person, record),
            None => correlation.join(record),
        }
    }
    if snapshot.completeness == Completeness::Complete {
        correlation.look_for_missing(known, snapshot, contract.missing);
    }
    correlation.changed.sort_by(|a, b| a.subject.employee_number.cmp(&b.subject.employee_number));
    correlation.findings = capped(correlation.findings);
    correlation
}

impl Correlation {
    fn set_aside(&mut self, snapshot: &Snapshot, doubles: &BTreeMap<&EmployeeNumber, Vec<u64>>) {
        let mut unreadable: Vec<_> = snapshot.unreadable.iter().collect();
        unreadable.sort_by_key(|row| row.line);
        self.findings.extend(unreadable.into_iter().map(|row| Finding::RowUnreadable {
            source: snapshot.source.clone(),
            line: row.line,
            employee_number: row.employee_number.clone(),
            problem: row.problem.clone(),
        }));
        self.findings.extend(doubles.iter().map(|(number, lines)| Finding::DuplicateRows {
            source: snapshot.source.clone(),
            employee_number: (*number).clone(),
            lines: lines.clone(),
        }));
    }

    fn join(&mut self, record: &Record) {
        let mut profile = Resource::default();
        let values = self.fitting_values(record, &profile);
        let present = values.into_iter().filter(|(_, value)| value.is_some());
        ProfilePath::set_all(&mut profile, present.map(|(path, value)| (path, value.cloned())));
        let who = subject(&record.employee_number, &profile);
        let employments = self.followed(&[], record, &who).0;
        let kept = kept_values(&record.employee_number, &employments);
        ProfilePath::set_all(&mut profile, kept.into_iter().filter(|(_, value)| value.is_some()));
        self.joined.push(Joined {
            employee_number: record.employee_number.clone(),
            source: self.source.clone(),
            line: record.line,
            profile,
            employments,
        });
    }

    fn change(&mut self, person: &Person, record: &Record) {
        let who = Subject::of(person);
        if let Some(owner) = person.source.as_ref().filter(|owner| **owner != self.source) {
            self.findings.push(Finding::OwnedByOtherSource {
                source: self.source.clone(),
                line: record.line,
                subject: who,
                owner: owner.clone(),
            });
            return;
        }
        let (employments, movements) = self.followed(&person.employments, record, &who);
        let kept = kept_values(&record.employee_number, &employments);
        let mut values = self.fitting_values(record, &person.profile);
        values.extend(kept.iter().map(|(path, value)| (*path, value.as_ref())));
        let changes: Vec<_> = values
            .into_iter()
            .filter(|(path, value)| path.value(&person.profile) != *value)
            .collect();
        let adopted = person.source.is_none();
        if changes.is_empty() && movements.is_empty() && !adopted {
            self.unchanged_count += 1;
            return;
        }
        let mut profile = person.profile.clone();
        ProfilePath::set_all(
            &mut profile,
            changes.iter().map(|(path, value)| (*path, value.cloned())),
        );
        let mut changes: Vec<ValueChange> = changes
            .into_iter()
            .map(|(path, value)| ValueChange {
                path: path.to_string(),
                from: path.value(&person.profile).cloned(),
                to: value.cloned(),
            })
            .collect();
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        self.changed.push(Changed {
            person: person.id.clone(),
            subject: who,
            source: self.source.clone(),
            line: Some(record.line),
            adopted,
            profile,
            employments,
            changes,
            movements,
        });
    }

    /// The employments after a row; those before it if its dates cannot be applied.
    fn followed(
        &mut self,
        known: &[Employment],
        record: &Record,
        who: &Subject,
    ) -> (Vec<Employment>, Vec<Movement>) {
        let dates = Dates {
            hire: record.hire_date,
            termination: record.termination_date,
            status: record.status,
        };
        match follow(known, dates, self.as_of) {
            Ok(followed) => {
                self.doubt(&followed.employments, &followed.movements, record, who);
                (followed.employments, followed.movements)
            }
            Err(refusal) => {
                self.findings.push(self.refused(refusal, record.line, who.clone()));
                (known.to_vec(), Vec::new())
            }
        }
    }

    /// What is odd about employments that are applied all the same.
    fn doubt(
        &mut self,
        employments: &[Employment],
        movements: &[Movement],
        record: &Record,
        who: &Subject,
    ) {
        for movement in movements {
            if let Movement::RehireWithdrawn { start } = movement {
                self.findings.push(Finding::RehireWithdrawn {
                    source: self.source.clone(),
                    line: record.line,
                    subject: who.clone(),
                    start: *start,
                });
            }
        }
        let employed = standing(employments, self.as_of).is_employed();
        // Hired for a later day counts as employed in most status columns, so it is no contradiction.
        let contradicts = match record.status {
            Some(StatusWord::Left) => employed,
            Some(StatusWord::Employed) => {
                record.termination_date.is_some_and(|end| end <= self.as_of)
            }
            None => false,
        };
        if contradicts {
            self.findings.push(Finding::StatusContradictsDates {
                source: self.source.clone(),
                line: record.line,
                subject: who.clone(),
                employed_by_status: !employed,
            });
        }
    }

    fn refused(&self, refusal: Refusal, line: u64, subject: Subject) -> Finding {
        let source = self.source.clone();
        match refusal {
            Refusal::Inverted(employment) => {
                Finding::InvertedEmployment { source, line, subject, employment }
            }
            Refusal::Overlapping { known, employment } => {
                Finding::OverlappingEmployment { source, line, subject, known, employment }
            }
            Refusal::NoHireDate => Finding::NoHireDate { source, line, subject },
            Refusal::TooMany => Finding::TooManyEmployments { source, line, subject },
        }
    }

    /// The row's values that the profile's schema allows. An empty text is no value.
    fn fitting_values<'r>(
        &mut self,
        record: &'r Record,
        profile: &Resource,
    ) -> Vec<(&'r ProfilePath, Option<&'r Value>)> {
        let mut fitting = Vec::with_capacity(record.values.len() + 3);
        for (path, value) in record.values.iter().filter(|(path, _)| !is_kept(path)) {
            let value = value.as_ref().filter(|value| !is_nothing(value));
            match value.and_then(|value| path.misfit(value)) {
                None => fitting.push((path, value)),
                Some(problem) => self.findings.push(Finding::ValueDoesNotFit {
                    source: self.source.clone(),
                    line: record.line,
                    subject: subject(&record.employee_number, profile),
                    path: path.to_string(),
                    problem: problem.to_owned(),
                }),
            }
        }
        fitting
    }

    fn look_for_missing(&mut self, known: &[Person], snapshot: &Snapshot, policy: MissingPolicy) {
        let named = snapshot.named();
        let anonymous_row_count =
            snapshot.unreadable.iter().filter(|row| row.employee_number.is_none()).count() as u64;
        let mut missing: Vec<&Person> = Known::of(&snapshot.source, known)
            .not_gone(self.as_of)
            .filter(|person| !named.contains(&person.employee_number))
            .collect();
        missing.sort_by(|a, b| a.employee_number.cmp(&b.employee_number));
        for person in missing {
            let who = Subject::of(person);
            let source = self.source.clone();
            // A row nobody could be read from may be theirs: then the snapshot is not complete.
            let leaves = policy == MissingPolicy::Leave && anonymous_row_count == 0;
            if leaves {
                self.changed.push(left(person, &who, source, self.as_of));
            } else if policy == MissingPolicy::Keep {
                self.findings.push(Finding::MissingKept { source, subject: who.clone() });
            } else {
                self.findings.push(Finding::MissingUndecided {
                    source,
                    subject: who.clone(),
                    anonymous_row_count,
                });
            }
            self.missing.push(Missing { person: person.id.clone(), subject: who, leaves });
        }
    }
}

fn left(person: &Person, who: &Subject, source: SourceId, as_of: Date) -> Changed {
    let employments = leave(&person.employments, as_of);
    let mut profile = person.profile.clone();
    let mut changes = Vec::new();
    for (path, to) in kept_values(&person.employee_number, &employments) {
        let from = path.value(&profile).cloned();
        if from != to {
            path.set(&mut profile, to.clone());
            changes.push(ValueChange { path: path.to_string(), from, to });
        }
    }
    Changed {
        person: person.id.clone(),
        subject: who.clone(),
        source,
        line: None,
        adopted: false,
        profile,
        employments,
        changes,
        movements: vec![Movement::Missing { on: as_of }],
    }
}

/// What correlation itself writes into a profile: the number, and the dates of the latest employment.
fn kept_values(
    number: &EmployeeNumber,
    employments: &[Employment],
) -> Vec<(&'static ProfilePath, Option<Value>)> {
    let Some(kept) = kept_paths() else {
        return Vec::new();
    };
    let latest = employments.iter().max_by_key(|employment| employment.start);
    let day = |day: Date| Value::String(day.to_string());
    vec![
        (&kept.employee_number, Some(Value::String(number.to_string()))),
        (&kept.hire_date, latest.map(|employment| day(employment.start))),
        (&kept.termination_date, latest.and_then(|employment| employment.end).map(day)),
    ]
}

/// Whether correlation writes there itself, so that no column can.
fn is_kept(path: &ProfilePath) -> bool {
    kept_paths().is_some_and(|kept| {
        [&kept.employee_number, &kept.hire_date, &kept.termination_date].contains(&path)
    })
}

fn subject(number: &EmployeeNumber, profile: &Resource) -> Subject {
    let name = display_name(profile).unwrap_or_else(|| number.to_string());
    Subject { employee_number: number.clone(), name }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}
