//! PATCH by the letter of RFC 7644 3.5.2, and each tolerance by itself.

mod members;
mod properties;
mod requests;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::*;
use crate::Tolerance::{self, *};
use crate::{Error, Extension, ResourceType, Schema, Tolerances, enterprise_user_schema, urn};

const BADGE: &str = "urn:example:Badge";

fn user_type() -> ResourceType {
    let badge = r#"{"id": "urn:example:Badge", "name": "Badge", "attributes": [
        {"name": "number", "mutability": "immutable"},
        {"name": "color", "required": true},
        {"name": "level", "type": "integer"},
        {"name": "colors", "multiValued": true},
        {"name": "printedAt", "type": "dateTime", "mutability": "readOnly"}]}"#;
    ResourceType::user(vec![
        Extension::optional(enterprise_user_schema()),
        Extension::optional(Arc::new(Schema::from_json(badge).unwrap())),
    ])
}

fn babs() -> Value {
    json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER],
        "id": "2819",
        "userName": "babs",
        "active": true,
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [
            {"type": "work", "value": "babs@example.com", "primary": true},
            {"type": "home", "value": "babs@jensen.org"}
        ],
        urn::ENTERPRISE_USER: {
            "department": "Sales",
            "manager": {"value": "7", "displayName": "Bo"}
        }
    })
}

fn document(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(document) => document,
        other => panic!("{other}"),
    }
}

fn told(error: &Error) -> String {
    let keyword = error.scim_type.map_or("", |keyword| keyword.as_str());
    format!("{} {keyword}: {}", error.status, error.detail)
}

/// What the operations make of a resource: the attributes that are different, one a line; then the
/// steps for the rows, and what was tolerated.
fn patched(
    rt: &ResourceType,
    stored: Value,
    operations: Value,
    tolerances: &[Tolerance],
) -> String {
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    let tolerances = Tolerances::of(tolerances.iter().copied());
    let (request, mut tolerated) = match PatchRequest::read(&body, rt, &tolerances) {
        Ok(read) => read,
        Err(error) => return told(&error),
    };
    // What was read is the RFC's own form: it reads again, strictly, as itself.
    if !request.operations.is_empty() {
        let strict = PatchRequest::read(&request.to_json(), rt, &Tolerances::none());
        assert_eq!(strict.unwrap().0.operations, request.operations);
    }
    let before = Resource::from_canonical(document(stored));
    let outcome = match request.apply(rt, &before) {
        Ok(outcome) => outcome,
        Err(error) => return told(&error),
    };
    tolerated.extend(outcome.tolerated);
    let (old, new) = (before.document(), outcome.resource.document());
    let mut lines: Vec<String> = Vec::new();
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        lines.push(format!("- {name}"));
    }
    for (name, value) in new.iter().filter(|(name, value)| old.get(*name) != Some(value)) {
        lines.push(format!("{name} = {value}"));
    }
    assert_eq!(outcome.changed, !lines.is_empty(), "{lines:?}");
    for step in &outcome.members.steps {
        lines.push(match step {
            MemberStep::Add(members) => format!("add {}", ids(members)),
            MemberStep::Remove(ids) => format!("remove {ids:?}"),
            MemberStep::RemoveWhere(filter) => format!("remove where {filter}"),
            MemberStep::ReplaceAll(members) => format!("replace all by {}", ids(members)),
        });
    }
    lines.extend(tolerated.iter().map(|tolerated| format!("({tolerated})")));
    if lines.is_empty() { "unchanged".into() } else { lines.join("\n") }
}

fn ids(members: &[Member]) -> String {
    format!("{:?}", members.iter().map(|member| &member.value).collect::<Vec<_>>())
}

/// Strictly, on Babs.
fn user(operations: Value) -> String {
    patched(&user_type(), babs(), operations, &[])
}

fn tolerant(operations: Value, tolerances: &[Tolerance]) -> String {
    patched(&user_type(), babs(), operations, tolerances)
}

fn group(operations: Value, tolerances: &[Tolerance]) -> String {
    let stored = json!({"schemas": [urn::GROUP], "id": "g", "displayName": "Sales"});
    patched(&ResourceType::group(vec![]), stored, operations, tolerances)
}

