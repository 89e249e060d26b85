//! The configuration of a tenant as rows: read as one value, and written where it differs.

use std::collections::BTreeMap;

use db::{Ctx, Read, Tx};

use super::{GrantConfig, LicenseTypeConfig, TenantConfig};
use crate::grant::GroupGrant;
use crate::tenant::{self, Tenant, TenantId};
use crate::{Result, account, catalogue, grant, license, retirement, settings};

/// The configuration of a tenant as it is.
pub(super) fn present(r: &mut Read, tenant: &Tenant) -> Result<TenantConfig> {
    let catalogue = catalogue::catalogue(r, &tenant.id)?;
    let settings = settings::tenant_settings(r, &tenant.id)?;
    let mut grants: BTreeMap<String, GroupGrant> = BTreeMap::new();
    for row in grant::group_grants(r, &tenant.id)? {
        // A grant that waits for a name which another group has meanwhile says nothing.
        let key = account::name_key(&row.group_name);
        if row.group.is_some() || !grants.contains_key(&key) {
            grants.insert(key, row);
        }
    }
    let mut present = TenantConfig {
        name: tenant.name.clone(),
        preset: None,
        default_license: settings.default_license,
        self_signup: settings.self_signup,
        adopt: settings.adopt,
        effects: settings.effects,
        reclaim: settings.reclaim,
        license_types: catalogue.license_types().into_iter().cloned().map(Into::into).collect(),
        products: catalogue.products().cloned().map(Into::into).collect(),
        grants: grants
            .into_values()
            .map(|row| GrantConfig {
                group: row.group_name,
                license: row.spec.license_type,
                products: row.spec.products,
                policies: row.spec.policies,
                order: row.spec.order,
                priority: row.spec.priority,
            })
            .collect(),
    };
    present.put_in_order();
    Ok(present)
}

/// Makes the tenant be as the resolved configuration says. Says whether anything changed.
pub(super) fn put(tx: &mut Tx, ctx: &Ctx, wanted: &TenantConfig) -> Result<bool> {
    let found = tenant::find(tx, &wanted.name)?;
    let is_new = found.is_none();
    let tenant = match found {
        Some(tenant) => tenant,
        None => tenant::create(tx, ctx, &wanted.name)?,
    };
    let before = present(tx, &tenant)?;
    let after = wanted.over(&before);
    if after == before {
        return Ok(is_new);
    }
    put_catalogue(tx, ctx, &tenant.id, &before, &after)?;
    if after.default_license != before.default_license {
        license::set_default_license(tx, ctx, &tenant.id, after.default_license.as_ref())?;
    }
    settings::put_tenant_settings(tx, ctx, &tenant.id, &after.settings())?;
    // After the default, since the default cannot be retired; before the grants, since a retired
    // type cannot be granted.
    for row in after.license_types.iter().filter(|row| row.retired) {
        if before.license_type(&row.key).is_some_and(|old| !old.retired) {
            retirement::retire_license_type(tx, ctx, &tenant.id, &row.key)?;
        }
    }
    put_grants(tx, ctx, &tenant.id, &before, &after)?;
    Ok(true)
}

fn put_catalogue(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    before: &TenantConfig,
    after: &TenantConfig,
) -> Result<()> {
    for row in &after.license_types {
        let old = before.license_type(&row.key);
        let same = old
            .is_some_and(|old| LicenseTypeConfig { retired: row.retired, ..old.clone() } == *row);
        if !same {
            catalogue::put_license_type(tx, ctx, tenant, &row.into())?;
        }
    }
    for row in &after.products {
        if before.product(&row.key) != Some(row) {
            catalogue::put_product(tx, ctx, tenant, &row.into())?;
        }
    }
    Ok(())
}

fn put_grants(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    before: &TenantConfig,
    after: &TenantConfig,
) -> Result<()> {
    for row in &before.grants {
        if after.grant(&row.group).is_none() {
            grant::remove_group_grant(tx, ctx, tenant, &row.group)?;
        }
    }
    for row in &after.grants {
        let same = before.grant(&row.group).is_some_and(|old| {
            let named_alike = GrantConfig { group: row.group.clone(), ..old.clone() };
            named_alike == *row
        });
        if !same {
            grant::set_group_grant(tx, ctx, tenant, &row.group, &row.into())?;
        }
    }
    Ok(())
}
