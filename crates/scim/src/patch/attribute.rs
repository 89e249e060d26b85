//! Edits of whole attributes and of the parts of a single complex value (RFC 7644 3.5.2.1 to
//! 3.5.2.3), with the rules of mutability and `primary`.

use serde_json::{Map, Value};

use super::PatchOp;
use super::target::mutability;
use crate::limits::VALUE_COUNT_MAX;
use crate::value::{same, same_entry};
use crate::{Attribute, AttributeType, Error, Mutability, ScimType};

/// Unassigns an attribute. RFC 7644 3.5.2.2: a required attribute must not become unassigned.
pub(super) fn remove_attribute(
    values: &mut Map<String, Value>,
    attribute: &Attribute,
) -> Result<(), Error> {
    if values.contains_key(&attribute.name) {
        check_removable(attribute)?;
        values.remove(&attribute.name);
    }
    Ok(())
}

/// Adds or replaces an attribute. RFC 7644 3.5.2.3: `replace` of an attribute that is not there "is
/// treated as an "add"".
pub(super) fn set_attribute(
    values: &mut Map<String, Value>,
    attribute: &Attribute,
    op: PatchOp,
    new: &Value,
) -> Result<(), Error> {
    let next = match (values.get(&attribute.name), new) {
        (None, new) => new.clone(),
        // Nothing differs: RFC 7644 3.5.2.1 and 3.5.2.3, "no changes SHALL be made".
        (Some(old), new) if same(attribute, old, new) => return Ok(()),
        (Some(Value::Array(old)), Value::Array(new)) if op == PatchOp::Add => {
            Value::Array(added(attribute, old, new)?)
        }
        // "If the target location specifies a complex attribute, a set of sub-attributes SHALL be
        // specified in the "value" parameter that replaces any existing values or adds where an
        // attribute did not previously exist. Sub-attributes that are not specified SHALL be left
        // unchanged."
        (Some(Value::Object(old)), Value::Object(new)) => {
            Value::Object(merged(attribute, old, new)?)
        }
        (Some(_), new) => new.clone(),
    };
    put(values, attribute, Some(next))
}

/// Sets or removes a sub-attribute of a single complex attribute.
pub(super) fn set_part(
    values: &mut Map<String, Value>,
    attribute: &Attribute,
    sub: &Attribute,
    value: Option<&Value>,
) -> Result<(), Error> {
    let old = match values.get(&attribute.name) {
        Some(Value::Object(old)) => old.clone(),
        _ => Map::new(),
    };
    let next = match value {
        Some(value) => {
            merged(attribute, &old, &Map::from_iter([(sub.name.clone(), value.clone())]))?
        }
        None => without(attribute, &old, sub)?,
    };
    put(values, attribute, (!next.is_empty()).then_some(Value::Object(next)))
}

/// Puts the next value of an attribute, if its mutability allows the change.
pub(super) fn put(
    values: &mut Map<String, Value>,
    attribute: &Attribute,
    next: Option<Value>,
) -> Result<(), Error> {
    match (values.get(&attribute.name), next) {
        (Some(_), None) => return remove_attribute(values, attribute),
        // RFC 7643 7, immutable: "MAY be defined at resource creation ... SHALL NOT be updated";
        // 7644 3.5.2.1 lets a value be added while there is none.
        (Some(old), Some(next))
            if attribute.mutability == Mutability::Immutable && !same(attribute, old, &next) =>
        {
            return Err(immutable(&attribute.name));
        }
        (_, Some(next)) => {
            values.insert(attribute.name.clone(), next);
        }
        (None, None) => {}
    }
    Ok(())
}

/// A complex value with some of its parts set.
pub(super) fn merged(
    attribute: &Attribute,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) -> Result<Map<String, Value>, Error> {
    let mut next = old.clone();
    for (name, part) in new {
        if let (Some(sub), Some(old)) = (attribute.sub_attribute(name), old.get(name)) {
            if same(sub, old, part) {
                continue;
            }
            if sub.mutability == Mutability::Immutable {
                return Err(immutable(&format!("{}.{name}", attribute.name)));
            }
        }
        next.insert(name.clone(), part.clone());
    }
    forget_read_only(attribute, old, &mut next);
    Ok(next)
}

