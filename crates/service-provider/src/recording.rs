//! Recordings: kept under a hold when their host leaves, in the trash, or gone.

use db::{Ctx, Read, Row, Tx, params};
use entitlement::UserId;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::provider::ServiceProvider;
use crate::{Error, TenantId, account, meeting, reclaim};

/// A recording of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recording {
    /// Its id.
    pub id: String,
    /// The meeting.
    pub meeting: i64,
    /// The host.
    pub host: UserId,
    /// What the meeting was about.
    pub topic: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Its size.
    pub size_bytes: u64,
    /// Since when it is under a hold: its host left and it is kept.
    pub kept_since: Option<Timestamp>,
    /// Since when it lies in the trash.
    pub trashed_at: Option<Timestamp>,
}

impl ServiceProvider {
    /// Adds a recording of a meeting; its host is the meeting's.
    pub fn add_recording(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        meeting_id: i64,
        size_bytes: u64,
    ) -> Result<Recording, Error> {
        let (ctx, tenant) = (ctx.clone(), tenant.clone());
        self.db().write(tenant.turn(), move |tx| {
            add_recording(tx, &ctx, &tenant, meeting_id, size_bytes)
        })
    }
}

const COLUMNS: &str =
    "id, meeting_id, host_id, topic, recorded_at, size_bytes, kept_since, trashed_at";

/// Adds a recording of a meeting; its host is the meeting's.
pub(crate) fn add_recording(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    meeting_id: i64,
    size_bytes: u64,
) -> Result<Recording, Error> {
    let Some(meeting) = meeting::meeting(tx, tenant, meeting_id)? else {
        return Err(Error::NotFound { noun: "meeting", id: meeting_id.to_string() });
    };
    let account = account::required(tx, tenant, &meeting.host)?;
    account::refuse_inactive(&account, "record")?;
    reclaim::on_activity(tx, ctx, tenant, &account.id)?;
    let recording = Recording {
        id: db::new_id(),
        meeting: meeting.id,
        host: meeting.host,
        topic: meeting.topic,
        recorded_at: ctx.now,
        size_bytes,
        kept_since: None,
        trashed_at: None,
    };
    tx.execute(
        "INSERT INTO recordings (tenant, id, meeting_id, host_id, topic, recorded_at, size_bytes)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            tenant.as_str(),
            &recording.id,
            recording.meeting,
            &recording.host.0,
            &recording.topic,
            recording.recorded_at,
            size_bytes,
        ],
    )?;
    let payload = json!({"recording": &recording.id, "meeting": recording.meeting});
    db::event::append(tx, ctx, tenant.as_str(), "recording.added", &recording.host.0, &payload)?;
    Ok(recording)
}

/// The recordings of a host from `from` until before `to`, or those in the trash, by time: `limit`
/// of them after the first `offset`; and how many there are.
pub(crate) fn recordings_of_host(
    r: &mut Read,
    tenant: &TenantId,
    host: &UserId,
    (from, to): (Timestamp, Timestamp),
    in_trash: bool,
    (offset, limit): (u64, u32),
) -> Result<(Vec<Recording>, u64), Error> {
    let trash = if in_trash { "IS NOT NULL" } else { "IS NULL" };
    let rows = format!(
        "FROM recordings WHERE tenant = $1 AND host_id = $2 AND recorded_at >= $3
             AND recorded_at < $4 AND trashed_at {trash}"
    );
    let total = r.query_one(
        &format!("SELECT COUNT(*) {rows}"),
        params![tenant.as_str(), &host.0, from, to],
        |row| row.count(0),
    )?;
    let recordings = r.query(
        &format!("SELECT {COLUMNS} {rows} ORDER BY recorded_at, id LIMIT $5 OFFSET $6"),
        params![tenant.as_str(), &host.0, from, to, limit, offset],
        read_recording,
    )?;
    Ok((recordings, total))
}

/// The recordings of a meeting that are not in the trash.
pub(crate) fn recordings_of_meeting(
    r: &mut Read,
    tenant: &TenantId,
    meeting_id: i64,
) -> Result<Vec<Recording>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM recordings
         WHERE tenant = $1 AND meeting_id = $2 AND trashed_at IS NULL ORDER BY id"
    );
    Ok(r.query(&sql, params![tenant.as_str(), meeting_id], read_recording)?)
}

