//! Findings: what is wrong with, or noteworthy about, the world; each with a sentence that says to
//! whom it happened and what to do.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{AccountState, Key, Pool, Reason};

/// Something a person should know about a user's entitlement or about a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Finding {
    /// The account is not active, so nothing is claimed.
    NotActive {
        /// What it is instead.
        state: AccountState,
    },
    /// The account is inactive, but the policy "free the license" is off: what it holds stays held.
    KeptWhileInactive,
    /// A grant names a retired license type, which is not given.
    RetiredLicenseType {
        /// The license type.
        key: Key,
        /// Its name.
        name: String,
        /// Who would have given it.
        reason: Reason,
    },
    /// The user still holds a license type that was retired since.
    HoldsRetired {
        /// The license type.
        key: Key,
        /// Its name.
        name: String,
    },
    /// A grant names a license type that the catalogue does not have.
    UnknownLicenseType {
        /// The key.
        key: Key,
        /// Who would have given it.
        reason: Reason,
    },
    /// A grant names a product that the catalogue does not have.
    UnknownProduct {
        /// The key.
        key: Key,
        /// Who would have given it.
        reason: Reason,
    },
    /// No grant gives a license and the tenant has no default.
    NoDefault,
    /// Two groups impose different values for one policy.
    PolicyOutvoted {
        /// The policy.
        policy: String,
        /// The value that stands.
        value: String,
        /// The group that imposes it.
        reason: Reason,
        /// The value that does not.
        outvoted_value: String,
        /// The group that asked for it.
        outvoted_reason: Reason,
    },
    /// The user waits for a seat.
    Waiting {
        /// The pool.
        pool: Pool,
        /// The name of the license type or product.
        name: String,
        /// How many seats are held.
        held: u64,
        /// How many there may be.
        limit: Option<u32>,
    },
    /// A seat was taken back because it was idle; the user gets it again by using the account.
    Reclaimed {
        /// The pool.
        pool: Pool,
        /// The name of the license type or product.
        name: String,
        /// Since when it was idle.
        idle_since: Date,
    },
    /// More seats are held than the limit allows, because the limit was lowered.
    Overdrawn {
        /// The pool.
        pool: Pool,
        /// The name of the license type or product.
        name: String,
        /// How many seats are held.
        held: u64,
        /// How many there may be.
        limit: u32,
    },
}

impl Finding {
    /// What happened to `who`, and the next step.
    pub fn sentence(&self, who: &str) -> String {
        match self {
            Self::NotActive { state: AccountState::Pending } => format!(
                "{who} has no license and no products: the account is pending. Licenses follow when the invitation is accepted."
            ),
            Self::NotActive { state } => format!(
                "{who} has no license and no products: the account is {state}. Reactivate it to give back what the groups grant."
            ),
            Self::KeptWhileInactive => format!(
                "{who} is inactive and keeps the seats held before, because the policy \"free the license on deactivation\" is off. Switch it on to free them."
            ),
            Self::RetiredLicenseType { name, reason, .. } => format!(
                "{who} does not get {name}: it is retired, though {reason}. {}",
                retired_next_step(reason)
            ),
            Self::HoldsRetired { key, name } => format!(
                "{who} still holds {name}, which is retired. Move the remaining holders: `muster license move-holders {key} --to TYPE`."
            ),
            Self::UnknownLicenseType { key, reason } => format!(
                "{who} does not get license type `{key}`, {reason}: the catalogue has no such type. Correct the grant or add the type."
            ),
            Self::UnknownProduct { key, reason } => format!(
                "{who} does not get product `{key}`, {reason}: the catalogue has no such product. Correct the grant or add the product."
            ),
            Self::NoDefault => format!(
                "{who} has no license: no group of theirs grants one and the tenant has no default. Set one with `muster license default TYPE`, or add them to a granting group."
            ),
            Self::PolicyOutvoted { policy, value, reason, outvoted_value, outvoted_reason } => {
                format!(
                    "{who} has {policy} = {value} ({reason}), not {outvoted_value} ({outvoted_reason}): the group with the higher license wins, then the name. Give the groups one value to end the conflict."
                )
            }
            Self::Waiting { name, held, limit: Some(limit), .. } if u64::from(*limit) <= *held => {
                format!(
                    "{who} waits for {name}: {held} of {limit} seats are held. Free a seat or raise the limit."
                )
            }
            Self::Waiting { name, .. } => format!(
                "{who} waits for {name}: others wait longer and a seat is about to be given. Nothing needs to be done."
            ),
            Self::Reclaimed { name, idle_since, .. } => format!(
                "{who} does not hold {name}: reclaimed, idle since {idle_since}. Signing in claims it again."
            ),
            Self::Overdrawn { name, held, limit, .. } => format!(
                "{name} is overdrawn: {held} seats are held and the limit is {limit}. Nobody new gets one until {} are freed, or raise the limit.",
                held.saturating_sub(u64::from(*limit))
            ),
        }
    }
}

/// What to do about a retired license type depends on who names it.
fn retired_next_step(reason: &Reason) -> &'static str {
    match reason {
        Reason::Group { .. } => "Change what the group grants to a live license type.",
        Reason::Direct { .. } => "Grant a live license type instead, better by a group.",
        Reason::UserType { .. } => {
            "Drop the constant userType mapping at the identity provider and assign licenses by group."
        }
        Reason::TenantDefault | Reason::Fallback { .. } => {
            "Set the tenant's default to a live license type: `muster license default TYPE`."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_what_happened_to_whom_and_what_to_do() {
        let pool = Pool::Product(Key::parse("phone").unwrap());
        let waiting =
            Finding::Waiting { pool, name: "Zoom Phone".into(), held: 50, limit: Some(50) };
        assert_eq!(
            waiting.sentence("Ana Ruiz"),
            "Ana Ruiz waits for Zoom Phone: 50 of 50 seats are held. Free a seat or raise the limit."
        );
        let retired = Finding::RetiredLicenseType {
            key: Key::parse("basic").unwrap(),
            name: "Basic".into(),
            reason: Reason::UserType { value: "Basic".into() },
        };
        assert_eq!(
            retired.sentence("Ana Ruiz"),
            "Ana Ruiz does not get Basic: it is retired, though named by userType \"Basic\". Drop the constant userType mapping at the identity provider and assign licenses by group."
        );
    }
}
