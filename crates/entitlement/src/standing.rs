//! Standing: where a claim stands among the others of its user, and in line for a seat.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::{Catalogue, Claim, Key, Pool, Reason};

/// Where a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Precedence {
    /// Among license types of equal rank that one user may have: lower is better.
    pub order: u32,
    /// On the waitlist: higher goes first.
    pub priority: u32,
}

/// A license type that is granted and stands behind another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutvotedLicense {
    /// The license type.
    pub key: Key,
    /// Its name.
    pub name: String,
    /// Who grants it.
    pub reason: Reason,
    /// The license type before it.
    pub by: Key,
    /// Its name.
    pub by_name: String,
    /// Who grants that.
    pub by_reason: Reason,
    /// Why it stands behind.
    pub because: OutvotedBecause,
}

/// Why one license type stands behind another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OutvotedBecause {
    /// It has the lower rank.
    Rank {
        /// The rank of the one before.
        higher: u32,
        /// Its own.
        lower: u32,
    },
    /// The ranks are equal and its grant comes later in the order.
    Order {
        /// Where the grant of the one before stands.
        first: u32,
        /// Where its own stands.
        second: u32,
    },
    /// Rank and order are equal, so the keys decide.
    Key,
}

/// Something given by hand goes before every group of its rank.
const BY_HAND: u32 = 0;
/// A group without a place in the order comes behind those with one.
const UNORDERED: u32 = u32::MAX - 2;
/// `userType` comes behind every grant.
const BY_USER_TYPE: u32 = u32::MAX - 1;

impl Precedence {
    /// What is given by hand.
    pub(crate) const DIRECT: Self = Self { order: BY_HAND, priority: 0 };
    /// What `userType` names.
    pub(crate) const USER_TYPE: Self = Self { order: BY_USER_TYPE, priority: 0 };

    /// What a group grants.
    pub(crate) fn of_group(order: Option<u32>, priority: u32) -> Self {
        let order = order.map_or(UNORDERED, |order| (order + 1).min(UNORDERED - 1));
        Self { order, priority }
    }

    /// The best of both: one grant may bring the order and another the priority.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { order: self.order.min(other.order), priority: self.priority.max(other.priority) }
    }
}

impl Default for Precedence {
    /// What nobody grants, such as the tenant's default.
    fn default() -> Self {
        Self { order: u32::MAX, priority: 0 }
    }
}

/// Sort key of a license of a user, best first.
pub(crate) fn license_order<'k>(
    catalogue: &Catalogue,
    key: &'k Key,
    precedence: Precedence,
) -> (Reverse<Option<u32>>, u32, &'k Key) {
    (Reverse(catalogue.rank(key)), precedence.order, key)
}

/// Which of the granted license types, best first, stand behind the first, and why.
pub(crate) fn outvoted(catalogue: &Catalogue, licenses: &[Claim]) -> Vec<OutvotedLicense> {
    let Some((first, rest)) = licenses.split_first() else { return Vec::new() };
    let rank = |claim: &Claim| catalogue.rank(claim.pool.key()).unwrap_or(0);
    let entry = |claim: &Claim| OutvotedLicense {
        key: claim.pool.key().clone(),
        name: claim.name.clone(),
        reason: claim.reason.clone(),
        by: first.pool.key().clone(),
        by_name: first.name.clone(),
        by_reason: first.reason.clone(),
        because: if rank(first) != rank(claim) {
            OutvotedBecause::Rank { higher: rank(first), lower: rank(claim) }
        } else if first.precedence.order != claim.precedence.order {
            OutvotedBecause::Order { first: first.precedence.order, second: claim.precedence.order }
        } else {
            OutvotedBecause::Key
        },
    };
    rest.iter().map(entry).collect()
}

impl OutvotedLicense {
    /// The pool.
    pub fn pool(&self) -> Pool {
        Pool::License(self.key.clone())
    }

    /// What stands behind what, and why.
    pub fn sentence(&self) -> String {
        let because = match self.because {
            OutvotedBecause::Rank { higher, lower } => {
                format!("rank {higher} goes before rank {lower}")
            }
            OutvotedBecause::Order { first, second } => {
                format!("of equal rank, {} goes before {}", order_words(first), order_words(second))
            }
            OutvotedBecause::Key => String::from(
                "rank and order are equal, so the key decides; give the grants an order to decide otherwise",
            ),
        };
        format!(
            "{} ({}) stands behind {} ({}): {because}",
            self.name, self.reason, self.by_name, self.by_reason
        )
    }
}

fn order_words(order: u32) -> String {
    match order {
        BY_HAND => "what is granted by hand".into(),
        UNORDERED => "a grant without an order".into(),
        BY_USER_TYPE => "userType".into(),
        order => format!("order {}", order - 1),
    }
}
