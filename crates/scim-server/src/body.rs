//! The body of a request: read whole into JSON within its limits, or taken in and thrown away.
//!
//! A client that is refused while it still sends sees a broken connection in place of the sentence
//! that says why, unless somebody takes in what it sends.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, header};
use scim::{Error, ScimType, Tolerance, Tolerances, Tolerated};
use serde_json::Value;
use tokio::time::timeout;

use crate::limits::{
    BODY_BYTES_MAX, BODY_DRAIN_BYTES_MAX, BODY_DRAIN_WAIT_MAX, BODY_FRAME_BYTES, BODY_WAIT_MAX,
};

/// A body on its way in.
pub(crate) struct Incoming {
    body: Body,
    /// How long the client says it is.
    announced_bytes: Option<usize>,
    /// The client sends it only when it is asked to (RFC 9110 10.1.1).
    expects_continue: bool,
    state: State,
    limit: Limit,
}

/// How long a body may be, and who says so.
#[derive(Clone, Copy)]
struct Limit {
    bytes: usize,
    payload: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Untouched,
    Begun,
    Ended,
}

/// Why a body is not read to its end.
enum Stop {
    TooLarge,
    Broken(axum::Error),
}

impl Incoming {
    pub(crate) fn of(headers: &HeaderMap, body: Body) -> Self {
        let text = |name: header::HeaderName| headers.get(name)?.to_str().ok();
        let expects_continue =
            text(header::EXPECT).is_some_and(|text| text.eq_ignore_ascii_case("100-continue"));
        Self {
            body,
            announced_bytes: text(header::CONTENT_LENGTH).and_then(|text| text.parse().ok()),
            expects_continue,
            state: State::Untouched,
            limit: Limit { bytes: BODY_BYTES_MAX, payload: false },
        }
    }

    /// Lets the body be no longer than what the server announces for bulk requests.
    pub(crate) fn limit_payload(&mut self, bytes: u64) {
        self.limit = Limit { bytes: usize::try_from(bytes).unwrap_or(usize::MAX), payload: true };
    }

    /// The body as JSON.
    pub(crate) async fn json(
        &mut self,
        headers: &HeaderMap,
        tolerances: &Tolerances,
        tolerated: &mut Vec<Tolerated>,
    ) -> Result<Value, Error> {
        tolerated.extend(check_content_type(headers, tolerances)?);
        let bytes = match timeout(BODY_WAIT_MAX, self.whole()).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(Stop::TooLarge)) => {
                return Err(self.limit.error());
            }
            Ok(Err(Stop::Broken(error))) => {
                return Err(Error::new(400, format!("The body could not be read: {error}.")));
            }
            Err(_) => {
                let secs = BODY_WAIT_MAX.as_secs();
                return Err(Error::new(
                    408,
                    format!("The body did not arrive within {secs} seconds."),
                ));
            }
        };
        if bytes.is_empty() {
            return Err(Error::bad_request(
                ScimType::InvalidSyntax,
                "The request has no body; a JSON object is needed.",
            ));
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            Error::bad_request(ScimType::InvalidSyntax, format!("The body is not JSON: {error}."))
        })
    }

    /// Takes in what is left of the body, within limits, so that the client comes to read the
    /// answer. Beyond them the connection breaks.
    pub(crate) async fn drain(mut self) {
        let unasked = self.state == State::Untouched && self.expects_continue;
        let endless = self.announced_bytes.is_some_and(|bytes| bytes > BODY_DRAIN_BYTES_MAX);
        if self.state == State::Ended || self.body.is_end_stream() || unasked || endless {
            return;
        }
        let all = async {
            let mut taken_bytes = 0;
            while let Some(Ok(data)) = self.next().await {
                taken_bytes += data.len();
                if taken_bytes > BODY_DRAIN_BYTES_MAX {
                    break;
                }
            }
        };
        // Whoever sends too slowly does not read the answer.
        let _ = timeout(BODY_DRAIN_WAIT_MAX, all).await;
    }

    async fn whole(&mut self) -> Result<Bytes, Stop> {
        if self.announced_bytes.is_some_and(|bytes| bytes > self.limit.bytes) {
            return Err(Stop::TooLarge);
        }
        let Some(first) = self.next().await else { return Ok(Bytes::new()) };
        let first = first.map_err(Stop::Broken)?;
        // Nearly every body arrives at once, and needs no second place in memory.
        if self.body.is_end_stream() && first.len() <= self.limit.bytes {
            self.state = State::Ended;
            return Ok(first);
        }
        let mut bytes = Vec::with_capacity(first.len() + BODY_FRAME_BYTES);
        bytes.extend_from_slice(&first);
        while bytes.len() <= self.limit.bytes {
            match self.next().await {
                Some(data) => bytes.extend_from_slice(&data.map_err(Stop::Broken)?),
                None => return Ok(bytes.into()),
            }
        }
        Err(Stop::TooLarge)
    }

    /// The next piece; None at the end.
    async fn next(&mut self) -> Option<Result<Bytes, axum::Error>> {
        self.state = State::Begun;
        loop {
            match poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await {
                Some(Ok(frame)) => {
                    // Trailers mean nothing here.
                    if let Ok(data) = frame.into_data() {
                        return Some(Ok(data));
                    }
                }
                Some(Err(error)) => {
                    self.state = State::Ended;
                    return Some(Err(error));
                }
                None => {
                    self.state = State::Ended;
                    return None;
                }
            }
        }
    }
}

