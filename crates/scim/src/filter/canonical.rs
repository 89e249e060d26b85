//! Value filters of PATCH paths in canonical form, and the value such a filter describes.

use serde_json::{Map, Value};

use super::evaluate::{boolean, number, text};
use super::{CompareOp, Filter, Literal};
use crate::value::Reading;
use crate::{Attribute, AttributeType, Mutability, Tolerance};

/// A checked filter over the sub-attributes of `parent`, with names as the schema writes them and
/// real booleans (`[primary eq "True"]` is [`Tolerance::BooleanAsString`]).
pub(crate) fn canonical_value_filter(
    filter: &Filter,
    parent: &Attribute,
    reading: &mut Reading<'_>,
) -> Filter {
    let mut each = |filters: &[Filter]| {
        filters.iter().map(|filter| canonical_value_filter(filter, parent, reading)).collect()
    };
    match filter {
        Filter::And(all) => Filter::And(each(all)),
        Filter::Or(any) => Filter::Or(each(any)),
        Filter::Not(filter) => {
            Filter::Not(Box::new(canonical_value_filter(filter, parent, reading)))
        }
        Filter::Present(path) => Filter::Present(canonical_name(path, parent)),
        Filter::Compare { path, op, value } => {
            let path = canonical_name(path, parent);
            let is_boolean = parent
                .sub_attribute(&path.attribute)
                .is_some_and(|sub| sub.attribute_type == AttributeType::Boolean);
            let value = match (value, boolean(value)) {
                (Literal::String(_), Some(known))
                    if is_boolean
                        && reading.accept(
                            Tolerance::BooleanAsString,
                            &format!("{}.{}", parent.name, path.attribute),
                        ) =>
                {
                    Literal::Boolean(known)
                }
                (value, _) => value.clone(),
            };
            Filter::Compare { path, op: *op, value }
        }
        Filter::ValuePath { .. } => filter.clone(),
    }
}

/// The value that a value filter describes by its equalities, if that value satisfies the filter:
/// `[type eq "work" and primary eq true]` describes `{"type": "work", "primary": true}`. Without a
/// filter, anything does.
pub(crate) fn described_value(
    filter: Option<&Filter>,
    parent: &Attribute,
) -> Option<Map<String, Value>> {
    let mut parts = Map::new();
    let Some(filter) = filter else { return Some(parts) };
    describe(filter, parent, &mut parts);
    let value = Value::Object(parts);
    if !filter.matches_value(parent, &value) {
        return None;
    }
    match value {
        Value::Object(parts) => Some(parts),
        _ => None,
    }
}

fn describe(filter: &Filter, parent: &Attribute, parts: &mut Map<String, Value>) {
    match filter {
        Filter::And(all) => all.iter().for_each(|filter| describe(filter, parent, parts)),
        Filter::Compare { path, op: CompareOp::Eq, value } => {
            let Some(sub) = parent.sub_attribute(&path.attribute) else { return };
            if let Some(value) = value_of(sub, value)
                && sub.mutability != Mutability::ReadOnly
            {
                parts.insert(sub.name.clone(), value);
            }
        }
        _ => {}
    }
}

fn value_of(attribute: &Attribute, literal: &Literal) -> Option<Value> {
    let value = match attribute.attribute_type {
        AttributeType::Boolean => Value::Bool(boolean(literal)?),
        AttributeType::Integer | AttributeType::Decimal => Value::Number(number(literal)?),
        AttributeType::Complex => return None,
        _ => Value::String(text(literal)?.into_owned()),
    };
    Some(if attribute.multi_valued { Value::Array(vec![value]) } else { value })
}

fn canonical_name(path: &crate::AttributePath, parent: &Attribute) -> crate::AttributePath {
    match parent.sub_attribute(&path.attribute) {
        Some(sub) => crate::AttributePath::plain(&sub.name),
        None => path.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user_schema;

    #[test]
    fn a_filter_of_equalities_describes_a_value() {
        let user = user_schema();
        let emails = user.attribute("emails").unwrap();
        let check = |filter: &str| {
            let filter = Filter::parse(filter).unwrap();
            match described_value(Some(&filter), emails) {
                Some(parts) => Value::Object(parts).to_string(),
                None => "nothing".into(),
            }
        };
        insta::assert_snapshot!(check(r#"type eq "work""#), @r#"{"type":"work"}"#);
        insta::assert_snapshot!(
            check(r#"TYPE eq "work" and primary eq "True""#),
            @r#"{"primary":true,"type":"work"}"#
        );
        insta::assert_snapshot!(check(r#"type eq "work" or type eq "home""#), @"nothing");
        insta::assert_snapshot!(check(r#"type eq "work" and type eq "home""#), @"nothing");
        insta::assert_snapshot!(check(r#"type eq "work" and value pr"#), @"nothing");
        insta::assert_snapshot!(check(r#"type ne "home""#), @"{}");
    }
}
