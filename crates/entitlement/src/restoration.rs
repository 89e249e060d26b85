//! Restoration: what a reactivation brings back, and what it does not.

use serde::{Deserialize, Serialize};

use crate::{Entitlement, Outcome, Reason};

/// What a reactivation restores and what it does not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Restoration {
    /// What comes back.
    pub restored: Vec<Restored>,
    /// What stays gone, because it was given away or told to others.
    pub not_restored: Vec<NotRestored>,
}

/// Something that comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Restored {
    /// The account itself, with its settings.
    Account,
    /// The memberships, which a deactivation never removes.
    Groups {
        /// How many.
        count: u64,
    },
    /// A license type or product, by the grants of today.
    Claim {
        /// Its name.
        name: String,
        /// Why it is claimed.
        reason: Reason,
    },
    /// Recordings that were kept.
    Recordings {
        /// How many.
        count: u64,
    },
}

/// Something that does not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NotRestored {
    /// Sessions that ended.
    Sessions {
        /// How many.
        count: u64,
    },
    /// Meetings that were cancelled.
    Meetings {
        /// How many.
        count: u64,
    },
    /// Phone numbers that went back to the pool.
    Numbers {
        /// The numbers.
        numbers: Vec<String>,
    },
    /// Queues that were left.
    Queues {
        /// Their names.
        queues: Vec<String>,
    },
    /// Recordings in the trash.
    TrashedRecordings {
        /// How many.
        count: u64,
    },
    /// Recordings that were deleted.
    DeletedRecordings {
        /// How many.
        count: u64,
    },
}

/// What a reactivation restores, given what the deactivation did (`outcomes` of its receipt), how
/// many groups the user is in and what these grant today.
pub fn restoration(
    outcomes: &[Outcome],
    group_count: u64,
    entitlement: &Entitlement,
) -> Restoration {
    let mut restored = vec![Restored::Account];
    if group_count > 0 {
        restored.push(Restored::Groups { count: group_count });
    }
    let claims = entitlement.license().into_iter().chain(&entitlement.products);
    restored.extend(
        claims.map(|claim| Restored::Claim {
            name: claim.name.clone(),
            reason: claim.reason.clone(),
        }),
    );
    let mut not_restored = Vec::new();
    for outcome in outcomes.iter().filter(|outcome| !outcome.is_nothing()) {
        match outcome {
            // Seats are given anew by current grants, never by what was held before.
            Outcome::SeatsFreed { .. } => {}
            Outcome::RecordingsKept { count } => {
                restored.push(Restored::Recordings { count: *count });
            }
            Outcome::SessionsEnded { count } => {
                not_restored.push(NotRestored::Sessions { count: *count });
            }
            Outcome::MeetingsCancelled { count } => {
                not_restored.push(NotRestored::Meetings { count: *count });
            }
            Outcome::NumbersReleased { numbers } => {
                not_restored.push(NotRestored::Numbers { numbers: numbers.clone() });
            }
            Outcome::QueuesLeft { queues } => {
                not_restored.push(NotRestored::Queues { queues: queues.clone() });
            }
            Outcome::RecordingsTrashed { count } => {
                not_restored.push(NotRestored::TrashedRecordings { count: *count });
            }
            Outcome::RecordingsDeleted { count } => {
                not_restored.push(NotRestored::DeletedRecordings { count: *count });
            }
        }
    }
    Restoration { restored, not_restored }
}

impl Restored {
    /// What comes back, in one line.
    pub fn sentence(&self) -> String {
        match self {
            Self::Account => "the account and its settings".to_owned(),
            Self::Groups { count: 1 } => "membership of 1 group".to_owned(),
            Self::Groups { count } => format!("membership of {count} groups"),
            Self::Claim { name, reason } => {
                format!("{name}, {reason}, as soon as a seat is free")
            }
            Self::Recordings { count: 1 } => "1 recording, which was kept".to_owned(),
            Self::Recordings { count } => format!("{count} recordings, which were kept"),
        }
    }
}

impl NotRestored {
    /// What does not come back and what to do about it, in one line.
    pub fn sentence(&self) -> String {
        match self {
            Self::Sessions { count } => {
                format!("{count} ended {}: sign in again", plural(*count, "session"))
            }
            Self::Meetings { count } => format!(
                "{count} cancelled {}: schedule again, the guests were told",
                plural(*count, "meeting")
            ),
            Self::Numbers { numbers } => format!(
                "{}: back in the pool and perhaps with somebody else; assign a number",
                numbers.join(", ")
            ),
            Self::Queues { queues } => {
                format!("agent in {}: add the agent again", queues.join(", "))
            }
            Self::TrashedRecordings { count } => {
                format!("{count} {} in the trash: recover them", plural(*count, "recording"))
            }
            Self::DeletedRecordings { count } => {
                format!("{count} deleted {}: gone for good", plural(*count, "recording"))
            }
        }
    }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Claim, GroupId, Key, Pool};

    fn check(outcomes: &[Outcome], groups: u64, claims: Vec<Claim>, restored: &str, not: &str) {
        let (licenses, products) = claims.into_iter().partition(|claim| claim.pool.is_license());
        let entitlement = Entitlement { licenses, products, ..Entitlement::default() };
        let restoration = restoration(outcomes, groups, &entitlement);
        let lines: Vec<_> = restoration.restored.iter().map(Restored::sentence).collect();
        assert_eq!(lines.join("\n"), restored);
        let lines: Vec<_> = restoration.not_restored.iter().map(NotRestored::sentence).collect();
        assert_eq!(lines.join("\n"), not);
    }

    #[test]
    fn reactivation_restores_account_groups_and_license_but_not_what_was_given_away() {
        let reason = Reason::Group {
            group: GroupId("g".into()),
            name: "Zoom - Meetings".into(),
            path: vec![],
        };
        let license = Claim {
            pool: Pool::License(Key::parse("workplace-licensed").unwrap()),
            name: "Workplace Licensed".into(),
            reason,
            also: vec![],
            precedence: crate::Precedence::default(),
        };
        check(
            &[
                Outcome::SessionsEnded { count: 1 },
                Outcome::SeatsFreed { seats: vec![] },
                Outcome::QueuesLeft { queues: vec!["Billing".into()] },
                Outcome::NumbersReleased { numbers: vec!["+1 555 0100".into()] },
                Outcome::MeetingsCancelled { count: 2 },
                Outcome::RecordingsKept { count: 4 },
            ],
            2,
            vec![license],
            "the account and its settings\n\
             membership of 2 groups\n\
             Workplace Licensed, granted by group \"Zoom - Meetings\", as soon as a seat is free\n\
             4 recordings, which were kept",
            "1 ended session: sign in again\n\
             agent in Billing: add the agent again\n\
             +1 555 0100: back in the pool and perhaps with somebody else; assign a number\n\
             2 cancelled meetings: schedule again, the guests were told",
        );
    }

    #[test]
    fn what_the_deactivation_did_not_find_is_not_missed() {
        check(
            &[Outcome::MeetingsCancelled { count: 0 }, Outcome::QueuesLeft { queues: vec![] }],
            0,
            vec![],
            "the account and its settings",
            "",
        );
    }
}
