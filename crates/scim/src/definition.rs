//! Schemas that are added while a server runs: what they have to fulfil beyond being readable, and
//! what a change of one means for the resources that follow it.

use serde_json::{Map, Value};

use crate::limits::{
    CANONICAL_VALUE_COUNT_MAX, SCHEMA_DESCRIPTION_CHARS_MAX, SCHEMA_NAME_CHARS_MAX,
    SCHEMA_URN_BYTES_MAX,
};
use crate::schema::{find, is_attribute_name};
use crate::{Attribute, AttributeType, Mutability, Returned, Schema, SchemaError, Uniqueness, urn};

/// The schemas of RFC 7643 that nobody else defines.
const RESERVED: [&str; 6] = [
    urn::USER,
    urn::GROUP,
    urn::ENTERPRISE_USER,
    urn::SCHEMA,
    urn::RESOURCE_TYPE,
    urn::SERVICE_PROVIDER_CONFIG,
];
/// Under this lie the protocol's messages (RFC 7644 8.2).
const MESSAGES: &str = "urn:ietf:params:scim:api:";
/// The attributes every resource has (RFC 7643 3 and 3.1).
const COMMON: [&str; 4] = ["id", "externalId", "meta", "schemas"];
/// What RFC 7643 7 defines of a schema, and what a client sends back that it has read.
const SCHEMA_KEYS: [&str; 6] = ["schemas", "id", "name", "description", "attributes", "meta"];
/// What RFC 7643 7 defines of an attribute.
const ATTRIBUTE_KEYS: [&str; 12] = [
    "name",
    "type",
    "multiValued",
    "description",
    "required",
    "caseExact",
    "mutability",
    "returned",
    "uniqueness",
    "canonicalValues",
    "referenceTypes",
    "subAttributes",
];

/// What a change of a schema means for resources that follow it already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaChange {
    /// Whose data it is about.
    pub concerns: Concerns,
    /// What is changed, as in "`level` would be of the type integer".
    pub what: String,
}

/// Which resources stand in the way of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concerns {
    /// Those that have a value for this attribute.
    With(String),
    /// Those that follow the schema and have no value for this attribute.
    Without(String),
}

impl Schema {
    /// Reads a schema that is to be added to those a server has, in the form of RFC 7643 7. Stricter
    /// than [`Schema::from_json`]: a key that the RFC does not define is a slip of the pen, a name
    /// of the standard stays the standard's, and characteristics must not contradict each other.
    ///
    /// # Errors
    /// What is wrong first, with the attribute it is about.
    pub fn define(json: &Value) -> Result<Self, SchemaError> {
        let Value::Object(body) = json else {
            return Err(wrong("The schema", "is not a JSON object".into()));
        };
        check_keys(body, &SCHEMA_KEYS, "The schema")?;
        if let Some(Value::Array(attributes)) = body.get("attributes") {
            check_attribute_forms(attributes, "", 0)?;
        }
        // The checks of every schema; a text is what they read.
        let schema = Self::from_json(&json.to_string())?;
        check_urn(&schema.id)?;
        check_words("The schema", &schema.name, &schema.description)?;
        if schema.name.trim().is_empty() {
            return Err(wrong("The schema", "has an empty `name`".into()));
        }
        if schema.attributes.is_empty() {
            return Err(wrong("The schema", "defines no attribute".into()));
        }
        for attribute in &schema.attributes {
            if COMMON.iter().any(|name| name.eq_ignore_ascii_case(&attribute.name)) {
                return Err(SchemaError::Reserved(attribute.name.clone()));
            }
            check_attribute(attribute, &attribute.name)?;
        }
        Ok(schema)
    }

    /// What stands between this schema and `next` in its place: every change that resources which
    /// have data under it would not survive. A new optional attribute, another description, another
    /// list of canonical values (which only suggest), another `returned` or `mutability`, and what
    /// is required no longer, stand between nothing.
    pub fn changes_to(&self, next: &Self) -> Vec<SchemaChange> {
        let mut changes = Vec::new();
        for old in &self.attributes {
            let what = match find(&next.attributes, &old.name) {
                None => Some(format!("`{}` would be gone", old.name)),
                Some(new) => difference(old, new, &old.name),
            };
            let concerns = Concerns::With(old.name.clone());
            changes.extend(what.map(|what| SchemaChange { concerns, what }));
        }
        for new in next.attributes.iter().filter(|new| new.required) {
            if find(&self.attributes, &new.name).is_none_or(|old| !old.required) {
                changes.push(SchemaChange {
                    concerns: Concerns::Without(new.name.clone()),
                    what: format!("`{}` would be required", new.name),
                });
            }
        }
        changes
    }
}

