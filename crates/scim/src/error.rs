//! SCIM errors (RFC 7644 3.12): what the client is told.

use serde_json::{Map, Value};

use crate::urn;

/// An error as the protocol tells it: HTTP status, detail keyword and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// The HTTP status code.
    pub status: u16,
    /// The detail error keyword, where RFC 7644 table 9 (or RFC 9865) has one.
    pub scim_type: Option<ScimType>,
    /// What happened, to whom, and the next step, for a person.
    pub detail: String,
}

/// The detail error keywords of RFC 7644 table 9 and RFC 9865.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScimType {
    /// The filter has invalid syntax or an attribute that cannot be compared so.
    InvalidFilter,
    /// The filter yields more results than the server is willing to process.
    TooMany,
    /// A value is already in use or reserved.
    Uniqueness,
    /// The modification is not compatible with the attribute's mutability.
    Mutability,
    /// The body did not conform to the request schema.
    InvalidSyntax,
    /// The path attribute was invalid or malformed.
    InvalidPath,
    /// The path did not yield an attribute that could be operated on.
    NoTarget,
    /// A required value was missing, or a value was not compatible with its attribute.
    InvalidValue,
    /// The protocol version is not supported.
    InvalidVers,
    /// The request cannot be completed since the URI holds sensitive information.
    Sensitive,
    /// The cursor is not known (RFC 9865).
    InvalidCursor,
    /// The cursor has expired (RFC 9865).
    ExpiredCursor,
    /// The count is not valid (RFC 9865).
    InvalidCount,
}

impl ScimType {
    /// The keyword on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

impl Error {
    /// An error with a status and no keyword.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// A 400 with a keyword.
    pub fn bad_request(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { status: 400, scim_type: Some(scim_type), detail: detail.into() }
    }

    /// 404: the resource does not exist (in this tenant).
    pub fn not_found(resource_type: &str, id: &str) -> Self {
        Self::new(404, format!("{resource_type} `{id}` does not exist."))
    }

    /// 409: a value that must be unique is taken.
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self { status: 409, scim_type: Some(ScimType::Uniqueness), detail: detail.into() }
    }

    /// 412: the version the client named is not the resource's version.
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(412, detail)
    }

    /// The message body of RFC 7644 3.12; `status` is a JSON string.
    pub fn to_json(&self) -> Value {
        let mut body = Map::new();
        body.insert("schemas".into(), Value::from(vec![urn::ERROR]));
        body.insert("status".into(), Value::from(self.status.to_string()));
        if let Some(scim_type) = self.scim_type {
            body.insert("scimType".into(), Value::from(scim_type.as_str()));
        }
        body.insert("detail".into(), Value::from(self.detail.clone()));
        Value::Object(body)
    }
}
