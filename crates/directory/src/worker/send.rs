//! Sending what is done about an account, in the form its application understands.

use lifecycle::{Action, ApplicationProfile, MatchAttribute, RemoteId, UpdateVerb};
use scim::{PatchRequest, Resource};
use serde_json::{Map, Value};

use super::fallback::{cannot, is_no_help};
use super::wire::{Trouble, Wire};
use crate::account;
use crate::client::{Answer, Failure};
use crate::facts::World;

/// Where users are.
pub(super) const USERS: &str = "Users";
/// The core schema of users.
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// What an application acknowledged.
pub(super) struct Written {
    /// What it calls the account.
    pub remote_id: RemoteId,
    /// The account as it is now, if the answer showed it whole or it was read again.
    pub observed: Option<Resource>,
}

/// Sends what an action says, and reads it back where the answer does not show what is stored.
pub(super) async fn send(
    wire: &mut Wire<'_>,
    world: &World,
    (account, before): (Option<&lifecycle::Account>, Option<&Resource>),
    action: &Action,
) -> Result<Written, Trouble> {
    let profile = &world.application.profile;
    let (remote_id, body) = match action {
        Action::CreateAccount { resource, .. } => create(wire, world, resource).await?,
        Action::LinkAccount { remote_id, .. } => {
            (remote_id.clone(), update(wire, world, remote_id, None, action).await?)
        }
        _ => {
            let remote_id = account.and_then(lifecycle::Account::linked).ok_or_else(|| {
                Failure::NotSent { reason: "the account is not linked".to_string() }
            })?;
            (remote_id.clone(), update(wire, world, remote_id, before, action).await?)
        }
    };
    let sent = !matches!(action, Action::LinkAccount { changes, .. } if changes.is_empty());
    let body = if profile.trusts_write_response || !sent {
        body.filter(shows_account)
    } else {
        Some(wire.get(USERS, remote_id.as_str()).await?)
    };
    let observed = body.map(|body| account::read(&body, world.mappings.user_type()));
    Ok(Written { remote_id, observed })
}

/// A body counts as read back if it is the account, not an acknowledgement.
fn shows_account(body: &Map<String, Value>) -> bool {
    body.contains_key("id") && body.contains_key("userName")
}

async fn create(
    wire: &mut Wire<'_>,
    world: &World,
    resource: &Resource,
) -> Result<(RemoteId, Option<Map<String, Value>>), Trouble> {
    let answer = wire.create(USERS, resource.document()).await?;
    if let Some(id) = answer.body.as_ref().and_then(account::remote_id) {
        return Ok((id, answer.body));
    }
    // RFC 7644 3.3 wants the resource in the answer; some say 201 and nothing else.
    let (found, _) = look_up(wire, world, resource).await?;
    let [body] = &found[..] else {
        let reason =
            format!("it names no id, and {} accounts are found by what was created", found.len());
        return Err(Failure::Unreadable { status: answer.status, reason }.into());
    };
    match account::remote_id(body) {
        Some(id) => Ok((id, Some(body.clone()))),
        None => {
            let reason = "accounts there have no id".to_string();
            Err(Failure::Unreadable { status: answer.status, reason }.into())
        }
    }
}

/// Asks for the accounts that are recognised as this one, by the first attribute that finds any. Where
/// it cannot be asked by one of them, the refusal comes along: not to find is no answer then.
pub(super) async fn look_up(
    wire: &mut Wire<'_>,
    world: &World,
    wanted: &Resource,
) -> Result<(Vec<Map<String, Value>>, Option<Failure>), Trouble> {
    let mut refusal = None;
    let application = &world.application;
    let asked = application.match_by.iter().filter(|by| application.profile.filters.contains(by));
    for by in asked {
        let Some(value) = value_of(wanted, *by) else { continue };
        let found = match wire.find(USERS, path_of(*by), &value).await {
            Ok(found) => found,
            // It cannot be asked so: Zoom says 400 where an address belongs to somebody else.
            Err(Trouble::Failed(failure @ Failure::Refused { .. })) => {
                refusal = Some(failure);
                continue;
            }
            Err(trouble) => return Err(trouble),
        };
        // A filter that is ignored finds everybody.
        let found: Vec<_> = found.into_iter().filter(|body| has(body, *by, &value)).collect();
        if !found.is_empty() {
            return Ok((found, None));
        }
    }
    Ok((Vec::new(), refusal))
}

