//! Tenants: the customers whose users, groups and tokens are walled off from one another.

use std::fmt;

use db::{Ctx, Read, Row, Tx, params};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::limits::NAME_CHARS_MAX;
use crate::provider::{PLATFORM, ServiceProvider};
use crate::{Error, Result};

/// What every row of a tenant begins with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(String);

impl TenantId {
    /// The id of this text, as it was read from where ids are kept.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whose writers go one after another: the tenant's.
    pub(crate) fn turn(&self) -> db::Turn {
        self.0.as_str().into()
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&TenantId> for db::Value {
    fn from(id: &TenantId) -> Self {
        id.0.as_str().into()
    }
}

/// A customer. What it decides about licensing, signing up and adoption is in its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// The identifier.
    pub id: TenantId,
    /// The name people know it by.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

impl ServiceProvider {
    /// Creates a tenant.
    pub fn create_tenant(&self, ctx: &Ctx, name: &str) -> Result<Tenant> {
        let (ctx, name) = (ctx.clone(), name.to_owned());
        self.db().write(PLATFORM, move |tx| create(tx, &ctx, &name))
    }

    /// Every tenant, by name.
    pub fn tenants(&self) -> Result<Vec<Tenant>> {
        self.db().read(|r| Ok(r.query(&format!("{SELECT} ORDER BY name_key"), &[], read_row)?))
    }

    /// The tenant of this name (in any case) or id.
    pub fn tenant(&self, name_or_id: &str) -> Result<Tenant> {
        let found = self.db().read(|r| find(r, name_or_id))?;
        found.ok_or_else(|| Error::not_found("tenant", name_or_id))
    }
}

/// Creates a tenant.
pub(crate) fn create(tx: &mut Tx, ctx: &Ctx, name: &str) -> Result<Tenant> {
    check_name("tenant", name)?;
    if find(tx, name)?.is_some() {
        return Err(Error::Exists { noun: "tenant", id: name.to_owned() });
    }
    let id = TenantId::new(db::new_id());
    tx.execute(
        "INSERT INTO tenants (tenant, name, name_key, created_at) VALUES ($1, $2, $3, $4)",
        params![&id, name, name.to_lowercase(), ctx.now],
    )?;
    let payload = json!({"name": name});
    db::event::append(tx, ctx, id.as_str(), "tenant.created", id.as_str(), &payload)?;
    Ok(Tenant { id, name: name.to_owned(), created_at: ctx.now })
}

/// A name people can read in a list and type on a command line.
pub(crate) fn check_name(noun: &str, name: &str) -> Result<()> {
    let chars = name.chars().count();
    if name.trim() != name
        || name.chars().any(char::is_control)
        || !(1..=NAME_CHARS_MAX).contains(&chars)
    {
        return Err(Error::refused(format!(
            "`{name}` cannot name a {noun}: give 1 to {NAME_CHARS_MAX} characters without spaces at the ends."
        )));
    }
    Ok(())
}

const SELECT: &str = "SELECT tenant, name, created_at FROM tenants";

pub(crate) fn find(r: &mut Read, name_or_id: &str) -> Result<Option<Tenant>> {
    let sql = format!("{SELECT} WHERE name_key = $1 OR tenant = $2");
    Ok(r.query_opt(&sql, params![name_or_id.to_lowercase(), name_or_id], read_row)?)
}

fn read_row(row: &Row) -> db::Result<Tenant> {
    Ok(Tenant {
        id: TenantId::new(row.text(0)?),
        name: row.text(1)?,
        created_at: row.timestamp(2)?,
    })
}
