//! "Test API credentials": one request that reads and changes nothing, and one sentence about it.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::{Directory, Error, Failure};

/// What a test of an application's credentials found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CredentialsTest {
    /// The application.
    pub application: String,
    /// What is right or wrong.
    pub verdict: CredentialsVerdict,
    /// What was found, in one sentence.
    pub sentence: String,
    /// What to do; nothing where all is well.
    pub next_step: Option<String>,
    /// What was sent.
    pub request: String,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// How many users there are, if the application says.
    pub user_count: Option<u64>,
    /// When it was asked.
    pub asked_at: Timestamp,
}

/// What is right or wrong with an application's credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialsVerdict {
    /// The application lists its users.
    Ok,
    /// The token was valid once.
    TokenExpired,
    /// Somebody took the token back.
    TokenRevoked,
    /// The application does not know the token.
    TokenRefused,
    /// The application knows the token, which may not read users.
    NotAllowed,
    /// Nobody answers there.
    Unreachable,
    /// Somebody answers there, but not with SCIM.
    NotScim,
    /// The address lies where this installation sends nothing.
    AddressRefused,
    /// The application is there and cannot answer now.
    Busy,
}

impl CredentialsTest {
    /// Whether the application lists its users.
    pub fn is_ok(&self) -> bool {
        self.verdict == CredentialsVerdict::Ok
    }
}

impl fmt::Display for CredentialsTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl Directory {
    /// Asks an application for one user (`GET /Users?startIndex=1&count=1`) and says what the answer
    /// means. That the application cannot be used is a finding, not an error.
    ///
    /// # Errors
    /// There is no such application, or it has no token yet.
    pub async fn test_credentials(&self, application: &str) -> Result<CredentialsTest, Error> {
        let stored = self.application(application)?;
        let config = &stored.config;
        let asked_at = self.clock.now();
        let answer = match self.client(&stored) {
            Ok(client) => client.list("/Users", 1, 1, None).await,
            Err(Error::Application { failure, .. }) => Err(failure),
            Err(error) => return Err(error),
        };
        let user_count = answer.as_ref().ok().and_then(|page| page.total);
        let status = match &answer {
            Ok(_) => Some(200),
            Err(failure) => failure.status(),
        };
        let finding = match answer {
            Ok(page) => accepted(&config.name, page.total),
            Err(failure) => diagnosis(&config.name, &config.base_url, &failure),
        };
        let base = config.base_url.trim_end_matches('/');
        Ok(CredentialsTest {
            application: config.name.clone(),
            verdict: finding.verdict,
            sentence: finding.sentence,
            next_step: finding.next_step,
            request: format!("GET {base}/Users?startIndex=1&count=1"),
            status,
            user_count,
            asked_at,
        })
    }
}

struct Finding {
    verdict: CredentialsVerdict,
    sentence: String,
    next_step: Option<String>,
}

fn accepted(name: &str, user_count: Option<u64>) -> Finding {
    let users = match user_count {
        Some(1) => "one user is there".to_string(),
        Some(count) => format!("{count} users are there"),
        None => "it lists its users".to_string(),
    };
    Finding {
        verdict: CredentialsVerdict::Ok,
        sentence: format!("{name} accepts the token; {users}."),
        next_step: None,
    }
}

/// What a failure says about the credentials, with the application's own words.
fn diagnosis(name: &str, base_url: &str, failure: &Failure) -> Finding {
    use CredentialsVerdict as Verdict;
    let new_token = format!(
        "Make a new token in the application, then `muster app token {name} --token-file F`."
    );
    let base = "Give the SCIM base of the application, such as https://api.zoom.us/scim2.";
    let (verdict, sentence, next_step) = match failure {
        Failure::Unauthorized { detail } => {
            let (verdict, said) = refusal(detail);
            (
                verdict,
                format!("{name} refused the token, {said} (401): {}", quoted(detail)),
                new_token,
            )
        }
        Failure::Forbidden { detail } => (
            Verdict::NotAllowed,
            format!("{name} knows the token, but it may not read users (403): {}", quoted(detail)),
            "Give the token the right to read and write users and groups.".into(),
        ),
        // A name that resolves into a private network is refused while the connection is made.
        Failure::NotSent { reason } | Failure::Unreachable { reason } if is_refused(reason) => {
            let (what, next_step) = reason.split_once("; ").unwrap_or((reason, base));
            (
                Verdict::AddressRefused,
                format!("Nothing was sent to {name}: {what}."),
                capital(next_step),
            )
        }
        Failure::NotSent { reason } => (
            Verdict::AddressRefused,
            format!("Nothing was sent to {name}: {reason}."),
            "Correct the base URL or the token of the application.".into(),
        ),
        Failure::Unreachable { reason } => (
            Verdict::Unreachable,
            format!("{name} cannot be reached at {base_url}: {reason}."),
            "Check the base URL, the network and whether the application is up.".into(),
        ),
        Failure::Unknown { reason } => (
            Verdict::Busy,
            format!("{name} was asked and gave no answer: {reason}."),
            "Try again; if it stays, ask the application's support.".into(),
        ),
        Failure::NotFound { .. } => (
            Verdict::NotScim,
            format!(
                "{base_url} answers, but has no /Users (404), so it is not the SCIM base of {name}."
            ),
            base.into(),
        ),
        Failure::Refused { status: 300..=399, .. } => (
            Verdict::NotScim,
            format!(
                "{base_url} answers with a redirect, as a sign-in page does, and not with SCIM."
            ),
            base.into(),
        ),
        Failure::Unreadable { status, .. } => (
            Verdict::NotScim,
            format!(
                "{base_url} answers ({status}), but not with SCIM: it is a page or another API."
            ),
            base.into(),
        ),
        Failure::RateLimited { detail, until, .. } => (
            Verdict::Busy,
            format!("{name} asks to slow down: {}", quoted(detail)),
            match until {
                Some(until) => format!("Try again after {until}."),
                None => "Try again later.".into(),
            },
        ),
        Failure::Broken { status, detail, .. } => (
            Verdict::Busy,
            format!("{name} failed ({status}): {}", quoted(detail)),
            "Try again; if it stays, ask the application's support.".into(),
        ),
        Failure::Conflict { detail }
        | Failure::WithoutEffect { detail }
        | Failure::Refused { detail, .. } => (
            Verdict::NotScim,
            format!("{name} does not list its users: {}", quoted(detail)),
            base.into(),
        ),
    };
    Finding { verdict, sentence, next_step: Some(next_step) }
}

