//! Entra ID's conversation, in the default dialect and in that of `aadOptscim062020`.

use scim::urn;
use serde_json::{Value, json};
use service_provider::Dialect;

use super::{Server, id};

fn person() -> Value {
    json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "Test_User_ab6490ee",
        "active": true,
        "emails": [{"primary": true, "type": "work", "value": "ab6490ee@acme.example"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
        "roles": [],
    })
}

#[tokio::test]
async fn the_default_dialect() {
    // A token of its own dialect and one for anybody: both must do.
    for dialect in [Dialect::Entra, Dialect::Any] {
        let server = Server::speaking(dialect).await;
        // Test connection: somebody random is looked up, and 200 with nothing is right.
        assert!(server.find("/Users", "userName eq \"5f3a\"").await.is_empty());
        assert!(
            server
                .find("/Groups?excludedAttributes=members", "displayName eq \"x\"")
                .await
                .is_empty()
        );
        let created = server.post("/Users", &person()).await.created();
        let path = format!("/Users/{}", id(&created));
        assert_eq!(
            server
                .find("/Users", "emails[type eq \"work\"].value eq \"AB6490EE@acme.example\"")
                .await
                .len(),
            1
        );
        assert_eq!(
            server.find("/Users", "externalId eq 0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef").await.len(),
            1
        );

        let change = json!([
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "updated@acme.example"},
            {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
            {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1 555"},
            {"op": "Replace", "path": format!("{}:employeeNumber", urn::ENTERPRISE_USER), "value": "701984"},
        ]);
        let changed = server.patch(&path, change).await.ok();
        assert_eq!(
            changed["emails"],
            json!([{"primary": true, "type": "work", "value": "updated@acme.example"}])
        );
        assert_eq!(changed["name"]["familyName"], "updatedFamilyName");
        assert_eq!(changed["phoneNumbers"], json!([{"type": "mobile", "value": "+1 555"}]));
        assert_eq!(changed[urn::ENTERPRISE_USER]["employeeNumber"], "701984");

        // Replace of a value that is not there yet creates it.
        let other = json!([{"op": "Replace", "path": "emails[type eq \"home\"].value", "value": "home@acme.example"}]);
        assert_eq!(
            server.patch(&path, other).await.ok()["emails"][1]["value"],
            "home@acme.example"
        );

        let manager = server.user("boss").await;
        let refer = json!([{"op": "Add", "path": format!("{}:manager", urn::ENTERPRISE_USER), "value": manager}]);
        let answer = server.patch(&path, refer).await.ok();
        assert_eq!(answer[urn::ENTERPRISE_USER]["manager"]["value"], manager);

        let off = json!([{"op": "Replace", "path": "active", "value": "False"}]);
        assert_eq!(server.patch(&path, off).await.ok()["active"], false);
        // Still readable, and gone only after a hard delete.
        server.get(&path).await.ok();
        server.delete(&path).await.no_content();
        server.get(&path).await.error(404, "");
    }
}

#[tokio::test]
async fn groups_are_made_empty_and_members_follow() {
    let server = Server::speaking(Dialect::Entra).await;
    let (ana, bea) = (server.user("ana").await, server.user("bea").await);
    let body = json!({
        "schemas": [urn::GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
        "displayName": "Sales",
        "meta": {"resourceType": "Group"},
    });
    let group = id(&server.post("/Groups", &body).await.created());
    let path = format!("/Groups/{group}");
    let shown = server.get(&format!("{path}?excludedAttributes=members")).await.ok();
    assert_eq!(shown["displayName"], "Sales");

    let add = json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": ana}, {"$ref": null, "value": bea}]}]);
    server.patch(&path, add).await.no_content();
    let remove =
        json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": ana}]}]);
    server.patch(&path, remove).await.no_content();
    assert_eq!(server.members(&group).await, [bea]);
    let rename = json!([{"op": "Replace", "path": "displayName", "value": "Sales EMEA"}]);
    server.patch(&path, rename).await.no_content();
    assert_eq!(server.get(&path).await.ok()["displayName"], "Sales EMEA");
    server.delete(&path).await.no_content();
}

#[tokio::test]
async fn the_dialect_of_aad_opt_scim() {
    let server = Server::start().await;
    let created = server.post("/Users", &person()).await.created();
    let path = format!("/Users/{}", id(&created));
    let value = json!({
        "displayName": "Bjfe",
        "name.givenName": "Kkom",
        "name.familyName": "Unua",
        "emails[type eq \"home\"].value": "home@acme.example",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "Aklq",
        "active": false,
    });
    let answer = server.patch(&path, json!([{"op": "replace", "value": value}])).await.ok();
    assert_eq!((&answer["displayName"], &answer["active"]), (&json!("Bjfe"), &json!(false)));
    assert_eq!(
        (&answer["name"]["givenName"], &answer["name"]["familyName"]),
        (&json!("Kkom"), &json!("Unua"))
    );
    assert_eq!(answer["emails"][1]["value"], "home@acme.example");
    assert_eq!(answer[urn::ENTERPRISE_USER]["employeeNumber"], "Aklq");

    let group = server.group("Sales", &[&id(&created)]).await;
    let remove =
        json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", id(&created))}]);
    server.patch(&format!("/Groups/{group}"), remove).await.ok();
    assert!(server.members(&group).await.is_empty());
}

#[tokio::test]
async fn a_client_of_the_letter_is_held_to_it() {
    let server = Server::speaking(Dialect::Rfc).await;
    let path = format!("/Users/{}", server.user("ana").await);
    let refused = |operation: Value| server.patch(&path, json!([operation]));
    // By the letter, `replace` on a value filter that finds nothing has no target; also for a
    // client that is not known, as long as it does not speak like Entra.
    let replace =
        json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "a@b"});
    refused(replace.clone()).await.error(400, "noTarget");
    refused(json!({"op": "Replace", "path": "active", "value": false}))
        .await
        .error(400, "invalidSyntax");
    refused(json!({"op": "replace", "path": "active", "value": "False"}))
        .await
        .error(400, "invalidValue");

    let server = Server::start().await;
    let path = format!("/Users/{}", server.user("ana").await);
    server.patch(&path, json!([replace])).await.error(400, "noTarget");
}

#[tokio::test]
async fn entra_s_gallery_updates_and_its_validator_s_empty_request_are_understood() {
    for dialect in [Dialect::Entra, Dialect::Any] {
        let server = Server::speaking(dialect).await;
        let (ana, boss) = (server.user("ana").await, server.user("boss").await);
        let path = format!("/Users/{ana}");
        let manager = format!("{}:manager", urn::ENTERPRISE_USER);
        let list =
            json!([{"op": "Add", "path": manager, "value": [{"value": boss, "$ref": null}]}]);
        let after = server.patch(&path, list).await.ok();
        assert_eq!(after[urn::ENTERPRISE_USER]["manager"]["value"], boss);
        // Lower-case operations, and a filter on a value that is not there yet.
        let update = json!([
            {"op": "replace", "path": "roles[primary eq \"True\"].value", "value": "lead"},
            {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "ana@acme.example"},
        ]);
        let after = server.patch(&path, update).await.ok();
        assert_eq!(after["emails"][0]["value"], "ana@acme.example");
        server.patch(&path, json!([])).await.ok();
    }
}
