//! Webhooks: signed, in order for each subject, at least once, given up in the end and replayed.

use jiff::SignedDuration;
use service_provider::{Form, NewWebhook, Webhook, WebhookState};

use super::receiver::{Receiver, hex, hmac};
use super::*;

impl Server {
    /// A webhook that is told of users and groups; says the secret too.
    fn hook(&self, receiver: &Receiver) -> (Webhook, String) {
        let kinds = vec!["user.*".to_owned(), "group.*".to_owned()];
        self.hook_with(NewWebhook { kinds, ..NewWebhook::to(&receiver.url) })
    }

    fn hook_with(&self, new: NewWebhook) -> (Webhook, String) {
        self.provider.seal_events().unwrap();
        let added = self.provider.add_webhook(&self.ctx(), &self.tenant, &new).unwrap();
        (added.webhook, added.secret.unwrap_or_default())
    }

    async fn deliver(&self) -> (u64, u64) {
        let done = self.provider.work_off_events().await.unwrap();
        (done.delivered, done.failed)
    }

    fn state(&self, webhook: &Webhook) -> WebhookState {
        self.provider.webhook(&self.tenant, &webhook.id).unwrap().state
    }

    fn later(&self, secs: i64) {
        self.clock.advance(SignedDuration::from_secs(secs));
    }
}

#[tokio::test]
async fn what_happens_is_told_signed_and_once() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let before = server.user("before").await;
    let (_, secret) = server.hook(&receiver);
    let ana = server.user("ana").await;
    server.rename(&ana, "Ana").await;
    assert_eq!(server.deliver().await, (2, 0));
    assert_eq!(server.deliver().await, (0, 0));
    let got = receiver.received();
    let told: Vec<String> = got.iter().map(|message| message.told()).collect();
    assert_eq!(told, [format!("user.created {ana}"), format!("user.updated {ana}")]);
    assert!(got.iter().all(|message| message.is_signed_with(&secret)));
    assert!(!got[0].is_signed_with("whsec_AAAA"));
    let event = &server.log().await
        [usize::try_from(got[1].json()["data"]["place"].as_i64().unwrap()).unwrap() - 1];
    assert_eq!(got[1].header("webhook-id"), event["id"]);
    assert_eq!(got[1].json()["data"]["payload"], event["payload"]);
    assert_eq!(got[1].header("content-type"), "application/json");
    let at = server.clock.now().as_second().to_string();
    assert_eq!(got[1].header("webhook-timestamp"), at);
    assert!(!got.iter().any(|message| message.body.contains(&before)), "it begins at the end");
}

#[tokio::test]
async fn a_subject_that_fails_keeps_its_order_and_holds_nobody_up() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    server.hook(&receiver);
    let (ana, bo) = (server.user("ana").await, server.user("bo").await);
    let refused = ana.clone();
    receiver.answer(move |message| {
        Some((if message.body.contains(&refused) { 503 } else { 200 }, String::new()))
    });
    server.rename(&ana, "Ana").await;
    server.rename(&bo, "Bo").await;
    server.set_active(&ana, false).await;
    assert_eq!(server.deliver().await, (2, 1), "two of bo arrive, the first of ana is refused");
    let told = |messages: Vec<super::receiver::Received>, subject: &str| -> Vec<String> {
        let told = messages.iter().map(|message| message.told());
        told.filter(|told| told.ends_with(subject)).collect()
    };
    assert_eq!(
        told(receiver.take(), &bo),
        [format!("user.created {bo}"), format!("user.updated {bo}")]
    );
    assert_eq!(server.deliver().await, (0, 0), "its time has not come");
    server.rename(&bo, "Bob").await;
    assert_eq!(server.deliver().await, (1, 0));
    receiver.take();
    server.later(60);
    receiver.answer_status(200);
    assert_eq!(server.deliver().await, (3, 0));
    assert_eq!(
        told(receiver.take(), &ana),
        ["user.created", "user.updated", "user.deactivated"].map(|kind| format!("{kind} {ana}"))
    );
}