#[test]
fn add_sets_a_single_value_and_appends_to_a_list() {
    insta::assert_snapshot!(
        user(json!([{"op": "add", "path": "nickName", "value": "Babs"}])),
        @r#"nickName = "Babs""#
    );
    // The example of RFC 7644 3.5.2.1.
    insta::assert_snapshot!(
        user(json!([{"op": "add", "value": {
            "emails": [{"value": "b@x.org", "type": "other"}], "nickname": "Babs"}}])),
        @r#"
    emails = [{"primary":true,"type":"work","value":"babs@example.com"},{"type":"home","value":"babs@jensen.org"},{"type":"other","value":"b@x.org"}]
    nickName = "Babs"
    "#
    );
    insta::assert_snapshot!(
        user(json!([{"op": "add", "path": "name", "value": {"middleName": "J"}}])),
        @r#"name = {"familyName":"Jensen","givenName":"Barbara","middleName":"J"}"#
    );
}

#[test]
fn adding_what_is_there_changes_nothing() {
    let same = |operation: Value| assert_eq!(user(json!([operation])), "unchanged");
    same(
        json!({"op": "add", "path": "emails", "value": [{"type": "home", "value": "babs@jensen.org"}]}),
    );
    // `value` and `type` of an e-mail are not case exact.
    same(
        json!({"op": "add", "path": "emails", "value": [{"type": "HOME", "value": "BABS@jensen.org"}]}),
    );
    same(json!({"op": "add", "path": "userName", "value": "babs"}));
    same(json!({"op": "replace", "path": "name.givenName", "value": "Barbara"}));
    same(json!({"op": "replace", "path": "emails", "value": [
        {"type": "home", "value": "babs@jensen.org"},
        {"type": "work", "value": "babs@example.com", "primary": true}]}));
    same(json!({"op": "remove", "path": "title"}));
    same(json!({"op": "add", "path": "emails", "value": []}));
    same(json!({"op": "replace", "value": {}}));
    same(json!({"op": "replace", "value": {"schemas": [urn::USER]}}));
    same(json!({"op": "add", "path": "schemas", "value": ["urn:x"]}));
}

#[test]
fn a_known_value_that_is_added_with_more_parts_gets_them() {
    insta::assert_snapshot!(
        user(json!([{"op": "add", "path": "emails", "value": [
            {"type": "home", "value": "babs@jensen.org", "display": "at home"}]}])),
        @r#"emails = [{"primary":true,"type":"work","value":"babs@example.com"},{"display":"at home","type":"home","value":"babs@jensen.org"}]"#
    );
}

#[test]
fn one_value_at_most_is_primary() {
    insta::assert_snapshot!(
        user(json!([{"op": "add", "path": "emails", "value": [{"value": "new@x", "primary": true}]}])),
        @r#"emails = [{"primary":false,"type":"work","value":"babs@example.com"},{"type":"home","value":"babs@jensen.org"},{"primary":true,"value":"new@x"}]"#
    );
    insta::assert_snapshot!(
        user(json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}])),
        @r#"emails = [{"primary":false,"type":"work","value":"babs@example.com"},{"primary":true,"type":"home","value":"babs@jensen.org"}]"#
    );
    insta::assert_snapshot!(
        user(json!([{"op": "replace", "path": "emails.primary", "value": true}])),
        @"400 invalidValue: Only one value of `emails` can be primary."
    );
}

#[test]
fn replace_of_a_complex_value_leaves_unnamed_parts_alone_and_null_clears() {
    insta::assert_snapshot!(
        user(json!([{"op": "replace", "path": "name", "value": {"givenName": "Babs", "middleName": null}}])),
        @r#"name = {"familyName":"Jensen","givenName":"Babs"}"#
    );
    insta::assert_snapshot!(
        user(json!([{"op": "replace", "value": {"name": {"familyName": null}, "active": false}}])),
        @r#"
    active = false
    name = {"givenName":"Barbara"}
    "#
    );
    insta::assert_snapshot!(user(json!([{"op": "replace", "path": "emails", "value": []}])), @"- emails");
    insta::assert_snapshot!(user(json!([{"op": "replace", "path": "name", "value": null}])), @"- name");
    insta::assert_snapshot!(
        user(json!([
            {"op": "remove", "path": "name.givenName"}, {"op": "remove", "path": "name.familyName"}])),
        @"- name"
    );
}

