//! Tenants are walled off: every route of one tenant, driven with another tenant's token and the
//! first one's ids, says nothing of what is there and changes nothing.

use std::collections::BTreeMap;

use super::*;

/// In every name and text of the first tenant, and in no request of the second.
const MARK: &str = "Confidential";

/// The first tenant's things, by the name that stands for them in a path.
struct Acme {
    server: Server,
    names: BTreeMap<&'static str, String>,
}

impl Acme {
    async fn furnished() -> Self {
        let server = Server::start().await;
        let more = json!({
            "displayName": format!("{MARK} Ana"),
            "externalId": "acme-ana",
            "emails": [{"value": "ana@acme.test", "type": "work"}],
            "phoneNumbers": [{"value": "+1 555 0199", "display": MARK}],
        });
        let ana = server.user_with("ana", more).await.created()["id"].as_str().unwrap().to_owned();
        let group = server.group(&format!("{MARK} Sales"), &[&ana]).await;
        let meeting =
            json!({"topic": format!("{MARK} Weekly"), "start_time": "2026-12-01T09:00:00Z"});
        let meeting = server.post(&format!("/v2/users/{ana}/meetings"), meeting).await.created();
        let recordings = format!("/v2/meetings/{}/recordings", meeting["id"]);
        server.post(&recordings, json!({"file_size": 9})).await.created();
        let number = json!({"phone_numbers": [{"number": "+1 555 0100"}]});
        server.post("/v2/phone/numbers", number.clone()).await.created();
        server.post(&format!("/v2/phone/users/{ana}/phone_numbers"), number).await.created();
        let plan = json!({"type": 200, "name": format!("{MARK} plan"), "subscribed": 5});
        server.post("/v2/phone/calling_plans", plan).await.created();
        let plan = json!({"calling_plans": [{"type": 200}]});
        server.post(&format!("/v2/phone/users/{ana}/calling_plans"), plan).await.with(204);
        let queue = json!({"queue_name": format!("{MARK} Support")});
        let queue = server.post("/v2/contact_center/queues", queue).await.created();
        let queue = queue["queue_id"].as_str().unwrap().to_owned();
        let agents = json!({"user_ids": [ana]});
        server.post(&format!("/v2/contact_center/queues/{queue}/agents"), agents).await.with(201);
        let client = json!({"client": format!("{MARK} desktop")});
        server.post(&format!("/v2/users/{ana}/sessions"), client).await.created();
        let urn = "urn:acme:scim:Badge".to_owned();
        let schema = json!({
            "id": urn, "name": format!("{MARK} badge"), "description": MARK,
            "attributes": [{"name": "colour", "type": "string"}],
        });
        server.post("/v2/scim/schemas", schema).await.with(201);
        let device =
            json!({"name": "Badge", "endpoint": "/Badges", "schema": urn, "description": MARK});
        server.post("/v2/scim/resource_types", device).await.with(201);
        let badge = json!({"schemas": [urn], "colour": MARK, "externalId": "acme-badge"});
        let badge = server.post("/scim2/Badges", badge).await.created();
        server.work_off();
        let names = BTreeMap::from([
            ("user", ana),
            ("group", group),
            ("meeting", meeting["id"].to_string()),
            ("number", "+1 555 0100".to_owned()),
            ("plan", "200".to_owned()),
            ("queue", queue),
            ("urn", urn),
            ("name", "Badge".to_owned()),
            ("badge", badge["id"].as_str().unwrap().to_owned()),
        ]);
        Self { server, names }
    }

    fn name(&self, of: &str) -> &str {
        self.names.get(of).map_or("0199", String::as_str)
    }

