//! The one path by which users are written. Every write appends its event and tells licensing, in
//! the transaction of the change.

use std::collections::BTreeSet;

use db::{Ctx, Tx, params};
use scim::{Error as ScimError, IfMatch, Resource, ResourceType, ScimType, Version};
use serde_json::{Map, Value, json};

use super::row::{FORMAT_VERSION, Origin, User, UserState, by_id, by_user_name};
use crate::change::{self, Difference};
use crate::counter::{self, Kind};
use crate::schema::follow;
use crate::tenant::TenantId;
use crate::{Result, hooks};

/// Who writes, as far as the rules for users that were there before go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// A directory, over SCIM: under the tenant's policy it adopts who was there before.
    Directory,
    /// An administrator, or the person: the account stays whose it is.
    Person,
}

/// A user's document with what is looked up taken out of it, ready to be stored.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    user_name: String,
    user_name_key: String,
    external_id: Option<String>,
    display_name: Option<String>,
    active: Option<bool>,
    user_type: Option<String>,
    email_keys: BTreeSet<String>,
    document: String,
}

/// A resource as it is stored. The password, which has been read and found well formed, ends here:
/// nobody signs in with it (a directory is there for single sign-on), so that keeping it, hashed or
/// not, would only be something to lose.
pub(crate) fn storable(mut resource: Resource) -> Resource {
    resource.set("password", Value::Null);
    resource
}

/// A resource that says whether the user is active; `otherwise` if it did not.
pub(crate) fn with_active(mut resource: Resource, otherwise: bool) -> Resource {
    if !resource.document().contains_key("active") {
        resource.set("active", Value::Bool(otherwise));
    }
    resource
}

/// The next document of a user by PUT (RFC 7644 3.5.1). A profile that does not speak of `active`
/// does not change it; least of all does it let somebody back in.
pub(crate) fn replaced(before: &User, next: Resource, rt: &ResourceType) -> Result<Resource> {
    Ok(with_active(before.resource()?.replace_with(next, rt)?, before.active))
}

impl Draft {
    /// Takes the columns out of a [`storable`] resource.
    pub(crate) fn of(resource: &Resource) -> Result<Self> {
        let document = resource.document();
        let user_name = resource.text("userName").unwrap_or_default();
        if user_name.trim().is_empty() {
            return Err(ScimError::bad_request(
                ScimType::InvalidValue,
                "`userName` is empty. Send the login of the user.",
            )
            .into());
        }
        let user_name_key = user_name.to_lowercase();
        Ok(Self {
            user_name: user_name.to_owned(),
            external_id: resource.text("externalId").map(str::to_owned),
            display_name: resource.text("displayName").map(str::to_owned),
            active: document.get("active").and_then(Value::as_bool),
            user_type: resource.text("userType").map(str::to_owned),
            email_keys: email_keys(document, &user_name_key),
            document: serde_json::to_string(document).unwrap_or_default(),
            user_name_key,
        })
    }
}

/// Creates a user; a user of this userName who exists by another origin is adopted instead, if the
/// tenant's policy says so. Says whether the user is new.
pub(crate) fn create(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    resource: &Resource,
    draft: &Draft,
    (state, origin): (UserState, Origin),
    writer: Writer,
) -> Result<(User, bool)> {
    if let Some(present) = by_user_name(tx, tenant, &draft.user_name)? {
        if writer == Writer::Person || !hooks::may_adopt(tx, tenant, &present)? {
            return Err(taken(&present).into());
        }
        return Ok((update(tx, ctx, tenant, present, resource.clone(), writer)?, false));
    }
    hooks::check_user_type(tx, tenant, None, resource.text("userType"))?;
    let user = User {
        id: db::new_id(),
        user_name: draft.user_name.clone(),
        external_id: draft.external_id.clone(),
        display_name: draft.display_name.clone(),
        active: state == UserState::Active,
        state,
        origin,
        version: 1,
        created_at: ctx.now,
        last_modified_at: ctx.now,
        document: draft.document.clone(),
    };
    tx.execute(
        "INSERT INTO users (tenant, id, user_name, user_name_key, external_id, display_name, display_name_key, \
         active, state, origin, user_type, doc, format_version, version, created_at, last_modified_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        params![
            tenant,
            &user.id,
            &user.user_name,
            &draft.user_name_key,
            &user.external_id,
            &user.display_name,
            user.display_name.as_deref().map(str::to_lowercase),
            user.active,
            user.state.as_str(),
            user.origin.as_str(),
            &draft.user_type,
            &user.document,
            FORMAT_VERSION,
            user.version,
            user.created_at,
            user.last_modified_at
        ],
    )?;
    insert_emails(tx, tenant, &user.id, &draft.email_keys)?;
    follow(tx, tenant, "User", &user.id, None, Some(resource.document()))?;
    counter::added(tx, tenant, Kind::Users, &user.id)?;
    let mut payload = identity(&user, resource.document());
    payload["origin"] = origin.as_str().into();
    payload["state"] = state.as_str().into();
    payload["resource"] = change::bounded(resource.document().clone().into());
    db::event::append(tx, ctx, tenant.as_str(), "user.created", &user.id, &payload)?;
    hooks::settle_users(tx, ctx, tenant, std::slice::from_ref(&user.id))?;
    Ok((user, true))
}

