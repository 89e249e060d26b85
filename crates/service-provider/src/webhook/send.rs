//! Sending, and what comes of it. A receiver gets so many seconds, is read so many bytes of, leads
//! nowhere else, and lies where requests may go.

use std::sync::OnceLock;

use outbound::Outbound;
use reqwest::header::RETRY_AFTER;
use serde::Serialize;
use url::Url;

use super::message::Message;
use crate::Result;
use crate::error::Error;
use crate::limits::{
    DELIVERY_ANSWER_BYTES_MAX, DELIVERY_ANSWER_WAIT_MAX, DELIVERY_CONNECT_WAIT_MAX,
};

/// What messages are sent with.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    outbound: Outbound,
    http: OnceLock<reqwest::Client>,
}

/// What came of sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it (2xx).
    Delivered(Answer),
    /// The receiver answered otherwise.
    Refused(Answer),
    /// Nobody answered, or sending is not allowed.
    Unreached(String),
}

/// An answer, as far as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after_secs: Option<i64>,
    pub(super) body: String,
}

/// What came of trying a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// Whether the receiver took the message, and answered the handshake where there is one.
    pub delivered: bool,
    /// The status of its answer.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
}

impl Sender {
    /// A sender that reaches private hosts only by name.
    pub(crate) fn reaching(outbound: Outbound) -> Self {
        Self { outbound, http: OnceLock::new() }
    }

    /// The address of a webhook, if one may be sent to.
    pub(super) fn check(&self, url: &str) -> Result<Url> {
        let parsed = Url::parse(url).map_err(|error| {
            Error::refused(format!("`{url}` is no address: {error}. Write https://HOST/PATH."))
        })?;
        self.outbound
            .check_https(&parsed)
            .map_err(|reason| Error::refused(format!("Nothing is sent to `{url}`: {reason}.")))?;
        Ok(parsed)
    }

    /// Sends a message once.
    pub(super) async fn send(&self, url: &str, message: &Message) -> Outcome {
        match self.try_send(url, message).await {
            Ok(answer) if (200..300).contains(&answer.status) => Outcome::Delivered(answer),
            Ok(answer) => Outcome::Refused(answer),
            Err(reason) => Outcome::Unreached(reason),
        }
    }

    async fn try_send(&self, url: &str, message: &Message) -> Result<Answer, String> {
        // What was allowed when it was set up need not be allowed today.
        let url = self.check(url).map_err(|error| error.to_string())?;
        let mut request = self.http()?.post(url).body(message.body.clone());
        for (name, value) in &message.headers {
            request = request.header(*name, value);
        }
        let mut response = request.send().await.map_err(|error| told(&error))?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|text| text.to_str().ok());
        let retry_after_secs = retry_after.and_then(|text| text.trim().parse().ok());
        let mut body = Vec::new();
        while body.len() < DELIVERY_ANSWER_BYTES_MAX {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                // The status has been read; a body that breaks off changes nothing about it.
                Ok(None) | Err(_) => break,
            }
        }
        body.truncate(DELIVERY_ANSWER_BYTES_MAX);
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status, retry_after_secs, body })
    }

    fn http(&self) -> Result<&reqwest::Client, String> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = self
            .outbound
            .client_builder()
            .timeout(DELIVERY_ANSWER_WAIT_MAX)
            .connect_timeout(DELIVERY_CONNECT_WAIT_MAX)
            .user_agent(concat!("Muster/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| told(&error))?;
        Ok(self.http.get_or_init(|| http))
    }
}

impl Outcome {
    /// Why it failed, in a sentence; none if it did not.
    pub(super) fn error(&self) -> Option<String> {
        match self {
            Self::Delivered(_) => None,
            Self::Refused(answer) => {
                let body = answer.body.trim();
                let said = if body.is_empty() { String::new() } else { format!(": {body}") };
                Some(format!("The receiver answered {}{said}", answer.status))
            }
            Self::Unreached(reason) => Some(reason.clone()),
        }
    }
}

/// An error of the client with its causes; the last is the one that helps.
fn told(error: &reqwest::Error) -> String {
    crate::error::Chain(error).to_string()
}
