//! Webhooks and streams of security event tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use db::Ctx;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Authorized, Body, EventReader, Path, Query};
use crate::caller::Caller;
use crate::provider::ServiceProvider;
use crate::webhook::{AddedWebhook, Form, NewWebhook, Poll, Webhook};
use crate::{Error, Result};

#[derive(Debug, Deserialize)]
pub(super) struct Added {
    url: Option<String>,
    #[serde(default)]
    events: Vec<String>,
    signature: Option<String>,
    audience: Option<String>,
    authorization: Option<String>,
    from_place: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusChange {
    action: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Replay {
    from_place: Option<i64>,
    event_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Rotation {
    overlap_seconds: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PollQuery {
    stream: Option<String>,
}

/// How long a former secret goes on signing where the client names no time: a day.
const OVERLAP_SECS_DEFAULT: i64 = 24 * 60 * 60;

/// GET /webhooks
pub(super) async fn list(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
) -> Result<Json<Value>, Failure> {
    let webhooks = work(&provider, move |provider| {
        let webhooks = provider.webhooks(caller.tenant())?;
        webhooks
            .iter()
            .map(|webhook| shown(&provider, &caller, webhook))
            .collect::<Result<Vec<_>>>()
    });
    Ok(Json(json!({"webhooks": webhooks.await?})))
}

/// POST /webhooks: the secret is in the answer, this once. In Zoom's form the handshake follows at
/// once; whether it was answered is in `status` and `error`.
pub(super) async fn add(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Body(added): Body<Added>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let signature = added.signature.as_deref().unwrap_or("standard");
    let form = Form::from_name(signature).ok_or_else(|| {
        Failure::invalid(&format!(
            "`{signature}` is no signature. There are standard, zoom, set and set-notice."
        ))
    })?;
    let new = NewWebhook {
        url: added.url,
        kinds: added.events,
        form,
        audience: added.audience,
        authorization: added.authorization,
        // The place named is the first that is told.
        from: added.from_place.map(|place| place.saturating_sub(1)),
    };
    let ctx = ctx(&provider, &caller, "POST /webhooks");
    let (doing, by) = (ctx.clone(), caller.clone());
    let AddedWebhook { webhook, secret } =
        work(&provider, move |provider| provider.add_webhook(&doing, by.tenant(), &new)).await?;
    let mut error = None;
    if form == Form::Zoom {
        error = provider.try_webhook(&ctx, caller.tenant(), &webhook.id).await?.error;
    }
    let mut body = work(&provider, move |provider| {
        let webhook = provider.webhook(caller.tenant(), &webhook.id)?;
        shown(&provider, &caller, &webhook)
    })
    .await?;
    body["secret"] = json!(secret);
    if let Some(error) = error {
        body["error"] = json!(error);
    }
    Ok((StatusCode::CREATED, Json(body)))
}

/// GET /webhooks/{webhook}
pub(super) async fn show(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let body = work(&provider, move |provider| {
        let webhook = provider.webhook(caller.tenant(), &id)?;
        shown(&provider, &caller, &webhook)
    });
    Ok(Json(body.await?))
}

/// DELETE /webhooks/{webhook}
pub(super) async fn remove(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let ctx = ctx(&provider, &caller, "DELETE /webhooks");
    work(&provider, move |provider| provider.remove_webhook(&ctx, caller.tenant(), &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// PUT /webhooks/{webhook}/status: `pause` or `resume`.
pub(super) async fn set_status(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
    Body(change): Body<StatusChange>,
) -> Result<Json<Value>, Failure> {
    let ctx = ctx(&provider, &caller, "PUT /webhooks");
    let body = work(&provider, move |provider| {
        let tenant = caller.tenant();
        let webhook = match change.action.as_str() {
            "pause" => provider.pause_webhook(&ctx, tenant, &id)?,
            "resume" => provider.resume_webhook(&ctx, tenant, &id)?,
            other => {
                return Err(Error::refused(format!(
                    "`{other}` is no action. Send pause or resume."
                )));
            }
        };
        shown(&provider, &caller, &webhook)
    });
    Ok(Json(body.await?))
}

/// POST /webhooks/{webhook}/test
pub(super) async fn test(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let ctx = ctx(&provider, &caller, "POST /webhooks/test");
    Ok(Json(json!(provider.try_webhook(&ctx, caller.tenant(), &id).await?)))
}

/// POST /webhooks/{webhook}/replay: everything from a place on, or one event.
pub(super) async fn replay(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
    Body(replay): Body<Replay>,
) -> Result<Json<Value>, Failure> {
    let ctx = ctx(&provider, &caller, "POST /webhooks/replay");
    let body = work(&provider, move |provider| {
        let tenant = caller.tenant();
        let webhook = match (replay.from_place, replay.event_id) {
            (Some(place), None) => provider.replay_webhook_from(&ctx, tenant, &id, place)?,
            (None, Some(event)) => provider.replay_webhook_event(&ctx, tenant, &id, &event)?,
            _ => return Err(Error::refused("Send either `from_place` or `event_id`.")),
        };
        shown(&provider, &caller, &webhook)
    });
    Ok(Json(body.await?))
}

/// GET /webhooks/{webhook}/dead: deliveries that were given up.
pub(super) async fn dead(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let dead = work(&provider, move |provider| provider.dead_deliveries(caller.tenant(), &id));
    Ok(Json(json!({"deliveries": dead.await?})))
}

/// POST /webhooks/{webhook}/secret: a new one; the former signs beside it for a while.
pub(super) async fn rotate(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<String>,
    Body(rotation): Body<Rotation>,
) -> Result<Json<Value>, Failure> {
    let ctx = ctx(&provider, &caller, "POST /webhooks/secret");
    let secs = rotation.overlap_seconds.unwrap_or(OVERLAP_SECS_DEFAULT).max(0);
    let body = work(&provider, move |provider| {
        let overlap = SignedDuration::from_secs(secs);
        let rotated = provider.rotate_webhook_secret(&ctx, caller.tenant(), &id, overlap)?;
        let mut body = shown(&provider, &caller, &rotated.webhook)?;
        body["secret"] = json!(rotated.secret);
        Ok(body)
    });
    Ok(Json(body.await?))
}

/// POST /events/poll: security event tokens for their receiver (RFC 8936 2).
pub(super) async fn poll(
    State(provider): State<ServiceProvider>,
    EventReader(caller): EventReader,
    Query(query): Query<PollQuery>,
    Body(poll): Body<Poll>,
) -> Result<Json<Value>, Failure> {
    let answer = provider.poll(caller.tenant(), query.stream.as_deref(), poll).await?;
    Ok(Json(answer.to_json()))
}

fn shown(provider: &ServiceProvider, caller: &Caller, webhook: &Webhook) -> Result<Value> {
    let (waiting, dead) = provider.delivery_counts(caller.tenant(), &webhook.id)?;
    Ok(json!({
        "id": webhook.id,
        "url": webhook.url,
        "events": webhook.kinds,
        "signature": webhook.form,
        "audience": webhook.audience,
        "status": webhook.state,
        "status_since": webhook.state_at,
        "status_by": webhook.state_by,
        "place": webhook.place,
        "waiting": waiting,
        "dead": dead,
        "failures": webhook.failure_count,
        "failing_since": webhook.failing_since,
        "retry_at": webhook.retry_at,
        "last_error": webhook.last_error,
        "last_success_at": webhook.last_success_at,
        "previous_secret_until": webhook.previous_until,
        "created_at": webhook.created_at,
        "created_by": webhook.created_by,
    }))
}

fn ctx(provider: &ServiceProvider, caller: &Caller, cause: &str) -> Ctx {
    caller.ctx(cause, provider.clock().now())
}

/// Database work on a thread that may block.
async fn work<T: Send + 'static>(
    provider: &ServiceProvider,
    work: impl FnOnce(ServiceProvider) -> Result<T> + Send + 'static,
) -> Result<T> {
    let provider = provider.clone();
    let done = tokio::task::spawn_blocking(move || work(provider)).await;
    done.unwrap_or_else(|_| Err(db::Error::Closed.into()))
}
