//! What holds for reading any body at all.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::Resource;
use crate::{Extension, ResourceType, Tolerances, enterprise_user_schema};

fn user() -> ResourceType {
    ResourceType::user(vec![Extension::optional(enterprise_user_schema())])
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z0-9@.=: ]{0,12}".prop_map(Value::from),
        Just(json!("2026-03-31T08:00:00Z")),
        Just(json!("TRUE")),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Names the schemas define, in any case, dotted or with their URN, and some they do not.
fn key() -> impl Strategy<Value = String> {
    let rt = user();
    let mut keys = vec!["value".to_owned(), "primary".into(), "type".into(), "$ref".into()];
    for schema in rt.schemas() {
        keys.push(schema.id.clone());
        for attribute in &schema.attributes {
            keys.push(attribute.name.clone());
            keys.push(format!("{}:{}", schema.id, attribute.name));
            for sub in &attribute.sub_attributes {
                keys.push(format!("{}.{}", attribute.name, sub.name));
            }
        }
    }
    let keys: Arc<[String]> = keys.into();
    let known = (0..keys.len(), any::<bool>()).prop_map(move |(index, upper)| {
        if upper { keys[index].to_uppercase() } else { keys[index].clone() }
    });
    prop_oneof![8 => known, 1 => "[a-z:.$é]{0,9}"]
}

fn body() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(key(), json_value(), 0..8).prop_map(|entries| {
        let mut body: Map<String, Value> = entries.into_iter().collect();
        body.entry("userName").or_insert_with(|| json!("ana"));
        Value::Object(body)
    })
}

proptest! {
    #[test]
    fn no_json_makes_reading_panic(body in json_value()) {
        let _ = Resource::read(&body, &user(), &Tolerances::all());
        let _ = Resource::read(&body, &user(), &Tolerances::none());
    }

    #[test]
    fn reading_a_read_resource_changes_nothing(body in body()) {
        if let Ok((resource, _, _)) = Resource::read(&body, &user(), &Tolerances::all()) {
            let again = Value::Object(resource.document().clone());
            let (twice, members, tolerated) =
                Resource::read(&again, &user(), &Tolerances::none()).unwrap();
            prop_assert_eq!(twice, resource);
            prop_assert_eq!(tolerated, vec![]);
            prop_assert!(members.steps.is_empty());
        }
    }
}
