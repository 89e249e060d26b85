//! Delivering while the server runs: beside everything else, and fairly between tenants.

use service_provider::NewWebhook;
use tokio::sync::oneshot;

use super::receiver::Receiver;
use super::*;

impl Server {
    /// Another tenant; says its id and a token of it.
    fn neighbour(&self) -> (TenantId, String) {
        let tenant = self.provider.create_tenant(&self.ctx(), "Globex").unwrap().id;
        let token = NewToken::named("directory");
        let token = self.provider.create_token(&self.ctx(), &tenant, &token).unwrap();
        (tenant, token.secret)
    }

    fn hook_of(&self, tenant: &TenantId, receiver: &Receiver) -> String {
        let kinds = vec!["user.created".to_owned()];
        let new = NewWebhook { kinds, ..NewWebhook::to(&receiver.url) };
        self.provider.add_webhook(&self.ctx(), tenant, &new).unwrap().secret.unwrap()
    }

    async fn user_with(&self, token: &str, name: &str) {
        let body = json!({"schemas": [urn::USER], "userName": format!("{name}@globex.test")});
        let url = format!("{}/scim2/Users", self.provider.public_url());
        send(self.client.post(url).bearer_auth(token).json(&body)).await.with(201);
    }
}

#[tokio::test]
async fn receivers_that_take_their_time_hold_up_nobody_of_another_tenant() {
    let server = Server::start().await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.answer(|_| None);
    // More than there are places for in one tenant.
    for _ in 0..9 {
        server.hook_of(&server.tenant, &slow);
    }
    let (neighbour, token) = server.neighbour();
    server.hook_of(&neighbour, &quick);
    server.user("ana").await;
    let (stop, stopped) = oneshot::channel::<()>();
    let running = server.provider.clone();
    let running = tokio::spawn(async move {
        running.run_background(async { drop(stopped.await) }).await;
    });
    slow.has_had(4).await;
    for (place, name) in ["bo", "cy", "di"].into_iter().enumerate() {
        server.user_with(&token, name).await;
        quick.has_had(place + 1).await;
    }
    assert_eq!(slow.received().len(), 4, "one tenant has so many places and no more");

    // What was under way is sent again as soon as somebody takes over: its leases were given back.
    stop.send(()).unwrap();
    running.await.unwrap();
    slow.answer_status(200);
    let other = server.another_node();
    assert_eq!(other.work_off_events().await.unwrap().delivered, 9);
    let ids: std::collections::BTreeSet<_> =
        slow.received().iter().map(|message| message.header("webhook-id").to_owned()).collect();
    assert_eq!((slow.received().len(), ids.len()), (13, 1), "the same event has the same id");
}

#[tokio::test]
async fn a_long_backlog_is_delivered_in_one_go_and_in_order() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let ana = server.user("ana").await;
    // Enough that the webhook's own events lie many takings behind the first.
    for number in 0..150 {
        server.rename(&ana, &format!("Ana {number}")).await;
    }
    let kinds = vec!["user.updated".to_owned()];
    let new = NewWebhook { kinds, from: Some(0), ..NewWebhook::to(&receiver.url) };
    server.provider.add_webhook(&server.ctx(), &server.tenant, &new).unwrap();
    assert_eq!(server.provider.work_off_events().await.unwrap().delivered, 150);
    let places: Vec<_> =
        receiver.received().iter().map(|m| m.json()["data"]["place"].as_i64().unwrap()).collect();
    assert!(places.is_sorted() && places.len() == 150, "{places:?}");
}

#[tokio::test]
async fn secrets_lie_sealed() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let secret = server.hook_of(&server.tenant, &receiver);
    server.user("ana").await;
    // What PostgreSQL keeps lies elsewhere; what is written is the same.
    let Some(path) = server.config.database.strip_prefix("sqlite:") else { return };
    let mut stored = std::fs::read(path).unwrap();
    stored.extend(std::fs::read(format!("{path}-wal")).unwrap_or_default());
    let has = |text: &str| stored.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(has(&receiver.url), "the place that is searched is the right one");
    assert!(!has(&secret) && !has(secret.strip_prefix("whsec_").unwrap()));
}

#[tokio::test]
async fn a_log_is_not_cut_off_before_a_webhook_has_been_told() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    server.hook_of(&server.tenant, &receiver);
    server.user("ana").await;
    server.provider.seal_events().unwrap();
    server.clock.advance(jiff::SignedDuration::from_hours(24));
    let cut = || {
        let now = server.clock.now();
        server.provider.truncate_events(&server.ctx(), &server.tenant, now).unwrap()
    };
    cut();
    assert_eq!(server.provider.work_off_events().await.unwrap().delivered, 1);
    let webhook = server.provider.webhooks(&server.tenant).unwrap().remove(0);
    server.provider.pause_webhook(&server.ctx(), &server.tenant, &webhook.id).unwrap();
    server.user("bo").await;
    server.provider.seal_events().unwrap();
    server.clock.advance(jiff::SignedDuration::from_hours(24));
    let point = cut().unwrap();
    let resumed =
        server.provider.resume_webhook(&server.ctx(), &server.tenant, &webhook.id).unwrap();
    assert_eq!(resumed.place, point.place, "one that is paused holds nothing back, and says so");
    server.provider.seal_events().unwrap();
    let log = server.provider.feed(&server.tenant, point.place, 100).unwrap().events;
    let told = log.iter().find(|event| event.kind == "webhook.resumed").unwrap();
    assert!(told.payload.as_ref().unwrap()["missed"].as_i64().unwrap() > 0, "{told:?}");
    let late = NewWebhook { from: Some(0), ..NewWebhook::to(&receiver.url) };
    let late = server.provider.add_webhook(&server.ctx(), &server.tenant, &late);
    assert!(matches!(late, Err(service_provider::Error::Truncated { .. })));
}
