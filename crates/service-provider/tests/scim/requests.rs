//! The request log and what lies outside SCIM.

use serde_json::json;
use service_provider::RequestQuery;

use super::{Server, send};

#[tokio::test]
async fn requests_are_logged_per_tenant_with_what_was_tolerated() {
    let server = Server::start().await;
    let path = format!("/Users/{}", server.user("ana").await);
    server.patch(&path, json!([{"op": "Replace", "path": "active", "value": "False"}])).await.ok();
    server.find("/Users", "userName eq \"ana@acme.example\"").await;
    server.get("/Users/nobody").await.error(404, "");
    let all = RequestQuery { limit: 10, ..RequestQuery::default() };
    let requests = server.provider.requests(Some(&server.tenant), &all).unwrap();
    let summary: Vec<_> = requests
        .iter()
        .map(|request| (request.method.as_str(), request.path.as_str(), request.status))
        .collect();
    let expected = [
        ("GET", "/Users/nobody", 404),
        ("GET", "/Users", 200),
        ("PATCH", path.as_str(), 200),
        ("POST", "/Users", 201),
    ];
    assert_eq!(summary, expected);
    assert_eq!(requests[0].detail.as_deref(), Some("User `nobody` does not exist."));
    assert_eq!(requests[1].query.as_deref(), Some("filter=userName eq …"));
    assert_eq!(
        requests[2].tolerated,
        ["capitalisedOp at Operations[0].op", "booleanAsString at active"]
    );
    assert_eq!(requests[2].token.as_deref(), Some("directory"));

    let failed = RequestQuery { status_min: Some(400), ..all.clone() };
    assert_eq!(server.provider.requests(Some(&server.tenant), &failed).unwrap().len(), 1);
    let tolerated = RequestQuery { tolerated_only: true, ..all.clone() };
    assert_eq!(server.provider.requests(Some(&server.tenant), &tolerated).unwrap().len(), 1);

    // Requests without a tenant are nobody's; the token is in none of them.
    send(server.client.get(format!("{}/Users", server.provider.base_url())).bearer_auth("wrong"))
        .await
        .error(401, "");
    let strangers = server.provider.requests(None, &all).unwrap();
    assert_eq!((strangers.len(), strangers[0].status), (1, 401));
    assert!(!format!("{requests:?}{strangers:?}").contains(&server.token));
    assert_eq!(server.provider.requests(Some(&server.tenant), &all).unwrap().len(), 4);
}

#[tokio::test]
async fn outside_scim_there_is_health_and_a_hint() {
    let server = Server::start().await;
    let get =
        |path: &str| send(server.client.get(format!("{}{path}", server.provider.public_url())));
    assert_eq!(get("/healthz").await.status, 200);
    assert_eq!(get("/readyz").await.status, 200);
    for path in ["/", "/scim/v2/Users", "/scim2x"] {
        let detail = get(path).await.error(404, "");
        assert!(detail.contains(server.provider.base_url()), "{detail}");
    }
    for path in ["/scim2", "/scim2/", "/scim2/Nope"] {
        get(path).await.error(401, "");
    }
    server.get("").await.ok();
    server.get("/Nope").await.error(404, "");
}
