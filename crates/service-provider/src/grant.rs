//! What groups grant to their members, as rows.
//!
//! A grant is set for a group's name. If the group exists the grant is bound to its id at once and
//! follows it through renames; if not, it waits for a group of that name, since it is the identity
//! provider that brings the groups. A deleted group leaves its grant waiting under the last name.

use std::collections::BTreeMap;

use db::{Ctx, Read, Row, Tx, Value, params};
use entitlement::{Catalogue, Finding, Grant, GroupId, Key, UserId, limits};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::limits::GROUP_GRANT_COUNT_MAX;
use crate::provider::ServiceProvider;
use crate::{Error, TenantId, account, catalogue, stale, stored};

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
             license_type, products, policies, granted_by, granted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (tenant, id) DO UPDATE SET
             group_id = excluded.group_id,
             group_name = excluded.group_name,
             group_name_key = excluded.group_name_key,
             license_type = excluded.license_type,
             products = excluded.products,
             policies = excluded.policies,
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
            &ctx.actor,
            ctx.now,
        ],
    )?;
    let payload = json!({"before": old.map(|old| old.spec), "after": spec, "group": &group});
    append(tx, ctx, tenant, "license.grant-set", group_name, &payload)?;
    let members = mark_members(tx, ctx, tenant, group.as_ref(), group_name, "changed")?;
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
    let payload = json!({"before": old.spec, "group": &old.group});
    append(tx, ctx, tenant, "license.grant-removed", group_name, &payload)?;
    let members = mark_members(tx, ctx, tenant, old.group.as_ref(), group_name, "removed")?;
    Ok(GrantSet { group: old.group, members })
}

/// Every grant of a tenant, by the group's name.
pub(crate) fn group_grants(r: &mut Read, tenant: &TenantId) -> Result<Vec<GroupGrant>, Error> {
    let mut grants = r.query(
        "SELECT gg.group_id, COALESCE(g.display_name, gg.group_name), gg.license_type,
             gg.products, gg.policies, gg.granted_by, gg.granted_at
         FROM group_grants gg
         LEFT JOIN groups g ON g.tenant = gg.tenant AND g.id = gg.group_id
         WHERE gg.tenant = $1",
        params![tenant.as_str()],
        |row| {
            Ok(GroupGrant {
                group: row.opt_text(0)?.map(GroupId),
                group_name: row.text(1)?,
                spec: read_spec(row, 2)?,
                granted_by: row.text(5)?,
                granted_at: row.timestamp(6)?,
            })
        },
    )?;
    grants.sort_by(|one, other| one.group_name.cmp(&other.group_name));
    Ok(grants)
}

/// The grants of the groups that each of these users is a member of.
pub(crate) fn grants_of_users(
    r: &mut Read,
    tenant: &TenantId,
    users: &[UserId],
) -> Result<BTreeMap<UserId, Vec<Grant>>, Error> {
    let (names, ids) = stored::in_users(2, users);
    let sql = format!(
        "SELECT gg.license_type, gg.products, gg.policies, m.member_id, gg.group_id, g.display_name
         FROM group_members m
         JOIN group_grants gg ON gg.tenant = m.tenant AND gg.group_id = m.group_id
         JOIN groups g ON g.tenant = m.tenant AND g.id = m.group_id
         WHERE m.tenant = $1 AND m.member_id IN ({names})"
    );
    let mut params = vec![Value::from(tenant.as_str())];
    params.extend(ids);
    let rows = r.query(&sql, &params, |row| {
        let GrantSpec { license_type, products, policies } = read_spec(row, 0)?;
        let grant = Grant {
            group: GroupId(row.text(4)?),
            group_name: row.text(5)?,
            license_type,
            products,
            policies,
        };
        Ok((UserId(row.text(3)?), grant))
    })?;
    let mut by_user: BTreeMap<UserId, Vec<Grant>> = BTreeMap::new();
    for (user, grant) in rows {
        by_user.entry(user).or_default().push(grant);
    }
    Ok(by_user)
}

/// Whether a group grants anything.
pub(crate) fn grants_anything(
    r: &mut Read,
    tenant: &TenantId,
    group: &GroupId,
) -> Result<bool, Error> {
    Ok(bound_to(r, tenant, group)?.is_some())
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
        "SELECT license_type, products, policies, id, group_id FROM group_grants
         WHERE tenant = $1 AND group_id = $2",
        params![tenant.as_str(), &group.0],
        read_stored,
    )?;
    Ok(found)
}

fn waiting_for(r: &mut Read, tenant: &TenantId, name: &str) -> Result<Option<Stored>, Error> {
    let found = r.query_opt(
        "SELECT license_type, products, policies, id, group_id FROM group_grants
         WHERE tenant = $1 AND group_name_key = $2 AND group_id IS NULL ORDER BY id LIMIT 1",
        params![tenant.as_str(), account::name_key(name)],
        read_stored,
    )?;
    Ok(found)
}

fn read_stored(row: &Row) -> Result<Stored, db::Error> {
    Ok(Stored { spec: read_spec(row, 0)?, id: row.text(3)?, group: row.opt_text(4)?.map(GroupId) })
}

/// License type, products and policies in three columns from `first`.
fn read_spec(row: &Row, first: usize) -> Result<GrantSpec, db::Error> {
    Ok(GrantSpec {
        license_type: row.opt_text(first)?.as_deref().map(stored::key).transpose()?,
        products: stored::json("A grant's products", row.text_ref(first + 1)?)?,
        policies: stored::json("A grant's policies", row.text_ref(first + 2)?)?,
    })
}

fn mark_members(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: Option<&GroupId>,
    group_name: &str,
    what: &str,
) -> Result<u64, Error> {
    let Some(group) = group else { return Ok(0) };
    stale::mark_group(
        tx,
        ctx,
        tenant,
        group,
        &format!("the grant of group \"{group_name}\" {what}"),
    )
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
    let grant = Grant {
        group: GroupId(String::new()),
        group_name: group_name.to_owned(),
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
