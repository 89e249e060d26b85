//! The order of resources in a query (RFC 7644 3.4.2.3).

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::resource::values_at;
use crate::value::{instant, is_case_exact};
use crate::{AttributePath, AttributeType, ResourceType};

/// Ascending or descending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SortOrder {
    /// The least first. "If ... no "sortOrder" is provided, "sortOrder" SHALL default to ascending."
    #[default]
    Ascending,
    /// The greatest first.
    Descending,
}

/// What a resource is sorted by. The greatest is to have no value: "if there is no data for the
/// specified "sortBy" value, they are sorted via the "sortOrder" parameter, i.e., they are ordered
/// last if ascending and first if descending".
#[derive(Debug, Clone, PartialEq)]
pub enum SortKey {
    /// A boolean; false before true.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A moment.
    Moment(Timestamp),
    /// A string, folded unless its attribute is case exact: "string type attributes SHALL be
    /// sorted ... case-insensitive if not "caseExact"".
    Text(String),
    /// No value.
    Missing,
}

impl SortKey {
    fn rank(&self) -> u8 {
        match self {
            Self::Boolean(_) => 0,
            Self::Number(_) => 1,
            Self::Moment(_) => 2,
            Self::Text(_) => 3,
            Self::Missing => 4,
        }
    }
}

impl Eq for SortKey {}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Boolean(left), Self::Boolean(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => left.total_cmp(right),
            (Self::Moment(left), Self::Moment(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (left, right) => left.rank().cmp(&right.rank()),
        }
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The key of a canonical document under a path. RFC 7644 3.4.2.3: "If the attribute is
/// multi-valued, resources are sorted by the value of the primary attribute (if any), or else the
/// first value in the list, if any." A complex attribute without a sub-attribute is sorted by its
/// `value`.
pub fn sort_key(rt: &ResourceType, path: &AttributePath, document: &Map<String, Value>) -> SortKey {
    let Some(resolved) = rt.resolve(path) else { return SortKey::Missing };
    let whole = AttributePath { sub_attribute: None, ..path.clone() };
    let values = values_at(document, &whole, rt);
    let primary = values.iter().find(|value| value.get("primary") == Some(&Value::Bool(true)));
    let Some(value) = primary.or(values.first()) else { return SortKey::Missing };
    let sub = resolved.sub_attribute.or_else(|| resolved.attribute.sub_attribute("value"));
    let (attribute, value) = match sub {
        Some(sub) => (sub, value.get(&sub.name)),
        None => (resolved.attribute, Some(*value)),
    };
    match value {
        Some(Value::Bool(value)) => SortKey::Boolean(*value),
        Some(Value::Number(value)) => value.as_f64().map_or(SortKey::Missing, SortKey::Number),
        Some(Value::String(text)) => match attribute.attribute_type {
            AttributeType::DateTime => instant(text).map_or(SortKey::Missing, SortKey::Moment),
            _ if is_case_exact(attribute) => SortKey::Text(text.clone()),
            _ => SortKey::Text(text.to_lowercase()),
        },
        _ => SortKey::Missing,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(attribute: &str, sub: Option<&str>) -> AttributePath {
        AttributePath { urn: None, attribute: attribute.into(), sub_attribute: sub.map(Into::into) }
    }

    #[test]
    fn resources_are_ordered_by_the_attribute_s_own_rules() {
        let rt = ResourceType::user(Vec::new());
        let check = |path: AttributePath, ascending: Value| {
            let expected = ascending.as_array().unwrap();
            let mut found = expected.clone();
            found.reverse();
            found.sort_by_key(|document| sort_key(&rt, &path, document.as_object().unwrap()));
            assert_eq!(&found, expected, "{path:?}");
        };
        check(
            path("userName", None),
            json!([{"userName": "ana"}, {"userName": "Bea"}, {"userName": "cid"}, {}]),
        );
        check(path("externalId", None), json!([{"externalId": "B"}, {"externalId": "a"}, {}]));
        check(path("active", None), json!([{"active": false}, {"active": true}, {}]));
        check(
            path("meta", Some("created")),
            json!([
                {"meta": {"created": "2026-01-01T01:00:00+02:00"}},
                {"meta": {"created": "2026-01-01T00:00:00Z"}},
                {"meta": {"created": "2026-01-01T00:00:00.5Z"}},
                {}
            ]),
        );
        check(
            path("emails", None),
            json!([
                {"emails": [{"value": "z"}, {"value": "a", "primary": true}]},
                {"emails": [{"value": "b"}, {"value": "0"}]},
                {"emails": [{"value": "c", "primary": false}]},
                {"emails": [{"type": "work"}]}
            ]),
        );
        check(path("emails", Some("type")), json!([{"emails": [{"type": "home"}]}, {}]));
        check(path("nothing", None), json!([{}, {}]));
    }
}
