//! Comparing values by their definition: case rules, moments, sets.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::{Map, Value};

use crate::{Attribute, AttributeType};

/// Up to so many values are compared each with each.
const FEW_VALUES: usize = 16;

/// Whether strings of this attribute are compared with regard to case. References and binaries
/// always are (RFC 7643 2.3.6 and 2.3.7: "case exact").
pub(crate) fn is_case_exact(attribute: &Attribute) -> bool {
    attribute.case_exact
        || matches!(attribute.attribute_type, AttributeType::Reference | AttributeType::Binary)
}

/// Whether two texts are equal under the case rule.
pub(crate) fn equal_text(case_exact: bool, left: &str, right: &str) -> bool {
    if case_exact {
        return left == right;
    }
    // Most texts differ early, and within ASCII; only beyond it do letters have to be looked up.
    let alike = |(left, right): &(u8, u8)| {
        left.is_ascii() && right.is_ascii() && left.eq_ignore_ascii_case(right)
    };
    let same = left.bytes().zip(right.bytes()).take_while(alike).count();
    match (left.as_bytes().get(same), right.as_bytes().get(same)) {
        (None, None) => true,
        // No letter becomes nothing in lower case.
        (None, Some(_)) | (Some(_), None) => false,
        (Some(left), Some(right)) if left.is_ascii() && right.is_ascii() => false,
        // The whole texts: what a sigma becomes depends on what stands before it.
        (Some(_), Some(_)) => left.to_lowercase() == right.to_lowercase(),
    }
}

/// The order of two texts under the case rule (RFC 7644 3.4.2.2: lexicographical).
pub(crate) fn compare_text(case_exact: bool, left: &str, right: &str) -> Ordering {
    fold(case_exact, left).cmp(&fold(case_exact, right))
}

/// A text as it is compared.
fn fold(case_exact: bool, text: &str) -> Cow<'_, str> {
    if case_exact { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) }
}

impl Attribute {
    /// A string value as it is compared: two values of this attribute are equal if and only if
    /// their keys are. A store that indexes this key finds what [`crate::Filter`] finds.
    pub fn comparison_key<'t>(&self, text: &'t str) -> Cow<'t, str> {
        fold(is_case_exact(self), text)
    }
}

/// The moment an xsd:dateTime names; without an offset it is taken as UTC.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    if !text.contains(['T', 't']) {
        return None;
    }
    text.parse::<Timestamp>().ok().or_else(|| {
        let civil = text.parse::<DateTime>().ok()?;
        Offset::UTC.to_timestamp(civil).ok()
    })
}

/// RFC 7644 table 3, `pr`: "a non-empty or non-null value, or ... a non-empty node for complex
/// attributes".
pub(crate) fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(entries) => entries.iter().any(is_present),
        Value::Object(parts) => parts.values().any(is_present),
    }
}

/// Whether two canonical values of a whole attribute say the same: lists regardless of order,
/// moments as moments, `primary` false as absent (RFC 7643 2.4: "SHALL be assumed to be false"),
/// strings by every letter.
pub(crate) fn same(attribute: &Attribute, left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => same_set(attribute, left, right),
        (Value::Object(left), Value::Object(right)) => {
            attribute.sub_attributes.iter().all(|sub| same_part(sub, left, right))
                && left.keys().chain(right.keys()).all(|key| {
                    attribute.sub_attribute(key).is_some() || left.get(key) == right.get(key)
                })
        }
        (Value::String(a), Value::String(b))
            if attribute.attribute_type == AttributeType::DateTime =>
        {
            a == b || instant(a).is_some_and(|moment| Some(moment) == instant(b))
        }
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (left, right) => left == right,
    }
}

