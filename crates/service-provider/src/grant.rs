//! What groups grant to their members, as rows.
//!
//! A grant is set for a group's name. If the group exists the grant is bound to its id at once and
//! follows it through renames; if not, it waits for a group of that name, since it is the identity
//! provider that brings the groups. A deleted group leaves its grant waiting under the last name.

use std::collections::BTreeMap;

use db::{Ctx, Read, Row, Tx, params};
use entitlement::{Catalogue, Finding, Grant, GroupId, Key, limits};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::limits::GROUP_GRANT_COUNT_MAX;
use crate::provider::ServiceProvider;
use crate::{Error, TenantId, account, catalogue, rules, settlement, stored};

/// What a group is to grant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrantSpec {
    /// The license type.
    pub license_type: Option<Key>,
    /// The products.
    pub products: Vec<Key>,
    /// Named settings that the group imposes.
    pub policies: BTreeMap<String, String>,
    /// Its place in the order of grants: of license types of equal rank the first wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<u32>,
    /// Its priority on waitlists: higher goes first.
    pub priority: u32,
}

/// A grant as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupGrant {
    /// The group, once there is one of this name.
    pub group: Option<GroupId>,
    /// Its name today, or the name the grant waits for.
    pub group_name: String,
    /// What it grants.
    #[serde(flatten)]
    pub spec: GrantSpec,
    /// Who set it.
    pub granted_by: String,
    /// When.
    pub granted_at: jiff::Timestamp,
}

/// What setting or removing a grant did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantSet {
    /// The group it is bound to; none: it waits for a group of this name.
    pub group: Option<GroupId>,
    /// Members whose entitlement is decided again.
    pub members: u64,
}

/// A row of the table.
struct Stored {
    id: String,
    group: Option<GroupId>,
    spec: GrantSpec,
}

impl ServiceProvider {
    /// Sets what the group of this name grants, in place of what it granted before.
    pub fn set_group_grant(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        group_name: &str,
        spec: &GrantSpec,
    ) -> Result<GrantSet, Error> {
        let (ctx, tenant) = (ctx.clone(), tenant.clone());
        let (name, spec) = (group_name.to_owned(), spec.clone());
        self.db().write(tenant.turn(), move |tx| set_group_grant(tx, &ctx, &tenant, &name, &spec))
    }

    /// Removes what the group of this name grants.
    pub fn remove_group_grant(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        group_name: &str,
    ) -> Result<GrantSet, Error> {
        let (ctx, tenant, name) = (ctx.clone(), tenant.clone(), group_name.to_owned());
        self.db().write(tenant.turn(), move |tx| remove_group_grant(tx, &ctx, &tenant, &name))
    }

    /// Every grant of a tenant, by the group's name.
    pub fn group_grants(&self, tenant: &TenantId) -> Result<Vec<GroupGrant>, Error> {
        self.db().read(|r| group_grants(r, tenant))
    }
}

/// Sets what the group of this name grants, in place of what it granted before.
pub(crate) fn set_group_grant(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group_name: &str,
    spec: &GrantSpec,
) -> Result<GrantSet, Error> {
    let catalogue = catalogue::catalogue(tx, tenant)?;
    refuse_spec(&catalogue, group_name, spec)?;
    let group = account::group_named(tx, tenant, group_name)?;
    let old = find(tx, tenant, group.as_ref(), group_name)?;
    if old.is_none() {
        refuse_too_many(tx, tenant)?;
    }
    if old.as_ref().is_some_and(|old| old.spec == *spec && old.group == group) {
        return Ok(GrantSet { group, members: 0 });
    }
    let id = old.as_ref().map_or_else(db::new_id, |old| old.id.clone());
    tx.execute(
        "INSERT INTO group_grants (tenant, id, group_id, group_name, group_name_key,
             license_type, products, policies, grant_order, priority, granted_by, granted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (tenant, id) DO UPDATE SET
             group_id = excluded.group_id,
             group_name = excluded.group_name,
             group_name_key = excluded.group_name_key,
             license_type = excluded.license_type,
             products = excluded.products,
             policies = excluded.policies,
             grant_order = excluded.grant_order,
             priority = excluded.priority,
             granted_by = excluded.granted_by,
             granted_at = excluded.granted_at",
        params![
            tenant.as_str(),
            id,
            group.as_ref().map(|group| group.0.as_str()),
            group_name.trim(),
            account::name_key(group_name),
            spec.license_type.as_ref().map(Key::as_str),
            stored::to_json(&spec.products)?,
            stored::to_json(&spec.policies)?,
            spec.order,
            spec.priority,
            &ctx.actor,
            ctx.now,
        ],
    )?;
    rules::changed(tx, tenant)?;
    let payload = json!({"before": old.map(|old| old.spec), "after": spec, "group": &group});
    append(tx, ctx, tenant, "license.grant-set", group_name, &payload)?;
    let members = settle_members(tx, ctx, tenant, group.as_ref(), group_name, "changed")?;
    Ok(GrantSet { group, members })
}