/// How a value of `old` would not be one of `new`.
fn difference(old: &Attribute, new: &Attribute, path: &str) -> Option<String> {
    // Documents hold names in their canonical case.
    if old.name != new.name {
        return Some(format!("`{path}` would be written `{}`", new.name));
    }
    if old.attribute_type != new.attribute_type {
        let to = word(&new.attribute_type);
        return Some(format!("`{path}` would be of the type {to}"));
    }
    if old.multi_valued != new.multi_valued {
        let to = if new.multi_valued { "several values" } else { "one value" };
        return Some(format!("`{path}` would have {to}"));
    }
    if old.case_exact != new.case_exact {
        return Some(format!("`{path}` would be compared by another rule of case"));
    }
    if old.uniqueness != new.uniqueness {
        return Some(format!("`{path}` would have the uniqueness {}", word(&new.uniqueness)));
    }
    for part in &old.sub_attributes {
        let at = format!("{path}.{}", part.name);
        match find(&new.sub_attributes, &part.name) {
            None => return Some(format!("`{at}` would be gone")),
            Some(new) => {
                if let Some(found) = difference(part, new, &at) {
                    return Some(found);
                }
            }
        }
    }
    let newly_required = new.sub_attributes.iter().find(|part| {
        part.required && old.sub_attribute(&part.name).is_none_or(|before| !before.required)
    });
    newly_required.map(|part| format!("`{path}.{}` would be required", part.name))
}

/// RFC 7643 7: "id: The unique URI of the schema"; RFC 8141 2: `urn:` NID `:` NSS. Of the characters
/// a URN may have, those are taken that a filter and a path can hold without quoting.
fn check_urn(id: &str) -> Result<(), SchemaError> {
    let fold = id.to_ascii_lowercase();
    if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(id))
        || fold.starts_with(MESSAGES)
    {
        return Err(SchemaError::Reserved(id.to_owned()));
    }
    let mut parts = id.splitn(3, ':').skip(1);
    let (nid, nss) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let nid_is_one = (2..=32).contains(&nid.len())
        && nid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !nid.starts_with('-')
        && !nid.ends_with('-');
    let nss_is_one = nss.split(':').all(|segment| {
        !segment.is_empty()
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    });
    if id.starts_with("urn:") && nid_is_one && nss_is_one && id.len() <= SCHEMA_URN_BYTES_MAX {
        Ok(())
    } else {
        Err(SchemaError::Id(id.to_owned()))
    }
}

fn check_words(whose: &str, name: &str, description: &str) -> Result<(), SchemaError> {
    for (what, text, limit) in [
        ("name", name, SCHEMA_NAME_CHARS_MAX),
        ("description", description, SCHEMA_DESCRIPTION_CHARS_MAX),
    ] {
        if text.chars().count() > limit || text.chars().any(char::is_control) {
            return Err(wrong(
                whose,
                format!("has a `{what}` of more than {limit} characters, or with control ones"),
            ));
        }
    }
    Ok(())
}

/// The keys and words of each attribute, one by one: so the error says which attribute it is.
fn check_attribute_forms(values: &[Value], parent: &str, depth: u8) -> Result<(), SchemaError> {
    for (index, value) in values.iter().enumerate() {
        let Value::Object(body) = value else {
            let whose = if parent.is_empty() { "The schema".into() } else { tick(parent) };
            return Err(wrong(&whose, "has an attribute that is not a JSON object".into()));
        };
        let name = body.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.map_or_else(|| format!("number {}", index + 1), str::to_owned);
        let path = if parent.is_empty() { name } else { format!("{parent}.{name}") };
        check_keys(body, &ATTRIBUTE_KEYS, &tick(&path))?;
        let mut alone = body.clone();
        let parts = alone.remove("subAttributes");
        if let Err(error) = serde_json::from_value::<Attribute>(Value::Object(alone)) {
            return Err(wrong(&tick(&path), format!("cannot be read: {error}")));
        }
        if let Some(Value::Array(parts)) = &parts {
            // RFC 7643 2.3.8; said here, so that no depth of nesting is walked into.
            if depth > 0 && !parts.is_empty() {
                return Err(SchemaError::Nested(path));
            }
            check_attribute_forms(parts, &path, depth + 1)?;
        }
    }
    Ok(())
}

fn check_keys(body: &Map<String, Value>, known: &[&str], whose: &str) -> Result<(), SchemaError> {
    match body.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let key: String = key.chars().take(SCHEMA_NAME_CHARS_MAX).collect();
            let known = known.join(", ");
            Err(wrong(
                whose,
                format!("has `{key}`, which RFC 7643 7 does not define; it defines {known}"),
            ))
        }
    }
}

