//! What is refused: always in SCIM's words.

use reqwest::{Method, header};
use scim::urn;
use scim_server::limits::BODY_BYTES_MAX;
use serde_json::json;

use super::{Server, send};

#[tokio::test]
async fn whoever_is_not_known_is_told_how_to_become_so() {
    let server = Server::start().await;
    let url = format!("{}/Users", server.base);
    let none = send(server.client.get(&url)).await;
    none.error(401, "");
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"scim\"");
    let wrong = send(server.client.get(&url).bearer_auth("bad")).await;
    assert_eq!(wrong.error(401, ""), "The token is not known.");
    assert_eq!(wrong.header("www-authenticate"), "Bearer realm=\"scim\", error=\"invalid_token\"");
    send(server.client.get(&url).basic_auth("good", Some("good"))).await.error(401, "");
    assert!(server.store.last_record().detail.is_some());
}

#[tokio::test]
async fn methods_an_endpoint_lacks_are_named_with_those_it_has() {
    let server = Server::start().await;
    for (method, path, allow) in [
        (Method::POST, "/Schemas", "GET, HEAD"),
        (Method::DELETE, "/ServiceProviderConfig", "GET, HEAD"),
        (Method::PUT, "/ResourceTypes/User", "GET, HEAD"),
        (Method::PUT, "/Users", "GET, HEAD, POST"),
        (Method::POST, "/Users/1", "GET, HEAD, PUT, PATCH, DELETE"),
        (Method::GET, "/Users/.search", "POST"),
    ] {
        let answer = server.write(method.clone(), path, &json!({})).await;
        answer.error(405, "");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
}

#[tokio::test]
async fn unknown_routes_are_scim_errors_too() {
    let server = Server::start().await;
    for path in ["", "/users", "/Users/1/2", "/Nope", "/Users//"] {
        server.get(path).await.error(404, "");
    }
    for path in ["/Me", "/Bulk", "/.search"] {
        server.get(path).await.error(501, "");
    }
    server.get("/Users/%ff").await.error(400, "");
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused() {
    let server = Server::start().await;
    let post = |kind: &'static str, body: String| {
        send(server.request(Method::POST, "/Users").header(header::CONTENT_TYPE, kind).body(body))
    };
    let good = json!({"schemas": [urn::USER], "userName": "ana"}).to_string();
    post("application/scim+json", "{".into()).await.error(400, "invalidSyntax");
    post("application/scim+json", String::new()).await.error(400, "invalidSyntax");
    post("application/scim+json", "[]".into()).await.error(400, "invalidSyntax");
    post("application/scim+json", "{}".into()).await.error(400, "invalidSyntax");
    post("application/scim+json", "\u{0}".into()).await.error(400, "invalidSyntax");
    post("text/html", good.clone()).await.error(415, "");
    for kind in ["application/json", "application/scim+json; charset=utf-8"] {
        assert_eq!(post(kind, good.clone()).await.status, 201, "{kind}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    post("application/json", deep).await.error(400, "invalidSyntax");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_without_being_kept() {
    let server = Server::start().await;
    let large = format!("{{\"userName\": \"{}\"}}", "a".repeat(BODY_BYTES_MAX));
    let request =
        server.request(Method::POST, "/Users").header(header::CONTENT_TYPE, "application/json");
    // The server may answer and close while the client still sends.
    if let Ok(response) = request.body(large).send().await {
        assert_eq!(response.status(), 413);
        assert!(response.text().await.unwrap().contains(urn::ERROR));
    }
    assert_eq!(server.store.last_record().status, 413);
}

#[tokio::test]
async fn queries_that_cannot_be_read_are_refused() {
    let server = Server::start().await;
    for (query, scim_type) in [
        ("count=x", "invalidValue"),
        ("startIndex=1.5", "invalidValue"),
        ("filter=userName%20xx%20%22a%22", "invalidFilter"),
        ("filter=nope%20eq%20%22a%22", "invalidFilter"),
        ("sortOrder=up", "invalidValue"),
        ("filter=%ff", "invalidSyntax"),
    ] {
        server.get(&format!("/Users?{query}")).await.error(400, scim_type);
    }
}

#[tokio::test]
async fn a_panic_is_one_request_s_fault_and_a_scim_error() {
    let server = Server::start().await;
    server.get("/Users/panic").await.error(500, "");
    assert_eq!(server.store.last_record().status, 500);
    assert_eq!(server.get("/Users").await.status, 200);
}