/// Removes what the group of this name grants.
pub(crate) fn remove_group_grant(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group_name: &str,
) -> Result<GrantSet, Error> {
    let group = account::group_named(tx, tenant, group_name)?;
    let Some(old) = find(tx, tenant, group.as_ref(), group_name)? else {
        return Err(Error::NotFound { noun: "grant of group", id: group_name.to_owned() });
    };
    tx.execute(
        "DELETE FROM group_grants WHERE tenant = $1 AND id = $2",
        params![tenant.as_str(), &old.id],
    )?;
    rules::changed(tx, tenant)?;
    let payload = json!({"before": old.spec, "group": &old.group});
    append(tx, ctx, tenant, "license.grant-removed", group_name, &payload)?;
    let members = settle_members(tx, ctx, tenant, old.group.as_ref(), group_name, "removed")?;
    Ok(GrantSet { group: old.group, members })
}

/// Every grant of a tenant, by the group's name.
pub(crate) fn group_grants(r: &mut Read, tenant: &TenantId) -> Result<Vec<GroupGrant>, Error> {
    let mut grants = r.query(
        "SELECT gg.group_id, COALESCE(g.display_name, gg.group_name), gg.license_type,
             gg.products, gg.policies, gg.grant_order, gg.priority, gg.granted_by, gg.granted_at
         FROM group_grants gg
         LEFT JOIN groups g ON g.tenant = gg.tenant AND g.id = gg.group_id
         WHERE gg.tenant = $1",
        params![tenant.as_str()],
        |row| {
            Ok(GroupGrant {
                group: row.opt_text(0)?.map(GroupId),
                group_name: row.text(1)?,
                spec: read_spec(row, 2)?,
                granted_by: row.text(7)?,
                granted_at: row.timestamp(8)?,
            })
        },
    )?;
    grants.sort_by(|one, other| one.group_name.cmp(&other.group_name));
    Ok(grants)
}

/// What each group that is there grants by itself.
pub(crate) fn bound_grants(
    r: &mut Read,
    tenant: &TenantId,
) -> Result<BTreeMap<GroupId, Grant>, Error> {
    let bound = group_grants(r, tenant)?.into_iter().filter_map(|row| {
        let GrantSpec { license_type, products, policies, order, priority } = row.spec;
        let (group, group_name, path) = (row.group?, row.group_name, Vec::new());
        let grant = Grant {
            group: group.clone(),
            group_name,
            path,
            order,
            priority,
            license_type,
            products,
            policies,
        };
        Some((group, grant))
    });
    Ok(bound.collect())
}

/// Binds a grant that waits for this name to the group that now has it; true if one did.
pub(crate) fn bind(
    tx: &mut Tx,
    tenant: &TenantId,
    group: &GroupId,
    display_name: &str,
) -> Result<bool, Error> {
    if bound_to(tx, tenant, group)?.is_some() {
        // It follows the group; a deletion later leaves it waiting under this name.
        tx.execute(
            "UPDATE group_grants SET group_name = $1, group_name_key = $2
             WHERE tenant = $3 AND group_id = $4",
            params![display_name, account::name_key(display_name), tenant.as_str(), &group.0],
        )?;
        return Ok(false);
    }
    let Some(waiting) = waiting_for(tx, tenant, display_name)? else { return Ok(false) };
    tx.execute(
        "UPDATE group_grants SET group_id = $1 WHERE tenant = $2 AND id = $3",
        params![&group.0, tenant.as_str(), &waiting.id],
    )?;
    Ok(true)
}

/// Leaves the grant of a group that is deleted waiting for another of its name.
pub(crate) fn unbind(tx: &mut Tx, tenant: &TenantId, group: &GroupId) -> Result<(), Error> {
    tx.execute(
        "UPDATE group_grants SET group_id = NULL WHERE tenant = $1 AND group_id = $2",
        params![tenant.as_str(), &group.0],
    )?;
    Ok(())
}

/// Puts `to` in place of `from` in every grant; says of how many groups.
pub(crate) fn replace_license(
    tx: &mut Tx,
    tenant: &TenantId,
    from: &Key,
    to: &Key,
) -> Result<u64, Error> {
    let count = tx.execute(
        "UPDATE group_grants SET license_type = $1 WHERE tenant = $2 AND license_type = $3",
        params![to.as_str(), tenant.as_str(), from.as_str()],
    )?;
    rules::changed(tx, tenant)?;
    Ok(count)
}

fn find(
    r: &mut Read,
    tenant: &TenantId,
    group: Option<&GroupId>,
    group_name: &str,
) -> Result<Option<Stored>, Error> {
    let bound = match group {
        Some(group) => bound_to(r, tenant, group)?,
        None => None,
    };
    match bound {
        Some(found) => Ok(Some(found)),
        None => waiting_for(r, tenant, group_name),
    }
}

fn bound_to(r: &mut Read, tenant: &TenantId, group: &GroupId) -> Result<Option<Stored>, Error> {
    let found = r.query_opt(
        "SELECT license_type, products, policies, grant_order, priority, id, group_id
         FROM group_grants
         WHERE tenant = $1 AND group_id = $2",
        params![tenant.as_str(), &group.0],
        read_stored,
    )?;
    Ok(found)
}

