//! The forecast of each pool: what is held and waited for, who is invited, who joins and leaves as it
//! was told, which direct grants end, and where nobody told anything, how it went lately.

use std::collections::BTreeMap;

use db::{Read, params};
use entitlement::{DemandDay, Forecast, Pool, PoolDemand, Trend, UserId, forecast};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::demand::{DemandTarget, StoredDemand};
use crate::grant::GroupGrant;
use crate::limits::{INVITED_COUNT_MAX, SETTLE_BATCH_MAX, TREND_DAYS};
use crate::provider::ServiceProvider;
use crate::rules::{self, Rules};
use crate::{Error, TenantId, account, demand, grant, licensing, seat, stored};

/// Under what name the ends of direct grants are counted.
const DIRECT_GRANTS: &str = "direct grants that end";

impl ServiceProvider {
    /// What each pool of a tenant needs in the next `days`: licenses best first, then products.
    /// Retired license types are left out.
    pub fn forecast(&self, tenant: &TenantId, days: u32) -> Result<Vec<Forecast>, Error> {
        let now = self.clock().now();
        let today = TimeZone::UTC.to_datetime(now).date();
        self.db().read(|r| {
            let demands = demands(r, tenant, now)?;
            Ok(demands.iter().map(|demand| forecast(demand, today, days)).collect())
        })
    }
}

fn demands(r: &mut Read, tenant: &TenantId, now: Timestamp) -> Result<Vec<PoolDemand>, Error> {
    let rules = rules::rules(r, tenant)?;
    let invited = invited(r, tenant, &rules)?;
    let trends = trends(r, tenant, now)?;
    let grants = grant::group_grants(r, tenant)?;
    let told = told(&demand::all(r, tenant)?, &grants);
    let ends = ends_of_direct_grants(r, tenant)?;
    let pools = seat::pools(r, tenant)?.into_iter().filter(|row| !row.retired);
    let demand = |row: seat::PoolRow| {
        let mut days = told.get(&row.pool).cloned().unwrap_or_default();
        let net = trends.get(&row.pool).copied().unwrap_or(0);
        // The trend has the ends of direct grants in it, as far as they went on as before.
        let trend = days.is_empty().then_some(Trend { net, days: TREND_DAYS });
        if trend.is_none() || net == 0 {
            days.extend(ends.get(&row.pool).cloned().unwrap_or_default());
        }
        PoolDemand {
            name: row.name,
            limit: row.limit,
            held: row.held,
            waiting: row.waiting,
            invited: invited.get(&row.pool).copied().unwrap_or(0),
            days,
            trend,
            pool: row.pool,
        }
    };
    Ok(pools.map(demand).collect())
}

/// What was told, by pool; what a group's joiners need is what the group grants.
fn told(stored: &[StoredDemand], grants: &[GroupGrant]) -> BTreeMap<Pool, Vec<DemandDay>> {
    let mut by_pool: BTreeMap<Pool, Vec<DemandDay>> = BTreeMap::new();
    for StoredDemand { source, demand, .. } in stored {
        let pools: Vec<Pool> = match &demand.needs {
            DemandTarget::License(key) => vec![Pool::License(key.clone())],
            DemandTarget::Product(key) => vec![Pool::Product(key.clone())],
            DemandTarget::Group(name) => {
                let key = account::name_key(name);
                let of_name = grants.iter().filter(|one| account::name_key(&one.group_name) == key);
                of_name.flat_map(granted_pools).collect()
            }
        };
        for pool in pools {
            by_pool.entry(pool).or_default().push(DemandDay {
                date: demand.date,
                joiners: demand.joiners,
                leavers: demand.leavers,
                source: source.clone(),
            });
        }
    }
    by_pool
}

fn granted_pools(grant: &GroupGrant) -> Vec<Pool> {
    let license = grant.spec.license_type.iter().cloned().map(Pool::License);
    license.chain(grant.spec.products.iter().cloned().map(Pool::Product)).collect()
}

/// How many invited users would claim each pool, had they accepted.
fn invited(r: &mut Read, tenant: &TenantId, rules: &Rules) -> Result<BTreeMap<Pool, u64>, Error> {
    let users = r.query(
        "SELECT id FROM users WHERE tenant = $1 AND state = 'pending' ORDER BY id LIMIT $2",
        params![tenant.as_str(), INVITED_COUNT_MAX],
        |row| Ok(UserId(row.text(0)?)),
    )?;
    let mut counts: BTreeMap<Pool, u64> = BTreeMap::new();
    for batch in users.chunks(SETTLE_BATCH_MAX as usize) {
        for (_, entitlement) in licensing::entitlements_if_accepted(r, tenant, rules, batch)? {
            let license = entitlement.license().map(|claim| claim.pool.clone());
            let products = entitlement.products.iter().map(|claim| claim.pool.clone());
            for pool in license.into_iter().chain(products) {
                *counts.entry(pool).or_default() += 1;
            }
        }
    }
    Ok(counts)
}

/// Seats taken less seats given up in each pool, lately.
fn trends(r: &mut Read, tenant: &TenantId, now: Timestamp) -> Result<BTreeMap<Pool, i64>, Error> {
    let hours = 24 * i64::from(TREND_DAYS);
    let since = now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN);
    let rows = r.query(
        "SELECT pool_kind, pool_key, CAST(SUM(CASE WHEN change IN ('held', 'waiting') THEN 1
             WHEN change IN ('freed', 'withdrawn') THEN -1 ELSE 0 END) AS BIGINT)
         FROM seat_ledger WHERE tenant = $1 AND at > $2
         GROUP BY pool_kind, pool_key ORDER BY pool_kind, pool_key",
        params![tenant.as_str(), since],
        |row| Ok((stored::pool(row.text_ref(0)?, row.text_ref(1)?)?, row.int(2)?)),
    )?;
    Ok(rows.into_iter().collect())
}

/// The days after which seats that are held for a direct grant alone are not claimed any more.
fn ends_of_direct_grants(
    r: &mut Read,
    tenant: &TenantId,
) -> Result<BTreeMap<Pool, Vec<DemandDay>>, Error> {
    let rows = r.query(
        "SELECT d.pool_kind, d.pool_key, d.until, s.reason FROM direct_grants d
         JOIN seats s ON s.tenant = d.tenant AND s.user_id = d.user_id
             AND s.pool_kind = d.pool_kind AND s.pool_key = d.pool_key
         WHERE d.tenant = $1 AND d.until IS NOT NULL ORDER BY d.pool_kind, d.pool_key, d.until",
        params![tenant.as_str()],
        |row| {
            let pool = stored::pool(row.text_ref(0)?, row.text_ref(1)?)?;
            let reason: entitlement::Reason = stored::json("A seat's reason", row.text_ref(3)?)?;
            Ok((pool, row.date(2)?, matches!(reason, entitlement::Reason::Direct { .. })))
        },
    )?;
    let mut by_pool: BTreeMap<Pool, BTreeMap<Date, u32>> = BTreeMap::new();
    for (pool, until, is_reason) in rows {
        // A group that grants it too is told as the reason, and the seat stays.
        if is_reason && let Ok(day) = until.tomorrow() {
            *by_pool.entry(pool).or_default().entry(day).or_default() += 1;
        }
    }
    let days = |days: BTreeMap<Date, u32>| {
        let day = |(date, leavers)| DemandDay {
            date,
            joiners: 0,
            leavers,
            source: DIRECT_GRANTS.to_owned(),
        };
        days.into_iter().map(day).collect()
    };
    Ok(by_pool.into_iter().map(|(pool, found)| (pool, days(found))).collect())
}
