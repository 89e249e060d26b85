//! Phone numbers go back to the pool and can be assigned to somebody else.

use db::{Ctx, Tx};
use entitlement::Outcome;

use super::Leaving;
use crate::{Error, number};

pub(super) fn run(tx: &mut Tx, _ctx: &Ctx, leaving: &Leaving<'_>) -> Result<Outcome, Error> {
    let numbers = number::release_all_numbers(tx, leaving.tenant, leaving.user)?;
    Ok(Outcome::NumbersReleased { numbers })
}
