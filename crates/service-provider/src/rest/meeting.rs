//! Meetings of a user.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::paging::{PageQuery, counted};
use super::{Authorized, Body, Path, Query};
use crate::meeting::{self, Meeting, MeetingsOf, NewMeeting};
use crate::provider::ServiceProvider;
use crate::{Error, account};

/// A scheduled meeting, in Zoom's numbers.
const TYPE_SCHEDULED: u32 = 2;
const DURATION_MINUTES_DEFAULT: u32 = 60;

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewMeetingBody {
    #[serde(default)]
    topic: String,
    start_time: Timestamp,
    duration: Option<u32>,
    timezone: Option<String>,
}

/// GET /users/{user}/meetings?type=scheduled|upcoming|live|previous_meetings
pub(super) async fn list(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
    Query(query): Query<ListQuery>,
    Query(paging): Query<PageQuery>,
) -> Result<Json<Value>, Failure> {
    let which = match query.kind.as_deref().unwrap_or("scheduled") {
        "scheduled" => MeetingsOf::Scheduled,
        "upcoming" | "upcoming_meetings" => MeetingsOf::Upcoming,
        "live" => MeetingsOf::Live,
        "previous_meetings" => MeetingsOf::Past,
        other => {
            return Err(Failure::invalid(&format!(
                "`{other}` is no type. Ask for scheduled, upcoming, live or previous_meetings."
            )));
        }
    };
    let now = provider.clock().now();
    let bounds = (paging.offset()?, paging.size());
    let (meetings, total) = provider.db().read(|r| {
        let host = account::find(r, caller.tenant(), &user)?;
        meeting::meetings_of_host(r, caller.tenant(), &host.id, (which, now), bounds)
    })?;
    Ok(Json(counted(&paging, "meetings", meetings.iter().map(shown).collect(), total)?))
}

/// POST /users/{user}/meetings
pub(super) async fn create(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
    Body(body): Body<NewMeetingBody>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let ctx = caller.ctx(format!("POST /users/{user}/meetings"), provider.clock().now());
    let new = NewMeeting {
        topic: body.topic,
        start_at: body.start_time,
        duration_minutes: body.duration.unwrap_or(DURATION_MINUTES_DEFAULT),
        time_zone: body.timezone.unwrap_or_else(|| "UTC".to_owned()),
    };
    let meeting = provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let host = account::find(tx, caller.tenant(), &user)?;
            meeting::schedule_meeting(tx, &ctx, caller.tenant(), &host.id, &new)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(shown(&meeting))))
}

/// GET /meetings/{meeting}; one that was cancelled is not there.
pub(super) async fn show(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<i64>,
) -> Result<Json<Value>, Failure> {
    let found = provider.db().read(|r| meeting::meeting(r, caller.tenant(), id))?;
    let meeting = found
        .filter(|meeting| meeting.cancelled_at.is_none())
        .ok_or_else(|| Error::not_found("meeting", id.to_string()))?;
    Ok(Json(shown(&meeting)))
}

/// DELETE /meetings/{meeting}
pub(super) async fn cancel(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<i64>,
) -> Result<StatusCode, Failure> {
    let ctx = caller.ctx(format!("DELETE /meetings/{id}"), provider.clock().now());
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            meeting::cancel_meeting(tx, &ctx, caller.tenant(), id)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(meeting: &Meeting) -> Value {
    json!({
        "id": meeting.id,
        "host_id": meeting.host,
        "topic": meeting.topic,
        "type": TYPE_SCHEDULED,
        "start_time": meeting.start_at,
        "duration": meeting.duration_minutes,
        "timezone": meeting.time_zone,
        "created_at": meeting.created_at,
    })
}
