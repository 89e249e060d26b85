//! Recordings of a user and of a meeting.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::paging::{PageQuery, counted};
use super::{Authorized, Body, Path, Query};
use crate::provider::ServiceProvider;
use crate::recording::{self, Recording};
use crate::{Error, account};

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    from: Option<Date>,
    to: Option<Date>,
    #[serde(default)]
    trash: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewRecording {
    #[serde(default)]
    file_size: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct TrashQuery {
    action: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusChange {
    action: String,
}

/// GET /users/{user}/recordings?from&to&trash: the days from `from` up to and with `to`, all if none
/// is named.
pub(super) async fn list(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
    Query(query): Query<ListQuery>,
    Query(paging): Query<PageQuery>,
) -> Result<Json<Value>, Failure> {
    let from = query.from.map_or(Ok(Timestamp::UNIX_EPOCH), beginning_of)?;
    let to = match query.to {
        None => Timestamp::MAX,
        Some(day) => beginning_of(day.checked_add(Span::new().days(1)).map_err(bad_day)?)?,
    };
    let bounds = (paging.offset()?, paging.size());
    let (recordings, total) = provider.db().read(|r| {
        let host = account::find(r, caller.tenant(), &user)?;
        let span = (from, to);
        recording::recordings_of_host(r, caller.tenant(), &host.id, span, query.trash, bounds)
    })?;
    let meetings = recordings.iter().map(|one| meeting(std::slice::from_ref(one))).collect();
    Ok(Json(counted(&paging, "meetings", meetings, total)?))
}

/// GET /meetings/{meeting}/recordings
pub(super) async fn of_meeting(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<i64>,
) -> Result<Json<Value>, Failure> {
    let recordings =
        provider.db().read(|r| recording::recordings_of_meeting(r, caller.tenant(), id))?;
    if recordings.is_empty() {
        return Err(Error::not_found("recording", format!("of meeting {id}")).into());
    }
    Ok(Json(meeting(&recordings)))
}

/// POST /meetings/{meeting}/recordings (ours: something has to be there to be kept).
pub(super) async fn add(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<i64>,
    Body(new): Body<NewRecording>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let ctx = caller.ctx(format!("POST /meetings/{id}/recordings"), provider.clock().now());
    let recording = provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            recording::add_recording(tx, &ctx, caller.tenant(), id, new.file_size)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(meeting(&[recording]))))
}

/// DELETE /meetings/{meeting}/recordings?action=trash
pub(super) async fn trash(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<i64>,
    Query(query): Query<TrashQuery>,
) -> Result<StatusCode, Failure> {
    if query.action.as_deref().is_some_and(|action| action != "trash") {
        return Err(Failure::invalid(
            "Recordings are only moved to the trash here. They are deleted with their user.",
        ));
    }
    let ctx = caller.ctx(format!("DELETE /meetings/{id}/recordings"), provider.clock().now());
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            recording::trash_recordings_of_meeting(tx, &ctx, caller.tenant(), id)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// PUT /meetings/{meeting}/recordings/status: `recover` takes them out of the trash.
pub(super) async fn recover(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(id): Path<i64>,
    Body(change): Body<StatusChange>,
) -> Result<StatusCode, Failure> {
    if change.action != "recover" {
        return Err(Failure::invalid("The only action is recover."));
    }
    let ctx = caller.ctx(format!("PUT /meetings/{id}/recordings/status"), provider.clock().now());
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            recording::recover_recordings(tx, &ctx, caller.tenant(), id)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The recordings of one meeting, in Zoom's shape.
fn meeting(recordings: &[Recording]) -> Value {
    let files: Vec<Value> = recordings
        .iter()
        .map(|recording| {
            json!({
                "id": recording.id,
                "recording_start": recording.recorded_at,
                "file_size": recording.size_bytes,
                "status": "completed",
                "kept_since": recording.kept_since,
                "deleted_time": recording.trashed_at,
            })
        })
        .collect();
    let first = recordings.first();
    json!({
        "id": first.map(|recording| recording.meeting),
        "host_id": first.map(|recording| &recording.host),
        "topic": first.map(|recording| &recording.topic),
        "start_time": first.map(|recording| recording.recorded_at),
        "recording_count": files.len(),
        "total_size": recordings.iter().fold(0, |sum: u64, it| sum.saturating_add(it.size_bytes)),
        "recording_files": files,
    })
}

fn beginning_of(day: Date) -> Result<Timestamp, Failure> {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_err(bad_day)
}

fn bad_day(error: jiff::Error) -> Failure {
    Failure::invalid(&format!("The day cannot be used: {error}."))
}
