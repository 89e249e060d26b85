//! `/Me` (RFC 7644 3.11).

use reqwest::Method;
use scim::urn;
use serde_json::json;

use super::{Server, send};

#[tokio::test]
async fn who_stands_for_nobody_has_no_me() {
    let server = Server::start().await;
    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE, Method::POST] {
        let answer = server.write(method, "/Me", &json!({})).await;
        assert_eq!(answer.error(501, ""), "The token stands for nobody.");
    }
}

#[tokio::test]
async fn me_is_the_resource_that_the_token_stands_for() {
    let server = Server::start().await;
    let id = server.user("ana").await;
    server.store.bind(&id);
    let location = format!("{}/Users/{}", server.base, scim_server::encode_segment(&id));
    let read = server.get("/Me").await;
    assert_eq!((read.status.as_u16(), read.json()["userName"].clone()), (200, json!("ana")));
    assert_eq!(read.header("location"), location);
    assert_eq!(read.header("content-location"), location);
    assert_eq!(read.json()["meta"]["location"], location);
    let keys = server.get("/Me?attributes=userName").await.json();
    assert_eq!(keys.as_object().unwrap().len(), 3);

    let patch = json!({"schemas": [urn::PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "Rep"}]});
    let patched = server.write(Method::PATCH, "/Me", &patch).await;
    assert_eq!((patched.status.as_u16(), patched.json()["title"].clone()), (200, json!("Rep")));
    let body = json!({"schemas": [urn::USER], "userName": "ana.b"});
    let replaced = server.write(Method::PUT, "/Me", &body).await;
    assert_eq!((replaced.status.as_u16(), replaced.header("etag")), (200, "W/\"3\""));

    // "In any response": also where nothing comes of it, and where there is no body.
    let created = server.post("/Me", &body).await;
    created.error(405, "");
    assert_eq!(created.header("allow"), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    assert_eq!(created.header("location"), location);
    let unread = server.write(Method::PUT, "/Me", &json!([])).await;
    unread.error(400, "invalidSyntax");
    assert_eq!(unread.header("location"), location);
    let same = send(server.request(Method::GET, "/Me").header("if-none-match", "W/\"3\"")).await;
    assert_eq!((same.status.as_u16(), same.header("location")), (304, location.as_str()));

    let deleted = send(server.request(Method::DELETE, "/Me")).await;
    assert_eq!((deleted.status.as_u16(), deleted.header("location")), (204, location.as_str()));
    let gone = server.get("/Me").await;
    gone.error(404, "");
    assert_eq!(gone.header("location"), location);
}

#[tokio::test]
async fn an_operation_of_a_bulk_request_may_be_about_me() {
    let server = Server::start().await;
    let id = server.user("ana").await;
    server.store.bind(&id);
    let results = server.bulk(json!([{"method": "DELETE", "path": "/Me"}])).await;
    assert_eq!(results[0]["status"], "204");
    assert!(results[0]["location"].as_str().unwrap().contains("/Users/"));
}
