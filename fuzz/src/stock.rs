//! The resource types and stored resources that inputs are held against, and inputs as JSON.

use std::sync::{Arc, LazyLock};

use scim::{Extension, Resource, ResourceType, Schema, Tolerances, enterprise_user_schema};
use serde_json::{Map, Value, json};

/// An extension with an attribute of every type and of every manner.
const BADGE: &str = r#"{"id": "urn:example:Badge", "name": "Badge", "attributes": [
    {"name": "number", "mutability": "immutable"},
    {"name": "color", "required": true},
    {"name": "level", "type": "integer"},
    {"name": "weight", "type": "decimal"},
    {"name": "valid", "type": "boolean"},
    {"name": "colors", "multiValued": true},
    {"name": "levels", "type": "integer", "multiValued": true},
    {"name": "photo", "type": "binary"},
    {"name": "owner", "type": "reference", "referenceTypes": ["User"]},
    {"name": "code", "caseExact": true},
    {"name": "pin", "mutability": "writeOnly", "returned": "never"},
    {"name": "validUntil", "type": "dateTime"},
    {"name": "printedAt", "type": "dateTime", "mutability": "readOnly"},
    {"name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
        {"name": "value"},
        {"name": "type"},
        {"name": "floor", "type": "integer"},
        {"name": "openedAt", "type": "dateTime"},
        {"name": "primary", "type": "boolean"}]}]}"#;

/// A resource type, and a resource of it that is stored.
pub struct Stock {
    /// The type.
    pub rt: ResourceType,
    /// The resource, in canonical form.
    pub stored: Resource,
}

/// A user and a group.
pub static STOCK: LazyLock<[Stock; 2]> = LazyLock::new(|| {
    let badge = Schema::from_json(BADGE);
    let badges = badge.map(|schema| Extension::optional(Arc::new(schema)));
    assert!(badges.is_ok(), "{badges:?}");
    let mut extensions = vec![Extension::optional(enterprise_user_schema())];
    extensions.extend(badges);
    [
        Stock { rt: ResourceType::user(extensions), stored: canonical(user()) },
        Stock { rt: ResourceType::group(Vec::new()), stored: canonical(group()) },
    ]
});

fn user() -> Value {
    json!({
        "schemas": [scim::urn::USER, scim::urn::ENTERPRISE_USER, "urn:example:Badge"],
        "id": "2819c223",
        "externalId": "701984",
        "meta": {
            "resourceType": "User",
            "created": "2026-01-23T04:56:22.000Z",
            "lastModified": "2026-05-13T04:42:34.000Z",
            "location": "https://example.com/v2/Users/2819c223"
        },
        "userName": "bjensen@example.com",
        "name": {"formatted": "Ms. Barbara J Jensen", "familyName": "Jensen", "givenName": "Barbara"},
        "displayName": "Babs Jensen",
        "active": true,
        "title": "Tour Guide",
        "userType": "Employee",
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@jensen.org", "type": "home"}
        ],
        "phoneNumbers": [{"value": "+1 555 0100", "type": "work"}],
        "addresses": [{"type": "work", "locality": "Hollywood", "country": "US", "primary": true}],
        "roles": [{"value": "guide"}],
        scim::urn::ENTERPRISE_USER: {
            "employeeNumber": "701984",
            "department": "Tours",
            "manager": {"value": "26118915", "displayName": "John Smith"}
        },
        "urn:example:Badge": {
            "number": "7",
            "color": "red",
            "level": 3,
            "weight": 1.5,
            "valid": false,
            "colors": ["red", "Blue"],
            "levels": [1, 2],
            "code": "aB",
            "validUntil": "2027-01-01T00:00:00Z",
            "doors": [{"value": "north", "type": "glass", "floor": 2}, {"floor": 3}]
        }
    })
}

fn group() -> Value {
    json!({
        "schemas": [scim::urn::GROUP],
        "id": "e9e30dba",
        "meta": {"resourceType": "Group", "created": "2026-01-23T04:56:22.000Z"},
        "displayName": "Tour Guides"
    })
}

fn canonical(value: Value) -> Resource {
    match value {
        Value::Object(document) => Resource::from_canonical(document),
        _ => Resource::default(),
    }
}

/// The JSON texts that an input begins with, one after another.
pub fn documents(bytes: &[u8]) -> Vec<Value> {
    serde_json::Deserializer::from_slice(bytes).into_iter().map_while(Result::ok).take(3).collect()
}

/// The resource that a document gives, as whoever stores it has it: with an id and a creation date.
pub fn resource(rt: &ResourceType, body: &Value) -> Option<Resource> {
    let (mut resource, ..) = Resource::read(body, rt, &Tolerances::all()).ok()?;
    resource.set("id", json!("5b1d"));
    resource.set("meta", json!({"resourceType": rt.name, "created": "2026-01-23T04:56:22.000Z"}));
    Some(resource)
}

/// What a client may write of a document, and whether a strict server takes it as it is.
pub fn assert_valid(rt: &ResourceType, resource: &Resource) {
    let document = resource.document();
    let read = Resource::read(&Value::Object(document.clone()), rt, &Tolerances::none());
    assert!(read.is_ok(), "{read:?}\n{document:?}");
    if let Ok((read, ..)) = read {
        assert_eq!(read.document(), &writable(rt, document));
    }
}

/// A document without what only the server sets.
pub fn writable(rt: &ResourceType, document: &Map<String, Value>) -> Map<String, Value> {
    let mut rest = document.clone();
    rest.remove("id");
    rest.remove("meta");
    if let Some(rows) = &rt.rows {
        rest.remove(rows);
    }
    without_read_only(&mut rest, &rt.schema.attributes);
    for extension in &rt.extensions {
        let Some(Value::Object(values)) = rest.get_mut(&extension.schema.id) else { continue };
        without_read_only(values, &extension.schema.attributes);
    }
    rest
}

fn without_read_only(values: &mut Map<String, Value>, attributes: &[scim::Attribute]) {
    for attribute in attributes {
        if attribute.mutability == scim::Mutability::ReadOnly {
            values.remove(&attribute.name);
        }
        match values.get_mut(&attribute.name) {
            Some(Value::Object(parts)) => without_read_only(parts, &attribute.sub_attributes),
            Some(Value::Array(entries)) => {
                for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
                    without_read_only(entry, &attribute.sub_attributes);
                }
            }
            _ => {}
        }
    }
}
