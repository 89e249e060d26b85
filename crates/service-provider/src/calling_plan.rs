//! Calling plans: what a phone user may call with. The account subscribes to so many of a type, and
//! each is assigned to one user. They come back with the numbers when a user leaves.

use db::{Ctx, Read, Row, Tx, params};
use entitlement::UserId;
use jiff::Timestamp;
use serde_json::json;

use crate::limits::{CALLING_PLAN_COUNT_MAX, CALLING_PLAN_SEATS_MAX, NAME_CHARS_MAX};
use crate::tenant::TenantId;
use crate::{Error, account};

/// A type of calling plan an account has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallingPlan {
    /// The vendor's number for the type.
    pub plan_type: u32,
    /// What people call it.
    pub name: String,
    /// How many the account has.
    pub subscribed: u64,
    /// How many users have one.
    pub assigned: u64,
}

/// A calling plan a user has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCallingPlan {
    /// The vendor's number for the type.
    pub plan_type: u32,
    /// What people call it.
    pub name: String,
    /// Since when.
    pub assigned_at: Timestamp,
}

const COLUMNS: &str = "p.plan_type, p.name, p.subscribed, \
    (SELECT COUNT(*) FROM user_calling_plans u WHERE u.tenant = p.tenant AND u.plan_type = p.plan_type)";

/// The calling plans of an account, by type.
pub(crate) fn plans(r: &mut Read, tenant: &TenantId) -> Result<Vec<CallingPlan>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM calling_plans p WHERE p.tenant = $1 ORDER BY p.plan_type");
    Ok(r.query(&sql, params![tenant], read_plan)?)
}

/// Says how many of a type the account has. Fewer than are assigned takes none away: only no
/// further ones are assigned.
pub(crate) fn subscribe(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    plan: &CallingPlan,
) -> Result<CallingPlan, Error> {
    let name = plan.name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(Error::refused(format!(
            "A calling plan needs a name of 1 to {NAME_CHARS_MAX} characters."
        )));
    }
    if plan.subscribed > CALLING_PLAN_SEATS_MAX {
        return Err(Error::refused(format!(
            "An account can have {CALLING_PLAN_SEATS_MAX} calling plans of a type at most."
        )));
    }
    let present = plans(tx, tenant)?;
    if present.len() >= CALLING_PLAN_COUNT_MAX
        && present.iter().all(|one| one.plan_type != plan.plan_type)
    {
        return Err(Error::refused(format!(
            "An account can have {CALLING_PLAN_COUNT_MAX} types of calling plans at most."
        )));
    }
    tx.execute(
        "INSERT INTO calling_plans (tenant, plan_type, name, subscribed, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, plan_type) DO UPDATE SET name = excluded.name, subscribed = excluded.subscribed",
        params![tenant, plan.plan_type, name, plan.subscribed, ctx.now],
    )?;
    let payload = json!({"name": name, "subscribed": plan.subscribed});
    let subject = plan.plan_type.to_string();
    db::event::append(tx, ctx, tenant.as_str(), "calling-plan.subscribed", &subject, &payload)?;
    required(tx, tenant, plan.plan_type)
}

/// Assigns a plan to an active user, if one is left. Who has it already keeps it.
pub(crate) fn assign(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
    plan_type: u32,
) -> Result<(), Error> {
    let account = account::required(tx, tenant, user)?;
    account::refuse_inactive(&account, "be given a calling plan")?;
    let plan = required(tx, tenant, plan_type)?;
    if plans_of_user(tx, tenant, user)?.iter().any(|held| held.plan_type == plan_type) {
        return Ok(());
    }
    if plan.assigned >= plan.subscribed {
        return Err(Error::refused(format!(
            "All {} calling plans `{}` are assigned. Release one, or subscribe to more.",
            plan.subscribed, plan.name
        )));
    }
    tx.execute(
        "INSERT INTO user_calling_plans (tenant, user_id, plan_type, assigned_by, assigned_at)
         VALUES ($1, $2, $3, $4, $5)",
        params![tenant, &user.0, plan_type, &ctx.actor, ctx.now],
    )?;
    tell(tx, ctx, tenant, "calling-plan.assigned", user, &plan.name)
}

/// Takes a plan from a user.
pub(crate) fn release(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
    plan_type: u32,
) -> Result<(), Error> {
    let held = plans_of_user(tx, tenant, user)?;
    let Some(plan) = held.iter().find(|held| held.plan_type == plan_type) else {
        return Err(Error::not_found("calling plan", plan_type.to_string()));
    };
    tx.execute(
        "DELETE FROM user_calling_plans WHERE tenant = $1 AND user_id = $2 AND plan_type = $3",
        params![tenant, &user.0, plan_type],
    )?;
    tell(tx, ctx, tenant, "calling-plan.released", user, &plan.name)
}

/// Takes every plan from a user who leaves.
pub(crate) fn release_all(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
) -> Result<(), Error> {
    for plan in plans_of_user(tx, tenant, user)? {
        release(tx, ctx, tenant, user, plan.plan_type)?;
    }
    Ok(())
}

/// The plans of a user, by type.
pub(crate) fn plans_of_user(
    r: &mut Read,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Vec<UserCallingPlan>, Error> {
    let sql = "SELECT u.plan_type, p.name, u.assigned_at FROM user_calling_plans u
         JOIN calling_plans p ON p.tenant = u.tenant AND p.plan_type = u.plan_type
         WHERE u.tenant = $1 AND u.user_id = $2 ORDER BY u.plan_type";
    Ok(r.query(sql, params![tenant, &user.0], |row| {
        Ok(UserCallingPlan {
            plan_type: number(row)?,
            name: row.text(1)?,
            assigned_at: row.timestamp(2)?,
        })
    })?)
}

fn required(r: &mut Read, tenant: &TenantId, plan_type: u32) -> Result<CallingPlan, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM calling_plans p WHERE p.tenant = $1 AND p.plan_type = $2");
    let found = r.query_opt(&sql, params![tenant, plan_type], read_plan)?;
    found.ok_or_else(|| Error::not_found("calling plan", plan_type.to_string()))
}

fn tell(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    kind: &str,
    user: &UserId,
    plan: &str,
) -> Result<(), Error> {
    db::event::append(tx, ctx, tenant.as_str(), kind, &user.0, &json!({"plan": plan}))?;
    Ok(())
}

fn read_plan(row: &Row) -> db::Result<CallingPlan> {
    Ok(CallingPlan {
        plan_type: number(row)?,
        name: row.text(1)?,
        subscribed: row.count(2)?,
        assigned: row.count(3)?,
    })
}

fn number(row: &Row) -> db::Result<u32> {
    Ok(u32::try_from(row.count(0)?).unwrap_or(u32::MAX))
}
