//! A group's row, and its members'.

use db::{Read, Row, params};
use jiff::Timestamp;
use scim::Resource;
use serde_json::{Map, Value};

use crate::limits::LIST_COUNT_MAX;
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::{Error, Result};

/// A group, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The identifier.
    pub id: String,
    /// The name, unique in the tenant whatever its case.
    pub display_name: String,
    /// The identifier the directory gave.
    pub external_id: Option<String>,
    /// How many members it has, users and groups.
    pub member_count: u64,
    /// How often it, or its membership, has changed.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it, or its membership, last changed.
    pub last_modified_at: Timestamp,
    /// The SCIM document without `id`, `meta` and `members`, as canonical JSON.
    pub document: String,
}

impl Group {
    /// The document as a resource.
    pub fn resource(&self) -> Result<Resource> {
        let document: Map<String, Value> = serde_json::from_str(&self.document)
            .map_err(|error| Error::stored(format!("document of group {}", self.id), error))?;
        Ok(Resource::from_canonical(document))
    }
}

/// A member as the group shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberRow {
    pub id: String,
    /// `User` or `Group`.
    pub member_type: String,
    pub display: Option<String>,
}

/// A user as a member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberUser {
    pub(crate) id: String,
    pub(crate) user_name: String,
    pub(crate) display_name: Option<String>,
}

impl ServiceProvider {
    /// The groups of a tenant by name.
    pub fn groups(&self, tenant: &TenantId) -> Result<Vec<Group>> {
        let sql = format!("{SELECT} ORDER BY g.display_name_key LIMIT $2");
        self.db().read(|r| Ok(r.query(&sql, params![tenant, LIST_COUNT_MAX], read_row)?))
    }

    /// The group of this name (in any case) or id.
    pub fn group(&self, tenant: &TenantId, name_or_id: &str) -> Result<Group> {
        let found = self.db().read(|r| match by_id(r, tenant, name_or_id)? {
            Some(group) => Ok(Some(group)),
            None => by_name(r, tenant, name_or_id),
        })?;
        found.ok_or_else(|| Error::not_found("group", name_or_id))
    }
}

pub(crate) const SELECT: &str = "SELECT g.id, g.display_name, g.external_id, g.member_count, g.version, \
     g.created_at, g.last_modified_at, g.doc FROM groups g WHERE g.tenant = $1";

pub(crate) fn read_row(row: &Row) -> db::Result<Group> {
    Ok(Group {
        id: row.text(0)?,
        display_name: row.text(1)?,
        external_id: row.opt_text(2)?,
        member_count: row.count(3)?,
        version: row.count(4)?,
        created_at: row.timestamp(5)?,
        last_modified_at: row.timestamp(6)?,
        document: row.text(7)?,
    })
}

/// The group of this id.
pub(crate) fn by_id(r: &mut Read, tenant: &TenantId, id: &str) -> Result<Option<Group>> {
    let sql = format!("{SELECT} AND g.id = $2");
    Ok(r.query_opt(&sql, params![tenant, id], read_row)?)
}

/// The group of this name, whatever its case.
pub(crate) fn by_name(r: &mut Read, tenant: &TenantId, name: &str) -> Result<Option<Group>> {
    let sql = format!("{SELECT} AND g.display_name_key = $2");
    Ok(r.query_opt(&sql, params![tenant, name.to_lowercase()], read_row)?)
}

/// The members of a group, by id.
pub(crate) fn members_of(r: &mut Read, tenant: &TenantId, group: &str) -> Result<Vec<MemberRow>> {
    let sql = "SELECT m.member_id, m.member_type, COALESCE(m.display, u.display_name, u.user_name, g.display_name) \
               FROM group_members m \
               LEFT JOIN users u ON u.tenant = m.tenant AND u.id = m.member_id \
               LEFT JOIN groups g ON m.member_type = 'Group' AND g.tenant = m.tenant AND g.id = m.member_id \
               WHERE m.tenant = $1 AND m.group_id = $2 ORDER BY m.member_id";
    Ok(r.query(sql, params![tenant, group], |row| {
        Ok(MemberRow { id: row.text(0)?, member_type: row.text(1)?, display: row.opt_text(2)? })
    })?)
}

/// Groups after one in the order of ids.
pub(crate) fn groups_after(
    r: &mut Read,
    tenant: &TenantId,
    after: &str,
    limit: u32,
) -> Result<Vec<Group>> {
    let sql = format!("{SELECT} AND g.id > $2 ORDER BY g.id LIMIT $3");
    Ok(r.query(&sql, params![tenant, after, limit], read_row)?)
}

/// The users that are direct members of a group, after one in the order of ids.
pub(crate) fn users_after(
    r: &mut Read,
    tenant: &TenantId,
    group: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<MemberUser>> {
    let sql = "SELECT m.member_id, u.user_name, u.display_name FROM group_members m \
               JOIN users u ON u.tenant = m.tenant AND u.id = m.member_id \
               WHERE m.tenant = $1 AND m.group_id = $2 AND m.member_id > $3 \
               ORDER BY m.member_id LIMIT $4";
    Ok(r.query(sql, params![tenant, group, after, limit], |row| {
        Ok(MemberUser { id: row.text(0)?, user_name: row.text(1)?, display_name: row.opt_text(2)? })
    })?)
}
