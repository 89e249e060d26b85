//! What a deactivation sets in motion, what comes back, and what a deletion removes.

use super::*;

/// Ana with everything a leaver may have; says her id.
async fn busy_ana(server: &Server) -> String {
    let ana = server.user("ana").await;
    server.group("Zoom - Phone", &[&ana]).await;
    let meetings = format!("/v2/users/{ana}/meetings");
    let meeting = |at: &str| json!({"topic": "Weekly", "start_time": at, "duration": 30});
    let past = server.post(&meetings, meeting("2026-11-20T10:00:00Z")).await.created();
    server.post(&meetings, meeting("2026-11-25T10:00:00Z")).await.created();
    server.post(&meetings, meeting("2026-12-02T10:00:00Z")).await.created();
    for size in [1, 2] {
        let path = format!("/v2/meetings/{}/recordings", past["id"]);
        server.post(&path, json!({"file_size": size})).await.created();
    }
    let number = json!({"phone_numbers": [{"number": "+1 555 0100"}]});
    server.post("/v2/phone/numbers", number.clone()).await.created();
    server.post(&format!("/v2/phone/users/{ana}/phone_numbers"), number).await.created();
    let queue = json!({"queue_name": "Billing"});
    let queue = server.post("/v2/contact_center/queues", queue).await.created();
    let agents =
        format!("/v2/contact_center/queues/{}/agents", queue["queue_id"].as_str().unwrap());
    server.post(&agents, json!({"user_ids": ["ana@acme.test"]})).await.with(201);
    for client in ["desktop", "mobile", "web"] {
        let path = format!("/v2/users/{ana}/sessions");
        server.post(&path, json!({"client": client})).await.created();
    }
    ana
}

#[tokio::test]
async fn deactivation_cleans_up_and_leaves_a_receipt() {
    let server = Server::start().await;
    server.set_limit(&license("workplace-business"), 1);
    let ana = busy_ana(&server).await;
    let bo = server.user("bo").await;
    let phone = server.get("/scim2/Groups?filter=displayName%20eq%20%22Zoom%20-%20Phone%22").await;
    let phone = phone.ok()["Resources"][0]["id"].as_str().unwrap().to_owned();
    server.advance_secs(60);
    server.add(&phone, &[&bo]).await;
    server.advance_secs(60);

    server.set_active(&ana, false).await;
    // The license is free, and Bo's, in the very commit; the rest is to be done.
    assert_eq!(server.has(&bo), "workplace-business phone");
    assert!(server.receipt(&ana).await.contains("cancel-meetings: to be done"));
    server.work_off();
    assert_eq!(
        server.receipt(&ana).await,
        "end-sessions: 3 sessions ended\n\
         free-license: Workplace Business freed and given to bo@acme.test, who waited, Zoom Phone freed\n\
         leave-queues: left 1 queue: Billing\n\
         release-numbers: +1 555 0100 released to the pool\n\
         cancel-meetings: 2 meetings cancelled\n\
         keep-recordings: 2 recordings kept"
    );
    let receipts = server.get(&format!("/v2/users/{ana}/receipts")).await.ok();
    let receipt = &receipts["receipts"][0];
    assert_eq!(receipt["kind"], "deactivation");
    assert_eq!(receipt["actor"], "token:directory");
    assert_eq!(receipt["cause"], json!(format!("PATCH /Users/{ana}")));
    assert_eq!(receipt["closed_at"], "2026-11-24T09:02:00Z");

    let none = |body: &Value, name: &str| body[name].as_array().unwrap().is_empty();
    let upcoming = server.get(&format!("/v2/users/{ana}/meetings?type=upcoming")).await.ok();
    assert!(none(&upcoming, "meetings"));
    let all = server.get(&format!("/v2/users/{ana}/meetings")).await.ok();
    assert_eq!(all["total_records"], 1);
    let sessions = server.get(&format!("/v2/users/{ana}/sessions")).await.ok();
    assert!(none(&sessions, "sessions"));
    let pool = server.get("/v2/phone/numbers?type=unassigned").await.ok();
    assert_eq!(pool["phone_numbers"][0]["number"], "+1 555 0100");
    let agents = server.get("/v2/contact_center/queues/Billing/agents").await.ok();
    assert!(none(&agents, "agents"));
    let recordings = server.get(&format!("/v2/users/{ana}/recordings")).await.ok();
    assert_eq!(recordings["total_records"], 2);
    assert_eq!(
        recordings["meetings"][0]["recording_files"][0]["kept_since"],
        "2026-11-24T09:02:00Z"
    );
}

