//! The feed of a tenant's events.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{EventReader, Query};
use crate::feed::shown;
use crate::limits::FEED_COUNT_DEFAULT;
use crate::provider::ServiceProvider;

#[derive(Debug, Deserialize)]
pub(crate) struct FeedQuery {
    after: Option<i64>,
    limit: Option<u32>,
    wait: Option<u64>,
}

/// GET /events: those that follow a place, in order and without gaps.
pub(crate) async fn list(
    State(provider): State<ServiceProvider>,
    EventReader(caller): EventReader,
    Query(query): Query<FeedQuery>,
) -> Result<Json<Value>, Failure> {
    let after = query.after.unwrap_or(0);
    if after < 0 {
        return Err(Failure::invalid("`after` is a place: 0, or the `next` of an earlier answer."));
    }
    let limit = query.limit.unwrap_or(FEED_COUNT_DEFAULT);
    let wait = Duration::from_secs(query.wait.unwrap_or(0));
    let page = provider.feed_wait(caller.tenant(), after, limit, wait).await?;
    Ok(Json(json!({
        "events": page.events.iter().map(shown).collect::<Vec<_>>(),
        "next": page.next,
        "caught_up": page.caught_up,
    })))
}
