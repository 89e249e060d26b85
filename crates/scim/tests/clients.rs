//! What clients in the field send, word for word, and what becomes of it. Which client needs which
//! tolerance is data of the shells; the sets here are what each conversation needs, no more.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

use scim::Tolerance::*;
use scim::{
    Extension, Filter, MemberStep, PatchRequest, Resource, ResourceType, Tolerance, Tolerances,
    enterprise_user_schema,
};
use serde_json::{Value, json};

/// Okta: path-less values; a rename carries the group's id.
const OKTA: &[Tolerance] = &[ReadOnlyInValue];
/// Entra ID as it comes: capital letters, strings for booleans, removal by value list.
const ENTRA: &[Tolerance] = &[
    CapitalisedOp,
    BooleanAsString,
    RemovalByValueList,
    ReplaceCreates,
    BareValueForComplex,
    MultipleForSingle,
    UnquotedLiteral,
];
/// Entra ID with `aadOptscim062020`: lower case, dotted and URN keys.
const ENTRA_062020: &[Tolerance] = &[DottedKey, UrnKey, FilterKey, ReplaceCreates];

fn user_type() -> ResourceType {
    ResourceType::user(vec![Extension::optional(enterprise_user_schema())])
}

fn patch(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// The document after a PATCH, the steps for its members, and what was tolerated.
fn applied(
    rt: &ResourceType,
    stored: Value,
    body: Value,
    tolerances: &[Tolerance],
) -> (Value, Vec<String>, Vec<String>) {
    let tolerances = Tolerances::of(tolerances.iter().copied());
    let (request, mut tolerated) = PatchRequest::read(&body, rt, &tolerances).unwrap();
    let Value::Object(document) = stored else { panic!("not an object") };
    let outcome = request.apply(rt, &Resource::from_canonical(document)).unwrap();
    tolerated.extend(outcome.tolerated);
    let steps = outcome.members.steps.iter().map(|step| match step {
        MemberStep::Add(members) => {
            format!(
                "add {}",
                members.iter().map(|m| m.value.as_str()).collect::<Vec<_>>().join(" ")
            )
        }
        MemberStep::ReplaceAll(members) => {
            format!(
                "all {}",
                members.iter().map(|m| m.value.as_str()).collect::<Vec<_>>().join(" ")
            )
        }
        MemberStep::Remove(ids) => format!("remove {}", ids.join(" ")),
        MemberStep::RemoveWhere(filter) => format!("remove where {filter}"),
    });
    let tolerated = tolerated.iter().map(ToString::to_string).collect();
    (Value::Object(outcome.resource.into_document()), steps.collect(), tolerated)
}

fn ana() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "23a35c27",
        "userName": "ana@example.com",
        "name": {"givenName": "Ana", "familyName": "Ruiz"},
        "active": true
    })
}

fn sales() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "id": "abf4dd94",
        "displayName": "Sales"
    })
}

#[test]
fn okta_deactivates_and_reactivates_without_a_path() {
    for active in [false, true] {
        let body = patch(json!([{"op": "replace", "value": {"active": active}}]));
        let (after, _, tolerated) = applied(&user_type(), ana(), body, OKTA);
        assert_eq!(after["active"], json!(active));
        // RFC 7644 3.5.2.3 allows a missing path: nothing to tolerate.
        assert!(tolerated.is_empty());
    }
}

#[test]
fn okta_sends_the_password_without_a_path() {
    let body = patch(json!([{"op": "replace", "value": {"password": "t1meMa$heen"}}]));
    let (after, _, _) = applied(&user_type(), ana(), body, OKTA);
    assert_eq!(after["password"], json!("t1meMa$heen"));
}

