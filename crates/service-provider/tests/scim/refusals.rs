//! Shapes that could take away more than was meant: refused in every dialect, never guessed, and nothing
//! has changed afterwards.

use serde_json::{Value, json};
use service_provider::Dialect;

use super::{Server, id};

/// Operations on a group, and what is wrong with each.
fn of_a_group(member: &str) -> Vec<(&'static str, Value)> {
    let path = |path: &str| json!({"op": "remove", "path": path});
    let value = |value: Value| json!({"op": "remove", "path": "members", "value": value});
    vec![
        ("no path", json!({"op": "remove"})),
        ("an empty path", path("")),
        ("a path of spaces", path("  ")),
        (
            "no path, with members",
            json!({"op": "remove", "value": {"members": [{"value": member}]}}),
        ),
        ("no path, with an empty value", json!({"op": "remove", "value": {}})),
        ("a path that is null", json!({"op": "remove", "path": null})),
        ("a path that is a list", json!({"op": "remove", "path": ["members"]})),
        ("a filter that ends early", path("members[value eq")),
        ("a filter without a value", path("members[value eq ]")),
        ("a filter without anything", path("members[]")),
        ("a filter that is not closed", path(&format!("members[value eq \"{member}\""))),
        ("a quote that is not closed", path(&format!("members[value eq \"{member}]"))),
        ("an operator nobody knows", path(&format!("members[value is \"{member}\"]"))),
        ("an attribute nobody knows", path("members[shoeSize eq \"43\"]")),
        ("text after the filter", path(&format!("members[value eq \"{member}\"] or more"))),
        ("two filters", path(&format!("members[value eq \"{member}\"][type eq \"User\"]"))),
        ("a member by a dot", path(&format!("members.{member}"))),
        ("a member by its index", path("members[0]")),
        ("a star", path("members[*]")),
        ("a part of every member", path("members.value")),
        ("a value that is null", value(Value::Null)),
        ("an empty list", value(json!([]))),
        ("an empty object", value(json!({}))),
        ("a list of an empty object", value(json!([{}]))),
        ("a list of null", value(json!([null]))),
        ("a member without value", value(json!([{"display": "Ana"}]))),
        ("a member whose value is null", value(json!([{"value": null}]))),
        ("a member whose value is empty", value(json!([{"value": ""}]))),
        ("a member whose value is a number", value(json!([{"value": 5}]))),
        ("a member whose value is an object", value(json!([{"value": {"value": member}}]))),
        (
            "one good member and one without value",
            value(json!([{"value": member}, {"type": "User"}])),
        ),
        ("a list in a list", value(json!([[{"value": member}]]))),
        ("an empty text", value(json!(""))),
        ("a boolean", value(json!(true))),
        ("a number", value(json!(0))),
        ("members without a value, to replace", json!({"op": "replace", "path": "members"})),
        (
            "a member without value, to replace",
            json!({"op": "replace", "path": "members", "value": [{}]}),
        ),
        ("a text, to replace", json!({"op": "replace", "path": "members", "value": true})),
        (
            "a filter, to replace",
            json!({"op": "replace", "path": "members[value pr]", "value": []}),
        ),
        ("the whole group", path("displayName")),
        ("an operation nobody knows", json!({"op": "delete", "path": "members"})),
        ("an operation that is missing", json!({"path": "members"})),
        ("an operation that is null", json!({"op": null, "path": "members"})),
    ]
}

/// Operations on a user.
fn of_a_user() -> Vec<(&'static str, Value)> {
    let value = |value: Value| json!({"op": "remove", "path": "emails", "value": value});
    let path = |path: &str| json!({"op": "remove", "path": path});
    vec![
        ("no path", json!({"op": "remove"})),
        ("no path, with a value", json!({"op": "remove", "value": {"emails": [{"type": "work"}]}})),
        ("a value without value", value(json!([{"type": "work"}]))),
        ("a value that is null", value(json!([{"type": "work", "value": null}]))),
        ("only the mark of the primary", value(json!([{"primary": true}]))),
        ("an empty object", value(json!([{}]))),
        ("an empty list", value(json!([]))),
        ("a filter that ends early", path("emails[type eq")),
        ("a filter without anything", path("emails[]")),
        ("an attribute nobody knows", path("emails[shoeSize eq 43]")),
        ("the name", path("userName")),
        ("the id", path("id")),
        ("the schemas", path("schemas")),
    ]
}

#[tokio::test]
async fn what_could_remove_more_than_was_meant_is_refused_in_every_dialect() {
    for dialect in Dialect::ALL {
        let server = Server::speaking(dialect).await;
        let body = json!({"schemas": [scim::urn::USER], "userName": "ana", "emails": [
            {"type": "work", "value": "ana@acme.example"},
            {"type": "work", "value": "ana@sales.example"}]});
        let ana = id(&server.post("/Users", &body).await.created());
        let bea = server.user("bea").await;
        let group = server.group("Sales", &[&ana, &bea]).await;
        let (user, group) = (format!("/Users/{ana}"), format!("/Groups/{group}"));
        let before = (server.get(&user).await.ok(), server.get(&group).await.ok());
        let of_group = of_a_group(&ana).into_iter().map(|shape| (&group, shape));
        let of_user = of_a_user().into_iter().map(|shape| (&user, shape));
        for (path, (what, operation)) in of_group.chain(of_user) {
            let answer = server.patch(path, json!([operation])).await;
            let place = format!("{what}, {}: {operation}", dialect.as_str());
            assert_eq!(answer.status, 400, "{place}: {}", answer.text);
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.len() > 20, "{place}: {detail}");
            let after = (server.get(&user).await.ok(), server.get(&group).await.ok());
            assert_eq!(after, before, "{place}");
        }
    }
}

#[tokio::test]
async fn a_stranger_in_a_list_of_values_takes_nobody_else_out() {
    for dialect in [Dialect::Any, Dialect::Entra, Dialect::JumpCloud] {
        let server = Server::speaking(dialect).await;
        let (ana, bea) = (server.user("ana").await, server.user("bea").await);
        let stranger = server.user("cem").await;
        let group = server.group("Sales", &[&ana, &bea]).await;
        for value in [stranger.as_str(), "nobody", "*", "members"] {
            let remove = json!([{"op": "remove", "path": "members", "value": [{"value": value}]}]);
            let answer = server.patch(&format!("/Groups/{group}"), remove).await;
            assert!(answer.status.is_success(), "{value}: {}", answer.text);
            assert_eq!(server.members(&group).await.len(), 2, "{value}");
        }
    }
}
