//! The service provider over real HTTP, as directories in the field speak to it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod across;
mod adoption;
mod bulk;
mod conversation;
mod documents;
mod entra;
mod entra_forms;
mod google;
mod groups;
mod jumpcloud;
mod letter;
mod okta;
mod okta_wizard;
mod onelogin;
mod ping;
mod queries;
mod refusals;
mod requests;
mod resource_types;
mod schemas;
mod tokens;
mod walls;
mod zoom;

use db::{Clock, Ctx, EventQuery};
use jiff::Timestamp;
use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use scim::urn;
use serde_json::{Value, json};
use service_provider::{Config, Dialect, NewToken, ServiceProvider, TenantId};

/// A running service provider with one tenant, and a client that has its token.
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
    headers: header::HeaderMap,
    text: String,
}

impl Server {
    async fn start() -> Self {
        Self::speaking(Dialect::Any).await
    }

    /// A server whose token was made for a client of this dialect.
    async fn speaking(dialect: Dialect) -> Self {
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
        let token = NewToken { dialect, ..NewToken::named("directory") };
        let token = provider.create_token(&ctx, &tenant, &token).unwrap().secret;
        let app = provider.router();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { provider, clock, tenant, token, client: Client::new(), _folder: folder }
    }

    /// Another node over the same database.
    async fn second_node(&self) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = ServiceProvider::open(Config {
            database: db::testing::url(&self._folder.path().join("service-provider.db")),
            public_url: format!("http://{}", listener.local_addr().unwrap()),
            key_file: None,
            clock: self.clock.clone(),
        })
        .unwrap();
        let app = provider.router();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let (clock, tenant, token) = (self.clock.clone(), self.tenant.clone(), self.token.clone());
        let folder = tempfile::tempdir().unwrap();
        Self { provider, clock, tenant, token, client: Client::new(), _folder: folder }
    }

    fn ctx(&self) -> Ctx {
        self.provider.ctx("test", "test")
    }

    /// A request to the lifecycle endpoints at `/v2`.
    async fn lifecycle(&self, method: Method, path: &str, body: &Value) -> Answer {
        let url = format!("{}/v2{path}", self.provider.public_url());
        let request = self.client.request(method, url).bearer_auth(&self.token);
        send(request.json(body)).await
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.provider.base_url());
        self.client.request(method, url).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    async fn write(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path);
        let request = request.header(header::CONTENT_TYPE, "application/scim+json; charset=utf-8");
        send(request.body(body.to_string())).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.write(Method::POST, path, body).await
    }

    async fn put(&self, path: &str, body: &Value) -> Answer {
        self.write(Method::PUT, path, body).await
    }

    async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
        self.write(Method::PATCH, path, &body).await
    }

    /// The resources a filter finds.
    async fn find(&self, endpoint: &str, filter: &str) -> Vec<Value> {
        let request = self.request(Method::GET, endpoint).query(&[("filter", filter)]);
        let body = send(request).await.ok();
        let found = body["Resources"].as_array().unwrap().clone();
        assert_eq!(body["totalResults"], found.len(), "{filter}");
        found
    }

    /// A user of this name; says the id.
    async fn user(&self, user_name: &str) -> String {
        let body = json!({"schemas": [urn::USER], "userName": user_name});
        id(&self.post("/Users", &body).await.created())
    }

    /// A group of this name with these members; says the id.
    async fn group(&self, display_name: &str, members: &[&str]) -> String {
        let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
        let body =
            json!({"schemas": [urn::GROUP], "displayName": display_name, "members": members});
        id(&self.post("/Groups", &body).await.created())
    }

    /// The ids of a group's members, in order.
    async fn members(&self, group: &str) -> Vec<String> {
        let body = self.get(&format!("/Groups/{group}")).await.ok();
        let members = body["members"].as_array().cloned().unwrap_or_default();
        members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
    }

    /// What has happened to a subject: the kinds of its events, oldest first. What licensing has to
    /// say about a reactivation is not asked here.
    fn events(&self, subject: &str) -> Vec<String> {
        let query = EventQuery { subject: Some(subject.to_owned()), ..EventQuery::default() };
        let events = self.provider.events(&self.tenant, &query).unwrap();
        let kinds = events.into_iter().map(|event| event.kind);
        kinds.filter(|kind| kind != "user.restored").collect()
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    #[track_caller]
    fn created(&self) -> Value {
        assert_eq!(self.status, 201, "{}", self.text);
        self.json()
    }

    #[track_caller]
    fn no_content(&self) {
        assert_eq!((self.status.as_u16(), self.text.as_str()), (204, ""));
    }

    /// Holds the answer against RFC 7644 3.12 and gives its sentence.
    #[track_caller]
    fn error(&self, status: u16, scim_type: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        let body = self.json();
        assert_eq!(body["schemas"][0], urn::ERROR);
        assert_eq!(body["scimType"].as_str().unwrap_or_default(), scim_type, "{}", self.text);
        body["detail"].as_str().unwrap().to_owned()
    }
}

async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

fn id(resource: &Value) -> String {
    resource["id"].as_str().unwrap().to_owned()
}
