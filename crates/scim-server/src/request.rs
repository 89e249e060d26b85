//! What is read off a request's head before any store is asked: token, client, preconditions.

use axum::http::{HeaderMap, header};
use scim::{Error, IfMatch, IfNoneMatch};

use crate::limits::{BEARER_BYTES_MAX, USER_AGENT_BYTES_MAX};

/// The bearer token (RFC 6750 2.1); the scheme is written in any case (RFC 9110 11.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && token.len() <= BEARER_BYTES_MAX).then_some(token)
}

/// The client's name for itself, cut to what a request log keeps
/// ([`USER_AGENT_BYTES_MAX`](crate::limits::USER_AGENT_BYTES_MAX)).
pub fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.get(..USER_AGENT_BYTES_MAX).unwrap_or(text).to_owned())
}

/// The versions a write is tied to (RFC 7644 3.14, RFC 9110 13.1).
pub(crate) fn precondition(headers: &HeaderMap) -> Option<IfMatch> {
    let if_match = list(headers, header::IF_MATCH);
    let if_none_match = list(headers, header::IF_NONE_MATCH);
    IfMatch::of(if_match.as_deref(), if_none_match.as_deref())
}

/// The versions a read is tied to, if it is to be carried out at all.
pub(crate) fn if_match(headers: &HeaderMap) -> Option<IfMatch> {
    list(headers, header::IF_MATCH).map(|text| IfMatch::parse(&text))
}

/// The versions a read may be spared for (RFC 7644 3.14).
pub(crate) fn if_none_match(headers: &HeaderMap) -> Option<IfNoneMatch> {
    list(headers, header::IF_NONE_MATCH).map(|text| IfNoneMatch::parse(&text))
}

/// Refuses to tie to a version what has none: a list, to which a POST adds. `If-None-Match` is not
/// in its way, since what is to be made is not there; that nothing is made twice is the uniqueness
/// of its attributes.
pub(crate) fn check_unversioned(headers: &HeaderMap) -> Result<(), Error> {
    match if_match(headers) {
        Some(tied) if !tied.is_any() => Err(Error::precondition_failed(
            "`If-Match` names a version, and what is created has none yet. Leave it out.",
        )),
        _ => Ok(()),
    }
}

/// A list that may stand in several lines (RFC 9110 5.3). What is no text names no version, so
/// that a write is refused rather than done unconditionally.
fn list(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    let lines: Vec<&str> =
        headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
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
