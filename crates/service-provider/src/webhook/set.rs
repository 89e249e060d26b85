//! Security event tokens (RFC 8417) that tell of provisioning, in the profile of RFC 9967.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use db::Event;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Form, Webhook};

/// RFC 9967 2.4: the events that are told. What was replaced is told as what changed (`patch`): the log
/// knows the difference, not the verb. A resource enters and leaves the feed by being created and
/// deleted (2.4.1, 2.4.4), so that there is no `feed:add` and no `feed:remove`.
pub(crate) const EVENT_URIS: [&str; 7] = [
    "urn:ietf:params:scim:event:prov:create:full",
    "urn:ietf:params:scim:event:prov:create:notice",
    "urn:ietf:params:scim:event:prov:patch:full",
    "urn:ietf:params:scim:event:prov:patch:notice",
    DELETE,
    ACTIVATE,
    DEACTIVATE,
];
const DELETE: &str = "urn:ietf:params:scim:event:prov:delete";
const ACTIVATE: &str = "urn:ietf:params:scim:event:prov:activate";
const DEACTIVATE: &str = "urn:ietf:params:scim:event:prov:deactivate";
/// OpenID SSF 1.0 8.1.4: says nothing but that the stream works.
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

/// What stands in a payload where something was too large for the log.
const OMITTED: &str = "$omitted_bytes";

/// What tokens are signed with.
pub(crate) struct Signer {
    /// RFC 8417 2.2 `iss`.
    pub(super) issuer: String,
    pub(super) kid: String,
    pub(super) pair: RsaKeyPair,
}

/// Whether RFC 9967 has an event for a kind.
pub(super) fn carries(kind: &str) -> bool {
    matches!(
        kind,
        "user.created"
            | "user.updated"
            | "user.deactivated"
            | "user.reactivated"
            | "user.deleted"
            | "group.created"
            | "group.updated"
            | "group.member.added"
            | "group.member.removed"
            | "group.deleted"
    )
}

impl Signer {
    /// The claims of the token that tells an event. Sent again it is the same token: `jti` is the
    /// event, `iat` its moment. RFC 8417 2.2: there is no `exp`, what has happened stays so.
    pub(super) fn claims(&self, webhook: &Webhook, event: &Event) -> Option<Value> {
        let empty = Value::Null;
        let payload = event.payload.as_ref().unwrap_or(&empty);
        let endpoint = if event.kind.starts_with("group.") { "Groups" } else { "Users" };
        // RFC 9967 2.1: a subject is named by its URI relative to the base of SCIM.
        let mut subject =
            json!({"format": "scim", "uri": format!("/{endpoint}/{}", event.subject)});
        if let Some(id) = payload.get("externalId") {
            subject["externalId"] = id.clone();
        }
        Some(json!({
            "iss": self.issuer,
            "aud": audience(webhook),
            "iat": event.at.as_second(),
            "toe": event.at.as_second(),
            "jti": event.id,
            "txn": transaction(event),
            "sub_id": subject,
            "events": events(webhook.form, event, payload)?,
        }))
    }

    /// The claims of a token that tries a stream.
    pub(super) fn verification(&self, webhook: &Webhook, id: &str, now: Timestamp) -> Value {
        json!({
            "iss": self.issuer,
            "aud": audience(webhook),
            "iat": now.as_second(),
            "jti": id,
            "sub_id": {"format": "opaque", "id": webhook.id},
            "events": {VERIFICATION: {"state": id}},
        })
    }

