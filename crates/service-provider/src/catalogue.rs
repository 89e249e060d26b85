//! The catalogue of a tenant as rows: license types, products, and presets that bring both.

use db::{Ctx, Read, Row, Tx, params};
use entitlement::{Catalogue, Key, LicenseType, Pool, Preset, Product, limits};
use serde::Serialize;
use serde_json::json;

use crate::provider::ServiceProvider;
use crate::{Error, TenantId, grant, license, stale, stored};

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

    /// Sets how many seats of a pool may be held; none lifts the limit. Lower than what is held is
    /// refused, since it would have to take seats from somebody.
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
        "SELECT key, name, rank, retired_at, seat_limit, user_types FROM license_types
         WHERE tenant = $1",
        params![tenant.as_str()],
        read_license_type,
    )?;
    let products = r.query(
        "SELECT key, name, seat_limit FROM products WHERE tenant = $1",
        params![tenant.as_str()],
        |row| {
            Ok(Product {
                key: stored::key(row.text_ref(0)?)?,
                name: row.text(1)?,
                seat_limit: seat_limit(row, 2)?,
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
    if let Some(limit) = license_type.seat_limit {
        refuse_below_held(tx, tenant, &before, &Pool::License(license_type.key.clone()), limit)?;
    }
    let retired = license_type.retired && old.is_none();
    tx.execute(
        "INSERT INTO license_types (tenant, key, name, rank, seat_limit, user_types, retired_at,
             retired_by, retired_cause)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (tenant, key) DO UPDATE SET
             name = excluded.name,
             rank = excluded.rank,
             seat_limit = excluded.seat_limit,
             user_types = excluded.user_types",
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
        ],
    )?;
    let changed = old.is_some_and(|old| {
        (old.rank, &old.user_types) != (license_type.rank, &license_type.user_types)
    });
    if changed {
        let reason = format!("rank or userType values of {} changed", license_type.name);
        stale::mark_all(tx, ctx, tenant, &reason)?;
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
    if let Some(limit) = product.seat_limit {
        refuse_below_held(tx, tenant, &before, &Pool::Product(product.key.clone()), limit)?;
    }
    tx.execute(
        "INSERT INTO products (tenant, key, name, seat_limit) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, key) DO UPDATE SET
             name = excluded.name, seat_limit = excluded.seat_limit",
        params![tenant.as_str(), product.key.as_str(), &product.name, product.seat_limit],
    )?;
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
    if let Some(limit) = limit {
        refuse_below_held(tx, tenant, &catalogue, pool, limit)?;
    }
    let table = match pool {
        Pool::License(_) => "license_types",
        Pool::Product(_) => "products",
    };
    tx.execute(
        &format!("UPDATE {table} SET seat_limit = $1 WHERE tenant = $2 AND key = $3"),
        params![limit, tenant.as_str(), pool.key().as_str()],
    )?;
    stale::fill_pools(tx, ctx, tenant)?;
    let payload = json!({"pool": pool, "before": catalogue.seat_limit(pool), "after": limit});
    append(tx, ctx, tenant, "seats.limit-set", &pool.to_string(), &payload)
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
    })
}

fn seat_limit(row: &Row, column: usize) -> Result<Option<u32>, db::Error> {
    Ok(row.opt_int(column)?.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)))
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

fn refuse_below_held(
    r: &mut Read,
    tenant: &TenantId,
    catalogue: &Catalogue,
    pool: &Pool,
    limit: u32,
) -> Result<(), Error> {
    let held = license::held(r, tenant, pool)?;
    if held <= u64::from(limit) {
        return Ok(());
    }
    Err(Error::Refused {
        sentence: format!(
            "{} cannot be limited to {limit} seats: {held} are held. Free {} first; `muster seats list` says by whom.",
            catalogue.name(pool),
            held - u64::from(limit)
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
