//! Events: what happened, written in the transaction of what they tell.
//!
//! The payload lies beside the event, which carries only its salted digest: a payload can be
//! erased (a person has that right) and the record of what was done, and later the chain over
//! it, still stands. The salt keeps an erased payload from being guessed by its digest.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use jiff::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::ctx::{Ctx, new_id, successor};
use crate::digest::hex;
use crate::error::{Error, Result};
use crate::limits::LIST_MAX;
use crate::params;
use crate::row::Row;
use crate::tx::{Read, Tx};
use crate::value::Value;

/// The version of the stored form.
const FORMAT_VERSION: u32 = 1;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Event {
    /// Its id; later ones of one process sort after earlier ones.
    pub id: String,
    /// What happened, with the widest word first: `account.created`.
    pub kind: String,
    /// To whom.
    pub subject: String,
    /// By whom.
    pub actor: String,
    /// Because of what.
    pub cause: String,
    /// When.
    pub at: Timestamp,
    /// The particulars; none once erased.
    pub payload: Option<Json>,
    /// The hexadecimal SHA-256 of salt and payload.
    pub payload_digest: String,
    /// The salt of the digest.
    pub salt: String,
    /// The version of the stored form.
    pub format_version: u32,
    /// Its place in the scope's log, once sealed.
    pub place: Option<i64>,
}

/// Which events to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// Only kinds that begin so.
    pub kind_prefix: Option<String>,
    /// Only those of one subject.
    pub subject: Option<String>,
    /// Only those that follow this one in the chosen order.
    pub after_id: Option<String>,
    /// Only sealed ones behind this place, in the order of their places.
    pub after_place: Option<i64>,
    /// How many at most.
    pub limit: u32,
    /// The newest first instead of the oldest.
    pub newest_first: bool,
}

impl Default for EventQuery {
    fn default() -> EventQuery {
        EventQuery {
            kind_prefix: None,
            subject: None,
            after_id: None,
            after_place: None,
            limit: 100,
            newest_first: false,
        }
    }
}

impl Event {
    /// Whether the payload is the one that was written; true too for one that was erased.
    pub fn payload_is_genuine(&self) -> bool {
        match &self.payload {
            Some(payload) => {
                payload_digest(&self.salt, &payload.to_string()) == self.payload_digest
            }
            None => true,
        }
    }
}

/// Writes an event and says its id, in a write of the scope's turn: ids of a scope ascend in the order
/// of its commits, whatever the clocks of the nodes say.
pub fn append(
    tx: &mut Tx,
    ctx: &Ctx,
    scope: &str,
    kind: &str,
    subject: &str,
    payload: &Json,
) -> Result<String> {
    let id = next_id(tx, scope)?;
    let salt = salt()?;
    let payload = payload.to_string();
    tx.execute(
        "INSERT INTO events (scope, id, kind, subject, actor, cause, at, salt, payload_digest,
             format_version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            scope,
            &id,
            kind,
            subject,
            &ctx.actor,
            &ctx.cause,
            ctx.now,
            &salt,
            payload_digest(&salt, &payload),
            FORMAT_VERSION,
        ],
    )?;
    tx.execute(
        "INSERT INTO event_payloads (scope, id, payload) VALUES ($1, $2, $3)",
        params![scope, &id, payload],
    )?;
    Ok(id)
}

