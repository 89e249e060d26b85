//! Phone numbers go back to the pool and can be assigned to somebody else, calling plans with them.

use db::{Ctx, Tx};
use entitlement::Outcome;

use super::Leaving;
use crate::{Error, calling_plan, number};

pub(super) fn run(tx: &mut Tx, ctx: &Ctx, leaving: &Leaving<'_>) -> Result<Outcome, Error> {
    let numbers = number::release_all_numbers(tx, leaving.tenant, leaving.user)?;
    calling_plan::release_all(tx, ctx, leaving.tenant, leaving.user)?;
    Ok(Outcome::NumbersReleased { numbers })
}
