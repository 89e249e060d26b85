//! Groups and their members: the groups that a directory pushes over SCIM, in Zoom's shape.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use scim::{Member, MemberDelta, MemberStep, Resource, Tolerances};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::paging::{PageQuery, page};
use super::{Authorized, Body, Path, Query};
use crate::caller::Caller;
use crate::group::{self, Draft, Group, MemberRules, UnknownMembers};
use crate::limits::REST_ITEM_COUNT_MAX;
use crate::provider::ServiceProvider;
use crate::resource_types::group_type;
use crate::{Error, Result, account};

/// `{"name": "Sales"}`
#[derive(Debug, Deserialize)]
pub(super) struct GroupName {
    name: String,
}

/// `{"members": [{"id": …} or {"email": …}]}`
#[derive(Debug, Deserialize)]
pub(super) struct NewMembers {
    members: Vec<NewMember>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NewMember {
    Id(String),
    Email(String),
}

/// GET /groups, by id.
pub(super) async fn list(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Query(paging): Query<PageQuery>,
) -> Result<Json<Value>, Failure> {
    let after = paging.mark()?.unwrap_or_default();
    let wanted = paging.size() + 1;
    let mut groups =
        provider.db().read(|r| group::groups_after(r, caller.tenant(), &after, wanted))?;
    let mark = cut(&mut groups, paging.size()).map(|group| group.id.clone());
    let rows = groups.iter().map(shown).collect();
    Ok(Json(page(&paging, "groups", rows, mark.as_deref(), None)))
}

/// POST /groups
pub(super) async fn create(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Body(body): Body<GroupName>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let ctx = caller.ctx("POST /groups", provider.clock().now());
    let document = json!({"schemas": [scim::urn::GROUP], "displayName": body.name});
    let (resource, _, _) = Resource::read(&document, group_type(), &Tolerances::none())?;
    let draft = Draft::of(&resource);
    let base_url = provider.base_url_shared();
    let group = provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let rules = MemberRules { base_url: &base_url, unknown: UnknownMembers::Refuse };
            let none = MemberDelta::default();
            let (group, _) = group::create(tx, &ctx, caller.tenant(), rules, &draft, &none)?;
            Ok::<_, Error>(group)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(shown(&group))))
}

/// GET /groups/{group}
pub(super) async fn show(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let group = provider.db().read(|r| required(r, &caller, &id))?;
    Ok(Json(shown(&group)))
}

/// PATCH /groups/{group}: another name. What the group grants stays with it.
pub(super) async fn rename(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
    Body(body): Body<GroupName>,
) -> Result<StatusCode, Failure> {
    let ctx = caller.ctx(format!("PATCH /groups/{id}"), provider.clock().now());
    let base_url = provider.base_url_shared();
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let before = required(tx, &caller, &id)?;
            let mut next = before.resource()?;
            next.set("displayName", json!(body.name));
            let rules = MemberRules { base_url: &base_url, unknown: UnknownMembers::Refuse };
            let none = MemberDelta::default();
            group::update(tx, &ctx, caller.tenant(), rules, before, &next, &none).map(drop)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// DELETE /groups/{group}: its members lose what only it granted.
pub(super) async fn delete(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let ctx = caller.ctx(format!("DELETE /groups/{id}"), provider.clock().now());
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            required(tx, &caller, &id)?;
            group::delete(tx, &ctx, caller.tenant(), &id, None)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// GET /groups/{group}/members: the users in it, by id.
pub(super) async fn members(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
    Query(paging): Query<PageQuery>,
) -> Result<Json<Value>, Failure> {
    let after = paging.mark()?.unwrap_or_default();
    let wanted = paging.size() + 1;
    let (group, mut members) = provider.db().read(|r| {
        let group = required(r, &caller, &id)?;
        let members = group::users_after(r, caller.tenant(), &group.id, &after, wanted)?;
        Ok::<_, Error>((group, members))
    })?;
    let mark = cut(&mut members, paging.size()).map(|user| user.id.clone());
    let rows = members
        .iter()
        .map(|user| json!({"id": user.id, "email": user.user_name, "display_name": user.display_name}))
        .collect();
    let total = Some(group.member_count);
    Ok(Json(page(&paging, "members", rows, mark.as_deref(), total)))
}

/// POST /groups/{group}/members
pub(super) async fn add_members(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
    Body(body): Body<NewMembers>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    if !(1..=REST_ITEM_COUNT_MAX).contains(&body.members.len()) {
        return Err(Failure::invalid(&format!("Name 1 to {REST_ITEM_COUNT_MAX} members.")));
    }
    let now = provider.clock().now();
    let ctx = caller.ctx(format!("POST /groups/{id}/members"), now);
    let base_url = provider.base_url_shared();
    let added = provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let before = required(tx, &caller, &id)?;
            let mut ids = Vec::new();
            for NewMember::Id(member) | NewMember::Email(member) in &body.members {
                ids.push(account::find(tx, caller.tenant(), member)?.id.0);
            }
            let step = MemberStep::Add(ids.iter().map(|id| member(id)).collect());
            change(tx, &ctx, &caller, &base_url, before, step)?;
            Ok::<_, Error>(ids)
        })
        .await?;
    let body = json!({"ids": added.join(","), "added_at": now});
    Ok((StatusCode::CREATED, Json(body)))
}

/// DELETE /groups/{group}/members/{user}
pub(super) async fn remove_member(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path((id, user)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let ctx = caller.ctx(format!("DELETE /groups/{id}/members"), provider.clock().now());
    let base_url = provider.base_url_shared();
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let before = required(tx, &caller, &id)?;
            let user = account::find(tx, caller.tenant(), &user)?.id;
            let step = MemberStep::Remove(vec![user.0]);
            change(tx, &ctx, &caller, &base_url, before, step)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn change(
    tx: &mut db::Tx,
    ctx: &db::Ctx,
    caller: &Caller,
    base_url: &str,
    before: Group,
    step: MemberStep,
) -> Result<()> {
    let rules = MemberRules { base_url, unknown: UnknownMembers::Refuse };
    let (next, delta) = (before.resource()?, MemberDelta { steps: vec![step] });
    group::update(tx, ctx, caller.tenant(), rules, before, &next, &delta).map(drop)
}

fn member(id: &str) -> Member {
    Member { value: id.to_owned(), member_type: Some("User".into()), display: None }
}

fn required(r: &mut db::Read, caller: &Caller, id: &str) -> Result<Group> {
    group::by_id(r, caller.tenant(), id)?.ok_or_else(|| Error::not_found("group", id))
}

/// Cuts a page of one row too many down to its size; says its last row if there is a next page.
fn cut<T>(rows: &mut Vec<T>, size: u32) -> Option<&T> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    rows.last().filter(|_| more)
}

fn shown(group: &Group) -> Value {
    json!({"id": group.id, "name": group.display_name, "total_members": group.member_count})
}
