//! Seats as rows: who holds and who waits, the counters of the pools, and the ledger in which every
//! change is appended.

use std::collections::{BTreeMap, BTreeSet};

use db::{Ctx, Read, Row, Tx, Value, params};
use entitlement::{
    Catalogue, Pool, PoolFacts, Precedence, Price, Reason, Seat, SeatChange, SeatChangeKind,
    SeatFacts, SeatState, UserId,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::limits::{SEAT_LIST_MAX, WAITLIST_HEAD_MAX};
use crate::provider::ServiceProvider;
use crate::{Error, TenantId, catalogue, ledger, settings, stored};

/// A pool as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolRow {
    /// The pool.
    #[serde(flatten)]
    pub pool: Pool,
    /// The name of the license type or product.
    pub name: String,
    /// The rank, of a license type.
    pub rank: Option<u32>,
    /// Whether it is a retired license type.
    pub retired: bool,
    /// Whether it is the tenant's default license.
    pub default: bool,
    /// How many may be held; none: no limit.
    pub limit: Option<u32>,
    /// How many are held.
    pub held: u64,
    /// How many wait.
    pub waiting: u64,
    /// How many more are held than may be, since the limit was lowered. Nobody loses a seat by it,
    /// and nobody new gets one.
    pub over: u64,
    /// What a seat costs in a month, if that is known.
    pub price: Option<Price>,
}

/// A seat as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeatRow {
    /// The user.
    pub user: UserId,
    /// The login.
    pub user_name: String,
    /// The pool.
    #[serde(flatten)]
    pub pool: Pool,
    /// Held or waited for.
    pub state: SeatState,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: Reason,
    /// Its priority on the waitlist: higher goes first.
    pub priority: u32,
}

/// How many hold and wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PoolCounts {
    /// How many hold a seat.
    pub held: u64,
    /// How many wait for one.
    pub waiting: u64,
}

impl ServiceProvider {
    /// The pools of a tenant: licenses best first, then products.
    pub fn pools(&self, tenant: &TenantId) -> Result<Vec<PoolRow>, Error> {
        self.db().read(|r| pools(r, tenant))
    }

    /// Who holds a seat of a pool, or waits for one in the order of the waitlist: `limit` of them after
    /// the first `offset`.
    pub fn seats_of_pool(
        &self,
        tenant: &TenantId,
        pool: &Pool,
        state: SeatState,
        (offset, limit): (u64, u32),
    ) -> Result<Vec<SeatRow>, Error> {
        self.db().read(|r| seats_of_pool(r, tenant, pool, state, (offset, limit)))
    }
}

/// The pools of a tenant: licenses best first, then products.
pub(crate) fn pools(r: &mut Read, tenant: &TenantId) -> Result<Vec<PoolRow>, Error> {
    let catalogue = catalogue::catalogue(r, tenant)?;
    let default = settings::tenant_settings(r, tenant)?.default_license;
    let counts = pool_counts(r, tenant)?;
    let row = |pool: Pool| {
        let license_type = pool.is_license().then(|| catalogue.license_type(pool.key())).flatten();
        let counts = counts.get(&pool).copied().unwrap_or_default();
        PoolRow {
            name: catalogue.name(&pool).to_owned(),
            rank: license_type.map(|row| row.rank),
            retired: license_type.is_some_and(|row| row.retired),
            default: pool.is_license() && default.as_ref() == Some(pool.key()),
            limit: catalogue.seat_limit(&pool),
            held: counts.held,
            waiting: counts.waiting,
            over: catalogue
                .seat_limit(&pool)
                .map_or(0, |limit| counts.held.saturating_sub(limit.into())),
            price: catalogue.price(&pool),
            pool,
        }
    };
    Ok(catalogue.pools().into_iter().map(row).collect())
}

fn seats_of_pool(
    r: &mut Read,
    tenant: &TenantId,
    pool: &Pool,
    state: SeatState,
    (offset, limit): (u64, u32),
) -> Result<Vec<SeatRow>, Error> {
    let rows = r.query(
        "SELECT s.user_id, s.pool_kind, s.pool_key, s.state, s.since, s.reason, s.claim_order,
             s.priority, COALESCE(u.user_name, s.user_id)
         FROM seats s LEFT JOIN users u ON u.tenant = s.tenant AND u.id = s.user_id
         WHERE s.tenant = $1 AND s.pool_kind = $2 AND s.pool_key = $3 AND s.state = $4
         ORDER BY s.priority DESC, s.since, s.user_id LIMIT $5 OFFSET $6",
        params![
            tenant.as_str(),
            pool.kind(),
            pool.key().as_str(),
            state.as_str(),
            limit.min(SEAT_LIST_MAX),
            offset
        ],
        |row| {
            let Seat { user, pool, state, since, reason, precedence } = read_seat(row)?;
            let (user_name, priority) = (row.text(8)?, precedence.priority);
            Ok(SeatRow { user, user_name, pool, state, since, reason, priority })
        },
    )?;
    Ok(rows)
}

