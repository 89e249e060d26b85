//! Applying a PATCH request (RFC 7644 3.5.2): the stored document becomes the next one, operations
//! on the rows become a member delta.
//!
//! The order of events: each operation finds its target; an operation on a whole attribute, on a
//! part of a single complex value, or on selected values edits the document (`attribute.rs`,
//! `selection.rs`); at the end `schemas` is written anew and required attributes are asked for.

use serde_json::{Map, Value};

use super::attribute::{remove_attribute, set_attribute, set_part};
use super::selection::{Selection, edit_selection};
use super::target::{Target, mutability};
use super::{MemberDelta, PatchOp, PatchOperation, PatchOutcome, PatchRequest};
use crate::limits::{PATCH_COMPARISON_BYTES_MAX, RESOURCE_BYTES_MAX};
use crate::resource::{document_weight, refresh_schemas, too_large};
use crate::value::{missing_required, weight};
use crate::{
    Attribute, Error, Filter, PatchPath, Resource, ResourceType, ScimType, Tolerance, Tolerances,
    Tolerated,
};

impl PatchRequest {
    /// The resource after this request, in which the rows attribute has no place, and what happens
    /// to the rows. All operations succeed or none does (RFC 7644 3.5.2: "atomic").
    pub fn apply(&self, rt: &ResourceType, resource: &Resource) -> Result<PatchOutcome, Error> {
        // Only requests that were not read from a body have such operations.
        if self.operations.iter().any(|operation| is_unexpanded(rt, operation)) {
            let (expanded, _) = Self::read(&self.to_json(), rt, &Tolerances::none())?;
            return Self { replace_creates: self.replace_creates, ..expanded }.apply(rt, resource);
        }
        let mut before = resource.document().clone();
        if let Some(rows) = &rt.rows {
            before.remove(rows);
        }
        let mut application = Application {
            rt,
            document: before.clone(),
            members: MemberDelta::default(),
            replace_creates: self.replace_creates,
            compared_bytes: 0,
            tolerated: Vec::new(),
        };
        for operation in &self.operations {
            application.operation(operation)?;
        }
        let Application { mut document, members, tolerated, .. } = application;
        refresh_schemas(&mut document, rt);
        // RFC 7643 2.2; a required attribute that was removed has been refused before, as 3.5.2.2
        // asks (`mutability`).
        if let Some(path) = missing_required(rt, &document) {
            return Err(Error::bad_request(
                ScimType::InvalidValue,
                format!("`{path}` is required for a {} and would have no value.", rt.name),
            ));
        }
        check_size(rt, &before, &document)?;
        let changed = differs(&before, &document);
        let document = if changed { document } else { before };
        let resource = Resource::from_canonical(document);
        Ok(PatchOutcome { resource, changed, members, tolerated })
    }
}

struct Application<'a> {
    rt: &'a ResourceType,
    document: Map<String, Value>,
    members: MemberDelta,
    replace_creates: bool,
    compared_bytes: usize,
    tolerated: Vec<Tolerated>,
}

impl Application<'_> {
    fn operation(&mut self, operation: &PatchOperation) -> Result<(), Error> {
        let rt = self.rt;
        let PatchOperation { op, path, value } = operation;
        let target = path.as_ref().and_then(|path| Target::resolve(rt, path));
        let (Some(path), Some(target)) = (path, target) else {
            return Err(no_path(rt, path.as_ref()));
        };
        target.check_writable()?;
        if target.is_rows(rt) {
            return self.members.push(*op, value.as_ref(), path.value_filter.as_ref());
        }
        let Some(attribute) = target.attribute else {
            return self.remove_extension(target);
        };
        let values = match target.extension {
            None => &mut self.document,
            Some(extension) => {
                let urn = extension.schema.id.clone();
                let values = self.document.entry(urn).or_insert_with(|| Value::Object(Map::new()));
                match values {
                    Value::Object(values) => values,
                    // A stored document is canonical; whatever else stands there is replaced.
                    other => {
                        *other = Value::Object(Map::new());
                        match other {
                            Value::Object(values) => values,
                            _ => return Ok(()),
                        }
                    }
                }
            }
        };
        self.compared_bytes += compared_bytes(values.get(&attribute.name), operation);
        if self.compared_bytes > PATCH_COMPARISON_BYTES_MAX {
            return Err(Error::new(
                413,
                format!(
                    "The operations would have more than {PATCH_COMPARISON_BYTES_MAX} bytes of \
                     values compared. Send several requests."
                ),
            ));
        }
        let selection = Selection {
            attribute,
            filter: target.filter,
            sub_attribute: target.sub_attribute,
            path,
            replace_creates: self.replace_creates,
        };
        if edit(values, &selection, *op, value.as_ref())? {
            let at = path.to_string();
            self.tolerated.push(Tolerated { tolerance: Tolerance::ReplaceCreates, at });
        }
        if let Some(extension) = target.extension {
            self.drop_if_empty(&extension.schema.id);
        }
        Ok(())
    }

    fn remove_extension(&mut self, target: Target<'_>) -> Result<(), Error> {
        let Some(extension) = target.extension else { return Ok(()) };
        let urn = &extension.schema.id;
        if let Some(Value::Object(values)) = self.document.get_mut(urn) {
            if extension.required {
                return Err(mutability(format!("`{urn}` is required and cannot be removed.")));
            }
            for attribute in &extension.schema.attributes {
                if Target::attribute(Some(extension), attribute).is_read_only() {
                    continue;
                }
                // Required only where the extension is there at all (RFC 7643 6).
                remove_attribute(values, &Attribute { required: false, ..attribute.clone() })?;
            }
        }
        self.drop_if_empty(urn);
        Ok(())
    }

    fn drop_if_empty(&mut self, urn: &str) {
        if self.document.get(urn).and_then(Value::as_object).is_some_and(Map::is_empty) {
            self.document.remove(urn);
        }
    }
}