/// A complex value without one of its parts.
pub(super) fn without(
    attribute: &Attribute,
    old: &Map<String, Value>,
    sub: &Attribute,
) -> Result<Map<String, Value>, Error> {
    let mut next = old.clone();
    if next.remove(&sub.name).is_some() {
        check_removable(sub)?;
        forget_read_only(attribute, old, &mut next);
    }
    Ok(next)
}

/// RFC 7644 3.5.2: "a PATCH operation that sets a value's "primary" sub-attribute to "true" SHALL
/// cause the server to automatically set "primary" to "false" for any other values".
pub(super) fn keep_one_primary(
    attribute: &Attribute,
    entries: &mut [Value],
    touched: &[usize],
) -> Result<(), Error> {
    let is_primary = |entry: &Value| entry.get("primary") == Some(&Value::Bool(true));
    let mut primary = touched.iter().filter(|index| is_primary(&entries[**index]));
    let Some(first) = primary.next().copied() else { return Ok(()) };
    if primary.next().is_some() {
        return Err(Error::bad_request(
            ScimType::InvalidValue,
            format!("Only one value of `{}` can be primary.", attribute.name),
        ));
    }
    for (index, entry) in entries.iter_mut().enumerate() {
        if index != first
            && is_primary(entry)
            && let Value::Object(parts) = entry
        {
            parts.insert("primary".into(), Value::Bool(false));
        }
    }
    Ok(())
}

/// RFC 7644 3.5.2.1: "If the target location specifies a multi-valued attribute, a new value is
/// added to the attribute"; what is there already is not added again.
pub(super) fn added(
    attribute: &Attribute,
    old: &[Value],
    new: &[Value],
) -> Result<Vec<Value>, Error> {
    let mut entries = old.to_vec();
    let mut touched = Vec::new();
    for entry in new {
        let present = entries.iter().position(|known| same_entry(attribute, known, entry));
        let index = present.unwrap_or(entries.len());
        match (present, entry) {
            (None, entry) => entries.push(entry.clone()),
            (Some(index), Value::Object(new)) => {
                if let Value::Object(known) = &entries[index] {
                    let mut new = new.clone();
                    // Equal under the case rule: the value stays as it was first written.
                    new.retain(|name, _| {
                        !(matches!(&**name, "value" | "type") && known.contains_key(name))
                    });
                    entries[index] = Value::Object(merged(attribute, known, &new)?);
                }
            }
            (Some(_), _) => {}
        }
        if !touched.contains(&index) {
            touched.push(index);
        }
    }
    keep_one_primary(attribute, &mut entries, &touched)?;
    if entries.len() > VALUE_COUNT_MAX {
        return Err(Error::bad_request(
            ScimType::InvalidValue,
            format!("`{}` would have more than {VALUE_COUNT_MAX} values.", attribute.name),
        ));
    }
    Ok(entries)
}

/// RFC 7644 3.5.2.2: "If an attribute is removed or becomes unassigned and is defined as a required
/// attribute or a read-only attribute, the server SHALL return ... "mutability"."
pub(super) fn check_removable(attribute: &Attribute) -> Result<(), Error> {
    if attribute.required {
        return Err(mutability(format!(
            "`{}` is required and cannot be removed. Replace it instead.",
            attribute.name
        )));
    }
    match attribute.mutability {
        Mutability::Immutable => Err(immutable(&attribute.name)),
        _ => Ok(()),
    }
}

/// A read-only part (`manager.displayName`) describes the `value` beside it and goes with it.
fn forget_read_only(
    attribute: &Attribute,
    old: &Map<String, Value>,
    next: &mut Map<String, Value>,
) {
    if attribute.attribute_type == AttributeType::Complex && old.get("value") != next.get("value") {
        next.retain(|name, _| {
            attribute.sub_attribute(name).is_none_or(|sub| sub.mutability != Mutability::ReadOnly)
        });
    }
}

fn immutable(name: &str) -> Error {
    mutability(format!("`{name}` is immutable and has a value already."))
}