#[test]
fn okta_renames_a_group_with_its_id_in_the_value() {
    let body = patch(json!([
        {"op": "replace", "value": {"id": "abf4dd94", "displayName": "Support"}}
    ]));
    let (after, steps, tolerated) = applied(&ResourceType::group(vec![]), sales(), body, OKTA);
    assert_eq!(after["displayName"], json!("Support"));
    assert_eq!(after["id"], json!("abf4dd94"));
    assert!(steps.is_empty());
    assert_eq!(tolerated, ["readOnlyInValue at id"]);
}

#[test]
fn okta_moves_members_in_one_request_and_pushes_whole_groups() {
    let rt = ResourceType::group(vec![]);
    let members = |operations| applied(&rt, sales(), patch(operations), OKTA).1;
    assert_eq!(
        members(json!([
            {"op": "remove", "path": "members[value eq \"89bb1940\"]"},
            {"op": "add", "path": "members", "value": [{"value": "23a35c27", "display": "ana@example.com"}]}
        ])),
        ["remove 89bb1940", "add 23a35c27"]
    );
    assert_eq!(
        members(json!([{"op": "replace", "path": "members", "value": [
            {"value": "23a35c27", "display": "ana@example.com"},
            {"value": "89bb1940", "display": "bo@example.com"}]}])),
        ["all 23a35c27 89bb1940"]
    );
    // "Push now" on an empty group.
    assert_eq!(members(json!([{"op": "replace", "path": "members", "value": []}])), ["all "]);
}

#[test]
fn entra_sends_one_operation_for_each_attribute_with_capital_letters() {
    let body = patch(json!([
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ana.ruiz@example.com"},
        {"op": "Replace", "path": "name.familyName", "value": "Ruiz Díaz"},
        {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber", "value": "701984"},
        {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "7"},
        {"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "agent"},
        {"op": "Replace", "path": "active", "value": "False"}
    ]));
    let (after, _, tolerated) = applied(&user_type(), ana(), body, ENTRA);
    assert_eq!(
        after,
        json!({
            "schemas": [
                "urn:ietf:params:scim:schemas:core:2.0:User",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
            ],
            "id": "23a35c27",
            "userName": "ana@example.com",
            "name": {"givenName": "Ana", "familyName": "Ruiz Díaz"},
            "active": false,
            "emails": [{"type": "work", "value": "ana.ruiz@example.com"}],
            "roles": [{"primary": true, "value": "agent"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
                "employeeNumber": "701984", "manager": {"value": "7"}
            }
        })
    );
    assert_eq!(
        tolerated,
        [
            "capitalisedOp at Operations[0].op",
            "capitalisedOp at Operations[1].op",
            "capitalisedOp at Operations[2].op",
            "capitalisedOp at Operations[3].op",
            "bareValueForComplex at urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
            "capitalisedOp at Operations[4].op",
            "booleanAsString at roles.primary",
            "capitalisedOp at Operations[5].op",
            "booleanAsString at active",
            "replaceCreates at emails[type eq \"work\"].value"
        ]
    );
}

#[test]
fn entra_sends_and_clears_the_manager_in_several_ways() {
    let path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    for value in [
        json!([{"$ref": "http://example.com/Users/7", "value": "7"}]),
        json!({"$ref": null, "value": "7"}),
        json!("7"),
    ] {
        let body = patch(json!([{"op": "Replace", "path": path, "value": value}]));
        let (after, _, _) = applied(&user_type(), ana(), body, ENTRA);
        let manager =
            &after["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["manager"];
        assert_eq!(manager["value"], json!("7"));
        for clear in [
            json!({"op": "Remove", "path": path}),
            json!({"op": "Remove", "path": path, "value": null}),
            json!({"op": "Replace", "path": path, "value": ""}),
        ] {
            let (after, _, _) = applied(&user_type(), after.clone(), patch(json!([clear])), ENTRA);
            assert_eq!(after, ana());
        }
    }
}

#[test]
fn entra_adds_and_removes_members_by_lists_of_values() {
    let rt = ResourceType::group(vec![]);
    let members = |operation| applied(&rt, sales(), patch(json!([operation])), ENTRA).1;
    assert_eq!(
        members(
            json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": "f648f8d5"}]})
        ),
        ["add f648f8d5"]
    );
    assert_eq!(
        members(
            json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "f648f8d5"}]})
        ),
        ["remove f648f8d5"]
    );
}

