//! Adding, changing and removing a tenant's own schemas and resource types.
//!
//! Data is never lost by it: what resources use is neither taken away nor made into something else;
//! the refusal says how many stand in the way and how they are found.

use std::sync::Arc;

use db::{Ctx, Tx, params};
use scim::{Concerns, ResourceType, Schema};
use serde_json::{Value, json};

use super::definition::{self, Attached, ResourceTypeDefinition, is_shipped};
use super::list::{self, TenantResourceType, TenantSchema};
use super::types::{self, GENERATION, TenantTypes};
use crate::counter::{self, Kind, TypeKey};
use crate::limits::{RESOURCE_TYPE_COUNT_MAX, SCHEMA_COUNT_MAX};
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::{Error, Result, stored};

const FORMAT_VERSION: i64 = 1;

/// Endpoints that RFC 7644 3.2 has, and those of the standard's own resource types.
const RESERVED_ENDPOINTS: [&str; 10] = [
    "users",
    "groups",
    "roles",
    "entitlements",
    "me",
    "bulk",
    "schemas",
    "resourcetypes",
    "serviceproviderconfig",
    "serviceproviderconfigs",
];
/// Names of resource types that are not a tenant's to give.
const RESERVED_TYPES: [&str; 7] =
    ["user", "group", "role", "entitlement", "schema", "resourcetype", "serviceproviderconfig"];

/// What is expected of a definition that is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Putting {
    /// It is new.
    Adding,
    /// It takes the place of what is there.
    Changing,
    /// Either.
    Either,
}

impl ServiceProvider {
    /// Adds a schema in the form of RFC 7643 7, or puts it in the place of the one with its URN, and
    /// has it extend these resource types: beside those it extends already.
    ///
    /// # Errors
    /// The definition is wrong, or data is in the way of the change.
    pub fn put_schema(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        definition: &Value,
        extends: &[(String, bool)],
        putting: Putting,
    ) -> Result<TenantSchema> {
        let schema = definition::schema(definition)?;
        let (ctx, tenant, extends) = (ctx.clone(), tenant.clone(), extends.to_vec());
        self.db().write(tenant.turn(), move |tx| {
            put_schema(tx, &ctx, &tenant, &schema, putting)?;
            for (type_name, required) in &extends {
                let attached = Attached { schema: schema.id.clone(), required: *required };
                let types = types::in_transaction(tx, &tenant)?;
                let rt = known_type(&types, type_name)?;
                attach(tx, &ctx, &tenant, &rt, &attached)?;
            }
            list::one(tx, &tenant, &schema.id)
        })
    }

    /// Removes a schema that nothing uses.
    ///
    /// # Errors
    /// It is a resource type's core schema, or resources have data under it.
    pub fn remove_schema(&self, ctx: &Ctx, tenant: &TenantId, urn: &str) -> Result<()> {
        let (ctx, tenant, urn) = (ctx.clone(), tenant.clone(), urn.to_owned());
        self.db().write(tenant.turn(), move |tx| remove_schema(tx, &ctx, &tenant, &urn))
    }

    /// Adds a resource type, or changes the description and the extensions of the one with its name;
    /// of `User` and `Group` too.
    ///
    /// # Errors
    /// The definition is wrong, or data is in the way of the change.
    pub fn put_resource_type(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        definition: &ResourceTypeDefinition,
        putting: Putting,
    ) -> Result<TenantResourceType> {
        let (ctx, tenant, definition) = (ctx.clone(), tenant.clone(), definition.clone());
        self.db().write(tenant.turn(), move |tx| {
            put_resource_type(tx, &ctx, &tenant, &definition, putting)?;
            let types = types::in_transaction(tx, &tenant)?;
            Ok(TenantResourceType::of(&*known_type(&types, &definition.name)?))
        })
    }

    /// Removes a resource type that has no resources.
    ///
    /// # Errors
    /// Every tenant has it, or it has resources.
    pub fn remove_resource_type(&self, ctx: &Ctx, tenant: &TenantId, name: &str) -> Result<()> {
        let (ctx, tenant, name) = (ctx.clone(), tenant.clone(), name.to_owned());
        self.db().write(tenant.turn(), move |tx| remove_resource_type(tx, &ctx, &tenant, &name))
    }
}

