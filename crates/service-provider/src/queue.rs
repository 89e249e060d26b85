//! Contact-center queues and their agents.

use db::{Ctx, Read, Row, Tx, params};
use entitlement::UserId;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::limits::{QUEUE_COUNT_MAX, TOPIC_BYTES_MAX};
use crate::provider::ServiceProvider;
use crate::{Error, TenantId, account};

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many agents it has.
    pub agent_count: u64,
}

/// An agent of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueAgent {
    /// The user.
    pub user: UserId,
    /// The login.
    pub user_name: String,
    /// Since when.
    pub added_at: Timestamp,
}

impl ServiceProvider {
    /// Creates a contact-center queue.
    pub fn create_queue(&self, ctx: &Ctx, tenant: &TenantId, name: &str) -> Result<Queue, Error> {
        let (ctx, tenant, name) = (ctx.clone(), tenant.clone(), name.to_owned());
        self.db().write(tenant.turn(), move |tx| create_queue(tx, &ctx, &tenant, &name))
    }

    /// Makes an active user an agent of a queue, named by id or name.
    pub fn add_agent(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        queue: &str,
        user: &str,
    ) -> Result<(), Error> {
        let (ctx, tenant) = (ctx.clone(), tenant.clone());
        let (queue, user) = (queue.to_owned(), user.to_owned());
        self.db().write(tenant.turn(), move |tx| {
            let user = account::find(tx, &tenant, &user)?;
            add_agent(tx, &ctx, &tenant, &queue, &user.id)
        })
    }
}

const COLUMNS: &str = "q.id, q.name, (SELECT COUNT(*) FROM queue_agents a
             WHERE a.tenant = q.tenant AND a.queue_id = q.id)";

/// Creates a queue.
pub(crate) fn create_queue(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    name: &str,
) -> Result<Queue, Error> {
    let name = name.trim();
    if name.is_empty() || name.len() > TOPIC_BYTES_MAX {
        let sentence = format!("A queue needs a name of 1 to {TOPIC_BYTES_MAX} characters.");
        return Err(Error::Refused { sentence });
    }
    if queue(tx, tenant, name)?.is_some() {
        let sentence =
            format!("There is a queue `{name}` already. Use it, or name this otherwise.");
        return Err(scim::Error::uniqueness(sentence).into());
    }
    if count_queues(tx, tenant)? >= QUEUE_COUNT_MAX {
        let sentence = format!("A tenant has at most {QUEUE_COUNT_MAX} queues. Delete one first.");
        return Err(Error::Refused { sentence });
    }
    let id = db::new_id();
    tx.execute(
        "INSERT INTO queues (tenant, id, name, created_at) VALUES ($1, $2, $3, $4)",
        params![tenant.as_str(), &id, name, ctx.now],
    )?;
    db::event::append(tx, ctx, tenant.as_str(), "queue.created", &id, &json!({"name": name}))?;
    Ok(Queue { id, name: name.to_owned(), agent_count: 0 })
}

/// A queue by id or name.
pub(crate) fn queue(
    r: &mut Read,
    tenant: &TenantId,
    id_or_name: &str,
) -> Result<Option<Queue>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM queues q WHERE q.tenant = $1 AND (q.id = $2 OR q.name = $2)"
    );
    Ok(r.query_opt(&sql, params![tenant.as_str(), id_or_name.trim()], read_queue)?)
}

/// Queues by name: `limit` of them after the first `offset`.
pub(crate) fn queues(
    r: &mut Read,
    tenant: &TenantId,
    (offset, limit): (u64, u32),
) -> Result<Vec<Queue>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM queues q WHERE q.tenant = $1 ORDER BY q.name LIMIT $2 OFFSET $3"
    );
    Ok(r.query(&sql, params![tenant.as_str(), limit, offset], read_queue)?)
}

/// How many queues a tenant has.
pub(crate) fn count_queues(r: &mut Read, tenant: &TenantId) -> Result<u64, Error> {
    let count = r.query_one(
        "SELECT COUNT(*) FROM queues WHERE tenant = $1",
        params![tenant.as_str()],
        |row| row.count(0),
    )?;
    Ok(count)
}

