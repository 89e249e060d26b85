//! Nothing panics, what is read is strict, and what is applied leaves a valid resource.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{ResourceType, Tolerances, urn};

fn any_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(any_text(), inner, 0..4)
                .prop_map(|parts| Value::Object(parts.into_iter().collect())),
        ]
    })
    .boxed()
}

fn any_text() -> BoxedStrategy<String> {
    prop_oneof![
        proptest::sample::select(vec![
            "schemas",
            "id",
            "userName",
            "name",
            "name.givenName",
            "givenName",
            "emails",
            "active",
            "emails[type eq \"work\"].value",
            "emails[primary eq True]",
            "emails.primary",
            "type",
            "value",
            "primary",
            "members",
            "members[value eq \"a\"]",
            "members.value",
            "$ref",
            "displayName",
            "add",
            "Remove",
            "replace",
            "title",
            "True",
            "work",
            urn::ENTERPRISE_USER,
            "urn:example:Badge:level",
            "urn:example:Badge",
            "manager",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
    .boxed()
}

fn any_request() -> impl Strategy<Value = Value> {
    let operation = (
        proptest::sample::select(vec!["add", "Remove", "replace", "remove"]),
        proptest::option::of(any_text()),
        proptest::option::of(any_json()),
    )
        .prop_map(|(op, path, value)| json!({"op": op, "path": path, "value": value}));
    proptest::collection::vec(operation, 0..4)
        .prop_map(|operations| json!({"schemas": [urn::PATCH_OP], "Operations": operations}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_json_makes_reading_panic(body in any_json()) {
        let _ = PatchRequest::read(&body, &user_type(), &Tolerances::all());
    }

    #[test]
    fn whatever_is_read_is_strict_and_applying_it_leaves_a_valid_resource(body in any_request()) {
        for (rt, stored) in [
            (user_type(), babs()),
            (ResourceType::group(vec![]), json!({"schemas": [urn::GROUP], "displayName": "g"})),
        ] {
            let Ok((request, _)) = PatchRequest::read(&body, &rt, &Tolerances::all()) else {
                continue;
            };
            if !request.operations.is_empty() {
                let strict = PatchRequest::read(&request.to_json(), &rt, &Tolerances::none());
                prop_assert_eq!(strict.map(|(read, _)| read.operations), Ok(request.operations.clone()));
            }
            let Ok(outcome) = request.apply(&rt, &Resource::from_canonical(document(stored))) else {
                continue;
            };
            let after = Value::Object(outcome.resource.document().clone());
            let (read, ..) = Resource::read(&after, &rt, &Tolerances::none()).unwrap();
            let mut after = document(after);
            // Reading leaves out what only the server sets.
            after.remove("id");
            if let Some(manager) = after.get_mut(urn::ENTERPRISE_USER).and_then(|e| e.get_mut("manager")) {
                manager.as_object_mut().unwrap().remove("displayName");
            }
            prop_assert_eq!(read.document(), &after);
            // A single operation that selects nothing by value is idempotent.
            if let [operation] = &request.operations[..]
                && operation.path.as_ref().is_some_and(|path| path.value_filter.is_none())
            {
                let again = request.apply(&rt, &outcome.resource).unwrap();
                prop_assert!(!again.changed);
            }
        }
    }
}
