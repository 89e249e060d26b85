//! License types as they are given: the default, direct grants, `userType`.

use std::collections::BTreeMap;

use db::{Ctx, Read, Tx, Value, params};
use entitlement::{Catalogue, DirectGrant, Key, LicenseType, Pool, UserId, UserTypeMeaning};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;

use crate::limits::SEAT_LIST_MAX;
use crate::provider::ServiceProvider;
use crate::{
    Error, TenantId, account, catalogue, licensing, reclaim, seat, settings, settlement, stored,
};

impl ServiceProvider {
    /// Sets the license of users whom no grant gives one; none: they get nothing.
    pub fn set_default_license(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        key: Option<&Key>,
    ) -> Result<(), Error> {
        let (ctx, tenant, key) = (ctx.clone(), tenant.clone(), key.cloned());
        self.db()
            .write(tenant.turn(), move |tx| set_default_license(tx, &ctx, &tenant, key.as_ref()))
    }

    /// Gives a license type or product to one user, named by id, login or address, by hand: until the
    /// end of a day by UTC, or without an end.
    pub fn grant_directly(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        user: &str,
        pool: &Pool,
        until: Option<Date>,
    ) -> Result<licensing::Settled, Error> {
        let (ctx, tenant) = (ctx.clone(), tenant.clone());
        let (user, pool) = (user.to_owned(), pool.clone());
        self.db().write(tenant.turn(), move |tx| {
            let account = account::find(tx, &tenant, &user)?;
            grant_directly(tx, &ctx, &tenant, &account.id, &pool, until)
        })
    }

    /// What was given to users of a tenant by hand: by login, at most `limit` after `offset`.
    pub fn direct_grants(
        &self,
        tenant: &TenantId,
        (offset, limit): (u64, u32),
    ) -> Result<Vec<DirectGrantRow>, Error> {
        self.db().read(|r| direct_grants(r, tenant, (offset, limit)))
    }

    /// Takes back what was given to a user by hand.
    pub fn revoke_directly(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        user: &str,
        pool: &Pool,
    ) -> Result<licensing::Settled, Error> {
        let (ctx, tenant) = (ctx.clone(), tenant.clone());
        let (user, pool) = (user.to_owned(), pool.clone());
        self.db().write(tenant.turn(), move |tx| {
            let account = account::find(tx, &tenant, &user)?;
            revoke_directly(tx, &ctx, &tenant, &account.id, &pool)
        })
    }
}

/// Sets the license of users whom no grant gives one; none: they get nothing.
pub(crate) fn set_default_license(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    key: Option<&Key>,
) -> Result<(), Error> {
    if let Some(key) = key {
        known_live_type(&catalogue::catalogue(tx, tenant)?, key)?;
    }
    let mut changed = settings::tenant_settings(tx, tenant)?;
    if changed.default_license.as_ref() == key {
        return Ok(());
    }
    changed.default_license = key.cloned();
    settings::put_tenant_settings(tx, ctx, tenant, &changed)?;
    let reason = "the tenant's default license changed";
    settlement::open_for_everybody(tx, ctx, tenant, reason).map(drop)
}

/// Gives a license type or product to one user by hand, and settles them.
fn grant_directly(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
    pool: &Pool,
    until: Option<Date>,
) -> Result<licensing::Settled, Error> {
    let catalogue = catalogue::catalogue(tx, tenant)?;
    match pool {
        Pool::License(key) => known_live_type(&catalogue, key).map(drop)?,
        Pool::Product(_) => known_pool(&catalogue, pool)?,
    }
    account::required(tx, tenant, user)?;
    if let Some(day) = until
        && end_of(day).is_none_or(|end| end <= ctx.now)
    {
        return Err(Error::refused(format!(
            "{day} is over, so the grant would end before it begins. Name a later day, or none."
        )));
    }
    insert_direct(tx, ctx, tenant, user, pool, until)?;
    // Somebody decided that this user is to have it, idle or not.
    reclaim::forget(tx, tenant, user)?;
    let payload = json!({"pool": pool, "until": until});
    db::event::append(tx, ctx, tenant.as_str(), "license.granted-directly", &user.0, &payload)?;
    licensing::settle_one(tx, ctx, tenant, user)
}