/// Makes `next` of a user that was read in this transaction. What does not differ is not written:
/// RFC 7644 3.5.2.1, the modify timestamp stays.
pub(crate) fn update(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    before: User,
    next: Resource,
    writer: Writer,
) -> Result<User> {
    let old = before.resource()?;
    let next = storable(next);
    let origin = adopted(tx, tenant, &before, writer)?;
    let draft = Draft::of(&next)?;
    if draft.document == before.document && origin == before.origin {
        return Ok(before);
    }
    let old_name_key = before.user_name.to_lowercase();
    if draft.user_name_key != old_name_key
        && let Some(other) = by_user_name(tx, tenant, &draft.user_name)?
    {
        return Err(taken(&other).into());
    }
    hooks::check_user_type(tx, tenant, old.text("userType"), draft.user_type.as_deref())?;
    // RFC 7644 3.5.2.2: `active` can be removed and is "unassigned" then. What it means is the
    // server's to say (RFC 7643 4.1.1): the account stays as it is.
    let active = draft.active.unwrap_or(before.active);
    let user = User {
        state: state_after(&before, active),
        origin,
        version: before.version + 1,
        last_modified_at: ctx.now,
        active,
        user_name: draft.user_name,
        external_id: draft.external_id,
        display_name: draft.display_name,
        document: draft.document,
        id: before.id.clone(),
        created_at: before.created_at,
    };
    store(tx, tenant, &user, (&draft.user_name_key, draft.user_type.as_deref()), before.version)?;
    follow(tx, tenant, "User", &user.id, Some(old.document()), Some(next.document()))?;
    let old_emails = email_keys(old.document(), &old_name_key);
    if old_emails != draft.email_keys {
        tx.execute(
            "DELETE FROM user_emails WHERE tenant = $1 AND user_id = $2",
            params![tenant, &user.id],
        )?;
        insert_emails(tx, tenant, &user.id, &draft.email_keys)?;
    }
    tell(tx, ctx, tenant, &before, &user, &old, &next)?;
    Ok(user)
}

/// Removes a user with its memberships. Seats, numbers and the rest are licensing's to let go.
pub(crate) fn delete(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    id: &str,
    if_match: Option<&IfMatch>,
) -> Result<()> {
    let user = by_id(tx, tenant, id)?.ok_or_else(|| ScimError::not_found("User", id))?;
    check_version("User", id, if_match, user.version)?;
    hooks::on_deleted(tx, ctx, tenant, id)?;
    crate::group::forget_member(tx, ctx, tenant, id)?;
    tx.execute("DELETE FROM user_emails WHERE tenant = $1 AND user_id = $2", params![tenant, id])?;
    tx.execute("DELETE FROM users WHERE tenant = $1 AND id = $2", params![tenant, id])?;
    follow(tx, tenant, "User", id, Some(user.resource()?.document()), None)?;
    counter::removed(tx, tenant, Kind::Users)?;
    let payload = identity(&user, user.resource()?.document());
    db::event::append(tx, ctx, tenant.as_str(), "user.deleted", id, &payload)?;
    Ok(())
}

/// RFC 7644 3.14: a write that is tied to a version is refused at another.
pub(crate) fn check_version(
    kind: &str,
    id: &str,
    if_match: Option<&IfMatch>,
    version: u64,
) -> Result<()> {
    if if_match.is_some_and(|tied| !tied.allows(Version(version))) {
        return Err(ScimError::precondition_failed(format!(
            "{kind} `{id}` is at version {} and the request was made for another. Read it again and repeat the change.",
            Version(version).etag()
        ))
        .into());
    }
    Ok(())
}