/// Characteristics that go together.
fn check_attribute(attribute: &Attribute, path: &str) -> Result<(), SchemaError> {
    let whose = tick(path);
    check_words(&whose, &attribute.name, &attribute.description)?;
    if !is_attribute_name(&attribute.name) {
        return Err(SchemaError::Name(path.to_owned()));
    }
    let texts =
        matches!(attribute.attribute_type, AttributeType::String | AttributeType::Reference);
    if !attribute.canonical_values.is_empty() && !texts {
        return Err(wrong(&whose, "has `canonicalValues` and is no string".into()));
    }
    if attribute.canonical_values.len() > CANONICAL_VALUE_COUNT_MAX {
        return Err(SchemaError::TooLarge {
            name: "CANONICAL_VALUE_COUNT_MAX",
            limit: CANONICAL_VALUE_COUNT_MAX,
        });
    }
    if !attribute.reference_types.is_empty() && attribute.attribute_type != AttributeType::Reference
    {
        return Err(wrong(&whose, "has `referenceTypes` and is no reference".into()));
    }
    // RFC 7643 7: "returned: never ... used with writeOnly"; a value nobody may read is not shown.
    if attribute.mutability == Mutability::WriteOnly && attribute.returned != Returned::Never {
        return Err(wrong(
            &whose,
            "is `writeOnly`, so that its `returned` can only be `never` (RFC 7643 7)".into(),
        ));
    }
    if attribute.mutability == Mutability::ReadOnly && attribute.required {
        return Err(wrong(
            &whose,
            "is `required` and `readOnly`: nobody could give it a value".into(),
        ));
    }
    if attribute.uniqueness != Uniqueness::None {
        // One moment has many texts, and so has a fraction: what is compared is a text or a count.
        if !texts && attribute.attribute_type != AttributeType::Integer {
            return Err(wrong(
                &whose,
                format!(
                    "is of the type {}, whose values cannot be unique",
                    word(&attribute.attribute_type)
                ),
            ));
        }
        // A refusal would tell that somebody has the value.
        if attribute.returned == Returned::Never {
            return Err(wrong(&whose, "is never returned, so that it cannot be unique".into()));
        }
    }
    for part in &attribute.sub_attributes {
        check_attribute(part, &format!("{path}.{}", part.name))?;
    }
    Ok(())
}

fn wrong(whose: &str, message: String) -> SchemaError {
    SchemaError::Definition { whose: whose.to_owned(), message }
}

fn tick(path: &str) -> String {
    let path: String = path.chars().take(2 * SCHEMA_NAME_CHARS_MAX).collect();
    format!("The attribute `{path}`")
}

