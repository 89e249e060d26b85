//! Bulk requests on the real store (RFC 7644 3.7).

use scim::urn;
use serde_json::{Value, json};
use service_provider::{Dialect, RequestQuery};

use super::{Answer, Server};

impl Server {
    async fn bulk(&self, operations: Value) -> Answer {
        let body = json!({"schemas": [urn::BULK_REQUEST], "Operations": operations});
        self.post("/Bulk", &body).await
    }
}

fn user(bulk_id: &str, name: &str, manager: Option<&str>) -> Value {
    let mut data = json!({"schemas": [urn::USER], "userName": name});
    if let Some(manager) = manager {
        data[urn::ENTERPRISE_USER] = json!({"manager": {"value": manager}});
        data["schemas"] = json!([urn::USER, urn::ENTERPRISE_USER]);
    }
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data})
}

fn group(bulk_id: &str, name: &str, members: &[&str]) -> Value {
    let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
    let data = json!({"schemas": [urn::GROUP], "displayName": name, "members": members});
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data})
}

fn statuses(answer: &Answer) -> Vec<String> {
    let body = answer.ok();
    let results = body["Operations"].as_array().unwrap();
    results.iter().map(|result| result["status"].as_str().unwrap().to_owned()).collect()
}

/// The ids of what the operations were about.
fn ids(answer: &Answer) -> Vec<String> {
    let body = answer.ok();
    let results = body["Operations"].as_array().unwrap();
    let last = |result: &Value| {
        let location = result["location"].as_str().unwrap_or_default();
        location.rsplit('/').next().unwrap_or_default().to_owned()
    };
    results.iter().map(last).collect()
}

