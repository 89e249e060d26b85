//! Settlements: changes that touch many users, worked off in batches behind a cursor. To open one
//! costs the same for ten members as for a million; until it is worked off it is named wherever
//! seats are shown.

use db::{Ctx, Read, Tx, params};
use entitlement::{GroupId, UserId};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::counter::{self, Kind};
use crate::limits::{SETTLE_INLINE_MAX, SETTLEMENT_LIST_MAX};
use crate::provider::ServiceProvider;
use crate::rules::Rules;
use crate::stale::{self, Work};
use crate::{Error, TenantId};

/// A change whose users are still being settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settlement {
    /// The identifier.
    pub id: String,
    /// Whose seats are decided again.
    #[serde(skip)]
    pub(crate) whom: Whom,
    /// What changed.
    pub reason: String,
    /// Who changed it.
    pub actor: String,
    /// When.
    pub opened_at: Timestamp,
    /// How many users it touched when it was opened.
    pub total: u64,
    /// How many of them are done.
    pub done: u64,
    #[serde(skip)]
    after: String,
}

/// Whose seats a settlement decides again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whom {
    /// The members of a group.
    Group(GroupId),
    /// Every user of the tenant.
    Everybody,
}

impl Whom {
    fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::Group(group) => ("group", &group.0),
            Self::Everybody => ("everybody", ""),
        }
    }
}

impl Settlement {
    /// How many users are still to be settled.
    pub fn left(&self) -> u64 {
        self.total.saturating_sub(self.done)
    }
}

impl ServiceProvider {
    /// The changes of a tenant whose users are still being settled, the oldest first; behind them
    /// the reasons for which users were marked one by one.
    pub fn settlements(&self, tenant: &TenantId) -> Result<Vec<Settlement>, Error> {
        self.db().read(|r| {
            let mut found = settlements(r, tenant)?;
            found.extend(marked(r, tenant)?);
            Ok(found)
        })
    }
}

/// The changes of a tenant whose users are still being settled, the oldest first.
pub(crate) fn settlements(r: &mut Read, tenant: &TenantId) -> Result<Vec<Settlement>, Error> {
    list(r, tenant, SETTLEMENT_LIST_MAX)
}

/// Users who are marked one by one, summed up by the reason.
fn marked(r: &mut Read, tenant: &TenantId) -> Result<Vec<Settlement>, Error> {
    let rows = r.query(
        "SELECT reason, COUNT(*), MIN(marked_at) FROM stale_entitlements WHERE tenant = $1
         GROUP BY reason ORDER BY MIN(marked_at), reason LIMIT $2",
        params![tenant.as_str(), SETTLEMENT_LIST_MAX],
        |row| {
            Ok(Settlement {
                id: "marked".into(),
                whom: Whom::Everybody,
                reason: row.text(0)?,
                actor: "background".into(),
                opened_at: row.timestamp(2)?,
                total: row.count(1)?,
                done: 0,
                after: String::new(),
            })
        },
    )?;
    Ok(rows)
}

/// The settlement that is worked off next.
pub(crate) fn oldest(r: &mut Read, tenant: &TenantId) -> Result<Option<Settlement>, Error> {
    Ok(list(r, tenant, 1)?.pop())
}

/// Has the members of a group settled again, and those of the groups that lie in it. Says how many
/// members these have.
pub(crate) fn open_for_group(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    rules: &Rules,
    group: &GroupId,
    reason: &str,
) -> Result<u64, Error> {
    let mut count = 0;
    for group in rules.with_inner(group) {
        let members = tx.query_opt(
            "SELECT member_count FROM groups WHERE tenant = $1 AND id = $2",
            params![tenant.as_str(), &group.0],
            |row| row.count(0),
        )?;
        let members = members.unwrap_or(0);
        if members > SETTLE_INLINE_MAX as u64 {
            open(tx, ctx, tenant, &Whom::Group(group), members, reason)?;
            count += members;
        } else if members > 0 {
            // Few are marked one by one: who is settled in this very transaction is done with it.
            count += stale::mark_group(tx, ctx, tenant, &group, reason)?;
        }
    }
    Ok(count)
}

/// Has every user of a tenant settled again. Says how many there are.
pub(crate) fn open_for_everybody(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    reason: &str,
) -> Result<u64, Error> {
    let count = counter::read(tx, tenant, Kind::Users)?.count;
    if count > 0 {
        open(tx, ctx, tenant, &Whom::Everybody, count, reason)?;
    }
    Ok(count)
}

