//! Removal by a list of values, as value filters: `remove members [{"value": "a"}]` means
//! `remove members[value eq "a"]`.

use serde_json::{Map, Value};

use crate::limits::{FILTER_BYTES_MAX, FILTER_TERM_COUNT_MAX};
use crate::{Attribute, AttributePath, AttributeType, CompareOp, Filter, Literal, Member};

/// What the path around a filter (`members[]`) is reckoned to take, in bytes.
const PATH_BYTES: usize = 256;

/// One filter for each entry; None if an entry says nothing that a value could be known by.
pub(super) fn removal_filters(attribute: &Attribute, entries: &[Value]) -> Option<Vec<Filter>> {
    entries.iter().map(|entry| entry_filter(attribute, entry)).collect()
}

/// `value eq "a" or value eq "b"`, in as many filters as their limits ask for.
pub(super) fn members_filters(members: &[Member]) -> Vec<Filter> {
    let mut filters = Vec::new();
    let mut any: Vec<Filter> = Vec::new();
    let mut bytes = PATH_BYTES;
    for member in members {
        let term = equals("value", Literal::String(member.value.clone()));
        let term_bytes = term.to_string().len() + " or ".len();
        if any.len() == FILTER_TERM_COUNT_MAX || bytes + term_bytes > FILTER_BYTES_MAX {
            filters.extend(joined(std::mem::take(&mut any), Filter::Or));
            bytes = PATH_BYTES;
        }
        bytes += term_bytes;
        any.push(term);
    }
    filters.extend(joined(any, Filter::Or));
    filters
}

fn joined(mut filters: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Option<Filter> {
    if filters.len() > 1 { Some(join(filters)) } else { filters.pop() }
}

/// An entry is known by its `value` (and `type`); where the attribute has no `value`, as addresses,
/// by all it says. One that lacks the `value` it should have names nothing: `[{"type": "work"}]`
/// would otherwise take away every value of that type.
fn entry_filter(attribute: &Attribute, entry: &Value) -> Option<Filter> {
    if attribute.attribute_type != AttributeType::Complex {
        return Some(equals("value", literal(entry)?));
    }
    let parts = entry.as_object()?;
    let keys: &[&str] = match attribute.sub_attribute("value") {
        Some(_) if !parts.contains_key("value") => return None,
        Some(_) => &["value", "type"],
        None => &[],
    };
    joined(terms(parts, keys).collect(), Filter::And)
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