/// Takes the recordings of a meeting out of the trash; says how many.
pub(crate) fn recover_recordings(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    meeting_id: i64,
) -> Result<u64, Error> {
    let count = tx.execute(
        "UPDATE recordings SET trashed_at = NULL
         WHERE tenant = $1 AND meeting_id = $2 AND trashed_at IS NOT NULL",
        params![tenant.as_str(), meeting_id],
    )?;
    if count == 0 {
        let id = format!("in the trash of meeting {meeting_id}");
        return Err(Error::NotFound { noun: "recording", id });
    }
    let payload = json!({"count": count});
    let subject = meeting_id.to_string();
    db::event::append(tx, ctx, tenant.as_str(), "recording.recovered", &subject, &payload)?;
    Ok(count)
}

/// Moves the recordings of a meeting to the trash; refused for those under a hold.
pub(crate) fn trash_recordings_of_meeting(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    meeting_id: i64,
) -> Result<u64, Error> {
    let recordings = recordings_of_meeting(tx, tenant, meeting_id)?;
    if recordings.is_empty() {
        let id = format!("of meeting {meeting_id}");
        return Err(Error::NotFound { noun: "recording", id });
    }
    if recordings.iter().any(|recording| recording.kept_since.is_some()) {
        let sentence = format!(
            "The recordings of meeting {meeting_id} are kept, because their host left. They go with the user, or when the user comes back."
        );
        return Err(Error::Refused { sentence });
    }
    let count = tx.execute(
        "UPDATE recordings SET trashed_at = $1
         WHERE tenant = $2 AND meeting_id = $3 AND trashed_at IS NULL",
        params![ctx.now, tenant.as_str(), meeting_id],
    )?;
    let payload = json!({"count": count});
    let subject = meeting_id.to_string();
    db::event::append(tx, ctx, tenant.as_str(), "recording.trashed", &subject, &payload)?;
    Ok(count)
}

/// Puts the recordings of a host under a hold; says how many.
pub(crate) fn keep_recordings(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    host: &UserId,
) -> Result<u64, Error> {
    let count = tx.execute(
        "UPDATE recordings SET kept_since = COALESCE(kept_since, $1)
         WHERE tenant = $2 AND host_id = $3 AND trashed_at IS NULL",
        params![ctx.now, tenant.as_str(), &host.0],
    )?;
    Ok(count)
}

/// Takes the hold off the recordings of a host who came back.
pub(crate) fn end_hold(tx: &mut Tx, tenant: &TenantId, host: &UserId) -> Result<(), Error> {
    tx.execute(
        "UPDATE recordings SET kept_since = NULL WHERE tenant = $1 AND host_id = $2",
        params![tenant.as_str(), &host.0],
    )?;
    Ok(())
}

/// Moves the recordings of a host to the trash; says how many.
pub(crate) fn trash_recordings(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    host: &UserId,
) -> Result<u64, Error> {
    let count = tx.execute(
        "UPDATE recordings SET trashed_at = $1, kept_since = NULL
         WHERE tenant = $2 AND host_id = $3 AND trashed_at IS NULL",
        params![ctx.now, tenant.as_str(), &host.0],
    )?;
    Ok(count)
}

/// Deletes the recordings of a host for good; says how many.
pub(crate) fn delete_recordings(
    tx: &mut Tx,
    tenant: &TenantId,
    host: &UserId,
) -> Result<u64, Error> {
    let count = tx.execute(
        "DELETE FROM recordings WHERE tenant = $1 AND host_id = $2",
        params![tenant.as_str(), &host.0],
    )?;
    Ok(count)
}

/// Gives the recordings of a host to somebody else; says how many.
pub(crate) fn transfer_recordings(
    tx: &mut Tx,
    tenant: &TenantId,
    from: &UserId,
    to: &UserId,
) -> Result<u64, Error> {
    let count = tx.execute(
        "UPDATE recordings SET host_id = $1, kept_since = NULL
         WHERE tenant = $2 AND host_id = $3",
        params![&to.0, tenant.as_str(), &from.0],
    )?;
    Ok(count)
}

fn read_recording(row: &Row) -> Result<Recording, db::Error> {
    Ok(Recording {
        id: row.text(0)?,
        meeting: row.int(1)?,
        host: UserId(row.text(2)?),
        topic: row.text(3)?,
        recorded_at: row.timestamp(4)?,
        size_bytes: row.count(5)?,
        kept_since: row.opt_timestamp(6)?,
        trashed_at: row.opt_timestamp(7)?,
    })
}
