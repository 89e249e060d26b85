//! Reading values: whatever a client sent becomes the canonical form of its definition or an error.
//!
//! Canonical: sub-attribute names in the schema's case, no nulls, no empty arrays or objects
//! ("unassigned" is absent, RFC 7643 2.5), real booleans and numbers, no read-only sub-attributes.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Map, Number, Value};

use super::compare::{distinct, instant, is_present};
use crate::limits::{STRING_BYTES_MAX, VALUE_COUNT_MAX};
use crate::{
    Attribute, AttributeType, Error, Mutability, ResourceType, ScimType, Tolerance, Tolerances,
    Tolerated,
};

/// Which departures are accepted while a request is read, and which were made use of.
pub(crate) struct Reading<'a> {
    tolerances: &'a Tolerances,
    /// The uses, in the order of the request.
    pub(crate) tolerated: Vec<Tolerated>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(tolerances: &'a Tolerances) -> Self {
        Self { tolerances, tolerated: Vec::new() }
    }

    pub(crate) fn tolerances(&self) -> &'a Tolerances {
        self.tolerances
    }

    /// Whether a departure at this place is accepted; if so, it is noted.
    pub(crate) fn accept(&mut self, tolerance: Tolerance, at: &str) -> bool {
        let allowed = self.tolerances.allows(tolerance);
        if allowed {
            self.tolerated.push(Tolerated { tolerance, at: at.to_owned() });
        }
        allowed
    }
}

/// RFC 7643 2.5: null and the empty array say "unassigned".
pub(crate) fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().all(Value::is_null),
        _ => false,
    }
}

/// The canonical form of a whole attribute's value; None when it is unassigned. `at` says where the
/// value stands in the request.
pub(crate) fn canonical(
    attribute: &Attribute,
    value: &Value,
    at: &str,
    reading: &mut Reading<'_>,
) -> Result<Option<Value>, Error> {
    if is_unassigned(value) {
        return Ok(None);
    }
    if !attribute.multi_valued {
        return canonical_entry(attribute, value, at, reading);
    }
    let entries = match value {
        Value::Array(entries) => entries.as_slice(),
        single if reading.accept(Tolerance::SingleForMultiple, at) => std::slice::from_ref(single),
        other => return Err(unfit(attribute, other, at, "a list of values")),
    };
    if entries.len() > VALUE_COUNT_MAX {
        return Err(invalid(format!(
            "`{at}` has {} values; at most {VALUE_COUNT_MAX} are kept. Send fewer.",
            entries.len()
        )));
    }
    let mut kept: Vec<Value> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let at = format!("{at}[{index}]");
        // A list among values is no value: only a single attribute may come wrapped in one.
        if entry.is_array() {
            return Err(unfit(attribute, entry, &at, "a single value"));
        }
        kept.extend(canonical_entry(attribute, entry, &at, reading)?);
    }
    let kept = distinct(kept);
    // RFC 7643 2.4: "The primary attribute value 'true' MUST appear no more than once."
    if kept.iter().filter(|entry| entry.get("primary") == Some(&Value::Bool(true))).count() > 1 {
        return Err(invalid(format!(
            "`{at}` has more than one value with primary true. Mark one of them only."
        )));
    }
    Ok(if kept.is_empty() { None } else { Some(Value::Array(kept)) })
}

/// The canonical form of one value of an attribute; None when it is unassigned.
pub(crate) fn canonical_entry(
    attribute: &Attribute,
    value: &Value,
    at: &str,
    reading: &mut Reading<'_>,
) -> Result<Option<Value>, Error> {
    if is_unassigned(value) {
        return Ok(None);
    }
    if let Value::Array(entries) = value {
        return match entries.as_slice() {
            [single] if !single.is_array() && reading.accept(Tolerance::MultipleForSingle, at) => {
                canonical_entry(attribute, single, at, reading)
            }
            _ => Err(unfit(attribute, value, at, "a single value")),
        };
    }
    match attribute.attribute_type {
        AttributeType::Complex => complex(attribute, value, at, reading),
        AttributeType::Boolean => boolean(attribute, value, at, reading).map(Some),
        AttributeType::Integer | AttributeType::Decimal => {
            number(attribute, value, at, reading).map(Some)
        }
        AttributeType::String
        | AttributeType::DateTime
        | AttributeType::Reference
        | AttributeType::Binary => text(attribute, value, at).map(Some),
    }
}

/// The first required attribute that a document lacks, as a path. Read-only attributes are the
/// server's to give. An extension's attributes are required where the extension is present or
/// itself required (RFC 7643 6).
pub(crate) fn missing_required(rt: &ResourceType, document: &Map<String, Value>) -> Option<String> {
    let rows = rt.rows.as_deref();
    if let Some(path) = missing_in(&rt.schema.attributes, document, rows) {
        return Some(path);
    }
    rt.extensions.iter().find_map(|extension| {
        let id = &extension.schema.id;
        match document.get(id) {
            Some(Value::Object(values)) => {
                missing_in(&extension.schema.attributes, values, None).map(|p| format!("{id}:{p}"))
            }
            _ if extension.required => Some(id.clone()),
            _ => None,
        }
    })
}

