//! Marks: whose entitlement is to be decided again, and which tenant has work for the background.
//!
//! Users are marked one by one where the rows that would lead to them are about to go. A change that
//! touches many otherwise (a grant, a rank, the default license) opens a settlement instead. The
//! background works both off in batches, and meanwhile they are shown as pending.

use db::{Ctx, Read, Tx, Value, params};
use entitlement::{GroupId, Pool, UserId};
use jiff::Timestamp;

use crate::provider::ServiceProvider;
use crate::settlement::{self, Settlement};
use crate::{Error, TenantId, stored};

/// Work of a tenant that the background looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Users are marked stale.
    Stale,
    /// Pools may have room for who waits.
    Pools,
    /// Effects are enqueued.
    Effects,
}

impl Work {
    fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Pools => "pools",
            Self::Effects => "effects",
        }
    }
}

/// Says that the background has something to do for this tenant.
pub(crate) fn open(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, work: Work) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO open_work (tenant, kind, since) VALUES ($1, $2, $3)
         ON CONFLICT (tenant, kind) DO NOTHING",
        params![tenant.as_str(), work.as_str(), ctx.now],
    )?;
    Ok(())
}

/// Says that the background has nothing of this kind left to do for this tenant.
pub(crate) fn close(tx: &mut Tx, tenant: &TenantId, work: Work) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM open_work WHERE tenant = $1 AND kind = $2",
        params![tenant.as_str(), work.as_str()],
    )?;
    Ok(())
}

/// Puts the tenant behind all others that have work of this kind.
pub(crate) fn postpone(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, work: Work) -> Result<(), Error> {
    tx.execute(
        "UPDATE open_work SET since = $1 WHERE tenant = $2 AND kind = $3",
        params![ctx.now, tenant.as_str(), work.as_str()],
    )?;
    Ok(())
}

/// Whether the background has work of this kind for this tenant.
pub(crate) fn is_open(r: &mut Read, tenant: &TenantId, work: Work) -> Result<bool, Error> {
    let found = r.query_opt(
        "SELECT 1 FROM open_work WHERE tenant = $1 AND kind = $2",
        params![tenant.as_str(), work.as_str()],
        |row| row.int(0),
    )?;
    Ok(found.is_some())
}

/// The tenants that have this kind of work, the longest waiting first.
pub(crate) fn tenants(r: &mut Read, work: Work, limit: u32) -> Result<Vec<TenantId>, Error> {
    let rows = r.query(
        "SELECT tenant FROM open_work WHERE kind = $1 ORDER BY since, tenant LIMIT $2",
        params![work.as_str(), limit],
        |row| row.text(0),
    )?;
    Ok(rows.into_iter().map(TenantId::new).collect())
}

/// Has the background give free seats to who waits.
pub(crate) fn fill_pools(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId) -> Result<(), Error> {
    open(tx, ctx, tenant, Work::Pools)
}

/// Marks these users.
pub(crate) fn mark(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    users: &[UserId],
    reason: &str,
) -> Result<(), Error> {
    for user in users {
        tx.execute(
            "INSERT INTO stale_entitlements (tenant, user_id, reason, marked_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, user_id) DO NOTHING",
            params![tenant.as_str(), &user.0, reason, ctx.now],
        )?;
    }
    if users.is_empty() { Ok(()) } else { open(tx, ctx, tenant, Work::Stale) }
}

/// Marks the members of a group that is about to lose them; says how many.
pub(crate) fn mark_group(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: &GroupId,
    reason: &str,
) -> Result<u64, Error> {
    let members = "SELECT member_id AS user_id FROM group_members
         WHERE tenant = $1 AND group_id = $4 AND member_type = 'User'";
    mark_where(tx, ctx, tenant, reason, members, &[group.0.as_str().into()])
}

/// Marks who holds a seat of a pool or waits for one; says how many.
pub(crate) fn mark_pool(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    pool: &Pool,
    reason: &str,
) -> Result<u64, Error> {
    let seats = "SELECT user_id FROM seats WHERE tenant = $1 AND pool_kind = $4 AND pool_key = $5";
    mark_where(tx, ctx, tenant, reason, seats, &[pool.kind().into(), pool.key().as_str().into()])
}

