//! Meetings: scheduled by a host, cancelled when the host leaves.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use db::{Ctx, Read, Row, Tx, params};
use entitlement::UserId;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::limits::{MEETING_ID_ATTEMPTS_MAX, MEETING_MINUTES_MAX, TOPIC_BYTES_MAX};
use crate::provider::ServiceProvider;
use crate::{Error, TenantId, account, reclaim};

/// A meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Meeting {
    /// Its number, of eleven digits.
    pub id: i64,
    /// The host.
    pub host: UserId,
    /// What it is about.
    pub topic: String,
    /// When it begins.
    pub start_at: Timestamp,
    /// How long it lasts.
    pub duration_minutes: u32,
    /// The time zone in which it is shown.
    pub time_zone: String,
    /// When it was scheduled.
    pub created_at: Timestamp,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Why it was cancelled.
    pub cancelled_because: Option<String>,
}

/// A meeting to be scheduled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMeeting {
    /// What it is about.
    pub topic: String,
    /// When it begins.
    pub start_at: Timestamp,
    /// How long it lasts.
    pub duration_minutes: u32,
    /// The time zone in which it is shown.
    pub time_zone: String,
}

/// Which meetings of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeetingsOf {
    /// All that are not cancelled, past ones too.
    Scheduled,
    /// Those that have not begun.
    Upcoming,
    /// Those that go on.
    Live,
    /// Those that are over.
    Past,
}

impl ServiceProvider {
    /// Schedules a meeting of a user named by id, login or address; only an active user hosts one.
    pub fn schedule_meeting(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        host: &str,
        new: &NewMeeting,
    ) -> Result<Meeting, Error> {
        let (ctx, tenant) = (ctx.clone(), tenant.clone());
        let (host, new) = (host.to_owned(), new.clone());
        self.db().write(tenant.turn(), move |tx| {
            let host = account::find(tx, &tenant, &host)?;
            schedule_meeting(tx, &ctx, &tenant, &host.id, &new)
        })
    }
}

const COLUMNS: &str = "id, host_id, topic, start_at, duration_minutes, time_zone, created_at, \
                       cancelled_at, cancelled_because";

/// Schedules a meeting; only an active user hosts one.
pub(crate) fn schedule_meeting(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    host: &UserId,
    new: &NewMeeting,
) -> Result<Meeting, Error> {
    let account = account::required(tx, tenant, host)?;
    account::refuse_inactive(&account, "host meetings")?;
    let refuse = |sentence: String| Err(Error::Refused { sentence });
    if new.topic.len() > TOPIC_BYTES_MAX {
        return refuse(format!("A topic has at most {TOPIC_BYTES_MAX} characters. Shorten it."));
    }
    if new.duration_minutes == 0 || new.duration_minutes > MEETING_MINUTES_MAX {
        return refuse(format!(
            "A meeting lasts 1 to {MEETING_MINUTES_MAX} minutes, not {}.",
            new.duration_minutes
        ));
    }
    let id = free_meeting_id(tx, tenant)?;
    tx.execute(
        "INSERT INTO meetings (tenant, id, host_id, topic, start_at, duration_minutes, time_zone,
             created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            tenant.as_str(),
            id,
            &host.0,
            &new.topic,
            new.start_at,
            new.duration_minutes,
            &new.time_zone,
            ctx.now,
        ],
    )?;
    reclaim::on_activity(tx, ctx, tenant, host)?;
    let payload = json!({"meeting": id, "start_at": new.start_at});
    db::event::append(tx, ctx, tenant.as_str(), "meeting.scheduled", &host.0, &payload)?;
    meeting(tx, tenant, id)?.ok_or_else(|| not_found(id))
}

/// One meeting, cancelled or not.
pub(crate) fn meeting(r: &mut Read, tenant: &TenantId, id: i64) -> Result<Option<Meeting>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM meetings WHERE tenant = $1 AND id = $2");
    Ok(r.query_opt(&sql, params![tenant.as_str(), id], read_meeting)?)
}

