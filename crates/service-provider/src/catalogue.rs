//! The catalogue of a tenant as rows: license types, products, and presets that bring both.

use db::{Ctx, Read, Row, Tx, params};
use entitlement::{Catalogue, Currency, Key, LicenseType, Pool, Preset, Price, Product, limits};
use serde::Serialize;
use serde_json::json;

use crate::provider::ServiceProvider;
use crate::{Error, TenantId, grant, license, rules, seat, settings, settlement, stale, stored};

/// What applying a preset did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PresetApplied {
    /// License types written.
    pub license_types: u64,
    /// Products written.
    pub products: u64,
    /// Groups whose grant was set.
    pub grants: u64,
    /// Of these, the names of groups that do not exist yet; the grant waits for them.
    pub waiting_for_groups: Vec<String>,
    /// The default license.
    pub default_license: Option<Key>,
}

impl ServiceProvider {
    /// All license types and products of a tenant.
    pub fn catalogue(&self, tenant: &TenantId) -> Result<Catalogue, Error> {
        self.db().read(|r| catalogue(r, tenant))
    }

    /// Adds a license type or changes the one with its key. Whether it is retired is changed by
    /// [`Self::retire_license_type`] alone, since that is somebody's act; a new one may come
    /// retired.
    pub fn put_license_type(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        license_type: &LicenseType,
    ) -> Result<(), Error> {
        let (ctx, tenant, row) = (ctx.clone(), tenant.clone(), license_type.clone());
        self.db().write(tenant.turn(), move |tx| put_license_type(tx, &ctx, &tenant, &row))
    }

    /// Adds a product or changes the one with its key.
    pub fn put_product(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        product: &Product,
    ) -> Result<(), Error> {
        let (ctx, tenant, row) = (ctx.clone(), tenant.clone(), product.clone());
        self.db().write(tenant.turn(), move |tx| put_product(tx, &ctx, &tenant, &row))
    }

    /// Says what a seat of a pool costs in a month; none: that is not known.
    pub fn set_price(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        pool: &Pool,
        price: Option<Price>,
    ) -> Result<(), Error> {
        let (ctx, tenant, pool) = (ctx.clone(), tenant.clone(), pool.clone());
        self.db().write(tenant.turn(), move |tx| set_price(tx, &ctx, &tenant, &pool, price))
    }

    /// Removes a license type or product that nothing uses: nobody holds or waits for it, no group
    /// and no direct grant names it, and it is not the default.
    pub fn remove_pool(&self, ctx: &Ctx, tenant: &TenantId, pool: &Pool) -> Result<(), Error> {
        let (ctx, tenant, pool) = (ctx.clone(), tenant.clone(), pool.clone());
        self.db().write(tenant.turn(), move |tx| remove_pool(tx, &ctx, &tenant, &pool))
    }

    /// Sets how many seats of a pool may be held; none lifts the limit. Lower than what is held takes
    /// a seat from nobody: the pool is over its limit, and nobody new gets one, until enough are
    /// freed.
    pub fn set_seat_limit(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        pool: &Pool,
        limit: Option<u32>,
    ) -> Result<(), Error> {
        let (ctx, tenant, pool) = (ctx.clone(), tenant.clone(), pool.clone());
        self.db().write(tenant.turn(), move |tx| set_seat_limit(tx, &ctx, &tenant, &pool, limit))
    }

    /// Writes what a preset brings beside what is there: rows with its keys are changed, others
    /// stay.
    pub fn apply_preset(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        preset: &Preset,
    ) -> Result<PresetApplied, Error> {
        let (ctx, tenant, preset) = (ctx.clone(), tenant.clone(), preset.clone());
        self.db().write(tenant.turn(), move |tx| apply_preset(tx, &ctx, &tenant, &preset))
    }
}

/// All license types and products of a tenant.
pub(crate) fn catalogue(r: &mut Read, tenant: &TenantId) -> Result<Catalogue, Error> {
    let license_types = r.query(
        "SELECT key, name, rank, retired_at, seat_limit, user_types, price_minor_units,
             price_currency
         FROM license_types WHERE tenant = $1",
        params![tenant.as_str()],
        read_license_type,
    )?;
    let products = r.query(
        "SELECT key, name, seat_limit, price_minor_units, price_currency FROM products
         WHERE tenant = $1",
        params![tenant.as_str()],
        |row| {
            Ok(Product {
                key: stored::key(row.text_ref(0)?)?,
                name: row.text(1)?,
                seat_limit: seat_limit(row, 2)?,
                price: price(row, 3)?,
            })
        },
    )?;
    Ok(Catalogue::new(license_types, products))
}

