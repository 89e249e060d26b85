//! `muster backup` and `muster restore`: whole installations, of either engine, while they run.

use std::path::{Path, PathBuf};

use clap::Args;
use db::{Clock, TableDigest};
use serde_json::{Value, json};

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::{Half, Installation};
use crate::transfer::{self, Database};

/// What a backup is described by.
const MANIFEST: &str = "manifest.json";
const FORMAT_VERSION: u64 = 1;

/// Write a backup into a new folder, beside a running server: each database as of one moment, with
/// rows and digests of every table. The key file is not in it: keep that apart, since with both
/// together sealed secrets can be read.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The folder; it must not exist yet, or be empty.
    pub dir: PathBuf,
}

/// Read a backup into the configured databases, which must be empty, on either engine, and prove that
/// they hold what the backup holds. Put the key file of then into its place as well.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The folder that `muster backup` wrote.
    pub dir: PathBuf,
}

/// Runs `muster backup`.
///
/// # Errors
/// The folder is in use; a database cannot be read; the disk is full.
pub fn backup(context: &Context, args: BackupArgs) -> Result<(), CommandError> {
    let installation = Installation::open(context)?;
    std::fs::create_dir_all(&args.dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&args.dir, std::fs::Permissions::from_mode(0o700))?;
    }
    if std::fs::read_dir(&args.dir)?.next().is_some() {
        return Err(CommandError::usage(format!("{} is not empty", args.dir.display()))
            .hint("Name a new folder for each backup."));
    }
    let mut described = Vec::new();
    for Database { half, url } in transfer::databases(&installation)? {
        let copied = transfer::copy(context, half, &url, &file(&args.dir, half))?;
        context.output.say(format!("{}: {}.", half.file_name(), transfer::summary(&copied)));
        described.push(json!({"half": half.file_name(), "tables": transfer::shown(&copied)}));
    }
    let manifest = json!({
        "format_version": FORMAT_VERSION,
        "muster": env!("CARGO_PKG_VERSION"),
        "made_at": Clock::system().now(),
        "databases": described,
    });
    // Written last: a folder without it is no backup.
    let path = args.dir.join(MANIFEST);
    std::fs::write(&path, serde_json::to_string_pretty(&manifest)?)?;
    context.output.say(format!(
        "Wrote {}. The key file {} is not in it: keep a copy elsewhere.",
        args.dir.display(),
        installation.key_file().display()
    ));
    context.output.value(&manifest)
}

/// Runs `muster restore`.
///
/// # Errors
/// The folder is no backup, or was changed; a configured database is not empty.
pub fn restore(context: &Context, args: RestoreArgs) -> Result<(), CommandError> {
    let installation = Installation::open(context)?;
    let path = args.dir.join(MANIFEST);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        CommandError::usage(format!("{} cannot be read: {error}", path.display()))
            .hint("Name a folder that `muster backup` wrote to its end.")
    })?;
    let manifest: Value = serde_json::from_str(&text)
        .map_err(|error| CommandError::usage(format!("{}: {error}", path.display())))?;
    if manifest["format_version"] != FORMAT_VERSION {
        return Err(CommandError::usage(format!(
            "{} has the format {}, and this version reads {FORMAT_VERSION}",
            path.display(),
            manifest["format_version"]
        ))
        .hint("Restore it with the version of Muster that wrote it."));
    }
    let mut restored = Vec::new();
    for Database { half, url } in transfer::databases(&installation)? {
        let databases = manifest["databases"].as_array();
        let described = databases
            .and_then(|found| found.iter().find(|one| one["half"] == half.file_name()))
            .ok_or_else(|| {
                CommandError::usage(format!("the backup has no {}", half.file_name()))
                    .hint("Take its section out of the configuration, or name another backup.")
            })?;
        let from = file(&args.dir, half);
        check(&transfer::digests(half, &from)?, &described["tables"])?;
        let copied = transfer::copy(context, half, &from, &url)?;
        context.output.say(format!(
            "{}: {}, as in the backup.",
            half.file_name(),
            transfer::summary(&copied)
        ));
        restored.push(json!({"half": half.file_name(), "tables": transfer::shown(&copied)}));
    }
    context.output.value(&json!({"made_at": manifest["made_at"], "databases": restored}))
}

/// A backup holds what it held when it was made. Tables that have come with a later version are empty.
fn check(found: &[TableDigest], described: &Value) -> Result<(), CommandError> {
    let found = transfer::shown(found);
    let described = described.as_array().map(Vec::as_slice).unwrap_or_default();
    let tables = found.as_array().map(Vec::as_slice).unwrap_or_default();
    match described.iter().find(|table| !tables.contains(table)) {
        None => Ok(()),
        Some(table) => Err(CommandError::failed(format!(
            "the table {} of the backup is not what was backed up",
            table["name"]
        ))
        .hint(
            "The files were changed or damaged, or another version of Muster wrote them: use that one, or another backup.",
        )),
    }
}

fn file(dir: &Path, half: Half) -> String {
    format!("sqlite:{}", dir.join(half.file_name()).with_extension("db").display())
}
