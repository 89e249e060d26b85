//! The letter of RFC 7643 and RFC 7644, as a client that departs from it nowhere sees it.

use reqwest::Method;
use scim::urn;
use serde_json::{Value, json};
use service_provider::Dialect;

use super::{Answer, Server, id, send};

fn user(more: Value) -> Value {
    let mut body = json!({"schemas": [urn::USER], "userName": "ana@x"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn patch(operation: Value) -> Value {
    json!({"schemas": [urn::PATCH_OP], "Operations": [operation]})
}

fn keys(resource: &Value) -> Vec<String> {
    resource.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn every_detail_error_keyword_can_be_had() {
    let server = Server::speaking(Dialect::Rfc).await;
    let ana = server.user("ana@x").await;
    let path = format!("/Users/{ana}");
    let patched =
        async |operation: Value| server.write(Method::PATCH, &path, &patch(operation)).await;
    server.get("/Users?filter=userName%20is%20%22a%22").await.error(400, "invalidFilter");
    server.get("/Users?filter=shoeSize%20pr").await.error(400, "invalidFilter");
    server.get("/Users?filter=active%20gt%20true").await.error(400, "invalidFilter");
    server.get("/?sortBy=userName&startIndex=10001").await.error(400, "tooMany");
    server.post("/Users", &user(json!({"userName": "ANA@x"}))).await.error(409, "uniqueness");
    server.post("/Users", &json!([])).await.error(400, "invalidSyntax");
    server.post("/Users", &json!({"userName": "bea@x"})).await.error(400, "invalidSyntax");
    server.post("/Users", &json!({"schemas": [urn::USER]})).await.error(400, "invalidValue");
    server.post("/Users", &user(json!({"active": 1}))).await.error(400, "invalidValue");
    patched(json!({"op": "replace", "path": "meta.created", "value": "2026-01-01T00:00:00Z"}))
        .await
        .error(400, "mutability");
    patched(json!({"op": "replace", "path": "id", "value": "1"})).await.error(400, "mutability");
    patched(json!({"op": "remove", "path": "userName"})).await.error(400, "mutability");
    patched(json!({"op": "add", "path": "emails[", "value": "x"})).await.error(400, "invalidPath");
    patched(json!({"op": "add", "path": "shoeSize", "value": 43})).await.error(400, "invalidPath");
    patched(json!({"op": "remove"})).await.error(400, "noTarget");
    let none = json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "a@x"});
    patched(none).await.error(400, "noTarget");
    server.get("/v1/Users").await.error(400, "invalidVers");
    server.get("/Users?filter=password%20eq%20%22x%22").await.error(403, "sensitive");
}

#[tokio::test]
async fn meta_tells_when_where_and_which_version() {
    let server = Server::start().await;
    let created = server.post("/Users", &user(json!({}))).await;
    let meta = created.created()["meta"].clone();
    let location = format!("{}/Users/{}", server.provider.base_url(), id(&created.json()));
    assert_eq!(meta["resourceType"], "User");
    assert_eq!(
        (&meta["location"], created.header("location")),
        (&json!(location), location.as_str())
    );
    assert_eq!(created.header("content-location"), location);
    assert_eq!((&meta["version"], created.header("etag")), (&json!("W/\"1\""), "W/\"1\""));
    assert_eq!(meta["created"], "2026-11-24T09:00:00.000Z");
    assert_eq!(meta["lastModified"], meta["created"], "never modified");
    server.clock.set("2026-11-24T09:00:01.5Z".parse().unwrap());
    let path = format!("/Users/{}", id(&created.json()));
    let changed =
        server.patch(&path, json!([{"op": "add", "path": "title", "value": "Rep"}])).await;
    let meta = changed.ok()["meta"].clone();
    assert_eq!(meta["created"], "2026-11-24T09:00:00.000Z");
    assert_eq!(meta["lastModified"], "2026-11-24T09:00:01.500Z");
    assert_eq!(meta["version"], changed.header("etag"));
}

#[tokio::test]
async fn what_is_shown_can_be_chosen_on_every_verb() {
    let server = Server::start().await;
    let enterprise = json!({"department": "Sales", "manager": {"value": "1"}});
    let more = json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER], "name": {"givenName": "Ana", "familyName": "B"},
        "emails": [{"value": "a@x", "type": "work"}], "password": "secret", urn::ENTERPRISE_USER: enterprise
    });
    let body = user(more);
    let check = |answer: &Answer, expected: &[&str]| {
        let shown = answer.json();
        let shown = shown["Resources"].get(0).cloned().unwrap_or(shown);
        assert_eq!(keys(&shown), expected, "{}", answer.text);
        shown
    };
    let only = "attributes=name.givenName,urn:ietf:params:scim:schemas:core:2.0:User:emails";
    let expected = ["emails", "id", "name", "schemas"];
    let created = server.post(&format!("/Users?{only}"), &body).await;
    let shown = check(&created, &expected);
    assert_eq!(shown["name"], json!({"givenName": "Ana"}));
    let path = format!("/Users/{}", id(&shown));
    check(&server.put(&format!("{path}?{only}"), &body).await, &expected);
    let operation = patch(json!({"op": "add", "path": "title", "value": "Rep"}));
    check(&server.write(Method::PATCH, &format!("{path}?{only}"), &operation).await, &expected);
    check(&server.get(&format!("{path}?{only}")).await, &expected);
    check(&server.get(&format!("/Users?{only}")).await, &expected);
    check(&server.get(&format!("/?{only}")).await, &expected);
    let search =
        json!({"schemas": [urn::SEARCH_REQUEST], "attributes": ["NAME.givenname", "emails"]});
    check(&server.post("/Users/.search", &search).await, &expected);
    check(&server.post("/.search", &search).await, &expected);

    // What is always shown cannot be excluded; a whole extension, a part of one, a part of `meta`.
    let get = async |query: &str| server.get(&format!("{path}?{query}")).await.ok();
    let shown = get("excludedAttributes=id,userName,meta.version,name").await;
    assert_eq!((shown.get("id").is_some(), shown.get("name")), (true, None));
    assert_eq!(keys(&shown["meta"]), ["created", "lastModified", "location", "resourceType"]);
    let shown = get(&format!("attributes={}", urn::ENTERPRISE_USER)).await;
    assert_eq!(shown[urn::ENTERPRISE_USER]["department"], "Sales");
    assert_eq!(keys(&shown).len(), 3);
    let shown = get(&format!("attributes={}:manager.value", urn::ENTERPRISE_USER)).await;
    assert_eq!(shown[urn::ENTERPRISE_USER], json!({"manager": {"value": "1"}}));
    let shown = get(&format!("excludedAttributes={}", urn::ENTERPRISE_USER)).await;
    assert_eq!(shown.get(urn::ENTERPRISE_USER), None);
    assert_eq!(get("attributes=password").await.get("password"), None);
    assert_eq!(get("attributes=meta.location").await["meta"].as_object().unwrap().len(), 1);
    server
        .get(&format!("{path}?attributes=id&excludedAttributes=name"))
        .await
        .error(400, "invalidValue");
}