#[test]
fn a_value_filter_selects_what_is_changed() {
    insta::assert_snapshot!(
        user(json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "b@x"}])),
        @r#"emails = [{"primary":true,"type":"work","value":"b@x"},{"type":"home","value":"babs@jensen.org"}]"#
    );
    // RFC 7644 3.5.2.3: the whole record is replaced.
    insta::assert_snapshot!(
        user(json!([{"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "b@x"}}])),
        @r#"emails = [{"value":"b@x"},{"type":"home","value":"babs@jensen.org"}]"#
    );
    insta::assert_snapshot!(
        user(json!([{"op": "add", "path": "emails[type eq \"work\"]", "value": {"display": "B"}}])),
        @r#"emails = [{"display":"B","primary":true,"type":"work","value":"babs@example.com"},{"type":"home","value":"babs@jensen.org"}]"#
    );
    insta::assert_snapshot!(
        user(json!([{"op": "remove", "path": "emails[type eq \"work\" and value ew \"example.com\"]"}])),
        @r#"emails = [{"type":"home","value":"babs@jensen.org"}]"#
    );
    insta::assert_snapshot!(user(json!([{"op": "remove", "path": "emails[value pr]"}])), @"- emails");
    insta::assert_snapshot!(
        user(json!([{"op": "remove", "path": "emails[type eq \"work\"].primary"}])),
        @r#"emails = [{"type":"work","value":"babs@example.com"},{"type":"home","value":"babs@jensen.org"}]"#
    );
}

#[test]
fn a_value_that_loses_its_value_goes() {
    insta::assert_snapshot!(
        user(json!([{"op": "remove", "path": "emails[type eq \"work\"].value"}])),
        @r#"emails = [{"type":"home","value":"babs@jensen.org"}]"#
    );
}

#[test]
fn add_on_a_filter_without_a_match_creates_what_the_filter_describes() {
    insta::assert_snapshot!(
        user(json!([{"op": "add", "path": "phoneNumbers[type eq \"mobile\" and primary eq true].value", "value": "+1"}])),
        @r#"phoneNumbers = [{"primary":true,"type":"mobile","value":"+1"}]"#
    );
    insta::assert_snapshot!(
        user(json!([{"op": "add", "path": "addresses[type eq \"work\"]", "value": {"country": "DE"}}])),
        @r#"addresses = [{"country":"DE","type":"work"}]"#
    );
    insta::assert_snapshot!(
        user(json!([{"op": "add", "path": "emails[type ne \"work\" and value pr and display pr].value", "value": "x"}])),
        @r#"400 noTarget: `emails[type ne "work" and value pr and display pr].value` matches no value of `emails`. Add the value first."#
    );
}

#[test]
fn replace_on_a_filter_without_a_match_has_no_target() {
    insta::assert_snapshot!(
        user(json!([{"op": "replace", "path": "emails[type eq \"other\"].value", "value": "x"}])),
        @r#"400 noTarget: `emails[type eq "other"].value` matches no value of `emails`. Add the value first."#
    );
    insta::assert_snapshot!(
        tolerant(
            json!([{"op": "replace", "path": "emails[type eq \"other\"].value", "value": "x"},
                   {"op": "replace", "path": "emails[type eq \"home\"].value", "value": "y"}]),
            &[ReplaceCreates]
        ),
        @r#"
    emails = [{"primary":true,"type":"work","value":"babs@example.com"},{"type":"home","value":"y"},{"type":"other","value":"x"}]
    (replaceCreates at emails[type eq "other"].value)
    "#
    );
    // RFC 7644 3.5.2.2 has no such rule for `remove`.
    insta::assert_snapshot!(
        user(json!([{"op": "remove", "path": "emails[type eq \"other\"]"}])),
        @"unchanged"
    );
}

#[test]
fn required_and_read_only_attributes_cannot_go() {
    let check = |operation: Value| user(json!([operation]));
    insta::assert_snapshot!(
        check(json!({"op": "remove", "path": "userName"})),
        @"400 mutability: `userName` is required and cannot be removed. Replace it instead."
    );
    insta::assert_snapshot!(
        check(json!({"op": "replace", "path": "userName", "value": null})),
        @"400 mutability: `userName` is required and cannot be removed. Replace it instead."
    );
    insta::assert_snapshot!(
        check(json!({"op": "replace", "path": "userName", "value": ""})),
        @"400 invalidValue: `userName` is required for a User and would have no value."
    );
    insta::assert_snapshot!(
        check(json!({"op": "replace", "path": "id", "value": "x"})),
        @"400 mutability: Operations[0]: `id` is read-only: only the server sets it."
    );
    insta::assert_snapshot!(
        check(json!({"op": "remove", "path": "groups[value eq \"g\"]"})),
        @r#"400 mutability: Operations[0]: `groups[value eq "g"]` is read-only: only the server sets it."#
    );
    insta::assert_snapshot!(
        check(json!({"op": "replace", "value": {"groups": []}})),
        @"400 mutability: Operations[0]: `groups` is read-only: only the server sets it."
    );
    insta::assert_snapshot!(
        check(json!({"op": "remove", "path": "schemas"})),
        @"400 mutability: Operations[0]: `schemas` cannot be removed."
    );
    insta::assert_snapshot!(
        tolerant(json!([{"op": "replace", "value": {"id": "x", "active": false}}]), &[ReadOnlyInValue]),
        @r#"
    active = false
    (readOnlyInValue at id)
    "#
    );
}

#[test]
fn an_immutable_attribute_is_set_once() {
    let mut badged = babs();
    badged[BADGE] = json!({"number": "1", "color": "red"});
    badged["schemas"] = json!([urn::USER, urn::ENTERPRISE_USER, BADGE]);
    let number = format!("{BADGE}:number");
    let check = |stored: &Value, operation: Value| {
        patched(&user_type(), stored.clone(), json!([operation]), &[])
    };
    insta::assert_snapshot!(
        check(&badged, json!({"op": "replace", "path": number, "value": "2"})),
        @"400 mutability: `number` is immutable and has a value already."
    );
    insta::assert_snapshot!(
        check(&badged, json!({"op": "remove", "path": number})),
        @"400 mutability: `number` is immutable and has a value already."
    );
    insta::assert_snapshot!(
        check(&badged, json!({"op": "replace", "path": number, "value": "1"})),
        @"unchanged"
    );
    insta::assert_snapshot!(
        check(&babs(), json!({"op": "add", "value": {BADGE: {"number": "1", "color": "red"}}})),
        @r#"
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","urn:example:Badge"]
    urn:example:Badge = {"color":"red","number":"1"}
    "#
    );
    // RFC 7643 6: an extension's required attributes are required where the extension is used.
    insta::assert_snapshot!(
        check(&babs(), json!({"op": "add", "path": number, "value": "1"})),
        @"400 invalidValue: `urn:example:Badge:color` is required for a User and would have no value."
    );
}

#[test]
fn extensions_are_reached_by_urn_and_go_when_they_are_empty() {
    let enterprise = urn::ENTERPRISE_USER;
    insta::assert_snapshot!(
        user(json!([{"op": "remove", "path": enterprise}])),
        @r#"
    - urn:ietf:params:scim:schemas:extension:enterprise:2.0:User
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
    "#
    );
    insta::assert_snapshot!(
        user(json!([{"op": "replace", "path": enterprise, "value": {"department": null, "division": "EMEA"}}])),
        @r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User = {"division":"EMEA","manager":{"displayName":"Bo","value":"7"}}"#
    );
    insta::assert_snapshot!(
        user(json!([{"op": "replace", "path": enterprise, "value": null}])),
        @r#"
    - urn:ietf:params:scim:schemas:extension:enterprise:2.0:User
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
    "#
    );
    // Another manager's name is not this one's.
    insta::assert_snapshot!(
        user(json!([{"op": "replace", "path": format!("{enterprise}:manager.value"), "value": "8"}])),
        @r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User = {"department":"Sales","manager":{"value":"8"}}"#
    );
    insta::assert_snapshot!(
        user(json!([
            {"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User", "value": {"title": "Boss"}},
            {"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": false}])),
        @r#"
    active = false
    title = "Boss"
    "#
    );
}