fn put_schema(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    schema: &Schema,
    putting: Putting,
) -> Result<()> {
    let key = schema.id.to_lowercase();
    let present = types::schemas(tx, tenant)?;
    let before = present.get(&key);
    match (before, putting) {
        (Some(_), Putting::Adding) => {
            return Err(Error::Exists { noun: "schema", id: schema.id.clone() });
        }
        (None, Putting::Changing) => return Err(Error::not_found("schema", &schema.id)),
        (Some(before), _) if **before == *schema => return Ok(()),
        (None, _) if present.len() >= SCHEMA_COUNT_MAX => {
            return Err(Error::refused(format!(
                "The tenant has {SCHEMA_COUNT_MAX} schemas, and more are not allowed. Remove one first."
            )));
        }
        _ => {}
    }
    if let Some(before) = before {
        // Documents hold the URN as it was written first.
        if before.id != schema.id {
            return Err(Error::refused(format!(
                "The schema is written `{}`. Write its id so.",
                before.id
            )));
        }
        refuse_what_data_would_not_survive(tx, tenant, before, schema)?;
    }
    tx.execute(
        "INSERT INTO schemas (tenant, schema_key, doc, format_version, changed_by, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, schema_key) DO UPDATE SET \
         doc = excluded.doc, format_version = excluded.format_version, \
         changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        params![
            tenant,
            &key,
            stored::to_json(&schema.to_json())?,
            FORMAT_VERSION,
            &ctx.actor,
            ctx.now
        ],
    )?;
    let names: Vec<&str> = schema.attributes.iter().map(|a| a.name.as_str()).collect();
    let kind = if before.is_none() { "schema.added" } else { "schema.changed" };
    tell(tx, ctx, tenant, kind, &schema.id, &json!({"name": schema.name, "attributes": names}))
}

fn refuse_what_data_would_not_survive(
    tx: &mut Tx,
    tenant: &TenantId,
    before: &Schema,
    after: &Schema,
) -> Result<()> {
    let key = before.id.to_lowercase();
    let total = |counts: Vec<(String, u64)>| counts.iter().map(|(_, count)| count).sum::<u64>();
    for change in before.changes_to(after) {
        let (count, which) = match &change.concerns {
            Concerns::With(name) => {
                (total(list::uses(tx, tenant, &key, name)?), format!("have a value for `{name}`"))
            }
            Concerns::Without(name) => {
                let all = total(list::uses(tx, tenant, &key, "")?);
                let with = total(list::uses(tx, tenant, &key, name)?);
                (all.saturating_sub(with), format!("have none for `{name}`"))
            }
        };
        if count > 0 {
            return Err(Error::refused(format!(
                "{}, and {count} resources {which}. Define another attribute beside it, or change those resources first: the filter `schemas eq \"{}\"` finds them.",
                change.what, before.id
            )));
        }
    }
    Ok(())
}

fn remove_schema(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, urn: &str) -> Result<()> {
    let row = list::one(tx, tenant, urn)?;
    for used in &row.used_by {
        if used.core {
            return Err(Error::refused(format!(
                "`{}` is the schema of the resource type {}. Remove that first.",
                row.schema.id, used.resource_type
            )));
        }
        refuse_in_use(&row.schema.id, &used.resource_type, used.resources)?;
    }
    let key = row.schema.id.to_lowercase();
    for table in ["schema_extensions", "attribute_uses", "schemas"] {
        tx.execute(
            &format!("DELETE FROM {table} WHERE tenant = $1 AND schema_key = $2"),
            params![tenant, &key],
        )?;
    }
    tell(tx, ctx, tenant, "schema.removed", &row.schema.id, &json!({"name": row.schema.name}))
}

/// What a directory wrote is not thrown away by an administrator's slip, and it would write it again:
/// the mapping goes first, then the data, then the schema.
fn refuse_in_use(urn: &str, type_name: &str, count: u64) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    Err(Error::refused(format!(
        "{count} resources of the type {type_name} have data under `{urn}`. Stop writing it, then remove it from each: the filter `schemas eq \"{urn}\"` finds them, and a PATCH with the op `remove` and the path `{urn}` clears one."
    )))
}

