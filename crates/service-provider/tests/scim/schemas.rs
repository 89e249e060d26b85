//! Extension schemas that a tenant adds while the server runs.

use reqwest::Method;
use scim::urn;
use serde_json::{Value, json};
use service_provider::NewToken;

use super::{Answer, Server, id};

const BADGE: &str = "urn:acme:scim:schemas:1.0:Badge";

fn badge() -> Value {
    json!({
        "id": BADGE,
        "name": "Badge",
        "description": "What opens doors.",
        "attributes": [
            {"name": "number", "uniqueness": "server", "required": true},
            {"name": "level", "type": "integer"},
            {"name": "doors", "multiValued": true},
            {"name": "pin", "mutability": "writeOnly", "returned": "never"},
            {"name": "note", "returned": "request"},
            {"name": "issued", "mutability": "immutable"},
            {"name": "car", "type": "complex", "subAttributes": [
                {"name": "plate", "uniqueness": "global", "caseExact": true},
                {"name": "colour"},
            ]},
            {"name": "lent", "type": "reference", "referenceTypes": ["User"]},
        ],
    })
}

async fn add(server: &Server, definition: &Value, extends: &str) -> Answer {
    let path = format!("/scim/schemas?extends={extends}");
    server.lifecycle(Method::POST, &path, definition).await
}

fn just(id: &str) -> Vec<String> {
    vec![id.to_owned()]
}

fn user(name: &str, badge: Value) -> Value {
    json!({"schemas": [urn::USER, BADGE], "userName": name, BADGE: badge})
}

#[tokio::test]
async fn an_added_schema_is_enforced_filtered_sorted_projected_and_patched_like_the_core_one() {
    let server = Server::start().await;
    // Before it is there, a strict client's data under it is refused, and a lenient one's dropped.
    let dropped = server.post("/Users", &user("early", json!({"number": "0"}))).await.created();
    assert_eq!(dropped.get(BADGE), None);
    let added = add(&server, &badge(), "User").await.created();
    assert_eq!(added["usedBy"][0]["resourceType"], "User");

    // In discovery.
    let schema = server.get(&format!("/Schemas/{BADGE}")).await.ok();
    assert_eq!(schema["attributes"][0]["uniqueness"], "server");
    assert_eq!(schema["attributes"][1]["type"], "integer");
    let rt = server.get("/ResourceTypes/User").await.ok();
    let extensions = rt["schemaExtensions"].as_array().unwrap();
    assert!(extensions.contains(&json!({"schema": BADGE, "required": false})), "{rt}");

    // Enforced.
    let all = json!({"number": "A-1", "level": 3, "doors": ["north", "lab"], "pin": "1234",
        "note": "left-handed", "issued": "monday", "car": {"plate": "XY 1", "colour": "red"},
        "lent": "../Users/1"});
    let ana = server.post("/Users", &user("ana", all)).await.created();
    assert_eq!(ana["schemas"], json!([urn::USER, BADGE]));
    assert_eq!(ana[BADGE]["level"], 3);
    assert_eq!(ana[BADGE].get("pin"), None);
    // RFC 7643 7, `request`: shown after a write that set it, else on request only.
    assert_eq!(ana[BADGE]["note"], "left-handed");
    let ana = id(&ana);
    let seen = server.get(&format!("/Users/{ana}")).await.ok();
    assert_eq!(seen[BADGE].get("note"), None);
    assert_eq!(seen[BADGE].get("pin"), None);
    assert_eq!(seen[BADGE]["doors"], json!(["north", "lab"]));
    let wrong = user("bo", json!({"number": "A-2", "level": "high"}));
    server.post("/Users", &wrong).await.error(400, "invalidValue");
    let missing = user("bo", json!({"level": 1}));
    let detail = server.post("/Users", &missing).await.error(400, "invalidValue");
    assert!(detail.contains("Badge:number"), "{detail}");
    let listed = server.get("/Users?filter=userName%20eq%20%22ana%22").await.ok();
    assert_eq!(listed["Resources"][0][BADGE].get("pin"), None);

    // Filtered and sorted.
    let bo = id(&server
        .post("/Users", &user("bo", json!({"number": "B-2", "level": 1})))
        .await
        .created());
    let find = async |filter: String| -> Vec<String> {
        server.find("/Users", &filter).await.iter().map(id).collect()
    };
    assert_eq!(find(format!("{BADGE}:level gt 2")).await, just(&ana));
    assert_eq!(find(format!("{BADGE}:number eq \"a-1\"")).await, just(&ana));
    assert_eq!(find(format!("{BADGE}:car.plate eq \"XY 1\"")).await, just(&ana));
    assert!(find(format!("{BADGE}:car.plate eq \"xy 1\"")).await.is_empty());
    assert_eq!(find(format!("{BADGE}:doors eq \"lab\" and {BADGE}:level le 3")).await, just(&ana));
    assert_eq!(find(format!("schemas eq \"{BADGE}\"")).await, [ana.clone(), bo]);
    server.get(&format!("/Users?filter={BADGE}:nothing%20pr")).await.error(400, "invalidFilter");
    let sorted = server.get(&format!("/Users?sortBy={BADGE}:level&attributes=userName")).await.ok();
    let names: Vec<_> =
        sorted["Resources"].as_array().unwrap().iter().map(|u| &u["userName"]).collect();
    assert_eq!(names, ["bo", "ana", "early"]);

    // Projected.
    let some =
        server.get(&format!("/Users/{ana}?attributes={BADGE}:note,{BADGE}:car.plate")).await.ok();
    assert_eq!(some[BADGE], json!({"note": "left-handed", "car": {"plate": "XY 1"}}));
    let rest = server.get(&format!("/Users/{ana}?excludedAttributes={BADGE}:doors")).await.ok();
    assert_eq!(rest[BADGE].get("doors"), None);

    // Patched.
    let path = format!("/Users/{ana}");
    let patched = server
        .patch(
            &path,
            json!([
                {"op": "add", "path": format!("{BADGE}:doors"), "value": ["roof"]},
                {"op": "replace", "path": format!("{BADGE}:car.colour"), "value": "blue"},
                {"op": "replace", "value": {BADGE: {"level": 4}}},
            ]),
        )
        .await
        .ok();
    assert_eq!(patched[BADGE]["doors"], json!(["north", "lab", "roof"]));
    assert_eq!(patched[BADGE]["car"], json!({"plate": "XY 1", "colour": "blue"}));
    assert_eq!(patched[BADGE]["level"], 4);
    let immutable =
        json!([{"op": "replace", "path": format!("{BADGE}:issued"), "value": "friday"}]);
    server.patch(&path, immutable).await.error(400, "mutability");
    let required = json!([{"op": "remove", "path": format!("{BADGE}:number")}]);
    server.patch(&path, required).await.error(400, "mutability");
    let gone = server.patch(&path, json!([{"op": "remove", "path": BADGE}])).await;
    // Its immutable attribute has a value: it stays.
    gone.error(400, "mutability");
}

