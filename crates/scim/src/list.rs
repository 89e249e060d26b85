//! The answer to a query (RFC 7644 3.4.2, RFC 9865).

use serde_json::{Map, Value};

use crate::urn;

/// A page of resources.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListResponse {
    /// How many resources match. RFC 9865 2 lets it out where it would be too dear to count.
    pub total_results: Option<u64>,
    /// The place of the first resource shown, counted from 1. None when paging by cursor.
    pub start_index: Option<u64>,
    /// The resources of this page, projected.
    pub resources: Vec<Map<String, Value>>,
    /// The cursor of the next page; None on the last page and when paging by index.
    pub next_cursor: Option<String>,
    /// The cursor of the page before; None on the first page and when paging by index.
    pub previous_cursor: Option<String>,
}

impl ListResponse {
    /// The message body.
    pub fn to_json(self) -> Value {
        let mut body = Map::new();
        body.insert("schemas".into(), Value::from(vec![urn::LIST_RESPONSE]));
        // Integers, not strings: RFC 7644 3.4.2 and every client that reads pages.
        let numbers = [
            ("totalResults", self.total_results),
            ("startIndex", self.start_index),
            ("itemsPerPage", Some(self.resources.len() as u64)),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                body.insert(name.into(), Value::from(number));
            }
        }
        let cursors = [("nextCursor", self.next_cursor), ("previousCursor", self.previous_cursor)];
        for (name, cursor) in cursors {
            if let Some(cursor) = cursor {
                body.insert(name.into(), Value::from(cursor));
            }
        }
        // "Resources ... REQUIRED if "totalResults" is non-zero"; clients index it without asking,
        // so it is there also when empty.
        let resources = self.resources.into_iter().map(Value::Object).collect();
        body.insert("Resources".into(), Value::Array(resources));
        Value::Object(body)
    }
}

/// A page by index.
pub fn list_response(total: u64, start_index: u64, resources: Vec<Map<String, Value>>) -> Value {
    ListResponse {
        total_results: Some(total),
        start_index: Some(start_index),
        resources,
        ..ListResponse::default()
    }
    .to_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_by_index_counts_what_it_shows() {
        let mut resource = Map::new();
        resource.insert("id".into(), "1".into());
        insta::assert_snapshot!(
            list_response(7, 4, vec![resource]),
            @r#"{"Resources":[{"id":"1"}],"itemsPerPage":1,"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"startIndex":4,"totalResults":7}"#
        );
    }

    #[test]
    fn a_page_by_cursor_has_no_start_index() {
        let page = ListResponse { next_cursor: Some("n".into()), ..ListResponse::default() };
        insta::assert_snapshot!(
            page.to_json(),
            @r#"{"Resources":[],"itemsPerPage":0,"nextCursor":"n","schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"]}"#
        );
    }
}
