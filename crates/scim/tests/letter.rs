//! Data types and `schemas` to the letter of RFC 7643 2.3, 2.4 and 3.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use scim::{Extension, Resource, ResourceType, Schema, ScimType, Tolerances, urn};
use serde_json::{Value, json};

const TYPES: &str = r#"{"id": "urn:example:Types", "name": "Types", "attributes": [
    {"name": "count", "type": "integer"},
    {"name": "share", "type": "decimal"},
    {"name": "at", "type": "dateTime"},
    {"name": "bytes", "type": "binary"},
    {"name": "link", "type": "reference", "referenceTypes": ["external"]},
    {"name": "badge", "type": "string", "mutability": "immutable"},
    {"name": "tags", "type": "string", "multiValued": true}
]}"#;

fn types() -> ResourceType {
    let schema = Arc::new(Schema::from_json(TYPES).unwrap());
    ResourceType::user(vec![Extension::optional(schema)])
}

fn read(values: Value) -> Result<Resource, scim::Error> {
    let schemas = [urn::USER, "urn:example:Types"];
    let body = json!({"schemas": schemas, "userName": "ana", "urn:example:Types": values});
    Resource::read(&body, &types(), &Tolerances::none()).map(|(resource, _, _)| resource)
}

#[test]
fn a_value_has_the_form_of_its_type() {
    let check = |name: &str, value: Value, fits: bool| {
        let read = read(json!({name: value}));
        assert_eq!(read.is_ok(), fits, "{name} = {value}: {read:?}");
        if let Err(error) = read {
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
        }
    };
    check("count", json!(7), true);
    check("count", json!(-7), true);
    check("count", json!(7.5), false);
    check("count", json!("7"), false);
    check("share", json!(7.5), true);
    check("share", json!(true), false);
    check("at", json!("2008-01-23T04:56:22Z"), true);
    check("at", json!("2008-01-23T04:56:22.123+02:00"), true);
    check("at", json!("2008-01-23"), false);
    check("at", json!("04:56:22Z"), false);
    check("at", json!("yesterday"), false);
    check("bytes", json!("SGVsbG8="), true);
    check("bytes", json!("not base64"), false);
    check("link", json!("https://example.com/x"), true);
    check("link", json!("../Users/1"), true);
    check("link", json!(7), false);
    check("tags", json!(["a", "b"]), true);
    check("tags", json!("a"), false);
    check("tags", json!([{"value": "a"}]), false);
}

#[test]
fn unassigned_null_and_the_empty_list_are_the_same() {
    let nothing = read(json!({})).unwrap();
    for values in [json!({"tags": []}), json!({"tags": null}), json!({"tags": null, "at": null})] {
        assert_eq!(read(values).unwrap(), nothing);
    }
}

#[test]
fn an_immutable_value_that_is_not_set_yet_is_applied() {
    let rt = types();
    let before = read(json!({"count": 1})).unwrap();
    let after = before.replace_with(read(json!({"badge": "B1"})).unwrap(), &rt).unwrap();
    assert_eq!(after.document()["urn:example:Types"], json!({"badge": "B1"}));
    let other = read(json!({"badge": "B2"})).unwrap();
    assert_eq!(after.replace_with(other, &rt).unwrap_err().scim_type, Some(ScimType::Mutability));
}

#[test]
fn schemas_lists_what_is_there_once_in_whatever_order() {
    let read = |schemas: Value, more: bool| {
        let mut body = json!({"schemas": schemas, "userName": "ana"});
        if more {
            body["urn:example:Types"] = json!({"count": 1});
        }
        let (resource, _, _) = Resource::read(&body, &types(), &Tolerances::none()).unwrap();
        resource.document()["schemas"].clone()
    };
    let both = json!([urn::USER, "urn:example:Types"]);
    assert_eq!(read(both.clone(), true), both);
    assert_eq!(read(json!(["urn:example:Types", urn::USER]), true), both);
    assert_eq!(read(json!([urn::USER, urn::USER, "urn:example:Types"]), true), both);
    assert_eq!(read(both, false), json!([urn::USER]));
}
