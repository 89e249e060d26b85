//! Movements: what a row says about somebody's employments, compared with what is known.
//!
//! A row shows one employment, the latest. What ended before stays as it was: a hire date on or after
//! the known end is a rehire and a second employment. A row that says the same as before moves
//! nothing, whenever it is read again.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Employment, EmploymentConflict, StatusWord, conflicts, limits};

/// A change in somebody's employments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum Movement {
    /// A first employment.
    Hired {
        /// The hire date.
        on: Date,
    },
    /// A further employment after one that ended.
    Rehired {
        /// The hire date.
        on: Date,
    },
    /// An open employment has an end now, past or future.
    Ends {
        /// The termination date.
        on: Date,
    },
    /// An employment ends on another day than was known.
    EndMoved {
        /// The day that was known.
        from: Date,
        /// The day that is.
        to: Date,
    },
    /// An employment that had an end is open again.
    Resumed {
        /// The end that is taken back.
        ended: Date,
    },
    /// An employment starts on another day than was known.
    HireDateMoved {
        /// The day that was known.
        from: Date,
        /// The day that is.
        to: Date,
    },
    /// A later employment is taken back.
    RehireWithdrawn {
        /// When it started, or would have.
        start: Date,
    },
    /// The person is missing from a complete snapshot, and the policy says that they left.
    Missing {
        /// The day of the snapshot.
        on: Date,
    },
}

impl Movement {
    /// The movement as a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Hired { on } => format!("Hired for {on}."),
            Self::Rehired { on } => format!("Rehired for {on}."),
            Self::Ends { on } => format!("Leaves on {on}."),
            Self::EndMoved { from, to } => format!("Leaves on {to}, not on {from}."),
            Self::Resumed { ended } => format!("Does not leave on {ended} after all."),
            Self::HireDateMoved { from, to } => format!("Starts on {to}, not on {from}."),
            Self::RehireWithdrawn { start } => format!("The rehire of {start} is taken back."),
            Self::Missing { on } => format!("Missing from the snapshot of {on}, so left."),
        }
    }
}

/// What a row says about employments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dates {
    pub hire: Option<Date>,
    pub termination: Option<Date>,
    pub status: Option<StatusWord>,
}

/// The employments after a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Followed {
    pub employments: Vec<Employment>,
    pub movements: Vec<Movement>,
}

/// Why a row's dates are not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Inverted(Employment),
    Overlapping { known: Employment, employment: Employment },
    NoHireDate,
    TooMany,
}

/// The employments after a row, given those that are known.
pub(crate) fn follow(known: &[Employment], dates: Dates, as_of: Date) -> Result<Followed, Refusal> {
    let mut next = known.to_vec();
    next.sort_unstable();
    let mut movements = Vec::new();
    let Some(shown) = shown(&next, dates, as_of)? else {
        return Ok(Followed { employments: next, movements });
    };
    if shown.is_inverted() {
        return Err(Refusal::Inverted(shown));
    }
    place(&mut next, shown, as_of, &mut movements);
    next.sort_unstable();
    if next.len() > limits::EMPLOYMENT_COUNT_MAX {
        return Err(Refusal::TooMany);
    }
    let before = conflicts(known);
    for conflict in conflicts(&next) {
        // What was wrong before is not this row's fault, and must not keep the row from mending it.
        if before.contains(&conflict) {
            continue;
        }
        return Err(match conflict {
            EmploymentConflict::Inverted { employment } => Refusal::Inverted(employment),
            EmploymentConflict::Overlapping { first, second } if second == shown => {
                Refusal::Overlapping { known: first, employment: second }
            }
            EmploymentConflict::Overlapping { first, second } => {
                Refusal::Overlapping { known: second, employment: first }
            }
        });
    }
    Ok(Followed { employments: next, movements })
}

/// The employments of somebody who is missing from a complete snapshot: what is open or future ends.
pub(crate) fn leave(known: &[Employment], as_of: Date) -> Vec<Employment> {
    known
        .iter()
        .map(|employment| match employment.end {
            Some(end) if end <= as_of || end <= employment.start => *employment,
            _ => Employment { start: employment.start, end: Some(employment.start.max(as_of)) },
        })
        .collect()
}

/// The one employment that a row shows. None: the row says nothing about any.
fn shown(known: &[Employment], dates: Dates, as_of: Date) -> Result<Option<Employment>, Refusal> {
    let says_left = dates.status == Some(StatusWord::Left);
    let last = known.last().copied();
    let Some(start) = dates.hire else {
        return match (dates.termination, last) {
            (Some(end), Some(last)) => Ok(Some(Employment { start: last.start, end: Some(end) })),
            (Some(_), None) => Err(Refusal::NoHireDate),
            // Without any date, being in the source is being employed, from when it was first seen.
            (None, last) if !says_left => Ok(Some(match last {
                Some(last) if last.end.is_none_or(|end| end > as_of) => {
                    Employment { start: last.start, end: None }
                }
                _ => Employment { start: as_of, end: None },
            })),
            (None, None) => Ok(None),
            (None, Some(last)) => Ok(Some(Employment { end: Some(left_end(last, as_of)), ..last })),
        };
    };
    let end = match dates.termination {
        None if says_left => {
            let same = known.iter().find(|employment| employment.start == start);
            Some(left_end(same.copied().unwrap_or(Employment { start, end: None }), as_of))
        }
        end => end,
    };
    Ok(Some(Employment { start, end }))
}