#[tokio::test]
async fn what_was_sent_when_a_node_died_is_sent_again_by_another() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    server.hook(&receiver);
    server.user("ana").await;
    receiver.answer(|_| None);
    let dying = server.provider.clone();
    let dying = tokio::spawn(async move { dying.work_off_events().await });
    receiver.has_had(1).await;
    dying.abort();
    receiver.answer_status(200);
    let other = server.another_node();
    assert_eq!(other.work_off_events().await.unwrap().delivered, 0, "the lease still holds");
    server.later(3_600);
    assert_eq!(other.work_off_events().await.unwrap().delivered, 1);
    let got = receiver.received();
    assert_eq!(got.len(), 2, "at least once");
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"), "and known again");
}

#[tokio::test]
async fn two_nodes_share_the_work_and_double_none_of_it() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    server.hook(&receiver);
    let other = server.another_node();
    for name in ["a", "b", "c", "d", "e", "f"] {
        server.user(name).await;
    }
    let (one, two) = tokio::join!(server.provider.work_off_events(), other.work_off_events());
    let rest = server.deliver().await.0;
    assert_eq!(one.unwrap().delivered + two.unwrap().delivered + rest, 6);
    let mut ids: Vec<_> =
        receiver.received().iter().map(|m| m.header("webhook-id").to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), receiver.received().len()), (6, 6));
}

#[tokio::test]
async fn what_fails_again_and_again_is_given_up_and_can_be_replayed() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let (webhook, _) = server.hook(&receiver);
    let (ana, bo) = (server.user("ana").await, server.user("bo").await);
    let refused = ana.clone();
    receiver.answer(move |message| match message.body.contains(&refused) {
        true => Some((500, "no such account".into())),
        false => Some((200, String::new())),
    });
    let mut attempts = 0;
    while server.provider.dead_deliveries(&server.tenant, &webhook.id).unwrap().is_empty() {
        // Others arrive, so that it is the message that is given up and not the receiver.
        server.rename(&bo, &format!("Bo {attempts}")).await;
        let (_, failed) = server.deliver().await;
        attempts += failed;
        server.later(30 * 3_600);
        assert!(attempts < 50);
    }
    let dead = server.provider.dead_deliveries(&server.tenant, &webhook.id).unwrap();
    assert_eq!((dead[0].kind.as_str(), &dead[0].subject), ("user.created", &ana));
    assert_eq!((u64::from(dead[0].attempts), attempts), (10, 10));
    assert_eq!(dead[0].error, "The receiver answered 500: no such account");
    let shown = server.get(&format!("/v2/webhooks/{}/dead", webhook.id)).await.with(200);
    assert_eq!(shown["deliveries"][0]["event"], dead[0].event.as_str());

    receiver.answer_status(200);
    receiver.take();
    let body = json!({"event_id": dead[0].event});
    let path = format!("/v2/webhooks/{}/replay", webhook.id);
    server.write(Method::POST, &path, &body).await.with(200);
    assert_eq!(server.deliver().await, (1, 0));
    assert_eq!(receiver.take()[0].told(), format!("user.created {ana}"));
    assert!(server.provider.dead_deliveries(&server.tenant, &webhook.id).unwrap().is_empty());
}

#[tokio::test]
async fn a_new_webhook_can_be_told_everything_and_an_old_one_once_more() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let ana = server.user("ana").await;
    server.rename(&ana, "Ana").await;
    let kinds = vec!["user.*".to_owned()];
    let (webhook, _) =
        server.hook_with(NewWebhook { kinds, from: Some(0), ..NewWebhook::to(&receiver.url) });
    assert_eq!(server.deliver().await, (2, 0));
    let first = receiver.take();
    let place = first[1].json()["data"]["place"].as_i64().unwrap();
    server.provider.replay_webhook_from(&server.ctx(), &server.tenant, &webhook.id, place).unwrap();
    assert_eq!(server.deliver().await, (1, 0));
    assert_eq!(receiver.take()[0].header("webhook-id"), first[1].header("webhook-id"));
    let replay = |place| {
        server.provider.replay_webhook_from(&server.ctx(), &server.tenant, &webhook.id, place)
    };
    assert!(replay(0).is_err() && replay(9_999).is_err());
}

