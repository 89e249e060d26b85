//! Upcoming meetings are cancelled; those held already stay as they are.

use db::{Ctx, Tx};
use entitlement::Outcome;

use super::Leaving;
use crate::{Error, meeting};

pub(super) fn run(tx: &mut Tx, ctx: &Ctx, leaving: &Leaving<'_>) -> Result<Outcome, Error> {
    let count = meeting::cancel_upcoming_meetings(tx, ctx, leaving.tenant, leaving.user)?;
    Ok(Outcome::MeetingsCancelled { count })
}
