//! Where `bulkId:...` stands in an operation (RFC 7644 3.7.2): as a whole value, at the end of a
//! `$ref` or of the operation's path, in the value filters of PATCH paths.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

const PREFIX: &str = "bulkId:";

/// A place where a bulkId stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) bulk_id: &'a str,
    /// Nothing but a reference can stand here. A text elsewhere may only look like one.
    pub(super) certain: bool,
}

/// Goes through every place in an operation's data, and replaces what `find` has an id for.
pub(super) fn replace(data: &mut Value, find: &mut impl FnMut(Found<'_>) -> Option<String>) {
    replace_under("", data, find);
}

/// The same for the path of an operation: `/Users/bulkId:a`.
pub(super) fn replace_in_path(
    path: &mut String,
    find: &mut impl FnMut(Found<'_>) -> Option<String>,
) {
    replace_last_segment(path, find);
}

/// Takes out whatever refers to one of these: the value of a multi-valued attribute, or the
/// attribute.
pub(super) fn take_out(data: &mut Value, bulk_ids: &BTreeSet<String>) {
    goes("", data, bulk_ids);
}

fn replace_under(key: &str, value: &mut Value, find: &mut impl FnMut(Found<'_>) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(bulk_id) = text.strip_prefix(PREFIX) {
                let certain = is_reference_key(key);
                if let Some(id) = find(Found { bulk_id, certain }) {
                    *text = id;
                }
            } else if is_ref(key) {
                replace_last_segment(text, find);
            } else if key.eq_ignore_ascii_case("path") {
                replace_quoted(text, find);
            }
        }
        Value::Array(values) => {
            values.iter_mut().for_each(|value| replace_under(key, value, find));
        }
        Value::Object(object) => {
            // A key may be a path with a value filter: `members[value eq "bulkId:a"]`.
            if object.keys().any(|key| key.contains(PREFIX)) {
                let renamed = std::mem::take(object).into_iter().map(|(mut key, value)| {
                    replace_quoted(&mut key, find);
                    (key, value)
                });
                *object = renamed.collect::<Map<_, _>>();
            }
            object.iter_mut().for_each(|(key, value)| replace_under(key, value, find));
        }
        _ => {}
    }
}

