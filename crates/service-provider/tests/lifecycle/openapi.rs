//! What the OpenAPI document says of the lifecycle endpoints is what they do.

use super::*;

/// Paths whose answers other tests look at.
const ELSEWHERE: &[&str] =
    &[" /openapi.json", " /scim/", " /seats/reclaim/approvals", " /events", " /webhooks"];

/// What of a value does not fit a schema, as `at: why`.
fn misfits(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !fits {
        found.push(format!("{at}: {value} is no {}", schema["type"]));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value[name.as_str().unwrap()].is_null() {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    let properties = schema["properties"].as_object().filter(|known| !known.is_empty());
    for (name, inner) in value.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null()) {
        let Some(known) = properties else { continue };
        match known.get(name) {
            Some(schema) => misfits(schema, inner, &format!("{at}.{name}"), found),
            None => found.push(format!("{at}: {name} is not described")),
        }
    }
    for item in value.as_array().into_iter().flatten() {
        misfits(&schema["items"], item, &format!("{at}[]"), found);
    }
}

struct Walk {
    server: Server,
    document: Value,
    covered: std::collections::BTreeSet<String>,
}

impl Walk {
    /// Calls `path` with its names filled in, and holds the answer against the document.
    async fn call(&mut self, method: &str, path: &str, filled: &str, body: Value) -> Value {
        let described = &self.document["paths"][path][method];
        assert!(described.is_object(), "{method} {path} is not described");
        let url = format!("/v2{filled}");
        let mut request = self.server.request(method.to_uppercase().parse().unwrap(), &url);
        if !body.is_null() {
            let mut found = Vec::new();
            let schema = &described["requestBody"]["content"]["application/json"]["schema"];
            misfits(schema, &body, "body", &mut found);
            assert_eq!(found, Vec::<String>::new(), "{method} {path}");
            request = request.json(&body);
        }
        let answer = send(request).await;
        let status = answer.status.as_u16().to_string();
        let expected = &described["responses"][&status];
        assert!(expected.is_object(), "{method} {path}: {status} {}", answer.text);
        let value: Value = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
        let mut found = Vec::new();
        let schema = &expected["content"]["application/json"]["schema"];
        misfits(schema, &value, "answer", &mut found);
        assert_eq!(found, Vec::<String>::new(), "{method} {path}");
        assert_eq!(schema.is_null(), answer.text.is_empty(), "{method} {path}: {}", answer.text);
        self.covered.insert(format!("{method} {path}"));
        value
    }

    async fn get(&mut self, path: &str, filled: &str) -> Value {
        self.call("get", path, filled, Value::Null).await
    }
}

#[tokio::test]
async fn every_endpoint_answers_as_it_is_described() {
    let server = Server::start().await;
    let url = format!("{}/v2/openapi.json", server.provider.public_url());
    // Without a token: it says nothing about anybody.
    let document = send(server.client.get(url)).await.ok();
    let mut walk = Walk { server, document, covered: Default::default() };
    let ana = json!({"action": "ssoCreate", "user_info": {"email": "ana@acme.test", "first_name": "Ana"}});
    let ana = walk.call("post", "/users", "/users", ana).await["id"].as_str().unwrap().to_owned();
    let bo = json!({"action": "create", "user_info": {"email": "bo@acme.test"}});
    walk.call("post", "/users", "/users", bo).await;
    let user = |rest: &str| format!("/users/ana@acme.test{rest}");

    walk.call(
        "put",
        "/users/{user}/status",
        "/users/bo@acme.test/status",
        json!({"action": "activate"}),
    )
    .await;
    let profile = json!({"last_name": "Ng", "dept": "Sales", "job_title": "Analyst", "display_name": "Ana Ng"});
    walk.call("patch", "/users/{user}", &user(""), profile).await;
    walk.call("post", "/users/{user}/sessions", &user("/sessions"), json!({"client": "desktop"}))
        .await;
    walk.get("/users/{user}/sessions", &user("/sessions")).await;
    walk.call("delete", "/users/{user}/token", &user("/token"), Value::Null).await;
    walk.get("/users/email", "/users/email?email=ANA@acme.test").await;

    let group = walk.call("post", "/groups", "/groups", json!({"name": "Sales"})).await;
    let group = group["id"].as_str().unwrap().to_owned();
    let in_group = |rest: &str| format!("/groups/{group}{rest}");
    let members = json!({"members": [{"email": "ana@acme.test"}]});
    walk.call("post", "/groups/{group}/members", &in_group("/members"), members).await;
    walk.call("patch", "/groups/{group}", &in_group(""), json!({"name": "Sales EMEA"})).await;
    let shown = walk.get("/groups/{group}", &in_group("")).await;
    assert_eq!((&shown["name"], &shown["total_members"]), (&json!("Sales EMEA"), &json!(1)));
    let members = walk.get("/groups/{group}/members", &in_group("/members")).await;
    assert_eq!(members["members"][0]["id"], *ana);
    walk.get("/groups", "/groups?page_size=1").await;
    let one = in_group("/members/ana@acme.test");
    walk.call("delete", "/groups/{group}/members/{user}", &one, Value::Null).await;

    let meeting = json!({"topic": "Weekly", "start_time": "2026-12-01T09:00:00Z", "duration": 30});
    let meeting = walk.call("post", "/users/{user}/meetings", &user("/meetings"), meeting).await;
    let meeting = format!("/meetings/{}", meeting["id"]);
    walk.get("/users/{user}/meetings", &user("/meetings")).await;
    walk.get("/meetings/{meeting}", &meeting).await;
    let recordings = format!("{meeting}/recordings");
    walk.call("post", "/meetings/{meeting}/recordings", &recordings, json!({"file_size": 9})).await;
    walk.get("/meetings/{meeting}/recordings", &recordings).await;
    walk.call("delete", "/meetings/{meeting}/recordings", &recordings, Value::Null).await;
    let back = json!({"action": "recover"});
    walk.call(
        "put",
        "/meetings/{meeting}/recordings/status",
        &format!("{recordings}/status"),
        back,
    )
    .await;
    walk.get("/users/{user}/recordings", &user("/recordings")).await;
    walk.call("delete", "/meetings/{meeting}", &meeting, Value::Null).await;

    let number = json!({"phone_numbers": [{"number": "+1 555 0100"}]});
    walk.call("post", "/phone/numbers", "/phone/numbers", number.clone()).await;
    let phone = |rest: &str| format!("/phone/users/ana@acme.test{rest}");
    walk.call("post", "/phone/users/{user}/phone_numbers", &phone("/phone_numbers"), number).await;
    walk.get("/phone/users/{user}/phone_numbers", &phone("/phone_numbers")).await;
    walk.get("/phone/numbers", "/phone/numbers?type=assigned").await;
    let plan = json!({"type": 200, "name": "US/CA unlimited", "subscribed": 1});
    walk.call("post", "/phone/calling_plans", "/phone/calling_plans", plan).await;
    let plans = json!({"calling_plans": [{"type": 200}]});
    walk.call("post", "/phone/users/{user}/calling_plans", &phone("/calling_plans"), plans.clone())
        .await;
    walk.call("put", "/phone/users/{user}/calling_plans", &phone("/calling_plans"), plans).await;
    walk.get("/phone/users/{user}", &phone("")).await;
    walk.get("/phone/calling_plans", "/phone/calling_plans").await;
    walk.call(
        "delete",
        "/phone/users/{user}/calling_plans/{plan}",
        &phone("/calling_plans/200"),
        Value::Null,
    )
    .await;
    let number = phone("/phone_numbers/+1%20555%200100");
    walk.call("delete", "/phone/users/{user}/phone_numbers/{number}", &number, Value::Null).await;
    walk.call(
        "delete",
        "/phone/numbers",
        "/phone/numbers?phone_numbers=%2B1%20555%200100",
        Value::Null,
    )
    .await;

    let queues = "/contact_center/queues";
    let queue = walk.call("post", queues, queues, json!({"queue_name": "Support"})).await;
    let queue = format!("{queues}/{}", queue["queue_id"].as_str().unwrap());
    walk.get(queues, queues).await;
    walk.get("/contact_center/queues/{queue}", &queue).await;
    let agents = json!({"user_ids": ["ana@acme.test"]});
    walk.call("post", "/contact_center/queues/{queue}/agents", &format!("{queue}/agents"), agents)
        .await;
    walk.get("/contact_center/queues/{queue}/agents", &format!("{queue}/agents")).await;
    let agent = format!("{queue}/agents/ana@acme.test");
    walk.call("delete", "/contact_center/queues/{queue}/agents/{user}", &agent, Value::Null).await;
    walk.call("delete", "/contact_center/queues/{queue}", &queue, Value::Null).await;

    walk.get("/accounts/me/plans/usage", "/accounts/me/plans/usage").await;
    walk.get("/users/{user}/entitlements", &user("/entitlements")).await;
    let shown = walk.get("/users/{user}", &user("")).await;
    assert_eq!((&shown["dept"], &shown["display_name"]), (&json!("Sales"), &json!("Ana Ng")));
    walk.call("put", "/users/{user}/email", &user("/email"), json!({"email": "ana.ng@acme.test"}))
        .await;
    walk.get("/users", "/users?status=active&page_size=1").await;
    walk.call(
        "put",
        "/users/{user}/status",
        "/users/ana.ng@acme.test/status",
        json!({"action": "deactivate"}),
    )
    .await;
    walk.server.work_off();
    walk.get("/users/{user}/receipts", "/users/ana.ng@acme.test/receipts").await;
    walk.get("/seats", "/seats").await;
    let demand =
        json!({"demand": [{"date": "2026-12-01", "needs": {"product": "phone"}, "joiners": 1}]});
    walk.call("put", "/seats/demand/{source}", "/seats/demand/hr", demand).await;
    walk.get("/seats/demand", "/seats/demand").await;
    walk.get("/seats/forecast", "/seats/forecast?days=30").await;
    walk.get("/seats/history", "/seats/history?page_size=1").await;
    walk.get("/seats/idle", "/seats/idle?days=1").await;
    walk.get("/seats/reclaim", "/seats/reclaim").await;
    walk.call("delete", "/users/{user}", "/users/ana.ng@acme.test", Value::Null).await;
    walk.call("delete", "/groups/{group}", &in_group(""), Value::Null).await;
    let described =
        walk.document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
        });
    // What is not about users and what they have has walks of its own.
    let elsewhere = |one: &String| ELSEWHERE.iter().any(|path| one.contains(path));
    let missed: Vec<_> =
        described.filter(|one| !elsewhere(one) && !walk.covered.contains(one)).collect();
    assert_eq!(missed, Vec::<String>::new(), "described and not walked");
}

