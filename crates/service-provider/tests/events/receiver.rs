//! A receiver of webhooks: keeps what it is sent, answers as it is told, and checks signatures by
//! arithmetic of its own.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Received {
    headers: HeaderMap,
    pub body: String,
}

/// What is answered to a message; None: nothing, ever.
type Answer = Box<dyn FnMut(&Received) -> Option<(u16, String)> + Send>;

/// A receiver that listens.
pub struct Receiver {
    pub url: String,
    state: Shared,
}

#[derive(Clone)]
struct Shared {
    received: Arc<Mutex<Vec<Received>>>,
    answer: Arc<Mutex<Answer>>,
    count: watch::Sender<usize>,
}

impl Receiver {
    /// A receiver that takes everything.
    pub async fn start() -> Self {
        let state = Shared {
            received: Arc::default(),
            answer: Arc::new(Mutex::new(Box::new(|_| Some((204, String::new()))))),
            count: watch::Sender::new(0),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(receive).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state }
    }

    /// Answers so from now on.
    pub fn answer(&self, answer: impl FnMut(&Received) -> Option<(u16, String)> + Send + 'static) {
        *self.state.answer.lock().unwrap() = Box::new(answer);
    }

    /// Answers with a status from now on.
    pub fn answer_status(&self, status: u16) {
        self.answer(move |_| Some((status, String::new())));
    }

    /// What has come, in order.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// What has come since the last time, in order.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.state.received.lock().unwrap())
    }

    /// Waits until so many messages have come in all.
    pub async fn has_had(&self, wanted: usize) {
        self.state.count.subscribe().wait_for(|count| *count >= wanted).await.unwrap();
    }
}

async fn receive(State(state): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let received = Received { headers, body: String::from_utf8(body.to_vec()).unwrap() };
    state.received.lock().unwrap().push(received.clone());
    state.count.send_modify(|count| *count += 1);
    let answer = (state.answer.lock().unwrap())(&received);
    match answer {
        None => std::future::pending().await,
        Some((status, body)) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [("location", "/elsewhere")], body).into_response()
        }
    }
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// `user.updated ID`, of a Standard Webhooks message.
    pub fn told(&self) -> String {
        let body = self.json();
        format!("{} {}", body["type"].as_str().unwrap(), body["data"]["subject"].as_str().unwrap())
    }

    /// Whether one of the signatures is made with this secret, as the Standard Webhooks specification
    /// says it.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let expected = STANDARD.encode(hmac(&key, &format!("{id}.{at}.{}", self.body)));
        self.header("webhook-signature").split(' ').any(|one| one == format!("v1,{expected}"))
    }

    /// Whether `x-zm-signature` is made with this secret, as Zoom's guide says it.
    pub fn is_signed_for_zoom(&self, secret: &str) -> bool {
        let at = self.header("x-zm-request-timestamp");
        let digest = hex(&hmac(secret.as_bytes(), &format!("v0:{at}:{}", self.body)));
        self.header("x-zm-signature") == format!("v0={digest}")
    }
}

/// RFC 2104 over SHA-256, of 64-byte blocks.
pub fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut block = [0_u8; 64];
    assert!(key.len() <= 64);
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