/// Whether two values of a multi-valued attribute are one and the same entry. RFC 7643 2.4: a
/// server should not return the same (type, value) more than once; where there is no `value`, all
/// sub-attributes but `primary` count.
pub(crate) fn same_entry(attribute: &Attribute, left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let keyed = left.contains_key("value") && right.contains_key("value");
            attribute.sub_attributes.iter().all(|sub| {
                if sub.name == "primary" || (keyed && sub.name != "value" && sub.name != "type") {
                    return true;
                }
                match (left.get(&sub.name), right.get(&sub.name)) {
                    (Some(left), Some(right)) => same_scalar(sub, left, right),
                    (left, right) => left == right,
                }
            })
        }
        (left, right) => same_scalar(attribute, left, right),
    }
}

fn same_scalar(attribute: &Attribute, left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right))
            if attribute.attribute_type != AttributeType::DateTime =>
        {
            equal_text(is_case_exact(attribute), left, right)
        }
        (left, right) => same(attribute, left, right),
    }
}

fn same_part(sub: &Attribute, left: &Map<String, Value>, right: &Map<String, Value>) -> bool {
    match (left.get(&sub.name), right.get(&sub.name)) {
        (Some(left), Some(right)) => same(sub, left, right),
        (None, None) => true,
        (Some(one), None) | (None, Some(one)) => {
            sub.name == "primary" && one == &Value::Bool(false)
        }
    }
}

/// Each value once, in the order in which they first appear.
pub(crate) fn distinct(mut values: Vec<Value>) -> Vec<Value> {
    if values.len() > FEW_VALUES {
        // Equal values print alike; comparing each with each would take too long.
        let mut seen = HashSet::with_capacity(values.len());
        values.retain(|value| seen.insert(value.to_string()));
        return values;
    }
    let mut kept: Vec<Value> = Vec::with_capacity(values.len());
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

fn same_set(attribute: &Attribute, left: &[Value], right: &[Value]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    if left.iter().zip(right).all(|(left, right)| same(attribute, left, right)) {
        return true;
    }
    let mut unmatched: Vec<&Value> = right.iter().collect();
    left.iter().all(|one| match unmatched.iter().position(|other| same(attribute, one, other)) {
        Some(index) => {
            unmatched.swap_remove(index);
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::user_schema;

    proptest::proptest! {
        #[test]
        fn texts_are_equal_if_their_lower_cases_are(
            left in "[aAkK\u{212A}ΣσςİißẞÉé]{0,4}", right in "[aAkK\u{212A}ΣσςİißẞÉé]{0,4}"
        ) {
            proptest::prop_assert_eq!(
                equal_text(false, &left, &right),
                left.to_lowercase() == right.to_lowercase()
            );
        }
    }

    #[test]
    fn values_are_kept_once_however_many_they_are() {
        for count in [3, 100] {
            let twice = (0..count).chain(0..count).map(|n| json!({"value": n % count}));
            let once: Vec<_> = (0..count).map(|n| json!({"value": n})).collect();
            assert_eq!(distinct(twice.collect()), once);
        }
    }

    #[test]
    fn a_moment_is_the_same_whatever_its_offset() {
        assert_eq!(instant("2026-03-31T08:00:00Z"), instant("2026-03-31T10:00:00.000+02:00"));
        assert_eq!(instant("2026-03-31T08:00:00Z"), instant("2026-03-31T08:00:00"));
        assert_eq!(instant("2026-03-31"), None);
        assert_eq!(instant("Tuesday"), None);
    }

    #[test]
    fn lists_are_compared_as_sets_and_strings_by_every_letter() {
        let user = user_schema();
        let emails = user.attribute("emails").unwrap();
        let work = json!({"type": "work", "value": "a@b"});
        let home = json!({"type": "home", "value": "c@d", "primary": false});
        let plain = json!({"type": "home", "value": "c@d"});
        assert!(same(emails, &json!([work, home]), &json!([plain, work])));
        assert!(!same(emails, &json!([work]), &json!([{"type": "work", "value": "A@b"}])));
        assert!(!same(emails, &json!([work, work]), &json!([work, home])));
        assert!(same_entry(
            emails,
            &work,
            &json!({"type": "WORK", "value": "A@b", "primary": true})
        ));
        assert!(!same_entry(emails, &work, &json!({"value": "a@b"})));
    }
}
