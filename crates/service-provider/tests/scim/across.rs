//! Lists across resource types on the real store (RFC 7644 3.4.2.1 and 3.4.3).

use scim::urn;
use serde_json::{Value, json};

use super::Server;

#[tokio::test]
async fn users_and_groups_are_one_list() {
    let server = Server::start().await;
    let ana = server.user("ana@x").await;
    server.user("bea@x").await;
    server.group("Ants", &[&ana]).await;
    let search = async |more: Value| {
        let mut body = json!({"schemas": [urn::SEARCH_REQUEST]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.post("/.search", &body).await.ok()
    };
    let kinds = |found: &Value| -> Vec<String> {
        let resources = found["Resources"].as_array().unwrap();
        resources
            .iter()
            .map(|one| one["meta"]["resourceType"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = search(json!({})).await;
    assert_eq!(kinds(&all), ["User", "User", "Group"]);
    assert_eq!(all, server.get("/").await.ok());
    let page = search(json!({"startIndex": 2, "count": 2})).await;
    assert_eq!(
        (kinds(&page), page["totalResults"].clone()),
        (vec!["User".into(), "Group".into()], json!(3))
    );
    let found = search(json!({"filter": "meta.resourceType eq \"Group\""})).await;
    assert_eq!(kinds(&found), ["Group"]);
    let found = search(json!({"filter": "userName sw \"b\" or displayName sw \"a\""})).await;
    assert_eq!(kinds(&found), ["User", "Group"]);
    let found =
        search(json!({"filter": format!("id eq \"{ana}\" or members.value eq \"{ana}\"")})).await;
    assert_eq!(kinds(&found), ["User", "Group"]);
    let sorted = search(
        json!({"sortBy": "meta.created", "sortOrder": "descending", "attributes": ["meta"]}),
    )
    .await;
    assert_eq!(kinds(&sorted).len(), 3);
    let sorted = search(json!({"sortBy": "userName", "sortOrder": "descending"})).await;
    assert_eq!(kinds(&sorted), ["Group", "User", "User"]);
}
