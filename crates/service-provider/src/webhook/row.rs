//! A webhook's row.

use db::{Ctx, Read, Row, Tx, params};
use jiff::Timestamp;

use super::{Form, Webhook, WebhookState};
use crate::tenant::TenantId;
use crate::{Error, Result, stored};

const COLUMNS: &str = "id, url, kinds, form, audience, place, state, state_at, state_by, state_cause, \
     failure_count, failing_since, retry_at, last_error, last_success_at, previous_until, \
     created_at, created_by, due_at";

pub(super) fn list(r: &mut Read, tenant: &TenantId) -> Result<Vec<Webhook>> {
    let sql = format!("SELECT {COLUMNS} FROM webhooks WHERE tenant = $1 ORDER BY id");
    Ok(r.query(&sql, params![tenant], read_row)?)
}

/// The webhook of this id, or of this URL if only one has it.
pub(super) fn find(r: &mut Read, tenant: &TenantId, id_or_url: &str) -> Result<Webhook> {
    let sql = format!(
        "SELECT {COLUMNS} FROM webhooks WHERE tenant = $1 AND (id = $2 OR url = $2)
         ORDER BY id LIMIT 2"
    );
    let mut found = r.query(&sql, params![tenant, id_or_url], read_row)?;
    match (found.pop(), found.pop()) {
        (Some(webhook), None) => Ok(webhook),
        (None, _) => Err(Error::not_found("webhook", id_or_url)),
        (Some(_), Some(_)) => Err(Error::refused(format!(
            "Several webhooks go to `{id_or_url}`. Name one by its id."
        ))),
    }
}

/// The webhook of this id, if there is one.
pub(super) fn by_id(r: &mut Read, tenant: &TenantId, id: &str) -> Result<Option<Webhook>> {
    let sql = format!("SELECT {COLUMNS} FROM webhooks WHERE tenant = $1 AND id = $2");
    Ok(r.query_opt(&sql, params![tenant, id], read_row)?)
}

/// The webhooks of every tenant that messages may be sent to at this moment, from behind one of them
/// on.
pub(super) fn active(
    r: &mut Read,
    now: Timestamp,
    (tenant, id): (&str, &str),
    limit: u32,
) -> Result<Vec<(TenantId, Webhook)>> {
    let sql = format!(
        "SELECT {COLUMNS}, tenant FROM webhooks
         WHERE (tenant, id) > ($1, $2) AND state = 'active' AND url IS NOT NULL
             AND (retry_at IS NULL OR retry_at <= $3)
         ORDER BY tenant, id LIMIT $4"
    );
    let read = |row: &Row| Ok((TenantId::new(row.text(19)?), read_row(row)?));
    Ok(r.query(&sql, params![tenant, id, now, limit], read)?)
}

/// The lowest place that a webhook has not been told of yet, less one: what lies behind it stays in the
/// log. One that was paused or given up, and one from whose receiver nothing was heard for long, holds
/// nothing.
pub(crate) fn taken_by_all(r: &mut Read, tenant: &TenantId, now: Timestamp) -> Result<Option<i64>> {
    let mut lowest = None;
    for webhook in list(r, tenant)?.iter().filter(|webhook| webhook.holds_the_log(now)) {
        let waiting = super::delivery::waiting(r, tenant, &webhook.id, 1)?;
        let taken =
            waiting.first().map_or(webhook.place, |first| webhook.place.min(first.place - 1));
        lowest = Some(lowest.map_or(taken, |lowest: i64| lowest.min(taken)));
    }
    Ok(lowest)
}

pub(super) fn insert(tx: &mut Tx, tenant: &TenantId, webhook: &Webhook) -> Result<()> {
    tx.execute(
        "INSERT INTO webhooks (tenant, id, url, kinds, form, audience, place, state, state_at,
             state_by, state_cause, failure_count, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, $13)",
        params![
            tenant,
            &webhook.id,
            &webhook.url,
            stored::to_json(&webhook.kinds)?,
            webhook.form.as_str(),
            &webhook.audience,
            webhook.place,
            webhook.state.as_str(),
            webhook.state_at,
            &webhook.state_by,
            &webhook.state_cause,
            webhook.created_at,
            &webhook.created_by,
        ],
    )?;
    Ok(())
}

/// Sets the state, and forgets the failures of the one before.
pub(super) fn set_state(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    id: &str,
    state: WebhookState,
) -> Result<()> {
    tx.execute(
        "UPDATE webhooks SET state = $1, state_at = $2, state_by = $3, state_cause = $4,
             failure_count = 0, failing_since = NULL, retry_at = NULL
         WHERE tenant = $5 AND id = $6",
        params![state.as_str(), ctx.now, &ctx.actor, &ctx.cause, tenant, id],
    )?;
    Ok(())
}

/// Sets when somebody should look again.
pub(super) fn set_due(
    tx: &mut Tx,
    tenant: &TenantId,
    id: &str,
    due_at: Option<Timestamp>,
) -> Result<()> {
    tx.execute(
        "UPDATE webhooks SET due_at = $1 WHERE tenant = $2 AND id = $3",
        params![due_at, tenant, id],
    )?;
    Ok(())
}

pub(super) fn set_place(tx: &mut Tx, tenant: &TenantId, id: &str, place: i64) -> Result<()> {
    tx.execute(
        "UPDATE webhooks SET place = $1 WHERE tenant = $2 AND id = $3",
        params![place, tenant, id],
    )?;
    Ok(())
}

fn read_row(row: &Row) -> db::Result<Webhook> {
    Ok(Webhook {
        id: row.text(0)?,
        url: row.opt_text(1)?,
        kinds: stored::json("A webhook's kinds", row.text_ref(2)?)?,
        form: stored::word("A webhook's form", row.text_ref(3)?, Form::from_name)?,
        audience: row.opt_text(4)?,
        place: row.int(5)?,
        state: stored::word("A webhook's state", row.text_ref(6)?, WebhookState::from_name)?,
        state_at: row.timestamp(7)?,
        state_by: row.text(8)?,
        state_cause: row.text(9)?,
        failure_count: row.count(10)?,
        failing_since: row.opt_timestamp(11)?,
        retry_at: row.opt_timestamp(12)?,
        last_error: row.opt_text(13)?,
        last_success_at: row.opt_timestamp(14)?,
        previous_until: row.opt_timestamp(15)?,
        created_at: row.timestamp(16)?,
        created_by: row.text(17)?,
        due_at: row.opt_timestamp(18)?,
    })
}
