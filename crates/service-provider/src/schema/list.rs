//! A tenant's own schemas and its resource types, as they are listed.

use db::{Read, params};
use jiff::Timestamp;
use scim::{ResourceType, Schema};
use serde::Serialize;
use serde_json::{Map, Value};

use super::definition::{Attached, is_shipped};
use super::types;
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::{Error, Result, stored};

/// A schema of a tenant's own.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantSchema {
    /// The definition, as `/Schemas` shows it.
    #[serde(serialize_with = "as_shown")]
    pub schema: Schema,
    /// Where it is used.
    pub used_by: Vec<SchemaUse>,
    /// Who added or last changed it.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
}

/// The use of a schema by a resource type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaUse {
    /// The resource type.
    pub resource_type: String,
    /// Whether it is the type's core schema; else it extends it.
    pub core: bool,
    /// Whether a resource without it is invalid.
    pub required: bool,
    /// How many resources have data under it.
    pub resources: u64,
}

/// A resource type as a tenant has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantResourceType {
    /// The name.
    pub name: String,
    /// Where its resources are.
    pub endpoint: String,
    /// What it describes.
    pub description: String,
    /// The URN of its core schema.
    pub schema: String,
    /// Its extensions.
    pub schema_extensions: Vec<Attached>,
    /// Whether the tenant defined it; else every tenant has it.
    pub own: bool,
}

impl TenantResourceType {
    pub(super) fn of(rt: &ResourceType) -> Self {
        let extensions = rt.extensions.iter().map(|extension| Attached {
            schema: extension.schema.id.clone(),
            required: extension.required,
        });
        Self {
            name: rt.name.clone(),
            endpoint: rt.endpoint.clone(),
            description: rt.description.clone(),
            schema: rt.schema.id.clone(),
            schema_extensions: extensions.collect(),
            own: !is_shipped(&rt.schema.id),
        }
    }
}

impl ServiceProvider {
    /// A tenant's own schemas, by URN.
    pub fn schemas(&self, tenant: &TenantId) -> Result<Vec<TenantSchema>> {
        self.db().read(|r| list(r, tenant))
    }

    /// A tenant's own schema of this URN, whatever its case.
    pub fn schema(&self, tenant: &TenantId, urn: &str) -> Result<TenantSchema> {
        self.db().read(|r| one(r, tenant, urn))
    }

    /// The resource types of a tenant, those that every tenant has first.
    pub fn resource_types(&self, tenant: &TenantId) -> Result<Vec<TenantResourceType>> {
        let types = self.types_of(tenant)?;
        Ok(types.all().iter().map(|rt| TenantResourceType::of(rt)).collect())
    }
}

/// The schema of this URN.
pub(super) fn one(r: &mut Read, tenant: &TenantId, urn: &str) -> Result<TenantSchema> {
    let found = list(r, tenant)?.into_iter().find(|row| row.schema.id.eq_ignore_ascii_case(urn));
    found.ok_or_else(|| Error::not_found("schema", urn))
}

/// How many resources use a schema: by type, all attributes with the empty name.
pub(super) fn uses(
    r: &mut Read,
    tenant: &TenantId,
    schema_key: &str,
    attribute: &str,
) -> Result<Vec<(String, u64)>> {
    Ok(r.query(
        "SELECT type_key, count FROM attribute_uses WHERE tenant = $1 AND schema_key = $2 \
         AND attribute = $3 AND count > 0 ORDER BY type_key",
        params![tenant, schema_key, attribute],
        |row| Ok((row.text(0)?, row.count(1)?)),
    )?)
}

fn list(r: &mut Read, tenant: &TenantId) -> Result<Vec<TenantSchema>> {
    let types = types::in_transaction(r, tenant)?;
    let rows = r.query(
        "SELECT schema_key, doc, changed_by, changed_at FROM schemas WHERE tenant = $1 \
         ORDER BY schema_key",
        params![tenant],
        |row| {
            let schema: Schema = stored::json("A schema", row.text_ref(1)?)?;
            Ok((row.text(0)?, schema, row.text(2)?, row.timestamp(3)?))
        },
    )?;
    let mut listed = Vec::new();
    for (key, schema, changed_by, changed_at) in rows {
        let counts = uses(r, tenant, &key, "")?;
        let mut used_by = Vec::new();
        for rt in types.all() {
            let core = rt.schema.id == schema.id;
            let extension = rt.extension(&schema.id);
            if core || extension.is_some() {
                let type_key = rt.name.to_lowercase();
                let count = counts.iter().find(|(name, _)| *name == type_key);
                used_by.push(SchemaUse {
                    resource_type: rt.name.clone(),
                    core,
                    required: core || extension.is_some_and(|extension| extension.required),
                    resources: count.map_or(0, |(_, count)| *count),
                });
            }
        }
        listed.push(TenantSchema { schema, used_by, changed_by, changed_at });
    }
    Ok(listed)
}

fn as_shown<S: serde::Serializer>(schema: &Schema, serializer: S) -> Result<S::Ok, S::Error> {
    let shown = match schema.to_json() {
        Value::Object(shown) => shown,
        _ => Map::new(),
    };
    shown.serialize(serializer)
}
