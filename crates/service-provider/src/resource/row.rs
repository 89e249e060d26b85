//! The row of a resource of a type that the tenant defined.

use db::{Read, Row, params};
use jiff::Timestamp;
use scim::Resource;
use serde_json::{Map, Value};

use crate::counter::TypeKey;
use crate::tenant::TenantId;
use crate::{Error, Result};

/// A resource, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomResource {
    /// The identifier.
    pub id: String,
    /// How often it has changed.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub last_modified_at: Timestamp,
    /// The SCIM document without `id` and `meta`, as canonical JSON.
    pub document: String,
}

impl CustomResource {
    /// The document as a resource.
    pub(crate) fn resource(&self) -> Result<Resource> {
        let document: Map<String, Value> = serde_json::from_str(&self.document)
            .map_err(|error| Error::stored(format!("document of resource {}", self.id), error))?;
        Ok(Resource::from_canonical(document))
    }
}

/// What a query of one type begins with; `$1` is the tenant, as in every such query. The type is
/// part of the text: a key is letters and digits.
pub(crate) fn select(key: TypeKey) -> String {
    format!(
        "SELECT x.id, x.version, x.created_at, x.last_modified_at, x.doc FROM resources x \
         WHERE x.tenant = $1 AND x.type_key = '{}'",
        key.as_str()
    )
}

pub(crate) fn read_row(row: &Row) -> db::Result<CustomResource> {
    Ok(CustomResource {
        id: row.text(0)?,
        version: row.count(1)?,
        created_at: row.timestamp(2)?,
        last_modified_at: row.timestamp(3)?,
        document: row.text(4)?,
    })
}

/// The resource of this type and id.
pub(crate) fn by_id(
    r: &mut Read,
    tenant: &TenantId,
    key: TypeKey,
    id: &str,
) -> Result<Option<CustomResource>> {
    let sql = format!("{} AND x.id = $2", select(key));
    Ok(r.query_opt(&sql, params![tenant, id], read_row)?)
}