/// The place of a user on the waitlist of a pool, from 1; none if they do not wait.
pub(crate) fn waitlist_place(
    r: &mut Read,
    tenant: &TenantId,
    seat: &Seat,
) -> Result<Option<u64>, Error> {
    if seat.state != SeatState::Waiting {
        return Ok(None);
    }
    let before = r.query_one(
        "SELECT COUNT(*) FROM seats
         WHERE tenant = $1 AND pool_kind = $2 AND pool_key = $3 AND state = 'waiting'
             AND (priority > $4 OR (priority = $4
                 AND (since < $5 OR (since = $5 AND user_id < $6))))",
        params![
            tenant.as_str(),
            seat.pool.kind(),
            seat.pool.key().as_str(),
            seat.precedence.priority,
            seat.since,
            &seat.user.0
        ],
        |row| row.count(0),
    )?;
    Ok(Some(before + 1))
}

/// All seats, held and waited for, of these users.
pub(crate) fn seats_of_users(
    r: &mut Read,
    tenant: &TenantId,
    users: &[UserId],
) -> Result<Vec<Seat>, Error> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let (names, ids) = stored::in_users(2, users);
    let sql = format!(
        "SELECT user_id, pool_kind, pool_key, state, since, reason, claim_order, priority
         FROM seats WHERE tenant = $1 AND user_id IN ({names})"
    );
    let mut params = vec![Value::from(tenant.as_str())];
    params.extend(ids);
    Ok(r.query(&sql, &params, read_seat)?)
}

/// Who holds a seat of a pool, by id, after the user `after`.
pub(crate) fn holders_after(
    r: &mut Read,
    tenant: &TenantId,
    pool: &Pool,
    after: Option<&UserId>,
    limit: u32,
) -> Result<Vec<UserId>, Error> {
    let users = r.query(
        "SELECT user_id FROM seats
         WHERE tenant = $1 AND pool_kind = $2 AND pool_key = $3 AND state = 'held'
             AND user_id > $4
         ORDER BY user_id LIMIT $5",
        params![
            tenant.as_str(),
            pool.kind(),
            pool.key().as_str(),
            after.map_or("", |user| user.0.as_str()),
            limit
        ],
        |row| Ok(UserId(row.text(0)?)),
    )?;
    Ok(users)
}

/// How many hold and wait, of every pool that anybody ever had to do with.
pub(crate) fn pool_counts(
    r: &mut Read,
    tenant: &TenantId,
) -> Result<BTreeMap<Pool, PoolCounts>, Error> {
    let rows = r.query(
        "SELECT pool_kind, pool_key, held, waiting FROM pools WHERE tenant = $1",
        params![tenant.as_str()],
        |row| {
            let pool = stored::pool(row.text_ref(0)?, row.text_ref(1)?)?;
            Ok((pool, PoolCounts { held: row.count(2)?, waiting: row.count(3)? }))
        },
    )?;
    Ok(rows.into_iter().collect())
}

/// What settling these users has to look at: every pool, the heads of the waitlists, and the seats of
/// everybody who may be concerned.
pub(crate) fn facts<'c>(
    r: &mut Read,
    tenant: &TenantId,
    catalogue: &'c Catalogue,
    users: &[UserId],
) -> Result<SeatFacts<'c>, Error> {
    let counts = pool_counts(r, tenant)?;
    let mut concerned: BTreeSet<UserId> = users.iter().cloned().collect();
    let mut pools = BTreeMap::new();
    for pool in catalogue.pools() {
        let counts = counts.get(&pool).copied().unwrap_or_default();
        let waitlist =
            if counts.waiting == 0 { Vec::new() } else { self::waitlist(r, tenant, &pool)? };
        let in_sight = u64::try_from(waitlist.len()).unwrap_or(u64::MAX);
        concerned.extend(waitlist.iter().cloned());
        let facts = PoolFacts {
            limit: catalogue.seat_limit(&pool),
            held: counts.held,
            waitlist_goes_on: counts.waiting > in_sight,
            waitlist,
        };
        pools.insert(pool, facts);
    }
    let concerned: Vec<UserId> = concerned.into_iter().collect();
    let seats = seats_of_users(r, tenant, &concerned)?;
    Ok(SeatFacts { catalogue, pools, seats })
}

