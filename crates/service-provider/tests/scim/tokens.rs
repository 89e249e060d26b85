//! Tokens end, are revoked and take turns; each refusal says what to do.

use jiff::SignedDuration;
use reqwest::Method;
use scim::urn;
use serde_json::json;
use service_provider::{NewToken, Scope, Scopes};

use super::{Server, send};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn try_token(server: &Server, token: &str) -> super::Answer {
    let url = format!("{}/Users?count=2", server.provider.base_url());
    send(server.client.get(url).bearer_auth(token)).await
}

#[tokio::test]
async fn an_expired_token_says_since_when() {
    let server = Server::start().await;
    let expires_at = Some(server.now() + HOUR);
    let token = NewToken { expires_at, ..NewToken::named("short") };
    let secret =
        server.provider.create_token(&server.ctx(), &server.tenant, &token).unwrap().secret;
    try_token(&server, &secret).await.ok();
    server.clock.advance(HOUR);
    let detail = try_token(&server, &secret).await.error(401, "");
    assert_eq!(
        detail,
        "The token expired on 2026-11-24; make a new one with `muster token rotate` and give it to the client."
    );
    let past = NewToken { expires_at: Some(server.now()), ..NewToken::named("past") };
    assert!(server.provider.create_token(&server.ctx(), &server.tenant, &past).is_err());
}

#[tokio::test]
async fn a_revocation_bites_at_once() {
    let server = Server::start().await;
    try_token(&server, &server.token).await.ok();
    server.provider.revoke_token(&server.ctx(), &server.tenant, "directory").unwrap();
    let answer = try_token(&server, &server.token).await;
    assert!(answer.error(401, "").starts_with("The token was revoked on 2026-11-24"));
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"scim\", error=\"invalid_token\"");
    assert!(server.provider.revoke_token(&server.ctx(), &server.tenant, "directory").is_err());
}

#[tokio::test]
async fn a_revocation_by_another_process_bites_too() {
    let server = Server::start().await;
    try_token(&server, &server.token).await.ok();
    // Another process is another opening of the same database.
    let database = server._folder.path().join("service-provider.db");
    let config = service_provider::Config {
        database: db::testing::url(&database),
        public_url: server.provider.public_url().to_owned(),
        key_file: None,
        clock: server.clock.clone(),
    };
    let beside = service_provider::ServiceProvider::open(config).unwrap();
    beside.revoke_token(&server.ctx(), &server.tenant, "directory").unwrap();
    try_token(&server, &server.token).await.error(401, "");
}

#[tokio::test]
async fn a_rotated_token_and_its_successor_overlap() {
    let server = Server::start().await;
    let rotate = |name: &str| {
        server.provider.rotate_token(&server.ctx(), &server.tenant, name, HOUR, None).unwrap()
    };
    let next = rotate("directory");
    assert_eq!(next.token.name, "directory");
    for token in [&server.token, &next.secret] {
        try_token(&server, token).await.ok();
    }
    server.clock.advance(HOUR);
    let detail = try_token(&server, &server.token).await.error(401, "");
    assert_eq!(
        detail,
        "The token expired on 2026-11-24; it was rotated: give the client the newer one."
    );
    try_token(&server, &next.secret).await.ok();
    // The successor's successor, by the shared name, is made from the newest.
    assert_eq!(rotate("directory").token.rotated_from, Some(next.token.id));
    assert_eq!(server.provider.tokens(&server.tenant).unwrap().len(), 3);
}

#[tokio::test]
async fn a_successor_lives_as_long_as_the_old_one_was_made_to() {
    let server = Server::start().await;
    let token = NewToken { expires_at: Some(server.now() + HOUR * 24), ..NewToken::named("daily") };
    server.provider.create_token(&server.ctx(), &server.tenant, &token).unwrap();
    server.clock.advance(HOUR * 20);
    let next = server
        .provider
        .rotate_token(&server.ctx(), &server.tenant, "daily", HOUR * 10, None)
        .unwrap();
    assert_eq!(next.token.expires_at, Some(server.now() + HOUR * 24));
    // The overlap never prolongs the old one.
    let tokens = server.provider.tokens(&server.tenant).unwrap();
    let old =
        tokens.iter().find(|token| Some(&token.id) == next.token.rotated_from.as_ref()).unwrap();
    assert_eq!(old.expires_at, Some(server.now() + HOUR * 4));
}