    /// Everything the tenant can be asked for, as it answers.
    async fn everything(&self) -> BTreeMap<String, String> {
        let (user, group) = (self.name("user"), self.name("group"));
        let queue = format!("/v2/contact_center/queues/{}", self.name("queue"));
        let mut all = BTreeMap::new();
        for path in [
            "/scim2/Users".to_owned(),
            "/scim2/Groups".to_owned(),
            "/scim2/Badges".to_owned(),
            "/scim2/Schemas".to_owned(),
            "/scim2/ResourceTypes".to_owned(),
            format!("/v2/users/{user}"),
            format!("/v2/users/{user}/sessions"),
            format!("/v2/users/{user}/meetings"),
            format!("/v2/users/{user}/recordings"),
            format!("/v2/users/{user}/entitlements"),
            format!("/v2/users/{user}/receipts"),
            format!("/v2/phone/users/{user}"),
            format!("/v2/groups/{group}/members"),
            "/v2/phone/numbers".to_owned(),
            "/v2/phone/calling_plans".to_owned(),
            format!("{queue}/agents"),
            queue,
            "/v2/accounts/me/plans/usage".to_owned(),
            "/v2/scim/schemas".to_owned(),
            "/v2/scim/resource_types".to_owned(),
        ] {
            let answer = self.server.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            all.insert(path, answer.text);
        }
        all
    }

    /// A token of another tenant.
    fn stranger(&self) -> String {
        let other = self.server.provider.create_tenant(&self.server.ctx(), "Other").unwrap().id;
        let token = NewToken::named("directory");
        self.server.provider.create_token(&self.server.ctx(), &other, &token).unwrap().secret
    }

    async fn asked_by(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", self.server.provider.public_url());
        let method: Method = method.to_uppercase().parse().unwrap();
        let mut request = self.server.client.request(method.clone(), url).bearer_auth(token);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = send(request).await;
        assert!(!answer.text.contains(MARK), "{method} {path} tells: {}", answer.text);
        let fault = answer.status.is_server_error() && answer.status != 501;
        assert!(!fault, "{method} {path}: {}", answer.text);
        answer
    }
}

/// A path parameter as it is written into a URL.
fn written(name: &str) -> String {
    name.replace('+', "%2B").replace(' ', "%20")
}

