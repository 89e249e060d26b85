//! Licenses, seats, effects and the lifecycle endpoints, over real HTTP: a directory speaks SCIM on
//! one side, an administrator `/v2` on the other.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod direct;
mod forecast;
mod history;
mod idle;
mod licenses;
mod many;
mod nesting;
mod offboarding;
mod openapi;
mod rest;
mod retired;
mod seats;
mod signup;
mod simulation;
mod storm;
mod user_type;
mod walls;

use db::{Clock, Ctx};
use entitlement::{Key, Pool, Preset, SeatState};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use scim::urn;
use serde_json::{Value, json};
use service_provider::{
    Config, HistoryQuery, NewToken, ServiceProvider, TenantId, UserEntitlement,
};

/// A running service provider with one tenant that has the guide's licenses.
struct Server {
    provider: ServiceProvider,
    clock: Clock,
    tenant: TenantId,
    token: String,
    client: Client,
    _folder: tempfile::TempDir,
}

/// An answer, read whole.
struct Answer {
    status: StatusCode,
    text: String,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let clock = Clock::fixed("2026-11-24T09:00:00Z".parse().unwrap());
        let provider = ServiceProvider::open(Config {
            database: db::testing::url(&folder.path().join("service-provider.db")),
            public_url: format!("http://{}", listener.local_addr().unwrap()),
            key_file: None,
            clock: clock.clone(),
        })
        .unwrap();
        let ctx = provider.ctx("test", "test");
        let tenant = provider.create_tenant(&ctx, "Acme").unwrap().id;
        let token = provider.create_token(&ctx, &tenant, &NewToken::named("directory"));
        let token = token.unwrap().secret;
        provider.apply_preset(&ctx, &tenant, &Preset::guide()).unwrap();
        let app = provider.router();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { provider, clock, tenant, token, client: Client::new(), _folder: folder }
    }

    fn ctx(&self) -> Ctx {
        self.provider.ctx("admin", "test")
    }

    fn advance_secs(&self, secs: i64) {
        self.clock.advance(jiff::SignedDuration::from_secs(secs));
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.provider.public_url());
        self.client.request(method, url).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    async fn write(&self, method: Method, path: &str, body: &Value) -> Answer {
        send(self.request(method, path).json(body)).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.write(Method::POST, path, &body).await
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.write(Method::PUT, path, &body).await
    }

    async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
        self.write(Method::PATCH, path, &body).await
    }

    /// The directory creates a user `NAME@acme.test`; says the id.
    async fn user(&self, name: &str) -> String {
        self.user_with(name, json!({})).await.created()["id"].as_str().unwrap().to_owned()
    }

    async fn user_with(&self, name: &str, more: Value) -> Answer {
        let mut body = json!({"schemas": [urn::USER], "userName": format!("{name}@acme.test")});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.post("/scim2/Users", body).await
    }

    /// The directory pushes a group; says the id.
    async fn group(&self, display_name: &str, members: &[&str]) -> String {
        let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
        let body =
            json!({"schemas": [urn::GROUP], "displayName": display_name, "members": members});
        self.post("/scim2/Groups", body).await.created()["id"].as_str().unwrap().to_owned()
    }

    async fn add(&self, group: &str, members: &[&str]) {
        let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
        let operations = json!([{"op": "add", "path": "members", "value": members}]);
        self.patch(&format!("/scim2/Groups/{group}"), operations).await.fine();
    }

    async fn remove(&self, group: &str, member: &str) {
        let path = format!("members[value eq \"{member}\"]");
        let operations = json!([{"op": "remove", "path": path}]);
        self.patch(&format!("/scim2/Groups/{group}"), operations).await.fine();
    }

    async fn set_active(&self, user: &str, active: bool) {
        let operations = json!([{"op": "replace", "value": {"active": active}}]);
        self.patch(&format!("/scim2/Users/{user}"), operations).await.ok();
    }

    /// What a user has and waits for, as `license product ~waited-for`.
    fn has(&self, user: &str) -> String {
        let entitlement = self.entitlement(user);
        let lines = entitlement.license.iter().chain(&entitlement.products);
        let held = lines.map(|line| line.pool.key().to_string());
        let waiting = entitlement.waiting.iter().map(|line| format!("~{}", line.pool.key()));
        held.chain(waiting).collect::<Vec<_>>().join(" ")
    }

    fn entitlement(&self, user: &str) -> UserEntitlement {
        self.provider.entitlement_of(&self.tenant, user).unwrap()
    }

    fn set_limit(&self, pool: &Pool, limit: u32) {
        self.provider.set_seat_limit(&self.ctx(), &self.tenant, pool, Some(limit)).unwrap();
        self.work_off();
    }

    /// Does what the background does; a second time there is nothing left.
    fn work_off(&self) {
        self.provider.work_off().unwrap();
        assert_eq!(self.provider.work_off().unwrap(), service_provider::WorkedOff::default());
        self.check_pools();
    }

    /// The counters tell what the rows say, and no pool is above its limit.
    fn check_pools(&self) {
        for pool in self.provider.pools(&self.tenant).unwrap() {
            let count = |state| {
                let seats = self.provider.seats_of_pool(&self.tenant, &pool.pool, state, (0, 9999));
                seats.unwrap().len() as u64
            };
            assert_eq!(pool.held, count(SeatState::Held), "{}", pool.name);
            assert_eq!(pool.waiting, count(SeatState::Waiting), "{}", pool.name);
            assert!(pool.limit.is_none_or(|limit| pool.held <= u64::from(limit)), "{}", pool.name);
        }
    }

    /// The ledger, read from its first line, ends with the seats there are.
    fn check_history(&self) {
        let query = HistoryQuery { limit: 9999, ..HistoryQuery::default() };
        let history = self.provider.seat_history(&self.tenant, &query).unwrap();
        let open = history.into_iter().map(|row| row.tenure).filter(|t| t.until.is_none());
        let mut open: Vec<_> = open
            .map(|t| (t.user.clone(), t.pool.clone(), t.state, t.since, t.last_reason().clone()))
            .collect();
        open.sort();
        let mut seats = Vec::new();
        for pool in self.provider.pools(&self.tenant).unwrap() {
            for state in [SeatState::Held, SeatState::Waiting] {
                let page = (0, 9999);
                let rows = self.provider.seats_of_pool(&self.tenant, &pool.pool, state, page);
                let rows = rows.unwrap().into_iter();
                seats.extend(rows.map(|s| (s.user, s.pool, s.state, s.since, s.reason)));
            }
        }
        seats.sort();
        assert_eq!(open, seats);
    }

    /// The lines of a user's newest receipt.
    async fn receipt(&self, user: &str) -> String {
        let body = self.get(&format!("/v2/users/{user}/receipts")).await.ok();
        let steps = body["receipts"][0]["steps"].as_array().unwrap();
        let line = |step: &Value| {
            let text = |name: &str| step[name].as_str().unwrap().to_owned();
            format!("{}: {}", text("effect"), text("sentence"))
        };
        steps.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Answer {
    #[track_caller]
    fn with(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    #[track_caller]
    fn ok(self) -> Value {
        self.with(200)
    }

    #[track_caller]
    fn created(self) -> Value {
        self.with(201)
    }

    #[track_caller]
    fn gone(self) {
        self.with(204);
    }

    /// Any success: the PATCH of a group may answer 200 or 204.
    #[track_caller]
    fn fine(self) {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
    }
}

async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer { status: response.status(), text: response.text().await.unwrap() }
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn license(text: &str) -> Pool {
    Pool::License(key(text))
}

fn product(text: &str) -> Pool {
    Pool::Product(key(text))
}
