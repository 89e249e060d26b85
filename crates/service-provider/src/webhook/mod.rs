//! Webhooks: who is told what happens in a tenant, how, and how far along that is.
//!
//! The order of events: the sealer gives events their places; somebody looks which webhooks have work
//! (`work`); a round (`round`), holding the lease of a webhook, takes what its log says beyond the
//! webhook's place into deliveries (`delivery`), makes messages of them (`message`, `set`), sends them
//! (`send`), and writes down what came of it. So nothing is enqueued by whoever writes users or groups,
//! and a new webhook can begin anywhere in the log.
//!
//! Deliveries are made at least once. Those of one subject go one after another, in the order of their
//! places; a subject whose delivery fails holds up itself and nobody else.

mod admin;
mod delivery;
mod message;
mod poll;
mod round;
mod row;
mod send;
mod set;
mod sign;
mod signing_key;
mod work;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::limits::WEBHOOK_SILENT_DAYS_MAX;

pub use delivery::DeadDelivery;
pub use poll::{Poll, PollAnswer, SetError};
pub(crate) use row::taken_by_all;
pub(crate) use send::Sender;
pub use send::Trial;
pub(crate) use set::EVENT_URIS;
pub use work::Deliveries;

/// Somebody who is told what happens in a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// The identifier.
    pub id: String,
    /// Where messages are sent; none: the receiver polls them (RFC 8936).
    pub url: Option<String>,
    /// The kinds of events it is told: `user.created`, `user.*`, `*`.
    pub kinds: Vec<String>,
    /// How it is spoken to.
    pub form: Form,
    /// The `aud` of security event tokens; the URL if there is none.
    pub audience: Option<String>,
    /// How far the tenant's log has been taken.
    pub place: i64,
    /// When the first of what was taken is to be sent; none if nothing waits.
    pub due_at: Option<Timestamp>,
    /// Whether it is told anything.
    pub state: WebhookState,
    /// Since when it is in this state.
    pub state_at: Timestamp,
    /// By whom.
    pub state_by: String,
    /// Because of what.
    pub state_cause: String,
    /// How often sending has failed in a row.
    pub failure_count: u64,
    /// Since when nothing has succeeded.
    pub failing_since: Option<Timestamp>,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When something was last delivered.
    pub last_success_at: Option<Timestamp>,
    /// Until when messages are signed with the former secret too.
    pub previous_until: Option<Timestamp>,
    /// When it was set up.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// How a webhook is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Standard Webhooks (standardwebhooks.com): `webhook-signature: v1,…`.
    Standard,
    /// Zoom's envelope and `x-zm-signature`, for the kinds that Zoom has too.
    Zoom,
    /// Security event tokens of RFC 9967 with what changed (`full`).
    Set,
    /// Security event tokens of RFC 9967 that say only that something changed (`notice`).
    SetNotice,
}

/// Whether a webhook is told anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookState {
    /// Its receiver has yet to answer the handshake.
    Unconfirmed,
    /// It is told what happens.
    Active,
    /// Somebody has paused it; it goes on where it stopped.
    Paused,
    /// It was given up, after days of failure or because its receiver said that it is gone.
    Disabled,
}

/// A webhook to be set up.
#[derive(Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where messages are sent; none: a stream of security event tokens that is polled.
    pub url: Option<String>,
    /// The kinds of events; all if empty.
    pub kinds: Vec<String>,
    /// How it is spoken to.
    pub form: Form,
    /// The `aud` of security event tokens.
    pub audience: Option<String>,
    /// What the receiver of security event tokens wants in the Authorization header (RFC 8935 2.2).
    pub authorization: Option<String>,
    /// The place behind which it begins; the present end of the log if none.
    pub from: Option<i64>,
}

/// A webhook that has just been set up, with its secret: the only moment it is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct AddedWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// What its messages are signed with; none for security event tokens, which have a public key.
    pub secret: Option<String>,
}

impl fmt::Debug for NewWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewWebhook").field("url", &self.url).finish_non_exhaustive()
    }
}

impl fmt::Debug for AddedWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddedWebhook").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

impl NewWebhook {
    /// A Standard Webhook that is told everything from now on.
    pub fn to(url: &str) -> Self {
        Self {
            url: Some(url.to_owned()),
            kinds: Vec::new(),
            form: Form::Standard,
            audience: None,
            authorization: None,
            from: None,
        }
    }
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Standard, Self::Zoom, Self::Set, Self::SetNotice];

    /// The name in the database and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Zoom => "zoom",
            Self::Set => "set",
            Self::SetNotice => "set-notice",
        }
    }

    /// The form of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == name)
    }

    /// Whether messages are security event tokens.
    pub(crate) fn is_set(self) -> bool {
        matches!(self, Self::Set | Self::SetNotice)
    }

    /// Whether there is a way to tell a kind of event in this form.
    pub(crate) fn carries(self, kind: &str) -> bool {
        match self {
            Self::Standard => true,
            Self::Zoom => message::zoom_name(kind).is_some(),
            Self::Set | Self::SetNotice => set::carries(kind),
        }
    }
}

impl WebhookState {
    /// The name in the database and over REST.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Unconfirmed, Self::Active, Self::Paused, Self::Disabled]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

impl Webhook {
    /// Whether the log keeps what it has not taken yet.
    pub(crate) fn holds_the_log(&self, now: Timestamp) -> bool {
        let silence = SignedDuration::from_hours(WEBHOOK_SILENT_DAYS_MAX * 24);
        let heard_of = self.last_success_at.map_or(self.state_at, |at| at.max(self.state_at));
        match self.state {
            WebhookState::Active if self.url.is_some() => true,
            WebhookState::Active | WebhookState::Unconfirmed => {
                now.duration_since(heard_of) < silence
            }
            WebhookState::Paused | WebhookState::Disabled => false,
        }
    }

    /// Whether it is told a kind of event.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        let chosen = self.kinds.is_empty()
            || self.kinds.iter().any(|pattern| crate::event_kind::fits(kind, pattern));
        chosen && self.form.carries(kind)
    }
}
