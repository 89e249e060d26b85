//! Members: the values of the attribute that is kept as rows, as clients name them, and the steps
//! that operations on them become.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Member, MemberDelta, MemberStep, PatchOp};
use crate::limits::{MEMBER_COUNT_MAX, MEMBER_FILTER_COUNT_MAX, STRING_BYTES_MAX};
use crate::value::{Reading, is_unassigned};
use crate::{CompareOp, Error, Filter, Literal, ScimType, Tolerance};

/// Reads a list of members, each once, in their order: objects with `value`, perhaps with `type`,
/// `display` and `$ref`. Null and the empty list are no members (RFC 7643 2.5).
pub(crate) fn read_members(
    value: &Value,
    at: &str,
    reading: &mut Reading<'_>,
) -> Result<Vec<Member>, Error> {
    if is_unassigned(value) {
        return Ok(Vec::new());
    }
    let entries = match value {
        Value::Array(entries) => entries.as_slice(),
        single if reading.accept(Tolerance::SingleForMultiple, at) => std::slice::from_ref(single),
        _ => return Err(invalid(format!("`{at}` must be a list of members."))),
    };
    if entries.len() > MEMBER_COUNT_MAX {
        return Err(Error::new(
            413,
            format!(
                "`{at}` names {} members; one request may name {MEMBER_COUNT_MAX}. Send several \
                 requests.",
                entries.len()
            ),
        ));
    }
    let mut seen = HashSet::with_capacity(entries.len());
    let mut members = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let member = read_member(entry, at, index, reading)?;
        if seen.insert(member.value.clone()) {
            members.push(member);
        }
    }
    Ok(members)
}

impl Member {
    /// The member as a value of the attribute.
    pub(crate) fn to_value(&self) -> Value {
        let mut parts = Map::new();
        parts.insert("value".into(), Value::from(self.value.clone()));
        if let Some(member_type) = &self.member_type {
            parts.insert("type".into(), Value::from(member_type.clone()));
        }
        if let Some(display) = &self.display {
            parts.insert("display".into(), Value::from(display.clone()));
        }
        Value::Object(parts)
    }
}

impl MemberDelta {
    /// Whether the rows are left alone.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Adds the step an operation on the rows becomes. `value` and `filter` are as
    /// [`super::PatchRequest::read`] leaves them.
    pub(super) fn push(
        &mut self,
        op: PatchOp,
        value: Option<&Value>,
        filter: Option<&Filter>,
    ) -> Result<(), Error> {
        let members = |value: Option<&Value>| {
            let none = crate::Tolerances::none();
            read_members(value.unwrap_or(&Value::Null), "members", &mut Reading::new(&none))
        };
        match (op, filter) {
            (PatchOp::Add, None) => self.add(members(value)?),
            (PatchOp::Replace, None) => self.replace_all(members(value)?),
            (PatchOp::Remove, None) => self.replace_all(Vec::new()),
            (PatchOp::Remove, Some(filter)) => match ids(filter) {
                Some(ids) => self.remove(ids),
                None => self.remove_where(filter)?,
            },
            (PatchOp::Add | PatchOp::Replace, Some(_)) => {
                return Err(rows_are_immutable("members"));
            }
        }
        Ok(())
    }

    fn add(&mut self, members: Vec<Member>) {
        if !members.is_empty() {
            self.steps.push(MemberStep::Add(members));
        }
    }

    /// Neighbouring removals are one step: a long list of members arrives as many operations.
    fn remove(&mut self, ids: Vec<String>) {
        match self.steps.last_mut() {
            Some(MemberStep::Remove(present)) => present.extend(ids),
            _ => self.steps.push(MemberStep::Remove(ids)),
        }
    }

    fn remove_where(&mut self, filter: &Filter) -> Result<(), Error> {
        let is_filter = |step: &&MemberStep| matches!(step, MemberStep::RemoveWhere(_));
        if self.steps.iter().filter(is_filter).count() == MEMBER_FILTER_COUNT_MAX {
            return Err(Error::new(
                413,
                format!(
                    "One request may have {MEMBER_FILTER_COUNT_MAX} filters over members. Name the \
                     members by `value`, or send several requests."
                ),
            ));
        }
        self.steps.push(MemberStep::RemoveWhere(filter.clone()));
        Ok(())
    }

    /// Whatever went before no longer matters.
    fn replace_all(&mut self, members: Vec<Member>) {
        self.steps.clear();
        self.steps.push(MemberStep::ReplaceAll(members));
    }
}

