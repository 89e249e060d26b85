//! Streaks: what happened to many subjects in a row is everybody's trouble, not theirs.

use jiff::Timestamp;

use super::settle::{after, backoff};
use crate::client::Failure;
use crate::limits;

/// What happened in a row, with nothing done in between.
#[derive(Default)]
pub(super) struct Streak {
    passing: u32,
    refused: u32,
    forbidden: u32,
    pauses: u32,
}

/// Why a run ended before its queue was empty.
#[derive(Debug, Clone)]
pub(crate) struct Stopped {
    /// What happened.
    pub failure: Failure,
    /// When it may go on by itself, if that is known.
    pub until: Option<Timestamp>,
}

impl Streak {
    /// A subject failed in passing. Says whether that is everybody's trouble by now.
    pub fn passing(&mut self) -> bool {
        self.passing += 1;
        self.passing >= limits::PASSING_IN_ROW_MAX
    }

    /// A subject was refused. Says whether that is everybody's trouble by now, if nothing was ever
    /// done.
    pub fn refused(&mut self, failure: &Failure) -> bool {
        self.refused += 1;
        self.forbidden += u32::from(matches!(failure, Failure::Forbidden { .. }));
        self.refused >= limits::REFUSED_IN_ROW_MAX || self.forbidden >= limits::FORBIDDEN_IN_ROW_MAX
    }

    /// Until when to pause because of what everybody would meet, or that the run ends here.
    pub fn pause(&mut self, failure: Failure, now: Timestamp) -> Result<Timestamp, Stopped> {
        let named = match &failure {
            Failure::RateLimited { until, .. } | Failure::Broken { until, .. } => *until,
            Failure::Unreachable { .. } | Failure::Unknown { .. } => None,
            // It will not pass by waiting.
            _ => return Err(Stopped { failure, until: None }),
        };
        self.passing = 0;
        self.pauses += 1;
        let until =
            named.filter(|until| *until > now).unwrap_or_else(|| after(now, backoff(self.pauses)));
        let too_long = until.duration_since(now).as_secs() > limits::PAUSE_WAIT_SECS_MAX;
        if too_long || self.pauses > limits::PAUSE_COUNT_MAX {
            return Err(Stopped { failure, until: Some(until) });
        }
        Ok(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(until: Option<&str>) -> Failure {
        let until = until.map(|until| until.parse().unwrap());
        Failure::RateLimited { status: 429, until, detail: "slow down".into() }
    }

    #[test]
    fn a_pause_lasts_as_long_as_was_asked_and_a_long_one_ends_the_run() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let pause = |until: &str| Streak::default().pause(limited(Some(until)), now);
        assert_eq!(pause("2026-11-24T10:00:07Z").unwrap().to_string(), "2026-11-24T10:00:07Z");
        let stopped = pause("2026-11-25T00:00:00Z").unwrap_err();
        assert_eq!(stopped.until.unwrap().to_string(), "2026-11-25T00:00:00Z");
        let refused = Failure::Unauthorized { detail: "expired".into() };
        assert_eq!(Streak::default().pause(refused, now).unwrap_err().until, None);
    }

    #[test]
    fn pauses_that_lead_nowhere_end_the_run() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let mut streak = Streak::default();
        let pauses = (0..10).take_while(|_| streak.pause(limited(None), now).is_ok()).count();
        assert_eq!(pauses, limits::PAUSE_COUNT_MAX as usize);
    }

    #[test]
    fn one_refusal_is_one_subjects_trouble_and_many_are_everybodys() {
        let mut streak = Streak::default();
        let refused =
            Failure::Refused { status: 400, scim_type: None, detail: "no such locale".into() };
        let count = (0..1_000).take_while(|_| !streak.refused(&refused)).count();
        assert_eq!(count + 1, limits::REFUSED_IN_ROW_MAX as usize);
        let mut streak = Streak::default();
        let forbidden = Failure::Forbidden { detail: "no".into() };
        let count = (0..1_000).take_while(|_| !streak.refused(&forbidden)).count();
        assert_eq!(count + 1, limits::FORBIDDEN_IN_ROW_MAX as usize);
    }
}
