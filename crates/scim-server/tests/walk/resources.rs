//! What works.

use reqwest::Method;
use scim::urn;
use serde_json::json;

use super::{Server, send};

fn encoded(id: &str) -> String {
    scim_server::encode_segment(id).into_owned()
}

#[tokio::test]
async fn a_user_is_created_read_replaced_patched_and_deleted() {
    let server = Server::start().await;
    let body = json!({"schemas": [urn::USER], "userName": "ana", "title": "Rep", "password": "x", "id": "mine"});
    let created = server.post("/Users", &body).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header("content-type"), "application/scim+json");
    assert_eq!(created.header("etag"), "W/\"1\"");
    let user = created.json();
    let id = user["id"].as_str().unwrap();
    let path = format!("/Users/{}", encoded(id));
    assert_eq!(path, "/Users/k%26User%2F1");
    assert_eq!(created.header("location"), format!("{}{path}", server.base));
    assert_eq!(user["meta"]["location"], created.header("location"));
    assert_eq!(user["meta"]["version"], "W/\"1\"");
    assert_eq!(user.get("password"), None, "never returned");

    let read = server.get(&path).await;
    assert_eq!((read.status.as_u16(), read.json()), (200, user.clone()));

    let replaced = server
        .write(Method::PUT, &path, &json!({"schemas": [urn::USER], "userName": "ana.b"}))
        .await;
    assert_eq!((replaced.status.as_u16(), replaced.header("etag")), (200, "W/\"2\""));
    assert_eq!(replaced.json()["userName"], "ana.b");
    assert_eq!(replaced.json().get("title"), None, "left out of the PUT");

    let patch = json!({"schemas": [urn::PATCH_OP], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]});
    let patched = server.write(Method::PATCH, &path, &patch).await;
    assert_eq!((patched.status.as_u16(), patched.json()["active"].clone()), (200, json!(false)));
    let tolerated: Vec<_> =
        server.store.last_record().tolerated.iter().map(ToString::to_string).collect();
    assert_eq!(tolerated, ["capitalisedOp at Operations[0].op", "booleanAsString at active"]);

    let deleted = send(server.request(Method::DELETE, &path)).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    server.get(&path).await.error(404, "");
}

#[tokio::test]
async fn a_list_is_paged_filtered_sorted_and_projected() {
    let server = Server::start().await;
    for name in ["cid", "ana", "bea"] {
        server.user(name).await;
    }
    let names = |answer: &super::Answer| -> Vec<String> {
        let body = answer.json();
        let resources = body["Resources"].as_array().unwrap();
        resources.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
    };
    let page = server.get("/Users?startIndex=2&count=1").await;
    assert_eq!(page.json()["schemas"], json!([urn::LIST_RESPONSE]));
    assert_eq!((names(&page), &page.json()["totalResults"]), (vec!["ana".to_owned()], &json!(3)));
    assert_eq!((&page.json()["startIndex"], &page.json()["itemsPerPage"]), (&json!(2), &json!(1)));

    let sorted = server.get("/Users?sortBy=userName&sortOrder=descending").await;
    assert_eq!(names(&sorted), ["cid", "bea", "ana"]);

    let found = server.get("/Users?filter=userName%20eq%20%22BEA%22&attributes=userName").await;
    assert_eq!(names(&found), ["bea"]);
    let keys: Vec<_> = found.json()["Resources"][0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["id", "schemas", "userName"]);

    let empty = server.get("/Users?filter=userName+eq+%22nobody%22").await;
    assert_eq!(
        (empty.json()["totalResults"].clone(), empty.json()["Resources"].clone()),
        (json!(0), json!([]))
    );

    let total = server.get("/Users?count=0").await;
    assert_eq!((names(&total), total.json()["totalResults"].clone()), (vec![], json!(3)));

    let search = json!({"schemas": [urn::SEARCH_REQUEST], "filter": "userName sw \"a\"", "attributes": ["userName"]});
    let searched = server.post("/Users/.search", &search).await;
    assert_eq!((searched.status.as_u16(), names(&searched)), (200, vec!["ana".to_owned()]));

    // What is repeated adds up.
    let path = format!(
        "/Users/{}?attributes=userName&attributes=active",
        encoded(&server.user("dov").await)
    );
    let keys: Vec<_> =
        server.get(&path).await.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["id", "schemas", "userName"]);
}

