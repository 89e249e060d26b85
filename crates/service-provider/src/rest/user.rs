//! Users: list, show, invite, activate, deactivate, delete.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use db::Read;
use entitlement::{SeatState, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::paging::{PageQuery, page};
use super::{Authorized, Body, Path, Query};
use crate::limits::REST_PAGE_SIZE_MAX;
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::user::{SignUp, User, UserQuery, UserState};
use crate::{Result, account, explain, meeting, recording, seat, settings};

/// A user's license in Zoom's numbers.
const TYPE_LICENSED: u32 = 2;
/// The tenant's default license, which carries no meetings of its own.
const TYPE_UNASSIGNED: u32 = 4;
/// No license at all.
const TYPE_NONE: u32 = 99;

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    status: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewUser {
    action: String,
    user_info: UserInfo,
}

#[derive(Debug, Deserialize)]
struct UserInfo {
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    display_name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusChange {
    action: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct DeleteQuery {
    action: Option<String>,
    transfer_email: Option<String>,
    #[serde(default, alias = "transfer_meetings")]
    transfer_meeting: bool,
    #[serde(default, alias = "transfer_recordings")]
    transfer_recording: bool,
}

/// GET /users: those of one status, active if none is named, by login.
pub(super) async fn list(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Query(query): Query<ListQuery>,
    Query(paging): Query<PageQuery>,
) -> Result<Json<Value>, Failure> {
    let status = query.status.as_deref().unwrap_or("active");
    let state = UserState::from_name(status).ok_or_else(|| {
        Failure::invalid(&format!("`{status}` is no status. Ask for active, inactive or pending."))
    })?;
    let wanted = UserQuery {
        state: Some(state),
        user_name_prefix: None,
        after_user_name: paging.mark()?,
        limit: Some(u64::from(paging.size()) + 1),
    };
    let mut users = provider.users(caller.tenant(), &wanted)?;
    let more = users.len() > usize::try_from(paging.size()).unwrap_or(usize::MAX);
    users.truncate(usize::try_from(paging.size()).unwrap_or(usize::MAX));
    let mark = users.last().filter(|_| more).map(|user| user.user_name.clone());
    let tenant = caller.tenant();
    let rows = provider.db().read(|r| {
        let types = types(r, tenant, &users)?;
        users.iter().zip(types).map(|(user, kind)| shown(user, kind)).collect::<Result<_>>()
    })?;
    Ok(Json(page(&paging, "users", rows, mark.as_deref(), None)))
}

/// GET /users/{user}
pub(super) async fn show(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
) -> Result<Json<Value>, Failure> {
    let tenant = caller.tenant();
    let id = provider.db().read(|r| account::find(r, tenant, &user))?.id;
    let user = provider.user(tenant, &id.0)?;
    let body = provider.db().read(|r| {
        let kind = types(r, tenant, std::slice::from_ref(&user))?.pop().unwrap_or(TYPE_NONE);
        let mut body = shown(&user, kind)?;
        let account = account::required(r, tenant, &id)?;
        let explained = explain::explain(r, tenant, &account)?;
        body["license"] = json!(explained.license.map(|line| line.pool.key().clone()));
        body["group_ids"] = explained.groups.iter().map(|group| json!(group.id)).collect();
        Ok::<_, crate::Error>(body)
    })?;
    Ok(Json(body))
}

/// POST /users: `create` invites (pending until accepted), `ssoCreate`, `autoCreate` and
/// `custCreate` make an active user, `signUp` (ours) is a person signing up, by the tenant's policy.
pub(super) async fn create(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Body(new): Body<NewUser>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let ctx = caller.ctx("POST /users", provider.clock().now());
    let NewUser { action, user_info: info } = new;
    let state = match action.as_str() {
        "create" => Some(UserState::Pending),
        "ssoCreate" | "autoCreate" | "custCreate" => Some(UserState::Active),
        "signUp" => None,
        _ => {
            return Err(Failure::invalid(&format!(
                "`{action}` is no action. Send create, ssoCreate, autoCreate, custCreate or signUp."
            )));
        }
    };
    let body = blocking(move || {
        let tenant = caller.tenant();
        let user = match state {
            Some(state) => provider.create_user(&ctx, tenant, &document(&info), state)?,
            None => {
                let person = SignUp {
                    email: info.email,
                    given_name: info.first_name,
                    family_name: info.last_name,
                };
                provider.sign_up(&ctx, tenant, &person)?
            }
        };
        provider.db().read(|r| {
            let kind = types(r, tenant, std::slice::from_ref(&user))?.pop().unwrap_or(TYPE_NONE);
            shown(&user, kind)
        })
    })
    .await?;
    Ok((StatusCode::CREATED, Json(body)))
}

/// PUT /users/{user}/status: `activate` (also accepts an invitation) or `deactivate`.
pub(super) async fn set_status(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
    Body(change): Body<StatusChange>,
) -> Result<StatusCode, Failure> {
    let cause = format!("PUT /users/{user}/status");
    let ctx = caller.ctx(cause, provider.clock().now());
    blocking(move || {
        let tenant = caller.tenant();
        let id = provider.db().read(|r| account::find(r, tenant, &user))?.id.0;
        match change.action.as_str() {
            "activate" => provider.reactivate_user(&ctx, tenant, &id).map(drop),
            "deactivate" => provider.deactivate_user(&ctx, tenant, &id).map(drop),
            other => Err(crate::Error::refused(format!(
                "`{other}` is no action. Send activate or deactivate."
            ))),
        }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// DELETE /users/{user}: removes the user for good, by either action; meetings and recordings can
/// go to an active user instead.
pub(super) async fn delete(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode, Failure> {
    let action = query.action.as_deref().unwrap_or("disassociate");
    if !["delete", "disassociate"].contains(&action) {
        let message = format!("`{action}` is no action. Send delete or disassociate.");
        return Err(Failure::invalid(&message));
    }
    if (query.transfer_meeting || query.transfer_recording) && query.transfer_email.is_none() {
        return Err(Failure::invalid("A transfer needs transfer_email: who is to have it?"));
    }
    let ctx = caller.ctx(format!("DELETE /users/{user}"), provider.clock().now());
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let tenant = caller.tenant();
            let leaving = account::find(tx, tenant, &user)?.id;
            if let Some(email) = &query.transfer_email {
                let receiver = account::find(tx, tenant, email)?;
                account::refuse_inactive(&receiver, "take over meetings and recordings")?;
                if receiver.id == leaving {
                    // What goes to the leaver goes with the leaver.
                    return Err(crate::Error::refused(format!(
                        "`{email}` is the user who is deleted. Name somebody who stays."
                    )));
                }
                if query.transfer_meeting {
                    meeting::transfer_meetings(tx, &ctx, tenant, &leaving, &receiver.id)?;
                }
                if query.transfer_recording {
                    recording::transfer_recordings(tx, tenant, &leaving, &receiver.id)?;
                }
            }
            crate::user::delete(tx, &ctx, tenant, &leaving.0, None)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Runs what waits for the database on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(db::Error::Closed.into()),
    }
}

/// What Zoom calls the type of each of these users: it follows from the license that is held.
fn types(r: &mut Read, tenant: &TenantId, users: &[User]) -> Result<Vec<u32>> {
    let ids: Vec<UserId> = users.iter().map(|user| UserId(user.id.clone())).collect();
    let default = settings::tenant_settings(r, tenant)?.default_license;
    let mut seats = Vec::new();
    for part in ids.chunks(usize::try_from(REST_PAGE_SIZE_MAX).unwrap_or(1)) {
        seats.extend(seat::seats_of_users(r, tenant, part)?);
    }
    let kind = |id: &UserId| {
        let held = seats.iter().find(|seat| {
            seat.user == *id && seat.pool.is_license() && seat.state == SeatState::Held
        });
        match held {
            None => TYPE_NONE,
            Some(seat) if default.as_ref() == Some(seat.pool.key()) => TYPE_UNASSIGNED,
            Some(_) => TYPE_LICENSED,
        }
    };
    Ok(ids.iter().map(kind).collect())
}

/// A user in Zoom's shape.
fn shown(user: &User, kind: u32) -> Result<Value> {
    let resource = user.resource()?;
    let document = resource.document();
    let name = |part: &str| document.get("name").and_then(|name| name.get(part)).cloned();
    let enterprise = document.get(scim::urn::ENTERPRISE_USER);
    let emails = document.get("emails").and_then(Value::as_array);
    let email = emails.and_then(|emails| {
        let primary = emails.iter().find(|email| email.get("primary") == Some(&Value::Bool(true)));
        primary.or_else(|| emails.first())?.get("value").cloned()
    });
    Ok(json!({
        "id": user.id,
        "email": email.unwrap_or_else(|| json!(user.user_name)),
        "first_name": name("givenName"),
        "last_name": name("familyName"),
        "display_name": user.display_name,
        "type": kind,
        "status": user.state.as_str(),
        "dept": enterprise.and_then(|enterprise| enterprise.get("department")),
        "created_at": user.created_at,
    }))
}

fn document(info: &UserInfo) -> Value {
    let mut document = json!({
        "schemas": [scim::urn::USER],
        "userName": info.email,
        "emails": [{"value": info.email, "type": "work", "primary": true}],
    });
    let mut name = serde_json::Map::new();
    for (part, value) in [("givenName", &info.first_name), ("familyName", &info.last_name)] {
        if let Some(value) = value {
            name.insert(part.into(), json!(value));
        }
    }
    if !name.is_empty() {
        document["name"] = Value::Object(name);
    }
    if let Some(display_name) = &info.display_name {
        document["displayName"] = json!(display_name);
    }
    document
}