/// Takes a direct grant back, and settles the user.
fn revoke_directly(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
    pool: &Pool,
) -> Result<licensing::Settled, Error> {
    let gone = tx.execute(
        "DELETE FROM direct_grants
         WHERE tenant = $1 AND user_id = $2 AND pool_kind = $3 AND pool_key = $4",
        params![tenant.as_str(), &user.0, pool.kind(), pool.key().as_str()],
    )?;
    if gone == 0 {
        let id = format!("{pool} of {user}");
        return Err(Error::NotFound { noun: "direct grant", id });
    }
    let payload = json!({"pool": pool});
    db::event::append(tx, ctx, tenant.as_str(), "license.revoked-directly", &user.0, &payload)?;
    licensing::settle_one(tx, ctx, tenant, user)
}

/// What was given to each of these users by hand.
pub(crate) fn direct_grants_of_users(
    r: &mut Read,
    tenant: &TenantId,
    users: &[UserId],
) -> Result<BTreeMap<UserId, Vec<DirectGrant>>, Error> {
    let (names, ids) = stored::in_users(2, users);
    let sql = format!(
        "SELECT user_id, pool_kind, pool_key, granted_by, granted_at, until FROM direct_grants
         WHERE tenant = $1 AND user_id IN ({names}) ORDER BY user_id, pool_kind, pool_key"
    );
    let mut params = vec![Value::from(tenant.as_str())];
    params.extend(ids);
    let rows = r.query(&sql, &params, |row| {
        let grant = DirectGrant {
            pool: stored::pool(row.text_ref(1)?, row.text_ref(2)?)?,
            by: row.text(3)?,
            at: row.timestamp(4)?,
            until: row.opt_date(5)?,
        };
        Ok((UserId(row.text(0)?), grant))
    })?;
    let mut by_user: BTreeMap<UserId, Vec<DirectGrant>> = BTreeMap::new();
    for (user, grant) in rows {
        by_user.entry(user).or_default().push(grant);
    }
    Ok(by_user)
}

/// A direct grant as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectGrantRow {
    /// The user.
    pub user: UserId,
    /// The login.
    pub user_name: String,
    /// What is given.
    #[serde(flatten)]
    pub pool: Pool,
    /// Who gave it.
    pub granted_by: String,
    /// When.
    pub granted_at: Timestamp,
    /// The last day on which it is good; none: without an end.
    pub until: Option<Date>,
}

fn direct_grants(
    r: &mut Read,
    tenant: &TenantId,
    (offset, limit): (u64, u32),
) -> Result<Vec<DirectGrantRow>, Error> {
    let rows = r.query(
        "SELECT d.user_id, COALESCE(u.user_name, d.user_id), d.pool_kind, d.pool_key, d.granted_by,
             d.granted_at, d.until
         FROM direct_grants d LEFT JOIN users u ON u.tenant = d.tenant AND u.id = d.user_id
         WHERE d.tenant = $1 ORDER BY d.user_id, d.pool_kind, d.pool_key LIMIT $2 OFFSET $3",
        params![tenant.as_str(), limit.min(SEAT_LIST_MAX), offset],
        |row| {
            Ok(DirectGrantRow {
                user: UserId(row.text(0)?),
                user_name: row.text(1)?,
                pool: stored::pool(row.text_ref(2)?, row.text_ref(3)?)?,
                granted_by: row.text(4)?,
                granted_at: row.timestamp(5)?,
                until: row.opt_date(6)?,
            })
        },
    )?;
    Ok(rows)
}

