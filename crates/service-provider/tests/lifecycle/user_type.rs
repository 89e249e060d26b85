//! `userType`: a retired license type is refused, a live one is a claim, anything else is a word.

use super::*;

const REFUSAL: &str = "userType \"Basic\" is not accepted: the license type Basic is retired. Drop the constant userType mapping at the identity provider and assign licenses by group; users in no granting group get the tenant's default license.";

#[tokio::test]
async fn a_hard_coded_retired_type_is_refused_with_what_to_do() {
    let server = Server::start().await;
    let refused = server.user_with("ana", json!({"userType": "Basic"})).await.with(400);
    assert_eq!(refused["scimType"], "invalidValue");
    assert_eq!(refused["detail"], REFUSAL);
    let ana = server.user("ana").await;
    let operations = json!([{"op": "replace", "value": {"userType": "basic"}}]);
    let refused = server.patch(&format!("/scim2/Users/{ana}"), operations).await.with(400);
    assert_eq!(refused["scimType"], "invalidValue");
    let body = json!({"schemas": [urn::USER], "userName": "ana@acme.test", "userType": "Basic"});
    server.put(&format!("/scim2/Users/{ana}"), body).await.with(400);
    assert_eq!(server.has(&ana), "unassigned");
}

#[tokio::test]
async fn a_live_type_is_a_claim_with_its_own_reason() {
    let server = Server::start().await;
    let user = server.user_with("ana", json!({"userType": "Licensed"})).await.created();
    let ana = user["id"].as_str().unwrap();
    assert_eq!(server.has(ana), "workplace-licensed");
    let chain = server.entitlement(ana).license.unwrap().chain;
    assert_eq!(chain[0], "Workplace Licensed: named by userType \"Licensed\"");
    let operations = json!([{"op": "remove", "path": "userType"}]);
    server.patch(&format!("/scim2/Users/{ana}"), operations).await.ok();
    assert_eq!(server.has(ana), "unassigned");
}

#[tokio::test]
async fn any_other_type_is_an_attribute() {
    let server = Server::start().await;
    let user = server.user_with("ana", json!({"userType": "Employee"})).await.created();
    assert_eq!(user["userType"], "Employee");
    assert_eq!(server.has("ana@acme.test"), "unassigned");
}

#[tokio::test]
async fn what_was_there_before_the_retirement_may_be_sent_back() {
    let server = Server::start().await;
    let user = server.user_with("ana", json!({"userType": "Licensed"})).await.created();
    let ana = user["id"].as_str().unwrap();
    let retired = key("workplace-licensed");
    server.provider.retire_license_type(&server.ctx(), &server.tenant, &retired).unwrap();
    let body = json!({
        "schemas": [urn::USER], "userName": "ana@acme.test", "userType": "Licensed", "title": "Dr",
    });
    server.put(&format!("/scim2/Users/{ana}"), body).await.ok();
    server.user_with("bo", json!({"userType": "Licensed"})).await.with(400);
}
