//! Okta's conversation: a person is looked up, created, changed, pushed with a group, deactivated.

use scim::urn;
use serde_json::{Value, json};
use service_provider::Dialect;

use super::{Server, id};

fn person() -> Value {
    json!({
        "schemas": [urn::USER],
        "userName": "ana.ruiz@acme.example",
        "name": {"givenName": "Ana", "familyName": "Ruiz"},
        "emails": [{"primary": true, "value": "ana.ruiz@acme.example", "type": "work"}],
        "displayName": "Ana Ruiz",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": true,
    })
}

#[tokio::test]
async fn a_person_s_whole_life() {
    let server = Server::speaking(Dialect::Okta).await;
    let filter = "userName eq \"ana.ruiz@acme.example\"";
    assert_eq!(server.find("/Users?startIndex=1&count=100", filter).await, Vec::<Value>::new());

    let created = server.post("/Users", &person()).await.created();
    let path = format!("/Users/{}", id(&created));
    assert_eq!(created.get("password"), None);
    assert_eq!(
        (&created["active"], &created["externalId"]),
        (&json!(true), &json!("00ujl29u0le5T6Aj10h7"))
    );
    let again = server.post("/Users", &person()).await.error(409, "uniqueness");
    assert!(again.contains("ana.ruiz@acme.example") && again.contains(&id(&created)), "{again}");

    // Profile update: what was read, overlaid and sent back whole.
    let mut profile = server.get(&path).await.ok();
    profile["name"]["givenName"] = json!("Anna");
    let updated = server.put(&path, &profile).await.ok();
    assert_eq!(
        (&updated["name"]["givenName"], &updated["meta"]["version"]),
        (&json!("Anna"), &json!("W/\"2\""))
    );

    // The password's end: accepted, kept nowhere, no change.
    let synced =
        server.patch(&path, json!([{"op": "replace", "value": {"password": "N3w"}}])).await.ok();
    assert_eq!(synced, updated);

    for active in [false, true] {
        let answer =
            server.patch(&path, json!([{"op": "replace", "value": {"active": active}}])).await.ok();
        assert_eq!(answer["active"], active);
        assert_eq!(answer["name"], updated["name"]);
    }
    // The App Integration Wizard puts instead.
    let mut profile = server.get(&path).await.ok();
    profile["active"] = json!(false);
    assert_eq!(server.put(&path, &profile).await.ok()["active"], false);
    // A profile push that does not speak of `active` lets nobody back in.
    profile.as_object_mut().unwrap().remove("active");
    assert_eq!(server.put(&path, &profile).await.ok()["active"], false);
    assert_eq!(server.find("/Users", filter).await.len(), 1);

    assert_eq!(
        server.events(&id(&created)),
        [
            "user.created",
            "user.updated",
            "user.deactivated",
            "user.reactivated",
            "user.deactivated"
        ]
    );
}

#[tokio::test]
async fn a_group_is_pushed_renamed_and_emptied() {
    let server = Server::speaking(Dialect::Okta).await;
    let (ana, bea) = (server.user("ana").await, server.user("bea").await);
    let group = server.group("Sales", &[]).await;
    let path = format!("/Groups/{group}");
    let member = |id: &str| json!({"value": id, "display": "a login"});

    let change = json!([
        {"op": "remove", "path": format!("members[value eq \"{bea}\"]")},
        {"op": "add", "path": "members", "value": [member(&ana)]},
    ]);
    let answer = server.patch(&path, change).await.ok();
    assert_eq!(answer["members"][0]["display"], "a login");
    assert_eq!(server.members(&group).await.first(), Some(&ana));
    assert_eq!(server.members(&group).await.len(), 1);

    // The rename that Okta sends with every membership change, with `id` in the value.
    let rename = json!([{"op": "replace", "value": {"id": group, "displayName": "Sales EMEA"}}]);
    assert_eq!(server.patch(&path, rename.clone()).await.ok()["displayName"], "Sales EMEA");
    let version = server.patch(&path, rename).await.header("etag").to_owned();
    assert_eq!(version, "W/\"3\"", "the same name is no change");

    let push = json!([{"op": "replace", "path": "members", "value": [member(&ana), member(&bea)]}]);
    server.patch(&path, push).await.ok();
    assert_eq!(server.members(&group).await, [ana.clone(), bea.clone()]);
    // "Push now" of an empty group.
    server.patch(&path, json!([{"op": "replace", "path": "members", "value": []}])).await.ok();
    assert_eq!(server.members(&group).await, Vec::<String>::new());

    let put =
        json!({"schemas": [urn::GROUP], "displayName": "Sales EMEA", "members": [member(&bea)]});
    server.put(&path, &put).await.ok();
    assert_eq!(server.members(&group).await, [bea]);
    server.delete(&path).await.no_content();
    server.get(&path).await.error(404, "");
}
