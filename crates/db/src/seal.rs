//! The sealer: gives every event its place and its hash, after the commit that wrote it.
//!
//! So no writer waits for another to number an event. Places of a scope are 1, 2, 3, … without a
//! gap, in the order of commits: writers of a scope go one after another, each event's id follows
//! those before it ([`crate::event::append`]), and an event that commits late gets a later place.
//! Sealing is a write of the same turn, and one holder at a time does it.
//!
//! The hash of an event covers the hash before it and everything of the event but its payload, of
//! which it covers the salted digest. [`verify`] walks the chain; [`truncate`] cuts its beginning off
//! behind a checkpoint that is sealed with the key file.

mod checkpoint;
mod verify;

use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::ctx::new_id;
use crate::database::Db;
use crate::digest::hex;
use crate::error::{Error, Result};
use crate::lease;
use crate::limits::{SEAL_BATCH_MAX, SEAL_LEASE_SECS, SEAL_ROUNDS_MAX, SEAL_SCOPE_COUNT_MAX};
use crate::params;
use crate::row::Row;
use crate::tx::{Read, Tx};
use crate::value::micros;

pub use checkpoint::{Checkpoint, Cut, checkpoint, prune, truncate};
pub use verify::{Break, Flaw, Verification, verify};

/// The lease of whoever seals a scope's events in several batches.
const LEASE: &str = "sealer";
/// What the first event of a chain follows: no hash is so.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The last link of a scope's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The place of the last sealed event; 0 if there is none.
    pub place: i64,
    /// Its hash.
    pub hash: String,
}

/// What one batch of sealing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealing {
    /// Another holder is at it.
    Elsewhere,
    /// So many events were sealed, and whether there may be more.
    Sealed {
        /// How many.
        count: usize,
        /// Whether the batch was full.
        more: bool,
    },
}

/// An event as far as its hash covers it.
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) actor: String,
    pub(crate) cause: String,
    pub(crate) at: Timestamp,
    pub(crate) payload_digest: String,
    pub(crate) format_version: i64,
}

impl Link {
    /// Reads the first eight columns of a row, which are a link's in their order.
    pub(crate) fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.text(0)?,
            kind: row.text(1)?,
            subject: row.text(2)?,
            actor: row.text(3)?,
            cause: row.text(4)?,
            at: row.timestamp(5)?,
            payload_digest: row.text(6)?,
            format_version: row.int(7)?,
        })
    }
}

/// Who this process is where one of several may seal.
static HOLDER: LazyLock<String> = LazyLock::new(new_id);

impl Db {
    /// Seals what waits to be sealed in every scope, as far as no other process is at it; says how
    /// many events that were.
    pub fn seal_events_now(&self, now: Timestamp) -> Result<u64> {
        self.seal_events(&HOLDER, now)
    }

    /// Seals what waits to be sealed in every scope, as far as nobody else is at it; says how many
    /// events that were. The turn of a scope's writers is the scope.
    pub fn seal_events(&self, holder: &str, now: Timestamp) -> Result<u64> {
        let mut count = 0;
        for scope in self.read(|r| unsealed_scopes(r, SEAL_SCOPE_COUNT_MAX))? {
            count += self.seal_events_of(&scope, holder, now)?;
        }
        Ok(count)
    }

    /// Seals what waits to be sealed in one scope; says how many events that were.
    pub fn seal_events_of(&self, scope: &str, holder: &str, now: Timestamp) -> Result<u64> {
        let mut sum = 0;
        for _ in 0..SEAL_ROUNDS_MAX {
            let (name, holder) = (scope.to_owned(), holder.to_owned());
            match self.write(scope, move |tx| seal(tx, &name, &holder, now, SEAL_BATCH_MAX))? {
                Sealing::Elsewhere => break,
                Sealing::Sealed { count, more } => {
                    sum += u64::try_from(count).unwrap_or(u64::MAX);
                    if !more {
                        break;
                    }
                }
            }
        }
        Ok(sum)
    }
}

