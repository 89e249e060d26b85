//! A resource type as an administrator defines it, in the form of RFC 7643 6.

use scim::{Schema, SchemaError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::resource_types::SHIPPED;
use crate::{Error, Result};

/// A resource type to be added, or to be so from now on (RFC 7643 6). `schemas`, `id` and `meta`,
/// which a client sends back that has read one, say nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceTypeDefinition {
    /// The name: `Device`.
    pub name: String,
    /// Where its resources are: `/Devices`.
    pub endpoint: String,
    /// What it describes.
    #[serde(default)]
    pub description: String,
    /// The URN of its core schema.
    pub schema: String,
    /// Its extensions.
    #[serde(default)]
    pub schema_extensions: Vec<Attached>,
    /// As it was read.
    #[serde(default, skip_serializing)]
    schemas: Value,
    /// As it was read.
    #[serde(default, skip_serializing)]
    id: Value,
    /// As it was read.
    #[serde(default, skip_serializing)]
    meta: Value,
}

/// A schema that extends a resource type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attached {
    /// Its URN.
    pub schema: String,
    /// Whether a resource without it is invalid.
    #[serde(default)]
    pub required: bool,
}

impl ResourceTypeDefinition {
    /// Reads a definition; what is wrong is said in one sentence.
    pub fn read(json: &Value) -> Result<Self> {
        serde_json::from_value(json.clone()).map_err(|error| {
            Error::refused(format!(
                "The resource type is not in the form of RFC 7643 section 6: {error}. Give `name`, `endpoint`, `schema` and, if it has any, `schemaExtensions`."
            ))
        })
    }
}

/// Reads a schema that is to be a tenant's own.
pub(super) fn schema(json: &Value) -> Result<Schema> {
    let schema = Schema::define(json)?;
    if is_shipped(&schema.id) {
        return Err(SchemaError::Reserved(schema.id).into());
    }
    Ok(schema)
}

/// Whether every tenant has a schema of this URN.
pub(crate) fn is_shipped(urn: &str) -> bool {
    SHIPPED.iter().any(|shipped| shipped.eq_ignore_ascii_case(urn))
}

impl From<SchemaError> for Error {
    fn from(error: SchemaError) -> Self {
        let sentence = match &error {
            SchemaError::Json(source) => format!("{error} {source}."),
            _ => error.to_string(),
        };
        Self::refused(sentence)
    }
}
