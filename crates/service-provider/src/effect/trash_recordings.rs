//! Recordings go to the trash, from which they can be recovered.

use db::{Ctx, Tx};
use entitlement::Outcome;

use super::Leaving;
use crate::{Error, recording};

pub(super) fn run(tx: &mut Tx, ctx: &Ctx, leaving: &Leaving<'_>) -> Result<Outcome, Error> {
    let count = recording::trash_recordings(tx, ctx, leaving.tenant, leaving.user)?;
    Ok(Outcome::RecordingsTrashed { count })
}