#[tokio::test]
async fn calling_plans_are_limited_and_come_back_when_a_user_leaves() {
    let server = Server::start().await;
    for name in ["ana", "bo"] {
        server.user(name).await;
    }
    let plan = json!({"type": 200, "name": "US/CA unlimited", "subscribed": 1});
    server.post("/v2/phone/calling_plans", plan).await.created();
    let body = json!({"calling_plans": [{"type": "200"}]});
    server.post("/v2/phone/users/ana@acme.test/calling_plans", body.clone()).await.with(204);
    let refused =
        server.post("/v2/phone/users/bo@acme.test/calling_plans", body.clone()).await.with(400);
    assert!(refused["message"].as_str().unwrap().contains("are assigned"), "{refused}");
    server.put("/v2/users/ana@acme.test/status", json!({"action": "deactivate"})).await.with(204);
    server.work_off();
    server.post("/v2/phone/users/bo@acme.test/calling_plans", body).await.with(204);
}

#[tokio::test]
async fn a_profile_is_changed_of_active_users_only() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let path = format!("/v2/users/{ana}");
    let change = json!({"dept": "Sales", "job_title": "Analyst"});
    server.write(Method::PATCH, &path, &change).await.with(204);
    server.write(Method::PATCH, &path, &json!({"dept": ""})).await.with(204);
    let shown = server.get(&format!("/scim2/Users/{ana}")).await.ok();
    assert_eq!(shown["title"], "Analyst");
    assert_eq!(shown[urn::ENTERPRISE_USER], Value::Null);
    let refused = server.write(Method::PATCH, &path, &json!({"type": 2})).await.with(400);
    assert!(refused["message"].as_str().unwrap().contains("type"), "{refused}");
    server.set_active(&ana, false).await;
    let refused = server.write(Method::PATCH, &path, &change).await.with(400);
    assert!(refused["message"].as_str().unwrap().contains("Activate the user first"), "{refused}");
}

#[tokio::test]
async fn lifecycle_requests_are_in_the_request_log_too() {
    let server = Server::start().await;
    server.get("/v2/users/nobody?secret=x").await.with(404);
    let query = service_provider::RequestQuery { limit: 10, ..Default::default() };
    let logged = server.provider.requests(Some(&server.tenant), &query).unwrap();
    let found = logged.iter().find(|one| one.path == "/v2/users/nobody").unwrap();
    assert_eq!((found.status, found.query.as_deref()), (404, None));
    assert!(found.detail.as_deref().unwrap().contains("no user"), "{found:?}");
}
