//! The rows that stand beside a document whose schemas are a tenant's own: the values that must be
//! unique, and how many resources use which attribute. They are brought in line in the transaction
//! that writes the document, by the difference of before and after.

use std::collections::BTreeSet;

use db::{Read, Tx, params};
use scim::{Attribute, Error as ScimError, ResourceType, Schema, Uniqueness};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::definition::is_shipped;
use super::types;
use crate::Result;
use crate::limits::UNIQUE_VALUE_BYTES_MAX;
use crate::tenant::TenantId;

/// A document before and after its write; None: it is not there.
type Document<'a> = Option<&'a Map<String, Value>>;

/// Brings the rows beside a document of the type named so in line with its write.
///
/// # Errors
/// A value that must be unique is another resource's.
pub(crate) fn follow(
    tx: &mut Tx,
    tenant: &TenantId,
    type_name: &str,
    id: &str,
    before: Document<'_>,
    after: Document<'_>,
) -> Result<()> {
    let own =
        |document: Document<'_>| document.is_some_and(|document| has_own(type_name, document));
    if !own(before) && !own(after) {
        return Ok(());
    }
    let types = types::in_transaction(tx, tenant)?;
    // A type that is gone had no resources, one that is not there yet has none.
    let rt = types.named(type_name).ok_or(db::Error::Busy)?;
    follow_uses(tx, tenant, rt, before, after)?;
    let (old, new) = (unique_values(rt, before), unique_values(rt, after));
    for gone in old.difference(&new) {
        tx.execute(
            "DELETE FROM unique_values WHERE tenant = $1 AND value_key = $2",
            params![tenant, &gone.key],
        )?;
    }
    for value in new.difference(&old) {
        let written = tx.execute(
            "INSERT INTO unique_values (tenant, value_key, resource_type, resource_id) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, value_key) DO NOTHING",
            params![tenant, &value.key, &rt.name, id],
        )?;
        if written == 0 {
            return Err(taken(tx, tenant, value)?.into());
        }
    }
    Ok(())
}

/// Whether a document follows a schema of the tenant's own. Users and groups that do not pay
/// nothing.
fn has_own(type_name: &str, document: &Map<String, Value>) -> bool {
    let is_core = matches!(type_name, "User" | "Group");
    !is_core || document.keys().any(|key| key.starts_with("urn:") && !is_shipped(key))
}

fn follow_uses(
    tx: &mut Tx,
    tenant: &TenantId,
    rt: &ResourceType,
    before: Document<'_>,
    after: Document<'_>,
) -> Result<()> {
    let (old, new) = (uses(rt, before)?, uses(rt, after)?);
    let type_key = rt.name.to_lowercase();
    for (schema, attribute) in new.difference(&old) {
        tx.execute(
            "INSERT INTO attribute_uses (tenant, schema_key, type_key, attribute, count) \
             VALUES ($1, $2, $3, $4, 1) ON CONFLICT (tenant, schema_key, type_key, attribute) \
             DO UPDATE SET count = attribute_uses.count + 1",
            params![tenant, schema, &type_key, attribute],
        )?;
    }
    for (schema, attribute) in old.difference(&new) {
        tx.execute(
            "UPDATE attribute_uses SET count = count - 1 \
             WHERE tenant = $1 AND schema_key = $2 AND type_key = $3 AND attribute = $4",
            params![tenant, schema, &type_key, attribute],
        )?;
    }
    Ok(())
}

/// What a document uses of the tenant's own schemas: (schema, attribute), and (schema, "").
fn uses(rt: &ResourceType, document: Document<'_>) -> Result<BTreeSet<(String, String)>> {
    let mut used = BTreeSet::new();
    let Some(document) = document else { return Ok(used) };
    let mut of = |schema: &Schema, values: &Map<String, Value>| {
        let key = schema.id.to_lowercase();
        let named = schema.attributes.iter().filter(|a| values.contains_key(&a.name));
        used.extend(named.map(|attribute| (key.clone(), attribute.name.clone())));
        used.insert((key, String::new()));
    };
    if !is_shipped(&rt.schema.id) {
        of(&rt.schema, document);
    }
    for (urn, value) in document {
        let Value::Object(values) = value else { continue };
        if !urn.starts_with("urn:") || is_shipped(urn) {
            continue;
        }
        // The schema went away between reading the request and writing it.
        let extension = rt.extension(urn).ok_or(db::Error::Busy)?;
        if values.keys().any(|name| extension.schema.attribute(name).is_none()) {
            return Err(db::Error::Busy.into());
        }
        of(&extension.schema, values);
    }
    Ok(used)
}

/// A value that nobody else may have.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct UniqueValue {
    key: String,
    path: String,
    shown: String,
}

fn unique_values(rt: &ResourceType, document: Document<'_>) -> BTreeSet<UniqueValue> {
    let mut found = BTreeSet::new();
    let Some(document) = document else { return found };
    for schema in rt.schemas().filter(|schema| !is_shipped(&schema.id)) {
        let values = if schema.id == rt.schema.id {
            Some(document)
        } else {
            document.get(&schema.id).and_then(Value::as_object)
        };
        let Some(values) = values else { continue };
        for attribute in &schema.attributes {
            let Some(value) = values.get(&attribute.name) else { continue };
            let entries = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for entry in entries {
                collect(rt, schema, attribute, &attribute.name, entry, &mut found);
                for part in &attribute.sub_attributes {
                    let path = format!("{}.{}", attribute.name, part.name);
                    if let Some(value) = entry.get(&part.name) {
                        collect(rt, schema, part, &path, value, &mut found);
                    }
                }
            }
        }
    }
    found
}

fn collect(
    rt: &ResourceType,
    schema: &Schema,
    attribute: &Attribute,
    path: &str,
    value: &Value,
    found: &mut BTreeSet<UniqueValue>,
) {
    if attribute.uniqueness == Uniqueness::None {
        return;
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return,
    };
    let shown = text.chars().take(100).collect();
    let key = value_key(rt, schema, attribute, path, &text);
    let path =
        if schema.id == rt.schema.id { path.into() } else { format!("{}:{path}", schema.id) };
    found.insert(UniqueValue { key, path, shown });
}

/// The key a unique value is found by. RFC 7643 7: `server` is unique "within the context of the
/// current SCIM endpoint", which is one resource type; `global` within the whole tenant, since
/// beyond it nobody can promise anything, or may learn what others have.
pub(crate) fn value_key(
    rt: &ResourceType,
    schema: &Schema,
    attribute: &Attribute,
    path: &str,
    text: &str,
) -> String {
    let within = if attribute.uniqueness == Uniqueness::Server { rt.name.as_str() } else { "" };
    let folded = attribute.comparison_key(text);
    let value = if folded.len() > UNIQUE_VALUE_BYTES_MAX {
        let digest = Sha256::digest(folded.as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    } else {
        folded.into_owned()
    };
    // What stands before the value has no line breaks, so that no two values share a key.
    format!("{}\n{path}\n{}\n{value}", schema.id.to_lowercase(), within.to_lowercase())
}

fn taken(r: &mut Read, tenant: &TenantId, value: &UniqueValue) -> Result<ScimError> {
    let owner = r.query_opt(
        "SELECT resource_type, resource_id FROM unique_values WHERE tenant = $1 AND value_key = $2",
        params![tenant, &value.key],
        |row| Ok((row.text(0)?, row.text(1)?)),
    )?;
    let (resource_type, id) = owner.unwrap_or_default();
    Ok(ScimError::uniqueness(format!(
        "`{}` must be unique, and `{}` belongs to {resource_type} `{id}`. Send another value.",
        value.path, value.shown
    )))
}
