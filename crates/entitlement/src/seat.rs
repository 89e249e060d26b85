//! Seats: who holds one, who waits for one, and how that changes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Catalogue, Pool, Precedence, Reason, UserId};

/// A user's seat in a pool, or place on its waitlist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The user.
    pub user: UserId,
    /// The pool.
    pub pool: Pool,
    /// Held or waited for.
    pub state: SeatState,
    /// Since when it is held, or waited for.
    pub since: Timestamp,
    /// Why.
    pub reason: Reason,
    /// Where the claim stands among the user's others, and on the waitlist.
    #[serde(default)]
    pub precedence: Precedence,
}

/// Whether a seat is held or waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeatState {
    /// The user has it.
    Held,
    /// The pool was empty; the user is put on the waitlist.
    Waiting,
}

/// How full a pool is and who is next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolFacts {
    /// How many seats may be held; None: no limit.
    pub limit: Option<u32>,
    /// How many are held.
    pub held: u64,
    /// The head of the waitlist: the highest priority first, then by time, then by id.
    pub waitlist: Vec<UserId>,
    /// Whether more wait than `waitlist` names.
    pub waitlist_goes_on: bool,
}

/// What settling looks at.
#[derive(Debug, Clone)]
pub struct SeatFacts<'a> {
    /// The tenant's catalogue.
    pub catalogue: &'a Catalogue,
    /// Every pool of the catalogue.
    pub pools: BTreeMap<Pool, PoolFacts>,
    /// All seats, held and waited for, of every user who is settled and of every user on a
    /// `waitlist`.
    pub seats: Vec<Seat>,
}

/// One change of one seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatChange {
    /// The user.
    pub user: UserId,
    /// The pool.
    pub pool: Pool,
    /// What changes.
    #[serde(flatten)]
    pub kind: SeatChangeKind,
    /// Why the seat is, or was, claimed.
    pub reason: Reason,
    /// Where the claim stands.
    #[serde(skip)]
    pub precedence: Precedence,
}

/// What changes about a seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum SeatChangeKind {
    /// A seat is taken at once.
    Held,
    /// No seat is free: the user is put on the waitlist.
    Waiting,
    /// A user on the waitlist gets a seat.
    Promoted {
        /// Since when they waited.
        waited_since: Timestamp,
        /// Who gave it up in the same settlement; None: the pool had room, say by a raised limit.
        freed_by: Option<UserId>,
    },
    /// A held seat is given up.
    Freed {
        /// Why.
        because: FreedBecause,
        /// Who waited and gets it in the same settlement.
        given_to: Option<UserId>,
    },
    /// A place on the waitlist is given up.
    Withdrawn {
        /// Why.
        because: FreedBecause,
    },
    /// The seat stays, its reason is another.
    Restated,
}

/// Why a seat, or a place on the waitlist, is given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum FreedBecause {
    /// The account is not active any more.
    NotActive,
    /// Nothing grants it any more.
    NotGranted,
    /// The user holds a better license instead.
    Replaced {
        /// Its pool.
        by: Pool,
    },
    /// It was idle and the tenant's policy takes such seats back.
    Reclaimed {
        /// Since when it was idle.
        idle_since: Date,
    },
}

impl SeatState {
    /// The word for it, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Waiting => "waiting",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "held" => Some(Self::Held),
            "waiting" => Some(Self::Waiting),
            _ => None,
        }
    }
}

impl SeatChangeKind {
    /// The word for it, as stored and shown.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Promoted { .. } => "promoted",
            Self::Freed { .. } => "freed",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Restated => "restated",
        }
    }
}

impl FreedBecause {
    /// Why, to stand after "freed: ".
    pub fn sentence(&self, catalogue: &Catalogue) -> String {
        match self {
            Self::NotActive => "the account is not active any more".to_owned(),
            Self::NotGranted => "nothing grants it any more".to_owned(),
            Self::Replaced { by } => format!("{} is held instead", catalogue.name(by)),
            Self::Reclaimed { idle_since } => format!("reclaimed: idle since {idle_since}"),
        }
    }
}

impl PoolFacts {
    /// Whether a seat is free.
    pub fn has_room(&self) -> bool {
        self.limit.is_none_or(|limit| self.held < u64::from(limit))
    }
}
