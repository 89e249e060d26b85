//! Schemas and attribute definitions (RFC 7643 2 and 7), loaded from JSON.
//!
//! The schemas of the standard stand in `schemas/*.json` and differ from RFC 7643 8.7 only where
//! its prose overrules its listing: references, binaries, ids of resources and passwords are case
//! exact (2.3.6, 2.3.7, 3.1, 4.1.1), a group's `displayName` is required (4.2), `members` has
//! `display` and `addresses` has `primary` (2.4; the example in 8.2 uses it). A characteristic that
//! is not written has the default of RFC 7643 2.2.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits::{SCHEMA_ATTRIBUTE_COUNT_MAX, SCHEMA_BYTES_MAX};

/// A schema: a URN and the attributes it defines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The schema's URN.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// What it describes.
    #[serde(default)]
    pub description: String,
    /// The attributes, in the order they are shown.
    pub attributes: Vec<Attribute>,
}

/// An attribute definition with all characteristics of RFC 7643 2.2 and 7.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// The attribute's name in its canonical case.
    pub name: String,
    /// The data type.
    #[serde(rename = "type", default)]
    pub attribute_type: AttributeType,
    /// Whether it holds several values.
    #[serde(default)]
    pub multi_valued: bool,
    /// What it means.
    #[serde(default)]
    pub description: String,
    /// Whether a resource without it is invalid.
    #[serde(default)]
    pub required: bool,
    /// Whether string values are compared with regard to case.
    #[serde(default)]
    pub case_exact: bool,
    /// Who may set it, and when.
    #[serde(default)]
    pub mutability: Mutability,
    /// When it is returned.
    #[serde(default)]
    pub returned: Returned,
    /// Whether its values must be unique.
    #[serde(default)]
    pub uniqueness: Uniqueness,
    /// Suggested values; they do not restrict (RFC 7643 7: "MAY choose to ignore").
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// What a reference may point at: resource type names, `external` or `uri`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// The parts of a complex attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Attribute>,
}

/// The data types of RFC 7643 2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeType {
    /// A string of Unicode characters.
    #[default]
    String,
    /// true or false.
    Boolean,
    /// A number with at least one digit after the point.
    Decimal,
    /// A whole number.
    Integer,
    /// A moment as xsd:dateTime.
    DateTime,
    /// A URI.
    Reference,
    /// Bytes as base64.
    Binary,
    /// An object of sub-attributes.
    Complex,
}

/// Who may set an attribute (RFC 7643 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// Only the server sets it.
    ReadOnly,
    /// The client may change it at any time.
    #[default]
    ReadWrite,
    /// Set at creation (or while it has no value), never changed.
    Immutable,
    /// Set at any time, never read.
    WriteOnly,
}

/// When an attribute is returned (RFC 7643 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// In every answer.
    Always,
    /// In no answer.
    Never,
    /// Unless the client leaves it out.
    #[default]
    Default,
    /// Only when the client asks for it.
    Request,
}

/// Whether values must be unique (RFC 7643 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Values may repeat.
    #[default]
    None,
    /// Unique among the tenant's resources of this type.
    Server,
    /// Unique everywhere.
    Global,
}

/// A schema that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It is not JSON, or not in the form of RFC 7643 7.
    #[error("The schema is not in the form of RFC 7643 section 7. Correct the JSON.")]
    Json(#[source] serde_json::Error),
    /// Its id is no URN.
    #[error(
        "The schema id `{0}` is not a URN. Give it one like `urn:example:scim:schemas:1.0:Badge`."
    )]
    Id(String),
    /// An attribute name that RFC 7643 2.1 does not allow.
    #[error(
        "`{0}` is not an attribute name. Use a letter followed by letters, digits, `-` and `_`."
    )]
    Name(String),
    /// Two attributes with one name.
    #[error("The attribute `{0}` is defined twice (names ignore case). Remove one.")]
    Duplicate(String),
    /// Sub-attributes and type contradict each other.
    #[error("`{0}` must be of type `complex` if it has sub-attributes, and only then.")]
    SubAttributes(String),
    /// A complex attribute within a complex one.
    #[error("`{0}` is complex within a complex attribute, which RFC 7643 2.3.8 forbids.")]
    Nested(String),
    /// A name that the standard or the server keeps for itself.
    #[error("`{0}` is reserved. Choose a name of your own.")]
    Reserved(String),
    /// A definition that RFC 7643 7 does not allow, or that contradicts itself.
    #[error("{whose} {message}.")]
    Definition {
        /// The schema, or which attribute.
        whose: String,
        /// What is wrong with it.
        message: String,
    },
    /// More bytes or attributes than the limits allow.
    #[error("The schema exceeds the limit {name} of {limit}. Split it.")]
    TooLarge {
        /// The limit's name.
        name: &'static str,
        /// Its value.
        limit: usize,
    },
}

