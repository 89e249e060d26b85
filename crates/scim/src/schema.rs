//! Schemas and attribute definitions (RFC 7643 2 and 7), loaded from JSON.

use serde::{Deserialize, Serialize};

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
    #[serde(rename = "type")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeType {
    /// A string of Unicode characters.
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

impl Schema {
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
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
