//! What is stored of a user, and what becomes of it.

use reqwest::Method;
use scim::urn;
use serde_json::{Value, json};

use super::{Server, id, send};

const ZOOM: &str = "urn:ietf:params:scim:schemas:extension:zoom:1.0:User";
const ZOOM_LOGIN: &str = "urn:us:zoom:scim:schemas:extension:1.0:ZoomUser";

#[tokio::test]
async fn a_password_is_stored_nowhere() {
    let server = Server::start().await;
    let body = json!({"schemas": [urn::USER], "userName": "ana", "password": "s3cret-s3cret"});
    let ana = id(&server.post("/Users", &body).await.created());
    let path = format!("/Users/{ana}");
    server
        .patch(&path, json!([{"op": "replace", "path": "password", "value": "s3cret-s3cret"}]))
        .await
        .ok();
    server.put(&path, &body).await.ok();
    assert_eq!(server.events(&ana), ["user.created"]);
    assert_eq!(server.get(&path).await.header("etag"), "W/\"1\"");
    server.provider.flush_last_used().unwrap();
    for file in std::fs::read_dir(server._folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(13).any(|part| part == b"s3cret-s3cret"));
    }
}

#[tokio::test]
async fn zoom_s_extensions_are_data() {
    let server = Server::start().await;
    let body = json!({
        "schemas": [urn::USER, ZOOM, ZOOM_LOGIN],
        "userName": "ana",
        ZOOM: {"zoomPhoneCallingPlan": 3000, "zoomWhiteboard": true, "zoomOneBizPlus": "yes"},
        ZOOM_LOGIN: {"loginType": {"sso": "true", "workEmail": false}},
    });
    let user = server.post("/Users", &body).await.created();
    assert_eq!(user[ZOOM], body[ZOOM]);
    assert_eq!(user[ZOOM_LOGIN], json!({"loginType": {"sso": true, "workEmail": false}}));
    assert_eq!(user["schemas"], json!([urn::USER, ZOOM, ZOOM_LOGIN]));
    let filter = format!("{ZOOM}:zoomWhiteboard eq true");
    assert_eq!(server.find("/Users", &filter).await.len(), 1);
    let extension = "urn:ietf:params:scim:schemas:extension:zoom:2.0:Group";
    let body = json!({"schemas": [urn::GROUP, extension], "displayName": "Sales", extension: {"emailAlias": "sales@x"}});
    assert_eq!(server.post("/Groups", &body).await.created()[extension]["emailAlias"], "sales@x");
}

#[tokio::test]
async fn logins_are_unique_whatever_their_case_and_can_change() {
    let server = Server::start().await;
    let ana = server.user("Ana@Acme.example").await;
    let bea = server.user("bea@acme.example").await;
    let body = json!({"schemas": [urn::USER], "userName": "ANA@acme.EXAMPLE"});
    server.post("/Users", &body).await.error(409, "uniqueness");
    server.put(&format!("/Users/{bea}"), &body).await.error(409, "uniqueness");
    assert_eq!(
        server.put(&format!("/Users/{ana}"), &body).await.ok()["userName"],
        "ANA@acme.EXAMPLE"
    );
    // A freed login can be taken.
    let rename = json!([{"op": "replace", "path": "userName", "value": "ana.ruiz@acme.example"}]);
    server.patch(&format!("/Users/{ana}"), rename).await.ok();
    server.user("ana@acme.example").await;
    for name in ["", "   "] {
        let body = json!({"schemas": [urn::USER], "userName": name});
        server.post("/Users", &body).await.error(400, "invalidValue");
    }
}

#[tokio::test]
async fn an_address_is_found_only_while_it_is_there() {
    let server = Server::start().await;
    let body = json!({
        "schemas": [urn::USER],
        "userName": "ana@acme.example",
        "emails": [{"value": "ana@acme.example"}, {"value": "Home@Acme.example", "type": "home"}],
    });
    let ana = id(&server.post("/Users", &body).await.created());
    let count = async |address: &str| {
        server.find("/Users", &format!("emails.value eq \"{address}\"")).await.len()
    };
    assert_eq!((count("home@acme.example").await, count("ANA@acme.example").await), (1, 1));
    let path = format!("/Users/{ana}");
    server.patch(&path, json!([{"op": "remove", "path": "emails[type eq \"home\"]"}])).await.ok();
    assert_eq!((count("home@acme.example").await, count("ana@acme.example").await), (0, 1));
    // The login is no address once it is taken off the addresses.
    server.patch(&path, json!([{"op": "remove", "path": "emails"}])).await.ok();
    assert_eq!(count("ana@acme.example").await, 0);
    // Renamed, the old login may be an address again.
    let change = json!([
        {"op": "replace", "path": "userName", "value": "ruiz"},
        {"op": "add", "path": "emails", "value": [{"value": "ana@acme.example"}]},
    ]);
    server.patch(&path, change).await.ok();
    assert_eq!(count("ana@acme.example").await, 1);
}

#[tokio::test]
async fn active_can_be_unassigned_and_changes_nothing_by_it() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let path = format!("/Users/{ana}");
    assert_eq!(server.get(&path).await.ok()["active"], true, "by default");
    let removed = server.patch(&path, json!([{"op": "remove", "path": "active"}])).await.ok();
    assert_eq!(removed.get("active"), None);
    assert!(server.provider.user(&server.tenant, &ana).unwrap().active);
    assert!(server.find("/Users", "active pr").await.is_empty());
    assert_eq!(server.find("/Users", "active eq true or userName eq \"ana\"").await.len(), 1);
}

#[tokio::test]
async fn a_write_for_another_version_is_refused() {
    let server = Server::start().await;
    let path = format!("/Users/{}", server.user("ana").await);
    let body = json!({"schemas": [urn::USER], "userName": "ana", "title": "Rep"}).to_string();
    let write = |tag: &str| {
        send(server.request(Method::PUT, &path).header("if-match", tag).body(body.clone()))
    };
    assert_eq!(write("W/\"1\"").await.header("etag"), "W/\"2\"");
    write("W/\"1\"").await.error(412, "");
    let spared = send(server.request(Method::GET, &path).header("if-none-match", "W/\"2\"")).await;
    assert_eq!((spared.status.as_u16(), spared.text.as_str()), (304, ""));
}

#[tokio::test]
async fn what_does_not_differ_is_not_written() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let path = format!("/Users/{ana}");
    let before = server.get(&path).await.ok();
    server.clock.advance(jiff::SignedDuration::from_hours(1));
    assert_eq!(server.put(&path, &before).await.ok(), before);
    server.patch(&path, json!([{"op": "replace", "path": "active", "value": true}])).await.ok();
    assert_eq!(server.get(&path).await.ok(), before);
    let changed =
        server.patch(&path, json!([{"op": "add", "path": "title", "value": "Rep"}])).await.ok();
    assert_eq!(changed["meta"]["lastModified"], "2026-11-24T10:00:00.000Z");
    assert_eq!(changed["meta"]["created"], before["meta"]["created"]);
}

#[tokio::test]
async fn only_what_is_asked_for_is_shown() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    server.group("Sales", &[&ana]).await;
    let keys = async |query: &str| -> Vec<String> {
        let body: Value = server.get(&format!("/Users/{ana}?{query}")).await.ok();
        body.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys("attributes=userName").await, ["id", "schemas", "userName"]);
    assert_eq!(keys("attributes=groups.display").await, ["groups", "id", "schemas"]);
    assert_eq!(
        keys("excludedAttributes=meta,groups").await,
        ["active", "id", "schemas", "userName"]
    );
}