#[tokio::test]
async fn what_is_no_token_is_told_from_what_is_not_known() {
    let server = Server::start().await;
    let cut = &server.token[..server.token.len() - 1];
    for token in ["wrong-1234", "", cut, "mst_"] {
        let detail = try_token(&server, token).await.error(401, "");
        assert!(
            detail.contains("mistyped") || detail.contains("No bearer token"),
            "{token}: {detail}"
        );
    }
    let other = Server::start().await;
    let detail = try_token(&server, &other.token).await.error(401, "");
    assert!(detail.contains("not known here"), "{detail}");
}

#[tokio::test]
async fn scopes_limit_what_a_token_may_do() {
    let mut server = Server::start().await;
    let token = NewToken { scopes: Scopes::of([Scope::ScimRead]), ..NewToken::named("reader") };
    server.token =
        server.provider.create_token(&server.ctx(), &server.tenant, &token).unwrap().secret;
    server.get("/Users").await.ok();
    let body = json!({"schemas": [urn::USER], "userName": "ana"});
    let detail = server.post("/Users", &body).await.error(403, "");
    assert!(detail.contains("scim:write"), "{detail}");
}

#[tokio::test]
async fn the_last_use_is_written_down() {
    let server = Server::start().await;
    let last_used = || server.provider.tokens(&server.tenant).unwrap()[0].last_used_at;
    server.get("/Users").await.ok();
    assert_eq!(last_used(), None, "not with every request");
    server.provider.flush_last_used().unwrap();
    assert_eq!(last_used(), Some(server.now()));
}

#[tokio::test]
async fn two_valid_tokens_do_not_share_a_name() {
    let server = Server::start().await;
    let again =
        server.provider.create_token(&server.ctx(), &server.tenant, &NewToken::named("directory"));
    assert!(again.unwrap_err().to_string().contains("Rotate or revoke it"));
    for name in ["", " a", "a\nb"] {
        assert!(
            server
                .provider
                .create_token(&server.ctx(), &server.tenant, &NewToken::named(name))
                .is_err()
        );
    }
}

#[tokio::test]
async fn me_is_the_user_a_token_was_made_for() {
    let mut server = Server::start().await;
    let detail = server.get("/Me").await.error(501, "");
    assert!(detail.contains("token create --subject"), "{detail}");
    let ana = server.user("ana@x").await;
    let create = |subject: &str| {
        let subject = Some(subject.to_owned());
        let token = NewToken { subject, ..NewToken::named("ana") };
        server.provider.create_token(&server.ctx(), &server.tenant, &token)
    };
    assert!(create("nobody@x").unwrap_err().to_string().contains("nobody@x"));
    let issued = create("ANA@x").unwrap();
    assert_eq!(issued.token.subject.as_ref(), Some(&ana));
    server.token = issued.secret;
    let me = server.get("/Me").await;
    assert_eq!(me.ok()["userName"], "ana@x");
    assert_eq!(me.header("location"), format!("{}/Users/{ana}", server.provider.base_url()));
    let operations = json!([{"op": "replace", "path": "title", "value": "Rep"}]);
    assert_eq!(server.patch("/Me", operations).await.ok()["title"], "Rep");
    // A successor stands for the same user.
    let overlap = HOUR;
    let next = server.provider.rotate_token(&server.ctx(), &server.tenant, "ana", overlap, None);
    server.token = next.unwrap().secret;
    assert_eq!(server.get("/Me").await.ok()["id"], ana.as_str());
    send(server.request(Method::DELETE, "/Me")).await.no_content();
    server.get("/Me").await.error(404, "");
}
