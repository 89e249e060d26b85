//! What the decision about every user of a tenant has in common: catalogue, settings, what groups
//! grant and which groups lie in them. Read once and kept in memory behind a generation.
//!
//! The generation is an id of its own, written in the transaction that changes any of this. So what
//! is kept under it can be used by every node and every database for as long as the row says it,
//! and a transaction that is rolled back takes its generation with it. Whoever changes anything
//! here calls [`changed`] right afterwards, before anybody asks for [`rules`]: else what is not
//! committed would be kept under a generation that is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use db::{Read, Tx, Value, params};
use entitlement::{Catalogue, Grant, GroupId, Reach, Reached, UserId};

use crate::limits::{GROUP_DEPTH_MAX, NESTED_GROUP_COUNT_MAX, RULES_KEPT_MAX};
use crate::settings::TenantSettings;
use crate::{Error, TenantId, catalogue, grant, reclaim, settings, stored};

/// What the decision about every user of a tenant has in common.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The catalogue.
    pub catalogue: Catalogue,
    /// The settings.
    pub settings: TenantSettings,
    /// Whether anything was taken back from anybody because it was idle.
    pub has_reclaimed: bool,
    /// What each group grants by itself.
    grants: BTreeMap<GroupId, Grant>,
    /// From which groups each of these is reached.
    reach: Reach,
    /// The groups that lie in each group.
    inner: BTreeMap<GroupId, Vec<GroupId>>,
    /// The names of the groups on the way to a granting one.
    names: BTreeMap<GroupId, String>,
}

/// Rules by their generation. Ids rise with time, so the oldest goes first.
static KEPT: LazyLock<Mutex<BTreeMap<String, Arc<Rules>>>> = LazyLock::new(Mutex::default);

/// The rules of a tenant as they are in this transaction.
pub(crate) fn rules(r: &mut Read, tenant: &TenantId) -> Result<Arc<Rules>, Error> {
    match generation(r, tenant)? {
        Some(generation) => kept_or_loaded(r, tenant, generation),
        // Nothing was ever decided about this tenant.
        None => Ok(Arc::new(load(r, tenant)?)),
    }
}

/// The same for a transaction that writes, which gives a tenant without a generation its first.
pub(crate) fn rules_for_write(tx: &mut Tx, tenant: &TenantId) -> Result<Arc<Rules>, Error> {
    if generation(tx, tenant)?.is_none() {
        changed(tx, tenant)?;
    }
    rules(tx, tenant)
}

/// Says that the rules of a tenant changed. To be called after the change, in its transaction.
pub(crate) fn changed(tx: &mut Tx, tenant: &TenantId) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO licensing_generations (tenant, generation) VALUES ($1, $2)
         ON CONFLICT (tenant) DO UPDATE SET generation = excluded.generation",
        params![tenant.as_str(), db::new_id()],
    )?;
    Ok(())
}

/// Whether the name of a group may stand in a reason: it grants something, or lies in a group.
pub(crate) fn may_name(r: &mut Read, tenant: &TenantId, group: &GroupId) -> Result<bool, Error> {
    let found = r.query_opt(
        "SELECT 1 FROM group_grants WHERE tenant = $1 AND group_id = $2
         UNION ALL
         SELECT 1 FROM group_members WHERE tenant = $1 AND member_id = $2 AND member_type = 'Group'
         LIMIT 1",
        params![tenant.as_str(), &group.0],
        |row| row.int(0),
    )?;
    Ok(found.is_some())
}

impl Rules {
    /// Whether members of this group are granted anything, by it or by a group it lies in.
    pub(crate) fn leads_to_a_grant(&self, group: &GroupId) -> bool {
        self.reach.contains_key(group)
    }

    /// The group and those that lie in it, nearest first.
    pub(crate) fn with_inner(&self, group: &GroupId) -> Vec<GroupId> {
        let mut found = vec![group.clone()];
        let mut seen = BTreeSet::from([group.clone()]);
        let (mut from, mut depth) = (0, 0);
        while from < found.len() && depth < GROUP_DEPTH_MAX {
            let until = found.len();
            for at in from..until {
                let inner = self.inner.get(&found[at]).cloned().unwrap_or_default();
                found.extend(inner.into_iter().filter(|group| seen.insert(group.clone())));
            }
            (from, depth) = (until, depth + 1);
        }
        found
    }

    /// Each group that lies in one of these, with the first of them it leads to.
    pub(crate) fn leading_to(&self, groups: &BTreeSet<GroupId>) -> BTreeMap<GroupId, GroupId> {
        let reach = entitlement::reach(groups, &self.edges(), GROUP_DEPTH_MAX);
        let first = |all: Vec<Reached>| all.into_iter().next().map(|reached| reached.granting);
        reach.into_iter().filter_map(|(group, all)| Some((group, first(all)?))).collect()
    }

    fn edges(&self) -> BTreeSet<(GroupId, GroupId)> {
        let edges = self
            .inner
            .iter()
            .flat_map(|(outer, inner)| inner.iter().map(|group| (outer.clone(), group.clone())));
        edges.collect()
    }

