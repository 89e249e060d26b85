//! Whether a resource, or one value of an attribute, satisfies a filter (RFC 7644 3.4.2.2).
//!
//! Where the RFC leaves room:
//! - An attribute with several values matches if any of them does ("only one has to match for the
//!   entire User to match"); this holds for `ne` too, so `emails.type ne "work"` finds whoever has
//!   an e-mail that is not for work. Who has none at all is asked for by `not (... eq ...)`.
//! - `ne` on an attribute without a value matches: nothing and a value "are not identical". So for
//!   single values `ne` is the opposite of `eq`.
//! - `eq null` asks for absence, `ne null` for presence (RFC 7643 2.5: null is "unassigned").
//! - A literal of another type than the attribute equals nothing, except where its text says the
//!   same: `active eq "true"`, `employeeNumber eq 701984`.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::{CompareOp, Filter, Literal};
use crate::value::{compare_text, equal_text, instant, is_case_exact, is_present};
use crate::{Attribute, AttributePath, AttributeType, ResourceType};

/// What a filter's paths start from.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Resource(&'a ResourceType, &'a Map<String, Value>),
    Value(&'a Attribute, &'a Value),
}

/// The values a path reaches, and their definition.
struct Found<'a> {
    attribute: &'a Attribute,
    values: Vec<&'a Value>,
}

impl Filter {
    /// Whether a canonical document of this resource type satisfies the filter. What the schemas do
    /// not define has no value; [`Filter::check`] refuses it beforehand. An attribute kept as rows
    /// is seen only if the document has it.
    pub fn matches(&self, rt: &ResourceType, document: &Map<String, Value>) -> bool {
        self.holds(Scope::Resource(rt, document))
    }

    /// Whether one value of `parent` satisfies this filter over its sub-attributes. A value that is
    /// not complex is its own `value`.
    pub fn matches_value(&self, parent: &Attribute, value: &Value) -> bool {
        self.holds(Scope::Value(parent, value))
    }

    fn holds(&self, scope: Scope<'_>) -> bool {
        match self {
            Self::And(all) => all.iter().all(|filter| filter.holds(scope)),
            Self::Or(any) => any.iter().any(|filter| filter.holds(scope)),
            Self::Not(filter) => !filter.holds(scope),
            Self::Present(path) => match find(scope, path) {
                Some(found) => found.values.iter().any(|value| is_present(value)),
                None => extension_of(scope, path).is_some_and(is_present),
            },
            Self::Compare { path, op, value } => find(scope, path)
                .map_or(*op == CompareOp::Ne, |found| found.comparable().compare(*op, value)),
            Self::ValuePath { path, filter } => find(scope, path).is_some_and(|found| {
                found.values.iter().any(|value| filter.matches_value(found.attribute, value))
            }),
        }
    }
}

/// RFC 7644 3.4.2.2 on complex attributes: the comparison is with the `value` sub-attribute.
pub(super) fn default_part(attribute: &Attribute) -> Option<&Attribute> {
    match attribute.attribute_type {
        AttributeType::Complex => attribute.sub_attribute("value"),
        _ => Some(attribute),
    }
}

impl<'a> Found<'a> {
    fn comparable(self) -> Self {
        match default_part(self.attribute) {
            Some(part) if self.attribute.attribute_type == AttributeType::Complex => {
                part_of(part, self.values)
            }
            _ => self,
        }
    }

    fn compare(&self, op: CompareOp, literal: &Literal) -> bool {
        let present = || self.values.iter().any(|value| is_present(value));
        match (op, literal) {
            (CompareOp::Eq, Literal::Null) => !present(),
            (CompareOp::Ne, Literal::Null) => present(),
            (CompareOp::Ne, _) if self.values.is_empty() => true,
            _ => self.values.iter().any(|value| compare(self.attribute, value, op, literal)),
        }
    }
}

fn find<'a>(scope: Scope<'a>, path: &AttributePath) -> Option<Found<'a>> {
    match scope {
        Scope::Resource(rt, document) => {
            let resolved = rt.resolve(path)?;
            let container = match resolved.extension {
                Some(extension) => document.get(&extension.schema.id).and_then(Value::as_object),
                None => Some(document),
            };
            let attribute = resolved.attribute;
            let values = entries(container.and_then(|values| values.get(&attribute.name)));
            Some(match resolved.sub_attribute {
                Some(sub) => part_of(sub, values),
                None => Found { attribute, values },
            })
        }
        Scope::Value(parent, value) => {
            if path.urn.is_some() || path.sub_attribute.is_some() {
                return None;
            }
            if parent.attribute_type != AttributeType::Complex {
                let itself = path.attribute.eq_ignore_ascii_case("value");
                return itself.then(|| Found { attribute: parent, values: vec![value] });
            }
            Some(part_of(parent.sub_attribute(&path.attribute)?, vec![value]))
        }
    }
}