fn missing_in(
    attributes: &[Attribute],
    values: &Map<String, Value>,
    rows: Option<&str>,
) -> Option<String> {
    let settable = |attribute: &&Attribute| {
        attribute.mutability != Mutability::ReadOnly
            && rows.is_none_or(|rows| !attribute.name.eq_ignore_ascii_case(rows))
    };
    attributes.iter().filter(settable).find_map(|attribute| {
        let name = &attribute.name;
        match values.get(name) {
            Some(value) if is_present(value) => {
                let entries = match value {
                    Value::Array(entries) => entries.as_slice(),
                    single => std::slice::from_ref(single),
                };
                entries
                    .iter()
                    .filter_map(Value::as_object)
                    .find_map(|entry| missing_in(&attribute.sub_attributes, entry, None))
                    .map(|sub| format!("{name}.{sub}"))
            }
            _ if attribute.required => Some(name.clone()),
            _ => None,
        }
    })
}

fn complex(
    attribute: &Attribute,
    value: &Value,
    at: &str,
    reading: &mut Reading<'_>,
) -> Result<Option<Value>, Error> {
    let parts = match value {
        Value::Object(parts) => parts,
        bare if attribute.sub_attribute("value").is_some()
            && reading.accept(Tolerance::BareValueForComplex, at) =>
        {
            return bare_value(attribute, bare, at, reading);
        }
        other => return Err(unfit(attribute, other, at, "an object of sub-attributes")),
    };
    let mut kept = Map::new();
    for (key, part) in parts {
        let at = format!("{at}.{key}");
        let Some(sub) = attribute.sub_attribute(key) else {
            if reading.accept(Tolerance::UnknownAttribute, &at) {
                continue;
            }
            return Err(Error::bad_request(
                ScimType::InvalidSyntax,
                format!("`{at}` is not defined: `{}` has no such sub-attribute.", attribute.name),
            ));
        };
        // RFC 7644 3.3 and 3.5.1: values of read-only attributes are ignored.
        if sub.mutability == Mutability::ReadOnly {
            continue;
        }
        if let Some(part) = canonical(sub, part, &at, reading)?
            && kept.insert(sub.name.clone(), part).is_some()
        {
            return Err(Error::bad_request(
                ScimType::InvalidSyntax,
                format!("`{at}` is given twice, in different case. Send it once."),
            ));
        }
    }
    Ok(if kept.is_empty() { None } else { Some(Value::Object(kept)) })
}

/// `"manager": "26118915"` for `"manager": {"value": "26118915"}`; the empty string clears it.
fn bare_value(
    attribute: &Attribute,
    bare: &Value,
    at: &str,
    reading: &mut Reading<'_>,
) -> Result<Option<Value>, Error> {
    let Some(sub) = attribute.sub_attribute("value") else { return Ok(None) };
    if bare == "" {
        return Ok(None);
    }
    let part = canonical(sub, bare, at, reading)?;
    Ok(part.map(|part| Value::Object(Map::from_iter([(sub.name.clone(), part)]))))
}

fn boolean(
    attribute: &Attribute,
    value: &Value,
    at: &str,
    reading: &mut Reading<'_>,
) -> Result<Value, Error> {
    match value {
        Value::Bool(_) => return Ok(value.clone()),
        Value::String(text) => {
            for known in [true, false] {
                if text.eq_ignore_ascii_case(if known { "true" } else { "false" })
                    && reading.accept(Tolerance::BooleanAsString, at)
                {
                    return Ok(Value::Bool(known));
                }
            }
        }
        _ => {}
    }
    Err(unfit(attribute, value, at, "true or false"))
}

fn number(
    attribute: &Attribute,
    value: &Value,
    at: &str,
    reading: &mut Reading<'_>,
) -> Result<Value, Error> {
    let given = match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => serde_json::from_str::<Number>(text.trim())
            .ok()
            .filter(|_| reading.accept(Tolerance::NumberAsString, at)),
        _ => None,
    };
    if attribute.attribute_type == AttributeType::Decimal {
        let decimal = given.as_ref().and_then(Number::as_f64).and_then(Number::from_f64);
        return decimal.map(Value::Number).ok_or_else(|| unfit(attribute, value, at, "a number"));
    }
    // RFC 7643 2.3.4: "A whole number with no fractional digits or decimal." `5.0` is the same
    // number to JSON.
    let whole = given.as_ref().and_then(|number| {
        number.as_i64().or_else(|| number.as_f64().and_then(whole_number)).map(Number::from)
    });
    whole.map(Value::Number).ok_or_else(|| unfit(attribute, value, at, "a whole number"))
}

/// Beyond 2^53 a double no longer says which whole number was meant.
fn whole_number(number: f64) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i64)
}

