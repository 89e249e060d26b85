//! Tenures: the ledger read as seats with a start and an end, and who held what at a moment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{FreedBecause, Pool, Reason, SeatChange, SeatChangeKind, SeatState, UserId};

/// A seat that was held or waited for, from its start to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenure {
    /// The user.
    pub user: UserId,
    /// The pool.
    #[serde(flatten)]
    pub pool: Pool,
    /// Held or waited for.
    pub state: SeatState,
    /// The start.
    pub since: Timestamp,
    /// The end; none: it goes on.
    pub until: Option<Timestamp>,
    /// Why, at the start.
    pub reason: Reason,
    /// The reasons that took its place, each with the moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restated: Vec<Restatement>,
    /// Since when the seat was waited for before it was held, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_since: Option<Timestamp>,
    /// Why it ended; none: it goes on, or the waiting ended with a seat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_because: Option<FreedBecause>,
}

/// A new reason for a seat that stayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restatement {
    /// From when.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
}

impl Tenure {
    /// Whether it covers a moment: the start belongs to it, the end does not.
    pub fn covers(&self, moment: Timestamp) -> bool {
        self.since <= moment && self.until.is_none_or(|until| moment < until)
    }

    /// Whether any part of it lies between two moments; either may be left open.
    pub fn overlaps(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> bool {
        to.is_none_or(|to| self.since <= to)
            && from.is_none_or(|from| self.until.is_none_or(|until| from <= until))
    }

    /// The reason that was good at a moment.
    pub fn reason_at(&self, moment: Timestamp) -> &Reason {
        let known = self.restated.iter().take_while(|restated| restated.at <= moment).last();
        known.map_or(&self.reason, |restated| &restated.reason)
    }

    /// The latest reason.
    pub fn last_reason(&self) -> &Reason {
        self.restated.last().map_or(&self.reason, |restated| &restated.reason)
    }
}

/// Reads ledger lines, in their order, as tenures: first those that have ended, in the order of
/// their ends, then those that go on.
pub fn tenures<'a>(lines: impl IntoIterator<Item = (Timestamp, &'a SeatChange)>) -> Vec<Tenure> {
    let mut ended = Vec::new();
    let mut open: Vec<Tenure> = Vec::new();
    for (at, change) in lines {
        let found = open.iter().position(|t| t.user == change.user && t.pool == change.pool);
        let begun = |state, waited_since| Tenure {
            user: change.user.clone(),
            pool: change.pool.clone(),
            state,
            since: at,
            until: None,
            reason: change.reason.clone(),
            restated: Vec::new(),
            waited_since,
            ended_because: None,
        };
        let mut end = |open: &mut Vec<Tenure>, because: Option<&FreedBecause>| {
            if let Some(index) = found {
                let mut tenure = open.remove(index);
                tenure.until = Some(at);
                tenure.ended_because = because.cloned();
                ended.push(tenure);
            }
        };
        match &change.kind {
            SeatChangeKind::Held => open.push(begun(SeatState::Held, None)),
            SeatChangeKind::Waiting => open.push(begun(SeatState::Waiting, None)),
            SeatChangeKind::Promoted { waited_since, .. } => {
                end(&mut open, None);
                open.push(begun(SeatState::Held, Some(*waited_since)));
            }
            SeatChangeKind::Freed { because, .. } | SeatChangeKind::Withdrawn { because } => {
                end(&mut open, Some(because));
            }
            SeatChangeKind::Restated => {
                if let Some(tenure) = found.and_then(|index| open.get_mut(index))
                    && *tenure.last_reason() != change.reason
                {
                    tenure.restated.push(Restatement { at, reason: change.reason.clone() });
                }
            }
        }
    }
    ended.extend(open);
    ended
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn change(kind: SeatChangeKind, reason: &str) -> SeatChange {
        SeatChange {
            user: UserId("ana".into()),
            pool: Pool::Product(Key::parse("phone").unwrap()),
            kind,
            reason: Reason::UserType { value: reason.into() },
            precedence: crate::Precedence::default(),
        }
    }

    #[test]
    fn a_seat_has_a_start_an_end_and_every_reason_it_had() {
        let lines = [
            (at(1), change(SeatChangeKind::Waiting, "a")),
            (at(2), change(SeatChangeKind::Restated, "b")),
            (at(3), change(SeatChangeKind::Promoted { waited_since: at(1), freed_by: None }, "b")),
            (at(4), change(SeatChangeKind::Restated, "c")),
            (
                at(5),
                change(
                    SeatChangeKind::Freed { because: FreedBecause::NotActive, given_to: None },
                    "c",
                ),
            ),
            (at(6), change(SeatChangeKind::Held, "d")),
        ];
        let found = tenures(lines.iter().map(|(at, change)| (*at, change)));
        let [waited, held, again] = &found[..] else { panic!("{found:?}") };
        assert_eq!((waited.state, waited.until), (SeatState::Waiting, Some(at(3))));
        assert_eq!(waited.ended_because, None);
        assert_eq!((held.state, held.since, held.until), (SeatState::Held, at(3), Some(at(5))));
        assert_eq!(held.waited_since, Some(at(1)));
        assert_eq!(held.ended_because, Some(FreedBecause::NotActive));
        assert_eq!(held.reason_at(at(3)).to_string(), "named by userType \"b\"");
        assert_eq!(held.reason_at(at(4)).to_string(), "named by userType \"c\"");
        assert_eq!((again.since, again.until), (at(6), None));
        let holding = |moment| found.iter().filter(|t| t.covers(moment)).count();
        assert_eq!([0, 1, 3, 5, 6, 9].map(at).map(holding), [0, 1, 1, 0, 1, 1]);
        assert!(held.overlaps(Some(at(4)), Some(at(9))) && !held.overlaps(Some(at(6)), None));
        assert!(again.overlaps(None, Some(at(6))) && !again.overlaps(None, Some(at(5))));
    }
}
