//! Speaks to the server under test: every request is counted, timed, limited and written down, and
//! whatever was created is remembered until it is deleted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::Value;

use crate::conformance::value::percent_encode;

/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest wait that a 429 or 503 may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// How often a request is sent again because of a 429.
const RETRY_COUNT_MAX: u32 = 5;
/// What 429 without a `Retry-After` means, in seconds.
const RETRY_AFTER_SECS_DEFAULT: u64 = 2;

/// How to reach a server.
#[derive(Debug, Clone)]
pub struct PeerConfig {
    /// The SCIM base URL, without a slash at its end.
    pub base: String,
    /// The whole value of the `Authorization` header.
    pub authorization: Option<String>,
    /// Most requests of a walk.
    pub request_count_max: u64,
    /// How long one answer may take.
    pub answer_wait: Duration,
}

/// The server under test.
pub struct Peer {
    config: PeerConfig,
    http: reqwest::Client,
    request_count: AtomicU64,
    made: Mutex<Vec<String>>,
}

/// A request and its answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exchange {
    /// `GET`.
    pub method: String,
    /// Beneath the base URL.
    pub path: String,
    /// Headers of the request, without the token.
    pub sent_headers: Vec<(String, String)>,
    /// The request's body.
    pub sent: Option<String>,
    /// The status; 0 when no answer came.
    pub status: u16,
    /// Headers of the answer.
    pub headers: Vec<(String, String)>,
    /// The answer's body.
    pub body: String,
    /// The body, if it is JSON.
    pub json: Option<Value>,
    /// How long it took.
    pub millis: u64,
    /// Why no answer came.
    pub failure: Option<String>,
}

/// A request, all places filled in.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// Beneath the base URL; or a whole URL.
    pub path: String,
    /// Headers; without a value, one that is not sent.
    pub headers: Vec<(String, Option<String>)>,
    /// The body.
    pub body: Option<String>,
}