/// Adds a license type or changes the one with its key.
pub(crate) fn put_license_type(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    license_type: &LicenseType,
) -> Result<(), Error> {
    let before = catalogue(tx, tenant)?;
    let old = before.license_type(&license_type.key);
    if old.is_none() {
        refuse_too_many("license types", before.license_types().len())?;
    }
    refuse_name(&license_type.name)?;
    for user_type in &license_type.user_types {
        refuse_name(user_type)?;
    }
    let retired = license_type.retired && old.is_none();
    tx.execute(
        "INSERT INTO license_types (tenant, key, name, rank, seat_limit, user_types, retired_at,
             retired_by, retired_cause, price_minor_units, price_currency)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (tenant, key) DO UPDATE SET
             name = excluded.name,
             rank = excluded.rank,
             seat_limit = excluded.seat_limit,
             user_types = excluded.user_types,
             price_minor_units = excluded.price_minor_units,
             price_currency = excluded.price_currency",
        params![
            tenant.as_str(),
            license_type.key.as_str(),
            &license_type.name,
            license_type.rank,
            license_type.seat_limit,
            stored::to_json(&license_type.user_types)?,
            retired.then_some(ctx.now),
            retired.then_some(ctx.actor.as_str()),
            retired.then_some(ctx.cause.as_str()),
            license_type.price.map(|price| price.minor_units),
            license_type.price.as_ref().map(|price| price.currency.as_str()),
        ],
    )?;
    rules::changed(tx, tenant)?;
    let changed = old.is_some_and(|old| {
        (old.rank, &old.user_types) != (license_type.rank, &license_type.user_types)
    });
    if changed {
        let reason = format!("rank or userType values of {} changed", license_type.name);
        settlement::open_for_everybody(tx, ctx, tenant, &reason)?;
    }
    stale::fill_pools(tx, ctx, tenant)?;
    let payload = json!({"license_type": license_type});
    append(tx, ctx, tenant, "license.type-set", license_type.key.as_str(), &payload)
}

/// Adds a product or changes the one with its key.
pub(crate) fn put_product(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    product: &Product,
) -> Result<(), Error> {
    let before = catalogue(tx, tenant)?;
    if before.product(&product.key).is_none() {
        refuse_too_many("products", before.products().count())?;
    }
    refuse_name(&product.name)?;
    tx.execute(
        "INSERT INTO products (tenant, key, name, seat_limit, price_minor_units, price_currency)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant, key) DO UPDATE SET
             name = excluded.name, seat_limit = excluded.seat_limit,
             price_minor_units = excluded.price_minor_units,
             price_currency = excluded.price_currency",
        params![
            tenant.as_str(),
            product.key.as_str(),
            &product.name,
            product.seat_limit,
            product.price.map(|price| price.minor_units),
            product.price.as_ref().map(|price| price.currency.as_str()),
        ],
    )?;
    rules::changed(tx, tenant)?;
    stale::fill_pools(tx, ctx, tenant)?;
    let payload = json!({"product": product});
    append(tx, ctx, tenant, "license.product-set", product.key.as_str(), &payload)
}

fn set_seat_limit(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    pool: &Pool,
    limit: Option<u32>,
) -> Result<(), Error> {
    let catalogue = catalogue(tx, tenant)?;
    license::known_pool(&catalogue, pool)?;
    let table = table_of(pool);
    tx.execute(
        &format!("UPDATE {table} SET seat_limit = $1 WHERE tenant = $2 AND key = $3"),
        params![limit, tenant.as_str(), pool.key().as_str()],
    )?;
    rules::changed(tx, tenant)?;
    stale::fill_pools(tx, ctx, tenant)?;
    let held = license::held(tx, tenant, pool)?;
    let over = limit.map_or(0, |limit| held.saturating_sub(limit.into()));
    let before = catalogue.seat_limit(pool);
    let payload = json!({"pool": pool, "before": before, "after": limit, "over": over});
    append(tx, ctx, tenant, "seats.limit-set", &pool.to_string(), &payload)
}

fn set_price(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    pool: &Pool,
    price: Option<Price>,
) -> Result<(), Error> {
    let catalogue = catalogue(tx, tenant)?;
    license::known_pool(&catalogue, pool)?;
    tx.execute(
        &format!(
            "UPDATE {} SET price_minor_units = $1, price_currency = $2
             WHERE tenant = $3 AND key = $4",
            table_of(pool)
        ),
        params![
            price.map(|price| price.minor_units),
            price.as_ref().map(|price| price.currency.as_str()),
            tenant.as_str(),
            pool.key().as_str()
        ],
    )?;
    rules::changed(tx, tenant)?;
    let payload = json!({"pool": pool, "before": catalogue.price(pool), "after": price});
    append(tx, ctx, tenant, "license.price-set", &pool.to_string(), &payload)
}

fn remove_pool(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, pool: &Pool) -> Result<(), Error> {
    let catalogue = catalogue(tx, tenant)?;
    license::known_pool(&catalogue, pool)?;
    let users = users_of(tx, tenant, pool)?;
    if !users.is_empty() {
        return Err(Error::Refused {
            sentence: format!(
                "{} is in use and cannot be removed: {}. Take that away first; a license type can be retired meanwhile.",
                catalogue.name(pool),
                users.join(", ")
            ),
        });
    }
    tx.execute(
        &format!("DELETE FROM {} WHERE tenant = $1 AND key = $2", table_of(pool)),
        params![tenant.as_str(), pool.key().as_str()],
    )?;
    tx.execute(
        "DELETE FROM pools WHERE tenant = $1 AND pool_kind = $2 AND pool_key = $3",
        params![tenant.as_str(), pool.kind(), pool.key().as_str()],
    )?;
    rules::changed(tx, tenant)?;
    let payload = json!({"pool": pool, "name": catalogue.name(pool)});
    append(tx, ctx, tenant, "license.pool-removed", &pool.to_string(), &payload)
}

