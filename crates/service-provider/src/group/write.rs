//! The one path by which groups are written.

use db::{Ctx, Tx, params};
use scim::{
    Error as ScimError, IfMatch, MemberDelta, PatchRequest, Resource, ResourceType, Tolerated,
};
use serde_json::{Value, json};

use super::member::{self, Change, MemberRules, forget_member, forget_members};
use super::row::{Group, by_id, by_name};
use crate::change::{self, Difference};
use crate::counter::{self, Kind};
use crate::schema::follow;
use crate::tenant::TenantId;
use crate::user::check_version;
use crate::{Result, hooks};

/// The format of stored documents.
const FORMAT_VERSION: i64 = 1;

/// A group's document with what is looked up taken out of it, ready to be stored.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    display_name: String,
    external_id: Option<String>,
    document: String,
}

impl Draft {
    /// Takes the columns out of a resource.
    pub(crate) fn of(resource: &Resource) -> Self {
        Self {
            display_name: resource.text("displayName").unwrap_or_default().to_owned(),
            external_id: resource.text("externalId").map(str::to_owned),
            document: serde_json::to_string(resource.document()).unwrap_or_default(),
        }
    }
}

/// Creates a group with its members.
pub(crate) fn create(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    rules: MemberRules<'_>,
    draft: &Draft,
    members: &MemberDelta,
) -> Result<(Group, Vec<Tolerated>)> {
    if let Some(present) = by_name(tx, tenant, &draft.display_name)? {
        return Err(taken(&present).into());
    }
    let mut group = Group {
        id: db::new_id(),
        display_name: draft.display_name.clone(),
        external_id: draft.external_id.clone(),
        member_count: 0,
        version: 1,
        created_at: ctx.now,
        last_modified_at: ctx.now,
        document: draft.document.clone(),
    };
    let change = member::apply(tx, ctx, tenant, &group.id, rules, members)?;
    group.member_count = group.member_count.saturating_add_signed(change.count_delta());
    tx.execute(
        "INSERT INTO groups (tenant, id, display_name, display_name_key, external_id, member_count, doc, \
         format_version, version, created_at, last_modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            tenant,
            &group.id,
            &group.display_name,
            group.display_name.to_lowercase(),
            &group.external_id,
            group.member_count,
            &group.document,
            FORMAT_VERSION,
            group.version,
            group.created_at,
            group.last_modified_at
        ],
    )?;
    follow(tx, tenant, "Group", &group.id, None, Some(group.resource()?.document()))?;
    counter::added(tx, tenant, Kind::Groups, &group.id)?;
    hooks::on_group_named(tx, ctx, tenant, &group.id, &group.display_name)?;
    let mut payload = identity(&group);
    payload["resource"] = change::bounded(group.resource()?.document().clone().into());
    db::event::append(tx, ctx, tenant.as_str(), "group.created", &group.id, &payload)?;
    member::tell(tx, ctx, tenant, &group.id, &change)?;
    Ok((group, change.tolerated()))
}

/// Makes `next` of a group that was read in this transaction, and carries out the member delta.
pub(crate) fn update(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    rules: MemberRules<'_>,
    before: Group,
    next: &Resource,
    members: &MemberDelta,
) -> Result<(Group, Vec<Tolerated>)> {
    let draft = Draft::of(next);
    let renamed = draft.display_name.to_lowercase() != before.display_name.to_lowercase();
    if renamed && let Some(other) = by_name(tx, tenant, &draft.display_name)? {
        return Err(taken(&other).into());
    }
    let change = member::apply(tx, ctx, tenant, &before.id, rules, members)?;
    Ok((finish(tx, ctx, tenant, before, Some(draft), &change)?, change.tolerated()))
}

/// Carries out a PATCH. Where it is about members only, the document is not written.
pub(crate) fn patch(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    rules: MemberRules<'_>,
    before: Group,
    (request, rt): (&PatchRequest, &ResourceType),
) -> Result<(Group, Vec<Tolerated>)> {
    let outcome = request.apply(rt, &before.resource()?)?;
    let (delta, mut tolerated) = (&outcome.members, outcome.tolerated);
    let (group, left_out) = if outcome.changed {
        update(tx, ctx, tenant, rules, before, &outcome.resource, delta)?
    } else {
        let change = member::apply(tx, ctx, tenant, &before.id, rules, delta)?;
        (finish(tx, ctx, tenant, before, None, &change)?, change.tolerated())
    };
    tolerated.extend(left_out);
    Ok((group, tolerated))
}