/// `urn:...:2.0:User pr`: the whole extension, which a path without schemas cannot tell from an
/// attribute.
fn extension_of<'a>(scope: Scope<'a>, path: &AttributePath) -> Option<&'a Value> {
    let Scope::Resource(rt, document) = scope else { return None };
    document.get(&rt.extension(&path.to_string())?.schema.id)
}

fn part_of<'a>(sub: &'a Attribute, values: Vec<&'a Value>) -> Found<'a> {
    let parts = values.into_iter().flat_map(|value| entries(value.get(&sub.name))).collect();
    Found { attribute: sub, values: parts }
}

fn entries(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(entries)) => entries.iter().collect(),
        Some(single) => vec![single],
    }
}

fn compare(attribute: &Attribute, value: &Value, op: CompareOp, literal: &Literal) -> bool {
    let by_order = |ordering: Option<Ordering>| match op {
        CompareOp::Eq => ordering == Some(Ordering::Equal),
        // "not equal: the attribute and operator values are not identical".
        CompareOp::Ne => ordering != Some(Ordering::Equal),
        CompareOp::Gt => ordering == Some(Ordering::Greater),
        CompareOp::Ge => ordering.is_some_and(Ordering::is_ge),
        CompareOp::Lt => ordering == Some(Ordering::Less),
        CompareOp::Le => ordering.is_some_and(Ordering::is_le),
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
    };
    let is_part = matches!(op, CompareOp::Co | CompareOp::Sw | CompareOp::Ew);
    match (attribute.attribute_type, value) {
        (AttributeType::Boolean, Value::Bool(value)) => {
            by_order(boolean(literal).map(|literal| value.cmp(&literal)))
        }
        (AttributeType::Integer | AttributeType::Decimal, Value::Number(value)) => {
            by_order(number(literal).and_then(|literal| compare_numbers(value, &literal)))
        }
        // RFC 7644 table 3: moments are compared chronologically.
        (AttributeType::DateTime, Value::String(value)) if !is_part => {
            let moments = text(literal).and_then(|literal| instant(&literal)).zip(instant(value));
            by_order(moments.map(|(literal, value)| value.cmp(&literal)))
        }
        (AttributeType::Complex | AttributeType::Boolean, _) => op == CompareOp::Ne,
        (_, Value::String(value)) => {
            let Some(literal) = text(literal) else { return op == CompareOp::Ne };
            compare_strings(is_case_exact(attribute), value, op, &literal)
        }
        _ => op == CompareOp::Ne,
    }
}

fn compare_strings(case_exact: bool, value: &str, op: CompareOp, literal: &str) -> bool {
    let part = |test: fn(&str, &str) -> bool| {
        if case_exact {
            test(value, literal)
        } else {
            test(&value.to_lowercase(), &literal.to_lowercase())
        }
    };
    match op {
        CompareOp::Eq => equal_text(case_exact, value, literal),
        CompareOp::Ne => !equal_text(case_exact, value, literal),
        CompareOp::Co => part(|value, literal| value.contains(literal)),
        CompareOp::Sw => part(|value, literal| value.starts_with(literal)),
        CompareOp::Ew => part(|value, literal| value.ends_with(literal)),
        CompareOp::Gt => compare_text(case_exact, value, literal).is_gt(),
        CompareOp::Ge => compare_text(case_exact, value, literal).is_ge(),
        CompareOp::Lt => compare_text(case_exact, value, literal).is_lt(),
        CompareOp::Le => compare_text(case_exact, value, literal).is_le(),
    }
}