impl Schema {
    /// Reads a schema as RFC 7643 7 writes it; `schemas` and `meta` are ignored.
    pub fn from_json(json: &str) -> Result<Self, SchemaError> {
        if json.len() > SCHEMA_BYTES_MAX {
            return Err(SchemaError::TooLarge {
                name: "SCHEMA_BYTES_MAX",
                limit: SCHEMA_BYTES_MAX,
            });
        }
        let schema: Self = serde_json::from_str(json).map_err(SchemaError::Json)?;
        if !schema.id.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:")) {
            return Err(SchemaError::Id(schema.id));
        }
        let limit = SCHEMA_ATTRIBUTE_COUNT_MAX;
        let count = |attributes: &[Attribute]| {
            attributes.iter().map(|attribute| 1 + attribute.sub_attributes.len()).sum::<usize>()
        };
        if count(&schema.attributes) > limit {
            return Err(SchemaError::TooLarge { name: "SCHEMA_ATTRIBUTE_COUNT_MAX", limit });
        }
        check_attributes(&schema.attributes, "")?;
        Ok(schema)
    }

    /// The schema as RFC 7643 7 writes it, with every characteristic written out.
    pub fn to_json(&self) -> Value {
        let mut json = Map::new();
        json.insert("id".into(), Value::from(self.id.clone()));
        json.insert("name".into(), Value::from(self.name.clone()));
        json.insert("description".into(), Value::from(self.description.clone()));
        let attributes = self.attributes.iter().map(Attribute::to_json).collect();
        json.insert("attributes".into(), Value::Array(attributes));
        Value::Object(json)
    }

    /// The attribute of this name, whatever its case (RFC 7643 2.1).
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        find(&self.attributes, name)
    }
}

impl Attribute {
    /// The sub-attribute of this name, whatever its case.
    pub fn sub_attribute(&self, name: &str) -> Option<&Attribute> {
        find(&self.sub_attributes, name)
    }

    fn to_json(&self) -> Value {
        // The derived form leaves out empty lists only; everything else is always written.
        let mut json = match serde_json::to_value(self) {
            Ok(Value::Object(json)) => json,
            _ => Map::new(),
        };
        if self.attribute_type == AttributeType::Complex {
            let parts = self.sub_attributes.iter().map(Attribute::to_json).collect();
            json.insert("subAttributes".into(), Value::Array(parts));
        }
        Value::Object(json)
    }
}

/// The core User schema (RFC 7643 4.1).
pub fn user_schema() -> Arc<Schema> {
    static SCHEMA: LazyLock<Arc<Schema>> =
        LazyLock::new(|| embedded(include_str!("schemas/user.json")));
    Arc::clone(&SCHEMA)
}

/// The core Group schema (RFC 7643 4.2).
pub fn group_schema() -> Arc<Schema> {
    static SCHEMA: LazyLock<Arc<Schema>> =
        LazyLock::new(|| embedded(include_str!("schemas/group.json")));
    Arc::clone(&SCHEMA)
}

/// The enterprise User extension (RFC 7643 4.3).
pub fn enterprise_user_schema() -> Arc<Schema> {
    static SCHEMA: LazyLock<Arc<Schema>> =
        LazyLock::new(|| embedded(include_str!("schemas/enterprise_user.json")));
    Arc::clone(&SCHEMA)
}

/// The schemas of ServiceProviderConfig, ResourceType and Schema themselves (RFC 7643 8.7.2, and
/// RFC 9865 for `pagination`).
pub fn discovery_schemas() -> [Arc<Schema>; 3] {
    static SCHEMAS: LazyLock<[Arc<Schema>; 3]> = LazyLock::new(|| {
        [
            embedded(include_str!("schemas/service_provider_config.json")),
            embedded(include_str!("schemas/resource_type.json")),
            embedded(include_str!("schemas/schema.json")),
        ]
    });
    SCHEMAS.clone()
}

/// The attributes every resource has (RFC 7643 3 and 3.1): `schemas`, `id`, `externalId`, `meta`.
pub fn common_attributes() -> &'static [Attribute] {
    static SCHEMA: LazyLock<Arc<Schema>> =
        LazyLock::new(|| embedded(include_str!("schemas/common.json")));
    &SCHEMA.attributes
}

/// A schema compiled into the crate. The schema of schemas nests complex attributes
/// (`attributes.subAttributes`), so the checks of `from_json` are left to the tests.
fn embedded(json: &str) -> Arc<Schema> {
    match serde_json::from_str(json) {
        Ok(schema) => Arc::new(schema),
        // Data of this crate, read by a test: it cannot fail where the tests passed.
        Err(error) => unreachable!("embedded schema: {error}"),
    }
}

pub(crate) fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