/// The last segment of a path or URL, if it is a bulkId.
fn replace_last_segment(text: &mut String, find: &mut impl FnMut(Found<'_>) -> Option<String>) {
    let trimmed = text.strip_suffix('/').unwrap_or(text);
    let Some((rest, last)) = trimmed.rsplit_once('/') else { return };
    let Some(bulk_id) = last.strip_prefix(PREFIX) else { return };
    if let Some(id) = find(Found { bulk_id, certain: true }) {
        *text = format!("{rest}/{}", encoded(&id));
    }
}

/// String literals of a filter.
fn replace_quoted(text: &mut String, find: &mut impl FnMut(Found<'_>) -> Option<String>) {
    let mut from = 0;
    while let Some(at) = text[from..].find("\"bulkId:").map(|at| from + at) {
        let Some(length) = literal_length(&text[at..]) else { return };
        let literal = serde_json::from_str::<String>(&text[at..at + length]);
        let bulk_id = literal.as_deref().ok().and_then(|text| text.strip_prefix(PREFIX));
        let id = bulk_id.and_then(|bulk_id| find(Found { bulk_id, certain: true }));
        from = match id {
            None => at + length,
            Some(id) => {
                let id = Value::from(id).to_string();
                text.replace_range(at..at + length, &id);
                at + id.len()
            }
        };
    }
}

/// The length of the string literal at the beginning, with its quotes.
fn literal_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn goes(key: &str, value: &mut Value, bulk_ids: &BTreeSet<String>) -> bool {
    match value {
        Value::String(text) => {
            let last = if is_ref(key) { text.rsplit('/').next() } else { Some(text.as_str()) };
            let bulk_id = last.and_then(|last| last.strip_prefix(PREFIX));
            bulk_id.is_some_and(|bulk_id| bulk_ids.contains(bulk_id))
        }
        Value::Array(values) => {
            values.retain_mut(|value| !goes(key, value, bulk_ids));
            false
        }
        Value::Object(object) => {
            let mut whole = false;
            object.retain(|key, value| {
                let goes = goes(key, value, bulk_ids);
                // Without what it refers to, the rest of a complex value says nothing.
                whole |= goes && is_reference_key(key);
                !goes
            });
            whole
        }
        _ => false,
    }
}

/// `value`, `$ref`, and paths that end so, such as `manager.value`.
fn is_reference_key(key: &str) -> bool {
    let last = key.rsplit(['.', ':']).next().unwrap_or(key);
    last.eq_ignore_ascii_case("value") || is_ref(last)
}

fn is_ref(key: &str) -> bool {
    key.rsplit(['.', ':']).next().is_some_and(|last| last.eq_ignore_ascii_case("$ref"))
}

/// An id as a segment of a path (RFC 3986 3.3).
fn encoded(id: &str) -> String {
    let mut encoded = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn find(found: Found<'_>) -> Option<String> {
        match found.bulk_id {
            "a" => Some("id/1".into()),
            "q\"" => Some("2".into()),
            _ => None,
        }
    }

    #[test]
    fn references_are_replaced_wherever_they_stand() {
        let check = |mut data: Value, expected: Value| {
            replace(&mut data, &mut find);
            assert_eq!(data, expected);
        };
        check(
            json!({"members": [{"value": "bulkId:a"}, {"value": "bulkId:b"}, {"value": "x"}]}),
            json!({"members": [{"value": "id/1"}, {"value": "bulkId:b"}, {"value": "x"}]}),
        );
        check(
            json!({"urn:x:User": {"manager": {"value": "bulkId:a", "$ref": "../Users/bulkId:a"}}}),
            json!({"urn:x:User": {"manager": {"value": "id/1", "$ref": "../Users/id%2F1"}}}),
        );
        check(
            json!({"urn:x:User:manager.value": "bulkId:a", "managerId": "bulkId:a"}),
            json!({"urn:x:User:manager.value": "id/1", "managerId": "id/1"}),
        );
        check(
            json!({"Operations": [
                {"op": "remove", "path": "members[value eq \"bulkId:a\" or value eq \"bulkId:q\\\"\"]"},
                {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]},
                {"op": "add", "value": {"members[value eq \"bulkId:a\"].display": "A"}},
                {"op": "replace", "path": "manager.value", "value": "bulkId:a"}
            ]}),
            json!({"Operations": [
                {"op": "remove", "path": "members[value eq \"id/1\" or value eq \"2\"]"},
                {"op": "add", "path": "members", "value": [{"value": "id/1"}]},
                {"op": "add", "value": {"members[value eq \"id/1\"].display": "A"}},
                {"op": "replace", "path": "manager.value", "value": "id/1"}
            ]}),
        );
        check(
            json!({"path": "members[value eq \"bulkId:a", "nickName": "see bulkId:a"}),
            json!({"path": "members[value eq \"bulkId:a", "nickName": "see bulkId:a"}),
        );
    }

    #[test]
    fn a_path_may_end_in_one() {
        let check = |path: &str, expected: &str| {
            let mut path = path.to_owned();
            replace_in_path(&mut path, &mut find);
            assert_eq!(path, expected);
        };
        check("/Users/bulkId:a", "/Users/id%2F1");
        check("/Users/bulkId:a/", "/Users/id%2F1");
        check("/Users/bulkId:b", "/Users/bulkId:b");
        check("/bulkId:a/Users", "/bulkId:a/Users");
    }

    #[test]
    fn what_refers_to_nobody_yet_is_taken_out_whole() {
        let check = |mut data: Value, expected: Value| {
            take_out(&mut data, &BTreeSet::from(["a".to_owned()]));
            assert_eq!(data, expected);
        };
        check(
            json!({"displayName": "A", "members": [{"value": "bulkId:a", "type": "Group"}, {"value": "1"}]}),
            json!({"displayName": "A", "members": [{"value": "1"}]}),
        );
        check(
            json!({"urn:x:User": {"manager": {"value": "bulkId:a", "displayName": "A"}, "n": 1}}),
            json!({"urn:x:User": {"n": 1}}),
        );
        check(
            json!({"manager": {"$ref": "../Users/bulkId:a"}, "managerId": "bulkId:a", "l": ["bulkId:a", "b"]}),
            json!({"l": ["b"]}),
        );
        check(json!({"nickName": "bulkId:b"}), json!({"nickName": "bulkId:b"}));
    }
}