/// Removes a group. Its users stay, and lose what only it granted.
pub(crate) fn delete(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    id: &str,
    if_match: Option<&IfMatch>,
) -> Result<()> {
    let group = by_id(tx, tenant, id)?.ok_or_else(|| ScimError::not_found("Group", id))?;
    check_version("Group", id, if_match, group.version)?;
    hooks::on_group_deleted(tx, ctx, tenant, id)?;
    forget_member(tx, ctx, tenant, id)?;
    forget_members(tx, tenant, id)?;
    tx.execute("DELETE FROM groups WHERE tenant = $1 AND id = $2", params![tenant, id])?;
    follow(tx, tenant, "Group", id, Some(group.resource()?.document()), None)?;
    counter::removed(tx, tenant, Kind::Groups)?;
    let mut payload = identity(&group);
    payload["memberCount"] = group.member_count.into();
    db::event::append(tx, ctx, tenant.as_str(), "group.deleted", id, &payload)?;
    Ok(())
}

/// Writes what has changed, if anything has: RFC 7644 3.5.2.1.
fn finish(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    before: Group,
    draft: Option<Draft>,
    change: &Change,
) -> Result<Group> {
    let draft = draft.filter(|draft| draft.document != before.document);
    if draft.is_none() && change.is_empty() {
        return Ok(before);
    }
    let mut group = Group {
        version: before.version + 1,
        last_modified_at: ctx.now,
        member_count: before.member_count.saturating_add_signed(change.count_delta()),
        ..before.clone()
    };
    match draft {
        None => {
            // No version is compared: two members that are added at once both stay.
            (group.member_count, group.version) = tx.query_one(
                "UPDATE groups SET member_count = member_count + $1, version = version + 1, last_modified_at = $2 \
                 WHERE tenant = $3 AND id = $4 RETURNING member_count, version",
                params![change.count_delta(), ctx.now, tenant, &group.id],
                |row| Ok((row.count(0)?, row.count(1)?)),
            )?;
        }
        Some(draft) => {
            (group.display_name, group.external_id) = (draft.display_name, draft.external_id);
            group.document = draft.document;
            let written = tx.execute(
                "UPDATE groups SET display_name = $1, display_name_key = $2, external_id = $3, doc = $4, \
                 format_version = $5, member_count = $6, version = $7, last_modified_at = $8 \
                 WHERE tenant = $9 AND id = $10 AND version = $11",
                params![
                    &group.display_name,
                    group.display_name.to_lowercase(),
                    &group.external_id,
                    &group.document,
                    FORMAT_VERSION,
                    group.member_count,
                    group.version,
                    ctx.now,
                    tenant,
                    &group.id,
                    before.version
                ],
            )?;
            // The row was read in this transaction: only a weaker isolation than ours gets here.
            if written == 0 {
                return Err(db::Error::Busy.into());
            }
            let documents = (before.resource()?, group.resource()?);
            let (old, next) = (documents.0.document(), documents.1.document());
            follow(tx, tenant, "Group", &group.id, Some(old), Some(next))?;
            if group.display_name != before.display_name {
                hooks::on_group_named(tx, ctx, tenant, &group.id, &group.display_name)?;
            }
            let changed = Difference::between(old, next);
            let payload = changed.told_in(identity(&group));
            db::event::append(tx, ctx, tenant.as_str(), "group.updated", &group.id, &payload)?;
        }
    }
    member::tell(tx, ctx, tenant, &group.id, change)?;
    Ok(group)
}

/// What every event of a group says of which it is about.
fn identity(group: &Group) -> Value {
    let mut payload = json!({"displayName": group.display_name});
    if let Some(id) = &group.external_id {
        payload["externalId"] = id.as_str().into();
    }
    payload
}

fn taken(present: &Group) -> ScimError {
    ScimError::uniqueness(format!(
        "displayName `{}` belongs to another group (id {}). Link that one, or choose another name.",
        present.display_name, present.id
    ))
}