#[tokio::test]
async fn a_receiver_that_is_down_is_left_alone_longer_and_longer_and_in_the_end_given_up() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let (webhook, _) = server.hook(&receiver);
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        server.user(name).await;
    }
    receiver.answer_status(500);
    assert_eq!(server.deliver().await, (0, 7));
    server.later(6);
    receiver.take();
    let tried = server.deliver().await;
    assert!(tried.1 <= 1, "one message is enough to see that nobody answers: {tried:?}");
    for _ in 0..7 {
        server.later(24 * 3_600);
        server.deliver().await;
    }
    assert_eq!(server.state(&webhook), WebhookState::Disabled);
    assert!(receiver.take().len() < 12, "nobody hammers at it");
    let log = server.log().await;
    let told = log.iter().find(|event| event["kind"] == "webhook.disabled").unwrap();
    assert!(told["payload"]["because"].as_str().unwrap().contains("5 days"), "{told}");

    receiver.answer_status(200);
    assert_eq!(server.deliver().await, (0, 0));
    server.provider.resume_webhook(&server.ctx(), &server.tenant, &webhook.id).unwrap();
    assert_eq!(server.deliver().await, (7, 0), "nothing was lost meanwhile");
}

#[tokio::test]
async fn a_receiver_that_says_it_is_gone_is_believed_and_one_that_redirects_is_not_followed() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let (webhook, _) = server.hook(&receiver);
    server.user("ana").await;
    receiver.answer_status(302);
    assert_eq!(server.deliver().await, (0, 1));
    assert_eq!(receiver.take().len(), 1, "nobody went to /elsewhere");
    receiver.answer_status(410);
    server.later(60);
    assert_eq!(server.deliver().await, (0, 1));
    assert_eq!(server.state(&webhook), WebhookState::Disabled);
}

#[tokio::test]
async fn a_paused_webhook_is_told_later_and_a_removed_one_never() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let body = json!({"url": receiver.url, "events": ["user.created"]});
    let added = server.write(Method::POST, "/v2/webhooks", &body).await.with(201);
    assert!(added["secret"].as_str().unwrap().starts_with("whsec_"));
    let path = format!("/v2/webhooks/{}", added["id"].as_str().unwrap());
    let shown = server.get(&path).await.with(200);
    assert_eq!((&shown["status"], &shown["secret"]), (&json!("active"), &Value::Null));
    let act = async |action: &str| {
        let body = json!({"action": action});
        server.write(Method::PUT, &format!("{path}/status"), &body).await
    };
    act("pause").await.with(200);
    act("sing").await.with(400);
    server.user("ana").await;
    assert_eq!(server.deliver().await, (0, 0));
    act("resume").await.with(200);
    assert_eq!(server.deliver().await, (1, 0));
    let listed = server.get("/v2/webhooks").await.with(200);
    assert_eq!(listed["webhooks"].as_array().unwrap().len(), 1);
    assert!(receiver.take()[0].is_signed_with(added["secret"].as_str().unwrap()));

    let tried = server.write(Method::POST, &format!("{path}/test"), &json!({})).await.with(200);
    assert_eq!(tried, json!({"delivered": true, "status": 204, "error": null}));
    assert_eq!(receiver.take()[0].json()["type"], "webhook.test");
    server.user("bo").await;
    server.provider.seal_events().unwrap();
    server.delete(&path).await.with(204);
    assert_eq!(server.deliver().await, (0, 0));
    server.get(&path).await.with(404);
}

#[tokio::test]
async fn a_new_secret_signs_beside_the_former_one_for_a_while() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let (webhook, former) = server.hook(&receiver);
    let overlap = SignedDuration::from_hours(1);
    let rotated =
        server.provider.rotate_webhook_secret(&server.ctx(), &server.tenant, &webhook.id, overlap);
    let new = rotated.unwrap().secret.unwrap();
    server.user("ana").await;
    server.deliver().await;
    let message = receiver.take().remove(0);
    assert!(message.is_signed_with(&former) && message.is_signed_with(&new));
    server.later(3_600);
    server.user("bo").await;
    server.deliver().await;
    let message = receiver.take().remove(0);
    assert!(!message.is_signed_with(&former) && message.is_signed_with(&new));
}

