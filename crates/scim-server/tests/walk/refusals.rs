//! What is refused: always in SCIM's words.

use std::io::{Read, Write};
use std::net::TcpStream;

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
        (Method::POST, "/Schemas", "GET, HEAD, OPTIONS"),
        (Method::DELETE, "/ServiceProviderConfig", "GET, HEAD, OPTIONS"),
        (Method::PUT, "/ResourceTypes/User", "GET, HEAD, OPTIONS"),
        (Method::PUT, "/Users", "GET, HEAD, POST, OPTIONS"),
        (Method::POST, "/Users/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        (Method::GET, "/Users/.search", "POST, OPTIONS"),
        (Method::GET, "/.search", "POST, OPTIONS"),
        (Method::GET, "/Bulk", "POST, OPTIONS"),
        (Method::DELETE, "", "GET, HEAD, OPTIONS"),
    ] {
        let answer = server.write(method.clone(), path, &json!({})).await;
        answer.error(405, "");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
}

#[tokio::test]
async fn unknown_routes_are_scim_errors_too() {
    let server = Server::start().await;
    for path in ["/users", "/Users/1/2", "/Nope", "/Users//"] {
        server.get(path).await.error(404, "");
    }
    server.get("/Me").await.error(501, "");
    server.get("/v1/Users").await.error(400, "invalidVers");
    assert_eq!(server.get("/v2/Users").await.status, 200);
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
async fn who_sends_too_much_reads_why_it_is_refused() {
    let server = Server::start().await;
    let large = format!("{{\"userName\": \"{}\"}}", "a".repeat(BODY_BYTES_MAX));
    let post = |kind: &'static str| {
        let request = server.request(Method::POST, "/Users").header(header::CONTENT_TYPE, kind);
        send(request.body(large.clone()))
    };
    post("application/json").await.error(413, "");
    assert_eq!(server.store.last_record().status, 413);
    // Nor does the connection break where nobody looks at the body.
    post("text/plain").await.error(415, "");
    let url = format!("{}/Users", server.base);
    send(server.client.post(&url).body(large.clone())).await.error(401, "");
    send(server.request(Method::PUT, "/Users").body(large)).await.error(405, "");
}

#[tokio::test]
async fn a_body_in_pieces_is_read_and_one_that_is_not_asked_for_is_not_waited_for() {
    let server = Server::start().await;
    let address = server.base.trim_start_matches("http://").trim_end_matches("/scim2").to_owned();
    let raw = |request: String, pieces: &'static [&'static str]| {
        let address = address.clone();
        tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).unwrap();
                stream.flush().unwrap();
                std::thread::yield_now();
            }
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        })
    };
    let head = |token: &str, more: &str| {
        format!(
            "POST /scim2/Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n{more}\r\n\r\n"
        )
    };
    let pieces = &[
        "3b\r\n{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"\r\n",
        "10\r\nuserName\":\"ana\"}\r\n",
        "0\r\n\r\n",
    ];
    let answer = raw(head("good", "Transfer-Encoding: chunked"), pieces).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let waiting = "Content-Length: 10\r\nExpect: 100-continue";
    let answer = raw(head("bad", waiting), &[]).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
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
    server.get("/Users?filter=password%20pr").await.error(403, "sensitive");
}

#[tokio::test]
async fn a_panic_is_one_request_s_fault_and_a_scim_error() {
    let server = Server::start().await;
    server.get("/Users/panic").await.error(500, "");
    assert_eq!(server.store.last_record().status, 500);
    assert_eq!(server.get("/Users").await.status, 200);
}
