//! Snapshots: what a source shows at one moment, and the contract that says when to distrust it.
//!
//! A source that went empty, lost a column or half its people is the costliest accident of the trade:
//! everybody would be deactivated. So a snapshot is examined before anything follows from it, and one
//! that breaks its contract changes nothing and says what to do if it is meant.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    EmployeeNumber, Person, ProfilePath, Record, SourceId, Standing, Subject, UnreadableRow, limits,
};

/// What a source shows at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The source.
    pub source: SourceId,
    /// Whether everybody the source knows should be in it.
    pub completeness: Completeness,
    /// The names of the columns it has, mapped or not.
    pub columns: Vec<String>,
    /// The rows that could be read.
    pub records: Vec<Record>,
    /// The rows that could not.
    pub unreadable: Vec<UnreadableRow>,
}

/// Whether absence from a snapshot means anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// Everybody should be in it.
    #[default]
    Complete,
    /// Only some people are in it, such as those that changed; absence means nothing.
    Partial,
}

/// What absence from a complete snapshot means for somebody who is employed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingPolicy {
    /// Nothing: the person stays, and a finding says so.
    #[default]
    Keep,
    /// The person left on the day of the snapshot.
    Leave,
}

/// What a source promises, and when to distrust it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceContract {
    /// Columns that must be there.
    pub expected_columns: Vec<String>,
    /// Fewest rows a complete snapshot may have.
    pub row_count_min: Option<u64>,
    /// What absence means.
    pub missing: MissingPolicy,
    /// Largest share of the known people, of those not gone, that may be missing.
    pub missing_share_max: f64,
    /// Fewer missing people than this never stop a snapshot, whatever their share.
    pub missing_count_min: u64,
    /// Largest share of rows that may be unreadable or double.
    pub unreadable_share_max: f64,
    /// Fewer such rows than this never stop a snapshot, whatever their share.
    pub unreadable_count_min: u64,
    /// Largest share of rows that may have no value for an attribute that most people have.
    pub null_share_max: f64,
    /// What "most people have" means: the largest share of known people without a value.
    pub null_share_known_max: f64,
    /// Attributes with a share of their own.
    pub null_share_max_by_attribute: BTreeMap<String, f64>,
}

impl Default for SourceContract {
    fn default() -> Self {
        Self {
            expected_columns: Vec::new(),
            row_count_min: None,
            missing: MissingPolicy::Keep,
            missing_share_max: 0.2,
            missing_count_min: 5,
            unreadable_share_max: 0.2,
            unreadable_count_min: 5,
            null_share_max: 0.5,
            null_share_known_max: 0.1,
            null_share_max_by_attribute: BTreeMap::new(),
        }
    }
}

/// What somebody who looked at a stopped snapshot allows it, this once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Acceptance {
    /// Up to this many people may be missing (`--accept-shrink N`).
    pub shrink: Option<u64>,
}

/// Whether anything may follow from a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "camelCase")]
pub enum Verdict {
    /// It keeps its contract.
    Accept,
    /// It does not; nothing follows from it.
    Stop {
        /// Every way in which it does not.
        reasons: Vec<StopReason>,
    },
}

impl Verdict {
    /// Whether the snapshot is stopped.
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::Stop { .. })
    }
}

