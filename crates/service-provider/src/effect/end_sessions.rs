//! Sessions end: whoever is signed in is signed out, and no token of theirs lives on.

use db::{Ctx, Tx};
use entitlement::Outcome;

use super::Leaving;
use crate::{Error, session};

pub(super) fn run(tx: &mut Tx, ctx: &Ctx, leaving: &Leaving<'_>) -> Result<Outcome, Error> {
    let count = session::end_sessions(tx, ctx, leaving.tenant, leaving.user)?;
    Ok(Outcome::SessionsEnded { count })
}
