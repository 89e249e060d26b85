//! Cutting off the beginning of a chain, behind a checkpoint that keeps the rest verifiable.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::head;
use crate::ctx::Ctx;
use crate::database::Db;
use crate::error::{Error, Result};
use crate::event::append;
use crate::keys::{KeyFile, NotOpened, Sealed};
use crate::limits::PRUNE_BATCH_MAX;
use crate::params;
use crate::tx::{Read, Tx};
use crate::value::micros;

/// The version of the sealed form; it is sealed in too.
const FORMAT_VERSION: i64 = 1;

/// The word of a checkpoint: up to here events were removed, and the chain goes on from this hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// The place of the last event that was removed.
    pub place: i64,
    /// Its hash.
    pub hash: String,
    /// The moment before which events were to go.
    pub before: Timestamp,
    /// When that was done.
    pub made_at: Timestamp,
    /// By whom.
    pub made_by: String,
    /// The key of the key file it is sealed with.
    pub key_id: String,
}

/// Where a chain is to be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Events from this moment on stay.
    pub before: Timestamp,
    /// Events of later places stay whatever their time: somebody has yet to read them.
    pub place_max: Option<i64>,
}

/// The newest checkpoint of a scope with the seal that makes it credible.
pub(super) struct Stored {
    pub(super) checkpoint: Checkpoint,
    format_version: i64,
    nonce: Vec<u8>,
    seal: Vec<u8>,
}

/// The newest checkpoint of a scope.
pub fn checkpoint(r: &mut Read, scope: &str) -> Result<Option<Checkpoint>> {
    Ok(stored(r, scope)?.map(|stored| stored.checkpoint))
}

impl Db {
    /// Cuts off the beginning of a scope's chain and removes it, in batches; none if there was nothing
    /// to cut. What an earlier call left behind is removed as well.
    pub fn truncate_events(
        &self,
        keys: &KeyFile,
        ctx: &Ctx,
        scope: &str,
        cut: Cut,
    ) -> Result<Option<Checkpoint>> {
        let (name, keys, ctx) = (scope.to_owned(), keys.clone(), ctx.clone());
        let made = self.write(scope, move |tx| truncate(tx, &keys, &ctx, &name, cut))?;
        loop {
            let name = scope.to_owned();
            if self.write(scope, move |tx| prune(tx, &name, PRUNE_BATCH_MAX))? == 0 {
                return Ok(made);
            }
        }
    }
}

/// Writes a checkpoint behind the last event of the longest beginning of the chain that is older
/// than `cut` says; none if there is nothing to remove. The events go by [`prune`], which may take a
/// while: to whoever verifies they are gone from now on.
pub fn truncate(
    tx: &mut Tx,
    keys: &KeyFile,
    ctx: &Ctx,
    scope: &str,
    cut: Cut,
) -> Result<Option<Checkpoint>> {
    let first_kept = tx.query_one(
        "SELECT MIN(place) FROM events WHERE scope = $1 AND place IS NOT NULL AND at >= $2",
        params![scope, cut.before],
        |row| row.opt_int(0),
    )?;
    let end = head(tx, scope)?.place;
    let last = first_kept.map_or(end, |place| place - 1);
    let last = cut.place_max.map_or(last, |max| last.min(max));
    let done = checkpoint(tx, scope)?.map_or(0, |checkpoint| checkpoint.place);
    if last <= done {
        return Ok(None);
    }
    let hash = tx.query_one(
        "SELECT hash FROM events WHERE scope = $1 AND place = $2",
        params![scope, last],
        |row| row.text(0),
    )?;
    let mut checkpoint = Checkpoint {
        place: last,
        hash,
        before: cut.before,
        made_at: ctx.now,
        made_by: ctx.actor.clone(),
        key_id: keys.key_id().to_owned(),
    };
    let sealed = keys
        .seal(&context(scope, &checkpoint, FORMAT_VERSION), b"")
        .ok_or_else(|| Error::Unsealed { scope: scope.into(), name: "checkpoint".into() })?;
    checkpoint.key_id = sealed.key_id;
    tx.execute(
        "INSERT INTO event_checkpoints (scope, place, hash, before, made_at, made_by,
             format_version, key_id, nonce, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            scope,
            checkpoint.place,
            &checkpoint.hash,
            checkpoint.before,
            checkpoint.made_at,
            &checkpoint.made_by,
            FORMAT_VERSION,
            &checkpoint.key_id,
            sealed.nonce,
            sealed.bytes,
        ],
    )?;
    let payload = json!({"place": last, "before": cut.before.to_string()});
    append(tx, ctx, scope, "log.truncated", scope, &payload)?;
    Ok(Some(checkpoint))
}

/// Removes events that lie before the newest checkpoint, up to `limit`; says how many.
pub fn prune(tx: &mut Tx, scope: &str, limit: u32) -> Result<u64> {
    let Some(checkpoint) = checkpoint(tx, scope)? else { return Ok(0) };
    let ids = tx.query(
        "SELECT id FROM events WHERE scope = $1 AND place IS NOT NULL AND place <= $2
         ORDER BY place LIMIT $3",
        params![scope, checkpoint.place, limit],
        |row| row.text(0),
    )?;
    for id in &ids {
        for sql in [
            "DELETE FROM event_payloads WHERE scope = $1 AND id = $2",
            "DELETE FROM events WHERE scope = $1 AND id = $2",
        ] {
            tx.execute(sql, params![scope, id])?;
        }
    }
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}

pub(super) fn stored(r: &mut Read, scope: &str) -> Result<Option<Stored>> {
    r.query_opt(
        "SELECT place, hash, before, made_at, made_by, key_id, format_version, nonce, seal
         FROM event_checkpoints WHERE scope = $1 ORDER BY place DESC LIMIT 1",
        params![scope],
        |row| {
            Ok(Stored {
                checkpoint: Checkpoint {
                    place: row.int(0)?,
                    hash: row.text(1)?,
                    before: row.timestamp(2)?,
                    made_at: row.timestamp(3)?,
                    made_by: row.text(4)?,
                    key_id: row.text(5)?,
                },
                format_version: row.int(6)?,
                nonce: row.blob(7)?,
                seal: row.blob(8)?,
            })
        },
    )
}

impl Stored {
    /// Whether the row is the one that was written.
    pub(super) fn open(&self, keys: &KeyFile, scope: &str) -> Result<(), NotOpened> {
        let sealed = Sealed {
            key_id: self.checkpoint.key_id.clone(),
            nonce: self.nonce.clone(),
            bytes: self.seal.clone(),
        };
        keys.unseal(&context(scope, &self.checkpoint, self.format_version), sealed).map(drop)
    }
}

/// What the seal covers. The scope's length keeps it apart from the numbers that follow.
fn context(scope: &str, checkpoint: &Checkpoint, format_version: i64) -> Vec<u8> {
    let Checkpoint { place, hash, before, made_at, made_by, .. } = checkpoint;
    let (before, made_at, length) = (micros(*before), micros(*made_at), scope.len());
    format!(
        "checkpoint/{format_version}/{length}/{scope}/{place}/{hash}/{before}/{made_at}/{made_by}"
    )
    .into_bytes()
}
