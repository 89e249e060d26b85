//! Reading requests: what is none, and each tolerance by itself.

use serde_json::{Value, json};

use super::*;

#[test]
fn what_is_no_request_is_refused_with_its_keyword() {
    let strict = |body: Value| match PatchRequest::read(&body, &user_type(), &Tolerances::none()) {
        Ok(_) => "read".into(),
        Err(error) => told(&error),
    };
    let op =
        |operation: Value| strict(json!({"schemas": [urn::PATCH_OP], "Operations": [operation]}));
    insta::assert_snapshot!(strict(json!([])), @"400 invalidSyntax: A PATCH request must be a JSON object.");
    insta::assert_snapshot!(
        strict(json!({"Operations": []})),
        @r#"400 invalidSyntax: `schemas` must be ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]."#
    );
    insta::assert_snapshot!(
        strict(json!({"schemas": [urn::PATCH_OP], "operations": []})),
        @"400 invalidSyntax: `operations` must be written `Operations`."
    );
    insta::assert_snapshot!(
        strict(json!({"schemas": [urn::PATCH_OP], "Operations": []})),
        @"400 invalidSyntax: `Operations` is empty. Send at least one operation."
    );
    insta::assert_snapshot!(
        strict(json!({"schemas": [urn::PATCH_OP], "Operations": vec![json!({}); 1001]})),
        @"413 : 1001 operations are too many for one request; at most 1000 are processed. Send several requests."
    );
    insta::assert_snapshot!(
        op(json!({"op": "Replace", "path": "active", "value": true})),
        @"400 invalidSyntax: Operations[0]: `op` must be add, remove or replace, not `Replace`."
    );
    insta::assert_snapshot!(op(json!({"path": "a"})), @"400 invalidSyntax: Operations[0]: `op` is missing. It must be add, remove or replace.");
    insta::assert_snapshot!(op(json!({"op": "remove"})), @"400 noTarget: Operations[0]: `remove` needs a `path`: say what is to be removed.");
    insta::assert_snapshot!(op(json!({"op": "add", "value": "x"})), @"400 invalidValue: Operations[0]: Without a `path`, `value` must be an object with the attributes to set.");
    insta::assert_snapshot!(op(json!({"op": "add", "path": "title"})), @"400 invalidValue: Operations[0]: `title` has no `value`. Say what to add.");
    insta::assert_snapshot!(op(json!({"op": "add", "path": 5})), @"400 invalidPath: Operations[0]: `path` must be a string.");
    insta::assert_snapshot!(op(json!({"op": "add", "path": "a b", "value": 1})), @"400 invalidPath: Operations[0]: The path `a b` cannot be read: column 3: expected the end of the path, found `b`.");
    insta::assert_snapshot!(op(json!({"op": "add", "path": "shoeSize", "value": 1})), @"400 invalidPath: Operations[0]: `User` has no attribute `shoeSize`.");
    insta::assert_snapshot!(op(json!({"op": "add", "value": {"shoeSize": 1}})), @"400 invalidSyntax: Operations[0]: `User` has no attribute `shoeSize`.");
    insta::assert_snapshot!(op(json!({"op": "add", "path": "name[givenName pr]", "value": {}})), @"400 invalidPath: Operations[0]: `name` has one value only: it takes no value filter.");
    insta::assert_snapshot!(op(json!({"op": "remove", "path": "emails[size gt 1]"})), @"400 invalidFilter: Operations[0]: `emails` has no attribute `size`.");
    insta::assert_snapshot!(op(json!({"op": "replace", "path": "active", "value": "maybe"})), @r#"400 invalidValue: Operations[0]: `active` must be true or false, not the string "maybe"."#);
    insta::assert_snapshot!(op(json!({"op": "remove", "path": "emails", "value": [{"value": "x"}]})), @r#"400 invalidValue: Operations[0]: `remove` of `emails` takes no `value`. Name the values in the path: `emails[value eq "..."]`."#);
}

#[test]
fn each_departure_is_accepted_where_it_is_tolerated() {
    insta::assert_snapshot!(
        tolerant(json!([{"Op": "Replace", "PATH": "active", "value": "False"}]), &[CapitalisedOp, MessageKeyCase, BooleanAsString]),
        @"
    active = false
    (messageKeyCase at Operations[0].Op)
    (messageKeyCase at Operations[0].PATH)
    (capitalisedOp at Operations[0].op)
    (booleanAsString at active)
    "
    );
    insta::assert_snapshot!(
        tolerant(json!([{"op": "replace", "value": {
            "name.givenName": "Babs",
            "emails[type eq \"work\"].value": "b@x",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Support",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager.value": "9"},
            "urn:example:Badge:level": "3", "urn:example:Badge:color": "red",
            "shoeSize": 44
        }}]), &[DottedKey, FilterKey, UrnKey, NumberAsString, UnknownAttribute]),
        @r#"
    emails = [{"primary":true,"type":"work","value":"b@x"},{"type":"home","value":"babs@jensen.org"}]
    name = {"familyName":"Jensen","givenName":"Babs"}
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","urn:example:Badge"]
    urn:example:Badge = {"color":"red","level":3}
    urn:ietf:params:scim:schemas:extension:enterprise:2.0:User = {"department":"Support","manager":{"value":"9"}}
    (filterKey at emails[type eq "work"].value)
    (dottedKey at name.givenName)
    (unknownAttribute at shoeSize)
    (urnKey at urn:example:Badge:color)
    (urnKey at urn:example:Badge:level)
    (numberAsString at urn:example:Badge:level)
    (dottedKey at manager.value)
    (urnKey at urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department)
    "#
    );
    let enterprise = urn::ENTERPRISE_USER;
    insta::assert_snapshot!(
        tolerant(json!([
            {"op": "add", "path": format!("{enterprise}:manager"), "value": "9"},
            {"op": "replace", "path": "phoneNumbers", "value": {"value": "+1"}},
            {"op": "replace", "path": "title", "value": ["Boss"]},
            {"op": "replace", "path": "emails[primary eq \"True\"].value", "value": "d@x"}
        ]), &[BareValueForComplex, SingleForMultiple, MultipleForSingle, BooleanAsString]),
        @r#"
    emails = [{"primary":true,"type":"work","value":"d@x"},{"type":"home","value":"babs@jensen.org"}]
    phoneNumbers = [{"value":"+1"}]
    title = "Boss"
    urn:ietf:params:scim:schemas:extension:enterprise:2.0:User = {"department":"Sales","manager":{"value":"9"}}
    (bareValueForComplex at urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager)
    (singleForMultiple at phoneNumbers)
    (multipleForSingle at title)
    (booleanAsString at emails.primary)
    "#
    );
    insta::assert_snapshot!(
        tolerant(json!([{"op": "replace", "path": format!("{enterprise}:manager"), "value": ""}]), &[BareValueForComplex]),
        @r#"
    urn:ietf:params:scim:schemas:extension:enterprise:2.0:User = {"department":"Sales"}
    (bareValueForComplex at urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager)
    "#
    );
    insta::assert_snapshot!(
        tolerant(json!([{"op": "remove", "path": "emails", "value": [
            {"type": "home", "value": "BABS@jensen.org"}, {"value": "nobody@x"}]}]), &[RemovalByValueList]),
        @r#"
    emails = [{"primary":true,"type":"work","value":"babs@example.com"}]
    (removalByValueList at emails)
    "#
    );
    insta::assert_snapshot!(
        tolerant(json!([
            {"op": "remove", "path": "shoeSize"},
            {"op": "add", "value": {"urn:x:1.0:User:size": 4, "urn:example:Badge:size": 4}}
        ]), &[UnknownAttribute, UnknownSchema]),
        @"
    (unknownAttribute at shoeSize)
    (unknownAttribute at urn:example:Badge:size)
    (unknownSchema at urn:x:1.0:User:size)
    "
    );
}

#[test]
fn a_request_made_by_hand_may_leave_out_the_path() {
    let rt = user_type();
    let request = PatchRequest {
        operations: vec![PatchOperation {
            op: PatchOp::Replace,
            path: None,
            value: Some(json!({"active": false})),
        }],
        replace_creates: false,
    };
    let stored = Resource::from_canonical(document(babs()));
    let outcome = request.apply(&rt, &stored).unwrap();
    assert_eq!(outcome.resource.document()["active"], json!(false));
}

#[test]
fn the_whole_request_fails_if_one_operation_does() {
    insta::assert_snapshot!(
        user(json!([
            {"op": "replace", "path": "title", "value": "x"},
            {"op": "remove", "path": "userName"}])),
        @"400 mutability: `userName` is required and cannot be removed. Replace it instead."
    );
}

#[test]
fn one_value_is_added_without_a_list_around_it() {
    insta::assert_snapshot!(
        user(json!([{"op": "add", "path": "emails", "value": {"value": "b@x.org", "type": "other"}}])),
        @r#"emails = [{"primary":true,"type":"work","value":"babs@example.com"},{"type":"home","value":"babs@jensen.org"},{"type":"other","value":"b@x.org"}]"#
    );
    insta::assert_snapshot!(
        user(json!([{"op": "add", "value": {"phoneNumbers": {"value": "+1"}}}])),
        @r#"phoneNumbers = [{"value":"+1"}]"#
    );
    insta::assert_snapshot!(
        user(json!([{"op": "add", "path": "urn:example:Badge:color", "value": "red"},
            {"op": "add", "path": "urn:example:Badge:colors", "value": "red"}])),
        @r#"
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","urn:example:Badge"]
    urn:example:Badge = {"color":"red","colors":["red"]}
    "#
    );
    insta::assert_snapshot!(
        group(json!([{"op": "add", "path": "members", "value": {"value": "a"}}]), &[]),
        @r#"add ["a"]"#
    );
    insta::assert_snapshot!(
        group(json!([{"op": "add", "path": "members", "value": "a"}]), &[BareValueForComplex]),
        @r#"
    add ["a"]
    (bareValueForComplex at members[0])
    "#
    );
    // To replace all values by one, or to remove one, is said with a list.
    insta::assert_snapshot!(
        user(json!([{"op": "replace", "path": "emails", "value": {"value": "b@x.org"}}])),
        @"400 invalidValue: Operations[0]: `emails` must be a list of values, not an object."
    );
    insta::assert_snapshot!(
        group(json!([{"op": "replace", "path": "members", "value": {"value": "a"}}]), &[]),
        @"400 invalidValue: Operations[0]: `members` must be a list of members."
    );
}

#[test]
fn a_request_without_operations_is_refused_unless_tolerated() {
    insta::assert_snapshot!(user(json!([])), @"400 invalidSyntax: `Operations` is empty. Send at least one operation.");
    insta::assert_snapshot!(tolerant(json!([]), &[EmptyOperations]), @"(emptyOperations at Operations)");
}

#[test]
fn an_extension_s_attribute_may_go_without_its_urn_where_only_one_has_it() {
    insta::assert_snapshot!(
        user(json!([
            {"op": "replace", "path": "department", "value": "Support"},
            {"op": "replace", "path": "manager.value", "value": "8"},
            {"op": "add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.division", "value": "EMEA"}
        ])),
        @r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User = {"department":"Support","division":"EMEA","manager":{"value":"8"}}"#
    );
    // The keys of a value are those of a body: there an extension has an object of its own.
    insta::assert_snapshot!(
        tolerant(
            json!([{"op": "replace", "value": {"department": "Support", "manager.value": "8"}}]),
            &[DottedKey, UrnKey, UnknownAttribute]
        ),
        @"
    (unknownAttribute at department)
    (unknownAttribute at manager.value)
    "
    );
}

#[test]
fn a_request_cannot_have_endlessly_much_compared() {
    let emails: Vec<_> = (0..900).map(|n| json!({"value": format!("{n}@x")})).collect();
    let add = json!({"op": "add", "path": "emails", "value": emails});
    // The first finds two values there, every other all of them.
    let told = user(json!([add, add]));
    assert!(told.starts_with("emails = "), "{}", &told[..200]);
    insta::assert_snapshot!(user(json!([add, add, add, add, add, add, add])), @"413 : The operations would have more than 268435456 bytes of values compared. Send several requests.");
    let some = json!({"op": "replace", "path": "emails[value eq \"1@x\"].type", "value": "work"});
    let mut operations = vec![add.clone()];
    operations.extend(std::iter::repeat_n(some, 900));
    assert!(user(Value::Array(operations)).starts_with("emails = "));
    let some = json!({"op": "remove", "path": "members[type eq \"User\"]"});
    let told = group(Value::Array(vec![some.clone(); 16]), &[]);
    assert!(told.starts_with("remove where"), "{told}");
    insta::assert_snapshot!(group(Value::Array(vec![some; 17]), &[]), @"413 : One request may have 16 filters over members. Name the members by `value`, or send several requests.");
}

#[test]
fn a_resource_grows_to_its_limit_and_may_shrink_from_beyond_it() {
    let photos = |count: usize| -> Vec<Value> {
        (0..count).map(|n| json!({"value": format!("{n}:{}", "p".repeat(60_000))})).collect()
    };
    let add = |count: usize| json!([{"op": "add", "path": "photos", "value": photos(count)}]);
    assert!(user(add(17)).starts_with("photos = "));
    insta::assert_snapshot!(user(add(18)), @"413 : The User would be larger than 1048576 bytes. Send fewer or shorter values.");
    let mut large = babs();
    large["photos"] = json!(photos(20));
    let with = |operations: Value| patched(&user_type(), large.clone(), operations, &[]);
    let less = with(json!([{"op": "remove", "path": "photos[value sw \"1:\"]"}]));
    assert!(less.starts_with("photos = "), "{}", &less[..200]);
    insta::assert_snapshot!(with(json!([{"op": "add", "path": "title", "value": "Boss"}])), @"413 : The User would be larger than 1048576 bytes. Send fewer or shorter values.");
    let body = json!({"schemas": [urn::USER], "userName": "ana", "photos": photos(18)});
    let error = Resource::read(&body, &user_type(), &Tolerances::none()).unwrap_err();
    assert_eq!(error.status, 413);
}
