//! The lifecycle endpoints' manners: tokens, errors, names, pages.

use service_provider::{Scope, Scopes};

use super::*;

#[tokio::test]
async fn requests_without_a_fitting_token_are_refused_in_zooms_shape() {
    let server = Server::start().await;
    let url = format!("{}/v2/users", server.provider.public_url());
    let refused = send(server.client.get(&url)).await.with(401);
    assert_eq!(refused["code"], 124);
    let refused = send(server.client.get(&url).bearer_auth("nonsense")).await.with(401);
    assert!(refused["message"].as_str().unwrap().contains("mistyped"));
    let token = NewToken {
        scopes: Scopes::of([Scope::ScimRead, Scope::ScimWrite]),
        ..NewToken::named("scim only")
    };
    let token = server.provider.create_token(&server.ctx(), &server.tenant, &token).unwrap();
    let refused = send(server.client.get(&url).bearer_auth(token.secret)).await.with(403);
    assert!(refused["message"].as_str().unwrap().contains("lifecycle"));
}

#[tokio::test]
async fn every_refusal_has_a_code_and_a_message() {
    let server = Server::start().await;
    server.user("ana").await;
    let check = |answer: Answer, status: u16, code: u64, message: &str| {
        let body = answer.with(status);
        assert_eq!(body["code"], code, "{body}");
        assert!(body["message"].as_str().unwrap().contains(message), "{body}");
    };
    check(server.get("/v2/users/nobody").await, 404, 1001, "no user `nobody`");
    check(server.get("/v2/meetings/12").await, 404, 3001, "no meeting `12`");
    check(server.get("/v2/meetings/x").await, 400, 300, "path");
    check(server.get("/v2/users?page_size=x").await, 400, 300, "query");
    check(server.get("/v2/users?status=gone").await, 400, 300, "`gone` is no status");
    check(server.get("/v2/nowhere").await, 404, 404, "no such path");
    check(server.post("/v2/meetings/12", json!({})).await, 405, 405, "method");
    check(server.post("/v2/users", json!({"action": "x"})).await, 400, 300, "body");
    let meeting = json!({"topic": "x", "start_time": "soon"});
    check(server.post("/v2/users/ana@acme.test/meetings", meeting).await, 400, 300, "body");
    let meeting = json!({"start_time": "2026-12-01T09:00:00Z", "duration": 0});
    check(server.post("/v2/users/ana@acme.test/meetings", meeting).await, 400, 300, "minutes");
    let twice = json!({"phone_numbers": [{"number": "+1 555 0100"}, {"number": "+1 555 0100"}]});
    check(server.post("/v2/phone/numbers", twice).await, 409, 1005, "there already");
    let numbers = server.get("/v2/phone/numbers").await.ok();
    assert_eq!(numbers["total_records"], 0, "of a refused request nothing stays");
}

#[tokio::test]
async fn users_are_named_by_id_login_or_address_and_listed_in_pages() {
    let server = Server::start().await;
    for name in ["ana", "bo", "cy"] {
        let more = json!({
            "name": {"givenName": name}, "emails": [{"value": format!("{name}@home.test")}],
        });
        server.user_with(name, more).await.created();
    }
    server
        .set_active(server.get("/v2/users/BO@acme.test").await.ok()["id"].as_str().unwrap(), false)
        .await;
    let cy = server.get("/v2/users/Cy@home.test").await.ok();
    assert_eq!(cy["email"], "cy@home.test");
    assert_eq!(cy["type"], 4);
    assert_eq!(cy["license"], "unassigned");
    let first = server.get("/v2/users?page_size=1").await.ok();
    assert_eq!(first["users"][0]["first_name"], "ana");
    let token = first["next_page_token"].as_str().unwrap();
    let second = server.get(&format!("/v2/users?page_size=1&next_page_token={token}")).await.ok();
    assert_eq!(second["users"][0]["first_name"], "cy");
    assert_eq!(second["next_page_token"], "");
    let inactive = server.get("/v2/users?status=inactive").await.ok();
    assert_eq!(inactive["users"][0]["first_name"], "bo");
    assert_eq!(inactive["users"][0]["type"], 99);
}