/// What a license type or product is used by, in words.
fn users_of(r: &mut Read, tenant: &TenantId, pool: &Pool) -> Result<Vec<String>, Error> {
    let mut users = Vec::new();
    let counts = seat::pool_counts(r, tenant)?.get(pool).copied().unwrap_or_default();
    if counts.held > 0 || counts.waiting > 0 {
        users.push(format!("{} hold a seat and {} wait", counts.held, counts.waiting));
    }
    for grant in grant::group_grants(r, tenant)? {
        let names = match pool {
            Pool::License(key) => grant.spec.license_type.as_ref() == Some(key),
            Pool::Product(key) => grant.spec.products.contains(key),
        };
        if names {
            users.push(format!("group \"{}\" grants it", grant.group_name));
        }
    }
    let direct = r.query_one(
        "SELECT COUNT(*) FROM direct_grants WHERE tenant = $1 AND pool_kind = $2 AND pool_key = $3",
        params![tenant.as_str(), pool.kind(), pool.key().as_str()],
        |row| row.count(0),
    )?;
    if direct > 0 {
        users.push(format!("{direct} have it by hand"));
    }
    let default = settings::tenant_settings(r, tenant)?.default_license;
    if pool.is_license() && default.as_ref() == Some(pool.key()) {
        users.push("it is the tenant's default license".into());
    }
    Ok(users)
}

fn table_of(pool: &Pool) -> &'static str {
    match pool {
        Pool::License(_) => "license_types",
        Pool::Product(_) => "products",
    }
}

fn apply_preset(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    preset: &Preset,
) -> Result<PresetApplied, Error> {
    if let Some(finding) = preset.findings().first() {
        return Err(Error::Refused { sentence: finding.sentence("A member") });
    }
    let mut applied = PresetApplied::default();
    for license_type in &preset.license_types {
        put_license_type(tx, ctx, tenant, license_type)?;
        applied.license_types += 1;
    }
    for product in &preset.products {
        put_product(tx, ctx, tenant, product)?;
        applied.products += 1;
    }
    for group in &preset.groups {
        let spec = grant::GrantSpec {
            license_type: group.license_type.clone(),
            products: group.products.clone(),
            policies: group.policies.clone(),
            ..grant::GrantSpec::default()
        };
        let set = grant::set_group_grant(tx, ctx, tenant, &group.name, &spec)?;
        applied.grants += 1;
        if set.group.is_none() {
            applied.waiting_for_groups.push(group.name.clone());
        }
    }
    if let Some(key) = &preset.default_license {
        license::set_default_license(tx, ctx, tenant, Some(key))?;
    }
    applied.default_license.clone_from(&preset.default_license);
    Ok(applied)
}

fn read_license_type(row: &Row) -> Result<LicenseType, db::Error> {
    Ok(LicenseType {
        key: stored::key(row.text_ref(0)?)?,
        name: row.text(1)?,
        rank: u32::try_from(row.int(2)?).unwrap_or(u32::MAX),
        retired: row.opt_int(3)?.is_some(),
        seat_limit: seat_limit(row, 4)?,
        user_types: stored::json("A license type's userType values", row.text_ref(5)?)?,
        price: price(row, 6)?,
    })
}

fn seat_limit(row: &Row, column: usize) -> Result<Option<u32>, db::Error> {
    Ok(row.opt_int(column)?.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)))
}

/// A price in two columns from `first`.
fn price(row: &Row, first: usize) -> Result<Option<Price>, db::Error> {
    let Some(currency) = row.opt_text(first + 1)? else { return Ok(None) };
    let currency = Currency::parse(&currency)
        .map_err(|error| db::Error::unreadable("A stored currency", error))?;
    Ok(Some(Price { minor_units: row.count(first)?, currency }))
}

fn refuse_too_many(what: &str, count: usize) -> Result<(), Error> {
    if count < limits::CATALOGUE_ROW_COUNT_MAX {
        return Ok(());
    }
    let max = limits::CATALOGUE_ROW_COUNT_MAX;
    Err(Error::Refused {
        sentence: format!("A catalogue has at most {max} {what}. Remove one first."),
    })
}

fn refuse_name(name: &str) -> Result<(), Error> {
    if !name.trim().is_empty() && name.len() <= limits::NAME_BYTES_MAX {
        return Ok(());
    }
    Err(Error::Refused {
        sentence: format!(
            "`{name}` is no name. Give one of 1 to {} characters.",
            limits::NAME_BYTES_MAX
        ),
    })
}

fn append(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    kind: &str,
    subject: &str,
    payload: &serde_json::Value,
) -> Result<(), Error> {
    db::event::append(tx, ctx, tenant.as_str(), kind, subject, payload)?;
    Ok(())
}