/// The direct grants of any tenant that have ended, those that ended first in front.
pub(crate) fn ended(
    r: &mut Read,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(TenantId, UserId)>, Error> {
    let rows = r.query(
        "SELECT tenant, user_id FROM direct_grants WHERE ends_at IS NOT NULL AND ends_at <= $1
         ORDER BY ends_at, tenant, user_id LIMIT $2",
        params![now, limit],
        |row| Ok((TenantId::new(row.text(0)?), UserId(row.text(1)?))),
    )?;
    Ok(rows)
}

/// Ends the direct grants of a user whose last day is over, and settles the user.
pub(crate) fn end_directly(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
) -> Result<(), Error> {
    let gone = tx.query(
        "DELETE FROM direct_grants
         WHERE tenant = $1 AND user_id = $2 AND ends_at IS NOT NULL AND ends_at <= $3
         RETURNING pool_kind, pool_key, until",
        params![tenant.as_str(), &user.0, ctx.now],
        |row| Ok((stored::pool(row.text_ref(0)?, row.text_ref(1)?)?, row.opt_date(2)?)),
    )?;
    for (pool, until) in &gone {
        let payload = json!({"pool": pool, "until": until});
        db::event::append(
            tx,
            ctx,
            tenant.as_str(),
            "license.direct-grant-ended",
            &user.0,
            &payload,
        )?;
    }
    if gone.is_empty() { Ok(()) } else { licensing::settle_one(tx, ctx, tenant, user).map(drop) }
}

/// The moment after a day, by UTC.
fn end_of(day: Date) -> Option<Timestamp> {
    let midnight = day.tomorrow().ok()?.at(0, 0, 0, 0);
    TimeZone::UTC.to_timestamp(midnight).ok()
}

/// Forgets the direct grants of a user who is deleted.
pub(crate) fn forget_direct_grants(
    tx: &mut Tx,
    tenant: &TenantId,
    user: &UserId,
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM direct_grants WHERE tenant = $1 AND user_id = $2",
        params![tenant.as_str(), &user.0],
    )?;
    Ok(())
}

/// Refuses a request that sets `userType` to a retired license type ("Basic" hard-coded in a
/// mapping). A value that was there before may stay: an identity provider sends back what it read.
pub(crate) fn check_user_type(
    r: &mut Read,
    tenant: &TenantId,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<(), Error> {
    let Some(value) = after.filter(|after| before != Some(*after)) else { return Ok(()) };
    let catalogue = catalogue::catalogue(r, tenant)?;
    let UserTypeMeaning::Retired(row) = catalogue.user_type(value) else { return Ok(()) };
    Err(scim::Error::bad_request(
        scim::ScimType::InvalidValue,
        format!(
            "userType \"{value}\" is not accepted: the license type {} is retired. Drop the constant userType mapping at the identity provider and assign licenses by group; users in no granting group get the tenant's default license.",
            row.name
        ),
    )
    .into())
}

/// The license type with this key, or a refusal that says where to look.
pub(crate) fn known_type<'c>(
    catalogue: &'c Catalogue,
    key: &Key,
) -> Result<&'c LicenseType, Error> {
    catalogue
        .license_type(key)
        .ok_or_else(|| Error::NotFound { noun: "license type", id: key.to_string() })
}

/// The license type with this key if it can be granted.
pub(crate) fn known_live_type<'c>(
    catalogue: &'c Catalogue,
    key: &Key,
) -> Result<&'c LicenseType, Error> {
    let row = known_type(catalogue, key)?;
    if !row.retired {
        return Ok(row);
    }
    Err(Error::Refused {
        sentence: format!(
            "{} is retired and is granted to nobody anew. Name a live license type; `muster license list` shows them.",
            row.name
        ),
    })
}

/// Refuses a pool that the catalogue does not have.
pub(crate) fn known_pool(catalogue: &Catalogue, pool: &Pool) -> Result<(), Error> {
    match pool {
        Pool::License(key) => known_type(catalogue, key).map(drop),
        Pool::Product(key) if catalogue.product(key).is_some() => Ok(()),
        Pool::Product(key) => Err(Error::NotFound { noun: "product", id: key.to_string() }),
    }
}

/// How many seats of a pool are held.
pub(crate) fn held(r: &mut Read, tenant: &TenantId, pool: &Pool) -> Result<u64, Error> {
    Ok(seat::pool_counts(r, tenant)?.get(pool).map_or(0, |counts| counts.held))
}

/// Writes a direct grant; of one that is there only the end changes.
pub(crate) fn insert_direct(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
    pool: &Pool,
    until: Option<Date>,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO direct_grants (tenant, user_id, pool_kind, pool_key, granted_by, granted_at,
             until, ends_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (tenant, user_id, pool_kind, pool_key) DO UPDATE SET
             until = excluded.until, ends_at = excluded.ends_at",
        params![
            tenant.as_str(),
            &user.0,
            pool.kind(),
            pool.key().as_str(),
            &ctx.actor,
            ctx.now,
            until.map(|day| day.to_string()),
            until.and_then(end_of),
        ],
    )?;
    Ok(())
}
