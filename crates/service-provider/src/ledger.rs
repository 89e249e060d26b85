//! The ledger of seats: every change of every seat, appended with who, why and when, never changed.

use db::{Ctx, Read, Row, Tx, params};
use entitlement::{Precedence, SeatChange, UserId};
use jiff::Timestamp;
use serde::Serialize;

use crate::limits::SEAT_LIST_MAX;
use crate::provider::ServiceProvider;
use crate::{Error, TenantId, account, stored};

const FORMAT_VERSION: u32 = 1;

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerRow {
    /// Its id; later ones sort after earlier ones.
    pub id: String,
    /// The change.
    #[serde(flatten)]
    pub change: SeatChange,
    /// By whom.
    pub actor: String,
    /// Because of what.
    pub cause: String,
    /// When.
    pub at: Timestamp,
}

impl ServiceProvider {
    /// The changes of the seats of a user, named by id, login or address; the newest first.
    pub fn seat_ledger(
        &self,
        tenant: &TenantId,
        user: &str,
        limit: u32,
    ) -> Result<Vec<LedgerRow>, Error> {
        self.db().read(|r| {
            let account = account::find(r, tenant, user)?;
            ledger(r, tenant, &account.id, limit.min(SEAT_LIST_MAX))
        })
    }
}

fn ledger(
    r: &mut Read,
    tenant: &TenantId,
    user: &UserId,
    limit: u32,
) -> Result<Vec<LedgerRow>, Error> {
    let rows = r.query(
        "SELECT user_id, pool_kind, pool_key, detail, reason, id, actor, cause, at
         FROM seat_ledger WHERE tenant = $1 AND user_id = $2 ORDER BY id DESC LIMIT $3",
        params![tenant.as_str(), &user.0, limit],
        read_ledger,
    )?;
    Ok(rows)
}

/// What a user gave up from `since` on, the oldest first.
pub(crate) fn freed_since(
    r: &mut Read,
    tenant: &TenantId,
    user: &UserId,
    since: Timestamp,
) -> Result<Vec<SeatChange>, Error> {
    let rows = r.query(
        "SELECT user_id, pool_kind, pool_key, detail, reason, id, actor, cause, at
         FROM seat_ledger WHERE tenant = $1 AND user_id = $2 AND at >= $3 AND change = 'freed'
         ORDER BY id",
        params![tenant.as_str(), &user.0, since],
        read_ledger,
    )?;
    Ok(rows.into_iter().map(|row| row.change).collect())
}

/// Appends a change.
pub(crate) fn append(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    change: &SeatChange,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO seat_ledger (tenant, user_id, id, pool_kind, pool_key, change, detail, reason,
             format_version, actor, cause, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        params![
            tenant.as_str(),
            &change.user.0,
            db::new_id(),
            change.pool.kind(),
            change.pool.key().as_str(),
            change.kind.as_str(),
            stored::to_json(&change.kind)?,
            stored::to_json(&change.reason)?,
            FORMAT_VERSION,
            &ctx.actor,
            &ctx.cause,
            ctx.now,
        ],
    )?;
    Ok(())
}

/// Reads `user_id, pool_kind, pool_key, detail, reason, id, actor, cause, at`.
pub(crate) fn read_ledger(row: &Row) -> Result<LedgerRow, db::Error> {
    Ok(LedgerRow {
        change: SeatChange {
            user: UserId(row.text(0)?),
            pool: stored::pool(row.text_ref(1)?, row.text_ref(2)?)?,
            kind: stored::json("A change of a seat", row.text_ref(3)?)?,
            reason: stored::json("A seat's reason", row.text_ref(4)?)?,
            precedence: Precedence::default(),
        },
        id: row.text(5)?,
        actor: row.text(6)?,
        cause: row.text(7)?,
        at: row.timestamp(8)?,
    })
}
