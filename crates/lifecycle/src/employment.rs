//! Employments: when somebody belongs to the organisation, and what that says about a given day.
//!
//! A rehire is a second employment; what ended stays as it was. Days are the organisation's own
//! calendar days: the last day of work is the day before `end`.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::Reason;

/// One stretch of belonging to the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Employment {
    /// The hire date: the first day.
    pub start: Date,
    /// The termination date: the first day on which the person has left. None: open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Date>,
}

/// What the employments of a person say about one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum Standing {
    /// Hired, but not yet there.
    Future {
        /// The hire date.
        starts: Date,
    },
    /// Employed.
    Employed {
        /// The hire date of the employment that counts.
        since: Date,
        /// The day on which the person will have left, if that is known.
        until: Option<Date>,
    },
    /// Not employed any more. A hire date in the future makes it [`Standing::Future`].
    Left {
        /// The first day on which the person had left.
        since: Date,
    },
    /// No employment says anything about that day.
    Unknown,
}

/// Something that cannot be true about a person's employments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum EmploymentConflict {
    /// The end lies before the start.
    Inverted {
        /// The employment.
        employment: Employment,
    },
    /// The second starts before the first ends.
    Overlapping {
        /// The one that starts first.
        first: Employment,
        /// The other.
        second: Employment,
    },
}

impl Employment {
    /// Whether it covers that day.
    pub fn covers(&self, day: Date) -> bool {
        self.start <= day && self.end.is_none_or(|end| end > day)
    }

    /// Whether the end lies before the start. Such an employment says nothing about any day.
    pub fn is_inverted(&self) -> bool {
        self.end.is_some_and(|end| end < self.start)
    }

    /// Whether it covers no day at all: ended before or on the day it started.
    pub fn is_void(&self) -> bool {
        self.end.is_some_and(|end| end <= self.start)
    }
}

impl Standing {
    /// Whether the person is employed that day.
    pub fn is_employed(&self) -> bool {
        matches!(self, Self::Employed { .. })
    }

    /// The standing as a reason.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Future { starts } => Reason::NotYetHired { on: *starts },
            Self::Employed { since, .. } => Reason::Hired { on: *since },
            Self::Left { since } => Reason::Terminated { on: *since },
            Self::Unknown => Reason::NoEmployment,
        }
    }
}

/// What the employments say about `as_of`, in whatever order they are given. Of several that cover
/// the day, the one that lasts longest counts, so that an overlap never locks anybody out.
pub fn standing(employments: &[Employment], as_of: Date) -> Standing {
    let sound = || employments.iter().filter(|employment| !employment.is_inverted());
    let covering = sound()
        .filter(|employment| employment.covers(as_of))
        .max_by_key(|employment| (employment.end.is_none(), employment.end, employment.start));
    if let Some(employment) = covering {
        return Standing::Employed { since: employment.start, until: employment.end };
    }
    let future = sound().filter(|employment| employment.start > as_of && !employment.is_void());
    if let Some(starts) = future.map(|employment| employment.start).min() {
        return Standing::Future { starts };
    }
    match sound().filter_map(|employment| employment.end).filter(|end| *end <= as_of).max() {
        Some(since) => Standing::Left { since },
        None => Standing::Unknown,
    }
}

/// What cannot be true about these employments, in the order of their starts.
pub fn conflicts(employments: &[Employment]) -> Vec<EmploymentConflict> {
    let mut sorted = employments.to_vec();
    sorted.sort_unstable();
    let mut conflicts: Vec<_> = sorted
        .iter()
        .filter(|employment| employment.is_inverted())
        .map(|employment| EmploymentConflict::Inverted { employment: *employment })
        .collect();
    sorted.retain(|employment| !employment.is_void());
    conflicts.extend(sorted.windows(2).filter_map(|pair| {
        let (first, second) = (pair[0], pair[1]);
        first
            .end
            .is_none_or(|end| end > second.start)
            .then_some(EmploymentConflict::Overlapping { first, second })
    }));
    conflicts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn employments(text: &str) -> Vec<Employment> {
        text.split_whitespace()
            .map(|part| {
                let (start, end) = part.split_once("..").unwrap();
                Employment {
                    start: start.parse().unwrap(),
                    end: (!end.is_empty()).then(|| end.parse().unwrap()),
                }
            })
            .collect()
    }

    #[track_caller]
    fn check(text: &str, as_of: &str, expected: &str) {
        let found = match standing(&employments(text), as_of.parse().unwrap()) {
            Standing::Future { starts } => format!("future {starts}"),
            Standing::Employed { since, until: Some(until) } => {
                format!("employed {since}..{until}")
            }
            Standing::Employed { since, until: None } => format!("employed {since}.."),
            Standing::Left { since } => format!("left {since}"),
            Standing::Unknown => "unknown".to_owned(),
        };
        assert_eq!(found, expected, "{text} on {as_of}");
    }

    #[test]
    fn the_hire_date_is_the_first_day_and_the_termination_date_the_first_day_after() {
        check("2020-03-01..", "2020-02-29", "future 2020-03-01");
        check("2020-03-01..", "2020-03-01", "employed 2020-03-01..");
        check("2020-03-01..2024-06-30", "2024-06-29", "employed 2020-03-01..2024-06-30");
        check("2020-03-01..2024-06-30", "2024-06-30", "left 2024-06-30");
    }

    #[test]
    fn a_rehire_is_a_second_employment() {
        let text = "2010-01-01..2015-01-01 2020-01-01..";
        check(text, "2012-01-01", "employed 2010-01-01..2015-01-01");
        check(text, "2017-01-01", "future 2020-01-01");
        check(text, "2021-01-01", "employed 2020-01-01..");
        check("2020-01-01.. 2010-01-01..2015-01-01", "2021-01-01", "employed 2020-01-01..");
    }

    #[test]
    fn what_covers_no_day_employs_nobody() {
        check("", "2021-01-01", "unknown");
        check("2020-01-01..2010-01-01", "2015-01-01", "unknown");
        check("2020-01-01..2010-01-01", "2021-01-01", "unknown");
        check("2020-01-01..2020-01-01", "2019-01-01", "unknown");
        check("2020-01-01..2020-01-01", "2021-01-01", "left 2020-01-01");
    }

    #[test]
    fn an_overlap_never_locks_anybody_out() {
        check("2010-01-01..2022-01-01 2020-01-01..", "2021-01-01", "employed 2020-01-01..");
        check("2010-01-01.. 2020-01-01..2022-01-01", "2023-01-01", "employed 2010-01-01..");
    }

    #[test]
    fn conflicts_name_the_employments() {
        let found =
            conflicts(&employments("2020-01-01.. 2010-01-01..2021-01-01 2005-01-01..2004-01-01"));
        let [first, inverted, second] =
            employments("2010-01-01..2021-01-01 2005-01-01..2004-01-01 2020-01-01..")[..]
        else {
            unreachable!()
        };
        assert_eq!(
            found,
            [
                EmploymentConflict::Inverted { employment: inverted },
                EmploymentConflict::Overlapping { first, second },
            ]
        );
        assert_eq!(conflicts(&employments("2010-01-01..2015-01-01 2015-01-01..")), []);
    }
}
