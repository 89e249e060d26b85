//! What is read off a request before any store is asked: token, preconditions, body.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use scim::{Error, IfMatch, IfNoneMatch, ScimType};
use serde_json::Value;

use crate::limits::{BEARER_BYTES_MAX, BODY_BYTES_MAX, BODY_WAIT_MAX, USER_AGENT_BYTES_MAX};

/// The bearer token (RFC 6750 2.1); the scheme is written in any case (RFC 9110 11.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && token.len() <= BEARER_BYTES_MAX).then_some(token)
}

/// The client's name for itself, cut to what is kept.
pub(crate) fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.get(..USER_AGENT_BYTES_MAX).unwrap_or(text).to_owned())
}

/// The versions a write is tied to (RFC 7644 3.14).
pub(crate) fn if_match(headers: &HeaderMap) -> Option<IfMatch> {
    // What is no text matches no version, so that the write is refused.
    headers.get(header::IF_MATCH).map(|value| IfMatch::parse(value.to_str().unwrap_or_default()))
}

/// The versions a read may be spared for (RFC 7644 3.14).
pub(crate) fn if_none_match(headers: &HeaderMap) -> Option<IfNoneMatch> {
    let value = headers.get(header::IF_NONE_MATCH)?;
    Some(IfNoneMatch::parse(value.to_str().unwrap_or_default()))
}

/// The JSON body of a request.
pub(crate) async fn json_body(request: Request) -> Result<Value, Error> {
    check_content_type(request.headers())?;
    let too_large = || {
        Error::new(
            413,
            format!(
                "The body is larger than {BODY_BYTES_MAX} bytes. Send fewer members or values at once."
            ),
        )
    };
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
        return Err(too_large());
    }
    let bytes = match tokio::time::timeout(BODY_WAIT_MAX, Bytes::from_request(request, &())).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return Err(too_large());
        }
        Ok(Err(rejection)) => {
            return Err(Error::new(
                400,
                format!("The body could not be read: {}.", rejection.body_text()),
            ));
        }
        Err(_) => {
            let secs = BODY_WAIT_MAX.as_secs();
            return Err(Error::new(408, format!("The body did not arrive within {secs} seconds.")));
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

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_bearer_scheme_is_written_in_any_case() {
        let check = |value: &str, expected: Option<&str>| {
            assert_eq!(bearer(&headers(header::AUTHORIZATION, value)), expected, "{value}");
        };
        check("Bearer abc", Some("abc"));
        check("bearer  abc ", Some("abc"));
        check("Basic abc", None);
        check("abc", None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }

    #[test]
    fn json_is_accepted_under_its_usual_names() {
        let check = |value: &str, ok: bool| {
            let result = check_content_type(&headers(header::CONTENT_TYPE, value));
            assert_eq!(result.is_ok(), ok, "{value}");
        };
        check("application/scim+json", true);
        check("application/scim+json; charset=utf-8", true);
        check("Application/JSON;charset=UTF-8", true);
        check("application/x-www-form-urlencoded", false);
        check("text/xml", false);
    }
}