/// Writes what settling changed: the seats, the counters, the ledger, an event for each change.
pub(crate) fn store(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    changes: &[SeatChange],
) -> Result<(), Error> {
    let mut deltas: BTreeMap<&Pool, (i64, i64)> = BTreeMap::new();
    for change in changes {
        store_seat(tx, ctx, tenant, change)?;
        ledger::append(tx, ctx, tenant, change)?;
        tell(tx, ctx, tenant, change)?;
        let (held, waiting) = delta(&change.kind);
        let sums = deltas.entry(&change.pool).or_default();
        sums.0 += held;
        sums.1 += waiting;
    }
    for (pool, (held, waiting)) in deltas {
        tx.execute(
            "INSERT INTO pools (tenant, pool_kind, pool_key, held, waiting)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant, pool_kind, pool_key) DO UPDATE SET
                 held = pools.held + excluded.held,
                 waiting = pools.waiting + excluded.waiting",
            params![tenant.as_str(), pool.kind(), pool.key().as_str(), held, waiting],
        )?;
    }
    Ok(())
}

/// Appends the event of a change.
fn tell(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, change: &SeatChange) -> Result<(), Error> {
    let kind = match &change.kind {
        SeatChangeKind::Held | SeatChangeKind::Promoted { .. } => "license.held",
        SeatChangeKind::Waiting => "license.waiting",
        SeatChangeKind::Freed { .. } => "license.freed",
        SeatChangeKind::Withdrawn { .. } => "license.withdrawn",
        SeatChangeKind::Restated => "license.restated",
    };
    let payload = json!({"pool": change.pool, "change": change.kind, "reason": change.reason});
    db::event::append(tx, ctx, tenant.as_str(), kind, &change.user.0, &payload)?;
    Ok(())
}

fn waitlist(r: &mut Read, tenant: &TenantId, pool: &Pool) -> Result<Vec<UserId>, Error> {
    let users = r.query(
        "SELECT user_id FROM seats
         WHERE tenant = $1 AND pool_kind = $2 AND pool_key = $3 AND state = 'waiting'
         ORDER BY priority DESC, since, user_id LIMIT $4",
        params![tenant.as_str(), pool.kind(), pool.key().as_str(), WAITLIST_HEAD_MAX],
        |row| Ok(UserId(row.text(0)?)),
    )?;
    Ok(users)
}

/// By how much a change raises the number of holders and of waiters.
fn delta(kind: &SeatChangeKind) -> (i64, i64) {
    match kind {
        SeatChangeKind::Held => (1, 0),
        SeatChangeKind::Waiting => (0, 1),
        SeatChangeKind::Promoted { .. } => (1, -1),
        SeatChangeKind::Freed { .. } => (-1, 0),
        SeatChangeKind::Withdrawn { .. } => (0, -1),
        SeatChangeKind::Restated => (0, 0),
    }
}

fn store_seat(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, change: &SeatChange) -> Result<(), Error> {
    let (kind, key, user) = (change.pool.kind(), change.pool.key().as_str(), &change.user.0);
    let reason = stored::to_json(&change.reason)?;
    let Precedence { order, priority } = change.precedence;
    let state = match &change.kind {
        SeatChangeKind::Held | SeatChangeKind::Promoted { .. } => SeatState::Held,
        SeatChangeKind::Waiting => SeatState::Waiting,
        SeatChangeKind::Freed { .. } | SeatChangeKind::Withdrawn { .. } => {
            tx.execute(
                "DELETE FROM seats
                 WHERE tenant = $1 AND user_id = $2 AND pool_kind = $3 AND pool_key = $4",
                params![tenant.as_str(), user, kind, key],
            )?;
            return Ok(());
        }
        SeatChangeKind::Restated => {
            tx.execute(
                "UPDATE seats SET reason = $1, claim_order = $2, priority = $3
                 WHERE tenant = $4 AND user_id = $5 AND pool_kind = $6 AND pool_key = $7",
                params![reason, order, priority, tenant.as_str(), user, kind, key],
            )?;
            return Ok(());
        }
    };
    tx.execute(
        "INSERT INTO seats (tenant, pool_kind, pool_key, user_id, state, since, reason, claim_order,
             priority)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (tenant, user_id, pool_kind, pool_key) DO UPDATE SET
             state = excluded.state, since = excluded.since, reason = excluded.reason,
             claim_order = excluded.claim_order, priority = excluded.priority",
        params![
            tenant.as_str(),
            kind,
            key,
            user,
            state.as_str(),
            ctx.now,
            reason,
            order,
            priority
        ],
    )?;
    Ok(())
}

fn read_seat(row: &Row) -> Result<Seat, db::Error> {
    Ok(Seat {
        user: UserId(row.text(0)?),
        pool: stored::pool(row.text_ref(1)?, row.text_ref(2)?)?,
        state: stored::word("A seat's state", row.text_ref(3)?, SeatState::from_name)?,
        since: row.timestamp(4)?,
        reason: stored::json("A seat's reason", row.text_ref(5)?)?,
        precedence: Precedence {
            order: u32::try_from(row.int(6)?).unwrap_or(u32::MAX),
            priority: u32::try_from(row.int(7)?).unwrap_or(u32::MAX),
        },
    })
}
