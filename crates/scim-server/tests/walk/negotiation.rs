//! What is sent and answered, under which name; which methods there are (RFC 7644 3.1, 3.8).

use reqwest::{Method, header};
use scim::urn;
use serde_json::json;

use super::{Server, send};

#[tokio::test]
async fn answers_are_called_what_the_client_accepts() {
    let server = Server::start().await;
    let path = format!("/Users/{}", scim_server::encode_segment(&server.user("ana").await));
    let (scim, json) = ("application/scim+json", "application/json");
    for (accept, expected) in [
        (scim, scim),
        (json, json),
        ("*/*", scim),
        ("application/json, application/scim+json;q=0.5", json),
        ("text/json", "text/json"),
    ] {
        for path in [path.as_str(), "/Users", "/", "/Schemas", "/Users/gone", "/Nope"] {
            let answer =
                send(server.request(Method::GET, path).header(header::ACCEPT, accept)).await;
            assert_eq!(answer.header("content-type"), expected, "{path}: {accept}");
        }
    }
    let request = server.request(Method::GET, &path).header(header::ACCEPT, "application/xml");
    send(request).await.error(406, "");
    // Nothing is done for whoever could not read what came of it.
    let request = server.request(Method::DELETE, &path).header(header::ACCEPT, "text/html");
    send(request).await.error(406, "");
    assert_eq!(server.get(&path).await.status, 200);
}

#[tokio::test]
async fn bodies_are_json_in_utf_8() {
    let server = Server::start().await;
    let body = json!({"schemas": [urn::USER], "userName": "ana"}).to_string();
    for (kind, status) in [
        ("application/scim+json", 201),
        ("application/json", 201),
        ("application/scim+json; charset=utf-8", 201),
        ("application/scim+json; charset=iso-8859-1", 415),
        ("application/xml", 415),
    ] {
        let request = server.request(Method::POST, "/Users").header(header::CONTENT_TYPE, kind);
        assert_eq!(send(request.body(body.clone())).await.status, status, "{kind}");
    }
    // Nobody told this store to tolerate a body of unknown kind.
    let request = server.request(Method::POST, "/Users").body(body.into_bytes());
    send(request).await.error(415, "");
}

#[tokio::test]
async fn every_endpoint_tells_its_methods() {
    let server = Server::start().await;
    for (path, allow) in [
        ("/", "GET, HEAD, OPTIONS"),
        ("/Users", "GET, HEAD, POST, OPTIONS"),
        ("/Users/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/.search", "POST, OPTIONS"),
        ("/Bulk", "POST, OPTIONS"),
        ("/Schemas", "GET, HEAD, OPTIONS"),
    ] {
        let answer = send(server.request(Method::OPTIONS, path)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""), "{path}");
        assert_eq!(answer.header("allow"), allow, "{path}");
        let wrong = send(server.request(Method::TRACE, path)).await;
        assert_eq!((wrong.status.as_u16(), wrong.header("allow")), (405, allow), "{path}");
    }
    // What there is is the tenant's: nobody else is told.
    let url = format!("{}/Users", server.base);
    send(server.client.request(Method::OPTIONS, url)).await.error(401, "");
}

#[tokio::test]
async fn head_is_there_wherever_get_is() {
    let server = Server::start().await;
    server.user("ana").await;
    for path in ["/", "/Users", "/Schemas", "/ResourceTypes/User", "/ServiceProviderConfig"] {
        let whole = server.get(path).await;
        let head = send(server.request(Method::HEAD, path)).await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-length"), whole.text.len().to_string(), "{path}");
    }
}
