//! Conversations as text, so that a seed can be written and a finding be read:
//!
//! ```text
//! POST /scim2/Users
//! Content-Type: application/scim+json
//!
//! {"schemas": [...], "userName": "ana"}
//! %%
//! As: entra
//! GET /scim2/Users/{1}
//! ```
//!
//! `%%` stands between requests. `{1}` is the id of the first resource that the conversation made,
//! `{user}` and `{group}` are there beforehand, `{their-user}` and `{their-group}` are another
//! tenant's. `As` names the dialect of the token; `As: nobody` sends none.

use std::fmt;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Uri};

const BETWEEN: &[u8] = b"\n%%\n";

/// The ids that a conversation can name.
#[derive(Default)]
pub struct Made {
    named: Vec<(String, String)>,
    count: usize,
}

impl Made {
    /// Gives an id a name.
    pub fn name(&mut self, name: &str, id: &str) {
        self.named.push((name.to_owned(), id.to_owned()));
    }

    /// A resource was made at this place.
    pub fn push(&mut self, location: &str) {
        self.count += 1;
        let id = location.rsplit('/').next().unwrap_or_default();
        self.named.push((self.count.to_string(), id.to_owned()));
    }

    /// A text with ids in the places of their names.
    fn filled(&self, text: &[u8]) -> Vec<u8> {
        let mut filled = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.iter().position(|byte| *byte == b'{') {
            filled.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let named = self.named.iter().find(|(name, _)| {
                rest[1..].starts_with(name.as_bytes()) && rest.get(1 + name.len()) == Some(&b'}')
            });
            let length = match named {
                Some((name, id)) => {
                    filled.extend_from_slice(id.as_bytes());
                    name.len() + 2
                }
                None => {
                    filled.push(b'{');
                    1
                }
            };
            rest = &rest[length..];
        }
        filled.extend_from_slice(rest);
        filled
    }
}

/// The requests of a conversation.
pub fn requests(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let at = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN);
        rest = at.map(|at| &bytes[at + BETWEEN.len()..]);
        Some(&bytes[..at.unwrap_or(bytes.len())])
    })
}

/// A request that was understood.
pub struct Asked {
    /// The dialect of the token; anything else sends none.
    pub speaker: String,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Asked {
    /// Reads a request. None: no HTTP server would hand it on.
    pub fn read(text: &[u8], made: &Made) -> Option<Self> {
        let text = made.filled(text);
        let at = text.windows(2).position(|window| window == b"\n\n");
        let head = &text[..at.unwrap_or(text.len())];
        let body = at.map_or(&[][..], |at| &text[at + 2..]);
        let mut lines = head.split(|byte| *byte == b'\n');
        let mut speaker = "any".to_owned();
        let mut first = lines.next()?;
        if let Some(name) = first.strip_prefix(b"As: ") {
            speaker = String::from_utf8_lossy(name).into_owned();
            first = lines.next()?;
        }
        let space = first.iter().position(|byte| *byte == b' ')?;
        let (method, target) = (&first[..space], &first[space + 1..]);
        let target = Uri::try_from(target).ok().filter(|target| target.path().starts_with('/'))?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let name = HeaderName::from_bytes(&line[..colon]);
            let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        Some(Self {
            speaker,
            method: Method::from_bytes(method).ok()?,
            target: without_waiting(target)?,
            headers,
            body: body.to_vec(),
        })
    }

    /// The request with a token, unless it brings its own.
    pub fn request(&self, token: &str) -> Option<Request<Body>> {
        let mut request = Request::new(Body::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.headers.clone();
        if !token.is_empty() && !self.headers.contains_key(AUTHORIZATION) {
            let value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Some(request)
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} {}", self.speaker, self.method, self.target)?;
        writeln!(f, "{:?}\n{}", self.headers, String::from_utf8_lossy(&self.body))
    }
}

/// The feed lets a client wait on purpose, which would be taken for a hang.
fn without_waiting(target: Uri) -> Option<Uri> {
    match target.path().starts_with("/v2/") && target.path().contains("events") {
        true => Uri::try_from(target.path()).ok(),
        false => Some(target),
    }
}
