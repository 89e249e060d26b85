//! What has been taken from the log for a webhook and is not delivered yet, and what was given up.

use db::{Ctx, Read, Row, Tx, params};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Webhook, row};
use crate::Result;
use crate::limits::{
    DELIVERY_ATTEMPTS_MAX, DELIVERY_DEAD_COUNT_MAX, DELIVERY_ERROR_CHARS_MAX, DELIVERY_QUEUE_MAX,
    DELIVERY_TAKEN_MAX, DELIVERY_WAIT_SECS,
};
use crate::tenant::TenantId;

/// An event that waits to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) place: i64,
    pub(super) event: String,
    pub(super) subject: String,
    pub(super) attempt: u32,
    pub(super) due_at: Timestamp,
}

/// A delivery that was given up, and waits for a person to replay it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadDelivery {
    /// The place of the event in the tenant's log.
    pub place: i64,
    /// The event.
    pub event: String,
    /// What happened.
    pub kind: String,
    /// To whom.
    pub subject: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it failed last.
    pub error: String,
    /// When it was given up.
    pub dead_at: Timestamp,
}

/// Why a delivery whose event cannot be told any more is given up.
pub(super) const GONE: &str = "The event, or what it told, is gone.";

/// Takes what the log says beyond the webhook's place into deliveries, up to a number, and as long as
/// not too many wait. Says how many events that were.
pub(super) fn take(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, webhook: &Webhook) -> Result<usize> {
    if waiting_count(tx, tenant, &webhook.id)? >= DELIVERY_QUEUE_MAX {
        return Ok(0);
    }
    let found = db::event::headings_after(tx, tenant.as_str(), webhook.place, DELIVERY_TAKEN_MAX)?;
    let Some(last) = found.last().map(|event| event.place) else { return Ok(0) };
    for event in found.iter().filter(|event| webhook.wants(&event.kind)) {
        enqueue(tx, ctx, tenant, &webhook.id, event)?;
    }
    row::set_place(tx, tenant, &webhook.id, last)?;
    Ok(found.len())
}

/// Has an event delivered, anew if it was tried or given up before.
pub(super) fn enqueue(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    webhook: &str,
    event: &db::event::Heading,
) -> Result<()> {
    tx.execute(
        "INSERT INTO webhook_deliveries (tenant, webhook, place, event, kind, subject, state,
             attempt, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 0, $7)
         ON CONFLICT (tenant, webhook, place) DO UPDATE SET
             state = 'waiting', attempt = 0, due_at = excluded.due_at, last_error = NULL,
             dead_at = NULL",
        params![tenant, webhook, event.place, &event.id, &event.kind, &event.subject, ctx.now],
    )?;
    Ok(())
}

/// What waits, by place.
pub(super) fn waiting(
    r: &mut Read,
    tenant: &TenantId,
    webhook: &str,
    limit: u64,
) -> Result<Vec<Delivery>> {
    Ok(r.query(
        "SELECT place, event, subject, attempt, due_at FROM webhook_deliveries
         WHERE tenant = $1 AND webhook = $2 AND state = 'waiting' ORDER BY place LIMIT $3",
        params![tenant, webhook, limit],
        read_delivery,
    )?)
}

pub(super) fn waiting_count(r: &mut Read, tenant: &TenantId, webhook: &str) -> Result<u64> {
    count(r, tenant, webhook, "waiting")
}

pub(super) fn dead_count(r: &mut Read, tenant: &TenantId, webhook: &str) -> Result<u64> {
    count(r, tenant, webhook, "dead")
}

/// What was given up, the newest first.
pub(super) fn dead(
    r: &mut Read,
    tenant: &TenantId,
    webhook: &str,
    limit: u32,
) -> Result<Vec<DeadDelivery>> {
    Ok(r.query(
        "SELECT place, event, kind, subject, attempt, last_error, dead_at FROM webhook_deliveries
         WHERE tenant = $1 AND webhook = $2 AND state = 'dead' ORDER BY place DESC LIMIT $3",
        params![tenant, webhook, limit],
        |row| {
            Ok(DeadDelivery {
                place: row.int(0)?,
                event: row.text(1)?,
                kind: row.text(2)?,
                subject: row.text(3)?,
                attempts: u32::try_from(row.int(4)?).unwrap_or(u32::MAX),
                error: row.opt_text(5)?.unwrap_or_default(),
                dead_at: row.timestamp(6)?,
            })
        },
    )?)
}

