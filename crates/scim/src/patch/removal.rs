//! Removal by a list of values, as value filters: `remove members [{"value": "a"}]` means
//! `remove members[value eq "a"]`.

use serde_json::{Map, Value};

use crate::{Attribute, AttributePath, AttributeType, CompareOp, Filter, Literal, Member};

/// One filter for each entry; None if an entry says nothing that a value could be known by.
pub(super) fn removal_filters(attribute: &Attribute, entries: &[Value]) -> Option<Vec<Filter>> {
    entries.iter().map(|entry| entry_filter(attribute, entry)).collect()
}

/// `value eq "a" or value eq "b"`.
pub(super) fn members_filter(members: &[Member]) -> Filter {
    let equal = |member: &Member| equals("value", Literal::String(member.value.clone()));
    match members {
        [single] => equal(single),
        members => Filter::Or(members.iter().map(equal).collect()),
    }
}

/// An entry is known by its `value` (and `type`); where it has no `value`, by all it says.
fn entry_filter(attribute: &Attribute, entry: &Value) -> Option<Filter> {
    if attribute.attribute_type != AttributeType::Complex {
        return Some(equals("value", literal(entry)?));
    }
    let parts = entry.as_object()?;
    let keys: &[&str] = if parts.contains_key("value") { &["value", "type"] } else { &[] };
    let mut all: Vec<Filter> = terms(parts, keys).collect();
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(Filter::And(all)),
    }
}

fn terms<'a>(parts: &'a Map<String, Value>, keys: &'a [&str]) -> impl Iterator<Item = Filter> + 'a {
    parts
        .iter()
        .filter(move |(name, _)| match keys {
            [] => *name != "primary",
            keys => keys.contains(&name.as_str()),
        })
        .filter_map(|(name, part)| Some(equals(name, literal(part)?)))
}

fn equals(name: &str, value: Literal) -> Filter {
    Filter::Compare { path: AttributePath::plain(name), op: CompareOp::Eq, value }
}

fn literal(value: &Value) -> Option<Literal> {
    match value {
        Value::String(text) => Some(Literal::String(text.clone())),
        Value::Number(number) => Some(Literal::Number(number.clone())),
        Value::Bool(boolean) => Some(Literal::Boolean(*boolean)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