#[tokio::test]
async fn a_patch_that_names_what_it_wants_to_see_gets_it() {
    let server = Server::start().await;
    let mut members = Vec::new();
    for number in 0..102 {
        members.push(server.user(&format!("u{number}@x")).await);
    }
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let path = format!("/Groups/{}", server.group("Sales", &members).await);
    let remove =
        |id: &str| patch(json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}));
    server.write(Method::PATCH, &path, &remove(members[0])).await.no_content();
    let asked = format!("{path}?attributes=members");
    let shown = server.write(Method::PATCH, &asked, &remove(members[1])).await.ok();
    assert_eq!(shown["members"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn what_the_client_may_not_write_is_ignored_in_whole_resources() {
    let server = Server::speaking(Dialect::Rfc).await;
    let meta = json!({"resourceType": "Group", "created": "2000-01-01T00:00:00Z", "version": "x"});
    let more = json!({"id": "mine", "meta": meta, "groups": [{"value": "1"}]});
    let created = server.post("/Users", &user(more.clone())).await.created();
    assert_ne!(created["id"], "mine");
    assert_eq!(created["meta"]["resourceType"], "User");
    assert_eq!(created.get("groups"), None);
    let path = format!("/Users/{}", id(&created));
    let replaced = server.put(&path, &user(more)).await.ok();
    assert_eq!((&replaced["id"], &replaced["meta"]), (&created["id"], &created["meta"]));
}

#[tokio::test]
async fn what_is_deleted_is_gone_from_everywhere_and_in_nobody_s_way() {
    let server = Server::start().await;
    let ana = server.user("ana@x").await;
    let path = format!("/Users/{ana}");
    send(server.request(Method::DELETE, &path)).await.no_content();
    server.get(&path).await.error(404, "");
    server.put(&path, &user(json!({}))).await.error(404, "");
    server.patch(&path, json!([{"op": "add", "path": "title", "value": "x"}])).await.error(404, "");
    send(server.request(Method::DELETE, &path)).await.error(404, "");
    assert_eq!(server.find("/Users", "userName eq \"ana@x\"").await, Vec::<Value>::new());
    assert_eq!(server.get("/").await.ok()["totalResults"], 0);
    assert_ne!(server.user("ana@x").await, ana, "an id is never given again");
    // RFC 7644 3.2: PUT makes nothing.
    server.put("/Users/00000000", &user(json!({"userName": "bea@x"}))).await.error(404, "");
    assert_eq!(server.get("/Users").await.ok()["totalResults"], 1);
}

#[tokio::test]
async fn parameters_that_nobody_knows_change_nothing() {
    let server = Server::speaking(Dialect::Rfc).await;
    server.user("ana@x").await;
    let plain = server.get("/Users").await.ok();
    assert_eq!(server.get("/Users?shoeSize=43&utm=x").await.ok(), plain);
    let schemas = server.get("/Schemas").await.ok();
    assert_eq!(server.get("/Schemas?startIndex=2&count=1&sortBy=id").await.ok(), schemas);
    assert!(schemas["Resources"].as_array().unwrap().iter().all(|schema| {
        !schema["id"].as_str().unwrap().starts_with("urn:ietf:params:scim:api:")
    }));
    server.get("/Schemas?filter=id%20pr").await.error(403, "");
}

#[tokio::test]
async fn a_write_is_guarded_by_what_the_client_has_not_seen() {
    let server = Server::start().await;
    let path = format!("/Users/{}", server.user("ana@x").await);
    for (method, body) in [
        (Method::PUT, user(json!({}))),
        (Method::PATCH, patch(json!({"op": "add", "path": "title", "value": "x"}))),
        (Method::DELETE, json!({})),
    ] {
        for tag in ["*", "W/\"1\"", "\"9\", W/\"1\""] {
            let request = server.request(method.clone(), &path).header("if-none-match", tag);
            let request = request.header("content-type", "application/scim+json");
            send(request.body(body.to_string())).await.error(412, "");
        }
    }
    assert_eq!(server.get(&path).await.header("etag"), "W/\"1\"");
}

#[tokio::test]
async fn references_lead_to_what_they_name() {
    let server = Server::start().await;
    let boss = server.user("boss@x").await;
    let enterprise = json!({"manager": {"value": boss}});
    let more =
        json!({"schemas": [urn::USER, urn::ENTERPRISE_USER], urn::ENTERPRISE_USER: enterprise});
    let ana = id(&server.post("/Users", &user(more)).await.created());
    let group = server.group("Sales", &[&ana]).await;
    let shown = server.get(&format!("/Groups/{group}")).await.ok();
    let of_member = shown["members"][0]["$ref"].as_str().unwrap().to_owned();
    let shown = server.get(&format!("/Users/{ana}")).await.ok();
    let of_group = shown["groups"][0]["$ref"].as_str().unwrap().to_owned();
    assert_eq!(shown["groups"][0]["value"], group.as_str());
    for (reference, id) in [(of_member, &ana), (of_group, &group)] {
        let found = send(server.client.get(&reference).bearer_auth(&server.token)).await.ok();
        assert_eq!(&found["id"], id, "{reference}");
    }
}
