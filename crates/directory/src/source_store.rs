//! Sources in the database.

use db::{Ctx, Read, Tx, new_id, params};
use lifecycle::SourceId;
use serde_json::json;

use crate::directory::SCOPE;
use crate::person::parsed;
use crate::source::{SOURCE_FORMAT_VERSION, SourceConfig};
use crate::{Directory, Error};

/// A source in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSource {
    /// Its id.
    pub id: SourceId,
    /// What it is.
    pub config: SourceConfig,
}

impl Directory {
    /// Makes a source, or changes the one of that name. Says whether anything changed.
    ///
    /// # Errors
    /// A configuration that cannot be used.
    pub fn put_source(&self, ctx: &Ctx, config: &SourceConfig) -> Result<bool, Error> {
        config.check()?;
        let (ctx, config) = (ctx.clone(), config.clone());
        self.db.write(SCOPE, move |tx| put(tx, &ctx, &config))
    }

    /// Every source, by name.
    ///
    /// # Errors
    /// The database failed.
    pub fn sources(&self) -> Result<Vec<StoredSource>, Error> {
        self.db
            .read(|r| Ok(r.query("SELECT id, config FROM sources ORDER BY name", &[], stored)?))
    }
}

/// The source of this name.
pub(crate) fn named(r: &mut Read, name: &str) -> Result<StoredSource, Error> {
    r.query_opt("SELECT id, config FROM sources WHERE name = $1", params![name], stored)?
        .ok_or_else(|| Error::NotFound { kind: "source", name: name.to_string() })
}

fn put(tx: &mut Tx, ctx: &Ctx, config: &SourceConfig) -> Result<bool, Error> {
    let text = serde_json::to_value(config).unwrap_or_default().to_string();
    let before = tx.query_opt(
        "SELECT config FROM sources WHERE name = $1",
        params![config.name.as_str()],
        |row| row.text(0),
    )?;
    if before.as_deref() == Some(text.as_str()) {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO sources (id, name, kind, config, format_version, created_at, updated_at) \
         VALUES ($1, $2, 'csv', $3, $4, $5, $5) ON CONFLICT (name) DO UPDATE SET \
         config = excluded.config, format_version = excluded.format_version, \
         updated_at = excluded.updated_at",
        params![new_id(), config.name.as_str(), text, SOURCE_FORMAT_VERSION, ctx.now],
    )?;
    let kind = if before.is_some() { "source.updated" } else { "source.created" };
    db::event::append(tx, ctx, SCOPE, kind, &config.name, &json!({ "source": config }))?;
    Ok(true)
}

fn stored(row: &db::Row) -> Result<StoredSource, db::Error> {
    Ok(StoredSource {
        id: parsed("source id", row.text_ref(0)?, SourceId::parse)?,
        config: serde_json::from_str(row.text_ref(1)?)
            .map_err(|error| db::Error::unreadable("source configuration", error))?,
    })
}
