//! What licensing and effects need to know of users and groups: the one file of theirs that reads
//! the rows of the SCIM write path.

use std::collections::BTreeMap;

use db::{Read, Row, Value, params};
use entitlement::{AccountState, GroupId, UserId};
use jiff::Timestamp;

use crate::{Error, Result, TenantId, UserState, stored};

/// A user as far as licensing is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// The id.
    pub id: UserId,
    /// The login.
    pub user_name: String,
    /// The state.
    pub state: AccountState,
    /// The attribute `userType`.
    pub user_type: Option<String>,
}

/// A group that a user is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Membership {
    /// The group.
    pub group: GroupId,
    /// Its name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
}

const SELECT: &str = "SELECT u.id, u.user_name, u.state, u.user_type FROM users u";

/// These users, as far as they exist.
pub(crate) fn accounts(
    r: &mut Read,
    tenant: &TenantId,
    users: &[UserId],
) -> Result<BTreeMap<UserId, Account>> {
    let (names, ids) = stored::in_users(2, users);
    let sql = format!("{SELECT} WHERE u.tenant = $1 AND u.id IN ({names})");
    let mut params = vec![Value::from(tenant)];
    params.extend(ids);
    let rows = r.query(&sql, &params, read_account)?;
    Ok(rows.into_iter().map(|account| (account.id.clone(), account)).collect())
}

/// One user by id.
pub(crate) fn account(r: &mut Read, tenant: &TenantId, user: &UserId) -> Result<Option<Account>> {
    Ok(accounts(r, tenant, std::slice::from_ref(user))?.remove(user))
}

/// One user by id, or a refusal.
pub(crate) fn required(r: &mut Read, tenant: &TenantId, user: &UserId) -> Result<Account> {
    account(r, tenant, user)?.ok_or_else(|| Error::not_found("user", user.to_string()))
}

/// The user of this id, login or e-mail address, whatever the case of the latter; or a refusal.
pub(crate) fn find(r: &mut Read, tenant: &TenantId, id_or_email: &str) -> Result<Account> {
    if let Some(found) = account(r, tenant, &UserId(id_or_email.to_owned()))? {
        return Ok(found);
    }
    let key = id_or_email.trim().to_lowercase();
    let by_login = format!("{SELECT} WHERE u.tenant = $1 AND u.user_name_key = $2");
    if let Some(found) = r.query_opt(&by_login, params![tenant, &key], read_account)? {
        return Ok(found);
    }
    let by_email = format!(
        "{SELECT} JOIN user_emails e ON e.tenant = u.tenant AND e.user_id = u.id
         WHERE u.tenant = $1 AND e.email_key = $2 ORDER BY u.id LIMIT 2"
    );
    let mut found = r.query(&by_email, params![tenant, &key], read_account)?;
    match (found.pop(), found.pop()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Error::refused(format!(
            "`{id_or_email}` is the address of several users. Name the one you mean by login or id."
        ))),
        (None, _) => Err(Error::not_found("user", id_or_email)),
    }
}

/// The login of a user, or the id of one who is gone.
pub(crate) fn user_name(r: &mut Read, tenant: &TenantId, user: &UserId) -> Result<String> {
    let account = account(r, tenant, user)?;
    Ok(account.map_or_else(|| user.0.clone(), |account| account.user_name))
}

/// The groups a user is a member of by itself, by name.
pub(crate) fn memberships(
    r: &mut Read,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Vec<Membership>> {
    let memberships = r.query(
        "SELECT g.id, g.display_name, m.added_at FROM group_members m
         JOIN groups g ON g.tenant = m.tenant AND g.id = m.group_id
         WHERE m.tenant = $1 AND m.member_id = $2 ORDER BY g.display_name_key",
        params![tenant, &user.0],
        |row| {
            let (group, name) = (GroupId(row.text(0)?), row.text(1)?);
            Ok(Membership { group, name, since: row.timestamp(2)? })
        },
    )?;
    Ok(memberships)
}

/// How many groups a user is in.
pub(crate) fn group_count(r: &mut Read, tenant: &TenantId, user: &UserId) -> Result<u64> {
    let count = r.query_one(
        "SELECT COUNT(*) FROM group_members WHERE tenant = $1 AND member_id = $2",
        params![tenant, &user.0],
        |row| row.count(0),
    )?;
    Ok(count)
}

/// The group of this name, whatever its case.
pub(crate) fn group_named(r: &mut Read, tenant: &TenantId, name: &str) -> Result<Option<GroupId>> {
    let group = r.query_opt(
        "SELECT id FROM groups WHERE tenant = $1 AND display_name_key = $2",
        params![tenant, name_key(name)],
        |row| Ok(GroupId(row.text(0)?)),
    )?;
    Ok(group)
}

/// By what a group's name is found again.
pub(crate) fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Refuses something to a user who is not active; `what` as in "host meetings".
pub(crate) fn refuse_inactive(account: &Account, what: &str) -> Result<()> {
    let name = &account.user_name;
    match account.state {
        AccountState::Active => Ok(()),
        AccountState::Pending => Err(Error::refused(format!(
            "{name} is pending and cannot {what} before the invitation is accepted."
        ))),
        AccountState::Inactive | AccountState::Absent => Err(Error::refused(format!(
            "{name} is inactive and cannot {what}. Reactivate the user first."
        ))),
    }
}

fn read_account(row: &Row) -> db::Result<Account> {
    let state = stored::word("A user's state", row.text_ref(2)?, UserState::from_name)?;
    Ok(Account {
        id: UserId(row.text(0)?),
        user_name: row.text(1)?,
        state: match state {
            UserState::Pending => AccountState::Pending,
            UserState::Active => AccountState::Active,
            UserState::Inactive => AccountState::Inactive,
        },
        user_type: row.opt_text(3)?,
    })
}
