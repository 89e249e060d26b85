//! Recordings are kept: under a hold, so that they can be read and not be thrown away.

use db::{Ctx, Tx};
use entitlement::Outcome;

use super::Leaving;
use crate::{Error, recording};

pub(super) fn run(tx: &mut Tx, ctx: &Ctx, leaving: &Leaving<'_>) -> Result<Outcome, Error> {
    let count = recording::keep_recordings(tx, ctx, leaving.tenant, leaving.user)?;
    Ok(Outcome::RecordingsKept { count })
}
