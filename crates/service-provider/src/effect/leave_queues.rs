//! The agent leaves every contact-center queue, so that no call is routed to nobody.

use db::{Ctx, Tx};
use entitlement::Outcome;

use super::Leaving;
use crate::{Error, queue};

pub(super) fn run(tx: &mut Tx, _ctx: &Ctx, leaving: &Leaving<'_>) -> Result<Outcome, Error> {
    let queues = queue::leave_all_queues(tx, leaving.tenant, leaving.user)?;
    Ok(Outcome::QueuesLeft { queues })
}
