//! Resource types that a tenant defines: phones on desks, rooms, whatever is provisioned.

use reqwest::Method;
use scim::urn;
use serde_json::{Value, json};
use service_provider::NewToken;

use super::{Answer, Server, id};

/// The schema of RFC 9944 has this URN.
const DEVICE: &str = "urn:ietf:params:scim:schemas:core:2.0:Device";
const PLACE: &str = "urn:acme:scim:schemas:1.0:Place";

async fn define(server: &Server) -> Answer {
    let device = json!({"id": DEVICE, "name": "Device", "attributes": [
        {"name": "displayName", "required": true},
        {"name": "active", "type": "boolean"},
        {"name": "mac", "uniqueness": "server"},
        {"name": "ports", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "type": "integer"}, {"name": "type"}]},
    ]});
    let place = json!({"id": PLACE, "name": "Place", "attributes": [{"name": "room"}]});
    for schema in [device, place] {
        server.lifecycle(Method::POST, "/scim/schemas", &schema).await.created();
    }
    let device = json!({
        "schemas": [urn::RESOURCE_TYPE],
        "name": "Device",
        "endpoint": "/Devices",
        "description": "What stands on desks.",
        "schema": DEVICE,
        "schemaExtensions": [{"schema": PLACE, "required": false}],
    });
    server.lifecycle(Method::POST, "/scim/resource_types", &device).await
}

fn device(name: &str, mac: &str) -> Value {
    json!({"schemas": [DEVICE, PLACE], "displayName": name, "mac": mac, PLACE: {"room": "1.12"}})
}

#[tokio::test]
async fn resources_of_a_tenants_own_type_go_the_whole_way() {
    let server = Server::start().await;
    server.get("/Devices").await.error(404, "");
    define(&server).await.created();
    let rt = server.get("/ResourceTypes/Device").await.ok();
    assert_eq!((&rt["endpoint"], &rt["schema"]), (&json!("/Devices"), &json!(DEVICE)));
    server.get(&format!("/Schemas/{DEVICE}")).await.ok();

    let answer = server.post("/Devices", &device("Phone 1", "AA:01")).await;
    let made = answer.created();
    let phone = id(&made);
    assert_eq!(made["meta"]["resourceType"], "Device");
    assert_eq!(answer.header("location"), made["meta"]["location"]);
    assert_eq!(answer.header("etag"), "W/\"1\"");
    assert_eq!(made["schemas"], json!([DEVICE, PLACE]));
    let path = format!("/Devices/{phone}");
    assert_eq!(server.get(&path).await.ok(), made);
    server.post("/Devices", &device("Phone 2", "aa:01")).await.error(409, "uniqueness");
    server.post("/Devices", &json!({"schemas": [DEVICE]})).await.error(400, "invalidValue");

    let patched = server
        .patch(
            &path,
            json!([
                {"op": "add", "path": "ports", "value": [{"value": 1, "type": "lan"}]},
                {"op": "replace", "path": format!("{PLACE}:room"), "value": "2.01"},
                {"op": "add", "path": "externalId", "value": "asset-7"},
            ]),
        )
        .await
        .ok();
    assert_eq!(patched["ports"][0]["type"], "lan");
    assert_eq!(patched[PLACE]["room"], "2.01");
    assert_eq!(patched["meta"]["version"], "W/\"2\"");
    let stale = server.request(Method::DELETE, &path).header("if-match", "W/\"1\"");
    super::send(stale).await.error(412, "");
    let mut whole = patched.clone();
    whole["displayName"] = json!("Phone one");
    let put = server.put(&path, &whole).await.ok();
    assert_eq!(
        (&put["displayName"], &put["meta"]["version"]),
        (&json!("Phone one"), &json!("W/\"3\""))
    );
    // What changes nothing is no change.
    assert_eq!(server.put(&path, &whole).await.ok()["meta"]["version"], "W/\"3\"");

    server.delete(&path).await.no_content();
    server.get(&path).await.error(404, "");
    server.post("/Devices", &device("Phone 2", "AA:01")).await.created();
    assert_eq!(
        server.events(&phone),
        ["resource.created", "resource.updated", "resource.updated", "resource.deleted"]
    );
}

