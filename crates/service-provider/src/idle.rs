//! Idle seats of a tenant: who holds one without using the account, since when, and what it costs.
//!
//! An account is used when a session of its user begins, when a meeting of theirs is scheduled or
//! takes place, and when one is recorded.

use std::collections::BTreeMap;

use db::{Read, Row, Value, params};
use entitlement::{
    Activity, ActivityKind, HeldSeat, IdleSeat, Pool, Sums, UnusedSeats, UserId, idle_cost,
    idle_cutoff, idle_seats, last_activity, unused_seats,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::limits::{IDLE_COUNT_MAX, IDLE_PAGE_MAX};
use crate::provider::ServiceProvider;
use crate::rules::{self, Rules};
use crate::{Error, TenantId, seat, stored};

/// What is held or paid for without being used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdleReport {
    /// After how many days without activity a seat is idle.
    pub days: u32,
    /// The idle seats, the longest idle first.
    pub idle: Vec<IdleSeat>,
    /// What they cost together in a month, as far as prices are known.
    pub idle_cost: Sums,
    /// Seats that are paid for and that nobody holds.
    pub unused: Vec<UnusedSeats>,
    /// What these cost together in a month.
    pub unused_cost: Sums,
}

impl ServiceProvider {
    /// Seats of a tenant that were not used for so many days, and seats that nobody holds.
    pub fn idle_seats(&self, tenant: &TenantId, days: u32) -> Result<IdleReport, Error> {
        let now = self.clock().now();
        self.db().read(|r| {
            let rules = rules::rules(r, tenant)?;
            let mut idle = all_idle(r, tenant, &rules, now, days)?;
            idle.sort_by(|a, b| (a.idle_since, &a.user).cmp(&(b.idle_since, &b.user)));
            let held = held(r, tenant)?;
            let unused =
                unused_seats(&rules.catalogue, |pool| held.get(pool).copied().unwrap_or(0));
            Ok(IdleReport {
                days,
                idle_cost: idle_cost(&idle),
                unused_cost: unused.iter().map(|unused| unused.cost).collect(),
                idle,
                unused,
            })
        })
    }
}

/// How many seats of each pool are held.
pub(crate) fn held(r: &mut Read, tenant: &TenantId) -> Result<BTreeMap<Pool, u64>, Error> {
    let counts = seat::pool_counts(r, tenant)?;
    Ok(counts.into_iter().map(|(pool, counts)| (pool, counts.held)).collect())
}

/// Every idle seat of a tenant, by user, up to a limit.
pub(crate) fn all_idle(
    r: &mut Read,
    tenant: &TenantId,
    rules: &Rules,
    now: Timestamp,
    days: u32,
) -> Result<Vec<IdleSeat>, Error> {
    let default = rules.settings.default_license.as_ref();
    let mut idle = Vec::new();
    let mut after = String::new();
    loop {
        let page = users_with_old_seats(r, tenant, idle_cutoff(now, days), &after)?;
        let Some(last) = page.last().cloned() else { break };
        let seats = held_seats(r, tenant, &page, now)?;
        idle.extend(idle_seats(&rules.catalogue, default, &seats, now, days));
        if idle.len() > IDLE_COUNT_MAX {
            tracing::warn!(%tenant, "more seats are idle than are looked at");
            idle.truncate(IDLE_COUNT_MAX);
            break;
        }
        after = last.0;
    }
    Ok(idle)
}

/// Which seats of these users are idle now.
pub(crate) fn idle_of_users(
    r: &mut Read,
    tenant: &TenantId,
    rules: &Rules,
    users: &[UserId],
    (now, days): (Timestamp, u32),
) -> Result<Vec<IdleSeat>, Error> {
    let seats = held_seats(r, tenant, users, now)?;
    let default = rules.settings.default_license.as_ref();
    Ok(idle_seats(&rules.catalogue, default, &seats, now, days))
}

/// The next users after `after` who hold a seat that is older than `cutoff`.
fn users_with_old_seats(
    r: &mut Read,
    tenant: &TenantId,
    cutoff: Timestamp,
    after: &str,
) -> Result<Vec<UserId>, Error> {
    let users = r.query(
        "SELECT DISTINCT user_id FROM seats
         WHERE tenant = $1 AND user_id > $2 AND state = 'held' AND since <= $3
         ORDER BY user_id LIMIT $4",
        params![tenant.as_str(), after, cutoff, IDLE_PAGE_MAX],
        |row| Ok(UserId(row.text(0)?)),
    )?;
    Ok(users)
}

/// The seats these users hold, each with what they did last.
fn held_seats(
    r: &mut Read,
    tenant: &TenantId,
    users: &[UserId],
    now: Timestamp,
) -> Result<Vec<HeldSeat>, Error> {
    let (names, ids) = stored::in_users(3, users);
    let sql = format!(
        "SELECT s.user_id, COALESCE(u.user_name, s.user_id), s.pool_kind, s.pool_key, s.since,
             s.reason,
             (SELECT MAX(i.started_at) FROM sessions i
              WHERE i.tenant = s.tenant AND i.user_id = s.user_id),
             (SELECT MAX(CASE WHEN m.start_at <= $1 AND m.cancelled_at IS NULL THEN m.start_at
                  ELSE m.created_at END)
              FROM meetings m WHERE m.tenant = s.tenant AND m.host_id = s.user_id),
             (SELECT MAX(c.recorded_at) FROM recordings c
              WHERE c.tenant = s.tenant AND c.host_id = s.user_id)
         FROM seats s LEFT JOIN users u ON u.tenant = s.tenant AND u.id = s.user_id
         WHERE s.tenant = $2 AND s.user_id IN ({names}) AND s.state = 'held'
         ORDER BY s.user_id, s.pool_kind, s.pool_key"
    );
    let mut params = vec![Value::from(now), Value::from(tenant.as_str())];
    params.extend(ids);
    Ok(r.query(&sql, &params, read_held)?)
}

fn read_held(row: &Row) -> Result<HeldSeat, db::Error> {
    let activity = |column: usize, what: ActivityKind| {
        Ok::<_, db::Error>(row.opt_timestamp(column)?.map(|at| Activity { at, what }))
    };
    let found = [
        activity(6, ActivityKind::SignIn)?,
        activity(7, ActivityKind::Meeting)?,
        activity(8, ActivityKind::Recording)?,
    ];
    Ok(HeldSeat {
        user: UserId(row.text(0)?),
        user_name: row.text(1)?,
        pool: stored::pool(row.text_ref(2)?, row.text_ref(3)?)?,
        since: row.timestamp(4)?,
        reason: stored::json("A seat's reason", row.text_ref(5)?)?,
        last: last_activity(found.into_iter().flatten()),
    })
}
