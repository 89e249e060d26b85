//! How many users and groups a tenant has, kept with the rows.

use db::{Read, Tx, params};

use crate::Result;
use crate::tenant::TenantId;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Users,
    Groups,
}

/// A counter's present reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counter {
    /// How many there are.
    pub count: u64,
    /// Rises when a resource's place in the order of ids may have changed.
    pub shift: i64,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }
}

/// Reads a counter.
pub(crate) fn read(r: &mut Read, tenant: &TenantId, kind: Kind) -> Result<Counter> {
    let found = r.query_opt(
        "SELECT count, shift FROM counters WHERE tenant = $1 AND kind = $2",
        params![tenant, kind.as_str()],
        |row| Ok(Counter { count: row.count(0)?, shift: row.int(1)? }),
    )?;
    Ok(found.unwrap_or_default())
}

/// One more, with this id. Ids ascend, so that a new resource is the last and no other moves;
/// where a clock has gone back, or another process was ahead, `shift` says so.
pub(crate) fn added(tx: &mut Tx, tenant: &TenantId, kind: Kind, id: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO counters (tenant, kind, count, last_id, shift) VALUES ($1, $2, 1, $3, 0) \
         ON CONFLICT (tenant, kind) DO UPDATE SET count = counters.count + 1, \
         shift = counters.shift + CASE WHEN excluded.last_id < counters.last_id THEN 1 ELSE 0 END, \
         last_id = CASE WHEN excluded.last_id < counters.last_id THEN counters.last_id ELSE excluded.last_id END",
        params![tenant, kind.as_str(), id],
    )?;
    Ok(())
}

/// One less, from anywhere.
pub(crate) fn removed(tx: &mut Tx, tenant: &TenantId, kind: Kind) -> Result<()> {
    tx.execute(
        "UPDATE counters SET count = count - 1, shift = shift + 1 WHERE tenant = $1 AND kind = $2",
        params![tenant, kind.as_str()],
    )?;
    Ok(())
}
