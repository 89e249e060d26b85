//! Operations on the attribute that is kept as rows.

use serde_json::{Value, json};

use super::*;
use crate::{ResourceType, Tolerances, urn};

#[test]
fn operations_on_members_become_steps_in_their_order() {
    insta::assert_snapshot!(
        group(json!([
            {"op": "add", "path": "members", "value": [{"value": "a"}, {"value": "b", "$ref": null}, {"value": "a"}]},
            {"op": "remove", "path": "members[value eq \"b\"]"},
            {"op": "remove", "path": "members[value eq \"c\" or value eq \"d\"]"},
            {"op": "remove", "path": "members[type eq \"Group\"]"},
            {"op": "replace", "path": "displayName", "value": "Support"}
        ]), &[]),
        @r#"
    displayName = "Support"
    add ["a", "b"]
    remove ["b", "c", "d"]
    remove where type eq "Group"
    "#
    );
    insta::assert_snapshot!(
        group(json!([
            {"op": "add", "value": {"members": [{"value": "a"}], "displayName": "Sales"}},
            {"op": "replace", "path": "members", "value": []},
            {"op": "add", "path": "members", "value": []},
            {"op": "add", "path": "members", "value": [{"value": "z"}]}
        ]), &[]),
        @r#"
    replace all by []
    add ["z"]
    "#
    );
    insta::assert_snapshot!(group(json!([{"op": "remove", "path": "members"}]), &[]), @"replace all by []");
    insta::assert_snapshot!(group(json!([{"op": "replace", "path": "members", "value": null}]), &[]), @"replace all by []");
}

#[test]
fn a_removal_that_names_nobody_never_removes_everybody() {
    for value in [
        json!([]),
        json!(null),
        json!([null]),
        json!([{}]),
        json!([{"value": null}]),
        json!({}),
        json!(""),
        json!(5),
        json!([[]]),
    ] {
        let told =
            group(json!([{"op": "remove", "path": "members", "value": value}]), &Tolerance::ALL);
        assert!(told.starts_with("400 invalidValue"), "{value}: {told}");
        let operation = json!([{"op": "remove", "path": "emails", "value": value}]);
        let told = tolerant(operation, &Tolerance::ALL);
        assert!(told.starts_with("400 invalidValue"), "{value}: {told}");
    }
    insta::assert_snapshot!(
        group(json!([{"op": "remove", "path": "members", "value": []}]), &[RemovalByValueList]),
        @"400 invalidValue: Operations[0]: `remove` of `members` has a `value` that names nothing, so nothing is removed. Name the values, or leave `value` out to remove all."
    );
    insta::assert_snapshot!(
        group(json!([{"op": "remove", "path": "members", "value": [{"value": "a", "$ref": null}, {"value": "b"}]}]), &[RemovalByValueList]),
        @r#"
    remove ["a", "b"]
    (removalByValueList at members)
    "#
    );
    insta::assert_snapshot!(
        group(json!([{"op": "remove", "path": "members", "value": [{"value": "a"}]}]), &[]),
        @r#"400 invalidValue: Operations[0]: `remove` of `members` takes no `value`. Name the values in the path: `members[value eq "..."]`."#
    );
}

#[test]
fn a_member_is_added_or_removed_whole() {
    let check = |op: &str, path: &str| group(json!([{"op": op, "path": path, "value": "x"}]), &[]);
    insta::assert_snapshot!(
        check("replace", "members[value eq \"a\"].display"),
        @"400 mutability: Operations[0]: A value of `members` cannot be changed. Remove it, and add another."
    );
    assert!(check("add", "members.value").starts_with("400 mutability"));
    assert!(check("replace", "members[value eq \"a\"]").starts_with("400 mutability"));
    assert!(check("remove", "members.display").starts_with("400 mutability"));
}

#[test]
fn a_long_list_of_members_to_remove_stays_within_the_limits_of_filters() {
    let named: Vec<Value> = (0..1_000)
        .map(|id| json!({"value": format!("019c3a52-0000-7000-8000-{id:012}")}))
        .collect();
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": [
        {"op": "remove", "path": "members", "value": named}]});
    let rt = ResourceType::group(vec![]);
    let (request, _) =
        PatchRequest::read(&body, &rt, &Tolerances::of([RemovalByValueList])).unwrap();
    assert_eq!(request.operations.len(), 7);
    let strict = PatchRequest::read(&request.to_json(), &rt, &Tolerances::none()).unwrap();
    assert_eq!(strict.0.operations, request.operations);
    let stored = Resource::from_canonical(document(json!({"displayName": "g"})));
    let members = request.apply(&rt, &stored).unwrap().members;
    assert!(matches!(&members.steps[..], [MemberStep::Remove(ids)] if ids.len() == 1_000));
}
