//! Seats (ours): pools and what is still being settled, the history of seats, forecast and demand,
//! idle seats, and taking them back.

use axum::Json;
use axum::extract::State;
use entitlement::{Key, Pool, UserId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Authorized, Body, Path, Query};
use crate::demand::Demand;
use crate::history::HistoryQuery;
use crate::idle::IdleReport;
use crate::limits::REST_PAGE_SIZE_MAX;
use crate::provider::ServiceProvider;
use crate::reclaim::{ReclaimReport, Reclamation};

#[derive(Debug, Deserialize)]
pub(super) struct HistoryParameters {
    user: Option<String>,
    kind: Option<String>,
    key: Option<Key>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    as_of: Option<Timestamp>,
    after_user: Option<String>,
    page_size: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DaysParameter {
    days: Option<u32>,
}

/// `{"demand": [{"date": "2026-12-01", "needs": {"group": "Sales"}, "joiners": 3}]}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DemandBody {
    demand: Vec<Demand>,
}

/// `{"digest": "…", "over_share": false}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApprovalBody {
    digest: String,
    #[serde(default)]
    over_share: bool,
}

/// GET /seats: every pool, and the changes whose users are still being settled.
pub(super) async fn list(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
) -> Result<Json<Value>, Failure> {
    let pools = provider.pools(caller.tenant())?;
    let settlements = provider.settlements(caller.tenant())?;
    let pending = provider.stale_count(caller.tenant())?;
    Ok(Json(json!({ "pools": pools, "settlements": settlements, "pending_users": pending })))
}

/// GET /seats/history?user&kind&key&from&to&as_of&after_user&page_size: by user; a full page says
/// with which `after_user` the next begins.
pub(super) async fn history(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Query(asked): Query<HistoryParameters>,
) -> Result<Json<Value>, Failure> {
    let pool = match (asked.kind.as_deref(), asked.key) {
        (None, None) => None,
        (kind, Some(key)) => Pool::from_parts(kind.unwrap_or("license"), key),
        (Some(_), None) => return Err(Failure::invalid("`kind` needs a `key` beside it.")),
    };
    let limit = asked.page_size.unwrap_or(REST_PAGE_SIZE_MAX).clamp(1, REST_PAGE_SIZE_MAX);
    let query = HistoryQuery {
        user: asked.user,
        pool,
        from: asked.from,
        to: asked.to,
        as_of: asked.as_of,
        after_user: asked.after_user.map(UserId),
        limit,
    };
    let rows = provider.seat_history(caller.tenant(), &query)?;
    let is_full = rows.len() >= limit as usize;
    let next = rows.last().filter(|_| is_full).map(|row| row.tenure.user.clone());
    Ok(Json(json!({ "seats": rows, "after_user": next })))
}

/// GET /seats/forecast?days=30: what each pool needs, when it runs out, how many are missing.
pub(super) async fn forecast(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Query(asked): Query<DaysParameter>,
) -> Result<Json<Value>, Failure> {
    let forecasts = provider.forecast(caller.tenant(), asked.days.unwrap_or(30))?;
    let shown = |one: &entitlement::Forecast| {
        let mut value = json!(one);
        value["sentence"] = json!(one.sentence());
        value
    };
    Ok(Json(json!({ "forecast": forecasts.iter().map(shown).collect::<Vec<_>>() })))
}

/// GET /seats/demand: who joins and leaves, as it was told.
pub(super) async fn demand(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({ "demand": provider.demand(caller.tenant())? })))
}

/// PUT /seats/demand/{source}: all that a source knows, in place of what it told before.
pub(super) async fn put_demand(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(source): Path<String>,
    Body(body): Body<DemandBody>,
) -> Result<Json<Value>, Failure> {
    let ctx = caller.ctx("PUT /seats/demand", provider.clock().now());
    provider.put_demand(&ctx, caller.tenant(), &source, &body.demand)?;
    Ok(Json(json!({ "source": source, "entries": body.demand.len() })))
}

/// GET /seats/idle?days=60: who does not use a seat, since when, and what that costs.
pub(super) async fn idle(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Query(asked): Query<DaysParameter>,
) -> Result<Json<IdleReport>, Failure> {
    Ok(Json(provider.idle_seats(caller.tenant(), asked.days.unwrap_or(60))?))
}

/// GET /seats/reclaim: what the tenant's policy takes back, what it spares and why.
pub(super) async fn reclaim(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
) -> Result<Json<ReclaimReport>, Failure> {
    Ok(Json(provider.reclaim_report(caller.tenant())?))
}

/// POST /seats/reclaim/approvals: takes back exactly what was listed under the digest.
pub(super) async fn approve_reclaim(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Body(body): Body<ApprovalBody>,
) -> Result<Json<Reclamation>, Failure> {
    let ctx = caller.ctx("POST /seats/reclaim/approvals", provider.clock().now());
    let (tenant, over) = (caller.tenant(), body.over_share);
    Ok(Json(provider.approve_reclaim(&ctx, tenant, &body.digest, over)?))
}