fn put_resource_type(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    wanted: &ResourceTypeDefinition,
    putting: Putting,
) -> Result<()> {
    let types = types::in_transaction(tx, tenant)?;
    let Some(present) = types.named(&wanted.name) else {
        if putting == Putting::Changing {
            return Err(Error::not_found("resource type", &wanted.name));
        }
        add_resource_type(tx, ctx, tenant, &types, wanted)?;
        let types = types::in_transaction(tx, tenant)?;
        let rt = known_type(&types, &wanted.name)?;
        for extension in &wanted.schema_extensions {
            attach(tx, ctx, tenant, &rt, extension)?;
        }
        return Ok(());
    };
    if putting == Putting::Adding {
        return Err(Error::Exists { noun: "resource type", id: present.name.clone() });
    }
    for (what, is, shall_be) in [
        ("name", &present.name, &wanted.name),
        ("endpoint", &present.endpoint, &wanted.endpoint),
        ("schema", &present.schema.id, &wanted.schema),
    ] {
        if is != shall_be {
            return Err(Error::refused(format!(
                "The {what} of the resource type {} is `{is}` and stays so. Define another resource type for `{shall_be}`.",
                present.name
            )));
        }
    }
    change_resource_type(tx, ctx, tenant, present, wanted)
}

fn change_resource_type(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    present: &Arc<ResourceType>,
    wanted: &ResourceTypeDefinition,
) -> Result<()> {
    let key = present.name.to_lowercase();
    let shipped = is_shipped(&present.schema.id);
    if !shipped && present.description != wanted.description {
        check_description(&wanted.description)?;
        tx.execute(
            "UPDATE resource_types SET description = $1, changed_by = $2, changed_at = $3 \
             WHERE tenant = $4 AND type_key = $5",
            params![&wanted.description, &ctx.actor, ctx.now, tenant, &key],
        )?;
        let payload = json!({"description": wanted.description});
        tell(tx, ctx, tenant, "resource-type.changed", &present.name, &payload)?;
    }
    for extension in &present.extensions {
        let urn = &extension.schema.id;
        let stays = wanted.schema_extensions.iter().any(|w| w.schema.eq_ignore_ascii_case(urn));
        if stays || is_shipped(urn) {
            continue;
        }
        let counts = list::uses(tx, tenant, &urn.to_lowercase(), "")?;
        let count = counts.iter().find(|(name, _)| *name == key).map_or(0, |(_, count)| *count);
        refuse_in_use(urn, &present.name, count)?;
        tx.execute(
            "DELETE FROM schema_extensions WHERE tenant = $1 AND type_key = $2 AND schema_key = $3",
            params![tenant, &key, urn.to_lowercase()],
        )?;
        let payload = json!({"withoutExtension": urn});
        tell(tx, ctx, tenant, "resource-type.changed", &present.name, &payload)?;
    }
    for extension in &wanted.schema_extensions {
        attach(tx, ctx, tenant, present, extension)?;
    }
    Ok(())
}

/// Has a schema extend a type, or changes whether it is required.
fn attach(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    rt: &ResourceType,
    wanted: &Attached,
) -> Result<()> {
    let present = rt.extension(&wanted.schema);
    if present.is_some_and(|extension| extension.required == wanted.required) {
        return Ok(());
    }
    if is_shipped(&wanted.schema) {
        return Err(Error::refused(format!(
            "`{}` is a schema that every tenant has, where it is as it is. Leave it as `/ResourceTypes` shows it.",
            wanted.schema
        )));
    }
    if rt.schema.id.eq_ignore_ascii_case(&wanted.schema) {
        return Err(Error::refused(format!(
            "`{}` is the core schema of {} and cannot extend it too.",
            wanted.schema, rt.name
        )));
    }
    let schema = list::one(tx, tenant, &wanted.schema)?.schema;
    let (key, schema_key) = (rt.name.to_lowercase(), schema.id.to_lowercase());
    if wanted.required {
        // Whoever lacks it could not be changed any more, not even be deactivated.
        let counts = list::uses(tx, tenant, &schema_key, "")?;
        let with = counts.iter().find(|(name, _)| *name == key).map_or(0, |(_, count)| *count);
        let all = counter::read(tx, tenant, kind_of(&rt.name)?)?.count;
        let without = all.saturating_sub(with);
        if without > 0 {
            return Err(Error::refused(format!(
                "`{}` cannot be required of the type {}: {without} resources do not have it and could not be changed any more. Give it to them first, while it is optional.",
                schema.id, rt.name
            )));
        }
    }
    tx.execute(
        "INSERT INTO schema_extensions (tenant, type_key, schema_key, required, changed_by, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, type_key, schema_key) DO UPDATE SET \
         required = excluded.required, changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        params![tenant, &key, &schema_key, wanted.required, &ctx.actor, ctx.now],
    )?;
    let payload = json!({"extension": schema.id, "required": wanted.required});
    tell(tx, ctx, tenant, "resource-type.changed", &rt.name, &payload)
}