impl Limit {
    /// RFC 7644 3.7.4: "The returned response MUST specify the limit exceeded".
    fn error(self) -> Error {
        let bytes = self.bytes;
        let detail = match self.payload {
            true => format!(
                "The size of the bulk request exceeds the maxPayloadSize ({bytes}). Send its \
                 operations in several requests."
            ),
            false => format!(
                "The body is larger than {bytes} bytes. Send fewer members or values at once."
            ),
        };
        Error::new(413, detail)
    }
}

/// RFC 7644 3.1 wants `application/scim+json`; clients in the field also send plain JSON, with
/// and without a charset. UTF-8 is the one encoding of JSON (RFC 7644 3.8, RFC 8259 8.1).
fn check_content_type(
    headers: &HeaderMap,
    tolerances: &Tolerances,
) -> Result<Option<Tolerated>, Error> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        let tolerance = Tolerance::MissingContentType;
        if tolerances.allows(tolerance) {
            return Ok(Some(Tolerated { tolerance, at: "Content-Type".into() }));
        }
        return Err(Error::new(
            415,
            "The body has no `Content-Type`. Send it as `application/scim+json`.",
        ));
    };
    let text = value.to_str().unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let known = ["application/scim+json", "application/json", "text/json"];
    if !known.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Err(Error::new(
            415,
            format!("The body has the type `{text}`. Send it as `application/scim+json`."),
        ));
    }
    let charset = parts.filter_map(|part| part.split_once('=')).find_map(|(name, value)| {
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    match charset {
        None => Ok(None),
        Some(name) if ["utf-8", "utf8", "us-ascii"].contains(&&*name.to_ascii_lowercase()) => {
            Ok(None)
        }
        Some(name) => {
            Err(Error::new(415, format!("The body is encoded as `{name}`. Send it in UTF-8.")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_accepted_under_its_usual_names() {
        let check = |value: &str, ok: bool| {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
            let checked = check_content_type(&headers, &Tolerances::none());
            assert_eq!(checked.is_ok(), ok, "{value}");
        };
        check("application/scim+json", true);
        check("application/scim+json; charset=utf-8", true);
        check("Application/JSON;charset=UTF-8", true);
        check("application/json; charset=\"UTF-8\"; x=y", true);
        check("application/json; charset=utf-16", false);
        check("application/x-www-form-urlencoded", false);
        check("text/xml", false);
    }

    #[test]
    fn a_body_without_a_type_is_read_where_that_is_tolerated() {
        let none = HeaderMap::new();
        assert_eq!(check_content_type(&none, &Tolerances::none()).unwrap_err().status, 415);
        let tolerated = check_content_type(&none, &Tolerances::all()).unwrap().unwrap();
        assert_eq!(tolerated.to_string(), "missingContentType at Content-Type");
    }
}