/// Scopes with events that are not sealed yet.
pub fn unsealed_scopes(r: &mut Read, limit: u32) -> Result<Vec<String>> {
    r.query(
        "SELECT DISTINCT scope FROM events WHERE place IS NULL ORDER BY scope LIMIT $1",
        params![limit],
        |row| row.text(0),
    )
}

/// Whether a scope has events that are not sealed yet.
pub fn has_unsealed(r: &mut Read, scope: &str) -> Result<bool> {
    let found = r.query_opt(
        "SELECT 1 FROM events WHERE scope = $1 AND place IS NULL LIMIT 1",
        params![scope],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// The scopes that have a chain.
pub fn scopes(r: &mut Read) -> Result<Vec<String>> {
    r.query("SELECT scope FROM event_chains ORDER BY scope", &[], |row| row.text(0))
}

/// The end of a scope's chain.
pub fn head(r: &mut Read, scope: &str) -> Result<Head> {
    let found = r.query_opt(
        "SELECT place, hash FROM event_chains WHERE scope = $1",
        params![scope],
        |row| Ok(Head { place: row.int(0)?, hash: row.text(1)? }),
    )?;
    Ok(found.unwrap_or_else(|| Head { place: 0, hash: GENESIS.into() }))
}

/// Seals the next events of a scope, up to `limit`, in a write of the scope's turn. Whoever has more
/// than one batch to do keeps the lease in between.
pub fn seal(tx: &mut Tx, scope: &str, holder: &str, now: Timestamp, limit: u32) -> Result<Sealing> {
    if lease::holder(tx, scope, LEASE, now)?.is_some_and(|lease| lease.holder != holder) {
        return Ok(Sealing::Elsewhere);
    }
    let links = tx.query(
        "SELECT id, kind, subject, actor, cause, at, payload_digest, format_version FROM events
         WHERE scope = $1 AND place IS NULL ORDER BY id LIMIT $2",
        params![scope, limit],
        Link::read,
    )?;
    let count = links.len();
    let more = u32::try_from(count).unwrap_or(u32::MAX) >= limit;
    if more {
        lease::acquire(tx, scope, LEASE, holder, now, SEAL_LEASE_SECS)?;
    } else {
        lease::release(tx, scope, LEASE, holder)?;
    }
    if count == 0 {
        return Ok(Sealing::Sealed { count, more });
    }
    let before = head(tx, scope)?;
    let mut end = before.clone();
    for link in &links {
        end = Head { place: end.place + 1, hash: link.hash(&end.hash, end.place + 1) };
        let sealed = tx.execute(
            "UPDATE events SET place = $1, hash = $2 WHERE scope = $3 AND id = $4 AND place IS NULL",
            params![end.place, &end.hash, scope, &link.id],
        )?;
        // It was read in this transaction, so that only a weaker isolation than ours gets here.
        if sealed == 0 {
            return Err(Error::Busy);
        }
    }
    let moved = tx.execute(
        "INSERT INTO event_chains (scope, place, hash, sealed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (scope) DO UPDATE SET
             place = excluded.place, hash = excluded.hash, sealed_at = excluded.sealed_at
         WHERE event_chains.place = $5",
        params![scope, end.place, &end.hash, now, before.place],
    )?;
    if moved == 0 { Err(Error::Busy) } else { Ok(Sealing::Sealed { count, more }) }
}

impl Link {
    /// The hash of the event at `place` that follows one with the hash `before`. Every part goes in
    /// behind its length, so that no two events read the same.
    pub(crate) fn hash(&self, before: &str, place: i64) -> String {
        let numbers =
            [place, micros(self.at), self.format_version].map(|number| number.to_string());
        let [place, at, format_version] = &numbers;
        let parts = [
            before,
            place,
            &self.id,
            &self.kind,
            &self.subject,
            &self.actor,
            &self.cause,
            at,
            &self.payload_digest,
            format_version,
        ];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hex(&hash.finalize())
    }
}

#[cfg(test)]
mod tests;
