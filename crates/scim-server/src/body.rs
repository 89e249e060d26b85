//! The body of a request: read whole into JSON within its limits, or taken in and thrown away.
//!
//! A client that is refused while it still sends sees a broken connection in place of the sentence
//! that says why, unless somebody takes in what it sends.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, header};
use scim::{Error, ScimType};
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
        }
    }

    /// The body as JSON.
    pub(crate) async fn json(&mut self, headers: &HeaderMap) -> Result<Value, Error> {
        check_content_type(headers)?;
        let bytes = match timeout(BODY_WAIT_MAX, self.whole()).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(Stop::TooLarge)) => {
                return Err(Error::new(
                    413,
                    format!(
                        "The body is larger than {BODY_BYTES_MAX} bytes. Send fewer members or \
                         values at once."
                    ),
                ));
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
        if self.announced_bytes.is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
            return Err(Stop::TooLarge);
        }
        let Some(first) = self.next().await else { return Ok(Bytes::new()) };
        let first = first.map_err(Stop::Broken)?;
        // Nearly every body arrives at once, and needs no second place in memory.
        if self.body.is_end_stream() && first.len() <= BODY_BYTES_MAX {
            self.state = State::Ended;
            return Ok(first);
        }
        let mut bytes = Vec::with_capacity(first.len() + BODY_FRAME_BYTES);
        bytes.extend_from_slice(&first);
        while bytes.len() <= BODY_BYTES_MAX {
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

/// RFC 7644 3.1 wants `application/scim+json`; clients in the field also send plain JSON, with
/// and without a charset. A request that does not say is taken as JSON.
fn check_content_type(headers: &HeaderMap) -> Result<(), Error> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    let known = ["application/scim+json", "application/json", "text/json"];
    if known.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    Err(Error::new(
        415,
        format!("The body has the type `{text}`. Send it as `application/scim+json`."),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_accepted_under_its_usual_names() {
        let check = |value: &str, ok: bool| {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
            assert_eq!(check_content_type(&headers).is_ok(), ok, "{value}");
        };
        check("application/scim+json", true);
        check("application/scim+json; charset=utf-8", true);
        check("Application/JSON;charset=UTF-8", true);
        check("application/x-www-form-urlencoded", false);
        check("text/xml", false);
    }
}
