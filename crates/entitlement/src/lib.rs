//! Who holds which license, and what follows a change of an account: decisions as pure functions.
//!
//! The order of events: [`decide`] turns the facts about one user (status, groups that grant,
//! direct grants, the tenant's default) into an [`Entitlement`], which is what the user *should*
//! have; [`settle`] turns entitlements and the seats that exist into [`SeatChanges`], which is who
//! holds and who waits; [`effects`] says what a deactivation or deletion sets in motion and
//! [`restoration`] what a reactivation brings back.
//!
//! Our rules, published as our own: products are the union of all grants; the license type is the
//! highest rank among the grants, of equal ranks that of the first grant in the explicit order;
//! leaving the last granting group reverts to the tenant's default;
//! an empty pool makes people wait, never a request fail.
//!
//! This crate knows no IO, no clock, no HR and nobody who provisions. Nothing here can fail because
//! of the world: what is wrong with it comes back as a [`Finding`].

mod catalogue;
mod decide;
mod effect;
mod finding;
mod forecast;
mod grant;
mod idle;
mod key;
pub mod limits;
mod money;
mod nesting;
mod outcome;
mod preset;
mod reason;
mod reclaim;
mod restoration;
mod seat;
mod settle;
mod standing;
mod tenure;

pub use catalogue::{Catalogue, LicenseType, Pool, Product, UserTypeMeaning};
pub use decide::{Claim, Entitlement, Facts, OutvotedPolicy, PolicyClaim, decide};
pub use effect::{AccountState, Effect, EffectPlan, EffectPolicies, effects};
pub use finding::Finding;
pub use forecast::{DayNeed, DemandDay, Forecast, PoolDemand, Trend, forecast};
pub use grant::{DirectGrant, Grant};
pub use idle::{
    Activity, ActivityKind, HeldSeat, IdleSeat, UnusedSeats, idle_cost, idle_cutoff, idle_seats,
    last_activity, unused_seats,
};
pub use key::{GroupId, Key, KeyError, UserId};
pub use money::{Currency, CurrencyError, Price, Sums};
pub use nesting::{Reach, Reached, reach};
pub use outcome::{FreedSeat, Outcome};
pub use preset::{Preset, PresetError, PresetGroup};
pub use reason::Reason;
pub use reclaim::{
    Candidate, HeldBack, Proposal, ReclaimMode, ReclaimPlan, ReclaimPolicy, Reclaimed, Spared,
    SparedBecause, over_share, reclaim,
};
pub use restoration::{NotRestored, Restoration, Restored, restoration};
pub use seat::{FreedBecause, PoolFacts, Seat, SeatChange, SeatChangeKind, SeatFacts, SeatState};
pub use settle::{SeatChanges, Want, settle};
pub use standing::{OutvotedBecause, OutvotedLicense, Precedence};
pub use tenure::{Restatement, Tenure, tenures};
