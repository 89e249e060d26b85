//! Applications in the database: configuration, sealed token, assignments and push groups.

mod config;

use std::collections::BTreeMap;

use db::{Ctx, Read, Tx, new_id, params};
use lifecycle::{ApplicationId, RemoteGroup, RemoteId};
use serde_json::json;

pub use config::{ApplicationConfig, AssignmentConfig, MappingConfig, PushGroupConfig};

use crate::client::ScimClient;
use crate::directory::SCOPE;
use crate::group;
use crate::person::{self, parsed};
use crate::{Directory, Error, pushed_group};

/// The format version of a stored application configuration.
const APPLICATION_FORMAT_VERSION: i64 = 1;

/// An application in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredApplication {
    /// Its id.
    pub id: ApplicationId,
    /// What it is, with the assignments and push groups as they are now.
    pub config: ApplicationConfig,
    /// Whether its accounts and groups were ever listed.
    pub observed: bool,
}

impl Directory {
    /// Makes an application, or changes the one of that name. Says whether anything changed.
    ///
    /// # Errors
    /// A configuration that cannot be used: a URL that may not be reached, a mapping that is wrong.
    pub fn put_application(&self, ctx: &Ctx, config: &ApplicationConfig) -> Result<bool, Error> {
        self.check_application(config)?;
        let (ctx, config) = (ctx.clone(), config.clone());
        self.db.write(SCOPE, move |tx| put(tx, &ctx, &config))
    }

    /// Every application, by name.
    ///
    /// # Errors
    /// The database failed.
    pub fn applications(&self) -> Result<Vec<StoredApplication>, Error> {
        self.db.read(all)
    }

    /// The application of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn application(&self, name: &str) -> Result<StoredApplication, Error> {
        self.db.read(|r| named(r, name))
    }

    /// Seals the token of an application; it is never shown again.
    ///
    /// # Errors
    /// No such application; an empty token.
    pub fn set_application_token(&self, ctx: &Ctx, name: &str, token: &str) -> Result<(), Error> {
        let token = token.trim().to_string();
        if token.is_empty() {
            return Err(Error::Config {
                what: format!("application `{name}`"),
                message: "the token is empty".into(),
            });
        }
        let (ctx, name, keys) = (ctx.clone(), name.to_string(), self.keys.clone());
        self.db.write(SCOPE, move |tx| {
            let application = named(tx, &name)?;
            let secret = token_name(&application.id);
            let sealed = db::secret::secret(tx, &keys, SCOPE, &secret)?;
            if sealed.is_some_and(|sealed| sealed.bytes() == token.as_bytes()) {
                return Ok(());
            }
            db::put_secret(tx, &keys, SCOPE, &secret, token.as_bytes(), ctx.now)?;
            let kind = "application.token.set";
            db::event::append(tx, &ctx, SCOPE, kind, &application.config.name, &json!({}))?;
            db::generation::bump(tx, SCOPE, "applications")?;
            Ok(())
        })
    }

    /// A client for an application.
    ///
    /// # Errors
    /// No token was set; a base URL that may not be reached.
    pub fn client(&self, application: &StoredApplication) -> Result<ScimClient, Error> {
        let name = token_name(&application.id);
        let token = self.db.read(|r| db::secret::secret(r, &self.keys, SCOPE, &name))?;
        let config = &application.config;
        let token = token.ok_or_else(|| {
            config.wrong(format!(
                "it has no token; set one with `muster app token {} --token-file F`",
                config.name
            ))
        })?;
        let profile = config.application_profile()?;
        ScimClient::new(
            &config.base_url,
            token.text().unwrap_or_default(),
            &self.outbound,
            self.clock.clone(),
            usize::try_from(profile.body_bytes_max).unwrap_or(usize::MAX),
        )
        .map_err(|failure| Error::Application { application: config.name.clone(), failure })
    }

    fn check_application(&self, config: &ApplicationConfig) -> Result<(), Error> {
        if config.name.trim().is_empty() {
            return Err(config.wrong("its name is empty".into()));
        }
        let url = url::Url::parse(&config.base_url).map_err(|error| {
            config.wrong(format!("the base URL `{}` is no URL: {error}", config.base_url))
        })?;
        self.outbound.check(&url).map_err(|reason| config.wrong(reason))?;
        config.application_profile()?;
        crate::facts::mappings(config).map(drop)
    }
}

