//! Bulk requests: many operations in one message, which may name each other's new resources
//! (RFC 7644 3.7).
//!
//! `read` turns the body into operations, each of them sound or with an error of its own;
//! `reference` finds and replaces `bulkId:...`; `order` says in which order they are carried out.
//! Carrying out is the server's business: what it hands back is a [`BulkResult`] an operation.

mod order;
mod read;
mod reference;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{Error, IfMatch, Version, urn};

pub use order::BulkStep;

/// A bulk request (RFC 7644 3.7).
#[derive(Debug, Clone, PartialEq)]
pub struct BulkRequest {
    /// After how many errors the rest is left undone; None carries on whatever happens.
    pub fail_on_errors: Option<u64>,
    /// The operations, in the order of the request.
    pub operations: Vec<BulkOperation>,
}

/// One operation of a bulk request.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkOperation {
    /// The method as it was written, which the answer repeats.
    pub method: Option<String>,
    /// The client's name for the resource that the operation makes.
    pub bulk_id: Option<String>,
    /// What is to be done, or why it cannot be.
    pub call: Result<BulkCall, Error>,
}

/// What an operation of a bulk request asks for: one request of RFC 7644 3.3, 3.5 or 3.6.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkCall {
    /// The method.
    pub method: BulkMethod,
    /// The versions the operation is tied to.
    pub version: Option<IfMatch>,
    path: String,
    data: Value,
    references: BTreeSet<String>,
}

/// The methods of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkMethod {
    /// Create (3.3).
    Post,
    /// Replace (3.5.1).
    Put,
    /// Modify (3.5.2).
    Patch,
    /// Delete (3.6).
    Delete,
}

/// What came of one operation (RFC 7644 3.7.3).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BulkResult {
    /// The method as it was written.
    pub method: Option<String>,
    /// The client's name for the resource.
    pub bulk_id: Option<String>,
    /// The version of the resource now.
    pub version: Option<Version>,
    /// Where the resource is: of all operations "except for failed POST operations".
    pub location: Option<String>,
    /// The HTTP status that a request of its own would have had.
    pub status: u16,
    /// Why it failed.
    pub error: Option<Error>,
}

impl BulkMethod {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Methods are written in capital letters (RFC 9110 9.1).
    fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Post, Self::Put, Self::Patch, Self::Delete];
        all.into_iter().find(|method| method.as_str() == name)
    }
}

impl BulkCall {
    /// The new resources of the request that the operation names, by their bulkIds.
    pub fn references(&self) -> &BTreeSet<String> {
        &self.references
    }

    /// The path as it was written, which may end in a `bulkId:...`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path and the data with the ids that new resources have got. RFC 7644 3.7.2: "The service
    /// provider MUST replace the string "bulkId:qwerty" with the permanent resource id once
    /// created." What has no id yet stays as it is.
    pub fn resolved(&self, ids: &BTreeMap<String, String>) -> (String, Value) {
        let (mut path, mut data) = (self.path.clone(), self.data.clone());
        let mut find = |found: reference::Found<'_>| ids.get(found.bulk_id).cloned();
        reference::replace_in_path(&mut path, &mut find);
        reference::replace(&mut data, &mut find);
        (path, data)
    }

    /// The data with the ids that there are and without whatever names a resource that has none
    /// yet: the first half of a circle (RFC 7644 3.7.1).
    pub fn resolved_so_far(&self, ids: &BTreeMap<String, String>) -> Value {
        let (_, mut data) = self.resolved(ids);
        let missing: BTreeSet<_> =
            self.references.iter().filter(|id| !ids.contains_key(*id)).cloned().collect();
        reference::take_out(&mut data, &missing);
        data
    }
}

/// The answer to a bulk request (RFC 7644 3.7.3): one entry for each operation that was carried
/// out or failed, in the order of the request.
pub fn bulk_response(results: &[BulkResult]) -> Value {
    let operations: Vec<Value> = results.iter().map(BulkResult::to_json).collect();
    json!({"schemas": [urn::BULK_RESPONSE], "Operations": operations})
}

impl BulkResult {
    fn to_json(&self) -> Value {
        let mut json = Map::new();
        let texts = [
            ("method", self.method.clone()),
            ("bulkId", self.bulk_id.clone()),
            ("version", self.version.map(Version::etag)),
            ("location", self.location.clone()),
            ("status", Some(self.status.to_string())),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                json.insert(name.into(), text.into());
            }
        }
        // RFC 7644 3.7: "For normal completion, the server MAY elect to omit the response body."
        if let Some(error) = &self.error {
            json.insert("response".into(), error.to_json());
        }
        Value::Object(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_has_what_the_standard_asks_for() {
        let done = BulkResult {
            method: Some("POST".into()),
            bulk_id: Some("a".into()),
            version: Some(Version(1)),
            location: Some("https://x/Users/1".into()),
            status: 201,
            error: None,
        };
        let failed = BulkResult {
            method: Some("DELETE".into()),
            location: Some("https://x/Users/2".into()),
            status: 404,
            error: Some(Error::not_found("User", "2")),
            ..BulkResult::default()
        };
        insta::assert_snapshot!(
            bulk_response(&[done, failed]),
            @r#"{"Operations":[{"bulkId":"a","location":"https://x/Users/1","method":"POST","status":"201","version":"W/\"1\""},{"location":"https://x/Users/2","method":"DELETE","response":{"detail":"User `2` does not exist.","schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404"},"status":"404"}],"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]}"#
        );
    }
}