#[tokio::test]
async fn they_are_listed_filtered_sorted_and_paged() {
    let server = Server::start().await;
    define(&server).await.created();
    for number in 1..=25 {
        let mut body = device(&format!("Phone {number:02}"), &format!("AA:{number:02}"));
        body["externalId"] = json!(format!("asset-{number}"));
        body["active"] = json!(number % 2 == 0);
        server.post("/Devices", &body).await.created();
    }
    let names = async |query: &str| -> Vec<String> {
        let body = server.get(&format!("/Devices?{query}")).await.ok();
        let found = body["Resources"].as_array().cloned().unwrap_or_default();
        found.iter().map(|d| d["displayName"].as_str().unwrap().to_owned()).collect()
    };
    let all = server.get("/Devices").await.ok();
    assert_eq!((&all["totalResults"], &all["itemsPerPage"]), (&json!(25), &json!(25)));
    assert_eq!(names("startIndex=24&count=10").await, ["Phone 24", "Phone 25"]);
    assert_eq!(names("startIndex=3&count=1").await, ["Phone 03"]);
    assert_eq!(names("sortBy=displayName&sortOrder=descending&count=1").await, ["Phone 25"]);
    assert_eq!(names("sortBy=id&sortOrder=descending&count=1").await, ["Phone 25"]);
    let find = async |filter: &str| server.find("/Devices", filter).await.len();
    assert_eq!(find("active eq true").await, 12);
    assert_eq!(find("externalId eq \"asset-7\"").await, 1);
    assert_eq!(find("displayName eq \"PHONE 07\"").await, 1);
    assert_eq!(find("mac eq \"aa:07\"").await, 1);
    assert_eq!(find(&format!("{PLACE}:room eq \"1.12\" and mac sw \"AA:0\"")).await, 9);
    assert_eq!(find("mac eq \"ZZ\"").await, 0);
    assert_eq!(find("meta.resourceType eq \"Device\"").await, 25);
    let search = json!({"schemas": [urn::SEARCH_REQUEST], "filter": "mac eq \"AA:03\"", "attributes": ["mac"]});
    let found = server.post("/Devices/.search", &search).await.ok();
    assert_eq!(found["Resources"][0]["mac"], "AA:03");
    assert_eq!(found["Resources"][0].get("displayName"), None);
}

#[tokio::test]
async fn a_type_is_refused_or_kept_with_a_sentence() {
    let server = Server::start().await;
    define(&server).await.created();
    let check = async |name: &str, endpoint: &str, schema: &str, part: &str| {
        let body = json!({"name": name, "endpoint": endpoint, "schema": schema});
        let answer = server.lifecycle(Method::POST, "/scim/resource_types", &body).await;
        assert!(answer.status.is_client_error() && answer.text.contains(part), "{}", answer.text);
    };
    check("Device", "/Robots", DEVICE, "already a resource type").await;
    check("Robot", "/devices", DEVICE, "endpoint of the resource type Device").await;
    check("Robot", "/Users", DEVICE, "reserved").await;
    check("Robot", "/Bulk", DEVICE, "reserved").await;
    check("Robot", "/a/b", DEVICE, "is no endpoint").await;
    check("Robot", "Robots", DEVICE, "is no endpoint").await;
    check("user", "/Robots", DEVICE, "already a resource type").await;
    check("Schema", "/Robots", DEVICE, "reserved").await;
    check("Ro bot", "/Robots", DEVICE, "cannot name a resource type").await;
    check("Robot", "/Robots", urn::USER, "every tenant has").await;
    check("Robot", "/Robots", "urn:acme:nothing", "no schema").await;
    let slip = json!({"name": "Robot", "endpoint": "/Robots", "schema": DEVICE, "extensions": []});
    let slip = server.lifecycle(Method::POST, "/scim/resource_types", &slip).await;
    assert!(slip.text.contains("unknown field `extensions`"), "{}", slip.text);

    let phone = id(&server.post("/Devices", &device("Phone", "AA")).await.created());
    let path = "/scim/resource_types/Device";
    let kept = server.lifecycle(Method::DELETE, path, &json!({})).await;
    assert!(kept.text.contains("There are 1 resources of the type Device"), "{}", kept.text);
    let schema =
        server.lifecycle(Method::DELETE, &format!("/scim/schemas/{DEVICE}"), &json!({})).await;
    assert!(schema.text.contains("is the schema of the resource type Device"), "{}", schema.text);
    server.delete(&format!("/Devices/{phone}")).await.no_content();
    server.lifecycle(Method::DELETE, path, &json!({})).await.no_content();
    server.get("/Devices").await.error(404, "");
    let user = server.lifecycle(Method::DELETE, "/scim/resource_types/User", &json!({})).await;
    assert!(user.text.contains("Every tenant has"), "{}", user.text);
    server
        .lifecycle(Method::DELETE, &format!("/scim/schemas/{DEVICE}"), &json!({}))
        .await
        .no_content();
}

#[tokio::test]
async fn a_type_of_one_tenant_is_no_endpoint_of_another() {
    let server = Server::start().await;
    define(&server).await.created();
    let phone = id(&server.post("/Devices", &device("Phone", "AA")).await.created());
    let other = server.provider.create_tenant(&server.ctx(), "Other").unwrap().id;
    let mut stranger = server;
    let token = NewToken::named("directory");
    stranger.token =
        stranger.provider.create_token(&stranger.ctx(), &other, &token).unwrap().secret;
    for path in ["/Devices".to_owned(), format!("/Devices/{phone}"), "/ResourceTypes/Device".into()]
    {
        stranger.get(&path).await.error(404, "");
    }
    assert_eq!(
        stranger.lifecycle(Method::GET, "/scim/resource_types/Device", &json!({})).await.status,
        404
    );
    // With a type of the same name, the other's resources are still not there.
    define(&stranger).await.created();
    stranger.get(&format!("/Devices/{phone}")).await.error(404, "");
    stranger.delete(&format!("/Devices/{phone}")).await.error(404, "");
    assert_eq!(stranger.get("/Devices").await.ok()["totalResults"], 0);
    assert!(stranger.find("/Devices", "mac eq \"AA\"").await.is_empty());
    stranger.post("/Devices", &device("Phone", "AA")).await.created();
}
