//! Users who are there before a directory comes.

use service_provider::{Adopt, SelfSignup};

use super::*;

fn sign_up(email: &str) -> Value {
    json!({"action": "signUp", "user_info": {"email": email, "first_name": "Ana"}})
}

#[tokio::test]
async fn who_signs_up_is_pending_has_no_license_and_is_adopted() {
    let server = Server::start().await;
    let user = server.post("/v2/users", sign_up("ana@acme.test")).await.created();
    assert_eq!((&user["status"], &user["type"]), (&json!("pending"), &json!(99)));
    let ana = user["id"].as_str().unwrap();
    assert_eq!(server.has(ana), "");
    assert!(server.entitlement(ana).findings[0].contains("pending"));
    let meeting = json!({"topic": "x", "start_time": "2026-12-01T09:00:00Z"});
    server.post(&format!("/v2/users/{ana}/meetings"), meeting).await.with(400);
    let listed = server.get("/v2/users?status=pending").await.ok();
    assert_eq!(listed["users"][0]["email"], "ana@acme.test");
    // Provisioning takes the account over instead of failing.
    let adopted = server.user_with("ana", json!({"active": true})).await.created();
    assert_eq!(adopted["id"], ana);
    assert_eq!(server.has(ana), "unassigned");
}

#[tokio::test]
async fn the_tenant_can_forbid_signing_up_and_adoption() {
    let server = Server::start().await;
    server.post("/v2/users", sign_up("ana@acme.test")).await.created();
    let mut settings = server.provider.tenant_settings(&server.tenant).unwrap();
    settings.self_signup = SelfSignup::Forbidden;
    settings.adopt = Adopt::Never;
    server.provider.set_tenant_settings(&server.ctx(), &server.tenant, &settings).unwrap();
    let refused = server.post("/v2/users", sign_up("bo@acme.test")).await.with(400);
    assert!(refused["message"].as_str().unwrap().contains("cannot sign up"));
    let conflict = server.user_with("ana", json!({})).await.with(409);
    assert_eq!(conflict["scimType"], "uniqueness");
}

#[tokio::test]
async fn an_open_tenant_lets_people_in_at_once() {
    let server = Server::start().await;
    let mut settings = server.provider.tenant_settings(&server.tenant).unwrap();
    settings.self_signup = SelfSignup::Active;
    server.provider.set_tenant_settings(&server.ctx(), &server.tenant, &settings).unwrap();
    let user = server.post("/v2/users", sign_up("ana@acme.test")).await.created();
    assert_eq!((&user["status"], &user["type"]), (&json!("active"), &json!(4)));
    assert_eq!(server.has("ana@acme.test"), "unassigned");
}

#[tokio::test]
async fn an_invitation_is_accepted_and_brings_the_license() {
    let server = Server::start().await;
    let invite = json!({"action": "create", "user_info": {"email": "ana@acme.test"}});
    let user = server.post("/v2/users", invite.clone()).await.created();
    assert_eq!(user["status"], "pending");
    let twice = server.post("/v2/users", invite).await.with(409);
    assert_eq!(twice["code"], 1005);
    let path = "/v2/users/ana@acme.test/status";
    server.put(path, json!({"action": "activate"})).await.gone();
    assert_eq!(server.has("ana@acme.test"), "unassigned");
    // Nothing was taken from her, so nothing is given back.
    assert!(server.provider.receipts(&server.tenant, "ana@acme.test").unwrap().is_empty());
}

#[tokio::test]
async fn a_rehire_is_adopted_where_the_tenant_wants_it() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    server.set_active(&ana, false).await;
    server.user_with("ana", json!({"active": true})).await.with(409);
    let mut settings = server.provider.tenant_settings(&server.tenant).unwrap();
    settings.adopt = Adopt::Always;
    server.provider.set_tenant_settings(&server.ctx(), &server.tenant, &settings).unwrap();
    let adopted = server.user_with("ana", json!({"active": true})).await.created();
    assert_eq!(adopted["id"], json!(ana));
    assert_eq!(server.has(&ana), "unassigned");
    server.user_with("ana", json!({})).await.with(409);
}
