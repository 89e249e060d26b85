//! What is sent: an event in the words of the webhook's form.

use db::Event;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Form, Webhook, set, sign};
use crate::tenant::TenantId;

/// A request that tells an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

/// What messages of a webhook are made with.
pub(super) struct Maker<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) webhook: &'a Webhook,
    /// The newest first; a former one while a rotation is under way.
    pub(super) secrets: &'a [String],
    /// What tokens are signed with, where messages are tokens.
    pub(super) signer: Option<&'a set::Signer>,
    /// What the receiver of tokens wants in the Authorization header.
    pub(super) authorization: Option<&'a str>,
    pub(super) now: Timestamp,
}

const JSON: &str = "application/json";

impl Maker<'_> {
    /// The message of an event; none if the form has no words for it.
    pub(super) fn event(&self, event: &Event) -> Option<Message> {
        match self.webhook.form {
            Form::Standard => Some(self.standard(&event.id, &standard_body(event))),
            Form::Zoom => Some(self.zoom(&zoom_body(self.tenant, event)?)),
            Form::Set | Form::SetNotice => {
                let signer = self.signer?;
                let claims = signer.claims(self.webhook, event)?;
                self.token(signer, &claims)
            }
        }
    }

    /// A message that says nothing has happened, for trying the receiver.
    pub(super) fn trial(&self, id: &str) -> Option<Message> {
        match self.webhook.form {
            Form::Standard => {
                let body = json!({"type": "webhook.test", "timestamp": self.now, "data": {}});
                Some(self.standard(id, &body))
            }
            Form::Zoom => {
                let body = json!({
                    "event": "endpoint.url_validation",
                    "event_ts": self.now.as_millisecond(),
                    "payload": {"plainToken": id},
                });
                Some(self.zoom(&body))
            }
            Form::Set | Form::SetNotice => {
                let signer = self.signer?;
                self.token(signer, &signer.verification(self.webhook, id, self.now))
            }
        }
    }

    /// Standard Webhooks: `webhook-id` is the same at every attempt, so that a receiver can tell one
    /// that it has had.
    fn standard(&self, id: &str, body: &Value) -> Message {
        let (body, timestamp) = (body.to_string(), self.now.as_second());
        let signature = sign::standard(self.secrets, id, timestamp, &body);
        let headers = vec![
            ("content-type", JSON.to_owned()),
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ];
        Message { headers, body }
    }

    fn zoom(&self, body: &Value) -> Message {
        let (body, timestamp) = (body.to_string(), self.now.as_second());
        let secret = self.secrets.first().map(String::as_str).unwrap_or_default();
        let headers = vec![
            ("content-type", JSON.to_owned()),
            ("x-zm-request-timestamp", timestamp.to_string()),
            ("x-zm-signature", sign::zoom(secret, timestamp, &body)),
        ];
        Message { headers, body }
    }

    /// RFC 8935 2.1: the token alone, as `application/secevent+jwt`.
    fn token(&self, signer: &set::Signer, claims: &Value) -> Option<Message> {
        let mut headers = vec![
            ("content-type", "application/secevent+jwt".to_owned()),
            ("accept", JSON.to_owned()),
        ];
        headers.extend(self.authorization.map(|text| ("authorization", text.to_owned())));
        Some(Message { headers, body: signer.sign(claims)? })
    }
}

fn standard_body(event: &Event) -> Value {
    json!({
        "type": event.kind,
        "timestamp": event.at,
        "data": {
            "place": event.place,
            "subject": event.subject,
            "actor": event.actor,
            "cause": event.cause,
            "payload": event.payload,
        },
    })
}

/// What Zoom calls a kind of event; none if it has none.
pub(super) fn zoom_name(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "user.created" => "user.created",
        "user.updated" => "user.updated",
        "user.deactivated" => "user.deactivated",
        "user.reactivated" => "user.activated",
        "user.deleted" => "user.deleted",
        _ => return None,
    })
}

fn zoom_body(tenant: &TenantId, event: &Event) -> Option<Value> {
    let empty = Value::Null;
    let payload = event.payload.as_ref().unwrap_or(&empty);
    let mut object = Map::new();
    object.insert("id".into(), json!(event.subject));
    let names = [
        ("email", "/userName"),
        ("first_name", "/name/givenName"),
        ("last_name", "/name/familyName"),
    ];
    for (name, pointer) in names {
        if let Some(value) = payload.pointer(pointer) {
            object.insert(name.into(), value.clone());
        }
    }
    let mut told = json!({
        "account_id": tenant,
        "operator": event.actor,
        "operator_id": event.actor,
        "object": object,
    });
    if event.kind == "user.updated" {
        let (changed, former) =
            (zoom_fields(&payload["changed"]), zoom_fields(&payload["formerly"]));
        let mut old = Map::from_iter([("id".to_owned(), json!(event.subject))]);
        old.extend(former);
        told["old_object"] = old.into();
        if let Some(object) = told["object"].as_object_mut() {
            object.extend(changed);
        }
    }
    Some(json!({
        "event": zoom_name(&event.kind)?,
        "event_ts": event.at.as_millisecond(),
        "payload": told,
    }))
}

/// Attributes of a user in Zoom's names, as far as it has them.
fn zoom_fields(attributes: &Value) -> Map<String, Value> {
    const NAMES: [(&str, &str); 7] = [
        ("email", "/userName"),
        ("first_name", "/name/givenName"),
        ("last_name", "/name/familyName"),
        ("display_name", "/displayName"),
        ("language", "/preferredLanguage"),
        ("timezone", "/timezone"),
        ("job_title", "/title"),
    ];
    let found = NAMES.iter().filter_map(|(name, pointer)| {
        Some(((*name).to_owned(), attributes.pointer(pointer)?.clone()))
    });
    found.collect()
}