fn add_resource_type(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    types: &TenantTypes,
    wanted: &ResourceTypeDefinition,
) -> Result<()> {
    check_description(&wanted.description)?;
    let type_key = TypeKey::of(&wanted.name)?;
    if RESERVED_TYPES.contains(&type_key.as_str()) {
        return Err(reserved(&wanted.name));
    }
    let path = wanted.endpoint.strip_prefix('/').unwrap_or_default();
    let is_path = path.starts_with(|first: char| first.is_ascii_alphabetic())
        && path.len() <= 100
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !is_path {
        return Err(Error::refused(format!(
            "`{}` is no endpoint. Give a slash and a name: `/Devices`.",
            wanted.endpoint
        )));
    }
    if RESERVED_ENDPOINTS.contains(&path.to_lowercase().as_str()) {
        return Err(reserved(&wanted.endpoint));
    }
    if let Some(other) =
        types.all().iter().find(|rt| rt.endpoint.eq_ignore_ascii_case(&wanted.endpoint))
    {
        return Err(Error::refused(format!(
            "`{}` is the endpoint of the resource type {}. Choose another.",
            wanted.endpoint, other.name
        )));
    }
    let own = types.all().iter().filter(|rt| !is_shipped(&rt.schema.id)).count();
    if own >= RESOURCE_TYPE_COUNT_MAX {
        return Err(Error::refused(format!(
            "The tenant has {RESOURCE_TYPE_COUNT_MAX} resource types of its own, and more are not allowed. Remove one first."
        )));
    }
    if is_shipped(&wanted.schema) {
        return Err(Error::refused(format!(
            "`{}` is a schema that every tenant has and belongs to its own resource type. Add a schema for {} first.",
            wanted.schema, wanted.name
        )));
    }
    let schema = list::one(tx, tenant, &wanted.schema)?.schema;
    tx.execute(
        "INSERT INTO resource_types (tenant, type_key, name, endpoint, endpoint_key, description, \
         schema_key, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            tenant,
            type_key.as_str(),
            &wanted.name,
            &wanted.endpoint,
            wanted.endpoint.to_lowercase(),
            &wanted.description,
            schema.id.to_lowercase(),
            &ctx.actor,
            ctx.now
        ],
    )?;
    let payload = json!({"endpoint": wanted.endpoint, "schema": schema.id});
    tell(tx, ctx, tenant, "resource-type.added", &wanted.name, &payload)
}

fn remove_resource_type(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, name: &str) -> Result<()> {
    let types = types::in_transaction(tx, tenant)?;
    let rt = known_type(&types, name)?;
    if is_shipped(&rt.schema.id) {
        return Err(Error::refused(format!("Every tenant has the resource type {}.", rt.name)));
    }
    let count = counter::read(tx, tenant, kind_of(&rt.name)?)?.count;
    if count > 0 {
        return Err(Error::refused(format!(
            "There are {count} resources of the type {}. Delete them first, at `{}`.",
            rt.name, rt.endpoint
        )));
    }
    let key = rt.name.to_lowercase();
    for table in ["schema_extensions", "attribute_uses", "resource_types"] {
        tx.execute(
            &format!("DELETE FROM {table} WHERE tenant = $1 AND type_key = $2"),
            params![tenant, &key],
        )?;
    }
    tell(tx, ctx, tenant, "resource-type.removed", &rt.name, &json!({"endpoint": rt.endpoint}))
}

/// Which counter and table a type is in.
fn kind_of(type_name: &str) -> Result<Kind> {
    Ok(match type_name {
        "User" => Kind::Users,
        "Group" => Kind::Groups,
        name => Kind::Resources(TypeKey::of(name)?),
    })
}

fn known_type(types: &TenantTypes, name: &str) -> Result<Arc<ResourceType>> {
    types.named(name).cloned().ok_or_else(|| Error::not_found("resource type", name))
}

fn check_description(text: &str) -> Result<()> {
    let max = scim::limits::SCHEMA_DESCRIPTION_CHARS_MAX;
    if text.chars().count() <= max && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "The description has more than {max} characters, or control ones. Shorten it."
    )))
}

fn reserved(name: &str) -> Error {
    Error::refused(format!("`{name}` is reserved. Choose a name of your own."))
}

/// Appends the event, and has every node make the types anew.
fn tell(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    kind: &str,
    subject: &str,
    payload: &Value,
) -> Result<()> {
    db::generation::bump(tx, tenant.as_str(), GENERATION)?;
    db::event::append(tx, ctx, tenant.as_str(), kind, subject, payload)?;
    Ok(())
}
