//! How many users, groups and resources of other types a tenant has, kept with the rows.

use std::borrow::Cow;

use db::{Read, Tx, params};

use crate::limits::TYPE_NAME_BYTES_MAX;
use crate::tenant::TenantId;
use crate::{Error, Result};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Users,
    Groups,
    /// Resources of a type that the tenant defined.
    Resources(TypeKey),
}

/// A resource type of a tenant's own, in rows: its name in lower case. Letters and digits only, so
/// that it may stand in a statement's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TypeKey {
    bytes: [u8; TYPE_NAME_BYTES_MAX],
    length: u8,
}

impl TypeKey {
    /// The key of a type's name.
    pub(crate) fn of(name: &str) -> Result<Self> {
        let fits = (1..=TYPE_NAME_BYTES_MAX).contains(&name.len());
        let begins = name.starts_with(|first: char| first.is_ascii_alphabetic());
        if !fits || !begins || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Error::refused(format!(
                "`{name}` cannot name a resource type. Give a letter and then letters and digits, {TYPE_NAME_BYTES_MAX} at most: `Device`."
            )));
        }
        let mut bytes = [0; TYPE_NAME_BYTES_MAX];
        for (to, from) in bytes.iter_mut().zip(name.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        Ok(Self { bytes, length: u8::try_from(name.len()).unwrap_or(u8::MAX) })
    }

    /// The key as text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
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
    /// The name in the table. Those of resource types have a colon, which no other has.
    fn name(self) -> Cow<'static, str> {
        match self {
            Self::Users => "users".into(),
            Self::Groups => "groups".into(),
            Self::Resources(key) => format!("type:{}", key.as_str()).into(),
        }
    }
}

/// Reads a counter.
pub(crate) fn read(r: &mut Read, tenant: &TenantId, kind: Kind) -> Result<Counter> {
    let found = r.query_opt(
        "SELECT count, shift FROM counters WHERE tenant = $1 AND kind = $2",
        params![tenant, &*kind.name()],
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
        params![tenant, &*kind.name(), id],
    )?;
    Ok(())
}

/// One less, from anywhere.
pub(crate) fn removed(tx: &mut Tx, tenant: &TenantId, kind: Kind) -> Result<()> {
    tx.execute(
        "UPDATE counters SET count = count - 1, shift = shift + 1 WHERE tenant = $1 AND kind = $2",
        params![tenant, &*kind.name()],
    )?;
    Ok(())
}
