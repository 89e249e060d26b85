//! What an application's answer means: one closed set of failures, each with what to do about it.

use jiff::Timestamp;
use serde_json::Value;

use super::retry_after::retry_after;

/// Longest piece of an application's own words that is kept.
const DETAIL_CHAR_COUNT_MAX: usize = 500;

/// A request that did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing was sent: an address that may not be reached, a body over the limit.
    #[error("nothing was sent: {reason}")]
    NotSent {
        /// Why.
        reason: String,
    },
    /// No connection: nothing can have arrived.
    #[error("the application cannot be reached: {reason}")]
    Unreachable {
        /// Why.
        reason: String,
    },
    /// Sent, and no answer came: it may have been done. Look before it is sent again.
    #[error("the outcome is unknown: {reason}")]
    Unknown {
        /// Why.
        reason: String,
    },
    /// 401: the token is wrong, revoked or expired.
    #[error("the application refused the token (401): {detail}")]
    Unauthorized {
        /// The application's own words.
        detail: String,
    },
    /// 403: the token may not do this.
    #[error("the token is not allowed to do this (403): {detail}")]
    Forbidden {
        /// The application's own words.
        detail: String,
    },
    /// 404: it is not there (any more).
    #[error("it does not exist there (404): {detail}")]
    NotFound {
        /// The application's own words.
        detail: String,
    },
    /// 409: it exists already.
    #[error("it exists already (409): {detail}")]
    Conflict {
        /// The application's own words.
        detail: String,
    },
    /// 429, or an answer that means it.
    #[error("the application asks to slow down ({status}): {detail}")]
    RateLimited {
        /// The status it came with.
        status: u16,
        /// When to go on, if it said so.
        until: Option<Timestamp>,
        /// The application's own words.
        detail: String,
    },
    /// Another 4xx: it will not become right by repeating.
    #[error("the application refused it ({status}): {detail}")]
    Refused {
        /// The status.
        status: u16,
        /// The keyword of RFC 7644 table 9, if any.
        scim_type: Option<String>,
        /// The application's own words.
        detail: String,
    },
    /// 5xx: it may become right by repeating.
    #[error("the application failed ({status}): {detail}")]
    Broken {
        /// The status.
        status: u16,
        /// When to go on, if it said so.
        until: Option<Timestamp>,
        /// The application's own words.
        detail: String,
    },
    /// A success that changed nothing.
    #[error("the application said it was done, and it is not: {detail}")]
    WithoutEffect {
        /// What is seen instead.
        detail: String,
    },
    /// A success whose body is no SCIM.
    #[error("the application's answer cannot be read ({status}): {reason}")]
    Unreadable {
        /// The status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
}

impl Failure {
    /// What an answer of this status means.
    pub fn of(status: u16, retry: Option<&str>, body: &[u8], now: Timestamp) -> Self {
        let json: Option<Value> = serde_json::from_slice(body).ok();
        let detail = detail(json.as_ref(), body);
        let until = retry.and_then(|text| retry_after(text, now));
        let code = json.as_ref().and_then(|json| json.get("code")).and_then(Value::as_i64);
        // A rate limit in disguise: Zoom's `code` 429, or 503 with Retry-After.
        if status == 429 || code == Some(429) || (status == 503 && until.is_some()) {
            return Self::RateLimited { status, until, detail };
        }
        match status {
            401 => Self::Unauthorized { detail },
            403 => Self::Forbidden { detail },
            404 => Self::NotFound { detail },
            409 => Self::Conflict { detail },
            500.. => Self::Broken { status, until, detail },
            _ => {
                let scim_type = json
                    .as_ref()
                    .and_then(|json| json.get("scimType"))
                    .and_then(Value::as_str)
                    .map(str::to_string);
                // Zoom's code 1005 ("User already in the account") is a conflict by another name.
                if code == Some(1005) || scim_type.as_deref() == Some("uniqueness") {
                    return Self::Conflict { detail };
                }
                Self::Refused { status, scim_type, detail }
            }
        }
    }