/// The events of a scope that fit `query`.
pub fn events(r: &mut Read, scope: &str, query: &EventQuery) -> Result<Vec<Event>> {
    let mut params = vec![Value::from(scope)];
    let mut conditions = Vec::new();
    if let Some(subject) = &query.subject {
        params.push(subject.into());
        conditions.push(format!("AND e.subject = ${}", params.len()));
    }
    if let Some(after) = &query.after_id {
        params.push(after.into());
        let follows = if query.newest_first { "<" } else { ">" };
        conditions.push(format!("AND e.id {follows} ${}", params.len()));
    }
    if let Some(place) = query.after_place {
        params.push(place.into());
        conditions.push(format!("AND e.place > ${}", params.len()));
    }
    if let Some(prefix) = &query.kind_prefix {
        params.extend([prefix.chars().count().into(), prefix.into()]);
        let last = params.len();
        conditions.push(format!("AND substr(e.kind, 1, CAST(${} AS INTEGER)) = ${last}", last - 1));
    }
    params.push(query.limit.min(LIST_MAX).into());
    let by = if query.after_place.is_some() { "place" } else { "id" };
    let order = if query.newest_first { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT e.id, e.kind, e.subject, e.actor, e.cause, e.at, p.payload, e.payload_digest,
             e.salt, e.format_version, e.place
         FROM events e LEFT JOIN event_payloads p ON p.scope = e.scope AND p.id = e.id
         WHERE e.scope = $1 {} ORDER BY e.{by} {order} LIMIT ${}",
        conditions.join(" "),
        params.len(),
    );
    r.query(&sql, &params, read_event)
}

/// The sealed events of a scope that follow `place`, in order: a feed without gaps. Whoever keeps the
/// last place it was given misses nothing.
pub fn events_after(r: &mut Read, scope: &str, place: i64, limit: u32) -> Result<Vec<Event>> {
    let query = EventQuery { after_place: Some(place), limit, ..EventQuery::default() };
    events(r, scope, &query)
}

/// An event without its particulars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Its place in the scope's log.
    pub place: i64,
    /// Its id.
    pub id: String,
    /// What happened.
    pub kind: String,
    /// To whom.
    pub subject: String,
}

/// The headings of the sealed events of a scope that follow `place`, in order.
pub fn headings_after(r: &mut Read, scope: &str, place: i64, limit: u32) -> Result<Vec<Heading>> {
    r.query(
        "SELECT place, id, kind, subject FROM events
         WHERE scope = $1 AND place > $2 ORDER BY place LIMIT $3",
        params![scope, place, limit.min(LIST_MAX)],
        |row| {
            Ok(Heading {
                place: row.int(0)?,
                id: row.text(1)?,
                kind: row.text(2)?,
                subject: row.text(3)?,
            })
        },
    )
}

/// The place of the event of this id; none if it has none yet, or is gone.
pub fn place(r: &mut Read, scope: &str, id: &str) -> Result<Option<i64>> {
    let found = r.query_opt(
        "SELECT place FROM events WHERE scope = $1 AND id = $2",
        params![scope, id],
        |row| row.opt_int(0),
    )?;
    Ok(found.flatten())
}

/// The event of this id.
pub fn event(r: &mut Read, scope: &str, id: &str) -> Result<Option<Event>> {
    r.query_opt(
        "SELECT e.id, e.kind, e.subject, e.actor, e.cause, e.at, p.payload, e.payload_digest,
             e.salt, e.format_version, e.place
         FROM events e LEFT JOIN event_payloads p ON p.scope = e.scope AND p.id = e.id
         WHERE e.scope = $1 AND e.id = $2",
        params![scope, id],
        read_event,
    )
}

/// Erases the payloads of a subject's events and says how many; the events stay.
pub fn erase_payloads(tx: &mut Tx, scope: &str, subject: &str) -> Result<u64> {
    tx.execute(
        "DELETE FROM event_payloads WHERE scope = $1
             AND id IN (SELECT id FROM events WHERE scope = $1 AND subject = $2)",
        params![scope, subject],
    )
}

fn read_event(row: &Row) -> Result<Event> {
    let format_version = u32::try_from(row.int(9)?).unwrap_or(u32::MAX);
    Ok(Event {
        id: row.text(0)?,
        kind: row.text(1)?,
        subject: row.text(2)?,
        actor: row.text(3)?,
        cause: row.text(4)?,
        at: row.timestamp(5)?,
        payload: row.opt_json(6)?,
        payload_digest: row.text(7)?,
        salt: row.text(8)?,
        format_version,
        place: row.opt_int(10)?,
    })
}