/// When somebody left of whom only that is known: on the day already known, else today.
fn left_end(employment: Employment, as_of: Date) -> Date {
    match employment.end {
        Some(end) if end <= as_of => end,
        _ => employment.start.max(as_of),
    }
}

/// Puts the employment a row shows among the known ones (sorted by start).
fn place(
    next: &mut Vec<Employment>,
    shown: Employment,
    as_of: Date,
    movements: &mut Vec<Movement>,
) {
    if let Some(at) = next.iter().position(|employment| employment.start == shown.start) {
        withdraw_after(next, at, as_of, movements);
        if let Some(known) = next.get_mut(at) {
            movements.extend(end_movement(known.end, shown.end));
            known.end = shown.end;
        }
        return;
    }
    match next.last_mut() {
        None => {
            movements.push(Movement::Hired { on: shown.start });
            next.push(shown);
        }
        Some(last)
            if shown.start > last.start && last.end.is_some_and(|end| end <= shown.start) =>
        {
            movements.push(Movement::Rehired { on: shown.start });
            movements.extend(shown.end.map(|on| Movement::Ends { on }));
            next.push(shown);
        }
        Some(last) => {
            movements.push(Movement::HireDateMoved { from: last.start, to: shown.start });
            movements.extend(end_movement(last.end, shown.end));
            *last = shown;
            // A hire date that moves back may pass one that never came to a day.
            next.sort_unstable();
            if let Some(at) = next.iter().position(|employment| *employment == shown) {
                withdraw_after(next, at, as_of, movements);
            }
        }
    }
}

/// Takes back what starts after the employment at `at`: a future one as if it had never been, one
/// that started by ending it.
fn withdraw_after(
    next: &mut Vec<Employment>,
    at: usize,
    as_of: Date,
    movements: &mut Vec<Movement>,
) {
    let later = next.split_off(at + 1);
    for employment in later {
        if employment.start > as_of {
            // What was to end before it began was no rehire.
            if !employment.is_void() {
                movements.push(Movement::RehireWithdrawn { start: employment.start });
            }
            continue;
        }
        let open = employment.end.is_none_or(|end| end > as_of);
        if open {
            movements.push(Movement::RehireWithdrawn { start: employment.start });
        }
        next.push(Employment {
            end: if open { Some(as_of) } else { employment.end },
            ..employment
        });
    }
}

