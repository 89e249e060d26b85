//! What every answer has to be, whatever was asked (RFC 7644 3.1, 3.4.2, 3.7.3, 3.12, 3.14).

use std::fmt;

use axum::http::{HeaderMap, Method, header};
use serde_json::Value;

use super::conversation::Asked;
use super::{contains, text};

/// The keywords of RFC 7644 table 9 and RFC 9865.
const SCIM_TYPES: [&str; 13] = [
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidVers",
    "sensitive",
    "invalidCursor",
    "expiredCursor",
    "invalidCount",
];

/// An answer, read whole.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// No fault, nothing of what is hidden, and SCIM's form.
    pub fn assert_sound(&self, asked: &Asked, hidden: &[&str]) {
        let Asked { method, target, .. } = asked;
        let what = format!("{method} {target}: {} {}", self.status, self.shown());
        assert!(self.status < 500 || self.status == 501, "a fault: {what}");
        for text in hidden {
            assert!(!contains(&self.body, text), "another tenant's `{text}`: {what}");
            let headers = self.headers.values();
            let told = headers.into_iter().any(|value| contains(value.as_bytes(), text));
            assert!(!told, "another tenant's `{text}` in a header: {what}");
        }
        if method == Method::HEAD || !target.path().starts_with("/scim2/") {
            return;
        }
        if self.body.is_empty() {
            let empty = matches!(self.status, 204 | 304);
            assert!(empty, "a body is missing: {what}");
            return;
        }
        let kind = text(&self.headers, &header::CONTENT_TYPE);
        assert!(matches!(kind, "application/scim+json" | "application/json"), "{kind}: {what}");
        let body: Result<Value, _> = serde_json::from_slice(&self.body);
        let Ok(body) = body else { unreachable!("no JSON: {what}") };
        if self.status >= 400 {
            assert!(is_error(&body, self.status), "no error of RFC 7644 3.12: {what}");
            if self.status == 401 {
                assert!(self.headers.contains_key(header::WWW_AUTHENTICATE), "{what}");
            }
            if self.status == 405 {
                assert!(self.headers.contains_key(header::ALLOW), "{what}");
            }
        } else {
            self.assert_success(&body, &what);
        }
    }

    fn assert_success(&self, body: &Value, what: &str) {
        if has_schema(body, scim::urn::LIST_RESPONSE) {
            let number = |name: &str| body.get(name).and_then(Value::as_u64);
            let resources = body.get("Resources").and_then(Value::as_array);
            let count = resources.map_or(0, Vec::len) as u64;
            assert_eq!(number("itemsPerPage"), Some(count), "{what}");
            assert!(number("totalResults").is_some_and(|total| total >= count), "{what}");
        } else if has_schema(body, scim::urn::BULK_RESPONSE) {
            for operation in operations(body) {
                let status = operation.get("status").and_then(Value::as_str).unwrap_or_default();
                let status = status.parse().unwrap_or(500_u16);
                assert!(status < 500 || status == 501, "a fault: {what}");
                if status >= 400 {
                    let error = operation.get("response").unwrap_or(&Value::Null);
                    assert!(is_error(error, status), "{what}");
                }
            }
        } else {
            assert!(body.get("schemas").is_some_and(Value::is_array), "no `schemas`: {what}");
            let meta = |name: &str| body.get("meta").and_then(|meta| meta.get(name)?.as_str());
            let place = text(&self.headers, &header::LOCATION);
            assert!(
                meta("location").is_none_or(|meta| place.is_empty() || meta == place),
                "{what}"
            );
            let version = text(&self.headers, &header::ETAG);
            assert!(
                meta("version").is_none_or(|meta| version.is_empty() || meta == version),
                "{what}"
            );
            assert!(body.get("password").is_none(), "a password is shown: {what}");
        }
    }

    /// Where the resources are that it says were made.
    pub fn made(&self) -> Vec<String> {
        let location = text(&self.headers, &header::LOCATION);
        if self.status == 201 && location.contains("/scim2/") {
            return vec![location.to_owned()];
        }
        let body: Value = match self.status {
            200 => serde_json::from_slice(&self.body).unwrap_or_default(),
            _ => Value::Null,
        };
        if !has_schema(&body, scim::urn::BULK_RESPONSE) {
            return Vec::new();
        }
        // A later operation may have taken away what an earlier one made.
        let gone =
            operations(&body).filter(|operation| operation.get("status") == Some(&"204".into()));
        let gone: Vec<&Value> = gone.filter_map(|operation| operation.get("location")).collect();
        let made =
            operations(&body).filter(|operation| operation.get("status") == Some(&"201".into()));
        let made = made.filter_map(|operation| operation.get("location"));
        made.filter(|location| !gone.contains(location))
            .filter_map(|location| Some(location.as_str()?.to_owned()))
            .collect()
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(2_000).collect()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{:?}\n{}\n", self.status, self.headers, self.shown())
    }
}

fn operations(body: &Value) -> impl Iterator<Item = &Value> {
    body.get("Operations").and_then(Value::as_array).into_iter().flatten()
}

fn has_schema(body: &Value, urn: &str) -> bool {
    let schemas = body.get("schemas").and_then(Value::as_array);
    schemas.is_some_and(|schemas| schemas.iter().any(|schema| schema == urn))
}

fn is_error(body: &Value, status: u16) -> bool {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let keyword = body.get("scimType").is_none()
        || text("scimType").is_some_and(|keyword| SCIM_TYPES.contains(&keyword));
    has_schema(body, scim::urn::ERROR)
        && text("status") == Some(status.to_string().as_str())
        && text("detail").is_some_and(|detail| !detail.is_empty())
        && keyword
}