fn compare_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// The literal as a boolean, if its text is one.
pub(super) fn boolean(literal: &Literal) -> Option<bool> {
    match literal {
        Literal::Boolean(value) => Some(*value),
        Literal::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Literal::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The literal as a number, if its text is one.
pub(super) fn number(literal: &Literal) -> Option<Number> {
    match literal {
        Literal::Number(value) => Some(value.clone()),
        Literal::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// The literal as a text.
pub(super) fn text(literal: &Literal) -> Option<Cow<'_, str>> {
    match literal {
        Literal::String(text) => Some(Cow::Borrowed(text)),
        Literal::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Extension, enterprise_user_schema};

    fn rt() -> ResourceType {
        ResourceType::user(vec![Extension::optional(enterprise_user_schema())])
    }

    fn babs() -> Map<String, Value> {
        let document = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": "2819c223", "externalId": "BJensen", "userName": "bjensen@Example.com",
            "active": true, "title": "", "displayName": "Bäbs ÖRSTED",
            "name": {"familyName": "Jensen"},
            "emails": [
                {"value": "bjensen@example.com", "type": "work", "primary": true},
                {"value": "babs@jensen.org", "type": "home"}
            ],
            "meta": {"lastModified": "2011-05-13T04:42:34Z"},
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
                "employeeNumber": "701984", "manager": {"value": "26118915"}
            }
        });
        document.as_object().unwrap().clone()
    }

    #[track_caller]
    fn check(filter: &str, expected: bool) {
        let filter = Filter::parse(filter).unwrap();
        assert_eq!(filter.check(&rt()), Ok(()), "{filter}");
        assert_eq!(filter.matches(&rt(), &babs()), expected, "{filter}");
    }

    #[test]
    fn strings_are_compared_by_the_case_rule_of_their_attribute() {
        check(r#"USERNAME eq "BJENSEN@example.COM""#, true);
        check(r#"externalId eq "bjensen""#, false);
        check(r#"externalId eq "BJensen""#, true);
        check(r#"id eq "2819C223""#, false);
        check(r#"displayName eq "bäbs örsted""#, true);
        check(r#"displayName co "S ör""#, true);
        check(r#"displayName sw "BÄ""#, true);
        check(r#"displayName ew "TED""#, true);
        check(r#"displayName ew "bäbs""#, false);
        check(r#"userName gt "bjensem" and userName lt "BJENSEO""#, true);
        check(r#"userName ge "bjensen@example.com" and userName le "bjensen@example.com""#, true);
    }

    #[test]
    fn one_of_several_values_suffices_and_a_value_path_needs_one_that_satisfies_all() {
        check(r#"emails.value ew "jensen.org""#, true);
        check(r#"emails co "jensen.org""#, true);
        check(r#"emails.type ne "work""#, true);
        check(r#"not (emails.type eq "work")"#, false);
        check(r#"emails.type eq "home" and emails.primary eq true"#, true);
        check(r#"emails[type eq "home" and primary eq true]"#, false);
        check(r#"emails[type eq "work" and primary eq true]"#, true);
        check(r#"emails[type eq "work"].value eq "bjensen@example.com""#, true);
        check(r#"emails[type eq "work"].value eq "babs@jensen.org""#, false);
        check(r#"emails[not (type eq "work") and primary ne true]"#, true);
        check(r#"schemas[value co "core"]"#, true);
        check(r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#, true);
    }

    #[test]
    fn absence_is_unequal_to_every_value_and_equal_to_null() {
        check(r#"nickName ne "Babs""#, true);
        check(r#"nickName eq "Babs""#, false);
        check("nickName eq null", true);
        check("nickName ne null", false);
        check("userName eq null", false);
        check("userName ne null", true);
        check("title pr", false);
        check("name pr", true);
        check("addresses pr", false);
        check("emails pr", true);
        check("emails.display pr", false);
        check(r#"not (nickName pr)"#, true);
    }

    #[test]
    fn moments_booleans_and_numbers_are_compared_as_such() {
        check(r#"meta.lastModified gt "2011-05-13T04:42:33.999Z""#, true);
        check(r#"meta.lastModified eq "2011-05-13T06:42:34+02:00""#, true);
        check(r#"meta.lastModified lt "2011-05-13T04:42:34Z""#, false);
        check(r#"meta.lastModified sw "2011-05""#, true);
        check("active eq true", true);
        check(r#"active eq "True""#, true);
        check("active ne false", true);
        let decimal: Attribute =
            serde_json::from_value(json!({"name": "share", "type": "decimal"})).unwrap();
        let share = |filter: &str, value: Value| {
            Filter::parse(filter).unwrap().matches_value(&decimal, &value)
        };
        assert!(share("value gt 1", json!(1.5)));
        assert!(share("value eq 2", json!(2.0)));
        assert!(share("value le -1e1", json!(-10)));
        assert!(!share("value lt 9007199254740993", json!(9_007_199_254_740_993_i64)));
        assert!(share(r#"value eq "1.50""#, json!(1.5)));
    }

    #[test]
    fn extension_attributes_are_reached_by_urn() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        check(&format!(r#"{urn}:employeeNumber eq "701984""#), true);
        check(&format!("{urn}:employeeNumber eq 701984"), true);
        check(&format!(r#"{}:manager eq "26118915""#, urn.to_uppercase()), true);
        check(&format!(r#"{urn}:manager.value eq "1""#), false);
        check(&format!("{urn}:department pr"), false);
        check(&format!("{urn} pr"), true);
        check(r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "B""#, true);
    }
}
