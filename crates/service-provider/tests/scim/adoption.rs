//! Users who were there before the directory came.

use scim::urn;
use serde_json::json;
use service_provider::{Adopt, Origin, SelfSignup, SignUp, TenantSettings, UserState};

use super::{Server, id};

fn ana() -> SignUp {
    SignUp { email: "ana@acme.example".into(), given_name: Some("Ana".into()), family_name: None }
}

fn decide(server: &Server, adopt: Adopt, self_signup: SelfSignup) {
    let settings = TenantSettings { adopt, self_signup, ..TenantSettings::default() };
    server.provider.set_tenant_settings(&server.ctx(), &server.tenant, &settings).unwrap();
}

#[tokio::test]
async fn a_person_who_signed_up_is_shown_and_adopted() {
    let server = Server::start().await;
    decide(&server, Adopt::SelfSignup, SelfSignup::Pending);
    let user = server.provider.sign_up(&server.ctx(), &server.tenant, &ana()).unwrap();
    assert_eq!((user.state, user.active, user.origin), (UserState::Pending, false, Origin::Signup));
    let found = server.find("/Users", "userName eq \"ANA@acme.example\"").await;
    assert_eq!((id(&found[0]), &found[0]["active"]), (user.id.clone(), &json!(false)));

    let body = json!({"schemas": [urn::USER], "userName": "Ana@acme.example", "externalId": "00u1", "active": true});
    let adopted = server.post("/Users", &body).await.created();
    assert_eq!((id(&adopted), &adopted["externalId"]), (user.id.clone(), &json!("00u1")));
    let user = server.provider.user(&server.tenant, &user.id).unwrap();
    assert_eq!((user.state, user.origin), (UserState::Active, Origin::Scim));
    assert_eq!(
        server.events(&user.id),
        ["user.created", "user.adopted", "user.reactivated", "user.updated"]
    );
    assert_eq!(server.get("/Users").await.ok()["totalResults"], 1);
    // From now on it is the directory's, and a second creation is a conflict.
    server.post("/Users", &body).await.error(409, "uniqueness");
}

#[tokio::test]
async fn linking_by_a_filter_adopts_as_well() {
    let server = Server::start().await;
    decide(&server, Adopt::SelfSignup, SelfSignup::Active);
    let user = server.provider.sign_up(&server.ctx(), &server.tenant, &ana()).unwrap();
    assert_eq!(user.state, UserState::Active);
    let path = format!("/Users/{}", user.id);
    let profile = server.get(&path).await.ok();
    server.put(&path, &profile).await.ok();
    assert_eq!(server.provider.user(&server.tenant, &user.id).unwrap().origin, Origin::Scim);
    assert_eq!(server.events(&user.id), ["user.created", "user.adopted"]);
}

#[tokio::test]
async fn a_tenant_may_refuse_adoption_and_signing_up() {
    let server = Server::start().await;
    decide(&server, Adopt::Never, SelfSignup::Pending);
    let user = server.provider.sign_up(&server.ctx(), &server.tenant, &ana()).unwrap();
    let body = json!({"schemas": [urn::USER], "userName": "ana@acme.example"});
    let detail = server.post("/Users", &body).await.error(409, "uniqueness");
    assert!(detail.contains("signed up") && detail.contains(&user.id), "{detail}");
    server.put(&format!("/Users/{}", user.id), &body).await.error(409, "uniqueness");
    assert_eq!(server.provider.user(&server.tenant, &user.id).unwrap().origin, Origin::Signup);

    decide(&server, Adopt::Never, SelfSignup::Forbidden);
    let other = SignUp { email: "bea@acme.example".into(), ..ana() };
    let refused = server.provider.sign_up(&server.ctx(), &server.tenant, &other).unwrap_err();
    assert!(refused.to_string().contains("Ask an administrator"), "{refused}");
}

#[tokio::test]
async fn a_rehire_is_adopted_where_the_tenant_says_so() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    server
        .patch(
            &format!("/Users/{ana}"),
            json!([{"op": "replace", "path": "active", "value": false}]),
        )
        .await
        .ok();
    let body = json!({"schemas": [urn::USER], "userName": "ana"});
    let detail = server.post("/Users", &body).await.error(409, "uniqueness");
    assert!(detail.contains("reactivate"), "{detail}");
    decide(&server, Adopt::Always, SelfSignup::Pending);
    assert_eq!(id(&server.post("/Users", &body).await.created()), ana);
    assert_eq!(server.get(&format!("/Users/{ana}")).await.ok()["active"], true);
}

#[tokio::test]
async fn administrators_take_the_same_path() {
    let server = Server::start().await;
    let document = json!({"schemas": [urn::USER], "userName": "ana"});
    let ctx = server.ctx();
    let ana =
        server.provider.create_user(&ctx, &server.tenant, &document, UserState::Active).unwrap();
    assert_eq!(ana.origin, Origin::Admin);
    assert!(!server.provider.deactivate_user(&ctx, &server.tenant, "ANA").unwrap().active);
    assert_eq!(server.get(&format!("/Users/{}", ana.id)).await.ok()["active"], false);
    let back = server.provider.reactivate_user(&ctx, &server.tenant, &ana.id).unwrap();
    assert_eq!((back.state, back.origin), (UserState::Active, Origin::Admin));
    server.provider.delete_user(&ctx, &server.tenant, "ana").unwrap();
    assert!(server.provider.user(&server.tenant, "ana").is_err());
    assert_eq!(
        server.events(&ana.id),
        ["user.created", "user.deactivated", "user.reactivated", "user.deleted"]
    );
}