fn check_attributes(attributes: &[Attribute], parent: &str) -> Result<(), SchemaError> {
    for (index, attribute) in attributes.iter().enumerate() {
        let name = match parent {
            "" => attribute.name.clone(),
            parent => format!("{parent}.{}", attribute.name),
        };
        if !is_attribute_name(&attribute.name) {
            return Err(SchemaError::Name(name));
        }
        if find(&attributes[..index], &attribute.name).is_some() {
            return Err(SchemaError::Duplicate(name));
        }
        let complex = attribute.attribute_type == AttributeType::Complex;
        if complex == attribute.sub_attributes.is_empty() {
            return Err(SchemaError::SubAttributes(name));
        }
        // RFC 7643 2.3.8: "a complex attribute MUST NOT contain sub-attributes that have
        // sub-attributes".
        if complex && !parent.is_empty() {
            return Err(SchemaError::Nested(name));
        }
        check_attributes(&attribute.sub_attributes, &name)?;
    }
    Ok(())
}

/// RFC 7643 2.1: `ATTRNAME = ALPHA *(nameChar)`, `nameChar = "$" / "-" / "_" / DIGIT / ALPHA`;
/// `$ref` (2.4) starts with the dollar all the same.
pub(crate) fn is_attribute_name(name: &str) -> bool {
    let rest = name.strip_prefix('$').unwrap_or(name);
    rest.starts_with(|first: char| first.is_ascii_alphabetic())
        && rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '$' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_of_the_standard_pass_their_own_checks() {
        for schema in [user_schema(), group_schema(), enterprise_user_schema()] {
            let again = Schema::from_json(&schema.to_json().to_string()).unwrap();
            assert_eq!(again, *schema);
        }
        assert_eq!(discovery_schemas().len(), 3);
        assert_eq!(common_attributes().len(), 4);
    }

    #[test]
    fn characteristics_of_core_attributes_are_those_of_rfc_7643() {
        let user = user_schema();
        let line = |name: &str| {
            let a = user.attribute(name).unwrap();
            format!(
                "{} {:?} mv={} req={} ce={} {:?} {:?} {:?}",
                a.name,
                a.attribute_type,
                a.multi_valued,
                a.required,
                a.case_exact,
                a.mutability,
                a.returned,
                a.uniqueness
            )
        };
        insta::assert_snapshot!(line("USERNAME"), @"userName String mv=false req=true ce=false ReadWrite Default Server");
        insta::assert_snapshot!(line("password"), @"password String mv=false req=false ce=true WriteOnly Never None");
        insta::assert_snapshot!(line("groups"), @"groups Complex mv=true req=false ce=false ReadOnly Default None");
        insta::assert_snapshot!(line("active"), @"active Boolean mv=false req=false ce=false ReadWrite Default None");
        let names: Vec<_> = user.attributes.iter().map(|a| a.name.as_str()).collect();
        insta::assert_snapshot!(names.join(" "), @"userName name displayName nickName profileUrl title userType preferredLanguage locale timezone active password emails phoneNumbers ims photos addresses groups entitlements roles x509Certificates");
    }

    #[test]
    fn a_schema_shown_to_a_client_has_every_characteristic() {
        let json = user_schema().to_json();
        for attribute in json["attributes"].as_array().unwrap() {
            for key in [
                "name",
                "type",
                "multiValued",
                "description",
                "required",
                "caseExact",
                "mutability",
                "returned",
                "uniqueness",
            ] {
                assert!(attribute.get(key).is_some(), "{key} of {attribute}");
            }
        }
    }

    #[test]
    fn schemas_that_cannot_be_used_are_refused_with_the_attribute() {
        fn check(attributes: &str, message: &str) {
            let json = format!(r#"{{"id":"urn:x:y","name":"x","attributes":{attributes}}}"#);
            let found = match Schema::from_json(&json) {
                Ok(_) => "ok".to_string(),
                Err(error) => error.to_string(),
            };
            assert!(found.starts_with(message), "{attributes}: {found}");
        }
        check(r#"[{"name":"a"}]"#, "ok");
        check(r#"[{"name":"a"},{"name":"A"}]"#, "The attribute `A` is defined twice");
        check(r#"[{"name":"a b"}]"#, "`a b` is not an attribute name");
        check(r#"[{"name":"1a"}]"#, "`1a` is not an attribute name");
        check(r#"[{"name":"a.b"}]"#, "`a.b` is not an attribute name");
        check(r#"[{"name":"a","type":"complex"}]"#, "`a` must be of type `complex`");
        check(r#"[{"name":"a","subAttributes":[{"name":"b"}]}]"#, "`a` must be of type `complex`");
        check(
            r#"[{"name":"a","type":"complex","subAttributes":[{"name":"b","type":"complex","subAttributes":[{"name":"c"}]}]}]"#,
            "`a.b` is complex within",
        );
        check(r#"[{"name":"a","type":"text"}]"#, "The schema is not in the form");
        check("7", "The schema is not in the form");
        assert!(matches!(
            Schema::from_json(r#"{"id":"x","name":"x","attributes":[]}"#),
            Err(SchemaError::Id(_))
        ));
    }
}
