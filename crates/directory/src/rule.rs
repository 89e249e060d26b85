//! Rules in the database. A rule is edited in place: what it changes is one diff, so nobody leaves
//! a group and enters it again.

use db::{Ctx, Read, Tx, new_id, params};
use lifecycle::{GroupId, RuleId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::directory::SCOPE;
use crate::group::named as group_named;
use crate::person::parsed;
use crate::{Directory, Error};

/// A rule as configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// The name; unique whatever its case.
    pub name: String,
    /// The condition over `user`, in CEL syntax: `user.department == "Sales"`.
    pub condition: String,
    /// The names of the groups it fills.
    pub groups: Vec<String>,
    /// Whether it is asked at all.
    #[serde(default = "yes")]
    pub active: bool,
}

fn yes() -> bool {
    true
}

/// A rule in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRule {
    /// Its id.
    pub id: RuleId,
    /// What it is.
    pub config: RuleConfig,
    /// The groups it fills.
    pub groups: Vec<GroupId>,
}

impl Directory {
    /// Makes a rule, or changes the one of that name. Says whether anything changed.
    ///
    /// # Errors
    /// A condition that is wrong, with the column; a group that does not exist.
    pub fn put_rule(&self, ctx: &Ctx, config: &RuleConfig) -> Result<bool, Error> {
        let (ctx, config) = (ctx.clone(), config.clone());
        self.db.write(SCOPE, move |tx| put(tx, &ctx, &config))
    }

    /// Removes a rule; its members leave with the next plan.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn remove_rule(&self, ctx: &Ctx, name: &str) -> Result<(), Error> {
        let (ctx, name) = (ctx.clone(), name.to_string());
        self.db.write(SCOPE, move |tx| remove(tx, &ctx, &name))
    }

    /// Every rule, by name.
    ///
    /// # Errors
    /// The database failed.
    pub fn rules(&self) -> Result<Vec<StoredRule>, Error> {
        self.db.read(all)
    }
}

/// Checks a condition against the profile's schema.
pub(crate) fn checked(config: &RuleConfig) -> Result<lifecycle::Expression, Error> {
    lifecycle::Rule::condition(&config.condition).map_err(|error| Error::Config {
        what: format!("rule `{}`", config.name),
        message: error.to_string(),
    })
}

pub(crate) fn put(tx: &mut Tx, ctx: &Ctx, config: &RuleConfig) -> Result<bool, Error> {
    let name = config.name.trim();
    if name.is_empty() || config.groups.is_empty() {
        let message = if name.is_empty() { "its name is empty" } else { "it fills no group" };
        return Err(Error::Config { what: format!("rule `{name}`"), message: message.into() });
    }
    checked(config)?;
    let mut groups = Vec::with_capacity(config.groups.len());
    for group in &config.groups {
        groups.push(group_named(tx, group)?);
    }
    let mut wanted = config.clone();
    wanted.groups = groups.iter().map(|group| group.config.name.clone()).collect();
    wanted.groups.sort();
    let before = all(tx)?.into_iter().find(|rule| rule.config.name.eq_ignore_ascii_case(name));
    if before.as_ref().is_some_and(|before| before.config == wanted) {
        return Ok(false);
    }
    let id = before.as_ref().map_or_else(new_id, |before| before.id.to_string());
    tx.execute(
        "INSERT INTO rules (id, name, name_key, condition, active, version, actor, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $7) ON CONFLICT (id) DO UPDATE SET \
         name = excluded.name, condition = excluded.condition, active = excluded.active, \
         version = rules.version + 1, actor = excluded.actor, updated_at = excluded.updated_at",
        params![
            id.as_str(),
            name,
            name.to_lowercase(),
            config.condition.as_str(),
            config.active,
            ctx.actor.as_str(),
            ctx.now
        ],
    )?;
    tx.execute("DELETE FROM rule_groups WHERE rule_id = $1", params![id.as_str()])?;
    for group in &groups {
        tx.execute(
            "INSERT INTO rule_groups (rule_id, group_id) VALUES ($1, $2) \
             ON CONFLICT (rule_id, group_id) DO NOTHING",
            params![id.as_str(), group.id.as_str()],
        )?;
    }
    let kind = if before.is_some() { "rule.updated" } else { "rule.created" };
    let payload = json!({ "rule": wanted, "before": before.map(|before| before.config) });
    db::event::append(tx, ctx, SCOPE, kind, name, &payload)?;
    db::generation::bump(tx, SCOPE, "rules")?;
    Ok(true)
}

fn remove(tx: &mut Tx, ctx: &Ctx, name: &str) -> Result<(), Error> {
    let rule = all(tx)?
        .into_iter()
        .find(|rule| rule.config.name.eq_ignore_ascii_case(name))
        .ok_or_else(|| Error::NotFound { kind: "rule", name: name.to_string() })?;
    tx.execute("DELETE FROM rule_groups WHERE rule_id = $1", params![rule.id.as_str()])?;
    tx.execute("DELETE FROM rules WHERE id = $1", params![rule.id.as_str()])?;
    let payload = json!({ "rule": rule.config });
    db::event::append(tx, ctx, SCOPE, "rule.removed", &rule.config.name, &payload)?;
    db::generation::bump(tx, SCOPE, "rules")?;
    Ok(())
}

/// Every rule, by name.
pub(crate) fn all(r: &mut Read) -> Result<Vec<StoredRule>, Error> {
    let mut rules =
        r.query("SELECT id, name, condition, active FROM rules ORDER BY name_key", &[], |row| {
            Ok(StoredRule {
                id: parsed("rule id", row.text_ref(0)?, RuleId::parse)?,
                config: RuleConfig {
                    name: row.text(1)?,
                    condition: row.text(2)?,
                    groups: Vec::new(),
                    active: row.bool(3)?,
                },
                groups: Vec::new(),
            })
        })?;
    let targets = r.query(
        "SELECT rg.rule_id, g.id, g.name FROM rule_groups rg JOIN groups g ON g.id = rg.group_id \
         ORDER BY g.name",
        &[],
        |row| {
            let group = parsed("group id", row.text_ref(1)?, GroupId::parse)?;
            Ok((row.text(0)?, group, row.text(2)?))
        },
    )?;
    for (rule_id, group, name) in targets {
        if let Some(rule) = rules.iter_mut().find(|rule| rule.id.as_str() == rule_id) {
            rule.groups.push(group);
            rule.config.groups.push(name);
        }
    }
    Ok(rules)
}