impl Exchange {
    /// A header of the answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Peer {
    /// A server to walk.
    ///
    /// # Errors
    /// No HTTP client could be made.
    pub fn new(config: PeerConfig) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(config.answer_wait)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { config, http, request_count: AtomicU64::new(0), made: Mutex::new(Vec::new()) })
    }

    /// The SCIM base URL.
    pub fn base(&self) -> &str {
        &self.config.base
    }

    /// Requests sent so far.
    pub fn request_count(&self) -> u64 {
        self.request_count.load(Ordering::Relaxed)
    }

    /// Whether the limit on requests is used up.
    pub fn is_exhausted(&self) -> bool {
        self.request_count() >= self.config.request_count_max
    }

    /// Sends a request. A 429 is waited out, as clients do.
    pub async fn send(&self, request: &Request) -> Exchange {
        let mut exchange = self.send_once(request).await;
        for _ in 0..RETRY_COUNT_MAX {
            if exchange.status != 429 {
                break;
            }
            let told = exchange.header(RETRY_AFTER.as_str()).and_then(|secs| secs.parse().ok());
            let wait = Duration::from_secs(told.unwrap_or(RETRY_AFTER_SECS_DEFAULT));
            tokio::time::sleep(wait.min(RETRY_AFTER_MAX)).await;
            exchange = self.send_once(request).await;
        }
        self.remember(&exchange);
        exchange
    }

    async fn send_once(&self, request: &Request) -> Exchange {
        let mut exchange = Exchange {
            method: request.method.clone(),
            path: request.path.clone(),
            sent: request.body.clone(),
            ..Exchange::default()
        };
        if self.is_exhausted() {
            exchange.failure = Some("the limit on requests is used up".to_owned());
            return exchange;
        }
        self.request_count.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        if let Err(failure) = self.exchange(request, &mut exchange).await {
            exchange.failure = Some(failure);
        }
        exchange.millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        exchange
    }

    async fn exchange(&self, request: &Request, into: &mut Exchange) -> Result<(), String> {
        let url = match request.path.starts_with("http") {
            true => request.path.clone(),
            false => format!("{}{}", self.config.base, request.path),
        };
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|e| e.to_string())?;
        // A location may lead to another host, which must not see the token.
        let own = url.strip_prefix(&self.config.base).is_some_and(|rest| rest.starts_with('/'));
        let mut sending = self.http.request(method, url);
        let mut authorization = self.config.authorization.clone().filter(|_| own);
        for (name, value) in &request.headers {
            if name.eq_ignore_ascii_case("authorization") {
                authorization = value.clone();
                continue;
            }
            let Some(value) = value else { continue };
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|e| e.to_string())?;
            let sent = HeaderValue::from_bytes(value.as_bytes()).map_err(|e| e.to_string())?;
            sending = sending.header(key, sent);
            into.sent_headers.push((name.clone(), value.clone()));
        }
        if let Some(value) = authorization {
            let mut value = HeaderValue::from_str(&value).map_err(|e| e.to_string())?;
            value.set_sensitive(true);
            sending = sending.header(reqwest::header::AUTHORIZATION, value);
        }
        if let Some(body) = &request.body {
            sending = sending.body(body.clone());
        }
        let told = |error: reqwest::Error| crate::error::chain(&error.without_url());
        let mut response = sending.send().await.map_err(told)?;
        into.status = response.status().as_u16();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter();
        into.headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(told)? {
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(format!("the answer is longer than {ANSWER_BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&piece);
        }
        into.body = String::from_utf8_lossy(&body).into_owned();
        into.json = serde_json::from_slice(&body).ok();
        Ok(())
    }

    /// Notes what was made and what is gone again.
    fn remember(&self, exchange: &Exchange) {
        let Ok(mut made) = self.made.lock() else { return };
        let path = exchange.path.split('?').next().unwrap_or_default();
        let is_done = (200..300).contains(&exchange.status);
        match exchange.method.as_str() {
            "DELETE" if is_done => made.retain(|one| one != path),
            "POST" if exchange.status == 201 => {
                let id = match &exchange.json {
                    Some(json) => json
                        .get("id")
                        .map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)),
                    // What is too deep to be read still has to be deleted.
                    None => id_in(&exchange.body).map(str::to_owned),
                };
                let by_id =
                    id.map(|id| format!("{}/{}", path.trim_end_matches('/'), percent_encode(&id)));
                let by_header = || exchange.header("location").and_then(|at| self.beneath(at));
                made.extend(by_id.or_else(by_header));
            }
            "POST" if is_done && path.ends_with("/Bulk") => {
                let body = exchange.json.as_ref().unwrap_or(&Value::Null);
                let operations = crate::conformance::value::at(body, "Operations[]");
                for operation in operations {
                    let location = operation["location"].as_str().and_then(|at| self.beneath(at));
                    if operation["method"] == "POST" {
                        made.extend(location);
                    }
                }
            }
            _ => {}
        }
    }

    /// A location as a path beneath the base URL.
    pub fn beneath(&self, location: &str) -> Option<String> {
        if let Some(rest) = location.strip_prefix(&self.config.base) {
            return Some(rest.to_owned());
        }
        let segments: Vec<&str> = location.rsplitn(3, '/').collect();
        let [id, endpoint, _] = segments[..] else { return None };
        Some(format!("/{endpoint}/{id}"))
    }

    /// How many made resources are not deleted yet.
    pub fn made_count(&self) -> usize {
        self.made.lock().map_or(0, |made| made.len())
    }

    /// Deletes what was made after the first so many, the newest first. Says what is still there.
    pub async fn clean(&self, keep: usize) -> Vec<String> {
        let paths: Vec<String> = match self.made.lock() {
            Ok(mut made) => {
                let at = keep.min(made.len());
                made.split_off(at)
            }
            Err(_) => Vec::new(),
        };
        let mut left = Vec::new();
        for path in paths.into_iter().rev() {
            let request = Request { method: "DELETE".into(), path, ..Request::default() };
            // Cleaning up is not held to the limit on requests.
            let mut exchange = Exchange::default();
            let failed = self.exchange(&request, &mut exchange).await.is_err();
            if failed || !matches!(exchange.status, 200..=299 | 404 | 410) {
                left.push(request.path);
            }
        }
        left
    }

    /// Deletes what carries the mark in its name: an answer may have been lost. A server that ignores
    /// filters is not believed, so the name is looked at again here.
    pub async fn sweep(&self, mark: &str) -> Vec<String> {
        let mut left = Vec::new();
        for (endpoint, name) in [("/Users", "userName"), ("/Groups", "displayName")] {
            let filter = percent_encode(&format!("{name} sw \"{mark}\""));
            let path = format!("{endpoint}?filter={filter}&count=500");
            let request = Request { method: "GET".into(), path, ..Request::default() };
            let mut exchange = Exchange::default();
            if self.exchange(&request, &mut exchange).await.is_err() {
                continue;
            }
            let body = exchange.json.unwrap_or(Value::Null);
            for resource in crate::conformance::value::at(&body, "Resources[]") {
                let (Some(id), Some(named)) = (resource["id"].as_str(), resource[name].as_str())
                else {
                    continue;
                };
                if named.to_ascii_lowercase().starts_with(mark) {
                    let path = format!("{endpoint}/{}", percent_encode(id));
                    if let Ok(mut made) = self.made.lock() {
                        made.push(path);
                    }
                }
            }
        }
        left.extend(self.clean(0).await);
        left
    }
}

/// The first id in a text that is no JSON for us.
fn id_in(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once("\"id\":")?;
    rest.trim_start().strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> Peer {
        let config = PeerConfig {
            base: "http://a.example/scim".into(),
            authorization: None,
            request_count_max: 1,
            answer_wait: Duration::from_secs(1),
        };
        Peer::new(config).unwrap()
    }

    #[test]
    fn what_was_made_is_remembered_until_it_is_deleted() {
        let peer = peer();
        let exchange = |method: &str, path: &str, status: u16, body: &str| Exchange {
            method: method.into(),
            path: path.into(),
            status,
            body: body.into(),
            json: serde_json::from_str(body).ok(),
            ..Exchange::default()
        };
        let made = |peer: &Peer| peer.made.lock().unwrap().clone();
        peer.remember(&exchange("POST", "/Users?attributes=id", 201, r#"{"id":"a b"}"#));
        peer.remember(&exchange("POST", "/Users", 409, r#"{"id":"c"}"#));
        peer.remember(&exchange("POST", "/Groups", 201, r#"{"name":[[{"id": "d""#));
        let bulk = r#"{"Operations":[{"method":"POST","location":"http://a.example/scim/Users/e"},
            {"method":"PUT","location":"http://a.example/scim/Users/f"}]}"#;
        peer.remember(&exchange("POST", "/Bulk", 200, bulk));
        assert_eq!(made(&peer), ["/Users/a%20b", "/Groups/d", "/Users/e"]);
        peer.remember(&exchange("DELETE", "/Groups/d", 204, ""));
        assert_eq!(made(&peer), ["/Users/a%20b", "/Users/e"]);
        assert_eq!(peer.beneath("/v2/Users/g"), Some("/Users/g".into()));
    }
}