/// The sample of a body, about the first tenant's things.
fn about(sample: &Value, acme: &Acme) -> Value {
    let text = sample.to_string();
    let text = text.replace("\"0199\"", &format!("\"{}\"", acme.name("user")));
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn no_lifecycle_endpoint_reaches_over_to_another_tenant() {
    let acme = Acme::furnished().await;
    let before = acme.everything().await;
    let stranger = acme.stranger();
    let url = format!("{}/v2/openapi.json", acme.server.provider.public_url());
    let document = send(acme.server.client.get(url)).await.ok();
    let mut asked = 0;
    for (template, methods) in document["paths"].as_object().unwrap() {
        let mut path = format!("/v2{template}");
        for (name, value) in &acme.names {
            path = path.replace(&format!("{{{name}}}"), &written(value));
        }
        let path = path.replace(['{', '}'], "");
        for (method, described) in methods.as_object().unwrap() {
            let sample = &described["requestBody"]["content"]["application/json"]["example"];
            let body = about(sample, &acme);
            let answer = acme.asked_by(&stranger, method, &path, &body).await;
            if template.contains('{') && method != "get" {
                let refused = answer.status.is_client_error();
                assert!(refused, "{method} {path}: {} {}", answer.status, answer.text);
            }
            asked += 1;
        }
    }
    for path in [
        format!("/v2/users?email={}", "ana@acme.test"),
        "/v2/users/ana@acme.test".to_owned(),
        "/v2/phone/users/ana@acme.test".to_owned(),
    ] {
        acme.asked_by(&stranger, "get", &path, &Value::Null).await;
    }
    let gone = "/v2/phone/numbers?phone_numbers=%2B1%20555%200100";
    let answer = acme.asked_by(&stranger, "delete", gone, &Value::Null).await;
    assert!(answer.status == 404 || answer.status == 204, "{}", answer.text);
    assert!(asked > 50, "{asked} operations were asked");
    assert_eq!(acme.everything().await, before);
}

#[tokio::test]
async fn no_scim_endpoint_reaches_over_to_another_tenant() {
    let acme = Acme::furnished().await;
    let before = acme.everything().await;
    let stranger = acme.stranger();
    let (user, group, badge) = (acme.name("user"), acme.name("group"), acme.name("badge"));
    let patch = |operations: Value| json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    let rename = patch(json!([{"op": "replace", "path": "displayName", "value": "x"}]));
    for path in [format!("/Users/{user}"), format!("/Groups/{group}"), format!("/Badges/{badge}")] {
        let whole = json!({"schemas": [urn::USER], "userName": "x", "displayName": "x"});
        for (method, body) in
            [("get", &Value::Null), ("put", &whole), ("patch", &rename), ("delete", &Value::Null)]
        {
            let answer = acme.asked_by(&stranger, method, &format!("/scim2{path}"), body).await;
            assert!(answer.status.is_client_error(), "{method} {path}: {}", answer.text);
            if method != "put" {
                assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
            }
        }
        let bulk =
            |method: &str, data: &Value| json!({"method": method, "path": path, "data": data});
        let operations = [
            bulk("PATCH", &rename),
            json!({"method": "DELETE", "path": path}),
            bulk("PUT", &whole),
        ];
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations,
        });
        let answer = acme.asked_by(&stranger, "post", "/scim2/Bulk", &body).await.ok();
        for operation in answer["Operations"].as_array().unwrap() {
            let status = operation["status"].to_string();
            assert!(status.contains('4'), "{path}: {operation}");
        }
    }
    for (filter, types) in [
        (format!("id eq \"{user}\""), vec!["Users", "Groups", ""]),
        ("userName eq \"ana@acme.test\"".to_owned(), vec!["Users"]),
        ("emails.value eq \"ana@acme.test\"".to_owned(), vec!["Users"]),
        ("externalId eq \"acme-ana\"".to_owned(), vec!["Users", "Groups", ""]),
        (format!("groups.value eq \"{group}\""), vec!["Users"]),
        (format!("members.value eq \"{user}\""), vec!["Groups"]),
        ("displayName co \"a\"".to_owned(), vec!["Users", "Groups"]),
        ("meta.created pr".to_owned(), vec!["Users", "Groups", ""]),
    ] {
        for endpoint in types {
            let body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter,
            });
            let path = if endpoint.is_empty() { String::new() } else { format!("/{endpoint}") };
            let path = format!("/scim2{path}/.search");
            let found = acme.asked_by(&stranger, "post", &path, &body).await.ok();
            assert_eq!(found["totalResults"], 0, "{path} {filter}: {found}");
        }
    }
    for path in [
        "/Users",
        "/Users?sortBy=userName",
        "/Users?count=0",
        "/Users?cursor=",
        "/Groups",
        "/Groups?sortBy=displayName&sortOrder=descending",
    ] {
        let found = acme.asked_by(&stranger, "get", &format!("/scim2{path}"), &Value::Null).await;
        assert!(
            found.status.is_client_error()
                || found.ok()["Resources"].as_array().is_none_or(Vec::is_empty)
        );
    }
    for path in ["/Badges", "/Schemas/urn:acme:scim:Badge", "/ResourceTypes/Badge", "/Me"] {
        let answer = acme.asked_by(&stranger, "get", &format!("/scim2{path}"), &Value::Null).await;
        assert!(answer.status.is_client_error() || answer.status == 501, "{path}: {}", answer.text);
    }
    for path in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig", "/Roles", "/Entitlements"]
    {
        acme.asked_by(&stranger, "get", &format!("/scim2{path}"), &Value::Null).await;
    }
    // Somebody else's people and groups are nobody here, as members and as managers.
    let members = json!({
        "schemas": [urn::GROUP], "displayName": "Mine", "members": [{"value": user}, {"value": group}],
    });
    let mine = acme.asked_by(&stranger, "post", "/scim2/Groups", &members).await.created();
    assert_eq!(mine["members"], Value::Null);
    let add = patch(json!([{"op": "add", "path": "members", "value": [{"value": user}]}]));
    let mine = format!("/scim2/Groups/{}", mine["id"].as_str().unwrap());
    acme.asked_by(&stranger, "patch", &mine, &add).await.fine();
    assert_eq!(
        acme.asked_by(&stranger, "get", &mine, &Value::Null).await.ok()["members"],
        Value::Null
    );
    let managed = json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER], "userName": "bo@other.test",
        urn::ENTERPRISE_USER: {"manager": {"value": user}},
    });
    acme.asked_by(&stranger, "post", "/scim2/Users", &managed).await.created();
    // The same names are free here, and are others' there.
    let twin =
        json!({"schemas": [urn::USER], "userName": "ana@acme.test", "externalId": "acme-ana"});
    acme.asked_by(&stranger, "post", "/scim2/Users", &twin).await.created();
    assert_eq!(acme.everything().await, before);
}