#[tokio::test]
async fn a_unique_value_belongs_to_one_resource_until_it_is_let_go() {
    let server = Server::start().await;
    add(&server, &badge(), "User,Group").await.created();
    let ana = id(&server
        .post("/Users", &user("ana", json!({"number": "A-1", "car": {"plate": "P"}})))
        .await
        .created());
    let detail =
        server.post("/Users", &user("bo", json!({"number": "a-1"}))).await.error(409, "uniqueness");
    assert!(detail.contains(&ana) && detail.contains("Badge:number"), "{detail}");
    assert!(server.find("/Users", "userName eq \"bo\"").await.is_empty());
    // `server`: within one resource type. `global`: within the tenant.
    let group = |name: &str, badge: Value| json!({"schemas": [urn::GROUP, BADGE], "displayName": name, BADGE: badge});
    let keys = server.post("/Groups", &group("Keys", json!({"number": "A-1"}))).await.created();
    let plate = group("Cars", json!({"number": "C", "car": {"plate": "P"}}));
    server.post("/Groups", &plate).await.error(409, "uniqueness");
    let bo = id(&server.post("/Users", &user("bo", json!({"number": "B"}))).await.created());
    let take = json!([{"op": "replace", "path": format!("{BADGE}:number"), "value": "A-1"}]);
    server.patch(&format!("/Users/{bo}"), take.clone()).await.error(409, "uniqueness");
    server
        .put(&format!("/Users/{bo}"), &user("bo", json!({"number": "A-1"})))
        .await
        .error(409, "uniqueness");
    // Let go by another value, and by the end of the resource.
    server.put(&format!("/Users/{ana}"), &user("ana", json!({"number": "A-2"}))).await.ok();
    server.patch(&format!("/Users/{bo}"), take).await.ok();
    server.delete(&format!("/Users/{ana}")).await.no_content();
    server
        .post("/Users", &user("ana", json!({"number": "A-2", "car": {"plate": "P"}})))
        .await
        .created();
    let number = format!("{BADGE}:number eq \"A-1\"");
    assert_eq!(server.find("/Groups", &number).await.len(), 1);
    let renamed = group("Keys and more", json!({"number": "A-1"}));
    server.put(&format!("/Groups/{}", id(&keys)), &renamed).await.ok();
    server.delete(&format!("/Groups/{}", id(&keys))).await.no_content();
    assert!(server.find("/Groups", &number).await.is_empty());
}

