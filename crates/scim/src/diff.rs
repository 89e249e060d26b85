//! The smallest PATCH request that makes one resource like another.

use serde_json::{Map, Value};

use crate::value::same;
use crate::{
    Attribute, AttributeType, Extension, Mutability, PatchOp, PatchOperation, PatchPath,
    PatchRequest, Resource, ResourceType, common_attributes,
};

/// What a client has to send so that `from` becomes `to`: one operation for each attribute that
/// differs, or for each sub-attribute of a single complex value; a multi-valued attribute is
/// replaced whole. Every operation has a path; nothing to do is no operation.
///
/// Strings that differ only in case differ. The order of a multi-valued attribute, the offset of a
/// moment, and `primary` false or absent do not. Read-only attributes and the attribute kept as
/// rows are left out: the server sets the ones, and membership has its own operations.
pub fn diff(rt: &ResourceType, from: &Resource, to: &Resource) -> PatchRequest {
    let mut operations = Vec::new();
    let common = common_attributes().iter().filter(|attribute| attribute.name != "schemas");
    let core = rt.schema.attributes.iter().filter(|attribute| !rt.is_rows(&attribute.name));
    for attribute in common.chain(core) {
        let (from, to) = (from.document(), to.document());
        Difference { extension: None, attribute }.collect(from, to, &mut operations);
    }
    let none = Map::new();
    for extension in &rt.extensions {
        let values = |resource: &'_ Resource| {
            resource.document().get(&extension.schema.id).and_then(Value::as_object).cloned()
        };
        let (from, to) = (values(from), values(to));
        let (from, to) = (from.as_ref().unwrap_or(&none), to.as_ref().unwrap_or(&none));
        for attribute in &extension.schema.attributes {
            Difference { extension: Some(extension), attribute }.collect(from, to, &mut operations);
        }
    }
    PatchRequest { operations, replace_creates: false }
}

/// One attribute, looked at on both sides.
struct Difference<'a> {
    extension: Option<&'a Extension>,
    attribute: &'a Attribute,
}

impl Difference<'_> {
    fn collect(
        &self,
        from: &Map<String, Value>,
        to: &Map<String, Value>,
        operations: &mut Vec<PatchOperation>,
    ) {
        let attribute = self.attribute;
        if attribute.mutability == Mutability::ReadOnly {
            return;
        }
        let value = |side: &Map<String, Value>| {
            side.get(&attribute.name).and_then(|value| writable(attribute, value))
        };
        match (value(from), value(to)) {
            (None, None) => {}
            (Some(from), Some(to)) if same(attribute, &from, &to) => {}
            (Some(Value::Object(from)), Some(Value::Object(to))) => {
                for sub in &attribute.sub_attributes {
                    let (from, to) = (from.get(&sub.name), to.get(&sub.name));
                    let equal = match (from, to) {
                        (Some(from), Some(to)) => same(sub, from, to),
                        (from, to) => from == to,
                    };
                    if !equal {
                        operations.push(self.operation(Some(sub), to.cloned()));
                    }
                }
            }
            (_, to) => operations.push(self.operation(None, to)),
        }
    }

    fn operation(&self, sub: Option<&Attribute>, value: Option<Value>) -> PatchOperation {
        let path = PatchPath {
            urn: self.extension.map(|extension| extension.schema.id.clone()),
            attribute: Some(self.attribute.name.clone()),
            value_filter: None,
            sub_attribute: sub.map(|sub| sub.name.clone()),
        };
        // RFC 7644 3.5.2.3: `replace` of what is not there is an `add`.
        let op = if value.is_some() { PatchOp::Replace } else { PatchOp::Remove };
        PatchOperation { op, path: Some(path), value }
    }
}

