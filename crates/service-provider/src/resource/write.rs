//! The one path by which resources of a tenant's own types are written.

use db::{Ctx, Tx, params};
use scim::{Error as ScimError, IfMatch, Resource, ResourceType};
use serde_json::json;

use super::row::{CustomResource, by_id};
use crate::Result;
use crate::change::{self, Difference};
use crate::counter::{self, Kind, TypeKey};
use crate::schema::follow;
use crate::tenant::TenantId;
use crate::user::check_version;

/// The format of stored documents.
const FORMAT_VERSION: i64 = 1;

/// A document with what is looked up taken out of it, ready to be stored.
#[derive(Debug, Clone)]
struct Draft {
    external_id: Option<String>,
    display_name_key: Option<String>,
    document: String,
}

impl Draft {
    /// Takes the columns out of a resource.
    fn of(resource: &Resource, rt: &ResourceType) -> Self {
        let display_name = rt.schema.attribute("displayName").zip(resource.text("displayName"));
        Self {
            external_id: resource.text("externalId").map(str::to_owned),
            display_name_key: display_name
                .map(|(attribute, text)| attribute.comparison_key(text).into_owned()),
            document: serde_json::to_string(resource.document()).unwrap_or_default(),
        }
    }
}

/// Creates a resource.
pub(crate) fn create(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    rt: &ResourceType,
    resource: &Resource,
) -> Result<CustomResource> {
    let key = TypeKey::of(&rt.name)?;
    let draft = Draft::of(resource, rt);
    let row = CustomResource {
        id: db::new_id(),
        version: 1,
        created_at: ctx.now,
        last_modified_at: ctx.now,
        document: draft.document,
    };
    tx.execute(
        "INSERT INTO resources (tenant, type_key, id, external_id, display_name_key, doc, \
         format_version, version, created_at, last_modified_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            tenant,
            key.as_str(),
            &row.id,
            &draft.external_id,
            &draft.display_name_key,
            &row.document,
            FORMAT_VERSION,
            row.version,
            row.created_at,
            row.last_modified_at
        ],
    )?;
    follow(tx, tenant, &rt.name, &row.id, None, Some(resource.document()))?;
    counter::added(tx, tenant, Kind::Resources(key), &row.id)?;
    let document = change::bounded(resource.document().clone().into());
    let payload = json!({"resourceType": rt.name, "resource": document});
    db::event::append(tx, ctx, tenant.as_str(), "resource.created", &row.id, &payload)?;
    Ok(row)
}

/// Makes `next` of a resource that was read in this transaction. What does not differ is not
/// written: RFC 7644 3.5.2.1, the modify timestamp stays.
pub(crate) fn update(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    rt: &ResourceType,
    before: CustomResource,
    next: &Resource,
) -> Result<CustomResource> {
    let key = TypeKey::of(&rt.name)?;
    let draft = Draft::of(next, rt);
    if draft.document == before.document {
        return Ok(before);
    }
    let old = before.resource()?;
    let row = CustomResource {
        version: before.version + 1,
        last_modified_at: ctx.now,
        document: draft.document,
        ..before
    };
    let written = tx.execute(
        "UPDATE resources SET external_id = $1, display_name_key = $2, doc = $3, \
         format_version = $4, version = $5, last_modified_at = $6 \
         WHERE tenant = $7 AND type_key = $8 AND id = $9 AND version = $10",
        params![
            &draft.external_id,
            &draft.display_name_key,
            &row.document,
            FORMAT_VERSION,
            row.version,
            row.last_modified_at,
            tenant,
            key.as_str(),
            &row.id,
            before.version
        ],
    )?;
    // The row was read in this transaction, so that only a weaker isolation than ours gets here.
    if written == 0 {
        return Err(db::Error::Busy.into());
    }
    follow(tx, tenant, &rt.name, &row.id, Some(old.document()), Some(next.document()))?;
    let changed = Difference::between(old.document(), next.document());
    let payload = changed.told_in(json!({"resourceType": rt.name}));
    db::event::append(tx, ctx, tenant.as_str(), "resource.updated", &row.id, &payload)?;
    Ok(row)
}

/// Removes a resource.
pub(crate) fn delete(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    rt: &ResourceType,
    id: &str,
    if_match: Option<&IfMatch>,
) -> Result<()> {
    let key = TypeKey::of(&rt.name)?;
    let row = by_id(tx, tenant, key, id)?.ok_or_else(|| ScimError::not_found(&rt.name, id))?;
    check_version(&rt.name, id, if_match, row.version)?;
    follow(tx, tenant, &rt.name, id, Some(row.resource()?.document()), None)?;
    tx.execute(
        "DELETE FROM resources WHERE tenant = $1 AND type_key = $2 AND id = $3",
        params![tenant, key.as_str(), id],
    )?;
    counter::removed(tx, tenant, Kind::Resources(key))?;
    let payload = json!({"resourceType": rt.name});
    db::event::append(tx, ctx, tenant.as_str(), "resource.deleted", id, &payload)?;
    Ok(())
}