fn text(attribute: &Attribute, value: &Value, at: &str) -> Result<Value, Error> {
    let Value::String(text) = value else {
        return Err(unfit(attribute, value, at, "a string"));
    };
    if text.len() > STRING_BYTES_MAX {
        return Err(invalid(format!(
            "`{at}` is {} bytes long; at most {STRING_BYTES_MAX} are kept. Send a shorter value.",
            text.len()
        )));
    }
    match attribute.attribute_type {
        // RFC 7643 2.3.5: "a valid xsd:dateTime". The text is kept as it was sent.
        AttributeType::DateTime if instant(text).is_none() => {
            Err(unfit(attribute, value, at, "a moment such as 2026-03-31T08:00:00Z"))
        }
        // RFC 7643 2.3.6: base64, or base64 with the URL-safe alphabet (RFC 4648 4 and 5).
        AttributeType::Binary if !is_base64(text) => {
            Err(unfit(attribute, value, at, "bytes in base64"))
        }
        _ => Ok(value.clone()),
    }
}

fn is_base64(text: &str) -> bool {
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .any(|engine| engine.decode(text).is_ok())
}

fn unfit(attribute: &Attribute, value: &Value, at: &str, wanted: &str) -> Error {
    let found = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
        Value::String(text) if text.chars().count() <= 40 => format!("the string {value}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(entries) => format!("a list of {}", entries.len()),
        Value::Object(_) => "an object".to_owned(),
    };
    // A secret in an error message would end in a log.
    let found = match attribute.mutability {
        Mutability::WriteOnly => "something else".to_owned(),
        _ => found,
    };
    invalid(format!("`{at}` must be {wanted}, not {found}."))
}

fn invalid(detail: String) -> Error {
    Error::bad_request(ScimType::InvalidValue, detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Tolerances, enterprise_user_schema, user_schema};

    fn read(name: &str, value: Value, tolerances: &[Tolerance]) -> String {
        let user = user_schema();
        let enterprise = enterprise_user_schema();
        let attribute = user.attribute(name).or_else(|| enterprise.attribute(name)).unwrap();
        let tolerances = Tolerances::of(tolerances.iter().copied());
        let mut reading = Reading::new(&tolerances);
        match canonical(attribute, &value, name, &mut reading) {
            Ok(Some(value)) => format!("{value} {:?}", reading.tolerated),
            Ok(None) => "unassigned".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn names_take_the_case_of_the_schema_and_nulls_vanish() {
        insta::assert_snapshot!(
            read("name", json!({"GIVENNAME": "Ana", "familyName": null}), &[]),
            @r#"{"givenName":"Ana"} []"#
        );
        insta::assert_snapshot!(read("emails", json!([null, {}]), &[]), @"unassigned");
        insta::assert_snapshot!(read("title", json!([]), &[]), @"unassigned");
    }

    #[test]
    fn values_that_do_not_fit_are_refused_with_a_sentence() {
        insta::assert_snapshot!(
            read("active", json!("False"), &[]),
            @r#"`active` must be true or false, not the string "False"."#
        );
        insta::assert_snapshot!(
            read("emails", json!({"value": "a@b"}), &[]),
            @"`emails` must be a list of values, not an object."
        );
        insta::assert_snapshot!(
            read("name", json!({"nick": "x"}), &[]),
            @"`name.nick` is not defined: `name` has no such sub-attribute."
        );
        insta::assert_snapshot!(
            read("emails", json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]), &[]),
            @"`emails` has more than one value with primary true. Mark one of them only."
        );
        insta::assert_snapshot!(
            read("password", json!(12345678), &[]),
            @"`password` must be a string, not something else."
        );
        let lenient = [Tolerance::MultipleForSingle, Tolerance::SingleForMultiple];
        insta::assert_snapshot!(
            read("emails", json!([[{"value": "a"}]]), &lenient),
            @"`emails[0]` must be a single value, not a list of 1."
        );
        insta::assert_snapshot!(
            read("manager", json!([[{"value": "a"}]]), &lenient),
            @"`manager` must be a single value, not a list of 1."
        );
    }

    #[test]
    fn each_tolerance_is_noted_where_it_was_used() {
        insta::assert_snapshot!(
            read("active", json!("False"), &[Tolerance::BooleanAsString]),
            @r#"false [Tolerated { tolerance: BooleanAsString, at: "active" }]"#
        );
        insta::assert_snapshot!(
            read("emails", json!({"value": "a@b"}), &[Tolerance::SingleForMultiple]),
            @r#"[{"value":"a@b"}] [Tolerated { tolerance: SingleForMultiple, at: "emails" }]"#
        );
        insta::assert_snapshot!(
            read("manager", json!("26118915"), &[Tolerance::BareValueForComplex]),
            @r#"{"value":"26118915"} [Tolerated { tolerance: BareValueForComplex, at: "manager" }]"#
        );
        insta::assert_snapshot!(
            read("manager", json!([{"value": "26118915", "$ref": null}]), &[Tolerance::MultipleForSingle]),
            @r#"{"value":"26118915"} [Tolerated { tolerance: MultipleForSingle, at: "manager" }]"#
        );
    }
}