#[tokio::test]
async fn a_change_that_data_would_not_survive_is_refused_and_says_how_many_stand_in_the_way() {
    let server = Server::start().await;
    let plain = |attributes: Value| json!({"id": BADGE, "name": "Badge", "attributes": attributes});
    add(&server, &plain(json!([{"name": "level", "type": "integer"}, {"name": "door"}])), "User")
        .await
        .created();
    let ana = id(&server.post("/Users", &user("ana", json!({"level": 1}))).await.created());
    let path = format!("/scim/schemas/{BADGE}");
    let change =
        async |attributes: Value| server.lifecycle(Method::PUT, &path, &plain(attributes)).await;
    let refused = async |attributes: Value, part: &str| {
        let answer = change(attributes).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(answer.text.contains(part), "{}", answer.text);
    };
    refused(json!([{"name": "level"}]), "`level` would be of the type string, and 1 resources")
        .await;
    refused(json!([{"name": "door"}]), "`level` would be gone, and 1 resources").await;
    refused(json!([{"name": "level", "type": "integer", "required": true}, {"name": "door", "required": true}]),
        "`door` would be required, and 1 resources have none").await;
    refused(json!([{"name": "level", "type": "text"}]), "unknown variant `text`").await;
    // What nobody uses may go, what everybody has may be required, and more may come.
    let next = json!([{"name": "level", "type": "integer", "required": true}, {"name": "floor", "canonicalValues": ["1"]}]);
    assert_eq!(change(next.clone()).await.status, 200);
    let floor = json!([{"op": "add", "path": format!("{BADGE}:floor"), "value": "2"}]);
    server.patch(&format!("/Users/{ana}"), floor).await.ok();

    let removal = server.lifecycle(Method::DELETE, &path, &json!({})).await;
    assert!(removal.text.contains("1 resources of the type User have data"), "{}", removal.text);
    let detached =
        json!({"name": "User", "endpoint": "/Users", "schema": urn::USER, "schemaExtensions": []});
    let detached = server.lifecycle(Method::PUT, "/scim/resource_types/User", &detached).await;
    assert!(detached.text.contains("1 resources of the type User have data"), "{}", detached.text);
    // The way the refusal names leads there.
    for found in server.find("/Users", &format!("schemas eq \"{BADGE}\"")).await {
        let relax = json!([{"name": "level", "type": "integer"}, {"name": "floor"}]);
        assert_eq!(change(relax).await.status, 200);
        let clear = json!([{"op": "remove", "path": BADGE}]);
        server.patch(&format!("/Users/{}", id(&found)), clear).await.ok();
    }
    let removal = server.lifecycle(Method::DELETE, &path, &json!({})).await;
    removal.no_content();
    server.get(&format!("/Schemas/{BADGE}")).await.error(404, "");
    assert_eq!(
        server.events(BADGE),
        ["schema.added", "schema.changed", "schema.changed", "schema.removed"]
    );
}

#[tokio::test]
async fn an_extension_is_required_only_where_nobody_would_be_shut_in_by_it() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let plain =
        json!({"id": BADGE, "name": "Badge", "attributes": [{"name": "level", "type": "integer"}]});
    let early = add(&server, &plain, "User&required=true").await;
    assert!(early.text.contains("1 resources do not have it"), "{}", early.text);
    // Nothing of a refused request stays.
    server.get(&format!("/Schemas/{BADGE}")).await.error(404, "");
    add(&server, &plain, "User").await.created();
    let level = json!([{"op": "add", "path": format!("{BADGE}:level"), "value": 1}]);
    server.patch(&format!("/Users/{ana}"), level).await.ok();
    let path = format!("/scim/schemas/{BADGE}?extends=User&required=true");
    assert_eq!(server.lifecycle(Method::PUT, &path, &plain).await.status, 200);
    let without = json!({"schemas": [urn::USER], "userName": "bo"});
    let detail = server.post("/Users", &without).await.error(400, "invalidValue");
    assert!(detail.contains(BADGE), "{detail}");
    server.post("/Users", &user("bo", json!({"level": 2}))).await.created();
    // Whoever is there can still be deactivated.
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    server.patch(&format!("/Users/{ana}"), off).await.ok();
}