fn end_movement(from: Option<Date>, to: Option<Date>) -> Option<Movement> {
    match (from, to) {
        (None, Some(on)) => Some(Movement::Ends { on }),
        (Some(ended), None) => Some(Movement::Resumed { ended }),
        (Some(from), Some(to)) if from != to => Some(Movement::EndMoved { from, to }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = jiff::civil::date(2026, 11, 24);

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

    /// `row`: `hire..termination`, each may be `-`, then perhaps `employed` or `left`.
    fn dates(row: &str) -> Dates {
        let (range, status) = row.split_once(' ').unwrap_or((row, ""));
        let (hire, termination) = range.split_once("..").unwrap();
        Dates {
            hire: (hire != "-").then(|| hire.parse().unwrap()),
            termination: (termination != "-").then(|| termination.parse().unwrap()),
            status: match status {
                "employed" => Some(StatusWord::Employed),
                "left" => Some(StatusWord::Left),
                _ => None,
            },
        }
    }

    #[track_caller]
    fn check(known: &str, row: &str, expected: &str) {
        let known = employments(known);
        let found = match follow(&known, dates(row), TODAY) {
            Ok(Followed { employments, movements }) => {
                let again = follow(&employments, dates(row), TODAY).unwrap();
                assert_eq!(again.employments, employments, "the same row again");
                assert_eq!(again.movements, [], "the same row again");
                let stretches: Vec<String> = employments
                    .iter()
                    .map(|one| {
                        format!(
                            "{}..{}",
                            one.start,
                            one.end.map(|end| end.to_string()).unwrap_or_default()
                        )
                    })
                    .collect();
                let said: Vec<String> = movements.iter().map(Movement::sentence).collect();
                format!("{}: {}", stretches.join(" "), said.join(" "))
            }
            Err(refusal) => format!("{refusal:?}").split(['(', ' ']).next().unwrap().to_owned(),
        };
        assert_eq!(found.trim_end(), expected);
    }

    #[test]
    fn a_first_row_hires() {
        check("", "2020-01-01..-", "2020-01-01..: Hired for 2020-01-01.");
        check("", "2027-01-01..-", "2027-01-01..: Hired for 2027-01-01.");
        check("", "2010-01-01..2015-01-01", "2010-01-01..2015-01-01: Hired for 2010-01-01.");
    }

    #[test]
    fn a_termination_ends_and_taking_it_back_resumes() {
        check(
            "2020-01-01..",
            "2020-01-01..2026-12-31",
            "2020-01-01..2026-12-31: Leaves on 2026-12-31.",
        );
        check(
            "2020-01-01..2026-12-31",
            "2020-01-01..2027-01-31",
            "2020-01-01..2027-01-31: Leaves on 2027-01-31, not on 2026-12-31.",
        );
        check(
            "2020-01-01..2026-10-31",
            "2020-01-01..-",
            "2020-01-01..: Does not leave on 2026-10-31 after all.",
        );
    }

    #[test]
    fn a_hire_date_after_the_end_is_a_rehire_and_what_ended_stays() {
        check(
            "2010-01-01..2015-01-01",
            "2020-01-01..-",
            "2010-01-01..2015-01-01 2020-01-01..: Rehired for 2020-01-01.",
        );
        check(
            "2010-01-01..2015-01-01",
            "2015-01-01..-",
            "2010-01-01..2015-01-01 2015-01-01..: Rehired for 2015-01-01.",
        );
        check(
            "2010-01-01..2015-01-01 2020-01-01..",
            "2020-01-01..2026-01-01",
            "2010-01-01..2015-01-01 2020-01-01..2026-01-01: Leaves on 2026-01-01.",
        );
    }

    #[test]
    fn a_hire_date_that_moves_is_no_rehire() {
        check(
            "2027-01-01..",
            "2027-02-01..-",
            "2027-02-01..: Starts on 2027-02-01, not on 2027-01-01.",
        );
        check(
            "2010-01-01..2015-01-01 2020-01-01..",
            "2019-06-01..-",
            "2010-01-01..2015-01-01 2019-06-01..: Starts on 2019-06-01, not on 2020-01-01.",
        );
    }

    #[test]
    fn a_hire_date_that_moves_before_one_that_never_came_to_a_day_stands_alone() {
        check(
            "2027-01-01..2027-01-01 2027-02-01..",
            "2025-01-01..-",
            "2025-01-01..: Starts on 2025-01-01, not on 2027-02-01.",
        );
        check("2025-01-01.. 2027-01-01..2027-01-01", "2025-01-01..-", "2025-01-01..:");
    }

    #[test]
    fn a_rehire_that_is_taken_back_leaves_no_second_employment_open() {
        check(
            "2010-01-01..2015-01-01 2027-01-01..",
            "2010-01-01..2015-01-01",
            "2010-01-01..2015-01-01: The rehire of 2027-01-01 is taken back.",
        );
        check(
            "2010-01-01..2015-01-01 2020-01-01..",
            "2010-01-01..2015-01-01",
            "2010-01-01..2015-01-01 2020-01-01..2026-11-24: The rehire of 2020-01-01 is taken back.",
        );
    }

    #[test]
    fn dates_that_cannot_be_true_are_refused() {
        check("", "2020-01-01..2019-01-01", "Inverted");
        check("2020-01-01..", "2020-01-01..2019-01-01", "Inverted");
        check("2010-01-01..2015-01-01 2020-01-01..", "2014-01-01..-", "Overlapping");
        check("", "-..2019-01-01", "NoHireDate");
    }

    #[test]
    fn a_source_without_dates_employs_who_is_in_it() {
        check("", "-..-", "2026-11-24..: Hired for 2026-11-24.");
        check("2020-01-01..", "-..- employed", "2020-01-01..:");
        check(
            "2020-01-01..2025-01-01",
            "-..- employed",
            "2020-01-01..2025-01-01 2026-11-24..: Rehired for 2026-11-24.",
        );
        check("2020-01-01..", "-..- left", "2020-01-01..2026-11-24: Leaves on 2026-11-24.");
        check("2020-01-01..2025-01-01", "-..- left", "2020-01-01..2025-01-01:");
        check("", "-..- left", ":");
        check("2020-01-01..", "-..2026-12-31", "2020-01-01..2026-12-31: Leaves on 2026-12-31.");
    }

    #[test]
    fn a_status_ends_what_has_no_termination_date() {
        check(
            "2020-01-01..",
            "2020-01-01..- left",
            "2020-01-01..2026-11-24: Leaves on 2026-11-24.",
        );
        check("2020-01-01..2025-01-01", "2020-01-01..- left", "2020-01-01..2025-01-01:");
        check("", "2027-01-01..- left", "2027-01-01..2027-01-01: Hired for 2027-01-01.");
    }

    #[test]
    fn who_is_missing_has_left_and_will_not_come() {
        let left = |text| leave(&employments(text), TODAY);
        assert_eq!(left("2020-01-01.."), employments("2020-01-01..2026-11-24"));
        assert_eq!(
            left("2010-01-01..2015-01-01 2027-01-01.."),
            employments("2010-01-01..2015-01-01 2027-01-01..2027-01-01")
        );
        assert_eq!(left("2020-01-01..2027-01-01"), employments("2020-01-01..2026-11-24"));
    }
}