/// Marks the users that `select` finds; its own parameters begin at `$4`.
fn mark_where(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    reason: &str,
    select: &str,
    params: &[Value],
) -> Result<u64, Error> {
    // `WHERE true` keeps SQLite from reading the conflict clause as a join.
    let sql = format!(
        "INSERT INTO stale_entitlements (tenant, user_id, reason, marked_at)
         SELECT $1, found.user_id, $2, $3 FROM ({select}) AS found WHERE true
         ON CONFLICT (tenant, user_id) DO NOTHING"
    );
    let mut all: Vec<Value> = vec![tenant.as_str().into(), reason.into(), ctx.now.into()];
    all.extend_from_slice(params);
    let count = tx.execute(&sql, &all)?;
    if count > 0 {
        open(tx, ctx, tenant, Work::Stale)?;
    }
    Ok(count)
}

/// Users who were marked for one reason.
pub(crate) struct Marked {
    /// Why.
    pub reason: String,
    /// When the first of them was.
    pub since: Timestamp,
    /// Who.
    pub users: Vec<UserId>,
}

/// The users marked longest ago, as far as they share one reason.
pub(crate) fn oldest(r: &mut Read, tenant: &TenantId, limit: u32) -> Result<Option<Marked>, Error> {
    let rows = r.query(
        "SELECT user_id, reason, marked_at FROM stale_entitlements WHERE tenant = $1
         ORDER BY marked_at, user_id LIMIT $2",
        params![tenant.as_str(), limit],
        |row| Ok((UserId(row.text(0)?), row.text(1)?, row.timestamp(2)?)),
    )?;
    let Some((_, reason, since)) = rows.first().cloned() else { return Ok(None) };
    let same = rows.into_iter().take_while(|(_, own, _)| *own == reason);
    let users = same.map(|(user, _, _)| user).collect();
    Ok(Some(Marked { reason, since, users }))
}

/// Takes the marks of these users away, since they were just settled.
pub(crate) fn unmark(tx: &mut Tx, tenant: &TenantId, users: &[UserId]) -> Result<(), Error> {
    let (names, ids) = stored::in_users(2, users);
    let mut params = vec![Value::from(tenant.as_str())];
    params.extend(ids);
    tx.execute(
        &format!("DELETE FROM stale_entitlements WHERE tenant = $1 AND user_id IN ({names})"),
        &params,
    )?;
    Ok(())
}

/// Why a user is marked, if they are.
pub(crate) fn reason(
    r: &mut Read,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Option<String>, Error> {
    let reason = r.query_opt(
        "SELECT reason FROM stale_entitlements WHERE tenant = $1 AND user_id = $2",
        params![tenant.as_str(), &user.0],
        |row| row.text(0),
    )?;
    Ok(reason)
}

impl ServiceProvider {
    /// How many users of a tenant are still to be settled after a change that touched many.
    pub fn stale_count(&self, tenant: &TenantId) -> Result<u64, Error> {
        self.db().read(|r| {
            let settlements = settlement::settlements(r, tenant)?;
            Ok(count(r, tenant)? + settlements.iter().map(Settlement::left).sum::<u64>())
        })
    }

    /// Has everybody of a tenant settled again; says how many. For whoever doubts the seats: where
    /// they are right it changes nothing.
    pub fn settle_again(&self, ctx: &Ctx, tenant: &TenantId) -> Result<u64, Error> {
        let (ctx, tenant) = (ctx.clone(), tenant.clone());
        self.db().write(tenant.turn(), move |tx| {
            settlement::open_for_everybody(tx, &ctx, &tenant, "somebody asked for it")
        })
    }
}

fn count(r: &mut Read, tenant: &TenantId) -> Result<u64, Error> {
    let count = r.query_one(
        "SELECT COUNT(*) FROM stale_entitlements WHERE tenant = $1",
        params![tenant.as_str()],
        |row| row.count(0),
    )?;
    Ok(count)
}
