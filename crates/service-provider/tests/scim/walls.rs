//! Tenants are walled off: a token opens one, and what is in another is not there.

use scim::urn;
use serde_json::json;
use service_provider::NewToken;

use super::{Server, id};

#[tokio::test]
async fn a_token_sees_nothing_of_another_tenant() {
    let server = Server::start().await;
    let ana = server.user("ana@acme.example").await;
    let group = server.group("Sales", &[&ana]).await;

    let other = server.provider.create_tenant(&server.ctx(), "Other").unwrap().id;
    let token = NewToken::named("directory");
    let mut stranger = server;
    stranger.token =
        stranger.provider.create_token(&stranger.ctx(), &other, &token).unwrap().secret;

    for path in [format!("/Users/{ana}"), format!("/Groups/{group}")] {
        stranger.get(&path).await.error(404, "");
        stranger
            .put(
                &path,
                &json!({"schemas": [urn::USER, urn::GROUP], "userName": "x", "displayName": "x"}),
            )
            .await;
        stranger
            .patch(&path, json!([{"op": "replace", "path": "displayName", "value": "x"}]))
            .await
            .error(404, "");
        stranger.delete(&path).await.error(404, "");
    }
    for (endpoint, filter) in [
        ("/Users", "userName eq \"ana@acme.example\"".to_owned()),
        ("/Users", format!("id eq \"{ana}\"")),
        ("/Users", "emails.value eq \"ana@acme.example\"".to_owned()),
        ("/Users", format!("groups.value eq \"{group}\"")),
        ("/Users", "userName pr".to_owned()),
        ("/Groups", format!("members.value eq \"{ana}\"")),
        ("/Groups", "displayName sw \"S\"".to_owned()),
    ] {
        assert!(stranger.find(endpoint, &filter).await.is_empty(), "{filter}");
    }
    for path in ["/Users", "/Groups", "/Users?sortBy=userName", "/Users?sortBy=meta.created"] {
        assert_eq!(stranger.get(path).await.ok()["totalResults"], 0, "{path}");
    }
    // Somebody else's user is nobody here.
    let body =
        json!({"schemas": [urn::GROUP], "displayName": "Sales", "members": [{"value": ana}]});
    let made = stranger.post("/Groups", &body).await.created();
    assert_eq!(made.get("members"), None);
    stranger.delete(&format!("/Groups/{}", id(&made))).await;
    // The same names are free.
    let own = stranger.user("ana@acme.example").await;
    let group_here = stranger.group("Sales", &[&own]).await;
    assert_eq!(stranger.get(&format!("/Users/{own}")).await.ok()["groups"][0]["value"], group_here);

    // And the first tenant is as it was.
    let acme = stranger.tenant.clone();
    assert_eq!(stranger.provider.user(&acme, "ana@acme.example").unwrap().id, ana);
    assert_eq!(stranger.provider.group(&acme, "sales").unwrap().member_count, 1);
    assert_eq!(id(&json!({"id": group})), stranger.provider.group(&acme, "Sales").unwrap().id);
}
