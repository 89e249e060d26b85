//! Who holds which license, and what follows a change of an account: decisions as pure functions.
//!
//! The order of events: [`decide`] turns the facts about one user (status, groups that grant,
//! direct grants, the tenant's default) into an [`Entitlement`], which is what the user *should*
//! have; [`settle`] turns entitlements and the seats that exist into [`SeatChanges`], which is who
//! holds and who waits; [`effects`] says what a deactivation or deletion sets in motion and
//! [`restoration`] what a reactivation brings back.
//!
//! Our rules, published as our own: products are the union of all grants; the license type is the
//! highest rank among the grants; leaving the last granting group reverts to the tenant's default;
//! an empty pool makes people wait, never a request fail.
//!
//! This crate knows no IO, no clock, no HR and nobody who provisions. Nothing here can fail because
//! of the world: what is wrong with it comes back as a [`Finding`].

mod catalogue;
mod decide;
mod effect;
mod finding;
mod grant;
mod key;
pub mod limits;
mod outcome;
mod preset;
mod reason;
mod restoration;
mod seat;
mod settle;

pub use catalogue::{Catalogue, LicenseType, Pool, Product, UserTypeMeaning};
pub use decide::{Claim, Entitlement, Facts, OutvotedPolicy, PolicyClaim, decide};
pub use effect::{AccountState, Effect, EffectPlan, EffectPolicies, effects};
pub use finding::Finding;
pub use grant::{DirectGrant, Grant};
pub use key::{GroupId, Key, KeyError, UserId};
pub use outcome::{FreedSeat, Outcome};
pub use preset::{Preset, PresetError, PresetGroup};
pub use reason::Reason;
pub use restoration::{NotRestored, Restoration, Restored, restoration};
pub use seat::{FreedBecause, PoolFacts, Seat, SeatChange, SeatChangeKind, SeatFacts, SeatState};
pub use settle::{SeatChanges, Want, settle};