fn open(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    whom: &Whom,
    total: u64,
    reason: &str,
) -> Result<(), Error> {
    let (kind, subject) = whom.columns();
    // Whoever is settled is settled by all that holds then, so a newer change of the same users
    // takes the place of the one that is not done yet.
    tx.execute(
        "INSERT INTO settlements (tenant, kind, subject, id, reason, actor, opened_at, total, done,
             after_user)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, '')
         ON CONFLICT (tenant, kind, subject) DO UPDATE SET
             id = excluded.id, reason = excluded.reason, actor = excluded.actor,
             opened_at = excluded.opened_at, total = excluded.total, done = 0, after_user = ''",
        params![tenant.as_str(), kind, subject, db::new_id(), reason, &ctx.actor, ctx.now, total],
    )?;
    stale::open(tx, ctx, tenant, Work::Stale)
}

/// The next users of a settlement.
pub(crate) fn next_users(
    r: &mut Read,
    tenant: &TenantId,
    settlement: &Settlement,
    limit: u32,
) -> Result<Vec<UserId>, Error> {
    let users = match &settlement.whom {
        Whom::Group(group) => r.query(
            "SELECT member_id FROM group_members
             WHERE tenant = $1 AND group_id = $2 AND member_id > $3 AND member_type = 'User'
             ORDER BY member_id LIMIT $4",
            params![tenant.as_str(), &group.0, &settlement.after, limit],
            |row| Ok(UserId(row.text(0)?)),
        )?,
        Whom::Everybody => r.query(
            "SELECT id FROM users WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3",
            params![tenant.as_str(), &settlement.after, limit],
            |row| Ok(UserId(row.text(0)?)),
        )?,
    };
    Ok(users)
}

/// Puts the cursor behind users that were just settled; with none left the settlement is done.
pub(crate) fn advance(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    settlement: &Settlement,
    users: &[UserId],
) -> Result<(), Error> {
    let (kind, subject) = settlement.whom.columns();
    let Some(last) = users.last() else {
        tx.execute(
            "DELETE FROM settlements WHERE tenant = $1 AND kind = $2 AND subject = $3",
            params![tenant.as_str(), kind, subject],
        )?;
        let payload = json!({"reason": settlement.reason, "users": settlement.done});
        let subject = settlement.id.as_str();
        db::event::append(tx, ctx, tenant.as_str(), "license.settled", subject, &payload)?;
        return Ok(());
    };
    tx.execute(
        "UPDATE settlements SET after_user = $1, done = done + $2
         WHERE tenant = $3 AND kind = $4 AND subject = $5",
        params![
            &last.0,
            i64::try_from(users.len()).unwrap_or(i64::MAX),
            tenant.as_str(),
            kind,
            subject
        ],
    )?;
    Ok(())
}

/// Why a user is still to be settled by one of these, if so.
pub(crate) fn reason(
    r: &mut Read,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Option<String>, Error> {
    let reason = r.query_opt(
        "SELECT s.reason FROM settlements s
         WHERE s.tenant = $1 AND s.after_user < $2
             AND (s.kind = 'everybody' OR EXISTS (
                 SELECT 1 FROM group_members m
                 WHERE m.tenant = s.tenant AND m.group_id = s.subject AND m.member_id = $2))
         ORDER BY s.opened_at, s.id LIMIT 1",
        params![tenant.as_str(), &user.0],
        |row| row.text(0),
    )?;
    Ok(reason)
}

fn list(r: &mut Read, tenant: &TenantId, limit: u32) -> Result<Vec<Settlement>, Error> {
    let rows = r.query(
        "SELECT id, kind, subject, reason, actor, opened_at, total, done, after_user
         FROM settlements WHERE tenant = $1 ORDER BY opened_at, id LIMIT $2",
        params![tenant.as_str(), limit],
        |row| {
            let whom = match row.text_ref(1)? {
                "everybody" => Whom::Everybody,
                _ => Whom::Group(GroupId(row.text(2)?)),
            };
            Ok(Settlement {
                id: row.text(0)?,
                whom,
                reason: row.text(3)?,
                actor: row.text(4)?,
                opened_at: row.timestamp(5)?,
                total: row.count(6)?,
                done: row.count(7)?,
                after: row.text(8)?,
            })
        },
    )?;
    Ok(rows)
}