fn token_name(application: &ApplicationId) -> String {
    format!("application/{application}/token")
}

fn put(tx: &mut Tx, ctx: &Ctx, config: &ApplicationConfig) -> Result<bool, Error> {
    let key = config.name.trim().to_lowercase();
    let before = all(tx)?.into_iter().find(|known| known.config.name.to_lowercase() == key);
    if before.as_ref().is_some_and(|before| before.config == *config) {
        return Ok(false);
    }
    let id = before.as_ref().map_or_else(new_id, |before| before.id.to_string());
    let text = serde_json::to_value(config).unwrap_or_default().to_string();
    tx.execute(
        "INSERT INTO applications (id, name, name_key, profile, base_url, config, \
         format_version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, profile = excluded.profile, \
         base_url = excluded.base_url, config = excluded.config, \
         format_version = excluded.format_version, updated_at = excluded.updated_at",
        params![
            id.as_str(),
            config.name.trim(),
            key,
            config.profile.as_str(),
            config.base_url.as_str(),
            text,
            APPLICATION_FORMAT_VERSION,
            ctx.now
        ],
    )?;
    put_assignments(tx, ctx, &id, config)?;
    put_push_groups(tx, ctx, &id, config)?;
    let kind = if before.is_some() { "application.updated" } else { "application.created" };
    db::event::append(tx, ctx, SCOPE, kind, &config.name, &json!({ "application": config }))?;
    if let Some(before) = before.filter(|before| before.config.base_url != config.base_url) {
        move_to(tx, ctx, &before, config)?;
    }
    db::generation::bump(tx, SCOPE, "applications")?;
    Ok(true)
}

/// The application lies elsewhere now: what was seen and approved there says nothing about here, and
/// a token is not sent to another host than the one it was given for.
fn move_to(
    tx: &mut Tx,
    ctx: &Ctx,
    before: &StoredApplication,
    config: &ApplicationConfig,
) -> Result<(), Error> {
    let id = before.id.as_str();
    tx.execute("UPDATE applications SET observed_at = NULL WHERE id = $1", params![id])?;
    tx.execute("DELETE FROM approvals WHERE application_id = $1", params![id])?;
    let origin = |url: &str| url::Url::parse(url).ok().map(|url| url.origin());
    if origin(&before.config.base_url) == origin(&config.base_url) {
        return Ok(());
    }
    if db::delete_secret(tx, SCOPE, &token_name(&before.id))? {
        let payload = json!({ "because": "the application moved to another host" });
        let kind = "application.token.forgotten";
        db::event::append(tx, ctx, SCOPE, kind, &config.name, &payload)?;
    }
    Ok(())
}

/// Assignments that stay keep who made them and when.
fn put_assignments(
    tx: &mut Tx,
    ctx: &Ctx,
    id: &str,
    config: &ApplicationConfig,
) -> Result<(), Error> {
    let mut wanted: BTreeMap<(&str, String), i64> = BTreeMap::new();
    for (priority, assignment) in (0_i64..).zip(&config.assignments) {
        let key = match (&assignment.group, &assignment.person, assignment.everyone) {
            (Some(name), None, false) => ("group", group::named(tx, name)?.id.to_string()),
            (None, Some(name), false) => ("person", person::find(tx, name)?.id.to_string()),
            (None, None, true) => ("everyone", String::new()),
            _ => {
                return Err(config.wrong(
                    "an assignment names exactly one of `everyone`, `group` or `person`".into(),
                ));
            }
        };
        wanted.insert(key, priority);
    }
    let present = tx.query(
        "SELECT kind, subject FROM assignments WHERE application_id = $1",
        params![id],
        |row| Ok((row.text(0)?, row.text(1)?)),
    )?;
    for (kind, subject) in present {
        if !wanted.contains_key(&(kind.as_str(), subject.clone())) {
            tx.execute(
                "DELETE FROM assignments WHERE application_id = $1 AND kind = $2 AND subject = $3",
                params![id, kind, subject],
            )?;
        }
    }
    for ((kind, subject), priority) in wanted {
        tx.execute(
            "INSERT INTO assignments (application_id, kind, subject, priority, actor, assigned_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (application_id, kind, subject) \
             DO UPDATE SET priority = excluded.priority",
            params![id, kind, subject, priority, ctx.actor.as_str(), ctx.now],
        )?;
    }
    Ok(())
}