/// A way in which a snapshot breaks its contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum StopReason {
    /// Nobody is in it.
    Empty {
        /// The source.
        source: SourceId,
        /// How many people it had, not counting those who left.
        known_count: u64,
    },
    /// Columns are not there.
    ColumnsMissing {
        /// The source.
        source: SourceId,
        /// Their names.
        columns: Vec<String>,
    },
    /// Fewer rows than promised.
    TooFewRows {
        /// The source.
        source: SourceId,
        /// How many there are.
        row_count: u64,
        /// How many there should be at least.
        row_count_min: u64,
    },
    /// Too many people are missing.
    TooManyMissing {
        /// The source.
        source: SourceId,
        /// How many are missing.
        missing_count: u64,
        /// How many it had, not counting those who left.
        known_count: u64,
        /// The largest share allowed.
        missing_share_max: f64,
        /// Some of them.
        examples: Vec<Subject>,
    },
    /// Too many rows are unreadable or double.
    TooManyUnreadable {
        /// The source.
        source: SourceId,
        /// How many are.
        unreadable_count: u64,
        /// How many rows there are.
        row_count: u64,
        /// What is wrong with the first of them.
        example: String,
    },
    /// An attribute that most people have is empty in too many rows.
    AttributeEmptied {
        /// The source.
        source: SourceId,
        /// The attribute.
        path: String,
        /// In how many rows it is empty.
        null_count: u64,
        /// How many rows there are.
        row_count: u64,
        /// The largest share allowed.
        null_share_max: f64,
    },
}

impl StopReason {
    /// What was found.
    pub fn sentence(&self) -> String {
        match self {
            Self::Empty { source, known_count } => format!(
                "The snapshot of {source} has no readable row, where {known_count} people are \
                 known."
            ),
            Self::ColumnsMissing { source, columns } => {
                format!(
                    "The snapshot of {source} lacks columns it must have: {}.",
                    columns.join(", ")
                )
            }
            Self::TooFewRows { source, row_count, row_count_min } => format!(
                "The snapshot of {source} has {row_count} rows; at least {row_count_min} are \
                 expected."
            ),
            Self::TooManyMissing {
                source, missing_count, known_count, missing_share_max, ..
            } => {
                format!(
                    "{missing_count} of {known_count} people ({}) are missing from the snapshot \
                     of {source}; at most {} may be.",
                    percent(share(*missing_count, *known_count)),
                    percent(*missing_share_max)
                )
            }
            Self::TooManyUnreadable { source, unreadable_count, row_count, example } => format!(
                "{unreadable_count} of {row_count} rows of {source} are unreadable or double; the \
                 first: {example}."
            ),
            Self::AttributeEmptied { source, path, null_count, row_count, null_share_max } => {
                format!(
                    "{path} is empty in {null_count} of {row_count} rows of {source} ({}), though \
                     most people have it; at most {} may be.",
                    percent(share(*null_count, *row_count)),
                    percent(*null_share_max)
                )
            }
        }
    }

    /// What to do, if it is meant and if it is not.
    pub fn next_step(&self) -> String {
        match self {
            Self::Empty { .. } => {
                "Export it again from HR; to end people's employments, give them termination \
                 dates there."
                    .to_owned()
            }
            Self::ColumnsMissing { .. } => {
                "Export it with all columns; if the names changed, change the source's mapping."
                    .to_owned()
            }
            Self::TooFewRows { .. } => {
                "Export it again from HR; if this is meant, lower row_count_min of the source."
                    .to_owned()
            }
            Self::TooManyMissing { missing_count, .. } => format!(
                "Export it again from HR; if this is meant, import again with --accept-shrink \
                 {missing_count}."
            ),
            Self::TooManyUnreadable { .. } => {
                "Compare the rows with the source's mapping: date formats, encoding, delimiter."
                    .to_owned()
            }
            Self::AttributeEmptied { path, .. } => format!(
                "Export it again from HR; if this is meant, raise the share for {path} in \
                 null_share_max_by_attribute of the source."
            ),
        }
    }
}

/// What is known of a source's people before a snapshot is applied.
pub(crate) struct Known<'a> {
    /// The people who come from the source.
    pub people: Vec<&'a Person>,
}

impl<'a> Known<'a> {
    pub(crate) fn of(source: &SourceId, people: &'a [Person]) -> Self {
        Self {
            people: people.iter().filter(|person| person.source.as_ref() == Some(source)).collect(),
        }
    }

    /// Those who are employed or will be: the ones that can be missed.
    pub(crate) fn not_gone(&self, as_of: Date) -> impl Iterator<Item = &'a Person> {
        self.people.iter().copied().filter(move |person| {
            matches!(person.standing(as_of), Standing::Employed { .. } | Standing::Future { .. })
        })
    }
}