/// A delivery has arrived.
pub(super) fn delivered(tx: &mut Tx, tenant: &TenantId, webhook: &str, place: i64) -> Result<()> {
    tx.execute(
        "DELETE FROM webhook_deliveries WHERE tenant = $1 AND webhook = $2 AND place = $3",
        params![tenant, webhook, place],
    )?;
    Ok(())
}

/// A delivery has failed: it is tried again after a while, or given up.
pub(super) fn failed(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    webhook: &str,
    delivery: &Delivery,
    (error, wait): (&str, Wait),
) -> Result<()> {
    let attempt = delivery.attempt + 1;
    if wait == Wait::Never || attempt >= DELIVERY_ATTEMPTS_MAX {
        return bury(tx, ctx, tenant, webhook, (delivery.place, attempt), error);
    }
    let step = usize::try_from(delivery.attempt).unwrap_or(usize::MAX);
    let last = DELIVERY_WAIT_SECS.len() - 1;
    let mut secs = jittered(DELIVERY_WAIT_SECS[step.min(last)]);
    if let Wait::AtLeast(least) = wait {
        secs = secs.max(least.min(DELIVERY_WAIT_SECS[last]));
    }
    tx.execute(
        "UPDATE webhook_deliveries SET attempt = $1, due_at = $2, last_error = $3
         WHERE tenant = $4 AND webhook = $5 AND place = $6",
        params![attempt, after(ctx.now, secs), shortened(error), tenant, webhook, delivery.place],
    )?;
    Ok(())
}

/// How long to wait before the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// By the plan.
    Planned,
    /// The receiver has named seconds.
    AtLeast(i64),
    /// There is no point in another try.
    Never,
}

/// Gives a delivery up.
pub(super) fn bury(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    webhook: &str,
    (place, attempt): (i64, u32),
    error: &str,
) -> Result<()> {
    tx.execute(
        "UPDATE webhook_deliveries SET state = 'dead', attempt = $1, last_error = $2, dead_at = $3
         WHERE tenant = $4 AND webhook = $5 AND place = $6",
        params![attempt, shortened(error), ctx.now, tenant, webhook, place],
    )?;
    Ok(())
}

/// Forgets the oldest that were given up when there are too many: the log has them still, and they can
/// be replayed.
pub(super) fn trim_dead(tx: &mut Tx, tenant: &TenantId, webhook: &str) -> Result<()> {
    let excess = dead_count(tx, tenant, webhook)?.saturating_sub(DELIVERY_DEAD_COUNT_MAX);
    if excess > 0 {
        tx.execute(
            "DELETE FROM webhook_deliveries WHERE tenant = $1 AND webhook = $2 AND place IN (
                 SELECT place FROM webhook_deliveries
                 WHERE tenant = $1 AND webhook = $2 AND state = 'dead' ORDER BY place LIMIT $3)",
            params![tenant, webhook, excess],
        )?;
    }
    Ok(())
}

/// Forgets everything there is of a webhook's deliveries, from a place on.
pub(super) fn forget(tx: &mut Tx, tenant: &TenantId, webhook: &str, from: i64) -> Result<()> {
    tx.execute(
        "DELETE FROM webhook_deliveries WHERE tenant = $1 AND webhook = $2 AND place >= $3",
        params![tenant, webhook, from],
    )?;
    Ok(())
}

/// Seconds, more or less: receivers that failed together are not all tried again together.
pub(super) fn jittered(secs: i64) -> i64 {
    let mut byte = [128_u8];
    // Without random bytes the wait is the planned one.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    secs + secs * (i64::from(byte[0]) - 128) / 640
}

pub(super) fn after(now: Timestamp, secs: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX)
}

pub(super) fn shortened(error: &str) -> String {
    error.chars().take(DELIVERY_ERROR_CHARS_MAX).collect()
}

fn count(r: &mut Read, tenant: &TenantId, webhook: &str, state: &str) -> Result<u64> {
    Ok(r.query_one(
        "SELECT COUNT(*) FROM webhook_deliveries
         WHERE tenant = $1 AND webhook = $2 AND state = $3",
        params![tenant, webhook, state],
        |row| row.count(0),
    )?)
}

fn read_delivery(row: &Row) -> db::Result<Delivery> {
    Ok(Delivery {
        place: row.int(0)?,
        event: row.text(1)?,
        subject: row.text(2)?,
        attempt: u32::try_from(row.int(3)?).unwrap_or(u32::MAX),
        due_at: row.timestamp(4)?,
    })
}