/// About how many bytes an operation on the values that are there has compared and copied.
fn compared_bytes(present: Option<&Value>, operation: &PatchOperation) -> usize {
    const COPIES: usize = 3;
    let count = |value: Option<&Value>| match value {
        None => 0,
        Some(Value::Array(values)) => values.len(),
        Some(_) => 1,
    };
    let weighed = |value: Option<&Value>| value.map_or(0, weight);
    let filter = operation.path.as_ref().and_then(|path| path.value_filter.as_ref());
    let given = operation.value.as_ref();
    let times = filter.map_or_else(|| count(given), Filter::term_count) + COPIES;
    let there = weighed(present).saturating_mul(times);
    there.saturating_add(weighed(given).saturating_mul(count(present)))
}

/// Edits one container of attributes; whether [`Tolerance::ReplaceCreates`] made the difference.
fn edit(
    values: &mut Map<String, Value>,
    selection: &Selection<'_>,
    op: PatchOp,
    value: Option<&Value>,
) -> Result<bool, Error> {
    let Selection { attribute, filter, sub_attribute, .. } = *selection;
    match (sub_attribute, op, value) {
        _ if attribute.multi_valued && (filter.is_some() || sub_attribute.is_some()) => {
            return edit_selection(values, selection, op, value);
        }
        (None, PatchOp::Remove, _) => remove_attribute(values, attribute)?,
        (None, op, Some(value)) => set_attribute(values, attribute, op, value)?,
        (Some(sub), PatchOp::Remove, _) => set_part(values, attribute, sub, None)?,
        (Some(sub), _, Some(value)) => set_part(values, attribute, sub, Some(value))?,
        (_, _, None) => {
            return Err(Error::bad_request(
                ScimType::InvalidValue,
                format!("`{}` has no `value`.", selection.path),
            ));
        }
    }
    Ok(false)
}

fn is_unexpanded(rt: &ResourceType, operation: &PatchOperation) -> bool {
    let Some(path) = &operation.path else { return true };
    operation.op != PatchOp::Remove
        && Target::resolve(rt, path).is_some_and(|target| target.attribute.is_none())
}

/// A resource does not outgrow its limit; one that is beyond it may still shrink.
fn check_size(
    rt: &ResourceType,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Result<(), Error> {
    let bytes = document_weight(after);
    if bytes <= RESOURCE_BYTES_MAX || bytes <= document_weight(before) {
        return Ok(());
    }
    Err(too_large(rt))
}

/// Whether anything but the computed `schemas` is different.
fn differs(before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    let data = |document: &Map<String, Value>| {
        document.iter().filter(|(name, _)| *name != "schemas").count()
    };
    data(before) != data(after)
        || after.iter().any(|(name, value)| name != "schemas" && before.get(name) != Some(value))
}

fn no_path(rt: &ResourceType, path: Option<&PatchPath>) -> Error {
    let detail = match path {
        Some(path) => format!("`{}` has no attribute `{path}`.", rt.name),
        None => "The operation has no path.".to_owned(),
    };
    Error::bad_request(ScimType::InvalidPath, detail)
}