/// A value without its read-only parts; None if nothing is left.
fn writable(attribute: &Attribute, value: &Value) -> Option<Value> {
    if attribute.attribute_type != AttributeType::Complex {
        return Some(value.clone());
    }
    match value {
        Value::Array(entries) => {
            let entries: Vec<Value> =
                entries.iter().filter_map(|entry| writable(attribute, entry)).collect();
            (!entries.is_empty()).then_some(Value::Array(entries))
        }
        Value::Object(parts) => {
            let parts: Map<String, Value> = parts
                .iter()
                .filter(|(name, _)| {
                    attribute
                        .sub_attribute(name)
                        .is_some_and(|sub| sub.mutability != Mutability::ReadOnly)
                })
                .map(|(name, part)| (name.clone(), part.clone()))
                .collect();
            (!parts.is_empty()).then_some(Value::Object(parts))
        }
        other => Some(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::resource::refresh_schemas;
    use crate::{Tolerances, enterprise_user_schema, urn};

    fn rt() -> ResourceType {
        ResourceType::user(vec![Extension::optional(enterprise_user_schema())])
    }

    fn resource(value: Value) -> Resource {
        let Value::Object(mut document) = value else { panic!("not an object") };
        refresh_schemas(&mut document, &rt());
        Resource::from_canonical(document)
    }

    fn check(from: Value, to: Value) -> String {
        let request = diff(&rt(), &resource(from), &resource(to));
        let operations = request.to_json()["Operations"].as_array().unwrap().clone();
        operations.iter().map(|operation| format!("{operation}\n")).collect()
    }

    #[test]
    fn one_operation_for_each_attribute_that_differs() {
        insta::assert_snapshot!(
            check(
                json!({"userName": "ana", "title": "Agent", "active": true}),
                json!({"userName": "Ana", "active": false, "externalId": "7"})
            ),
            @r#"
        {"op":"replace","path":"externalId","value":"7"}
        {"op":"replace","path":"userName","value":"Ana"}
        {"op":"remove","path":"title"}
        {"op":"replace","path":"active","value":false}
        "#
        );
    }

    #[test]
    fn parts_of_a_single_complex_value_are_changed_one_by_one() {
        insta::assert_snapshot!(
            check(
                json!({"userName": "a", "name": {"givenName": "Ana", "familyName": "Ruiz", "middleName": "M"}}),
                json!({"userName": "a", "name": {"givenName": "Ana", "familyName": "Díaz"}})
            ),
            @r#"
        {"op":"replace","path":"name.familyName","value":"Díaz"}
        {"op":"remove","path":"name.middleName"}
        "#
        );
        insta::assert_snapshot!(
            check(json!({"userName": "a"}), json!({"userName": "a", "name": {"givenName": "Ana"}})),
            @r#"{"op":"replace","path":"name","value":{"givenName":"Ana"}}"#
        );
    }

    #[test]
    fn extension_attributes_have_their_urn_and_read_only_parts_are_left_out() {
        insta::assert_snapshot!(
            check(
                json!({"userName": "a", "id": "1", urn::ENTERPRISE_USER: {
                    "department": "Sales", "manager": {"value": "7", "displayName": "Bo"}}}),
                json!({"userName": "a", urn::ENTERPRISE_USER: {"manager": {"value": "8"}}})
            ),
            @r#"
        {"op":"remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"}
        {"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value","value":"8"}
        "#
        );
    }

    #[test]
    fn order_offsets_and_primary_false_are_no_difference() {
        insta::assert_snapshot!(
            check(
                json!({"userName": "a", "emails": [{"value": "x", "primary": false}, {"value": "y"}]}),
                json!({"userName": "a", "emails": [{"value": "y"}, {"value": "x"}]})
            ),
            @""
        );
        insta::assert_snapshot!(
            check(
                json!({"userName": "a", "emails": [{"value": "x"}]}),
                json!({"userName": "a", "emails": [{"value": "X"}]})
            ),
            @r#"{"op":"replace","path":"emails","value":[{"value":"X"}]}"#
        );
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[a-cA-C]{0,2}", any::<String>()]
    }

    fn object(
        parts: Vec<(&'static str, BoxedStrategy<Value>)>,
    ) -> impl Strategy<Value = Option<Value>> {
        let parts: Vec<_> = parts
            .into_iter()
            .map(|(name, value)| {
                proptest::option::of(value).prop_map(move |value| Some((name.to_owned(), value?)))
            })
            .collect();
        parts.prop_map(|parts| {
            let parts: Map<String, Value> = parts.into_iter().flatten().collect();
            (!parts.is_empty()).then_some(Value::Object(parts))
        })
    }

    fn string() -> BoxedStrategy<Value> {
        text().prop_map(Value::from).boxed()
    }

    /// Lists without repetitions and with one primary value at most, as reading leaves them.
    fn list(parts: Vec<&'static str>) -> impl Strategy<Value = Option<Value>> {
        let mut parts: Vec<_> = parts.into_iter().map(|name| (name, string())).collect();
        parts.push(("primary", any::<bool>().prop_map(Value::from).boxed()));
        proptest::collection::vec(object(parts), 0..4).prop_map(|entries| {
            let mut kept: Vec<Value> = Vec::new();
            for mut entry in entries.into_iter().flatten() {
                if kept.iter().any(|known| known["primary"] == json!(true)) {
                    entry.as_object_mut().unwrap().remove("primary");
                }
                let empty = entry.as_object().unwrap().is_empty();
                if !empty && !kept.contains(&entry) {
                    kept.push(entry);
                }
            }
            (!kept.is_empty()).then_some(Value::Array(kept))
        })
    }

    fn user() -> impl Strategy<Value = Resource> {
        let enterprise = object(vec![
            ("department", string()),
            ("costCenter", string()),
            ("manager", text().prop_map(|id| json!({"value": id})).boxed()),
        ]);
        let name = object(vec![
            ("givenName", string()),
            ("familyName", string()),
            ("formatted", string()),
        ]);
        let simple = object(vec![
            ("externalId", string()),
            ("title", string()),
            ("active", any::<bool>().prop_map(Value::from).boxed()),
        ]);
        let lists = (
            list(vec!["type", "value", "display"]),
            list(vec!["type", "streetAddress", "country"]),
        );
        ("[a-cA-C]{1,2}", simple, name, lists, enterprise).prop_map(
            |(user_name, simple, name, (emails, addresses), enterprise)| {
                let mut document = match simple {
                    Some(Value::Object(document)) => document,
                    _ => Map::new(),
                };
                document.insert("userName".into(), user_name.into());
                let parts = [
                    ("name", name),
                    ("emails", emails),
                    ("addresses", addresses),
                    (urn::ENTERPRISE_USER, enterprise),
                ];
                for (key, value) in parts {
                    document.extend(value.map(|value| (key.to_owned(), value)));
                }
                resource(Value::Object(document))
            },
        )
    }

    proptest! {
        #[test]
        fn a_difference_applied_gives_the_other_resource(from in user(), to in user()) {
            let rt = rt();
            let request = diff(&rt, &from, &to);
            // What is sent is read by a strict server as what was meant.
            let (read, tolerated) =
                PatchRequest::read(&request.to_json(), &rt, &Tolerances::none())
                    .or_else(|error| match request.operations.is_empty() {
                        true => Ok((request.clone(), Vec::new())),
                        false => Err(error),
                    })
                    .unwrap();
            prop_assert_eq!(&read, &request);
            prop_assert!(tolerated.is_empty());
            let outcome = request.apply(&rt, &from).unwrap();
            prop_assert_eq!(outcome.changed, !request.operations.is_empty());
            prop_assert!(outcome.members.is_empty());
            prop_assert!(diff(&rt, &outcome.resource, &to).operations.is_empty());
            let (got, wanted) = (outcome.resource.document(), to.document());
            prop_assert_eq!(got.get("schemas"), wanted.get("schemas"));
            prop_assert_eq!(got.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
            for attribute in &rt.schema.attributes {
                if let (Some(got), Some(wanted)) = (got.get(&attribute.name), wanted.get(&attribute.name)) {
                    prop_assert!(same(attribute, got, wanted));
                }
            }
            prop_assert_eq!(got.get(urn::ENTERPRISE_USER), wanted.get(urn::ENTERPRISE_USER));
        }

        #[test]
        fn a_resource_does_not_differ_from_itself(user in user()) {
            prop_assert!(diff(&rt(), &user, &user).operations.is_empty());
        }
    }
}