/// A characteristic as the RFC writes it.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn told(json: &Value) -> String {
        match Schema::define(json) {
            Ok(_) => "ok".into(),
            Err(error) => error.to_string(),
        }
    }

    fn with(attribute: Value) -> Value {
        json!({"id": "urn:acme:scim:1.0:Badge", "name": "Badge", "attributes": [attribute]})
    }

    #[test]
    fn a_definition_that_contradicts_the_rfc_or_itself_is_refused_with_its_attribute() {
        let check = |attribute: Value, expected: &str| {
            let found = told(&with(attribute.clone()));
            assert!(found.contains(expected), "{attribute}: {found}");
        };
        check(json!({"name": "level"}), "ok");
        check(json!({"name": "level", "mutabilty": "readOnly"}), "`level` has `mutabilty`, which");
        check(
            json!({"name": "level", "type": "text"}),
            "`level` cannot be read: unknown variant `text`",
        );
        check(json!({"name": "level", "returned": 1}), "`level` cannot be read");
        check(json!({"name": "ID"}), "`ID` is reserved");
        check(json!({"name": "externalid"}), "`externalid` is reserved");
        check(json!({"name": "le vel"}), "is not an attribute name");
        check(json!({"name": "x", "type": "integer", "canonicalValues": ["1"]}), "is no string");
        check(json!({"name": "x", "referenceTypes": ["User"]}), "is no reference");
        check(json!({"name": "x", "mutability": "writeOnly"}), "can only be `never`");
        check(json!({"name": "x", "mutability": "writeOnly", "returned": "never"}), "ok");
        check(json!({"name": "x", "mutability": "readOnly", "required": true}), "nobody could");
        check(json!({"name": "x", "type": "boolean", "uniqueness": "server"}), "cannot be unique");
        check(json!({"name": "x", "type": "integer", "uniqueness": "server"}), "ok");
        check(
            json!({"name": "x", "returned": "never", "uniqueness": "server"}),
            "cannot be unique",
        );
        let nested = json!({"name": "x", "type": "complex", "subAttributes": [
            {"name": "y", "type": "complex", "subAttributes": [{"name": "z"}]}]});
        check(nested, "`x.y` is complex within");
        check(
            json!({"name": "x", "type": "complex", "subAttributes": [{"name": "y", "typ": 1}]}),
            "`x.y` has `typ`",
        );
        check(json!("x"), "has an attribute that is not a JSON object");
        check(json!({"type": "string"}), "cannot be read");
    }

    #[test]
    fn a_name_of_the_standard_stays_the_standards() {
        let check = |id: &str, expected: &str| {
            let json = json!({"id": id, "name": "X", "attributes": [{"name": "level"}]});
            let found = told(&json);
            assert!(found.contains(expected), "{id}: {found}");
        };
        check("urn:acme:scim:schemas:extension:1.0:User", "ok");
        check("urn:ietf:params:scim:schemas:core:2.0:Device", "ok");
        check("URN:ietf:params:scim:schemas:core:2.0:user", "is reserved");
        check("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "is reserved");
        check("urn:ietf:params:scim:api:messages:2.0:Mine", "is reserved");
        check("https://acme.example/schema", "is not a URN");
        check("urn:acme", "is not a URN");
        check("URN:acme:x", "is not a URN");
        check("urn:acme:", "is not a URN");
        check("urn::x", "is not a URN");
        check("urn:acme:a b", "is not a URN");
        check("urn:acme:x:", "is not a URN");
        check("urn:acme:x[y]", "is not a URN");
    }

    #[test]
    fn what_data_would_not_survive_is_named() {
        let before = |attributes: Value| json!({"id": "urn:acme:1.0:X", "name": "X", "attributes": attributes});
        let check = |next: Value, expected: &[&str]| {
            let old = before(json!([
                {"name": "level", "type": "integer"},
                {"name": "tags", "multiValued": true, "canonicalValues": ["a"]},
                {"name": "car", "type": "complex", "subAttributes": [{"name": "plate"}]},
            ]));
            let old = Schema::define(&old).unwrap();
            let next = Schema::define(&before(next.clone())).unwrap();
            let found: Vec<String> =
                old.changes_to(&next).into_iter().map(|change| change.what).collect();
            assert_eq!(found, expected, "{next:?}");
        };
        let same = json!([
            {"name": "level", "type": "integer", "description": "new", "returned": "request"},
            {"name": "tags", "multiValued": true, "canonicalValues": ["a", "b"]},
            {"name": "car", "type": "complex", "subAttributes": [{"name": "plate"}, {"name": "make"}]},
            {"name": "more"},
        ]);
        check(same, &[]);
        check(
            json!([
                {"name": "level"},
                {"name": "tags"},
                {"name": "car", "type": "complex", "subAttributes": [
                    {"name": "plate"}, {"name": "make", "required": true}]},
                {"name": "more", "required": true},
            ]),
            &[
                "`level` would be of the type string",
                "`tags` would have one value",
                "`car.make` would be required",
                "`more` would be required",
            ],
        );
        check(
            json!([{"name": "Level", "type": "integer"}]),
            &["`level` would be written `Level`", "`tags` would be gone", "`car` would be gone"],
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let keys = SCHEMA_KEYS.iter().chain(&ATTRIBUTE_KEYS).copied().collect::<Vec<_>>();
        let words =
            ["string", "complex", "readOnly", "never", "server", "urn:a1:b", "level", "$ref", "1"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            prop::sample::select(words.to_vec()).prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, move |inner| {
            let entry = (prop::sample::select(keys.clone()), inner.clone());
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                prop::collection::vec(entry, 0..8).prop_map(|entries| {
                    Value::Object(entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
                }),
            ]
        })
    }

    proptest! {
        /// Whatever is sent, reading it ends; and what was accepted is accepted again as it is shown.
        #[test]
        fn no_definition_makes_it_panic(json in any_json(), text in "\\PC{0,64}") {
            let _ = Schema::from_json(&text);
            let _ = Schema::from_json(&json.to_string());
            if let Ok(schema) = Schema::define(&json) {
                prop_assert_eq!(Schema::define(&schema.to_json()).unwrap(), schema.clone());
                prop_assert!(schema.changes_to(&schema).is_empty());
            }
        }

        #[test]
        fn attributes_of_any_shape_are_read_or_refused(attributes in prop::collection::vec(any_json(), 0..4)) {
            let json = json!({"id": "urn:acme:x", "name": "X", "attributes": attributes});
            if let Ok(schema) = Schema::define(&json) {
                prop_assert_eq!(Schema::define(&schema.to_json()).unwrap(), schema);
            }
        }
    }
}