#[tokio::test]
async fn reactivation_says_what_comes_back_and_what_does_not() {
    let server = Server::start().await;
    let ana = busy_ana(&server).await;
    server.set_active(&ana, false).await;
    server.work_off();
    server.set_active(&ana, true).await;
    assert_eq!(server.has(&ana), "workplace-business phone");
    let receipt = server.provider.receipts(&server.tenant, &ana).unwrap().remove(0);
    assert_eq!(receipt.ended_because.as_deref(), Some("reactivated"));
    let restoration = receipt.restoration.unwrap();
    let restored: Vec<_> = restoration.restored.iter().map(|r| r.sentence()).collect();
    assert_eq!(
        restored,
        [
            "the account and its settings",
            "membership of 1 group",
            "Workplace Business, granted by group \"Zoom - Phone\", as soon as a seat is free",
            "Zoom Phone, granted by group \"Zoom - Phone\", as soon as a seat is free",
            "2 recordings, which were kept",
        ]
    );
    let lost: Vec<_> = restoration.not_restored.iter().map(|r| r.sentence()).collect();
    assert_eq!(
        lost,
        [
            "3 ended sessions: sign in again",
            "agent in Billing: add the agent again",
            "+1 555 0100: back in the pool and perhaps with somebody else; assign a number",
            "2 cancelled meetings: schedule again, the guests were told",
        ]
    );
    let recordings = server.get(&format!("/v2/users/{ana}/recordings")).await.ok();
    assert_eq!(recordings["meetings"][0]["recording_files"][0]["kept_since"], json!(null));
}

#[tokio::test]
async fn who_comes_back_before_the_effects_keeps_what_was_not_taken_yet() {
    let server = Server::start().await;
    let ana = busy_ana(&server).await;
    server.set_active(&ana, false).await;
    server.set_active(&ana, true).await;
    server.work_off();
    assert!(server.receipt(&ana).await.contains("cancel-meetings: not done: reactivated"));
    let upcoming = server.get(&format!("/v2/users/{ana}/meetings?type=upcoming")).await.ok();
    assert_eq!(upcoming["total_records"], 2);
    let numbers = server.get(&format!("/v2/phone/users/{ana}/phone_numbers")).await.ok();
    assert_eq!(numbers["phone_numbers"].as_array().unwrap().len(), 1);
    // The next leaving is another receipt.
    server.set_active(&ana, false).await;
    server.work_off();
    assert!(server.receipt(&ana).await.contains("cancel-meetings: 2 meetings cancelled"));
    assert_eq!(server.provider.receipts(&server.tenant, &ana).unwrap().len(), 2);
}

#[tokio::test]
async fn an_effect_that_is_switched_off_is_on_the_receipt_and_not_done() {
    let server = Server::start().await;
    let mut settings = server.provider.tenant_settings(&server.tenant).unwrap();
    settings.effects.cancel_meetings = false;
    settings.effects.keep_recordings = false;
    server.provider.set_tenant_settings(&server.ctx(), &server.tenant, &settings).unwrap();
    let ana = busy_ana(&server).await;
    server.set_active(&ana, false).await;
    server.work_off();
    let receipt = server.receipt(&ana).await;
    assert!(receipt.contains("cancel-meetings: not done: the tenant's policy is off"), "{receipt}");
    assert!(receipt.contains("keep-recordings: not done"), "{receipt}");
    assert!(receipt.contains("trash-recordings: 2 recordings moved to the trash"), "{receipt}");
    let upcoming = server.get(&format!("/v2/users/{ana}/meetings?type=upcoming")).await.ok();
    assert_eq!(upcoming["total_records"], 2);
    let recordings = server.get(&format!("/v2/users/{ana}/recordings")).await.ok();
    assert_eq!(recordings["total_records"], 0);
    let trash = server.get(&format!("/v2/users/{ana}/recordings?trash=true")).await.ok();
    assert_eq!(trash["total_records"], 2);
    let meeting = &trash["meetings"][0]["id"];
    let path = format!("/v2/meetings/{meeting}/recordings/status");
    server.put(&path, json!({"action": "recover"})).await.gone();
    let recordings = server.get(&format!("/v2/users/{ana}/recordings")).await.ok();
    assert_eq!(recordings["total_records"], 2);
}

