//! Recordings of a deleted user are deleted for good, unless they were transferred before.

use db::{Ctx, Tx};
use entitlement::Outcome;

use super::Leaving;
use crate::{Error, recording};

pub(super) fn run(tx: &mut Tx, _ctx: &Ctx, leaving: &Leaving<'_>) -> Result<Outcome, Error> {
    let count = recording::delete_recordings(tx, leaving.tenant, leaving.user)?;
    Ok(Outcome::RecordingsDeleted { count })
}
