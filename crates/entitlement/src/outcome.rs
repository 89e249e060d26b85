//! Outcomes: what an effect did, as data for the receipt and a sentence for people.

use serde::{Deserialize, Serialize};

use crate::Effect;

/// What an effect did. A second run adds nothing and reports what the first did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// Sessions ended.
    SessionsEnded {
        /// How many.
        count: u64,
    },
    /// Seats freed.
    SeatsFreed {
        /// Which, and who got them.
        seats: Vec<FreedSeat>,
    },
    /// Contact-center queues left.
    QueuesLeft {
        /// Their names.
        queues: Vec<String>,
    },
    /// Phone numbers released to the pool.
    NumbersReleased {
        /// The numbers.
        numbers: Vec<String>,
    },
    /// Upcoming meetings cancelled.
    MeetingsCancelled {
        /// How many.
        count: u64,
    },
    /// Recordings kept under a hold.
    RecordingsKept {
        /// How many.
        count: u64,
    },
    /// Recordings moved to the trash.
    RecordingsTrashed {
        /// How many.
        count: u64,
    },
    /// Recordings deleted for good.
    RecordingsDeleted {
        /// How many.
        count: u64,
    },
}

/// A seat that was freed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreedSeat {
    /// The name of the license type or product.
    pub name: String,
    /// The login of the user who waited for it and got it.
    pub given_to: Option<String>,
}

impl Outcome {
    /// The effect whose outcome this is.
    pub fn effect(&self) -> Effect {
        match self {
            Self::SessionsEnded { .. } => Effect::EndSessions,
            Self::SeatsFreed { .. } => Effect::FreeLicense,
            Self::QueuesLeft { .. } => Effect::LeaveQueues,
            Self::NumbersReleased { .. } => Effect::ReleaseNumbers,
            Self::MeetingsCancelled { .. } => Effect::CancelMeetings,
            Self::RecordingsKept { .. } => Effect::KeepRecordings,
            Self::RecordingsTrashed { .. } => Effect::TrashRecordings,
            Self::RecordingsDeleted { .. } => Effect::DeleteRecordings,
        }
    }

    /// Whether there was nothing to do.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::SessionsEnded { count }
            | Self::MeetingsCancelled { count }
            | Self::RecordingsKept { count }
            | Self::RecordingsTrashed { count }
            | Self::RecordingsDeleted { count } => *count == 0,
            Self::SeatsFreed { seats } => seats.is_empty(),
            Self::QueuesLeft { queues } => queues.is_empty(),
            Self::NumbersReleased { numbers } => numbers.is_empty(),
        }
    }

    /// What was done, in one line of a receipt.
    pub fn sentence(&self) -> String {
        match self {
            Self::SessionsEnded { count } => counted(*count, "session", "ended"),
            Self::MeetingsCancelled { count } => counted(*count, "meeting", "cancelled"),
            Self::RecordingsKept { count } => counted(*count, "recording", "kept"),
            Self::RecordingsTrashed { count } => counted(*count, "recording", "moved to the trash"),
            Self::RecordingsDeleted { count } => counted(*count, "recording", "deleted"),
            Self::QueuesLeft { queues } if queues.is_empty() => "was in no queue".to_owned(),
            Self::QueuesLeft { queues } => {
                let noun = if queues.len() == 1 { "queue" } else { "queues" };
                format!("left {} {noun}: {}", queues.len(), queues.join(", "))
            }
            Self::NumbersReleased { numbers } if numbers.is_empty() => "had no number".to_owned(),
            Self::NumbersReleased { numbers } => {
                format!("{} released to the pool", numbers.join(", "))
            }
            Self::SeatsFreed { seats } if seats.is_empty() => "held no license".to_owned(),
            Self::SeatsFreed { seats } => {
                seats.iter().map(FreedSeat::sentence).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl FreedSeat {
    fn sentence(&self) -> String {
        match &self.given_to {
            None => format!("{} freed", self.name),
            Some(login) => format!("{} freed and given to {login}, who waited", self.name),
        }
    }
}

fn counted(count: u64, noun: &str, done: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun} {done}"),
        _ => format!("{count} {noun}s {done}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_reads_as_a_line_of_a_receipt() {
        let check = |outcome: Outcome, expected: &str| {
            assert_eq!(outcome.sentence(), expected);
            assert_eq!(outcome.is_nothing(), expected.contains("no "), "{expected}");
        };
        check(Outcome::SessionsEnded { count: 0 }, "no sessions");
        check(Outcome::SessionsEnded { count: 1 }, "1 session ended");
        check(Outcome::MeetingsCancelled { count: 2 }, "2 meetings cancelled");
        check(Outcome::RecordingsKept { count: 4 }, "4 recordings kept");
        check(Outcome::RecordingsTrashed { count: 4 }, "4 recordings moved to the trash");
        check(Outcome::RecordingsDeleted { count: 1 }, "1 recording deleted");
        check(
            Outcome::NumbersReleased { numbers: vec!["+1 555 0100".into()] },
            "+1 555 0100 released to the pool",
        );
        check(Outcome::NumbersReleased { numbers: vec![] }, "had no number");
        check(Outcome::QueuesLeft { queues: vec!["Billing".into()] }, "left 1 queue: Billing");
        check(Outcome::QueuesLeft { queues: vec![] }, "was in no queue");
        let freed = |name: &str, given_to: Option<&str>| FreedSeat {
            name: name.into(),
            given_to: given_to.map(Into::into),
        };
        check(
            Outcome::SeatsFreed {
                seats: vec![
                    freed("Workplace Licensed", Some("bo@acme.test")),
                    freed("Phone", None),
                ],
            },
            "Workplace Licensed freed and given to bo@acme.test, who waited, Phone freed",
        );
        check(Outcome::SeatsFreed { seats: vec![] }, "held no license");
    }
}
