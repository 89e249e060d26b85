//! Requests that depend on a version (RFC 7644 3.14, RFC 9110 13).

use reqwest::{Method, RequestBuilder, header};
use scim::urn;
use serde_json::{Value, json};

use super::{Server, send};

fn with_body(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request.header(header::CONTENT_TYPE, "application/scim+json").body(body.to_string())
}

fn changes() -> [(Method, Value); 3] {
    let operations = json!([{"op": "replace", "path": "title", "value": "Rep"}]);
    [
        (Method::PUT, json!({"schemas": [urn::USER], "userName": "ana"})),
        (Method::PATCH, json!({"schemas": [urn::PATCH_OP], "Operations": operations})),
        (Method::DELETE, json!({})),
    ]
}

#[tokio::test]
async fn a_change_is_tied_to_the_versions_the_client_has_seen() {
    for (method, body) in changes() {
        let server = Server::start().await;
        let path = format!("/Users/{}", scim_server::encode_segment(&server.user("ana").await));
        let change = |name: &str, tags: &[&str]| {
            let mut request = server.request(method.clone(), &path);
            for tag in tags {
                request = request.header(name, *tag);
            }
            send(with_body(request, &body))
        };
        change("if-match", &["W/\"2\""]).await.error(412, "");
        change("if-match", &["\"\""]).await.error(412, "");
        change("if-none-match", &["*"]).await.error(412, "");
        change("if-none-match", &["W/\"1\""]).await.error(412, "");
        change("if-none-match", &["\"7\", \"1\""]).await.error(412, "");
        change("if-none-match", &["\"7\"", "\"1\""]).await.error(412, "");
        assert_eq!(server.get(&path).await.header("etag"), "W/\"1\"", "{method}: nothing was done");
        assert!(change("if-match", &["W/\"7\", W/\"1\""]).await.status.is_success(), "{method}");
    }
    for (method, body) in changes() {
        let server = Server::start().await;
        let path = format!("/Users/{}", scim_server::encode_segment(&server.user("ana").await));
        let request = server.request(method.clone(), &path).header("if-match", "*");
        let request = request.header("if-none-match", "W/\"7\"");
        assert!(send(with_body(request, &body)).await.status.is_success(), "{method}");
        let request = server.request(method.clone(), "/Users/gone").header("if-match", "*");
        let status = send(with_body(request, &body)).await.status;
        assert_eq!(status, 404, "{method}: what is not there has no version");
    }
}

#[tokio::test]
async fn a_read_is_spared_whoever_has_the_version() {
    let server = Server::start().await;
    let path = format!("/Users/{}", scim_server::encode_segment(&server.user("ana").await));
    for method in [Method::GET, Method::HEAD] {
        let read =
            |tag: &str| send(server.request(method.clone(), &path).header("if-none-match", tag));
        for tag in ["*", "W/\"1\"", "\"1\"", "W/\"9\", W/\"1\""] {
            let answer = read(tag).await;
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""), "{tag}");
            assert_eq!(answer.header("etag"), "W/\"1\"");
        }
        assert_eq!(read("W/\"11\"").await.status, 200);
        let tied = send(server.request(method.clone(), &path).header("if-match", "W/\"2\"")).await;
        assert_eq!(tied.status, 412);
    }
}

#[tokio::test]
async fn what_is_created_has_no_version_to_be_tied_to() {
    let server = Server::start().await;
    let create = |name: &str, tag: &str| {
        let body = json!({"schemas": [urn::USER], "userName": "ana"});
        send(with_body(server.request(Method::POST, "/Users").header(name, tag), &body))
    };
    create("if-match", "W/\"1\"").await.error(412, "");
    assert_eq!(create("if-match", "*").await.status, 201);
    assert_eq!(create("if-none-match", "*").await.status, 201);
}

#[tokio::test]
async fn the_header_and_the_resource_tell_the_same_version() {
    let server = Server::start().await;
    let path = format!("/Users/{}", scim_server::encode_segment(&server.user("ana").await));
    let mut answers = vec![server.get(&path).await];
    for (method, body) in changes().into_iter().take(2) {
        answers.push(server.write(method, &path, &body).await);
        answers.push(server.get(&path).await);
    }
    for answer in answers {
        assert_eq!(answer.json()["meta"]["version"], answer.header("etag"));
        assert_eq!(answer.json()["meta"]["location"], answer.header("location"));
        assert_eq!(answer.json()["meta"]["location"], answer.header("content-location"));
    }
}