#[tokio::test]
async fn zooms_form_begins_with_its_handshake() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let new = NewWebhook { form: Form::Zoom, ..NewWebhook::to(&receiver.url) };
    let (webhook, secret) = server.hook_with(new);
    let ana = server.user("ana").await;
    server.group("Sales", &[&ana]).await;
    assert_eq!(server.deliver().await, (0, 0), "nobody has answered the handshake");
    let attempt = async || {
        server.provider.try_webhook(&server.ctx(), &server.tenant, &webhook.id).await.unwrap()
    };
    let trial = attempt().await;
    assert!(!trial.delivered && trial.error.unwrap().contains("plainToken"));
    assert_eq!(server.state(&webhook), WebhookState::Unconfirmed);
    let known = secret.clone();
    receiver.answer(move |message| {
        let token = message.json()["payload"]["plainToken"].as_str().unwrap_or_default().to_owned();
        let digest = hex(&hmac(known.as_bytes(), &token));
        Some((200, json!({"plainToken": token, "encryptedToken": digest}).to_string()))
    });
    assert!(attempt().await.delivered);
    assert_eq!(server.state(&webhook), WebhookState::Active);
    assert!(receiver.take().iter().all(|message| message.is_signed_for_zoom(&secret)));

    let operations = json!([{"op": "replace", "path": "name.familyName", "value": "Díaz"}]);
    server.patch(&format!("/scim2/Users/{ana}"), operations).await.with(200);
    server.set_active(&ana, false).await;
    assert_eq!(server.deliver().await, (3, 0), "groups have no counterpart");
    let got = receiver.take();
    assert!(got.iter().all(|message| message.is_signed_for_zoom(&secret)));
    let bodies: Vec<Value> = got.iter().map(|message| message.json()).collect();
    let names: Vec<_> = bodies.iter().map(|body| &body["event"]).collect();
    assert_eq!(names, ["user.created", "user.updated", "user.deactivated"]);
    let payload = &bodies[1]["payload"];
    assert_eq!(payload["account_id"], server.tenant.as_str());
    assert_eq!(
        (&payload["object"], &payload["old_object"]),
        (
            &json!({"id": ana, "email": "ana@acme.test", "first_name": "ana", "last_name": "Díaz"}),
            &json!({"id": ana, "first_name": "ana", "last_name": "Ruiz"})
        )
    );
    assert_eq!(bodies[1]["event_ts"], server.clock.now().as_millisecond());
}

#[tokio::test]
async fn addresses_that_would_lead_into_our_own_network_are_refused() {
    let server = Server::start().await;
    let refusal = |url: &str| {
        let added =
            server.provider.add_webhook(&server.ctx(), &server.tenant, &NewWebhook::to(url));
        added.unwrap_err().to_string()
    };
    for url in [
        "https://10.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hook",
        "http://localhost/hook",
    ] {
        assert!(refusal(url).contains("private_hosts under [service_provider]"), "{url}");
    }
    assert!(refusal("http://hooks.example.com/").contains("is not https"));
    assert!(refusal("nonsense").contains("is no address"));
    let kinds = |kinds: &[&str], form| NewWebhook {
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        form,
        ..NewWebhook::to("https://hooks.example.com/")
    };
    for (new, why) in [
        (kinds(&["user.crated"], Form::Standard), "There is no event `user.crated`"),
        (kinds(&["license.*"], Form::Zoom), "cannot be told in the form `zoom`"),
        (NewWebhook { url: None, ..kinds(&[], Form::Standard) }, "can be polled"),
    ] {
        let added = server.provider.add_webhook(&server.ctx(), &server.tenant, &new);
        assert!(added.unwrap_err().to_string().contains(why), "{why}");
    }
    let bare = Server::without_key_file().await;
    let told = bare.provider.add_webhook(&bare.ctx(), &bare.tenant, &kinds(&[], Form::Standard));
    assert!(told.unwrap_err().to_string().contains("has no key file"));
}