/// The meetings of a host by their beginning: `limit` of them after the first `offset`.
pub(crate) fn meetings_of_host(
    r: &mut Read,
    tenant: &TenantId,
    host: &UserId,
    (which, now): (MeetingsOf, Timestamp),
    (offset, limit): (u64, u32),
) -> Result<(Vec<Meeting>, u64), Error> {
    let ends = "start_at + duration_minutes * 60000000";
    let condition = match which {
        MeetingsOf::Scheduled => "$3 = $3".to_owned(),
        MeetingsOf::Upcoming => "start_at > $3".to_owned(),
        MeetingsOf::Live => format!("start_at <= $3 AND {ends} > $3"),
        MeetingsOf::Past => format!("{ends} <= $3"),
    };
    let from = format!(
        "FROM meetings WHERE tenant = $1 AND host_id = $2 AND cancelled_at IS NULL AND {condition}"
    );
    let total = r.query_one(
        &format!("SELECT COUNT(*) {from}"),
        params![tenant.as_str(), &host.0, now],
        |row| row.count(0),
    )?;
    let meetings = r.query(
        &format!("SELECT {COLUMNS} {from} ORDER BY start_at, id LIMIT $4 OFFSET $5"),
        params![tenant.as_str(), &host.0, now, limit, offset],
        read_meeting,
    )?;
    Ok((meetings, total))
}

/// Cancels one meeting.
pub(crate) fn cancel_meeting(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    id: i64,
) -> Result<(), Error> {
    let found = meeting(tx, tenant, id)?.filter(|meeting| meeting.cancelled_at.is_none());
    let meeting = found.ok_or_else(|| not_found(id))?;
    tx.execute(
        "UPDATE meetings SET cancelled_at = $1, cancelled_by = $2, cancelled_because = $3
         WHERE tenant = $4 AND id = $5",
        params![ctx.now, &ctx.actor, &ctx.cause, tenant.as_str(), id],
    )?;
    let payload = json!({"meeting": id});
    db::event::append(tx, ctx, tenant.as_str(), "meeting.cancelled", &meeting.host.0, &payload)?;
    Ok(())
}

/// Cancels what a host has before them; says how many.
pub(crate) fn cancel_upcoming_meetings(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    host: &UserId,
) -> Result<u64, Error> {
    let count = tx.execute(
        "UPDATE meetings SET cancelled_at = $1, cancelled_by = $2, cancelled_because = $3
         WHERE tenant = $4 AND host_id = $5 AND cancelled_at IS NULL AND start_at > $1",
        params![ctx.now, &ctx.actor, "the host left", tenant.as_str(), &host.0],
    )?;
    Ok(count)
}

/// Gives the meetings before a host to somebody else; says how many.
pub(crate) fn transfer_meetings(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    from: &UserId,
    to: &UserId,
) -> Result<u64, Error> {
    let count = tx.execute(
        "UPDATE meetings SET host_id = $1
         WHERE tenant = $2 AND host_id = $3 AND cancelled_at IS NULL AND start_at > $4",
        params![&to.0, tenant.as_str(), &from.0, ctx.now],
    )?;
    Ok(count)
}

/// A number of eleven digits that no meeting of the tenant has, and that tells nothing.
fn free_meeting_id(tx: &mut Tx, tenant: &TenantId) -> Result<i64, Error> {
    for _ in 0..MEETING_ID_ATTEMPTS_MAX {
        let mut bytes = [0_u8; 8];
        SystemRandom::new().fill(&mut bytes).map_err(|_| db::Error::NoRandomness)?;
        let random = u64::from_le_bytes(bytes) % 90_000_000_000;
        let id = 10_000_000_000 + i64::try_from(random).unwrap_or_default();
        if meeting(tx, tenant, id)?.is_none() {
            return Ok(id);
        }
    }
    Err(Error::Refused { sentence: "No free meeting number was found. Try again.".to_owned() })
}

fn not_found(id: i64) -> Error {
    Error::NotFound { noun: "meeting", id: id.to_string() }
}

fn read_meeting(row: &Row) -> Result<Meeting, db::Error> {
    Ok(Meeting {
        id: row.int(0)?,
        host: UserId(row.text(1)?),
        topic: row.text(2)?,
        start_at: row.timestamp(3)?,
        duration_minutes: u32::try_from(row.int(4)?).unwrap_or(u32::MAX),
        time_zone: row.text(5)?,
        created_at: row.timestamp(6)?,
        cancelled_at: row.opt_timestamp(7)?,
        cancelled_because: row.opt_text(8)?,
    })
}