#[test]
fn entra_with_the_flag_sends_dotted_and_urn_keys_and_removes_by_filter() {
    let body = patch(json!([{
        "op": "replace",
        "value": {
            "displayName": "Ana Ruiz",
            "active": false,
            "name.givenName": "Anita",
            "emails[type eq \"work\"].value": "ana@example.org",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "7",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value": "9"
        }
    }]));
    let (after, _, _) = applied(&user_type(), ana(), body, ENTRA_062020);
    assert_eq!(after["name"], json!({"givenName": "Anita", "familyName": "Ruiz"}));
    assert_eq!(after["active"], json!(false));
    assert_eq!(after["emails"], json!([{"type": "work", "value": "ana@example.org"}]));
    assert_eq!(
        after["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        json!({"employeeNumber": "7", "manager": {"value": "9"}})
    );
    let body = patch(json!([{"op": "remove", "path": "members[value eq \"f648f8d5\"]"}]));
    let (_, steps, tolerated) = applied(&ResourceType::group(vec![]), sales(), body, ENTRA_062020);
    assert_eq!(steps, ["remove f648f8d5"]);
    assert!(tolerated.is_empty());
}

#[test]
fn filters_of_the_field_find_who_is_meant() {
    let Value::Object(ana) = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "23a35c27", "externalId": "jyoung", "userName": "Ana@Example.com", "active": true,
        "emails": [{"type": "work", "value": "ana@example.com", "primary": true}]
    }) else {
        panic!("not an object")
    };
    let rt = user_type();
    let tolerances = Tolerances::of([UnquotedLiteral]);
    for text in [
        "userName eq \"ANA@EXAMPLE.COM\"",
        "userName eq ana@example.com",
        "externalId eq jyoung",
        "emails[type eq \"work\"].value eq \"ana@example.com\"",
        "emails.value eq \"ana@example.com\"",
        "emails[value eq \"ana@example.com\"]",
        "userName eq \"ana@example.com\" and active eq true",
        "(userName sw \"ana\") and not (active eq false)",
        "id eq \"23a35c27\" and externalId pr",
    ] {
        let (filter, _) = Filter::parse_tolerant(text, &tolerances).unwrap();
        assert_eq!(filter.check(&rt), Ok(()), "{text}");
        assert!(filter.matches(&rt, &ana), "{text}");
    }
    for text in ["externalId eq JYoung", "emails[type eq \"home\"].value eq \"ana@example.com\""] {
        let (filter, _) = Filter::parse_tolerant(text, &tolerances).unwrap();
        assert!(!filter.matches(&rt, &ana), "{text}");
    }
}

#[test]
fn other_clients_empty_groups_and_list_removals_are_told_apart() {
    let rt = ResourceType::group(vec![]);
    let all = |operation: Value| {
        let tolerances = Tolerances::all();
        PatchRequest::read(&patch(json!([operation])), &rt, &tolerances)
    };
    // Without a value: everybody goes.
    assert!(all(json!({"op": "remove", "path": "members"})).is_ok());
    // With a list (JumpCloud, Entra): only those.
    let (request, _) =
        all(json!({"op": "remove", "path": "members", "value": [{"value": "a"}]})).unwrap();
    assert_eq!(
        request.to_json()["Operations"],
        json!([{"op": "remove", "path": "members[value eq \"a\"]"}])
    );
    // With a list that names nobody: refused.
    for value in [json!([]), json!([{}]), json!([{"value": ""}]), json!(null)] {
        let error = all(json!({"op": "remove", "path": "members", "value": value})).unwrap_err();
        assert_eq!(error.status, 400);
    }
}
