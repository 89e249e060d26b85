//! Events on their way out: the feed, webhooks, security event tokens; over real HTTP, with receivers
//! of our own that check every signature by themselves.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod background;
mod feed;
mod receiver;
mod sets;
mod webhooks;

use db::{Clock, Ctx};
use entitlement::Preset;
use outbound::Outbound;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use scim::urn;
use serde_json::{Value, json};
use service_provider::{Config, NewToken, Scope, Scopes, ServiceProvider, TenantId};

/// A running service provider with one tenant that has the guide's licenses, and a key file.
struct Server {
    provider: ServiceProvider,
    config: Config,
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
        Self::start_with(true).await
    }

    async fn without_key_file() -> Self {
        Self::start_with(false).await
    }

    async fn start_with(key_file_is_there: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let clock = Clock::fixed("2026-11-24T09:00:00Z".parse().unwrap());
        let key_file = folder.path().join("muster.key");
        db::KeyFile::create(&key_file).unwrap();
        let config = Config {
            database: db::testing::url(&folder.path().join("service-provider.db")),
            public_url: format!("http://{}", listener.local_addr().unwrap()),
            key_file: key_file_is_there.then_some(key_file),
            clock: clock.clone(),
        };
        let allowed = Outbound::allow(["127.0.0.1".to_owned()]);
        let provider = ServiceProvider::open_reaching(config.clone(), allowed).unwrap();
        let ctx = provider.ctx("test", "test");
        let tenant = provider.create_tenant(&ctx, "Acme").unwrap().id;
        let token = provider.create_token(&ctx, &tenant, &NewToken::named("directory"));
        let token = token.unwrap().secret;
        provider.apply_preset(&ctx, &tenant, &Preset::guide()).unwrap();
        let app = provider.router();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { provider, config, clock, tenant, token, client: Client::new(), _folder: folder }
    }

    /// Another node over the same database.
    fn another_node(&self) -> ServiceProvider {
        let allowed = Outbound::allow(["127.0.0.1".to_owned()]);
        ServiceProvider::open_reaching(self.config.clone(), allowed).unwrap()
    }

    fn ctx(&self) -> Ctx {
        self.provider.ctx("admin", "test")
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

    async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
        self.write(Method::PATCH, path, &body).await
    }

    /// The directory creates a user `NAME@acme.test`; says the id.
    async fn user(&self, name: &str) -> String {
        let body = json!({
            "schemas": [urn::USER],
            "userName": format!("{name}@acme.test"),
            "externalId": format!("hr-{name}"),
            "name": {"givenName": name, "familyName": "Ruiz"},
        });
        let answer = self.write(Method::POST, "/scim2/Users", &body).await;
        answer.with(201)["id"].as_str().unwrap().to_owned()
    }

    /// The directory pushes a group; says the id.
    async fn group(&self, display_name: &str, members: &[&str]) -> String {
        let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
        let body =
            json!({"schemas": [urn::GROUP], "displayName": display_name, "members": members});
        let answer = self.write(Method::POST, "/scim2/Groups", &body).await;
        answer.with(201)["id"].as_str().unwrap().to_owned()
    }

    async fn rename(&self, user: &str, display_name: &str) {
        let operations = json!([{"op": "replace", "path": "displayName", "value": display_name}]);
        self.patch(&format!("/scim2/Users/{user}"), operations).await.with(200);
    }

    async fn set_active(&self, user: &str, active: bool) {
        let operations = json!([{"op": "replace", "value": {"active": active}}]);
        self.patch(&format!("/scim2/Users/{user}"), operations).await.with(200);
    }

    /// Everything that has happened, as the feed tells it.
    async fn log(&self) -> Vec<Value> {
        self.provider.seal_events().unwrap();
        let (mut events, mut after) = (Vec::new(), 0);
        loop {
            let page = self.get(&format!("/v2/events?after={after}&limit=7")).await.with(200);
            events.extend(page["events"].as_array().unwrap().iter().cloned());
            after = page["next"].as_i64().unwrap();
            if page["caught_up"] == true {
                return events;
            }
        }
    }
}

impl Answer {
    #[track_caller]
    fn with(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer { status: response.status(), text: response.text().await.unwrap() }
}
