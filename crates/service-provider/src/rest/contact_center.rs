//! Contact-center queues and their agents.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::paging::{PageQuery, counted};
use super::{Authorized, Body, Path, Query};
use crate::limits::REST_ITEM_COUNT_MAX;
use crate::provider::ServiceProvider;
use crate::queue::{self, Queue, QueueAgent};
use crate::{Error, account};

#[derive(Debug, Deserialize)]
pub(super) struct NewQueue {
    queue_name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewAgents {
    /// Users by id or e-mail address.
    user_ids: Vec<String>,
}

/// GET /contact_center/queues
pub(super) async fn list(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Query(paging): Query<PageQuery>,
) -> Result<Json<Value>, Failure> {
    let bounds = (paging.offset()?, paging.size());
    let (queues, total) = provider.db().read(|r| {
        let queues = queue::queues(r, caller.tenant(), bounds)?;
        Ok::<_, Error>((queues, queue::count_queues(r, caller.tenant())?))
    })?;
    Ok(Json(counted(&paging, "queues", queues.iter().map(shown).collect(), total)?))
}

/// POST /contact_center/queues
pub(super) async fn create(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Body(new): Body<NewQueue>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let ctx = caller.ctx("POST /contact_center/queues", provider.clock().now());
    let queue = provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            queue::create_queue(tx, &ctx, caller.tenant(), &new.queue_name)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(shown(&queue))))
}

/// GET /contact_center/queues/{queue}
pub(super) async fn show(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let found = provider.db().read(|r| queue::queue(r, caller.tenant(), &id))?;
    Ok(Json(shown(&found.ok_or_else(|| Error::not_found("queue", id))?)))
}

/// DELETE /contact_center/queues/{queue}
pub(super) async fn delete(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let ctx = caller.ctx(format!("DELETE /contact_center/queues/{id}"), provider.clock().now());
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            queue::delete_queue(tx, &ctx, caller.tenant(), &id)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// GET /contact_center/queues/{queue}/agents
pub(super) async fn agents(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
    Query(paging): Query<PageQuery>,
) -> Result<Json<Value>, Failure> {
    let bounds = (paging.offset()?, paging.size());
    let (agents, total) = provider.db().read(|r| {
        let agents = queue::agents(r, caller.tenant(), &id, bounds)?;
        let total = queue::queue(r, caller.tenant(), &id)?.map_or(0, |queue| queue.agent_count);
        Ok::<_, Error>((agents, total))
    })?;
    Ok(Json(counted(&paging, "agents", agents.iter().map(shown_agent).collect(), total)?))
}

/// POST /contact_center/queues/{queue}/agents
pub(super) async fn add_agents(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
    Body(new): Body<NewAgents>,
) -> Result<StatusCode, Failure> {
    if !(1..=REST_ITEM_COUNT_MAX).contains(&new.user_ids.len()) {
        return Err(Failure::invalid(&format!("Name 1 to {REST_ITEM_COUNT_MAX} agents.")));
    }
    let cause = format!("POST /contact_center/queues/{id}/agents");
    let ctx = caller.ctx(cause, provider.clock().now());
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            for user in &new.user_ids {
                let user = account::find(tx, caller.tenant(), user)?;
                queue::add_agent(tx, &ctx, caller.tenant(), &id, &user.id)?;
            }
            Ok::<_, Error>(())
        })
        .await?;
    Ok(StatusCode::CREATED)
}

/// DELETE /contact_center/queues/{queue}/agents/{user}
pub(super) async fn remove_agent(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path((id, user)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let cause = format!("DELETE /contact_center/queues/{id}/agents/{user}");
    let ctx = caller.ctx(cause, provider.clock().now());
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let user = account::find(tx, caller.tenant(), &user)?;
            queue::remove_agent(tx, &ctx, caller.tenant(), &id, &user.id)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(queue: &Queue) -> Value {
    json!({
        "queue_id": queue.id,
        "queue_name": queue.name,
        "agents_count": queue.agent_count,
    })
}

fn shown_agent(agent: &QueueAgent) -> Value {
    json!({
        "user_id": agent.user,
        "user_email": agent.user_name,
        "added_at": agent.added_at,
    })
}
