//! The SCIM client: a strict writer and a tolerant reader (RFC 7644), with every outcome named.
//!
//! It sends only what RFC 7644 and the application's profile allow. Whether something was sent is
//! always known: a [`Failure`] says whether it cannot have arrived or whether the outcome is open.

mod failure;
mod retry_after;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use db::Clock;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use scim::PatchRequest;
use serde_json::{Map, Value};
use url::Url;

pub use failure::Failure;

use crate::{Outbound, limits};

const SCIM_JSON: &str = "application/scim+json";

/// A connection to one application.
#[derive(Clone)]
pub struct ScimClient {
    http: reqwest::Client,
    base: Arc<Url>,
    authorization: HeaderValue,
    clock: Clock,
    body_bytes_max: usize,
    request_count: Arc<AtomicU64>,
}

/// An answer that succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// 200, 201 or 204.
    pub status: u16,
    /// The body, if there was one.
    pub body: Option<Map<String, Value>>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListPage {
    /// The resources on this page.
    pub resources: Vec<Map<String, Value>>,
    /// `totalResults`, if the application says.
    pub total: Option<u64>,
}

impl ScimClient {
    /// A client for the SCIM base URL of an application.
    ///
    /// # Errors
    /// A base URL that is none, or that lies where requests may not go; a token that fits no header.
    pub fn new(
        base_url: &str,
        token: &str,
        outbound: &Outbound,
        clock: Clock,
        body_bytes_max: usize,
    ) -> Result<Self, Failure> {
        let not_sent = |reason: String| Failure::NotSent { reason };
        let base = Url::parse(base_url.trim_end_matches('/'))
            .map_err(|error| not_sent(format!("the base URL `{base_url}` is no URL: {error}")))?;
        outbound.check(&base).map_err(not_sent)?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
            .map_err(|_| not_sent("the token holds characters no header can carry".into()))?;
        authorization.set_sensitive(true);
        let http = outbound
            .client_builder()
            .timeout(Duration::from_secs(limits::ANSWER_WAIT_SECS_MAX))
            .connect_timeout(Duration::from_secs(limits::CONNECT_WAIT_SECS_MAX))
            .user_agent(concat!("Muster/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| not_sent(error.to_string()))?;
        Ok(Self {
            http,
            base: Arc::new(base),
            authorization,
            clock,
            body_bytes_max,
            request_count: Arc::default(),
        })
    }

    /// Requests sent so far, by this client and its clones.
    pub fn request_count(&self) -> u64 {
        self.request_count.load(Ordering::Relaxed)
    }

    /// The present moment, by the clock that waits are reckoned with.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// One page of `/Users` or `/Groups` (RFC 7644 3.4.2.4).
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn list(
        &self,
        endpoint: &str,
        start_index: u64,
        count: u64,
        excluded: Option<&str>,
    ) -> Result<ListPage, Failure> {
        let mut query = vec![("startIndex", start_index.to_string()), ("count", count.to_string())];
        query.extend(excluded.map(|excluded| ("excludedAttributes", excluded.to_string())));
        let answer =
            self.send(Method::GET, &[endpoint.trim_start_matches('/')], &query, None).await?;
        page(answer)
    }

    /// The resources whose attribute equals the value (RFC 7644 3.4.2.2).
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn find(
        &self,
        endpoint: &str,
        attribute: &str,
        value: &str,
    ) -> Result<Vec<Map<String, Value>>, Failure> {
        let filter = format!("{attribute} eq {}", Value::from(value));
        let query = [
            ("filter", filter),
            ("startIndex", "1".to_string()),
            ("count", limits::MATCH_COUNT_MAX.to_string()),
        ];
        let answer =
            self.send(Method::GET, &[endpoint.trim_start_matches('/')], &query, None).await;
        match answer {
            // Some applications answer a look-up that finds nothing with 404.
            Err(Failure::NotFound { .. }) => Ok(Vec::new()),
            Ok(answer) => page(answer).map(|page| page.resources),
            Err(failure) => Err(failure),
        }
    }

    /// One resource.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn get(&self, endpoint: &str, id: &str) -> Result<Map<String, Value>, Failure> {
        let answer =
            self.send(Method::GET, &[endpoint.trim_start_matches('/'), id], &[], None).await?;
        required(answer)
    }

    /// Creates a resource; the answer must name its id.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn create(
        &self,
        endpoint: &str,
        resource: &Map<String, Value>,
    ) -> Result<Answer, Failure> {
        let body = Value::Object(resource.clone());
        self.send(Method::POST, &[endpoint.trim_start_matches('/')], &[], Some(&body)).await
    }