fn waiting_for(r: &mut Read, tenant: &TenantId, name: &str) -> Result<Option<Stored>, Error> {
    let found = r.query_opt(
        "SELECT license_type, products, policies, grant_order, priority, id, group_id
         FROM group_grants
         WHERE tenant = $1 AND group_name_key = $2 AND group_id IS NULL ORDER BY id LIMIT 1",
        params![tenant.as_str(), account::name_key(name)],
        read_stored,
    )?;
    Ok(found)
}

fn read_stored(row: &Row) -> Result<Stored, db::Error> {
    Ok(Stored { spec: read_spec(row, 0)?, id: row.text(5)?, group: row.opt_text(6)?.map(GroupId) })
}

/// License type, products, policies, order and priority in five columns from `first`.
fn read_spec(row: &Row, first: usize) -> Result<GrantSpec, db::Error> {
    Ok(GrantSpec {
        license_type: row.opt_text(first)?.as_deref().map(stored::key).transpose()?,
        products: stored::json("A grant's products", row.text_ref(first + 1)?)?,
        policies: stored::json("A grant's policies", row.text_ref(first + 2)?)?,
        order: row.opt_int(first + 3)?.map(|order| u32::try_from(order).unwrap_or(u32::MAX)),
        priority: u32::try_from(row.int(first + 4)?).unwrap_or(u32::MAX),
    })
}

/// Has the members settled in batches: those of the group, and of the groups that lie in it.
fn settle_members(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: Option<&GroupId>,
    group_name: &str,
    what: &str,
) -> Result<u64, Error> {
    let Some(group) = group else { return Ok(0) };
    let rules = rules::rules(tx, tenant)?;
    let reason = format!("the grant of group \"{group_name}\" {what}");
    settlement::open_for_group(tx, ctx, tenant, &rules, group, &reason)
}

/// Refuses what the catalogue does not have, and what is too much.
fn refuse_spec(catalogue: &Catalogue, group_name: &str, spec: &GrantSpec) -> Result<(), Error> {
    let refuse = |sentence: String| Err(Error::Refused { sentence });
    let too_long = |text: &str| text.is_empty() || text.len() > limits::NAME_BYTES_MAX;
    if too_long(group_name.trim()) {
        return refuse(format!(
            "`{group_name}` is no group name. Give 1 to {} characters.",
            limits::NAME_BYTES_MAX
        ));
    }
    if spec.products.len() > limits::GRANT_PRODUCT_COUNT_MAX
        || spec.policies.len() > limits::GRANT_POLICY_COUNT_MAX
    {
        return refuse(format!(
            "A group grants at most {} products and {} policies. Spread them over groups.",
            limits::GRANT_PRODUCT_COUNT_MAX,
            limits::GRANT_POLICY_COUNT_MAX
        ));
    }
    if let Some((name, _)) =
        spec.policies.iter().find(|(name, value)| too_long(name) || too_long(value))
    {
        return refuse(format!(
            "The policy `{name}` needs a name and a value of 1 to {} characters.",
            limits::NAME_BYTES_MAX
        ));
    }
    if spec.order.is_some_and(|order| order > limits::GRANT_ORDER_MAX)
        || spec.priority > limits::PRIORITY_MAX
    {
        return refuse(format!(
            "A grant's order is at most {} and its priority at most {}. Give smaller numbers.",
            limits::GRANT_ORDER_MAX,
            limits::PRIORITY_MAX
        ));
    }
    let grant = Grant {
        group: GroupId(String::new()),
        group_name: group_name.to_owned(),
        path: Vec::new(),
        order: spec.order,
        priority: spec.priority,
        license_type: spec.license_type.clone(),
        products: spec.products.clone(),
        policies: spec.policies.clone(),
    };
    match grant.findings(catalogue).first() {
        None => Ok(()),
        Some(Finding::UnknownLicenseType { key, .. }) => refuse(format!(
            "There is no license type `{key}`. `muster license list` shows those there are."
        )),
        Some(Finding::UnknownProduct { key, .. }) => refuse(format!(
            "There is no product `{key}`. `muster license list` shows those there are."
        )),
        Some(finding) => refuse(finding.sentence("A member")),
    }
}

fn refuse_too_many(r: &mut Read, tenant: &TenantId) -> Result<(), Error> {
    let count = r.query_one(
        "SELECT COUNT(*) FROM group_grants WHERE tenant = $1",
        params![tenant.as_str()],
        |row| row.count(0),
    )?;
    if count < GROUP_GRANT_COUNT_MAX {
        return Ok(());
    }
    Err(Error::Refused {
        sentence: format!(
            "A tenant has at most {GROUP_GRANT_COUNT_MAX} granting groups. Remove a grant first."
        ),
    })
}

fn append(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    kind: &str,
    group_name: &str,
    payload: &serde_json::Value,
) -> Result<(), Error> {
    db::event::append(tx, ctx, tenant.as_str(), kind, group_name, payload)?;
    Ok(())
}