    /// The token: RFC 7515 compact, RS256, typed `secevent+jwt` (RFC 8417 2.3).
    pub(super) fn sign(&self, claims: &Value) -> Option<String> {
        let header = json!({"typ": "secevent+jwt", "alg": "RS256", "kid": self.kid});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn audience(webhook: &Webhook) -> &str {
    webhook.audience.as_deref().or(webhook.url.as_deref()).unwrap_or(&webhook.id)
}

/// RFC 8417 2.2 `txn`: the same for all events of one write, which have actor, cause and moment in
/// common.
fn transaction(event: &Event) -> String {
    let parts = [&event.actor, "\n", &event.cause, "\n", &event.at.as_microsecond().to_string()];
    let digest = Sha256::digest(parts.concat());
    URL_SAFE_NO_PAD.encode(&digest[..16])
}

/// The `events` claim; none if what the event told was erased. RFC 9967 2.4: `full` has `data`, `notice`
/// has `attributes`, never both. A document that was too large for the log is told as a notice, and the
/// receiver reads the resource (2.4.1).
fn events(form: Form, event: &Event, payload: &Value) -> Option<Value> {
    let mut events = Map::new();
    match event.kind.as_str() {
        "user.created" | "group.created" => {
            let resource = payload["resource"].as_object()?;
            if resource.contains_key(OMITTED) {
                events.extend([notice("create", vec!["id".into()])]);
            } else {
                // RFC 9967 2.4.1: with the id, so that a replica can take the same.
                let mut data = resource.clone();
                data.insert("id".into(), event.subject.clone().into());
                events.extend([told(form, "create", || data.clone().into(), names(&data))]);
            }
        }
        "user.updated" | "group.updated" => {
            let changed = payload["changed"].as_object()?;
            let omitted = |of: &str| !payload[of][OMITTED].is_null();
            if omitted("changed") || omitted("formerly") {
                let names = payload["attributes"].as_array().into_iter().flatten();
                let names = names.filter_map(|name| Some(name.as_str()?.to_owned()));
                events.extend([notice("patch", names.collect())]);
            } else {
                let changes = changes(changed, payload["formerly"].as_object());
                let names = changes.iter().map(|(path, _)| path.clone()).collect();
                let operations: Vec<Value> =
                    changes.iter().map(|(path, value)| operation(path, value)).collect();
                events.extend([told(form, "patch", || patch(&operations), names)]);
            }
        }
        "group.member.added" | "group.member.removed" => {
            let members = payload["members"].as_array()?;
            let operations: Vec<Value> = if event.kind == "group.member.added" {
                let values: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
                vec![json!({"op": "add", "path": "members", "value": values})]
            } else {
                let path = |id: &Value| format!("members[value eq {id}]");
                members.iter().map(|id| json!({"op": "remove", "path": path(id)})).collect()
            };
            events.extend([told(form, "patch", || patch(&operations), vec!["members".into()])]);
        }
        "user.deactivated" => drop(events.insert(DEACTIVATE.into(), json!({}))),
        "user.reactivated" => drop(events.insert(ACTIVATE.into(), json!({}))),
        "user.deleted" | "group.deleted" => drop(events.insert(DELETE.into(), json!({}))),
        _ => return None,
    }
    Some(events.into())
}

/// What a form says of a write.
fn told(
    form: Form,
    verb: &str,
    data: impl FnOnce() -> Value,
    attributes: Vec<String>,
) -> (String, Value) {
    match form {
        Form::Set => {
            (format!("urn:ietf:params:scim:event:prov:{verb}:full"), json!({"data": data()}))
        }
        _ => notice(verb, attributes),
    }
}

fn notice(verb: &str, attributes: Vec<String>) -> (String, Value) {
    let payload = json!({"attributes": attributes});
    (format!("urn:ietf:params:scim:event:prov:{verb}:notice"), payload)
}

fn names(resource: &Map<String, Value>) -> Vec<String> {
    resource.keys().filter(|name| *name != "schemas").cloned().collect()
}

/// What became of each attribute that changed, by its path (RFC 7644 3.5.2, figure 1). An extension has
/// no path of its own: its attributes have.
fn changes(
    changed: &Map<String, Value>,
    formerly: Option<&Map<String, Value>>,
) -> Vec<(String, Value)> {
    let mut changes = Vec::new();
    let empty = Map::new();
    for (name, value) in changed.iter().filter(|(name, _)| *name != "schemas") {
        if !name.starts_with("urn:") {
            changes.push((name.clone(), value.clone()));
            continue;
        }
        let was = formerly.and_then(|formerly| formerly.get(name)?.as_object());
        let (was, is) = (was.unwrap_or(&empty), value.as_object().unwrap_or(&empty));
        let all = was.keys().chain(is.keys().filter(|inner| !was.contains_key(*inner)));
        for inner in all.filter(|inner| was.get(*inner) != is.get(*inner)) {
            changes.push((format!("{name}:{inner}"), is.get(inner).cloned().unwrap_or_default()));
        }
    }
    changes
}

/// RFC 7644 3.5.2: what makes of the former attribute the present one.
fn operation(path: &str, value: &Value) -> Value {
    match value {
        Value::Null => json!({"op": "remove", "path": path}),
        value => json!({"op": "replace", "path": path, "value": value}),
    }
}

fn patch(operations: &[Value]) -> Value {
    json!({"schemas": [scim::urn::PATCH_OP], "Operations": operations})
}