#[tokio::test]
async fn a_definition_is_refused_with_a_sentence() {
    let server = Server::start().await;
    let check = async |definition: Value, part: &str| {
        let answer = add(&server, &definition, "User").await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(answer.text.contains(part), "{}", answer.text);
    };
    let of = |id: &str, attribute: Value| json!({"id": id, "name": "X", "attributes": [attribute]});
    check(of(urn::ENTERPRISE_USER, json!({"name": "x"})), "is reserved").await;
    check(
        of("urn:ietf:params:scim:schemas:extension:zoom:1.0:User", json!({"name": "x"})),
        "is reserved",
    )
    .await;
    check(of("badge", json!({"name": "x"})), "is not a URN").await;
    check(of(BADGE, json!({"name": "id"})), "`id` is reserved").await;
    check(of(BADGE, json!({"name": "x", "typ": "string"})), "`x` has `typ`").await;
    check(json!([]), "is not a JSON object").await;
    let twice = add(&server, &badge(), "User").await;
    twice.created();
    assert_eq!(add(&server, &badge(), "User").await.status, 409);
    let nowhere = add(&server, &of("urn:acme:1.0:Y", json!({"name": "x"})), "Robot").await;
    assert_eq!(nowhere.status, 404, "{}", nowhere.text);
    let other_path = server.lifecycle(Method::PUT, "/scim/schemas/urn:acme:other", &badge()).await;
    assert!(other_path.text.contains("The path names"), "{}", other_path.text);
}

#[tokio::test]
async fn a_schema_of_one_tenant_is_unknown_at_another() {
    let server = Server::start().await;
    add(&server, &badge(), "User").await.created();
    server
        .post("/Users", &user("ana", json!({"number": "A-1", "car": {"plate": "P"}})))
        .await
        .created();
    let other = server.provider.create_tenant(&server.ctx(), "Other").unwrap().id;
    let token =
        NewToken { dialect: service_provider::Dialect::Rfc, ..NewToken::named("directory") };
    let mut stranger = server;
    stranger.token =
        stranger.provider.create_token(&stranger.ctx(), &other, &token).unwrap().secret;

    stranger.get(&format!("/Schemas/{BADGE}")).await.error(404, "");
    assert!(!stranger.get("/Schemas").await.text.contains(BADGE));
    assert!(!stranger.get("/ResourceTypes").await.text.contains(BADGE));
    stranger
        .post("/Users", &user("ana", json!({"number": "A-1"})))
        .await
        .error(400, "invalidSyntax");
    stranger.get(&format!("/Users?filter={BADGE}:number%20pr")).await.error(400, "invalidFilter");
    let path = format!("/scim/schemas/{BADGE}");
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(stranger.lifecycle(method, &path, &json!({})).await.status, 404);
    }
    assert_eq!(stranger.lifecycle(Method::PUT, &path, &badge()).await.status, 404);
    assert_eq!(
        stranger.lifecycle(Method::GET, "/scim/schemas", &json!({})).await.ok()["schemas"],
        json!([])
    );
    // It may define the same, differently, and have the same values.
    let own = json!({"id": BADGE, "name": "Badge", "attributes": [{"name": "number", "uniqueness": "global"}]});
    add(&stranger, &own, "User").await.created();
    stranger.post("/Users", &user("ana", json!({"number": "A-1"}))).await.created();
}

#[tokio::test]
async fn another_node_over_the_same_database_sees_a_change_at_the_next_request() {
    let server = Server::start().await;
    let second = server.second_node().await;
    assert_eq!(second.get("/ResourceTypes").await.ok()["totalResults"], 2);
    add(&server, &badge(), "User").await.created();
    second.get(&format!("/Schemas/{BADGE}")).await.ok();
    second.post("/Users", &user("ana", json!({"number": "A-1"}))).await.created();
    server.post("/Users", &user("bo", json!({"number": "A-1"}))).await.error(409, "uniqueness");
}
