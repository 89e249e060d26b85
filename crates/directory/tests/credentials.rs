//! "Test API credentials" against applications that answer in every way they do in the field.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::Router;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::get;
use db::{Clock, KeyFile};
use directory::{ApplicationConfig, CredentialsVerdict, Directory, DirectoryOptions, Outbound};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

fn directory(folder: &TempDir, private_hosts: &[&str]) -> Directory {
    let key_file = folder.path().join("muster.key");
    if !key_file.exists() {
        KeyFile::create(&key_file).unwrap();
    }
    Directory::open(&DirectoryOptions {
        database: db::testing::url(&folder.path().join("directory.db")),
        key_file,
        clock: Clock::fixed("2026-11-24T09:00:00Z".parse().unwrap()),
        outbound: Outbound::allow(private_hosts.iter().map(|host| (*host).to_string())),
    })
    .unwrap()
}

fn add(directory: &Directory, name: &str, base_url: &str) {
    let config: ApplicationConfig =
        serde_json::from_value(json!({ "name": name, "base_url": base_url })).unwrap();
    let ctx = directory.ctx("test", "set-up");
    directory.put_application(&ctx, &config).unwrap();
    directory.set_application_token(&ctx, name, "a token").unwrap();
}

/// One application for each way of answering, told apart by the first part of the path.
async fn applications() -> String {
    let scim_error = |status: StatusCode, detail: &str| {
        (status, axum::Json(json!({ "status": status.as_str(), "detail": detail }))).into_response()
    };
    let users = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 1234, "startIndex": 1, "itemsPerPage": 1, "Resources": [{ "id": "1" }]
    });
    let router = Router::new()
        .route("/well/Users", get(|| async move { axum::Json(users) }))
        .route(
            "/expired/Users",
            get(move || async move {
                scim_error(StatusCode::UNAUTHORIZED, "The token expired on 2026-11-01.")
            }),
        )
        .route(
            "/narrow/Users",
            get(move || async move { scim_error(StatusCode::FORBIDDEN, "scim:read is missing") }),
        )
        .route("/page/Users", get(|| async { Html("<html>Sign in</html>") }))
        .route("/moved/Users", get(|| async { Redirect::to("/sign-in") }))
        .route("/other/Users", get(|| async { axum::Json(json!({ "users": [] })) }))
        .route(
            "/busy/Users",
            get(|| async { (StatusCode::TOO_MANY_REQUESTS, [("Retry-After", "7")], "slow down") }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test]
async fn every_answer_becomes_one_sentence_and_a_next_step() {
    let (folder, address) = (TempDir::new().unwrap(), applications().await);
    let directory = directory(&folder, &["127.0.0.1"]);
    let mut told = Vec::new();
    for name in ["well", "expired", "narrow", "page", "moved", "other", "busy", "nowhere"] {
        add(&directory, name, &format!("{address}/{name}"));
        let test = directory.test_credentials(name).await.unwrap();
        assert_eq!(test.is_ok(), name == "well");
        let next_step = test.next_step.unwrap_or_else(|| "-".into());
        told.push(format!("{} {next_step}", test.sentence).replace(&address, "[ADDRESS]"));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    well accepts the token; 1234 users are there. -
    expired refused the token, which has expired (401): "The token expired on 2026-11-01". Make a new token in the application, then `muster app token expired --token-file F`.
    narrow knows the token, but it may not read users (403): "scim:read is missing". Give the token the right to read and write users and groups.
    [ADDRESS]/page answers (200), but not with SCIM: it is a page or another API. Give the SCIM base of the application, such as https://api.zoom.us/scim2.
    [ADDRESS]/moved answers with a redirect, as a sign-in page does, and not with SCIM. Give the SCIM base of the application, such as https://api.zoom.us/scim2.
    [ADDRESS]/other answers (200), but not with SCIM: it is a page or another API. Give the SCIM base of the application, such as https://api.zoom.us/scim2.
    busy asks to slow down: "slow down". Try again after 2026-11-24T09:00:07Z.
    [ADDRESS]/nowhere answers, but has no /Users (404), so it is not the SCIM base of nowhere. Give the SCIM base of the application, such as https://api.zoom.us/scim2.
    "#);
}

#[tokio::test]
async fn a_test_tells_what_was_asked_when() {
    let (folder, address) = (TempDir::new().unwrap(), applications().await);
    let directory = directory(&folder, &["127.0.0.1"]);
    add(&directory, "well", &format!("{address}/well/"));
    let test = directory.test_credentials("WELL").await.unwrap();
    assert_eq!(test.request, format!("GET {address}/well/Users?startIndex=1&count=1"));
    assert_eq!(test.user_count, Some(1234));
    assert_eq!(test.asked_at.to_string(), "2026-11-24T09:00:00Z");
}

#[tokio::test]
async fn an_application_that_is_down_is_unreachable() {
    let folder = TempDir::new().unwrap();
    let directory = directory(&folder, &["127.0.0.1"]);
    // The port is free again as soon as the listener is dropped.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    add(&directory, "down", &address);
    let test = directory.test_credentials("down").await.unwrap();
    assert_eq!(test.verdict, CredentialsVerdict::Unreachable);
    let expected = format!("down cannot be reached at {address}: ");
    assert!(test.sentence.starts_with(&expected), "{}", test.sentence);
}

#[tokio::test]
async fn a_private_address_is_refused_until_it_is_allowed_by_name() {
    let folder = TempDir::new().unwrap();
    let open = directory(&folder, &["127.0.0.1", "localhost"]);
    add(&open, "by-address", "http://127.0.0.1:9/scim");
    add(&open, "by-name", "http://localhost:9/scim");
    drop(open);
    let closed = directory(&folder, &[]);
    let mut told = Vec::new();
    for name in ["by-address", "by-name"] {
        let test = closed.test_credentials(name).await.unwrap();
        told.push(format!("{} {}", test.sentence, test.next_step.unwrap_or_default()));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    Nothing was sent to by-address: 127.0.0.1 lies in a private network (127.0.0.1), where requests are refused. If it is meant, add "127.0.0.1" to private_hosts under [directory].
    Nothing was sent to by-name: localhost lies in a private network (127.0.0.1), where requests are refused. If it is meant, add "localhost" to private_hosts under [directory].
    "#);
}

#[tokio::test]
async fn without_a_token_the_test_says_how_to_set_one() {
    let folder = TempDir::new().unwrap();
    let directory = directory(&folder, &["127.0.0.1"]);
    let config = json!({ "name": "zoom", "base_url": "http://127.0.0.1:9/scim" });
    let config: ApplicationConfig = serde_json::from_value(config).unwrap();
    directory.put_application(&directory.ctx("test", "set-up"), &config).unwrap();
    let error = directory.test_credentials("zoom").await.unwrap_err();
    insta::assert_snapshot!(error, @"application `zoom`: it has no token; set one with `muster app token zoom --token-file F`");
}

#[tokio::test]
async fn a_token_is_not_sent_to_another_host_than_it_was_given_for() {
    let (folder, address) = (TempDir::new().unwrap(), applications().await);
    let directory = directory(&folder, &["127.0.0.1"]);
    add(&directory, "zoom", &format!("{address}/expired"));
    let put = |base_url: &str| {
        let config = serde_json::from_value(json!({ "name": "zoom", "base_url": base_url }));
        directory.put_application(&directory.ctx("test", "edit"), &config.unwrap()).unwrap();
    };
    // Another path of the same host keeps it.
    put(&format!("{address}/well"));
    assert!(directory.test_credentials("zoom").await.unwrap().is_ok());
    put("https://elsewhere.example/scim2");
    let refused = directory.client(&directory.application("zoom").unwrap()).err().unwrap();
    assert!(refused.to_string().contains("it has no token"), "{refused}");
}
