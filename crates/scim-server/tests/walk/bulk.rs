//! Many operations at once (RFC 7644 3.7).

use reqwest::{Method, header};
use scim::urn;
use scim_server::BulkCount;
use serde_json::{Value, json};

use super::memory::CHILDLESS;
use super::{Server, send};

fn post(kind: &str, bulk_id: &str, mut data: Value) -> Value {
    let urn = if kind == "Users" { urn::USER } else { urn::GROUP };
    data["schemas"] = json!([urn]);
    json!({"method": "POST", "path": format!("/{kind}"), "bulkId": bulk_id, "data": data})
}

fn group(bulk_id: &str, name: &str, members: &[&str]) -> Value {
    let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
    post("Groups", bulk_id, json!({"displayName": name, "members": members}))
}

fn user(bulk_id: &str, name: &str) -> Value {
    post("Users", bulk_id, json!({"userName": name}))
}

fn statuses(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["status"].as_str().unwrap()).collect()
}

/// The members of the group that an operation made or changed.
async fn members(server: &Server, result: &Value) -> Vec<String> {
    let path = result["location"].as_str().unwrap().trim_start_matches(&server.base).to_owned();
    let group = server.get(&path).await.json();
    let members = group["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_operation_is_answered_as_a_request_of_its_own() {
    let server = Server::start().await;
    server.user("bea").await;
    server.user("cid").await;
    let path = |number: u32| format!("/Users/k%26User%2F{number}");
    let results = server
        .bulk(json!([
            user("a", "ana"),
            {"method": "PUT", "path": path(1), "version": "W/\"1\"", "data": {"schemas": [urn::USER], "userName": "bob"}},
            {"method": "PATCH", "path": path(1), "data": {"schemas": [urn::PATCH_OP], "Operations": [{"op": "Add", "path": "title", "value": "x"}]}},
            {"method": "DELETE", "path": path(2), "bulkId": "gone"},
            {"method": "PUT", "path": path(1), "version": "W/\"9\"", "data": {"schemas": [urn::USER], "userName": "x"}},
        ]))
        .await;
    let at = |number: u32| format!("{}{}", server.base, path(number));
    assert_eq!(
        results[..4],
        [
            json!({"method": "POST", "bulkId": "a", "location": at(3), "version": "W/\"1\"", "status": "201"}),
            json!({"method": "PUT", "location": at(1), "version": "W/\"2\"", "status": "200"}),
            json!({"method": "PATCH", "location": at(1), "version": "W/\"3\"", "status": "200"}),
            json!({"method": "DELETE", "bulkId": "gone", "location": at(2), "status": "204"}),
        ]
    );
    let failed = &results[4];
    assert_eq!((&failed["status"], &failed["location"]), (&json!("412"), &json!(at(1))));
    assert_eq!(failed["response"]["schemas"], json!([urn::ERROR]));
    assert_eq!(failed["response"]["status"], "412");
    let record = server.store.last_record();
    assert_eq!((record.path.as_str(), record.status), ("/Bulk", 200));
    assert_eq!(record.bulk, Some(BulkCount { operations: 5, failed: 1 }));
    let tolerated: Vec<_> = record.tolerated.iter().map(ToString::to_string).collect();
    assert_eq!(tolerated, ["capitalisedOp at Operations[2].data: Operations[0].op"]);
}

#[tokio::test]
async fn an_operation_may_name_what_an_earlier_or_a_later_one_makes() {
    let server = Server::start().await;
    let results = server
        .bulk(json!([
            {"method": "PATCH", "path": "/Groups/bulkId:g", "data": {"schemas": [urn::PATCH_OP], "Operations": [
                {"op": "remove", "path": "members[value eq \"bulkId:u\"]"},
                {"op": "add", "path": "members", "value": [{"value": "bulkId:v"}]}
            ]}},
            group("g", "Sales", &["bulkId:u", "bulkId:h"]),
            user("u", "ana"),
            user("v", "bea"),
            group("h", "Everybody", &["bulkId:u"]),
        ]))
        .await;
    assert_eq!(statuses(&results), ["200", "201", "201", "201", "201"]);
    assert_eq!(results[0]["location"], results[1]["location"]);
    let id = |result: &Value| {
        let last = result["location"].as_str().unwrap().rsplit('/').next().unwrap();
        last.replace("%26", "&").replace("%2F", "/")
    };
    assert_eq!(members(&server, &results[1]).await, [id(&results[4]), id(&results[3])]);
    assert_eq!(members(&server, &results[4]).await, [id(&results[2])]);
}

#[tokio::test]
async fn resources_that_name_each_other_are_made_together() {
    let server = Server::start().await;
    let results = server
        .bulk(json!([
            group("a", "A", &["bulkId:b", "bulkId:c"]),
            group("b", "B", &["bulkId:a"]),
            group("c", "C", &["bulkId:c"]),
        ]))
        .await;
    assert_eq!(statuses(&results), ["201", "201", "201"]);
    let ids: Vec<String> = results
        .iter()
        .map(|result| result["location"].as_str().unwrap().rsplit('/').next().unwrap())
        .map(|id| id.replace("%26", "&").replace("%2F", "/"))
        .collect();
    assert_eq!(members(&server, &results[0]).await, [ids[1].clone(), ids[2].clone()]);
    assert_eq!(members(&server, &results[1]).await, [ids[0].clone()]);
    assert_eq!(members(&server, &results[2]).await, [ids[2].clone()]);
    // The answer's version is the resource's.
    for result in &results {
        let path = result["location"].as_str().unwrap().trim_start_matches(&server.base);
        assert_eq!(server.get(path).await.header("etag"), result["version"].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_circle_that_cannot_be_resolved_leaves_nothing_behind() {
    let server = Server::start().await;
    let results = server
        .bulk(json!([group("a", CHILDLESS, &["bulkId:b"]), group("b", "B", &["bulkId:a"])]))
        .await;
    assert_eq!(statuses(&results), ["409", "409"]);
    assert_eq!(server.get("/Groups").await.json()["totalResults"], 0);
    // What one of them lacks by itself is told as its own error.
    let mut nameless = group("b", "B", &["bulkId:a"]);
    nameless["data"]["displayName"] = json!(null);
    let results = server.bulk(json!([group("a", "A", &["bulkId:b"]), nameless])).await;
    assert_eq!(statuses(&results), ["409", "400"]);
    assert_eq!(results[1]["response"]["scimType"], "invalidValue");
    assert_eq!(server.get("/Groups").await.json()["totalResults"], 0);
}

#[tokio::test]
async fn an_error_stops_nothing_unless_the_client_says_so() {
    let server = Server::start().await;
    let bad = |id: &str| post("Users", id, json!({"active": true}));
    let operations = json!([bad("a"), user("b", "bea"), bad("c"), user("d", "dov")]);
    let results = server.bulk(operations.clone()).await;
    assert_eq!(statuses(&results), ["400", "201", "400", "201"]);
    assert_eq!(results[0].get("location"), None, "a POST that failed has no location");
    assert_eq!(results[0]["bulkId"], "a");
    for (limit, expected) in
        [(1, vec!["400"]), (2, vec!["400", "201", "400"]), (3, vec!["400", "201", "400", "201"])]
    {
        let body = json!({"schemas": [urn::BULK_REQUEST], "failOnErrors": limit, "Operations": operations});
        let answer = server.post("/Bulk", &body).await;
        assert_eq!(answer.status, 200);
        assert_eq!(statuses(answer.json()["Operations"].as_array().unwrap()), expected, "{limit}");
    }
}

#[tokio::test]
async fn what_cannot_be_an_operation_says_why() {
    let server = Server::start().await;
    let check = async |operation: Value, status: &str, scim_type: &str| {
        let results = server.bulk(json!([operation])).await;
        assert_eq!(results[0]["status"], status, "{operation}: {}", results[0]);
        let told = &results[0]["response"]["scimType"];
        assert_eq!(told.as_str().unwrap_or_default(), scim_type, "{operation}");
        assert_eq!(results[0].get("location"), None, "{operation}");
    };
    let data = json!({});
    let call = |method: &str, path: &str| json!({"method": method, "path": path, "bulkId": "a", "data": data});
    check(call("GET", "/Users/1"), "400", "invalidSyntax").await;
    check(call("POST", "/Bulk"), "400", "invalidSyntax").await;
    check(call("POST", "/Users/.search"), "400", "invalidSyntax").await;
    check(call("POST", "/.search"), "400", "invalidSyntax").await;
    check(call("POST", "/Nope"), "404", "").await;
    check(call("POST", "/Users/1"), "405", "").await;
    check(call("PUT", "/Users"), "405", "").await;
    check(call("PATCH", "/Schemas"), "405", "").await;
    check(call("PUT", "/Me"), "501", "").await;
    check(call("POST", "/v1/Users"), "400", "invalidVers").await;
    check(json!({"method": "DELETE", "path": "/Users/1", "data": {}}), "400", "invalidSyntax")
        .await;
    check(json!({"method": "POST", "path": "/Users", "data": {}}), "400", "invalidSyntax").await;
    // Whatever was made of it, this one has a place.
    let gone = server.bulk(json!([{"method": "DELETE", "path": "/Users/gone"}])).await;
    assert_eq!(gone[0]["location"], format!("{}/Users/gone", server.base));
    assert_eq!(gone[0]["status"], "404");
}

#[tokio::test]
async fn a_reference_to_what_could_not_be_made_is_a_conflict() {
    let server = Server::start().await;
    let results = server
        .bulk(json!([
            group("g", "Sales", &["bulkId:u"]),
            post("Users", "u", json!({"active": true})),
            group("h", "Support", &["bulkId:nobody"]),
            user("twice", "a"),
            user("twice", "b"),
        ]))
        .await;
    assert_eq!(statuses(&results), ["409", "400", "400", "400", "400"]);
    assert_eq!(results[2]["response"]["scimType"], "invalidValue");
    assert_eq!(server.get("").await.json()["totalResults"], 0);
}

#[tokio::test]
async fn limits_are_announced_and_named_when_exceeded() {
    let server = Server::start().await;
    let config = server.get("/ServiceProviderConfig").await.json();
    assert_eq!(
        config["bulk"],
        json!({"supported": true, "maxOperations": 5, "maxPayloadSize": 10_000})
    );
    let delete = json!({"method": "DELETE", "path": "/Users/1"});
    let body = json!({"schemas": [urn::BULK_REQUEST], "Operations": vec![delete; 6]});
    let detail = server.post("/Bulk", &body).await.error(413, "");
    assert!(detail.contains("maxOperations (5)"), "{detail}");
    let body =
        json!({"schemas": [urn::BULK_REQUEST], "Operations": [user("a", &"a".repeat(10_000))]});
    let detail = server.post("/Bulk", &body).await.error(413, "");
    assert!(detail.contains("maxPayloadSize (10000)"), "{detail}");
    assert_eq!(server.get("/Users").await.json()["totalResults"], 0);
    let request = server.request(Method::POST, "/Bulk").header(header::CONTENT_TYPE, "text/plain");
    send(request.body("{}")).await.error(415, "");
    server.post("/Bulk", &json!({"Operations": []})).await.error(400, "invalidSyntax");
}

#[tokio::test]
async fn a_fault_in_one_operation_is_not_the_others() {
    let server = Server::start().await;
    let patch = json!({"schemas": [urn::PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "x"}]});
    let results = server
        .bulk(json!([
            user("a", "panic"),
            {"method": "PATCH", "path": "/Users/bulkId:a", "data": patch},
            user("b", "bea")
        ]))
        .await;
    assert_eq!(statuses(&results), ["201", "500", "201"]);
}