    /// What a member of these groups is granted: each granting group once, by the shortest way.
    fn grants_by(&self, groups: &[GroupId]) -> Vec<Grant> {
        let mut ways: BTreeMap<&GroupId, &Reached> = BTreeMap::new();
        for reached in groups.iter().filter_map(|group| self.reach.get(group)).flatten() {
            let order = |way: &Reached| (way.through.len(), way.through.clone());
            let standing = ways.entry(&reached.granting).or_insert(reached);
            if order(reached) < order(standing) {
                *standing = reached;
            }
        }
        let named = |id: &GroupId| self.names.get(id).cloned().unwrap_or_else(|| id.0.clone());
        let grant = |(id, way): (&GroupId, &Reached)| {
            let path = way.through.iter().map(named).collect();
            self.grants.get(id).map(|grant| Grant { path, ..grant.clone() })
        };
        ways.into_iter().filter_map(grant).collect()
    }
}

/// What the groups that each of these users is in grant to them, by themselves or because they lie
/// in granting groups.
pub(crate) fn grants_of_users(
    r: &mut Read,
    tenant: &TenantId,
    rules: &Rules,
    users: &[UserId],
) -> Result<BTreeMap<UserId, Vec<Grant>>, Error> {
    if rules.reach.is_empty() {
        return Ok(BTreeMap::new());
    }
    let groups = groups_of_users(r, tenant, users)?;
    Ok(groups.into_iter().map(|(user, groups)| (user, rules.grants_by(&groups))).collect())
}

/// The groups that each of these users is in by itself.
pub(crate) fn groups_of_users(
    r: &mut Read,
    tenant: &TenantId,
    users: &[UserId],
) -> Result<BTreeMap<UserId, Vec<GroupId>>, Error> {
    let (names, ids) = stored::in_users(2, users);
    let sql = format!(
        "SELECT member_id, group_id FROM group_members
         WHERE tenant = $1 AND member_id IN ({names}) ORDER BY member_id, group_id"
    );
    let mut params = vec![Value::from(tenant.as_str())];
    params.extend(ids);
    let rows = r.query(&sql, &params, |row| Ok((UserId(row.text(0)?), GroupId(row.text(1)?))))?;
    let mut by_user: BTreeMap<UserId, Vec<GroupId>> = BTreeMap::new();
    for (user, group) in rows {
        by_user.entry(user).or_default().push(group);
    }
    Ok(by_user)
}

fn generation(r: &mut Read, tenant: &TenantId) -> Result<Option<String>, Error> {
    let found = r.query_opt(
        "SELECT generation FROM licensing_generations WHERE tenant = $1",
        params![tenant.as_str()],
        |row| row.text(0),
    )?;
    Ok(found)
}

fn kept_or_loaded(
    r: &mut Read,
    tenant: &TenantId,
    generation: String,
) -> Result<Arc<Rules>, Error> {
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = kept().get(&generation) {
        return Ok(found.clone());
    }
    let rules = Arc::new(load(r, tenant)?);
    let mut kept = kept();
    kept.insert(generation, rules.clone());
    while kept.len() > RULES_KEPT_MAX {
        kept.pop_first();
    }
    Ok(rules)
}

fn load(r: &mut Read, tenant: &TenantId) -> Result<Rules, Error> {
    let grants = grant::bound_grants(r, tenant)?;
    let inner = inner_groups(r, tenant)?;
    let mut rules = Rules {
        catalogue: catalogue::catalogue(r, tenant)?,
        settings: settings::tenant_settings(r, tenant)?,
        has_reclaimed: reclaim::has_reclaimed(r, tenant)?,
        grants,
        reach: Reach::new(),
        inner,
        names: BTreeMap::new(),
    };
    let granting = rules.grants.keys().cloned().collect();
    rules.reach = entitlement::reach(&granting, &rules.edges(), GROUP_DEPTH_MAX);
    rules.names = r
        .query(
            "SELECT id, display_name FROM groups WHERE tenant = $1 AND id IN (
                 SELECT member_id FROM group_members WHERE tenant = $1 AND member_type = 'Group')
             ORDER BY id",
            params![tenant.as_str()],
            |row| Ok((GroupId(row.text(0)?), row.text(1)?)),
        )?
        .into_iter()
        .filter(|(group, _)| rules.reach.contains_key(group))
        .collect();
    Ok(rules)
}

/// Which groups lie in which.
fn inner_groups(r: &mut Read, tenant: &TenantId) -> Result<BTreeMap<GroupId, Vec<GroupId>>, Error> {
    let rows = r.query(
        "SELECT group_id, member_id FROM group_members
         WHERE tenant = $1 AND member_type = 'Group' ORDER BY group_id, member_id LIMIT $2",
        params![tenant.as_str(), NESTED_GROUP_COUNT_MAX],
        |row| Ok((GroupId(row.text(0)?), GroupId(row.text(1)?))),
    )?;
    if rows.len() >= NESTED_GROUP_COUNT_MAX as usize {
        tracing::warn!(%tenant, "groups lie in groups more often than licensing looks at");
    }
    let mut inner: BTreeMap<GroupId, Vec<GroupId>> = BTreeMap::new();
    for (outer, group) in rows {
        inner.entry(outer).or_default().push(group);
    }
    Ok(inner)
}