/// What the words of a 401 say. Applications have no code for it, only words.
fn refusal(detail: &str) -> (CredentialsVerdict, &'static str) {
    let words = detail.to_lowercase();
    if words.contains("expire") {
        (CredentialsVerdict::TokenExpired, "which has expired")
    } else if words.contains("revoke") {
        (CredentialsVerdict::TokenRevoked, "which was revoked")
    } else {
        (CredentialsVerdict::TokenRefused, "which it does not know")
    }
}

/// Whether the reason is that of [`crate::Outbound`], which says it in one sentence of its own.
fn is_refused(reason: &str) -> bool {
    reason.contains("lies in a private network")
}

/// The application's own words, with exactly one full stop.
fn quoted(detail: &str) -> String {
    let detail = detail.trim().trim_end_matches('.');
    format!("\"{detail}\".")
}

fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failure: Failure, verdict: CredentialsVerdict, sentence: &str, next_step: &str) {
        let found = diagnosis("zoom", "https://zoom.example/scim2", &failure);
        assert_eq!((found.verdict, found.sentence.as_str()), (verdict, sentence));
        assert_eq!(found.next_step.as_deref(), Some(next_step));
    }

    #[test]
    fn a_refused_token_is_told_in_the_applications_own_words() {
        let step =
            "Make a new token in the application, then `muster app token zoom --token-file F`.";
        let refused = |detail: &str| Failure::Unauthorized { detail: detail.into() };
        check(
            refused("The token expired on 2026-11-01."),
            CredentialsVerdict::TokenExpired,
            "zoom refused the token, which has expired (401): \"The token expired on 2026-11-01\".",
            step,
        );
        check(
            refused("Token was revoked"),
            CredentialsVerdict::TokenRevoked,
            "zoom refused the token, which was revoked (401): \"Token was revoked\".",
            step,
        );
        check(
            refused("Unknown token."),
            CredentialsVerdict::TokenRefused,
            "zoom refused the token, which it does not know (401): \"Unknown token\".",
            step,
        );
    }

    #[test]
    fn every_failure_has_a_diagnosis_and_a_next_step() {
        let base = "Give the SCIM base of the application, such as https://api.zoom.us/scim2.";
        check(
            Failure::Forbidden { detail: "scope scim:read is missing".into() },
            CredentialsVerdict::NotAllowed,
            "zoom knows the token, but it may not read users (403): \"scope scim:read is missing\".",
            "Give the token the right to read and write users and groups.",
        );
        check(
            Failure::Unreachable { reason: "Connection refused (os error 111)".into() },
            CredentialsVerdict::Unreachable,
            "zoom cannot be reached at https://zoom.example/scim2: Connection refused (os error 111).",
            "Check the base URL, the network and whether the application is up.",
        );
        check(
            Failure::Unreadable { status: 200, reason: "expected value".into() },
            CredentialsVerdict::NotScim,
            "https://zoom.example/scim2 answers (200), but not with SCIM: it is a page or another API.",
            base,
        );
        check(
            Failure::Refused { status: 302, scim_type: None, detail: "moved".into() },
            CredentialsVerdict::NotScim,
            "https://zoom.example/scim2 answers with a redirect, as a sign-in page does, and not with SCIM.",
            base,
        );
        check(
            Failure::NotFound { detail: "no".into() },
            CredentialsVerdict::NotScim,
            "https://zoom.example/scim2 answers, but has no /Users (404), so it is not the SCIM base of zoom.",
            base,
        );
        let until = "2026-11-24T10:00:07Z".parse().ok();
        check(
            Failure::RateLimited { status: 429, until, detail: "too fast".into() },
            CredentialsVerdict::Busy,
            "zoom asks to slow down: \"too fast\".",
            "Try again after 2026-11-24T10:00:07Z.",
        );
    }

    #[test]
    fn an_address_that_may_not_be_reached_says_where_to_allow_it() {
        let url = url::Url::parse("http://127.0.0.1:8081/scim2").unwrap();
        let reason = crate::Outbound::default().check(&url).unwrap_err();
        check(
            Failure::NotSent { reason },
            CredentialsVerdict::AddressRefused,
            "Nothing was sent to zoom: 127.0.0.1 lies in a private network (127.0.0.1), where requests are refused.",
            "If it is meant, add \"127.0.0.1\" to private_hosts under [directory].",
        );
    }
}