/// RFC 7643 4.2: the sub-attributes of a member are immutable; a member is added or removed whole.
pub(super) fn rows_are_immutable(rows: &str) -> Error {
    Error::bad_request(
        ScimType::Mutability,
        format!("A value of `{rows}` cannot be changed. Remove it, and add another."),
    )
}

/// The ids of a filter that only asks for ids: `value eq "a" or value eq "b"`.
fn ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare { path, op: CompareOp::Eq, value: Literal::String(id) }
            if path.urn.is_none()
                && path.sub_attribute.is_none()
                && path.attribute.eq_ignore_ascii_case("value") =>
        {
            Some(vec![id.clone()])
        }
        Filter::Or(any) => {
            let all: Option<Vec<Vec<String>>> = any.iter().map(ids).collect();
            Some(all?.into_iter().flatten().collect())
        }
        _ => None,
    }
}

fn read_member(
    entry: &Value,
    at: &str,
    index: usize,
    reading: &mut Reading<'_>,
) -> Result<Member, Error> {
    let place = || format!("{at}[{index}]");
    let parts = match entry {
        Value::Object(parts) => parts,
        Value::String(id) if reading.accept(Tolerance::BareValueForComplex, &place()) => {
            let value = read_id(id, &place())?;
            return Ok(Member { value, member_type: None, display: None });
        }
        _ => return Err(invalid(format!("`{}` must be an object with `value`.", place()))),
    };
    let mut member = Member { value: String::new(), member_type: None, display: None };
    for (key, part) in parts {
        match (key.to_ascii_lowercase().as_str(), part) {
            ("value", Value::String(id)) => member.value.clone_from(id),
            ("type", Value::String(text)) => member.member_type = Some(read_text(text, &place())?),
            ("display", Value::String(text)) => member.display = Some(read_text(text, &place())?),
            ("value", _) => return Err(no_id(&place())),
            ("type" | "display", Value::Null) | ("$ref", _) => {}
            ("type" | "display", _) => {
                return Err(invalid(format!("`{}.{key}` must be a string.", place())));
            }
            _ if reading.accept(Tolerance::UnknownAttribute, &format!("{}.{key}", place())) => {}
            _ => {
                return Err(Error::bad_request(
                    ScimType::InvalidSyntax,
                    format!("`{}.{key}` is not defined: a member has no such part.", place()),
                ));
            }
        }
    }
    member.value = read_id(&member.value, &place())?;
    Ok(member)
}

fn read_id(id: &str, at: &str) -> Result<String, Error> {
    if id.is_empty() { Err(no_id(at)) } else { read_text(id, at) }
}

fn read_text(text: &str, at: &str) -> Result<String, Error> {
    if text.len() > STRING_BYTES_MAX {
        return Err(invalid(format!("`{at}` is too long: {STRING_BYTES_MAX} bytes are kept.")));
    }
    Ok(text.to_owned())
}

fn no_id(at: &str) -> Error {
    invalid(format!("`{at}` names nobody. Send the id of the member as a string in `value`."))
}

fn invalid(detail: String) -> Error {
    Error::bad_request(ScimType::InvalidValue, detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Tolerances;

    fn read(value: Value, tolerances: &[Tolerance]) -> String {
        let tolerances = Tolerances::of(tolerances.iter().copied());
        match read_members(&value, "members", &mut Reading::new(&tolerances)) {
            Ok(members) => members.iter().map(|m| m.to_value().to_string()).collect(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn members_are_read_once_each_in_their_order() {
        insta::assert_snapshot!(
            read(json!([
                {"$ref": null, "value": "b"},
                {"Value": "a", "type": "User", "display": "Ana"},
                {"value": "b", "display": null}
            ]), &[]),
            @r#"{"value":"b"}{"display":"Ana","type":"User","value":"a"}"#
        );
        insta::assert_snapshot!(read(json!(null), &[]), @"");
    }

    #[test]
    fn a_member_that_names_nobody_is_refused() {
        insta::assert_snapshot!(
            read(json!([{"value": "a"}, {"display": "Ana"}]), &[]),
            @"`members[1]` names nobody. Send the id of the member as a string in `value`."
        );
        insta::assert_snapshot!(
            read(json!([{"value": 5}]), &[]),
            @"`members[0]` names nobody. Send the id of the member as a string in `value`."
        );
        insta::assert_snapshot!(
            read(json!(["a"]), &[]),
            @"`members[0]` must be an object with `value`."
        );
        insta::assert_snapshot!(
            read(json!(["a"]), &[Tolerance::BareValueForComplex]),
            @r#"{"value":"a"}"#
        );
    }
}