impl SourceContract {
    /// Whether anything may follow from this snapshot, given everybody the directory knows.
    pub fn examine(
        &self,
        known: &[Person],
        snapshot: &Snapshot,
        acceptance: Acceptance,
        as_of: Date,
    ) -> Verdict {
        let known = Known::of(&snapshot.source, known);
        let mut reasons = Vec::new();
        reasons.extend(self.columns_missing(snapshot));
        match self.empty(&known, snapshot, as_of) {
            Some(reason) => reasons.push(reason),
            None => {
                reasons.extend(self.too_few_rows(snapshot));
                reasons.extend(self.too_many_unreadable(snapshot));
                reasons.extend(self.too_many_missing(&known, snapshot, acceptance, as_of));
                reasons.extend(self.attributes_emptied(&known, snapshot));
            }
        }
        if reasons.is_empty() { Verdict::Accept } else { Verdict::Stop { reasons } }
    }

    fn columns_missing(&self, snapshot: &Snapshot) -> Option<StopReason> {
        let columns: Vec<String> = self
            .expected_columns
            .iter()
            .filter(|column| !snapshot.columns.contains(column))
            .cloned()
            .collect();
        (!columns.is_empty())
            .then(|| StopReason::ColumnsMissing { source: snapshot.source.clone(), columns })
    }

    fn empty(&self, known: &Known<'_>, snapshot: &Snapshot, as_of: Date) -> Option<StopReason> {
        let empty = snapshot.completeness == Completeness::Complete
            && snapshot.records.is_empty()
            // When rows were there and none could be read, that is what the person must hear.
            && snapshot.unreadable.is_empty();
        empty.then(|| StopReason::Empty {
            source: snapshot.source.clone(),
            known_count: known.not_gone(as_of).count() as u64,
        })
    }

    fn too_few_rows(&self, snapshot: &Snapshot) -> Option<StopReason> {
        let row_count_min = self.row_count_min?;
        let row_count = snapshot.row_count();
        (snapshot.completeness == Completeness::Complete && row_count < row_count_min).then(|| {
            StopReason::TooFewRows { source: snapshot.source.clone(), row_count, row_count_min }
        })
    }

    fn too_many_unreadable(&self, snapshot: &Snapshot) -> Option<StopReason> {
        let doubles = snapshot.doubles();
        let double_count = snapshot
            .records
            .iter()
            .filter(|record| doubles.contains_key(&record.employee_number))
            .count();
        let unreadable_count = (snapshot.unreadable.len() + double_count) as u64;
        let row_count = snapshot.row_count();
        let nothing_left = unreadable_count == row_count && row_count > 0;
        let too_many = unreadable_count >= self.unreadable_count_min
            && share(unreadable_count, row_count) > self.unreadable_share_max;
        if !nothing_left && !too_many {
            return None;
        }
        let unreadable = snapshot
            .unreadable
            .iter()
            .min_by_key(|row| row.line)
            .map(|row| format!("line {}, {}", row.line, row.problem));
        let double = || {
            let (number, lines) = doubles.first_key_value()?;
            Some(format!("employee {number} in {} lines", lines.len()))
        };
        Some(StopReason::TooManyUnreadable {
            source: snapshot.source.clone(),
            unreadable_count,
            row_count,
            example: unreadable.or_else(double).unwrap_or_default(),
        })
    }

