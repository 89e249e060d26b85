//! `muster migrate`: the installation's databases to PostgreSQL, with proof.

use clap::Args;
use serde_json::{Map, json};

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::{Half, Installation};
use crate::transfer::{self, Database};

/// Copy the databases of both halves into an empty PostgreSQL database, each half into a schema of its
/// own, and prove that rows and digests of every table are the same. Stop `muster serve` before: what
/// is written while it copies would be missing, which is found out and refused.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// The database: `postgres://USER:PASSWORD@HOST/DATABASE`.
    #[arg(long, value_name = "URL", env = "MUSTER_MIGRATE_TO", hide_env_values = true)]
    pub to: String,
}

/// Runs `muster migrate`.
///
/// # Errors
/// The target is no PostgreSQL database or not empty; a table changed meanwhile or came out different.
pub fn run(context: &Context, args: MigrateArgs) -> Result<(), CommandError> {
    if !args.to.starts_with("postgres://") && !args.to.starts_with("postgresql://") {
        return Err(CommandError::usage("`--to` is no PostgreSQL address")
            .hint("Write postgres://USER:PASSWORD@HOST/DATABASE."));
    }
    if args.to.contains("schema=") {
        return Err(CommandError::usage("`--to` names a schema, but each half gets its own")
            .hint("Leave `schema=` out."));
    }
    let installation = Installation::open(context)?;
    let mut report = Map::new();
    let mut lines = Vec::new();
    for Database { half, url } in transfer::databases(&installation)? {
        let schema = half.file_name().replace('-', "_");
        let sign = if args.to.contains('?') { '&' } else { '?' };
        let target = format!("{}{sign}schema={schema}", args.to);
        let copied = transfer::copy(context, half, &url, &target)?;
        if transfer::digests(half, &url)? != copied {
            return Err(CommandError::failed(format!(
                "the database of the {} was written to while it was copied",
                name(half)
            ))
            .hint("Stop `muster serve`, empty the target, and migrate again."));
        }
        context.output.say(format!(
            "The {}: {}, the same on both sides.",
            name(half),
            transfer::summary(&copied)
        ));
        lines.push(format!("[{schema}]\ndatabase = \"postgres://...?schema={schema}\""));
        report.insert(schema, json!({"tables": transfer::shown(&copied)}));
    }
    context.output.say(format!(
        "\nNext: put the new addresses into {}, with user, password and host as above:\n\n{}",
        context.config.display(),
        lines.join("\n\n")
    ));
    context.output.value(&report.into())
}

fn name(half: Half) -> &'static str {
    match half {
        Half::Directory => "directory",
        Half::ServiceProvider => "service provider",
    }
}
