//! The databases of an installation on their way somewhere else: which there are, where each goes,
//! and how the way went.

use db::TableDigest;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::{Half, Installation};

/// One half's database.
pub struct Database {
    /// Whose it is.
    pub half: Half,
    /// Its address.
    pub url: String,
}

impl Half {
    /// The half in names of files and schemas.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::ServiceProvider => "service-provider",
        }
    }
}

/// The databases of the halves that are configured.
///
/// # Errors
/// No half is.
pub fn databases(installation: &Installation) -> Result<Vec<Database>, CommandError> {
    let config = installation.config();
    let directory = config.directory.as_ref().map(|half| (Half::Directory, &half.database));
    let provider =
        config.service_provider.as_ref().map(|half| (Half::ServiceProvider, &half.database));
    let found: Vec<Database> = directory
        .into_iter()
        .chain(provider)
        .map(|(half, url)| Database { half, url: config.database(url) })
        .collect();
    if found.is_empty() {
        return Err(CommandError::usage("the configuration names no half")
            .hint("Add a [directory] or [service_provider] section."));
    }
    Ok(found)
}

/// Copies one half's database into an empty one, showing progress.
///
/// # Errors
/// The target is not empty, either side failed, or a table came out different.
pub fn copy(
    context: &Context,
    half: Half,
    from: &str,
    to: &str,
) -> Result<Vec<TableDigest>, CommandError> {
    let bar = context.output.progress(0, half.file_name());
    let progress = |table: &str, rows: u64| {
        bar.set_message(format!("{} {table}", half.file_name()));
        bar.set_position(rows);
    };
    let copied = match half {
        Half::Directory => directory::copy_database(from, to, progress)?,
        Half::ServiceProvider => service_provider::copy_database(from, to, progress)?,
    };
    bar.finish_and_clear();
    Ok(copied)
}

/// Counts and digests one half's database.
///
/// # Errors
/// It cannot be opened or read.
pub fn digests(half: Half, url: &str) -> Result<Vec<TableDigest>, CommandError> {
    Ok(match half {
        Half::Directory => directory::database_digests(url)?,
        Half::ServiceProvider => service_provider::database_digests(url)?,
    })
}

/// The tables as JSON.
pub fn shown(tables: &[TableDigest]) -> Value {
    let table = |table: &TableDigest| json!({"name": table.name, "rows": table.rows, "sha256": table.digest});
    tables.iter().map(table).collect()
}

/// How many rows in how many tables.
pub fn summary(tables: &[TableDigest]) -> String {
    let rows: u64 = tables.iter().map(|table| table.rows).sum();
    format!("{rows} rows in {} tables", tables.len())
}