/// Deletes a queue, named by id or name; its agents are agents of it no more.
pub(crate) fn delete_queue(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    queue: &str,
) -> Result<(), Error> {
    let found = required(tx, tenant, queue)?;
    tx.execute(
        "DELETE FROM queue_agents WHERE tenant = $1 AND queue_id = $2",
        params![tenant.as_str(), &found.id],
    )?;
    tx.execute(
        "DELETE FROM queues WHERE tenant = $1 AND id = $2",
        params![tenant.as_str(), &found.id],
    )?;
    let payload = json!({"name": &found.name, "agents": found.agent_count});
    db::event::append(tx, ctx, tenant.as_str(), "queue.deleted", &found.id, &payload)?;
    Ok(())
}

/// Makes an active user an agent of a queue; one who is already stays it.
pub(crate) fn add_agent(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    queue: &str,
    user: &UserId,
) -> Result<(), Error> {
    let queue = required(tx, tenant, queue)?;
    let account = account::required(tx, tenant, user)?;
    account::refuse_inactive(&account, "be an agent")?;
    let added = tx.execute(
        "INSERT INTO queue_agents (tenant, queue_id, user_id, added_by, added_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, queue_id, user_id) DO NOTHING",
        params![tenant.as_str(), &queue.id, &user.0, &ctx.actor, ctx.now],
    )?;
    if added > 0 {
        let payload = json!({"queue": &queue.id, "name": &queue.name});
        db::event::append(tx, ctx, tenant.as_str(), "queue.agent-added", &user.0, &payload)?;
    }
    Ok(())
}

/// Takes an agent out of a queue.
pub(crate) fn remove_agent(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    queue: &str,
    user: &UserId,
) -> Result<(), Error> {
    let queue = required(tx, tenant, queue)?;
    let gone = tx.execute(
        "DELETE FROM queue_agents WHERE tenant = $1 AND queue_id = $2 AND user_id = $3",
        params![tenant.as_str(), &queue.id, &user.0],
    )?;
    if gone == 0 {
        return Err(Error::NotFound { noun: "agent", id: user.to_string() });
    }
    let payload = json!({"queue": &queue.id, "name": &queue.name});
    db::event::append(tx, ctx, tenant.as_str(), "queue.agent-removed", &user.0, &payload)?;
    Ok(())
}

/// The agents of a queue by their id: `limit` of them after the first `offset`.
pub(crate) fn agents(
    r: &mut Read,
    tenant: &TenantId,
    queue: &str,
    (offset, limit): (u64, u32),
) -> Result<Vec<QueueAgent>, Error> {
    let queue = required(r, tenant, queue)?;
    let agents = r.query(
        "SELECT a.user_id, COALESCE(u.user_name, a.user_id), a.added_at
         FROM queue_agents a LEFT JOIN users u ON u.tenant = a.tenant AND u.id = a.user_id
         WHERE a.tenant = $1 AND a.queue_id = $2 ORDER BY a.user_id LIMIT $3 OFFSET $4",
        params![tenant.as_str(), &queue.id, limit, offset],
        |row| {
            Ok(QueueAgent {
                user: UserId(row.text(0)?),
                user_name: row.text(1)?,
                added_at: row.timestamp(2)?,
            })
        },
    )?;
    Ok(agents)
}

/// The queues in which a user is an agent, by name.
pub(crate) fn queues_of_user(
    r: &mut Read,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Vec<Queue>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM queues q
         JOIN queue_agents own ON own.tenant = q.tenant AND own.queue_id = q.id
         WHERE q.tenant = $1 AND own.user_id = $2 ORDER BY q.name"
    );
    Ok(r.query(&sql, params![tenant.as_str(), &user.0], read_queue)?)
}

/// Takes a user out of every queue; says the names.
pub(crate) fn leave_all_queues(
    tx: &mut Tx,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Vec<String>, Error> {
    let queues = queues_of_user(tx, tenant, user)?;
    tx.execute(
        "DELETE FROM queue_agents WHERE tenant = $1 AND user_id = $2",
        params![tenant.as_str(), &user.0],
    )?;
    Ok(queues.into_iter().map(|queue| queue.name).collect())
}

fn required(r: &mut Read, tenant: &TenantId, id_or_name: &str) -> Result<Queue, Error> {
    queue(r, tenant, id_or_name)?
        .ok_or_else(|| Error::NotFound { noun: "queue", id: id_or_name.to_owned() })
}

fn read_queue(row: &Row) -> Result<Queue, db::Error> {
    Ok(Queue { id: row.text(0)?, name: row.text(1)?, agent_count: row.count(2)? })
}
