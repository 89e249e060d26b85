//! Carrying out a member delta, row by row: a group of a million costs no more than one of ten.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use db::{Ctx, Read, Tx, params};
use scim::{
    Error as ScimError, Filter, Member, MemberDelta, MemberStep, ScimType, Tolerance, Tolerances,
    Tolerated,
};
use serde_json::{Value, json};

use super::row::members_of;
use crate::limits::{
    EVENT_MEMBER_COUNT_MAX, GROUP_CYCLE_CHECK_MAX, GROUP_DEPTH_MAX, TOLERATED_MEMBER_COUNT_MAX,
};
use crate::resource_types::group_type;
use crate::store::shown::member_value;
use crate::tenant::TenantId;
use crate::{Result, hooks};

const USER: &str = "User";
const GROUP: &str = "Group";

/// What a member delta came to, after all its steps.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Who is a member now and was not, with their type.
    added: BTreeMap<String, &'static str>,
    /// Who was a member and is not now, with their type.
    removed: BTreeMap<String, String>,
    /// Members nobody is, left out by tolerance.
    unknown: BTreeSet<String>,
}

/// What becomes of a member whose id neither a user nor a group has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownMembers {
    /// The request is refused: RFC 7643 4.2, `members.value` is the id of a resource.
    Refuse,
    /// The member is left out, which the request log tells; one that has just been deleted must not
    /// keep all others out.
    LeaveOut,
}

/// How members are carried out for a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MemberRules<'a> {
    /// The address that `$ref` of a member begins with.
    pub base_url: &'a str,
    /// What becomes of members nobody is.
    pub unknown: UnknownMembers,
}

impl UnknownMembers {
    /// What a client's tolerances say.
    pub(crate) fn of(tolerances: &Tolerances) -> Self {
        if tolerances.allows(Tolerance::UnknownMember) { Self::LeaveOut } else { Self::Refuse }
    }
}

impl Change {
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// The members that were left out, for the request log.
    pub(super) fn tolerated(&self) -> Vec<Tolerated> {
        let left_out = |id: &String| Tolerated {
            tolerance: Tolerance::UnknownMember,
            at: format!("members[value eq {}]", Value::from(id.as_str())),
        };
        self.unknown.iter().take(TOLERATED_MEMBER_COUNT_MAX).map(left_out).collect()
    }

    /// By how much the number of members differs.
    pub(super) fn count_delta(&self) -> i64 {
        let size = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        size(self.added.len()) - size(self.removed.len())
    }
}

/// Carries out the steps in order.
pub(super) fn apply(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: &str,
    rules: MemberRules<'_>,
    delta: &MemberDelta,
) -> Result<Change> {
    let MemberRules { base_url, unknown } = rules;
    let mut change = Change::default();
    for step in &delta.steps {
        match step {
            MemberStep::Add(members) => {
                for member in members {
                    add(tx, ctx, tenant, group, member, unknown, &mut change)?;
                }
            }
            MemberStep::Remove(ids) => {
                for id in ids {
                    remove(tx, tenant, group, id, &mut change)?;
                }
            }
            MemberStep::RemoveWhere(filter) => {
                for id in matching(tx, tenant, group, base_url, filter)? {
                    remove(tx, tenant, group, &id, &mut change)?;
                }
            }
            MemberStep::ReplaceAll(members) => {
                let wanted: HashSet<&str> =
                    members.iter().map(|member| member.value.as_str()).collect();
                for id in ids_of(tx, tenant, group)? {
                    if !wanted.contains(id.as_str()) {
                        remove(tx, tenant, group, &id, &mut change)?;
                    }
                }
                for member in members {
                    add(tx, ctx, tenant, group, member, unknown, &mut change)?;
                }
            }
        }
    }
    Ok(change)
}

/// Appends the events of a change and lets licensing decide anew for the users it touches.
pub(super) fn tell(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: &str,
    change: &Change,
) -> Result<()> {
    let added: Vec<&String> = change.added.keys().collect();
    let removed: Vec<&String> = change.removed.keys().collect();
    for (kind, ids) in [("group.member.added", added), ("group.member.removed", removed)] {
        for part in ids.chunks(EVENT_MEMBER_COUNT_MAX) {
            db::event::append(tx, ctx, tenant.as_str(), kind, group, &json!({"members": part}))?;
        }
    }
    let of_kind = |wanted: &str| -> Vec<String> {
        let added = change.added.iter().filter(|(_, kind)| **kind == wanted).map(|(id, _)| id);
        let removed = change.removed.iter().filter(|(_, kind)| *kind == wanted).map(|(id, _)| id);
        added.chain(removed).cloned().collect()
    };
    hooks::on_nesting_changed(tx, ctx, tenant, group, &of_kind(GROUP))?;
    let users = of_kind(USER);
    if users.is_empty() {
        Ok(())
    } else {
        hooks::on_members_changed(tx, ctx, tenant, group, &users)
    }
}

/// Takes a user or group that is about to be removed out of every group it is in.
pub(crate) fn forget_member(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, member: &str) -> Result<()> {
    let groups = tx.query(
        "DELETE FROM group_members WHERE tenant = $1 AND member_id = $2 RETURNING group_id",
        params![tenant, member],
        |row| row.text(0),
    )?;
    for group in groups {
        tx.execute(
            "UPDATE groups SET member_count = member_count - 1, version = version + 1, last_modified_at = $1 \
             WHERE tenant = $2 AND id = $3",
            params![ctx.now, tenant, &group],
        )?;
        db::event::append(
            tx,
            ctx,
            tenant.as_str(),
            "group.member.removed",
            &group,
            &json!({"members": [member]}),
        )?;
    }
    Ok(())
}