    /// Whether repeating later may help without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Unknown { .. }
                | Self::RateLimited { .. }
                | Self::Broken { .. }
        )
    }

    /// Whether every subject of the application is met by it, not this one alone.
    pub fn concerns_everybody(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Unauthorized { .. } | Self::RateLimited { .. }
        )
    }

    /// The next step for a person.
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::NotSent { .. } => "Correct the application's configuration.",
            Self::Unreachable { .. } => {
                "Check the base URL and the network; it is tried again by itself."
            }
            Self::Unknown { .. } => "Nothing to do: it is looked up before it is sent again.",
            Self::Unauthorized { .. } => {
                "Make a new token in the application, then `muster app token NAME --token-file F`."
            }
            Self::Forbidden { .. } => {
                "Give the token the right to read and write users and groups."
            }
            Self::NotFound { .. } => "It is looked up, and created again if it is still wanted.",
            Self::Conflict { .. } => {
                "It is looked up and linked; if it stays, see the accounts in question there."
            }
            Self::RateLimited { .. } => {
                "Nothing to do: it goes on at the time the application named."
            }
            Self::Refused { .. } => "Correct the mapping or the value, then apply again.",
            Self::Broken { status: 501, .. } | Self::WithoutEffect { .. } => {
                "The application cannot do this; do it there by hand, or see its profile."
            }
            Self::Broken { .. } => {
                "It is tried again by itself; if it stays, ask the application's support."
            }
            Self::Unreadable { .. } => {
                "Check that the base URL is the SCIM base of the application."
            }
        }
    }
}

/// The application's own words: RFC 7644's `detail`, Zoom's `message`, OAuth's
/// `error_description`, or the beginning of a text that is no markup.
fn detail(json: Option<&Value>, body: &[u8]) -> String {
    let said = json.and_then(|json| {
        ["detail", "message", "error_description", "errorSummary", "error"]
            .iter()
            .find_map(|key| json.get(*key).and_then(Value::as_str))
    });
    let text = match said {
        Some(text) if text.trim().is_empty() => return "no explanation was given".into(),
        Some(text) => text.to_string(),
        None => {
            let text = String::from_utf8_lossy(body);
            let text = text.trim();
            if text.is_empty() {
                return "no explanation was given".into();
            }
            if text.starts_with('<') {
                return "an HTML page came instead of an explanation".into();
            }
            text.to_string()
        }
    };
    text.chars().filter(|c| !c.is_control()).take(DETAIL_CHAR_COUNT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart_by_what_they_mean() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let check = |status, retry: Option<&str>, body: &str, expected: &str| {
            assert_eq!(Failure::of(status, retry, body.as_bytes(), now).to_string(), expected);
        };
        check(
            401,
            None,
            r#"{"detail":"The token expired."}"#,
            "the application refused the token (401): The token expired.",
        );
        check(
            429,
            Some("5"),
            r#"{"code":429,"message":"too fast"}"#,
            "the application asks to slow down (429): too fast",
        );
        check(
            500,
            None,
            r#"{"code":429,"message":"daily limit"}"#,
            "the application asks to slow down (500): daily limit",
        );
        check(
            400,
            None,
            r#"{"code":1005,"message":"User already in the account"}"#,
            "it exists already (409): User already in the account",
        );
        check(
            400,
            None,
            r#"{"scimType":"invalidValue","detail":"no"}"#,
            "the application refused it (400): no",
        );
        check(
            502,
            None,
            "<html><body>Bad gateway</body></html>",
            "the application failed (502): an HTML page came instead of an explanation",
        );
        check(
            501,
            None,
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"","status":501}"#,
            "the application failed (501): no explanation was given",
        );
        check(404, None, "", "it does not exist there (404): no explanation was given");
    }

    #[test]
    fn a_503_with_a_time_is_a_rate_limit_and_without_one_a_failure() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        assert!(matches!(
            Failure::of(503, Some("7"), b"", now),
            Failure::RateLimited { until: Some(until), .. } if until.to_string() == "2026-11-24T10:00:07Z"
        ));
        assert!(matches!(Failure::of(503, None, b"", now), Failure::Broken { .. }));
    }
}