#[tokio::test]
async fn a_number_belongs_to_one_user_at_a_time() {
    let server = Server::start().await;
    server.user("ana").await;
    server.user("bo").await;
    let number = json!({"phone_numbers": [{"number": "+1 555 0100"}]});
    let added = server.post("/v2/phone/numbers", number.clone()).await.created();
    let id = added["phone_numbers"][0]["id"].as_str().unwrap();
    let to = |user: &str| format!("/v2/phone/users/{user}@acme.test/phone_numbers");
    let by_id = json!({"phone_numbers": [{"id": id}]});
    server.post(&to("ana"), by_id.clone()).await.created();
    server.post(&to("ana"), by_id).await.created();
    let taken = server.post(&to("bo"), number.clone()).await.with(409);
    assert!(taken["message"].as_str().unwrap().contains("belongs to ana@acme.test"));
    server.delete(&format!("/v2/phone/numbers?phone_numbers={id}")).await.with(400);
    server.delete(&format!("{}/{id}", to("ana"))).await.gone();
    server.post(&to("bo"), number).await.created();
    let assigned = server.get("/v2/phone/numbers?type=assigned").await.ok();
    assert_eq!(assigned["phone_numbers"][0]["assignee"]["type"], "user");
}

#[tokio::test]
async fn a_queue_has_agents_and_a_meeting_an_end() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let queue = server.post("/v2/contact_center/queues", json!({"queue_name": "Billing"})).await;
    let id = queue.created()["queue_id"].as_str().unwrap().to_owned();
    server.post("/v2/contact_center/queues", json!({"queue_name": "Billing"})).await.with(409);
    let agents = format!("/v2/contact_center/queues/{id}/agents");
    server.post(&agents, json!({"user_ids": [ana, ana]})).await.with(201);
    assert_eq!(server.get(&agents).await.ok()["total_records"], 1);
    server.delete(&format!("{agents}/ana@acme.test")).await.gone();
    server.delete(&format!("{agents}/ana@acme.test")).await.with(404);
    server.delete(&format!("/v2/contact_center/queues/{id}")).await.gone();
    let meeting = json!({"topic": "x", "start_time": "2026-11-24T08:45:00Z", "duration": 30});
    let meeting = server.post(&format!("/v2/users/{ana}/meetings"), meeting).await.created();
    let live = server.get(&format!("/v2/users/{ana}/meetings?type=live")).await.ok();
    assert_eq!(live["meetings"][0]["id"], meeting["id"]);
    server.delete(&format!("/v2/meetings/{}", meeting["id"])).await.gone();
    server.delete(&format!("/v2/meetings/{}", meeting["id"])).await.with(404);
    server.get(&format!("/v2/meetings/{}", meeting["id"])).await.with(404);
}

#[tokio::test]
async fn nothing_of_one_tenant_shows_in_another() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let meeting = json!({"topic": "x", "start_time": "2026-12-01T09:00:00Z"});
    let meeting = server.post(&format!("/v2/users/{ana}/meetings"), meeting).await.created();
    let number = json!({"phone_numbers": [{"number": "+1 555 0100"}]});
    server.post("/v2/phone/numbers", number.clone()).await.created();
    server.post("/v2/contact_center/queues", json!({"queue_name": "Billing"})).await.created();

    let other = server.provider.create_tenant(&server.ctx(), "Other").unwrap().id;
    let token = server.provider.create_token(&server.ctx(), &other, &NewToken::named("x"));
    let token = token.unwrap().secret;
    let ask = |method: Method, path: String| {
        let url = format!("{}{path}", server.provider.public_url());
        send(server.client.request(method, url).bearer_auth(&token))
    };
    for path in ["", "/meetings", "/recordings", "/sessions", "/entitlements", "/receipts"] {
        ask(Method::GET, format!("/v2/users/{ana}{path}")).await.with(404);
    }
    ask(Method::DELETE, format!("/v2/users/{ana}")).await.with(404);
    ask(Method::DELETE, format!("/v2/meetings/{}", meeting["id"])).await.with(404);
    ask(Method::GET, "/v2/contact_center/queues/Billing".into()).await.with(404);
    let numbers = ask(Method::GET, "/v2/phone/numbers".into()).await.ok();
    assert_eq!(numbers["total_records"], 0);
    let usage = ask(Method::GET, "/v2/accounts/me/plans/usage".into()).await.ok();
    assert_eq!(usage["plan_united"], json!([]));
}

#[tokio::test]
async fn sizes_beyond_all_measure_are_answered() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let new = json!({"topic": "t", "start_time": "2026-12-01T09:00:00Z", "duration": 30});
    let meeting = server.post(&format!("/v2/users/{ana}/meetings"), new).await.created();
    let recordings = format!("/v2/meetings/{}/recordings", meeting["id"]);
    for _ in 0..3 {
        server.post(&recordings, json!({"file_size": u64::MAX})).await.created();
    }
    assert_eq!(server.get(&recordings).await.ok()["recording_count"], 3);
}
