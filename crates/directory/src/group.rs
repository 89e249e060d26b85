//! Groups in the database: members by hand, exclusions, and the rules that fill them.

use std::collections::BTreeMap;

use db::{Ctx, Read, Tx, new_id, params};
use jiff::Timestamp;
use lifecycle::{GroupId, PersonId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::directory::SCOPE;
use crate::person::{find, parsed};
use crate::{Directory, Error};

/// A group as configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupConfig {
    /// The name; unique whatever its case.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Whether membership gives licenses somewhere, so that losing it is guarded.
    #[serde(default)]
    pub grants_licenses: bool,
}

/// A group in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredGroup {
    /// Its id.
    pub id: GroupId,
    /// What it is.
    pub config: GroupConfig,
}

/// A person put into a group, or kept out of it, by somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHand {
    /// The person.
    pub person: PersonId,
    /// Why.
    pub note: String,
    /// Who did it.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// What somebody does by hand with a person and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandEdit {
    /// The person becomes a member, whatever the rules say.
    Add,
    /// The person is no longer a member by hand.
    Remove,
    /// The person is kept out, whatever the rules say.
    Exclude,
    /// The person is no longer kept out.
    Include,
}

impl Directory {
    /// Makes a group, or changes the one of that name. Says whether anything changed.
    ///
    /// # Errors
    /// A name that is none; the database failed.
    pub fn put_group(&self, ctx: &Ctx, config: &GroupConfig) -> Result<bool, Error> {
        let (ctx, config) = (ctx.clone(), config.clone());
        self.db.write(SCOPE, move |tx| put(tx, &ctx, &config))
    }

    /// Every group, by name.
    ///
    /// # Errors
    /// The database failed.
    pub fn groups(&self) -> Result<Vec<StoredGroup>, Error> {
        self.db.read(all)
    }

    /// The group of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn group(&self, name: &str) -> Result<StoredGroup, Error> {
        self.db.read(|r| named(r, name))
    }

    /// Puts a person into a group, takes them out, keeps them out, or no longer does.
    ///
    /// # Errors
    /// No such person or group.
    pub fn edit_group_by_hand(
        &self,
        ctx: &Ctx,
        group: &str,
        person: &str,
        edit: HandEdit,
        note: &str,
    ) -> Result<(), Error> {
        let (ctx, group, person, note) =
            (ctx.clone(), group.to_string(), person.to_string(), note.to_string());
        self.db.write(SCOPE, move |tx| edit_by_hand(tx, &ctx, &group, &person, edit, &note))
    }
}

pub(crate) fn put(tx: &mut Tx, ctx: &Ctx, config: &GroupConfig) -> Result<bool, Error> {
    let name = config.name.trim();
    if name.is_empty() {
        return Err(Error::Config { what: "group".into(), message: "its name is empty".into() });
    }
    let key = name.to_lowercase();
    let before = tx.query_opt(
        "SELECT name, description, grants_licenses FROM groups WHERE name_key = $1",
        params![key.as_str()],
        |row| {
            Ok(GroupConfig {
                name: row.text(0)?,
                description: row.text(1)?,
                grants_licenses: row.bool(2)?,
            })
        },
    )?;
    if before.as_ref() == Some(config) {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO groups (id, name, name_key, description, grants_licenses, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (name_key) DO UPDATE SET \
         name = excluded.name, description = excluded.description, \
         grants_licenses = excluded.grants_licenses, updated_at = excluded.updated_at",
        params![new_id(), name, key, config.description.as_str(), config.grants_licenses, ctx.now],
    )?;
    let kind = if before.is_some() { "group.updated" } else { "group.created" };
    db::event::append(tx, ctx, SCOPE, kind, name, &json!({ "group": config }))?;
    db::generation::bump(tx, SCOPE, "groups")?;
    Ok(true)
}

/// Every group, by name.
pub(crate) fn all(r: &mut Read) -> Result<Vec<StoredGroup>, Error> {
    Ok(r.query(
        "SELECT id, name, description, grants_licenses FROM groups ORDER BY name_key",
        &[],
        stored,
    )?)
}

/// The group of this name, whatever its case.
pub(crate) fn named(r: &mut Read, name: &str) -> Result<StoredGroup, Error> {
    r.query_opt(
        "SELECT id, name, description, grants_licenses FROM groups WHERE name_key = $1",
        params![name.trim().to_lowercase()],
        stored,
    )?
    .ok_or_else(|| Error::NotFound { kind: "group", name: name.to_string() })
}

fn stored(row: &db::Row) -> Result<StoredGroup, db::Error> {
    Ok(StoredGroup {
        id: parsed("group id", row.text_ref(0)?, GroupId::parse)?,
        config: GroupConfig {
            name: row.text(1)?,
            description: row.text(2)?,
            grants_licenses: row.bool(3)?,
        },
    })
}

fn edit_by_hand(
    tx: &mut Tx,
    ctx: &Ctx,
    group: &str,
    person: &str,
    edit: HandEdit,
    note: &str,
) -> Result<(), Error> {
    let group = named(tx, group)?;
    let person = find(tx, person)?;
    let key = params![group.id.as_str(), person.id.as_str()];
    let kind = match edit {
        HandEdit::Add => {
            insert(tx, "manual_members", ctx, &group.id, &person.id, note)?;
            "group.member.added"
        }
        HandEdit::Exclude => {
            insert(tx, "exclusions", ctx, &group.id, &person.id, note)?;
            "group.member.excluded"
        }
        HandEdit::Remove => {
            let sql = "DELETE FROM manual_members WHERE group_id = $1 AND person_id = $2";
            tx.execute(sql, key)?;
            "group.member.removed"
        }
        HandEdit::Include => {
            let sql = "DELETE FROM exclusions WHERE group_id = $1 AND person_id = $2";
            tx.execute(sql, key)?;
            "group.member.included"
        }
    };
    let payload = json!({ "group": group.config.name, "note": note });
    db::event::append(tx, ctx, SCOPE, kind, person.id.as_str(), &payload)?;
    db::generation::bump(tx, SCOPE, "groups")?;
    Ok(())
}

fn insert(
    tx: &mut Tx,
    table: &'static str,
    ctx: &Ctx,
    group: &GroupId,
    person: &PersonId,
    note: &str,
) -> Result<(), Error> {
    let sql = format!(
        "INSERT INTO {table} (group_id, person_id, note, actor, added_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (group_id, person_id) DO UPDATE SET \
         note = excluded.note, actor = excluded.actor, added_at = excluded.added_at"
    );
    tx.execute(&sql, params![group.as_str(), person.as_str(), note, ctx.actor.as_str(), ctx.now])?;
    Ok(())
}

/// The rows of `manual_members` or `exclusions`, by group.
pub(crate) fn by_hand(
    r: &mut Read,
    table: &'static str,
) -> Result<BTreeMap<GroupId, Vec<ByHand>>, Error> {
    let sql = format!(
        "SELECT group_id, person_id, note, actor, added_at FROM {table} ORDER BY group_id, person_id"
    );
    let rows = r.query(&sql, &[], |row| {
        let by_hand = ByHand {
            person: parsed("person id", row.text_ref(1)?, PersonId::parse)?,
            note: row.text(2)?,
            actor: row.text(3)?,
            at: row.timestamp(4)?,
        };
        Ok((parsed("group id", row.text_ref(0)?, GroupId::parse)?, by_hand))
    })?;
    let mut grouped: BTreeMap<GroupId, Vec<ByHand>> = BTreeMap::new();
    for (group, by_hand) in rows {
        grouped.entry(group).or_default().push(by_hand);
    }
    Ok(grouped)
}
