//! Values without a path: one operation for each attribute they name, whatever the key looks like.

use serde_json::{Map, Value};

use super::PatchOp;
use super::read::{Reader, invalid, syntax};
use super::target::Target;
use crate::value::is_unassigned;
use crate::{Error, Extension, PatchPath, Tolerance};

impl Reader<'_> {
    /// One operation for each attribute of a value (RFC 7644 3.5.2.1: "If omitted, the target
    /// location is assumed to be the resource itself. The "value" parameter contains a set of
    /// attributes to be added to the resource.").
    pub(super) fn expand(
        &mut self,
        op: PatchOp,
        extension: Option<&Extension>,
        values: &Map<String, Value>,
    ) -> Result<(), Error> {
        for (key, value) in values {
            let attribute = match extension {
                Some(extension) => extension.schema.attribute(key),
                None => self.rt.attribute(key),
            };
            match attribute {
                Some(attribute) => {
                    let target = Target::attribute(extension, attribute);
                    self.in_value(op, target, value, &target.path().to_string())?;
                }
                None => self.other_key(op, extension, key, value)?,
            }
        }
        Ok(())
    }

    /// A key that is no attribute's name: an extension, a path, or unknown.
    fn other_key(
        &mut self,
        op: PatchOp,
        within: Option<&Extension>,
        key: &str,
        value: &Value,
    ) -> Result<(), Error> {
        // RFC 7643 3.3: an extension's attributes stand in an object under its URN.
        if within.is_none()
            && let Some(extension) = self.rt.extension(key)
        {
            return self.extension(op, extension, key, value);
        }
        let path = PatchPath::parse_tolerant(key, self.reading.tolerances()).ok();
        if let Some((path, tolerance)) = path.and_then(|(path, _)| path_key(path, within))
            && let Some(target) = Target::resolve(self.rt, &path)
            // As in the body of a POST, a key that names no schema is one of the core schema.
            && (path.urn.is_some() || target.extension.is_none())
            && self.allows(tolerance, key)
        {
            return match (target.attribute, value) {
                (Some(_), _) => self.in_value(op, target, value, key),
                (None, Value::Object(values)) => self.expand(op, target.extension, values),
                (None, _) => Err(invalid(format!("`{key}` must be an object."))),
            };
        }
        if self.ignores_unknown(key) {
            return Ok(());
        }
        let owner = within.map_or(&self.rt.name, |extension| &extension.schema.id);
        Err(syntax(format!("`{owner}` has no attribute `{key}`.")))
    }

    fn extension(
        &mut self,
        op: PatchOp,
        extension: &Extension,
        key: &str,
        value: &Value,
    ) -> Result<(), Error> {
        match value {
            Value::Object(values) => self.expand(op, Some(extension), values),
            value if is_unassigned(value) && op == PatchOp::Replace => {
                let urn = Some(extension.schema.id.clone());
                let path =
                    PatchPath { urn, attribute: None, value_filter: None, sub_attribute: None };
                self.push(PatchOp::Remove, path, None);
                Ok(())
            }
            value if is_unassigned(value) => Ok(()),
            _ => Err(invalid(format!("`{key}` must be an object of the extension's attributes."))),
        }
    }

    /// An attribute that a value without a path names.
    fn in_value(
        &mut self,
        op: PatchOp,
        target: Target<'_>,
        value: &Value,
        at: &str,
    ) -> Result<(), Error> {
        if target.is_schemas() {
            return Ok(());
        }
        if target.is_read_only() && self.allows(Tolerance::ReadOnlyInValue, at) {
            return Ok(());
        }
        self.attribute(op, target, Some(value), at)
    }
}

/// A key read as a path, and the tolerance it needs. Within an extension's object a key lies in that
/// extension.
fn path_key(path: PatchPath, within: Option<&Extension>) -> Option<(PatchPath, Tolerance)> {
    let tolerance = match (&path.value_filter, &path.urn) {
        (_, Some(_)) if within.is_some() => return None,
        (Some(_), _) => Tolerance::FilterKey,
        (None, Some(_)) => Tolerance::UrnKey,
        (None, None) => Tolerance::DottedKey,
    };
    let urn = within.map(|extension| extension.schema.id.clone()).or(path.urn.clone());
    Some((PatchPath { urn, ..path }, tolerance))
}
