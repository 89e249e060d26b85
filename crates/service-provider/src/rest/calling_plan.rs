//! Calling plans, and a user's phone profile.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use db::Tx;
use entitlement::UserId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Authorized, Body, Path};
use crate::caller::Caller;
use crate::calling_plan::{self, CallingPlan, UserCallingPlan};
use crate::limits::REST_ITEM_COUNT_MAX;
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::{Error, account, number};

/// `{"type": 200, "name": "US/CA unlimited", "subscribed": 50}`
#[derive(Debug, Deserialize)]
pub(super) struct Subscription {
    #[serde(rename = "type")]
    plan_type: u32,
    name: String,
    subscribed: u64,
}

/// `{"calling_plans": [{"type": 200}]}`
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    calling_plans: Vec<NamedPlan>,
}

#[derive(Debug, Deserialize)]
struct NamedPlan {
    #[serde(rename = "type", deserialize_with = "super::number_or_text")]
    plan_type: u32,
}

/// GET /phone/calling_plans
pub(super) async fn list(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
) -> Result<Json<Value>, Failure> {
    let plans = provider.db().read(|r| calling_plan::plans(r, caller.tenant()))?;
    Ok(Json(json!({"calling_plans": plans.iter().map(shown).collect::<Vec<_>>()})))
}

/// POST /phone/calling_plans (ours: what an account has must come from somewhere).
pub(super) async fn subscribe(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Body(body): Body<Subscription>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let ctx = caller.ctx("POST /phone/calling_plans", provider.clock().now());
    let Subscription { plan_type, name, subscribed } = body;
    let plan = CallingPlan { plan_type, name, subscribed, assigned: 0 };
    let plan = provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            calling_plan::subscribe(tx, &ctx, caller.tenant(), &plan)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(shown(&plan))))
}

/// GET /phone/users/{user}: the numbers and plans of a user.
pub(super) async fn profile(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
) -> Result<Json<Value>, Failure> {
    let tenant = caller.tenant();
    let (account, plans, numbers) = provider.db().read(|r| {
        let account = account::find(r, tenant, &user)?;
        let plans = calling_plan::plans_of_user(r, tenant, &account.id)?;
        let numbers = number::numbers_of_user(r, tenant, &account.id)?;
        Ok::<_, Error>((account, plans, numbers))
    })?;
    let numbers: Vec<_> =
        numbers.iter().map(|one| json!({"id": one.id, "number": one.number})).collect();
    Ok(Json(json!({
        "id": account.id,
        "email": account.user_name,
        "calling_plans": plans.iter().map(held).collect::<Vec<_>>(),
        "phone_numbers": numbers,
    })))
}

/// POST /phone/users/{user}/calling_plans
pub(super) async fn assign(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
    Body(body): Body<Named>,
) -> Result<StatusCode, Failure> {
    let ctx = caller.ctx(format!("POST /phone/users/{user}/calling_plans"), provider.clock().now());
    change(&provider, caller, user, body.calling_plans, move |tx, tenant, user, plans| {
        plans.iter().try_for_each(|plan| calling_plan::assign(tx, &ctx, tenant, user, *plan))
    })
    .await
}

/// PUT /phone/users/{user}/calling_plans: these and no others.
pub(super) async fn replace(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
    Body(body): Body<Named>,
) -> Result<StatusCode, Failure> {
    let ctx = caller.ctx(format!("PUT /phone/users/{user}/calling_plans"), provider.clock().now());
    change(&provider, caller, user, body.calling_plans, move |tx, tenant, user, plans| {
        for held in calling_plan::plans_of_user(tx, tenant, user)? {
            if !plans.contains(&held.plan_type) {
                calling_plan::release(tx, &ctx, tenant, user, held.plan_type)?;
            }
        }
        plans.iter().try_for_each(|plan| calling_plan::assign(tx, &ctx, tenant, user, *plan))
    })
    .await
}

/// DELETE /phone/users/{user}/calling_plans/{plan}
pub(super) async fn release(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path((user, plan)): Path<(String, u32)>,
) -> Result<StatusCode, Failure> {
    let cause = format!("DELETE /phone/users/{user}/calling_plans");
    let ctx = caller.ctx(cause, provider.clock().now());
    let plan = vec![NamedPlan { plan_type: plan }];
    change(&provider, caller, user, plan, move |tx, tenant, user, plans| {
        plans.iter().try_for_each(|plan| calling_plan::release(tx, &ctx, tenant, user, *plan))
    })
    .await
}

/// Carries out a change of the plans of one user in one transaction.
async fn change(
    provider: &ServiceProvider,
    caller: Caller,
    user: String,
    named: Vec<NamedPlan>,
    change: impl Fn(&mut Tx, &TenantId, &UserId, &[u32]) -> Result<(), Error> + Send + 'static,
) -> Result<StatusCode, Failure> {
    if named.len() > REST_ITEM_COUNT_MAX {
        let message = format!("Name {REST_ITEM_COUNT_MAX} calling plans at most.");
        return Err(Failure::invalid(&message));
    }
    let plans: Vec<u32> = named.iter().map(|plan| plan.plan_type).collect();
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let user = account::find(tx, caller.tenant(), &user)?.id;
            change(tx, caller.tenant(), &user, &plans)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(plan: &CallingPlan) -> Value {
    json!({
        "type": plan.plan_type,
        "name": plan.name,
        "subscribed": plan.subscribed,
        "assigned": plan.assigned,
        "available": plan.subscribed.saturating_sub(plan.assigned),
    })
}

fn held(plan: &UserCallingPlan) -> Value {
    json!({"type": plan.plan_type, "name": plan.name, "assigned_at": plan.assigned_at})
}