#[tokio::test]
async fn a_company_arrives_in_one_request() {
    let server = Server::start().await;
    let answer = server
        .bulk(json!([
            group("sales", "Sales", &["bulkId:ana", "bulkId:bea"]),
            group("all", "Everybody", &["bulkId:sales"]),
            user("ana", "ana@x", Some("bulkId:bea")),
            user("bea", "bea@x", None),
        ]))
        .await;
    assert_eq!(statuses(&answer), ["201", "201", "201", "201"]);
    let ids = ids(&answer);
    assert_eq!(
        server.members(&ids[0]).await,
        [ids[2].clone(), ids[3].clone()]
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
    assert_eq!(server.members(&ids[1]).await, [ids[0].clone()]);
    let ana = server.get(&format!("/Users/{}", ids[2])).await.ok();
    assert_eq!(ana[urn::ENTERPRISE_USER]["manager"]["value"], ids[3]);
    // Every operation went the way of a request of its own.
    assert_eq!(server.events(&ids[2]), ["user.created"]);
}

#[tokio::test]
async fn people_may_be_each_other_s_managers() {
    let server = Server::start().await;
    let answer = server
        .bulk(json!([
            user("ana", "ana@x", Some("bulkId:bea")),
            user("bea", "bea@x", Some("bulkId:ana")),
            user("cid", "cid@x", Some("bulkId:cid")),
        ]))
        .await;
    assert_eq!(statuses(&answer), ["201", "201", "201"]);
    let ids = ids(&answer);
    for (place, manager) in [(0, 1), (1, 0), (2, 2)] {
        let read = server.get(&format!("/Users/{}", ids[place])).await;
        assert_eq!(read.ok()[urn::ENTERPRISE_USER]["manager"]["value"], ids[manager]);
        let told = &answer.json()["Operations"][place]["version"];
        assert_eq!(told, read.header("etag"));
    }
}

#[tokio::test]
async fn groups_in_each_other_are_tried_and_refused_whole() {
    let server = Server::start().await;
    let answer = server
        .bulk(json!([
            group("a", "A", &["bulkId:b"]),
            group("b", "B", &["bulkId:a"]),
            user("ana", "ana@x", None),
        ]))
        .await;
    assert_eq!(statuses(&answer), ["409", "409", "201"]);
    let detail = answer.json()["Operations"][0]["response"]["detail"].clone();
    assert!(detail.as_str().unwrap().contains("already lies in it"), "{detail}");
    assert_eq!(server.get("/Groups").await.ok()["totalResults"], 0);
}

#[tokio::test]
async fn what_one_operation_frees_the_next_may_take() {
    let server = Server::start().await;
    let old = server.user("ana@x").await;
    let answer = server
        .bulk(json!([
            user("a", "ana@x", None),
            {"method": "DELETE", "path": format!("/Users/{old}")},
            user("b", "ana@x", None),
            {"method": "PATCH", "path": "/Users/bulkId:b", "version": "W/\"1\"", "data": {
                "schemas": [urn::PATCH_OP], "Operations": [{"op": "replace", "path": "active", "value": false}]}},
            {"method": "PATCH", "path": "/Users/bulkId:b", "version": "W/\"1\"", "data": {
                "schemas": [urn::PATCH_OP], "Operations": [{"op": "replace", "path": "active", "value": true}]}},
        ]))
        .await;
    assert_eq!(statuses(&answer), ["409", "204", "201", "200", "412"]);
    assert_eq!(answer.json()["Operations"][0]["response"]["scimType"], "uniqueness");
    assert_eq!(server.find("/Users", "userName eq \"ana@x\"").await[0]["active"], false);
}

#[tokio::test]
async fn the_log_has_one_record_with_what_came_of_the_operations() {
    let server = Server::start().await;
    let patch = json!({"schemas": [urn::PATCH_OP], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]});
    let answer = server
        .bulk(json!([
            user("a", "ana@x", None),
            {"method": "PATCH", "path": "/Users/bulkId:a", "data": patch},
            {"method": "DELETE", "path": "/Users/gone"},
        ]))
        .await;
    assert_eq!(statuses(&answer), ["201", "200", "404"]);
    let query = RequestQuery { limit: 10, ..RequestQuery::default() };
    let logged = server.provider.requests(Some(&server.tenant), &query).unwrap();
    assert_eq!(logged.len(), 1);
    assert_eq!((logged[0].operation_count, logged[0].failed_count), (Some(3), Some(1)));
    assert_eq!(
        logged[0].tolerated,
        [
            "capitalisedOp at Operations[1].data: Operations[0].op",
            "booleanAsString at Operations[1].data: active"
        ]
    );
}

#[tokio::test]
async fn a_token_that_may_only_read_makes_nothing_by_the_dozen() {
    let server = Server::speaking(Dialect::Rfc).await;
    let lower = json!([{"method": "post", "path": "/Users", "bulkId": "a", "data": {}}]);
    assert_eq!(statuses(&server.bulk(lower).await), ["400"]);
    let body = json!({"operations": []});
    server.post("/Bulk", &body).await.error(400, "invalidSyntax");
}

#[tokio::test]
async fn a_thousand_operations_leave_room_for_others() {
    let server = Server::start().await;
    let operations: Vec<Value> = (0..1_000)
        .map(|number| user(&format!("u{number}"), &format!("u{number}@x"), None))
        .collect();
    let (answer, others) = tokio::join!(server.bulk(json!(operations)), async {
        let mut versions = Vec::new();
        for number in 0..5 {
            let id = server.user(&format!("other{number}@x")).await;
            versions.push(id);
        }
        // Each of them was written while the bulk request was on its way, or before it.
        server.get("/Users?count=0").await.ok()["totalResults"].as_u64().unwrap()
    });
    assert!(statuses(&answer).iter().all(|status| status == "201"));
    assert!(others < 1_005, "{others}: the bulk request kept everybody else waiting to its end");
    assert_eq!(server.get("/Users?count=0").await.ok()["totalResults"], 1_005);
    let many: Vec<Value> = operations.into_iter().cycle().take(1_001).collect();
    let detail = server.bulk(json!(many)).await.error(413, "");
    assert!(detail.contains("maxOperations (1000)"), "{detail}");
}
