//! Walking a scope's chain from its beginning, or from its checkpoint, to its end.

use std::fmt;
use std::ops::ControlFlow;

use serde::Serialize;

use super::checkpoint::{self, Checkpoint};
use super::{GENESIS, Head, Link, head};
use crate::error::Result;
use crate::event::payload_digest;
use crate::keys::{KeyFile, NotOpened};
use crate::params;
use crate::row::Row;
use crate::tx::Read;

/// What a walk along a scope's chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whose chain.
    pub scope: String,
    /// The checkpoint it begins behind, if its beginning was cut off.
    pub checkpoint: Option<Checkpoint>,
    /// Sealed events that were looked at and fit.
    pub event_count: u64,
    /// Those of them whose payload was erased: only its digest is vouched for.
    pub erased_count: u64,
    /// Events that wait for the sealer.
    pub unsealed_count: u64,
    /// The last link that fits. Kept elsewhere it tells later whether the end was cut off.
    pub head: Head,
    /// The first link that does not fit.
    #[serde(rename = "break")]
    pub broken: Option<Break>,
}

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Break {
    /// The place of the first event that does not fit.
    pub place: i64,
    /// Its id, if there is an event.
    pub event: Option<String>,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What can be wrong with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// The event's own fields, or its hash, are not those that were sealed.
    Changed,
    /// The payload is not the one that was written.
    PayloadChanged,
    /// There is no event of this place.
    Missing,
    /// The chain ends before the place the sealer noted.
    EndMissing,
    /// The checkpoint was not written with the key file.
    CheckpointChanged,
    /// The key file does not hold the key the checkpoint was sealed with.
    KeyMissing,
}

/// A stored event with what it says of itself.
struct Step {
    link: Link,
    place: i64,
    hash: Option<String>,
    salt: String,
    payload: Option<String>,
}

impl Flaw {
    /// The sentence for people.
    pub fn sentence(self) -> &'static str {
        match self {
            Flaw::Changed => "the event is not the one that was sealed",
            Flaw::PayloadChanged => "its payload is not the one that was written",
            Flaw::Missing => "the event is missing",
            Flaw::EndMissing => "the log ends before the place that was last sealed",
            Flaw::CheckpointChanged => "the checkpoint was not written with the key file",
            Flaw::KeyMissing => "the key file does not hold the checkpoint's key",
        }
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "place {}: {}", self.place, self.flaw.sentence())?;
        match &self.event {
            Some(id) => write!(f, " (event {id})"),
            None => Ok(()),
        }
    }
}

/// Recomputes a scope's chain, in one moment of the database, and tells the first break. Payloads are
/// held against their digests where they are still there. Without the key file a checkpoint cannot be
/// believed.
pub fn verify(r: &mut Read, keys: Option<&KeyFile>, scope: &str) -> Result<Verification> {
    let stored = checkpoint::stored(r, scope)?;
    let start = stored.as_ref().map_or_else(
        || Head { place: 0, hash: GENESIS.into() },
        |stored| Head { place: stored.checkpoint.place, hash: stored.checkpoint.hash.clone() },
    );
    let unsealed_count = r.query_one(
        "SELECT COUNT(*) FROM events WHERE scope = $1 AND place IS NULL",
        params![scope],
        |row| row.count(0),
    )?;
    let mut found = Verification {
        scope: scope.to_owned(),
        checkpoint: stored.as_ref().map(|stored| stored.checkpoint.clone()),
        event_count: 0,
        erased_count: 0,
        unsealed_count,
        head: start,
        broken: None,
    };
    if let Some(stored) = &stored {
        let opened = keys.map_or(Err(NotOpened::KeyMissing), |keys| stored.open(keys, scope));
        let flaw = match opened {
            Ok(()) => None,
            Err(NotOpened::KeyMissing) => Some(Flaw::KeyMissing),
            Err(NotOpened::Refused) => Some(Flaw::CheckpointChanged),
        };
        if let Some(flaw) = flaw {
            found.broken = Some(Break { place: found.head.place, event: None, flaw });
            return Ok(found);
        }
    }
    r.for_each(
        "SELECT e.id, e.kind, e.subject, e.actor, e.cause, e.at, e.payload_digest,
             e.format_version, e.place, e.hash, e.salt, p.payload
         FROM events e LEFT JOIN event_payloads p ON p.scope = e.scope AND p.id = e.id
         WHERE e.scope = $1 AND e.place > $2 ORDER BY e.place",
        params![scope, found.head.place],
        |row| {
            found.walk(&read_step(row)?);
            Ok(if found.broken.is_some() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        },
    )?;
    let end = head(r, scope)?;
    if found.broken.is_none() && end != found.head {
        let flaw = if end.place == found.head.place { Flaw::Changed } else { Flaw::EndMissing };
        let place = if flaw == Flaw::Changed { end.place } else { found.head.place + 1 };
        found.broken = Some(Break { place, event: None, flaw });
    }
    Ok(found)
}

impl Verification {
    fn walk(&mut self, step: &Step) {
        let expected = self.head.place + 1;
        let broken = |place, event, flaw| Some(Break { place, event, flaw });
        if step.place != expected {
            self.broken = broken(expected, None, Flaw::Missing);
            return;
        }
        let id = Some(step.link.id.clone());
        let hash = step.link.hash(&self.head.hash, step.place);
        if step.hash.as_deref() != Some(hash.as_str()) {
            self.broken = broken(step.place, id, Flaw::Changed);
            return;
        }
        match &step.payload {
            None => self.erased_count += 1,
            Some(text) if payload_digest(&step.salt, text) != step.link.payload_digest => {
                self.broken = broken(step.place, id, Flaw::PayloadChanged);
                return;
            }
            Some(_) => {}
        }
        self.event_count += 1;
        self.head = Head { place: step.place, hash };
    }
}

fn read_step(row: &Row) -> Result<Step> {
    Ok(Step {
        link: Link::read(row)?,
        place: row.int(8)?,
        hash: row.opt_text(9)?,
        salt: row.text(10)?,
        payload: row.opt_text(11)?,
    })
}
