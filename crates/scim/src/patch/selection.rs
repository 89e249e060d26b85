//! Edits of selected values of a multi-valued attribute: `emails[type eq "work"].value`,
//! `emails[type eq "home"]`, `emails.primary` (RFC 7644 3.5.2.1 to 3.5.2.3).

use serde_json::{Map, Value};

use super::PatchOp;
use super::attribute::{added, keep_one_primary, merged, put, without};
use crate::filter::described_value;
use crate::value::distinct;
use crate::{Attribute, Error, Filter, PatchPath, ScimType};

/// Which values of an attribute, and which part of them, an operation is about.
#[derive(Clone, Copy)]
pub(super) struct Selection<'a> {
    pub(super) attribute: &'a Attribute,
    /// None selects all values.
    pub(super) filter: Option<&'a Filter>,
    pub(super) sub_attribute: Option<&'a Attribute>,
    /// For messages.
    pub(super) path: &'a PatchPath,
    /// [`crate::Tolerance::ReplaceCreates`].
    pub(super) replace_creates: bool,
}

/// Edits the selected values; whether a `replace` created one, which RFC 7644 3.5.2.3 refuses.
pub(super) fn edit_selection(
    values: &mut Map<String, Value>,
    selection: &Selection<'_>,
    op: PatchOp,
    value: Option<&Value>,
) -> Result<bool, Error> {
    let attribute = selection.attribute;
    let mut entries = match values.get(&attribute.name) {
        Some(Value::Array(entries)) => entries.clone(),
        _ => Vec::new(),
    };
    let selected: Vec<usize> = (0..entries.len())
        .filter(|index| match selection.filter {
            Some(filter) => filter.matches_value(attribute, &entries[*index]),
            None => true,
        })
        .collect();
    let mut created = false;
    match (op, value) {
        (PatchOp::Remove, _) => remove_selected(&mut entries, selection, &selected)?,
        (op, Some(value)) if selected.is_empty() => {
            // RFC 7644 3.5.2.3: a value filter without a match "SHALL indicate failure by returning
            // HTTP status code 400 and a "scimType" error code of "noTarget"".
            created = op == PatchOp::Replace;
            let allowed = op == PatchOp::Add || selection.replace_creates;
            let entry = created_entry(selection, value).filter(|_| allowed);
            let Some(entry) = entry else { return Err(no_match(selection)) };
            entries = added(attribute, &entries, &[entry])?;
        }
        (op, Some(value)) => {
            for index in &selected {
                entries[*index] = edited(&entries[*index], selection, op, value)?;
            }
            keep_one_primary(attribute, &mut entries, &selected)?;
        }
        (_, None) => {
            return Err(Error::bad_request(
                ScimType::InvalidValue,
                format!("`{}` has no `value`.", selection.path),
            ));
        }
    }
    let entries = distinct(entries);
    // RFC 7644 3.5.2.2: "If no other values remain after removal ... the attribute SHALL be
    // considered unassigned."
    put(values, attribute, (!entries.is_empty()).then_some(Value::Array(entries)))?;
    Ok(created)
}

fn remove_selected(
    entries: &mut Vec<Value>,
    selection: &Selection<'_>,
    selected: &[usize],
) -> Result<(), Error> {
    // From the end, so that places stay valid. No match is no error (RFC 7644 3.5.2.2 knows none).
    for index in selected.iter().rev() {
        let rest = match (selection.sub_attribute, &entries[*index]) {
            (Some(sub), Value::Object(parts)) => without(selection.attribute, parts, sub)?,
            _ => Map::new(),
        };
        if says_something(&rest) {
            entries[*index] = Value::Object(rest);
        } else {
            entries.remove(*index);
        }
    }
    Ok(())
}

/// A value of which nothing is left but its labels says nothing: without its `value`, an e-mail of
/// type `work` is none.
fn says_something(parts: &Map<String, Value>) -> bool {
    parts.keys().any(|name| !matches!(name.as_str(), "type" | "primary" | "display"))
}

/// One selected value after `add` or `replace`.
fn edited(
    entry: &Value,
    selection: &Selection<'_>,
    op: PatchOp,
    value: &Value,
) -> Result<Value, Error> {
    let attribute = selection.attribute;
    let new = match (selection.sub_attribute, value) {
        (Some(sub), value) => &Map::from_iter([(sub.name.clone(), value.clone())]),
        // RFC 7644 3.5.2.3: "all matching record values SHALL be replaced".
        (None, value) if op == PatchOp::Replace => return Ok(value.clone()),
        (None, Value::Object(parts)) => parts,
        (None, value) => return Ok(value.clone()),
    };
    match entry {
        Value::Object(old) => Ok(Value::Object(merged(attribute, old, new)?)),
        other => Ok(other.clone()),
    }
}

/// What is created where the filter matches nothing: the value the filter describes, with the part
/// that was sent. None if the filter does not say what to create.
fn created_entry(selection: &Selection<'_>, value: &Value) -> Option<Value> {
    let mut parts = described_value(selection.filter, selection.attribute)?;
    match (selection.sub_attribute, value) {
        (Some(sub), value) => {
            parts.insert(sub.name.clone(), value.clone());
        }
        (None, Value::Object(new)) => parts.extend(new.clone()),
        (None, _) => return None,
    }
    Some(Value::Object(parts))
}

fn no_match(selection: &Selection<'_>) -> Error {
    Error::bad_request(
        ScimType::NoTarget,
        format!(
            "`{}` matches no value of `{}`. Add the value first.",
            selection.path, selection.attribute.name
        ),
    )
}
