//! Phone numbers: the pool, and who has which.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::paging::{PageQuery, counted};
use super::{Authorized, Body, Path, Query};
use crate::limits::REST_ITEM_COUNT_MAX;
use crate::number::{self, NumbersOf, PhoneNumber};
use crate::provider::ServiceProvider;
use crate::{Error, account};

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// `{"phone_numbers": [{"id": …} or {"number": …}]}`
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    phone_numbers: Vec<NamedNumber>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NamedNumber {
    Id(String),
    Number(String),
}

#[derive(Debug, Deserialize)]
pub(super) struct RemoveQuery {
    /// Several are separated by commas.
    phone_numbers: String,
}

/// GET /phone/numbers?type=all|assigned|unassigned
pub(super) async fn list(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Query(query): Query<ListQuery>,
    Query(paging): Query<PageQuery>,
) -> Result<Json<Value>, Failure> {
    let which = match query.kind.as_deref().unwrap_or("all") {
        "all" => NumbersOf::All,
        "assigned" => NumbersOf::Assigned,
        "unassigned" => NumbersOf::Unassigned,
        other => {
            return Err(Failure::invalid(&format!(
                "`{other}` is no type. Ask for all, assigned or unassigned."
            )));
        }
    };
    let bounds = (paging.offset()?, paging.size());
    let (numbers, total) = provider.db().read(|r| {
        let numbers = number::numbers(r, caller.tenant(), which, bounds)?;
        let total = number::count_numbers(r, caller.tenant(), which)?;
        Ok::<_, Error>((numbers, total))
    })?;
    Ok(Json(counted(&paging, "phone_numbers", numbers.iter().map(shown).collect(), total)?))
}

/// POST /phone/numbers (ours: the pool has to be filled).
pub(super) async fn add(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Body(body): Body<Named>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let named = bounded(body.phone_numbers)?;
    let ctx = caller.ctx("POST /phone/numbers", provider.clock().now());
    let added = provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let numbers = named.iter().map(text);
            numbers
                .map(|number| number::add_number(tx, &ctx, caller.tenant(), number))
                .collect::<Result<Vec<_>, Error>>()
        })
        .await?;
    let body = json!({"phone_numbers": added.iter().map(shown).collect::<Vec<_>>()});
    Ok((StatusCode::CREATED, Json(body)))
}

/// DELETE /phone/numbers?phone_numbers=…: only those in the pool.
pub(super) async fn remove(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Query(query): Query<RemoveQuery>,
) -> Result<StatusCode, Failure> {
    let named: Vec<String> = query.phone_numbers.split(',').map(|n| n.trim().to_owned()).collect();
    let named = bounded(named)?;
    let ctx = caller.ctx("DELETE /phone/numbers", provider.clock().now());
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            for number in &named {
                number::remove_number(tx, &ctx, caller.tenant(), number)?;
            }
            Ok::<_, Error>(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// GET /phone/users/{user}/phone_numbers
pub(super) async fn of_user(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
) -> Result<Json<Value>, Failure> {
    let numbers = provider.db().read(|r| {
        let user = account::find(r, caller.tenant(), &user)?;
        number::numbers_of_user(r, caller.tenant(), &user.id)
    })?;
    Ok(Json(json!({"phone_numbers": numbers.iter().map(shown).collect::<Vec<_>>()})))
}

/// POST /phone/users/{user}/phone_numbers
pub(super) async fn assign(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
    Body(body): Body<Named>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let named = bounded(body.phone_numbers)?;
    let ctx = caller.ctx(format!("POST /phone/users/{user}/phone_numbers"), provider.clock().now());
    let assigned = provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let user = account::find(tx, caller.tenant(), &user)?;
            let numbers = named.iter().map(text);
            numbers
                .map(|number| number::assign_number(tx, &ctx, caller.tenant(), &user.id, number))
                .collect::<Result<Vec<_>, Error>>()
        })
        .await?;
    let body = json!({"phone_numbers": assigned.iter().map(shown).collect::<Vec<_>>()});
    Ok((StatusCode::CREATED, Json(body)))
}

/// DELETE /phone/users/{user}/phone_numbers/{number}
pub(super) async fn release(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path((user, number)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let cause = format!("DELETE /phone/users/{user}/phone_numbers");
    let ctx = caller.ctx(cause, provider.clock().now());
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let user = account::find(tx, caller.tenant(), &user)?;
            number::release_number(tx, &ctx, caller.tenant(), &user.id, &number)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn text(named: &NamedNumber) -> &str {
    match named {
        NamedNumber::Id(text) | NamedNumber::Number(text) => text,
    }
}

fn bounded<T>(items: Vec<T>) -> Result<Vec<T>, Failure> {
    if (1..=REST_ITEM_COUNT_MAX).contains(&items.len()) {
        return Ok(items);
    }
    Err(Failure::invalid(&format!("Name 1 to {REST_ITEM_COUNT_MAX} phone numbers.")))
}

fn shown(number: &PhoneNumber) -> Value {
    json!({
        "id": number.id,
        "number": number.number,
        "status": if number.user.is_some() { "assigned" } else { "available" },
        "assignee": number.user.as_ref().map(|user| json!({"id": user, "type": "user"})),
    })
}
