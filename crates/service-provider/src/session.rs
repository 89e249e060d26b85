//! Sign-in sessions of users.

use db::{Ctx, Read, Row, Tx, params};
use entitlement::UserId;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::limits::{SESSION_COUNT_MAX, TOPIC_BYTES_MAX};
use crate::provider::ServiceProvider;
use crate::{Error, TenantId, account, reclaim};

/// A session that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// The user.
    pub user: UserId,
    /// What they use: `desktop 6.2`.
    pub client: String,
    /// Since when.
    pub started_at: Timestamp,
}

impl ServiceProvider {
    /// Begins a session of a user; only an active one signs in.
    pub fn begin_session(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        user: &str,
        client: &str,
    ) -> Result<Session, Error> {
        let (ctx, tenant) = (ctx.clone(), tenant.clone());
        let (user, client) = (user.to_owned(), client.to_owned());
        self.db().write(tenant.turn(), move |tx| {
            let user = account::find(tx, &tenant, &user)?;
            begin_session(tx, &ctx, &tenant, &user.id, &client)
        })
    }
}

/// Begins a session; only an active user signs in. Of too many, the oldest end.
pub(crate) fn begin_session(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
    client: &str,
) -> Result<Session, Error> {
    let account = account::required(tx, tenant, user)?;
    account::refuse_inactive(&account, "sign in")?;
    let client: String = client.chars().take(TOPIC_BYTES_MAX).collect();
    let id = db::new_id();
    tx.execute(
        "INSERT INTO sessions (tenant, id, user_id, client, started_at) VALUES ($1, $2, $3, $4, $5)",
        params![tenant.as_str(), &id, &user.0, &client, ctx.now],
    )?;
    tx.execute(
        "UPDATE sessions SET ended_at = $1, ended_by = 'too many sessions'
         WHERE tenant = $2 AND user_id = $3 AND ended_at IS NULL AND id NOT IN (
             SELECT id FROM sessions WHERE tenant = $2 AND user_id = $3 AND ended_at IS NULL
             ORDER BY started_at DESC, id DESC LIMIT $4)",
        params![ctx.now, tenant.as_str(), &user.0, SESSION_COUNT_MAX],
    )?;
    reclaim::on_activity(tx, ctx, tenant, user)?;
    let payload = json!({"session": &id, "client": &client});
    db::event::append(tx, ctx, tenant.as_str(), "session.begun", &user.0, &payload)?;
    Ok(Session { id, user: user.clone(), client, started_at: ctx.now })
}

/// The sessions of a user that have not ended, the oldest first.
pub(crate) fn sessions_of_user(
    r: &mut Read,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Vec<Session>, Error> {
    let sessions = r.query(
        "SELECT id, user_id, client, started_at FROM sessions
         WHERE tenant = $1 AND user_id = $2 AND ended_at IS NULL ORDER BY started_at, id",
        params![tenant.as_str(), &user.0],
        read_session,
    )?;
    Ok(sessions)
}

/// Ends every session of a user; says how many.
pub(crate) fn end_sessions(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
) -> Result<u64, Error> {
    let count = tx.execute(
        "UPDATE sessions SET ended_at = $1, ended_by = $2
         WHERE tenant = $3 AND user_id = $4 AND ended_at IS NULL",
        params![ctx.now, &ctx.actor, tenant.as_str(), &user.0],
    )?;
    if count > 0 {
        let payload = json!({"count": count});
        db::event::append(tx, ctx, tenant.as_str(), "session.ended", &user.0, &payload)?;
    }
    Ok(count)
}

fn read_session(row: &Row) -> Result<Session, db::Error> {
    Ok(Session {
        id: row.text(0)?,
        user: UserId(row.text(1)?),
        client: row.text(2)?,
        started_at: row.timestamp(3)?,
    })
}