    /// Changes a resource by PATCH.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn patch(
        &self,
        endpoint: &str,
        id: &str,
        request: &PatchRequest,
    ) -> Result<Answer, Failure> {
        let body = request.to_json();
        self.send(Method::PATCH, &[endpoint.trim_start_matches('/'), id], &[], Some(&body)).await
    }

    /// Replaces a resource by PUT.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn put(
        &self,
        endpoint: &str,
        id: &str,
        resource: &Map<String, Value>,
    ) -> Result<Answer, Failure> {
        let body = Value::Object(resource.clone());
        self.send(Method::PUT, &[endpoint.trim_start_matches('/'), id], &[], Some(&body)).await
    }

    /// Deletes a resource.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn delete(&self, endpoint: &str, id: &str) -> Result<Answer, Failure> {
        self.send(Method::DELETE, &[endpoint.trim_start_matches('/'), id], &[], None).await
    }

    /// Something the application publishes beside SCIM, at a path of its own origin.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn get_beside(&self, path: &[&str]) -> Result<Map<String, Value>, Failure> {
        let mut url = (*self.base).clone();
        url.set_path("");
        required(self.send_to(Method::GET, append(url, path)?, None).await?)
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let mut url = append((*self.base).clone(), path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send_to(method, url, body).await
    }

    async fn send_to(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let mut request = self
            .http
            .request(method, url)
            .header(AUTHORIZATION, self.authorization.clone())
            .header(ACCEPT, SCIM_JSON);
        if let Some(body) = body {
            let bytes = body.to_string().into_bytes();
            if bytes.len() > self.body_bytes_max {
                return Err(Failure::NotSent {
                    reason: format!(
                        "the body has {} bytes, the application takes {}",
                        bytes.len(),
                        self.body_bytes_max
                    ),
                });
            }
            request = request.header(CONTENT_TYPE, SCIM_JSON).body(bytes);
        }
        self.request_count.fetch_add(1, Ordering::Relaxed);
        let response = request.send().await.map_err(|error| transport(&error))?;
        self.answer(response).await
    }

    async fn answer(&self, response: Response) -> Result<Answer, Failure> {
        let status = response.status();
        let retry = header_text(response.headers());
        let bytes = read_limited(response).await?;
        if !status.is_success() {
            let now: Timestamp = self.clock.now();
            return Err(Failure::of(status.as_u16(), retry.as_deref(), &bytes, now));
        }
        if status == StatusCode::NO_CONTENT || bytes.is_empty() {
            return Ok(Answer { status: status.as_u16(), body: None });
        }
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(body)) => Ok(Answer { status: status.as_u16(), body: Some(body) }),
            Ok(_) => Err(Failure::Unreadable {
                status: status.as_u16(),
                reason: "it is JSON, but no object".into(),
            }),
            Err(error) => {
                Err(Failure::Unreadable { status: status.as_u16(), reason: error.to_string() })
            }
        }
    }
}

fn header_text(headers: &HeaderMap) -> Option<String> {
    headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_string)
}

async fn read_limited(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport(&error))? {
        if bytes.len() + chunk.len() > limits::ANSWER_BYTES_MAX {
            return Err(Failure::Unreadable {
                status: response.status().as_u16(),
                reason: format!("it is longer than {} bytes", limits::ANSWER_BYTES_MAX),
            });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A request that got no answer: whether it can have arrived decides what happens next.
fn transport(error: &reqwest::Error) -> Failure {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reason = cause.to_string();
        source = cause.source();
    }
    if error.is_connect() {
        Failure::Unreachable { reason }
    } else if error.is_builder() {
        Failure::NotSent { reason }
    } else {
        Failure::Unknown { reason }
    }
}

/// Ids are opaque, so everything that is not unreserved (RFC 3986 2.3) is percent-encoded: Zoom's
/// documents show `k&KdKr` as an id, and `/Users/k%26KdKr` as its path.
fn append(mut url: Url, path: &[&str]) -> Result<Url, Failure> {
    let mut whole = url.path().trim_end_matches('/').to_string();
    for segment in path {
        // A URL drops these, so the request would go to the collection instead.
        if matches!(*segment, "" | "." | "..") {
            return Err(Failure::NotSent {
                reason: format!("`{segment}` cannot be an id in a URL"),
            });
        }
        whole.push('/');
        for byte in segment.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    whole.push(char::from(byte));
                }
                _ => whole.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    url.set_path(&whole);
    Ok(url)
}

fn required(answer: Answer) -> Result<Map<String, Value>, Failure> {
    answer.body.ok_or(Failure::Unreadable {
        status: answer.status,
        reason: "it has no body where one is due".into(),
    })
}

fn page(answer: Answer) -> Result<ListPage, Failure> {
    let status = answer.status;
    let mut body = required(answer)?;
    let total = body.get("totalResults").and_then(Value::as_u64);
    let resources = match body.remove("Resources") {
        Some(Value::Array(resources)) => resources,
        None | Some(Value::Null) => Vec::new(),
        Some(_) => {
            return Err(Failure::Unreadable { status, reason: "`Resources` is no list".into() });
        }
    };
    if total.is_none() && resources.is_empty() && !body.contains_key("schemas") {
        return Err(Failure::Unreadable { status, reason: "it is no ListResponse".into() });
    }
    let resources = resources
        .into_iter()
        .filter_map(|resource| match resource {
            Value::Object(resource) => Some(resource),
            _ => None,
        })
        .collect();
    Ok(ListPage { resources, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_encoded_and_never_lead_elsewhere() {
        let base = || Url::parse("https://x.example/scim2").unwrap();
        let check = |id: &str, expected: &str| {
            assert_eq!(append(base(), &["Users", id]).unwrap().as_str(), expected);
        };
        check("k&Kd/r ö", "https://x.example/scim2/Users/k%26Kd%2Fr%20%C3%B6");
        check("a?b#c%2e", "https://x.example/scim2/Users/a%3Fb%23c%252e");
        for id in [".", ".."] {
            assert!(append(base(), &["Users", id]).is_err(), "{id}");
        }
    }
}
