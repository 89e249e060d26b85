//! What is read off a request's head before any store is asked: token, client, preconditions.

use axum::http::{HeaderMap, header};
use scim::{IfMatch, IfNoneMatch};

use crate::limits::{BEARER_BYTES_MAX, USER_AGENT_BYTES_MAX};

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
}
