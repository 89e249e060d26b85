//! Reading a PATCH request: the layer where every departure from RFC 7644 3.5.2 is accepted or
//! refused. What leaves this file has only the RFC's own forms: each operation with a path as the
//! schemas write it and a canonical value.
//!
//! The order of events: the message's keys; for each operation its `op`, its `path`, its `value`;
//! a value without a path (or for a whole extension) is expanded to one operation per attribute
//! (`expansion.rs`).

use serde_json::{Map, Value};

use super::removal::{members_filters, removal_filters};
use super::target::{Target, mutability};
use super::{PatchOp, PatchOperation, PatchRequest, read_members, rows_are_immutable};
use crate::filter::canonical_value_filter;
use crate::limits::{MEMBER_COUNT_MAX, PATCH_OPERATION_COUNT_MAX, TOLERATED_COUNT_MAX};
use crate::value::{Reading, canonical, canonical_entry, is_unassigned};
use crate::{
    Attribute, Error, Member, Mutability, PatchPath, ResourceType, ScimType, Tolerance, Tolerances,
    Tolerated, urn,
};

impl PatchRequest {
    /// Reads the body of a PATCH request for a resource of this type.
    pub fn read(
        body: &Value,
        rt: &ResourceType,
        tolerances: &Tolerances,
    ) -> Result<(Self, Vec<Tolerated>), Error> {
        let reading = Reading::new(tolerances);
        let mut reader = Reader { rt, reading, operations: Vec::new(), member_count: 0 };
        for (index, operation) in reader.message(body)?.iter().enumerate() {
            reader.operation(operation, index).map_err(|error| Error {
                detail: format!("Operations[{index}]: {}", error.detail),
                ..error
            })?;
        }
        let Reader { operations, mut reading, .. } = reader;
        reading.tolerated.truncate(TOLERATED_COUNT_MAX);
        let replace_creates = tolerances.allows(Tolerance::ReplaceCreates);
        Ok((Self { operations, replace_creates }, reading.tolerated))
    }
}

/// A request that is being read.
pub(super) struct Reader<'a> {
    pub(super) rt: &'a ResourceType,
    pub(super) reading: Reading<'a>,
    operations: Vec<PatchOperation>,
    member_count: usize,
}