fn store(
    tx: &mut Tx,
    tenant: &TenantId,
    user: &User,
    (user_name_key, user_type): (&str, Option<&str>),
    version_read: u64,
) -> Result<()> {
    let written = tx.execute(
        "UPDATE users SET user_name = $1, user_name_key = $2, external_id = $3, display_name = $4, \
         display_name_key = $5, active = $6, state = $7, origin = $8, user_type = $9, doc = $10, \
         format_version = $11, version = $12, last_modified_at = $13 \
         WHERE tenant = $14 AND id = $15 AND version = $16",
        params![
            &user.user_name,
            user_name_key,
            &user.external_id,
            &user.display_name,
            user.display_name.as_deref().map(str::to_lowercase),
            user.active,
            user.state.as_str(),
            user.origin.as_str(),
            user_type,
            &user.document,
            FORMAT_VERSION,
            user.version,
            user.last_modified_at,
            tenant,
            &user.id,
            version_read
        ],
    )?;
    // The row was read in this transaction, so that only a weaker isolation than ours gets here.
    if written == 0 { Err(db::Error::Busy.into()) } else { Ok(()) }
}

/// Appends the events of a change, and tells licensing what it has to know.
fn tell(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    before: &User,
    after: &User,
    old: &Resource,
    next: &Resource,
) -> Result<()> {
    let id = &after.id;
    if before.origin != after.origin {
        let payload = json!({"userName": after.user_name, "origin": before.origin.as_str()});
        db::event::append(tx, ctx, tenant.as_str(), "user.adopted", id, &payload)?;
    }
    let mut changed = Difference::between(old.document(), next.document());
    if before.active != after.active {
        changed.leave_out("active");
        let kind = if after.active { "user.reactivated" } else { "user.deactivated" };
        let mut payload = identity(after, next.document());
        payload["active"] = after.active.into();
        payload["state"] = after.state.as_str().into();
        db::event::append(tx, ctx, tenant.as_str(), kind, id, &payload)?;
    }
    let claims = changed.names().any(|name| name == "userType" || name.starts_with("urn:"));
    if !changed.is_empty() {
        let payload = changed.told_in(identity(after, next.document()));
        db::event::append(tx, ctx, tenant.as_str(), "user.updated", id, &payload)?;
    }
    match (before.active, after.active) {
        (true, false) => hooks::on_deactivated(tx, ctx, tenant, id),
        (false, true) => hooks::on_reactivated(tx, ctx, tenant, id),
        // What a user asks for by `userType` and the extensions may be a claim to a license.
        _ if claims => hooks::settle_users(tx, ctx, tenant, std::slice::from_ref(id)),
        _ => Ok(()),
    }
}

/// What every event of a user says of whom it is about.
fn identity(user: &User, document: &Map<String, Value>) -> Value {
    let mut payload = json!({"userName": user.user_name});
    for (name, value) in [
        ("externalId", user.external_id.as_ref().map(|id| json!(id))),
        ("name", document.get("name").cloned()),
    ] {
        if let Some(value) = value {
            payload[name] = value;
        }
    }
    payload
}

/// Whose the account is after the write. A directory that writes to an account it did not bring in
/// adopts it, whether it came by POST or found it by a filter.
fn adopted(tx: &mut Tx, tenant: &TenantId, before: &User, writer: Writer) -> Result<Origin> {
    if writer == Writer::Person || before.origin == Origin::Scim {
        return Ok(before.origin);
    }
    if hooks::may_adopt(tx, tenant, before)? { Ok(Origin::Scim) } else { Err(taken(before).into()) }
}

fn state_after(before: &User, active: bool) -> UserState {
    match (active, before.state) {
        (true, _) => UserState::Active,
        // Still never confirmed.
        (false, UserState::Pending) => UserState::Pending,
        (false, _) => UserState::Inactive,
    }
}

fn taken(present: &User) -> ScimError {
    let what = match (present.origin, present.state) {
        (Origin::Signup, UserState::Pending) => "a person who signed up and has not confirmed yet",
        (Origin::Signup, _) => "a person who signed up by themselves",
        (Origin::Admin, _) => "a user an administrator created",
        (Origin::Scim, UserState::Inactive) => "a deactivated user; reactivate that one instead",
        (Origin::Scim, _) => "another user",
    };
    let next = if present.origin == Origin::Scim {
        ""
    } else {
        " The tenant does not let a directory adopt such users; an administrator can change that or delete the account."
    };
    ScimError::uniqueness(format!(
        "userName `{}` belongs to {what} (id {}).{next}",
        present.user_name, present.id
    ))
}

fn email_keys(document: &Map<String, Value>, user_name_key: &str) -> BTreeSet<String> {
    let emails =
        document.get("emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let values = emails.iter().filter_map(|email| email.get("value")?.as_str());
    values.map(str::to_lowercase).filter(|key| key != user_name_key).collect()
}

fn insert_emails(
    tx: &mut Tx,
    tenant: &TenantId,
    user: &str,
    email_keys: &BTreeSet<String>,
) -> Result<()> {
    for key in email_keys {
        tx.execute(
            "INSERT INTO user_emails (tenant, email_key, user_id) VALUES ($1, $2, $3)",
            params![tenant, key, user],
        )?;
    }
    Ok(())
}
