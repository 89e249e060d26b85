//! A user's row.

use db::{Read, Row, params};
use jiff::Timestamp;
use scim::Resource;
use serde_json::{Map, Value};

use crate::limits::{RANGE_GROUPS_PER_USER_MAX, USER_GROUPS_SHOWN_MAX};
use crate::tenant::TenantId;
use crate::{Error, Result};

/// The format of stored documents.
pub(crate) const FORMAT_VERSION: i64 = 1;

/// A user, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The identifier.
    pub id: String,
    /// The login.
    pub user_name: String,
    /// The identifier the directory gave.
    pub external_id: Option<String>,
    /// The name for people.
    pub display_name: Option<String>,
    /// Whether the user may sign in.
    pub active: bool,
    /// Where in its life the account is.
    pub state: UserState,
    /// Who brought it in.
    pub origin: Origin,
    /// How often it has changed.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub last_modified_at: Timestamp,
    /// The SCIM document without `id`, `meta`, `groups` and password, as canonical JSON.
    pub document: String,
}

/// Where in its life an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserState {
    /// Invited or signed up, and never confirmed.
    Pending,
    /// May sign in.
    Active,
    /// Deactivated: kept with its memberships, and shut out.
    Inactive,
}

/// Who brought an account in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A directory, over SCIM: it is the one that changes it.
    Scim,
    /// The person, by signing up.
    Signup,
    /// An administrator.
    Admin,
}

impl UserState {
    /// The name in the database and over REST.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pending, Self::Active, Self::Inactive]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

impl Origin {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Signup => "signup",
            Self::Admin => "admin",
        }
    }

    /// The origin of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Scim, Self::Signup, Self::Admin].into_iter().find(|origin| origin.as_str() == name)
    }
}

impl User {
    /// The document as a resource.
    pub fn resource(&self) -> Result<Resource> {
        let document: Map<String, Value> = serde_json::from_str(&self.document)
            .map_err(|error| Error::stored(format!("document of user {}", self.id), error))?;
        Ok(Resource::from_canonical(document))
    }

    /// Whether the document has `active`. It is canonical JSON, its keys sorted, and no attribute
    /// of a user comes before this one.
    pub(crate) fn shows_active(&self) -> bool {
        self.document.starts_with("{\"active\":")
    }
}

/// A group as a user's `groups` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupRef {
    pub id: String,
    pub display_name: String,
}

pub(crate) const SELECT: &str = "SELECT u.id, u.user_name, u.external_id, u.display_name, u.active, u.state, \
     u.origin, u.version, u.created_at, u.last_modified_at, u.doc FROM users u WHERE u.tenant = $1";

pub(crate) fn read_row(row: &Row) -> db::Result<User> {
    Ok(User {
        id: row.text(0)?,
        user_name: row.text(1)?,
        external_id: row.opt_text(2)?,
        display_name: row.opt_text(3)?,
        active: row.bool(4)?,
        state: UserState::from_name(row.text_ref(5)?)
            .ok_or_else(|| db::Error::unreadable("A user's state", "it has another name"))?,
        origin: Origin::from_name(row.text_ref(6)?)
            .ok_or_else(|| db::Error::unreadable("A user's origin", "it has another name"))?,
        version: row.count(7)?,
        created_at: row.timestamp(8)?,
        last_modified_at: row.timestamp(9)?,
        document: row.text(10)?,
    })
}

/// The user of this id.
pub(crate) fn by_id(r: &mut Read, tenant: &TenantId, id: &str) -> Result<Option<User>> {
    const SQL: &str = "SELECT u.id, u.user_name, u.external_id, u.display_name, u.active, u.state, \
     u.origin, u.version, u.created_at, u.last_modified_at, u.doc FROM users u WHERE u.tenant = $1 AND u.id = $2";
    Ok(r.query_opt(SQL, params![tenant, id], read_row)?)
}

/// The user of this userName, whatever its case.
pub(crate) fn by_user_name(
    r: &mut Read,
    tenant: &TenantId,
    user_name: &str,
) -> Result<Option<User>> {
    let sql = format!("{SELECT} AND u.user_name_key = $2");
    Ok(r.query_opt(&sql, params![tenant, user_name.to_lowercase()], read_row)?)
}

const GROUPS_SELECT: &str = "SELECT m.member_id, g.id, g.display_name FROM group_members m \
     JOIN groups g ON g.tenant = m.tenant AND g.id = m.group_id WHERE m.tenant = $1";

/// The groups a user is a direct member of, by id.
pub(crate) fn groups_of(r: &mut Read, tenant: &TenantId, user: &str) -> Result<Vec<GroupRef>> {
    let sql = format!("{GROUPS_SELECT} AND m.member_id = $2 ORDER BY m.group_id LIMIT $3");
    Ok(r.query(&sql, params![tenant, user, USER_GROUPS_SHOWN_MAX], |row| {
        Ok(GroupRef { id: row.text(1)?, display_name: row.text(2)? })
    })?)
}

/// The groups of every user whose id lies in a range, as (user, group), by user; None if there are
/// many more than `user_count` users would account for, so that asking one by one is cheaper.
pub(crate) fn groups_of_range(
    r: &mut Read,
    tenant: &TenantId,
    first: &str,
    last: &str,
    user_count: usize,
) -> Result<Option<Vec<(String, GroupRef)>>> {
    let most = user_count * RANGE_GROUPS_PER_USER_MAX;
    let sql = format!(
        "{GROUPS_SELECT} AND m.member_id >= $2 AND m.member_id <= $3 ORDER BY m.member_id, m.group_id LIMIT $4"
    );
    let found = r.query(&sql, params![tenant, first, last, most + 1], |row| {
        Ok((row.text(0)?, GroupRef { id: row.text(1)?, display_name: row.text(2)? }))
    })?;
    Ok((found.len() <= most).then_some(found))
}