#[tokio::test]
async fn deletion_removes_what_it_says_and_its_receipt_stays() {
    let server = Server::start().await;
    let ana = busy_ana(&server).await;
    server.delete(&format!("/scim2/Users/{ana}")).await.gone();
    server.work_off();
    for name in [ana.as_str(), "ana@acme.test"] {
        assert_eq!(
            server.receipt(name).await,
            "end-sessions: 3 sessions ended\n\
             free-license: Workplace Business freed, Zoom Phone freed\n\
             leave-queues: left 1 queue: Billing\n\
             release-numbers: +1 555 0100 released to the pool\n\
             cancel-meetings: 2 meetings cancelled\n\
             delete-recordings: 2 recordings deleted"
        );
    }
    server.get(&format!("/v2/users/{ana}/recordings")).await.with(404);
    server.get("/v2/users/nobody@acme.test/receipts").await.with(404);
    // Another person of that name begins anew.
    let other = server.user("ana").await;
    assert_eq!(server.has(&other), "unassigned");
    let receipts = server.get(&format!("/v2/users/{other}/receipts")).await.ok();
    assert_eq!(receipts["receipts"], json!([]));
}

#[tokio::test]
async fn deletion_can_hand_meetings_and_recordings_over() {
    let server = Server::start().await;
    let ana = busy_ana(&server).await;
    let bo = server.user("bo").await;
    let path = format!(
        "/v2/users/{ana}?action=delete&transfer_email=bo@acme.test&transfer_meeting=true&transfer_recording=true"
    );
    server.delete(&path).await.gone();
    server.work_off();
    let receipt = server.receipt(&ana).await;
    assert!(receipt.contains("cancel-meetings: no meetings"), "{receipt}");
    assert!(receipt.contains("delete-recordings: no recordings"), "{receipt}");
    let meetings = server.get(&format!("/v2/users/{bo}/meetings?type=upcoming")).await.ok();
    assert_eq!(meetings["total_records"], 2);
    let recordings = server.get(&format!("/v2/users/{bo}/recordings")).await.ok();
    assert_eq!(recordings["total_records"], 2);
}

#[tokio::test]
async fn a_put_with_active_false_is_a_deactivation_too() {
    let server = Server::start().await;
    let ana = busy_ana(&server).await;
    let body = json!({"schemas": [urn::USER], "userName": "ana@acme.test", "active": false});
    server.put(&format!("/scim2/Users/{ana}"), body).await.ok();
    server.work_off();
    assert!(server.receipt(&ana).await.contains("3 sessions ended"));
}

#[tokio::test]
async fn who_is_inactive_can_do_nothing_new() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    server.set_active(&ana, false).await;
    let meeting = json!({"topic": "x", "start_time": "2026-12-01T09:00:00Z"});
    let refused = server.post(&format!("/v2/users/{ana}/meetings"), meeting).await.with(400);
    assert_eq!(
        refused,
        json!({"code": 300, "message": "ana@acme.test is inactive and cannot host meetings. Reactivate the user first."})
    );
    server.post(&format!("/v2/users/{ana}/sessions"), json!({})).await.with(400);
}

#[tokio::test]
async fn what_a_leaver_leaves_cannot_go_to_the_leaver() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let path = format!("/v2/users/{ana}?transfer_email=ana@acme.test&transfer_recording=true");
    let refused = server.delete(&path).await.with(400);
    assert_eq!(
        refused["message"],
        "`ana@acme.test` is the user who is deleted. Name somebody who stays."
    );
    server.get(&format!("/v2/users/{ana}")).await.ok();
}