fn path_of(by: MatchAttribute) -> &'static str {
    match by {
        MatchAttribute::UserName => "userName",
        MatchAttribute::ExternalId => "externalId",
        MatchAttribute::Email => "emails.value",
    }
}

/// The value as it is written: some applications look it up with regard to case.
fn value_of(wanted: &Resource, by: MatchAttribute) -> Option<String> {
    let text = match by {
        MatchAttribute::UserName => wanted.text("userName"),
        MatchAttribute::ExternalId => wanted.text("externalId"),
        MatchAttribute::Email => emails(wanted.document()).next(),
    };
    text.map(str::to_string).filter(|text| !text.is_empty())
}

fn has(body: &Map<String, Value>, by: MatchAttribute, value: &str) -> bool {
    let same = |found: &str| found.to_lowercase() == value.to_lowercase();
    let text = |name: &str| body.get(name).and_then(Value::as_str).is_some_and(same);
    match by {
        MatchAttribute::UserName => text("userName"),
        MatchAttribute::ExternalId => text("externalId"),
        MatchAttribute::Email => emails(body).any(same),
    }
}

fn emails(document: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let emails = document.get("emails").and_then(Value::as_array);
    emails.into_iter().flatten().filter_map(|email| email.get("value").and_then(Value::as_str))
}

async fn update(
    wire: &mut Wire<'_>,
    world: &World,
    remote_id: &RemoteId,
    before: Option<&Resource>,
    action: &Action,
) -> Result<Option<Map<String, Value>>, Trouble> {
    let Some(patch) = action.patch() else { return Ok(None) };
    let ApplicationProfile { update_verb, .. } = &world.application.profile;
    let id = remote_id.as_str();
    let answer = match update_verb {
        UpdateVerb::Patch => match wire.patch(USERS, id, &patch).await {
            Err(Trouble::Failed(failure)) if cannot(&failure) => {
                match put(wire, world, id, &patch).await {
                    // What is told is why the PATCH failed.
                    Err(Trouble::Failed(second)) if is_no_help(&second) => {
                        return Err(failure.into());
                    }
                    answer => answer?,
                }
            }
            answer => answer?,
        },
        UpdateVerb::Put => put(wire, world, id, &patch).await?,
        UpdateVerb::PutPartial => {
            let written = action.written(before).unwrap_or_default();
            wire.put(USERS, id, &partial(&patch, &written)).await?
        }
    };
    Ok(answer.body)
}

/// Reads the account, changes it and puts it back whole.
async fn put(
    wire: &mut Wire<'_>,
    world: &World,
    id: &str,
    patch: &PatchRequest,
) -> Result<Answer, Trouble> {
    let current = wire.get(USERS, id).await?;
    let next = replaced(current, patch, world)?;
    wire.put(USERS, id, &next).await
}

/// The resource as it is there with the changes made, so that a PUT takes nothing else away.
fn replaced(
    current: Map<String, Value>,
    patch: &PatchRequest,
    world: &World,
) -> Result<Map<String, Value>, Failure> {
    let outcome = patch
        .apply(world.mappings.user_type(), &Resource::from_canonical(current))
        .map_err(|error| Failure::NotSent { reason: error.to_string() })?;
    let mut next = outcome.resource.into_document();
    // RFC 7643 3.1: only the server sets them.
    next.remove("meta");
    next.remove("groups");
    Ok(next)
}

/// What changes, whole attribute by whole attribute, for a PUT that leaves the rest alone.
fn partial(patch: &PatchRequest, written: &Resource) -> Map<String, Value> {
    let document = written.document();
    let mut body = Map::new();
    for path in patch.operations.iter().filter_map(|operation| operation.path.as_ref()) {
        let urn = path.urn.as_deref().filter(|urn| *urn != USER);
        let Some(name) = urn.or(path.attribute.as_deref()) else { continue };
        // Null takes the value away.
        body.insert(name.to_string(), document.get(name).cloned().unwrap_or(Value::Null));
    }
    let schemas = std::iter::once(USER)
        .chain(body.keys().map(String::as_str).filter(|name| name.starts_with("urn:")))
        .map(Value::from)
        .collect();
    body.insert("schemas".to_string(), Value::Array(schemas));
    body
}