    fn too_many_missing(
        &self,
        known: &Known<'_>,
        snapshot: &Snapshot,
        acceptance: Acceptance,
        as_of: Date,
    ) -> Option<StopReason> {
        if snapshot.completeness == Completeness::Partial {
            return None;
        }
        let named = snapshot.named();
        let mut known_count = 0;
        let mut missing: Vec<&Person> = Vec::new();
        for person in known.not_gone(as_of) {
            known_count += 1;
            if !named.contains(&person.employee_number) {
                missing.push(person);
            }
        }
        let missing_count = missing.len() as u64;
        let stop = missing_count >= self.missing_count_min.max(1)
            && share(missing_count, known_count) > self.missing_share_max
            && acceptance.shrink.is_none_or(|shrink| missing_count > shrink);
        missing.sort_by(|a, b| a.employee_number.cmp(&b.employee_number));
        stop.then(|| StopReason::TooManyMissing {
            source: snapshot.source.clone(),
            missing_count,
            known_count,
            missing_share_max: self.missing_share_max,
            examples: missing
                .into_iter()
                .take(limits::FINDING_SUBJECT_COUNT_MAX)
                .map(Subject::of)
                .collect(),
        })
    }

    fn attributes_emptied(&self, known: &Known<'_>, snapshot: &Snapshot) -> Vec<StopReason> {
        let row_count = snapshot.records.len() as u64;
        // On a handful of rows a share says nothing; what is lost then is a handful of values.
        if row_count < self.missing_count_min {
            return Vec::new();
        }
        let mut null_counts: BTreeMap<&ProfilePath, u64> = BTreeMap::new();
        for record in &snapshot.records {
            for path in
                record.values.iter().filter(|(_, value)| value.is_none()).map(|(path, _)| path)
            {
                *null_counts.entry(path).or_default() += 1;
            }
        }
        let known_share = |path: &ProfilePath| {
            let without =
                known.people.iter().filter(|person| path.value(&person.profile).is_none());
            share(without.count() as u64, known.people.len() as u64)
        };
        null_counts
            .into_iter()
            .filter_map(|(path, null_count)| {
                let own = self.null_share_max_by_attribute.get(path.as_str());
                let null_share_max = own.copied().unwrap_or(self.null_share_max);
                let emptied = share(null_count, row_count) > null_share_max
                    && (own.is_some()
                        || (!known.people.is_empty()
                            && known_share(path) <= self.null_share_known_max));
                emptied.then(|| StopReason::AttributeEmptied {
                    source: snapshot.source.clone(),
                    path: path.to_string(),
                    null_count,
                    row_count,
                    null_share_max,
                })
            })
            .collect()
    }
}

impl Snapshot {
    /// How many rows there are, readable or not.
    pub fn row_count(&self) -> u64 {
        (self.records.len() + self.unreadable.len()) as u64
    }

    /// Everybody the snapshot names, whether their row can be applied or not.
    pub(crate) fn named(&self) -> HashSet<&EmployeeNumber> {
        let unreadable = self.unreadable.iter().filter_map(|row| row.employee_number.as_ref());
        self.records.iter().map(|record| &record.employee_number).chain(unreadable).collect()
    }

    /// The numbers of readable rows that other rows have too, with the lines of all of them in
    /// order. An unreadable row counts: which of the two is right, nobody can say.
    pub(crate) fn doubles(&self) -> BTreeMap<&EmployeeNumber, Vec<u64>> {
        let mut seen: HashSet<&EmployeeNumber> =
            self.unreadable.iter().filter_map(|row| row.employee_number.as_ref()).collect();
        let mut lines: BTreeMap<&EmployeeNumber, Vec<u64>> = self
            .records
            .iter()
            .filter(|record| !seen.insert(&record.employee_number))
            .map(|record| (&record.employee_number, Vec::new()))
            .collect();
        if lines.is_empty() {
            return lines;
        }
        let readable = self.records.iter().map(|record| (&record.employee_number, record.line));
        let unreadable = self
            .unreadable
            .iter()
            .filter_map(|row| Some((row.employee_number.as_ref()?, row.line)));
        for (number, line) in readable.chain(unreadable) {
            if let Some(lines) = lines.get_mut(number) {
                lines.push(line);
            }
        }
        lines.values_mut().for_each(|lines| lines.sort_unstable());
        lines
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn percent(share: f64) -> String {
    let rounded = (share * 1000.0).round() / 10.0;
    format!("{rounded} %")
}