impl Reader<'_> {
    /// RFC 7644 3.5.2: `schemas` with the PatchOp URN, and `Operations`, "an array of one or more
    /// PATCH operations".
    fn message<'v>(&mut self, body: &'v Value) -> Result<&'v [Value], Error> {
        let Value::Object(body) = body else {
            return Err(syntax("A PATCH request must be a JSON object."));
        };
        let [schemas, operations] = self.keys(body, ["schemas", "Operations"], "")?;
        let listed = match schemas {
            Some(Value::Array(urns)) => urns.iter().any(is_patch_op),
            Some(one) => is_patch_op(one) && self.allows(Tolerance::SingleForMultiple, "schemas"),
            None => false,
        };
        if !listed && !self.allows(Tolerance::MissingSchemas, "schemas") {
            return Err(syntax(format!("`schemas` must be [\"{}\"].", urn::PATCH_OP)));
        }
        let operations = match operations {
            Some(Value::Array(operations)) => operations.as_slice(),
            Some(one @ Value::Object(_))
                if self.allows(Tolerance::SingleForMultiple, "Operations") =>
            {
                std::slice::from_ref(one)
            }
            _ => return Err(syntax("`Operations` must be a list of operations.")),
        };
        match operations.len() {
            0 if self.allows(Tolerance::EmptyOperations, "Operations") => Ok(operations),
            0 => Err(syntax("`Operations` is empty. Send at least one operation.")),
            count if count > PATCH_OPERATION_COUNT_MAX => Err(Error::new(
                413,
                format!(
                    "{count} operations are too many for one request; at most \
                     {PATCH_OPERATION_COUNT_MAX} are processed. Send several requests."
                ),
            )),
            _ => Ok(operations),
        }
    }

    fn operation(&mut self, operation: &Value, index: usize) -> Result<(), Error> {
        let Value::Object(operation) = operation else {
            return Err(syntax("An operation must be an object with `op`."));
        };
        let at = format!("Operations[{index}]");
        let [op, path, value] = self.keys(operation, ["op", "path", "value"], &at)?;
        let op = self.op(op, &at)?;
        match path {
            Some(Value::String(path)) => self.at_path(op, path, value),
            // RFC 7644 3.5.2.2: "If "path" is unspecified, the operation fails with HTTP status
            // code 400 and a "scimType" error code of "noTarget"."
            None | Some(Value::Null) if op == PatchOp::Remove => {
                Err(no_target("`remove` needs a `path`: say what is to be removed."))
            }
            None | Some(Value::Null) => match value {
                Some(Value::Object(values)) => self.expand(op, None, values),
                _ => Err(invalid(
                    "Without a `path`, `value` must be an object with the attributes to set.",
                )),
            },
            Some(_) => Err(Error::bad_request(ScimType::InvalidPath, "`path` must be a string.")),
        }
    }

    fn op(&mut self, op: Option<&Value>, at: &str) -> Result<PatchOp, Error> {
        let Some(Value::String(name)) = op else {
            return Err(syntax("`op` is missing. It must be add, remove or replace."));
        };
        let op = PatchOp::parse(&name.to_ascii_lowercase());
        // RFC 7644 3.5.2: "one of "add", "remove", or "replace"".
        op.filter(|op| {
            name == op.as_str() || self.allows(Tolerance::CapitalisedOp, &format!("{at}.op"))
        })
        .ok_or_else(|| syntax(format!("`op` must be add, remove or replace, not `{name}`.")))
    }

    /// The values of an object's known keys. RFC 7643 2.1 lets only attribute names vary in case;
    /// a message's keys are as the RFC writes them.
    fn keys<'v, const N: usize>(
        &mut self,
        object: &'v Map<String, Value>,
        names: [&str; N],
        at: &str,
    ) -> Result<[Option<&'v Value>; N], Error> {
        let mut values = [None; N];
        for (key, value) in object {
            let place = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            match names.iter().position(|name| name.eq_ignore_ascii_case(key)) {
                Some(index) if names[index] == key => values[index] = Some(value),
                Some(index) if self.allows(Tolerance::MessageKeyCase, &place) => {
                    values[index] = values[index].or(Some(value));
                }
                Some(index) => {
                    return Err(syntax(format!("`{key}` must be written `{}`.", names[index])));
                }
                None if self.allows(Tolerance::UnknownAttribute, &place) => {}
                None => return Err(syntax(format!("`{key}` is no part of a PATCH request."))),
            }
        }
        Ok(values)
    }

    fn at_path(&mut self, op: PatchOp, text: &str, value: Option<&Value>) -> Result<(), Error> {
        let (path, tolerated) = PatchPath::parse_tolerant(text, self.reading.tolerances())
            .map_err(|error| {
                Error::bad_request(
                    ScimType::InvalidPath,
                    format!("The path `{text}` cannot be read: {error}."),
                )
            })?;
        let Some(target) = Target::resolve(self.rt, &path) else {
            if self.ignores_unknown(text) {
                return Ok(());
            }
            return Err(Error::bad_request(
                ScimType::InvalidPath,
                format!("`{}` has no attribute `{text}`.", self.rt.name),
            ));
        };
        self.reading.tolerated.extend(tolerated);
        if target.is_schemas() {
            // `schemas` follows from what the resource has; it must not go (RFC 7643 3).
            return match op {
                PatchOp::Remove => Err(mutability("`schemas` cannot be removed.".into())),
                PatchOp::Add | PatchOp::Replace => Ok(()),
            };
        }
        if target.attribute.is_some() {
            return self.attribute(op, target, value, text);
        }
        match (op, target.extension, value) {
            (PatchOp::Remove, Some(_), _) => self.push(PatchOp::Remove, target.path(), None),
            (PatchOp::Replace, Some(_), Some(Value::Null)) => {
                self.push(PatchOp::Remove, target.path(), None);
            }
            (PatchOp::Remove, None, _) => {
                return Err(no_target("A resource is not removed by PATCH. Send DELETE."));
            }
            (_, extension, Some(Value::Object(values))) => {
                return self.expand(op, extension, values);
            }
            _ => return Err(invalid(format!("`value` of `{text}` must be an object."))),
        }
        Ok(())
    }

    /// One operation on an attribute, or on a part or on some values of it.
    pub(super) fn attribute(
        &mut self,
        op: PatchOp,
        target: Target<'_>,
        value: Option<&Value>,
        at: &str,
    ) -> Result<(), Error> {
        let Some(attribute) = target.attribute else { return Ok(()) };
        target.check_writable()?;
        let filter = match target.filter {
            // RFC 7644 figure 7: a value path selects among the values of an attribute.
            Some(_) if !attribute.multi_valued => {
                return Err(Error::bad_request(
                    ScimType::InvalidPath,
                    format!("`{}` has one value only: it takes no value filter.", attribute.name),
                ));
            }
            Some(filter) => {
                filter.check_value(attribute)?;
                Some(canonical_value_filter(filter, attribute, &mut self.reading))
            }
            None => None,
        };
        let target = Target { filter: filter.as_ref(), ..target };
        if target.is_rows(self.rt) {
            return self.rows(op, target, value, at);
        }
        match op {
            PatchOp::Remove => self.removal(target, attribute, value, at),
            PatchOp::Add | PatchOp::Replace => self.assignment(op, target, attribute, value, at),
        }
    }

    fn assignment(
        &mut self,
        op: PatchOp,
        target: Target<'_>,
        attribute: &Attribute,
        value: Option<&Value>,
        at: &str,
    ) -> Result<(), Error> {
        let Some(value) = value else {
            return Err(invalid(format!("`{at}` has no `value`. Say what to {}.", op.as_str())));
        };
        let part = target.sub_attribute.unwrap_or(attribute);
        let one = (op == PatchOp::Add && part.multi_valued).then(|| one_added(value)).flatten();
        let read = match (target.filter, target.sub_attribute) {
            (Some(_), None) => canonical_entry(attribute, value, at, &mut self.reading)?,
            _ => canonical(part, one.as_ref().unwrap_or(value), at, &mut self.reading)?,
        };
        if op == PatchOp::Replace {
            self.cleared_parts(target, part, value);
        }
        match read {
            Some(value) => self.push(op, target.path(), Some(value)),
            // RFC 7643 2.5: null and the empty list unassign. A bare empty string for a complex
            // attribute (`"manager": ""`) has been tolerated as null.
            None if op == PatchOp::Replace && (is_unassigned(value) || value == "") => {
                self.push(PatchOp::Remove, target.path(), None);
            }
            None => {}
        }
        Ok(())
    }

    /// RFC 7644 3.5.2.3 leaves sub-attributes that are not named alone; a null names one.
    fn cleared_parts(&mut self, target: Target<'_>, attribute: &Attribute, value: &Value) {
        let Value::Object(parts) = value else { return };
        if attribute.multi_valued || target.sub_attribute.is_some() {
            return;
        }
        for (key, part) in parts {
            if let Some(sub) = attribute.sub_attribute(key)
                && sub.mutability != Mutability::ReadOnly
                && is_unassigned(part)
            {
                let path = Target { sub_attribute: Some(sub), ..target }.path();
                self.push(PatchOp::Remove, path, None);
            }
        }
    }

    fn removal(
        &mut self,
        target: Target<'_>,
        attribute: &Attribute,
        value: Option<&Value>,
        at: &str,
    ) -> Result<(), Error> {
        let (Some(value), true) = (value, attribute.multi_valued && target.filter.is_none()) else {
            // The path says by itself what goes.
            self.push(PatchOp::Remove, target.path(), None);
            return Ok(());
        };
        if target.sub_attribute.is_some() || !self.allows(Tolerance::RemovalByValueList, at) {
            return Err(value_list_refused(at));
        }
        let filters = match canonical(attribute, value, at, &mut self.reading)? {
            Some(Value::Array(entries)) => removal_filters(attribute, &entries),
            _ => None,
        };
        // Never widened to "remove all".
        let Some(filters) = filters else { return Err(nothing_named(at)) };
        for filter in &filters {
            self.push(PatchOp::Remove, Target { filter: Some(filter), ..target }.path(), None);
        }
        Ok(())
    }

    fn rows(
        &mut self,
        op: PatchOp,
        target: Target<'_>,
        value: Option<&Value>,
        at: &str,
    ) -> Result<(), Error> {
        let path = target.path();
        let rows = path.attribute.clone().unwrap_or_default();
        if target.sub_attribute.is_some() || (target.filter.is_some() && op != PatchOp::Remove) {
            return Err(rows_are_immutable(&rows));
        }
        match (op, value) {
            (PatchOp::Remove, _) if target.filter.is_some() => self.push(op, path, None),
            (PatchOp::Remove, None) => self.push(op, path, None),
            (PatchOp::Remove, Some(value)) => {
                if is_unassigned(value) {
                    return Err(nothing_named(at));
                }
                if !self.allows(Tolerance::RemovalByValueList, at) {
                    return Err(value_list_refused(at));
                }
                let members = self.members(value, at)?;
                for filter in members_filters(&members) {
                    let value_filter = Some(filter);
                    self.push(op, PatchPath { value_filter, ..path.clone() }, None);
                }
            }
            (_, None) => {
                return Err(invalid(format!("`{at}` has no `value`. Send a list of members.")));
            }
            (op, Some(value)) => {
                let one = (op == PatchOp::Add).then(|| one_added(value)).flatten();
                let members = self.members(one.as_ref().unwrap_or(value), at)?;
                if op == PatchOp::Replace || !members.is_empty() {
                    let members = members.iter().map(Member::to_value).collect();
                    self.push(op, path, Some(Value::Array(members)));
                }
            }
        }
        Ok(())
    }

    fn members(&mut self, value: &Value, at: &str) -> Result<Vec<Member>, Error> {
        let members = read_members(value, at, &mut self.reading)?;
        self.member_count += members.len();
        if self.member_count > MEMBER_COUNT_MAX {
            return Err(Error::new(
                413,
                format!("One request may name {MEMBER_COUNT_MAX} members. Send several requests."),
            ));
        }
        Ok(members)
    }

    pub(super) fn allows(&mut self, tolerance: Tolerance, at: &str) -> bool {
        self.reading.accept(tolerance, at)
    }

    /// Whether a path or key that leads nowhere may be ignored.
    pub(super) fn ignores_unknown(&mut self, text: &str) -> bool {
        let is_urn = text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"));
        let tolerance = match self.rt.split_schema(text) {
            None if is_urn => Tolerance::UnknownSchema,
            _ => Tolerance::UnknownAttribute,
        };
        self.allows(tolerance, text)
    }

    pub(super) fn push(&mut self, op: PatchOp, path: PatchPath, value: Option<Value>) {
        self.operations.push(PatchOperation { op, path: Some(path), value });
    }
}

fn is_patch_op(urn: &Value) -> bool {
    urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(urn::PATCH_OP))
}

/// RFC 7644 3.5.2.1: "If the target location specifies a multi-valued attribute, a new value is
/// added to the attribute." One value that is added need not stand in a list.
fn one_added(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::Array(_) => None,
        one => Some(Value::Array(vec![one.clone()])),
    }
}

fn value_list_refused(at: &str) -> Error {
    invalid(format!(
        "`remove` of `{at}` takes no `value`. Name the values in the path: \
         `{at}[value eq \"...\"]`."
    ))
}

fn nothing_named(at: &str) -> Error {
    invalid(format!(
        "`remove` of `{at}` has a `value` that names nothing, so nothing is removed. Name the \
         values, or leave `value` out to remove all."
    ))
}

pub(super) fn syntax(detail: impl Into<String>) -> Error {
    Error::bad_request(ScimType::InvalidSyntax, detail)
}

pub(super) fn invalid(detail: impl Into<String>) -> Error {
    Error::bad_request(ScimType::InvalidValue, detail)
}

fn no_target(detail: impl Into<String>) -> Error {
    Error::bad_request(ScimType::NoTarget, detail)
}