/// Push groups that stay keep what they are linked to; one that goes is unlinked, not deleted.
fn put_push_groups(
    tx: &mut Tx,
    ctx: &Ctx,
    id: &str,
    config: &ApplicationConfig,
) -> Result<(), Error> {
    let mut wanted = BTreeMap::new();
    for push in &config.push_groups {
        let group = group::named(tx, &push.group)?;
        let name = push.name.clone().unwrap_or_else(|| group.config.name.clone());
        wanted.insert(group.id.to_string(), name);
    }
    let present = tx.query(
        "SELECT group_id FROM push_groups WHERE application_id = $1",
        params![id],
        |row| row.text(0),
    )?;
    for group in present {
        if !wanted.contains_key(&group) {
            let known = tx.query_opt(
                "SELECT remote_id, written_name FROM push_groups WHERE application_id = $1 \
                 AND group_id = $2 AND status = 'linked' AND written_name IS NOT NULL",
                params![id, group.as_str()],
                |row| Ok((row.text(0)?, row.text(1)?)),
            )?;
            for table in ["push_groups", "pushed_members"] {
                let sql =
                    format!("DELETE FROM {table} WHERE application_id = $1 AND group_id = $2");
                tx.execute(&sql, params![id, group.as_str()])?;
            }
            // It stays there: whoever adds it again links it instead of making a second one.
            if let Some((remote_id, display_name)) = known {
                let remote_id = parsed("remote id", &remote_id, RemoteId::parse)?;
                let there = RemoteGroup { remote_id, display_name, members: None };
                let application = parsed("application id", id, ApplicationId::parse)?;
                pushed_group::put_unlinked(tx, &application, &there, ctx.now)?;
            }
        }
    }
    for (group, name) in wanted {
        tx.execute(
            "INSERT INTO push_groups (application_id, group_id, remote_name, origin, status) \
             VALUES ($1, $2, $3, '', 'pending') ON CONFLICT (application_id, group_id) \
             DO UPDATE SET remote_name = excluded.remote_name",
            params![id, group, name],
        )?;
    }
    Ok(())
}

/// Every application, by name.
pub(crate) fn all(r: &mut Read) -> Result<Vec<StoredApplication>, Error> {
    let sql = "SELECT id, config, observed_at FROM applications ORDER BY name_key";
    Ok(r.query(sql, &[], stored)?)
}

/// The application of this name, whatever its case.
pub(crate) fn named(r: &mut Read, name: &str) -> Result<StoredApplication, Error> {
    r.query_opt(
        "SELECT id, config, observed_at FROM applications WHERE name_key = $1",
        params![name.trim().to_lowercase()],
        stored,
    )?
    .ok_or_else(|| Error::NotFound { kind: "application", name: name.to_string() })
}

/// The application with this id.
pub(crate) fn by_id(r: &mut Read, id: &ApplicationId) -> Result<StoredApplication, Error> {
    r.query_opt(
        "SELECT id, config, observed_at FROM applications WHERE id = $1",
        params![id.as_str()],
        stored,
    )?
    .ok_or_else(|| Error::NotFound { kind: "application", name: id.to_string() })
}

fn stored(row: &db::Row) -> Result<StoredApplication, db::Error> {
    Ok(StoredApplication {
        id: parsed("application id", row.text_ref(0)?, ApplicationId::parse)?,
        config: serde_json::from_str(row.text_ref(1)?)
            .map_err(|error| db::Error::unreadable("application configuration", error))?,
        observed: row.opt_timestamp(2)?.is_some(),
    })
}
