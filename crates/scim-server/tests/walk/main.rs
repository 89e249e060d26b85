//! The whole walk over real HTTP, on a store in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod across;
mod alias;
mod bulk;
mod conditional;
mod memory;
mod negotiation;
mod refusals;
mod resources;

use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use serde_json::Value;

use memory::Memory;

/// A server on a free port, and a client for it.
struct Server {
    base: String,
    client: Client,
    store: Memory,
}

/// An answer, read whole.
struct Answer {
    status: StatusCode,
    headers: header::HeaderMap,
    text: String,
}

impl Server {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/scim2", listener.local_addr().unwrap());
        let store = Memory::new(&base);
        let app = axum::Router::new().nest_service("/scim2", scim_server::router(store.clone()));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base, client: Client::new(), store }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth("good")
    }

    async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    async fn write(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request =
            self.request(method, path).header(header::CONTENT_TYPE, "application/scim+json");
        send(request.body(body.to_string())).await
    }

    /// A bulk request of these operations; says what came of each.
    async fn bulk(&self, operations: Value) -> Vec<Value> {
        let body =
            serde_json::json!({"schemas": [scim::urn::BULK_REQUEST], "Operations": operations});
        let answer = self.post("/Bulk", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["schemas"], serde_json::json!([scim::urn::BULK_RESPONSE]));
        answer.json()["Operations"].as_array().unwrap().clone()
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.write(Method::POST, path, body).await
    }

    /// A user of this name; says the id.
    async fn user(&self, name: &str) -> String {
        let body = serde_json::json!({"schemas": [scim::urn::USER], "userName": name});
        let answer = self.post("/Users", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Holds the answer against RFC 7644 3.12 and gives its sentence.
    fn error(&self, status: u16, scim_type: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/scim+json");
        let body = self.json();
        assert_eq!(body["schemas"][0], scim::urn::ERROR);
        assert_eq!(body["status"], status.to_string());
        assert_eq!(body["scimType"].as_str().unwrap_or_default(), scim_type, "{}", self.text);
        body["detail"].as_str().unwrap().to_owned()
    }
}

async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}