/// Removes every membership of a group that is about to be removed.
pub(super) fn forget_members(tx: &mut Tx, tenant: &TenantId, group: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM group_members WHERE tenant = $1 AND group_id = $2",
        params![tenant, group],
    )?;
    Ok(())
}

fn add(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: &str,
    member: &Member,
    unknown: UnknownMembers,
    change: &mut Change,
) -> Result<()> {
    let id = &member.value;
    let kind = match (type_of(tx, tenant, member)?, unknown) {
        (Some(kind), _) => kind,
        (None, UnknownMembers::LeaveOut) => {
            change.unknown.insert(id.clone());
            return Ok(());
        }
        (None, UnknownMembers::Refuse) => return Err(unknown_member(member).into()),
    };
    if kind == GROUP {
        refuse_cycle(tx, tenant, group, id)?;
    }
    // RFC 7644 3.5.2.1: adding a value that is already there changes nothing. Nor does another
    // `display`, which RFC 7643 2.4 makes immutable.
    let inserted = tx.execute(
        "INSERT INTO group_members (tenant, group_id, member_id, member_type, display, added_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, group_id, member_id) DO NOTHING",
        params![tenant, group, id, kind, &member.display, ctx.now],
    )?;
    if inserted > 0 && kind == GROUP {
        hooks::on_nested(tx, tenant)?;
    }
    // Taken out by a step before and put back by this one: nothing has happened to it.
    if inserted > 0 && change.removed.remove(id).is_none() {
        change.added.insert(id.clone(), kind);
    }
    Ok(())
}

fn remove(
    tx: &mut Tx,
    tenant: &TenantId,
    group: &str,
    id: &str,
    change: &mut Change,
) -> Result<()> {
    let kind = tx.query_opt(
        "DELETE FROM group_members WHERE tenant = $1 AND group_id = $2 AND member_id = $3 RETURNING member_type",
        params![tenant, group, id],
        |row| row.text(0),
    )?;
    if kind.as_deref() == Some(GROUP) {
        hooks::on_nested(tx, tenant)?;
    }
    if let Some(kind) = kind
        && change.added.remove(id).is_none()
    {
        change.removed.insert(id.to_owned(), kind);
    }
    Ok(())
}

/// What a member is; None if the tenant has neither such a user nor such a group.
fn type_of(r: &mut Read, tenant: &TenantId, member: &Member) -> Result<Option<&'static str>> {
    let id = &member.value;
    let order = if claims_group(member) { [GROUP, USER] } else { [USER, GROUP] };
    for kind in order {
        let sql = match kind {
            USER => "SELECT 1 FROM users WHERE tenant = $1 AND id = $2",
            _ => "SELECT 1 FROM groups WHERE tenant = $1 AND id = $2",
        };
        if r.query_opt(sql, params![tenant, id], |_| Ok(()))?.is_some() {
            return Ok(Some(kind));
        }
    }
    Ok(None)
}

fn claims_group(member: &Member) -> bool {
    member.member_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case(GROUP))
}

fn unknown_member(member: &Member) -> ScimError {
    let id = &member.value;
    let what = if claims_group(member) { "group" } else { "user or group" };
    ScimError::bad_request(
        ScimType::InvalidValue,
        format!("`{id}` cannot become a member: there is no {what} with this id. Create it first."),
    )
}

/// A group may lie in a group, and never in itself, however far down.
fn refuse_cycle(r: &mut Read, tenant: &TenantId, group: &str, member: &str) -> Result<()> {
    let refuse =
        |detail: String| Err(ScimError::bad_request(ScimType::InvalidValue, detail).into());
    let mut seen = BTreeSet::new();
    let mut next = VecDeque::from([(member.to_owned(), 1)]);
    while let Some((id, depth)) = next.pop_front() {
        if id == group {
            return refuse(format!(
                "Group `{member}` cannot become a member of `{group}`: that group already lies in it."
            ));
        }
        if depth > GROUP_DEPTH_MAX || seen.len() > GROUP_CYCLE_CHECK_MAX {
            return refuse(format!(
                "Group `{member}` cannot become a member: groups lie in one another more than {GROUP_DEPTH_MAX} deep."
            ));
        }
        if seen.insert(id.clone()) {
            let inner = r.query(
                "SELECT member_id FROM group_members WHERE tenant = $1 AND group_id = $2 AND member_type = 'Group'",
                params![tenant, &id],
                |row| row.text(0),
            )?;
            next.extend(inner.into_iter().map(|id| (id, depth + 1)));
        }
    }
    Ok(())
}

fn ids_of(r: &mut Read, tenant: &TenantId, group: &str) -> Result<Vec<String>> {
    let sql = "SELECT member_id FROM group_members WHERE tenant = $1 AND group_id = $2";
    Ok(r.query(sql, params![tenant, group], |row| row.text(0))?)
}

fn matching(
    r: &mut Read,
    tenant: &TenantId,
    group: &str,
    base_url: &str,
    filter: &Filter,
) -> Result<Vec<String>> {
    let Some(attribute) = group_type().attribute("members") else { return Ok(Vec::new()) };
    let members = members_of(r, tenant, group)?;
    let matches = members.into_iter().filter(|member| {
        filter.matches_value(attribute, &Value::Object(member_value(base_url, member)))
    });
    Ok(matches.map(|member| member.id).collect())
}