/// An id that follows every id of the scope. Another node's clock may be ahead of this one's, and
/// within a millisecond ids of two processes stand in no order: then the one that follows the newest
/// is taken.
fn next_id(tx: &mut Tx, scope: &str) -> Result<String> {
    let id = new_id();
    let newest = tx.query_opt(
        "SELECT id FROM events WHERE scope = $1 ORDER BY id DESC LIMIT 1",
        params![scope],
        |row| row.text(0),
    )?;
    match newest.filter(|newest| *newest >= id) {
        None => Ok(id),
        Some(newest) => successor(&newest)
            .ok_or_else(|| Error::unreadable("The id of an event", format!("`{newest}`"))),
    }
}

fn salt() -> Result<String> {
    let mut salt = [0_u8; 16];
    SystemRandom::new().fill(&mut salt).map_err(|_| Error::NoRandomness)?;
    Ok(hex(&salt))
}

/// The digest a payload is held against.
pub(crate) fn payload_digest(salt: &str, payload: &str) -> String {
    hex(&Sha256::new().chain_update(salt).chain_update(payload).finalize())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{Fixture, at};

    fn written(db: &crate::Db, kind: &'static str, subject: &'static str) -> String {
        let ctx = Ctx { actor: "ana".into(), cause: "test".into(), now: at(1) };
        let payload = json!({ "subject": subject });
        db.write("s", move |tx| append(tx, &ctx, "s", kind, subject, &payload)).unwrap()
    }

    fn kinds(db: &crate::Db, query: EventQuery) -> Vec<String> {
        let found = db.read(|r| events(r, "s", &query)).unwrap();
        found.into_iter().map(|event| event.kind).collect()
    }

    #[test]
    fn an_event_says_who_what_whom_why_and_when() {
        let Fixture { db, .. } = &Fixture::new();
        let id = written(db, "account.created", "bo");
        let event = db.read(|r| events(r, "s", &EventQuery::default())).unwrap().remove(0);
        assert_eq!(event.id, id);
        assert_eq!((event.actor.as_str(), event.cause.as_str()), ("ana", "test"));
        assert_eq!((event.kind.as_str(), event.subject.as_str()), ("account.created", "bo"));
        assert_eq!((event.at, event.place), (at(1), None));
        assert_eq!(event.payload, Some(json!({ "subject": "bo" })));
        assert!(event.payload_is_genuine());
        let forged = Event { payload: Some(json!({ "subject": "eve" })), ..event };
        assert!(!forged.payload_is_genuine());
    }

    #[test]
    fn events_are_found_by_kind_subject_and_place() {
        let Fixture { db, .. } = &Fixture::new();
        let first = written(db, "account.created", "bo");
        written(db, "group.created", "bo");
        written(db, "account.deactivated", "cy");
        let all = EventQuery::default;
        assert_eq!(kinds(db, all()), ["account.created", "group.created", "account.deactivated"]);
        assert_eq!(
            kinds(db, EventQuery { kind_prefix: Some("account.".into()), ..all() }),
            ["account.created", "account.deactivated"]
        );
        let query = EventQuery {
            kind_prefix: Some("account.".into()),
            subject: Some("bo".into()),
            ..all()
        };
        assert_eq!(kinds(db, query), ["account.created"]);
        assert_eq!(
            kinds(db, EventQuery { after_id: Some(first), limit: 1, ..all() }),
            ["group.created"]
        );
        assert_eq!(
            kinds(db, EventQuery { newest_first: true, limit: 1, ..all() }),
            ["account.deactivated"]
        );
        assert!(db.read(|r| events(r, "other", &all())).unwrap().is_empty());
    }

    #[test]
    fn an_erased_payload_leaves_its_event() {
        let Fixture { db, .. } = &Fixture::new();
        written(db, "account.created", "bo");
        written(db, "account.created", "cy");
        assert_eq!(db.write("s", |tx| erase_payloads(tx, "s", "bo")).unwrap(), 1);
        let found = db.read(|r| events(r, "s", &EventQuery::default())).unwrap();
        assert_eq!(found[0].payload, None);
        assert!(found[0].payload_is_genuine() && !found[0].payload_digest.is_empty());
        assert!(found[1].payload.is_some());
    }
}