#[tokio::test]
async fn members_are_left_out_on_request_and_when_there_are_too_many() {
    let server = Server::start().await;
    let members = json!([{"value": "a"}, {"value": "b"}]);
    let body = json!({"schemas": [urn::GROUP], "displayName": "Sales", "members": members});
    let group = server.post("/Groups", &body).await.json();
    let path = format!("/Groups/{}", encoded(group["id"].as_str().unwrap()));
    assert_eq!(server.get(&path).await.json()["members"], members);
    let without = server.get(&format!("{path}?excludedAttributes=members")).await.json();
    assert_eq!((without.get("members"), &without["displayName"]), (None, &json!("Sales")));

    let add = |id: &str| json!({"schemas": [urn::PATCH_OP], "Operations": [{"op": "add", "path": "members", "value": [{"value": id}]}]});
    let third = server.write(Method::PATCH, &path, &add("c")).await;
    assert_eq!(third.status, 200);
    let fourth = server.write(Method::PATCH, &path, &add("d")).await;
    assert_eq!((fourth.status.as_u16(), fourth.text.as_str()), (204, ""));
    assert_eq!(fourth.header("etag"), "W/\"3\"");
}

#[tokio::test]
async fn versions_spare_reads_and_guard_writes() {
    let server = Server::start().await;
    let path = format!("/Users/{}", encoded(&server.user("ana").await));
    let read = |tag: &str| send(server.request(Method::GET, &path).header("if-none-match", tag));
    let unchanged = read("W/\"1\"").await;
    assert_eq!((unchanged.status.as_u16(), unchanged.text.as_str()), (304, ""));
    assert_eq!(unchanged.header("etag"), "W/\"1\"");
    assert_eq!(read("W/\"2\"").await.status, 200);
    let tied = |tag: &str| send(server.request(Method::GET, &path).header("if-match", tag));
    assert_eq!(tied("W/\"1\"").await.status, 200);
    assert_eq!(tied("*").await.status, 200);
    tied("W/\"2\"").await.error(412, "");

    let body = json!({"schemas": [urn::USER], "userName": "ana"}).to_string();
    let write = |tag: &[u8]| {
        let tag = reqwest::header::HeaderValue::from_bytes(tag).unwrap();
        let request = server.request(Method::PUT, &path).header("if-match", tag);
        send(request.header("content-type", "application/json").body(body.clone()))
    };
    write(b"W/\"9\"").await.error(412, "");
    write(b"\xff").await.error(412, "");
    assert_eq!(write(b"W/\"1\"").await.status, 200);
    let deletion = server.request(Method::DELETE, &path).header("if-match", "W/\"1\"");
    send(deletion).await.error(412, "");
}

#[tokio::test]
async fn discovery_tells_what_there_is() {
    let server = Server::start().await;
    let config = server.get("/ServiceProviderConfig").await.json();
    assert_eq!(config["patch"]["supported"], true);
    let types = server.get("/ResourceTypes").await.json();
    assert_eq!(
        (&types["totalResults"], &types["Resources"][1]["name"]),
        (&json!(2), &json!("Group"))
    );
    assert_eq!(server.get("/ResourceTypes/User").await.json(), types["Resources"][0]);
    let schemas = server.get("/Schemas").await.json();
    for schema in schemas["Resources"].as_array().unwrap() {
        let id = schema["id"].as_str().unwrap();
        assert_eq!(&server.get(&format!("/Schemas/{id}")).await.json(), schema);
    }
    server.get("/Schemas/urn:nope").await.error(404, "");
    server.get("/ResourceTypes/Nope").await.error(404, "");
    // RFC 7644 4: a filter on discovery is forbidden.
    server.get("/Schemas?filter=id%20eq%20%22x%22").await.error(403, "");
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let server = Server::start().await;
    let path = format!("/Users/{}", encoded(&server.user("ana").await));
    let whole = server.get(&path).await;
    let head = send(server.request(Method::HEAD, &path)).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), whole.text.len().to_string());
    assert_eq!(head.header("etag"), whole.header("etag"));
    assert_eq!(send(server.request(Method::HEAD, "/Users/nope")).await.status, 404);
}

#[tokio::test]
async fn every_request_is_logged_with_what_came_of_it() {
    let server = Server::start().await;
    let request = server
        .request(Method::GET, "/Users/nope?attributes=id")
        .header("user-agent", "Okta SCIM Client 1.0.0");
    let detail = send(request).await.error(404, "");
    let record = server.store.last_record();
    assert_eq!((record.method.as_str(), record.path.as_str()), ("GET", "/Users/nope"));
    assert_eq!(record.query.as_deref(), Some("attributes=id"));
    assert_eq!((record.status, record.detail), (404, Some(detail)));
    assert_eq!(record.user_agent.as_deref(), Some("Okta SCIM Client 1.0.0"));
}
