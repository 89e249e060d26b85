//! The license and the products are freed. That happened in the transaction of the leaving, so that
//! nobody waits for a background; here the ledger is asked what it was and who has it now.

use db::{Ctx, Tx};
use entitlement::{FreedBecause, FreedSeat, Outcome, SeatChangeKind};

use super::Leaving;
use crate::{Error, account, catalogue, ledger, licensing};

pub(super) fn run(tx: &mut Tx, ctx: &Ctx, leaving: &Leaving<'_>) -> Result<Outcome, Error> {
    let Leaving { tenant, user, since } = *leaving;
    // Should the seats still be held, as after an upgrade, they are freed now.
    licensing::settle_one(tx, ctx, tenant, user)?;
    let catalogue = catalogue::catalogue(tx, tenant)?;
    let mut seats = Vec::new();
    for change in ledger::freed_since(tx, tenant, user, since)? {
        let SeatChangeKind::Freed { because: FreedBecause::NotActive, given_to } = &change.kind
        else {
            continue;
        };
        let given_to = match given_to {
            Some(receiver) => Some(account::user_name(tx, tenant, receiver)?),
            None => None,
        };
        seats.push(FreedSeat { name: catalogue.name(&change.pool).to_owned(), given_to });
    }
    Ok(Outcome::SeatsFreed { seats })
}
