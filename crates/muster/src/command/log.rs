//! `muster log`: what happened to whom, by whom, and because of what.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use directory::{Directory, LogEntry, LogQuery};

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::output::{bold, dim};

/// How often the log is looked at while it is followed.
const FOLLOW_PAUSE_MILLIS: u64 = 500;
/// Most entries read at once.
const PAGE_MAX: u32 = 1_000;

/// Show the system log of the directory, the newest entries last.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Only kinds that begin so: `account`, `import.stopped`, `group.member`.
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Only what happened to this person (login, e-mail address, employee number), group, rule,
    /// source or application.
    #[arg(long, value_name = "SUBJECT")]
    pub subject: Option<String>,
    /// How many entries.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub limit: u32,
    /// Go on showing what happens, until interrupted. With --json one entry a line.
    #[arg(long)]
    pub follow: bool,
}

/// Runs `muster log`.
///
/// # Errors
/// The database failed.
pub async fn run(context: &Context, args: LogArgs) -> Result<(), CommandError> {
    let directory = Installation::open(context)?.directory()?;
    let mut query = LogQuery {
        kind: args.kind,
        subject: args.subject,
        after: None,
        limit: args.limit.min(PAGE_MAX),
    };
    let entries = directory.log(&query)?;
    if !args.follow {
        if context.output.json {
            return context.output.value(&serde_json::to_value(&entries)?);
        }
        if entries.is_empty() {
            context.output.say("Nothing to show.");
        }
        entries.iter().for_each(|entry| tell(context, entry));
        return Ok(());
    }
    follow(context, &directory, &mut query, entries).await
}

async fn follow(
    context: &Context,
    directory: &Directory,
    query: &mut LogQuery,
    first: Vec<LogEntry>,
) -> Result<(), CommandError> {
    let mut entries = first;
    // Every id sorts after the empty one, so an empty log is followed from its beginning.
    query.after = Some(String::new());
    query.limit = PAGE_MAX;
    loop {
        for entry in &entries {
            if context.output.json {
                writeln!(std::io::stdout(), "{}", serde_json::to_string(entry)?)?;
            } else {
                tell(context, entry);
            }
            query.after = Some(entry.event.id.clone());
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            () = tokio::time::sleep(Duration::from_millis(FOLLOW_PAUSE_MILLIS)) => {}
        }
        entries = directory.log(query)?;
    }
}

fn tell(context: &Context, entry: &LogEntry) {
    let event = &entry.event;
    context.output.say(format!(
        "{}  {}  {}  {}",
        dim(&event.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
        bold(&format!("{:<22}", event.kind)),
        entry.subject_name,
        dim(&format!("by {} ({})", event.actor, event.cause)),
    ));
    if !entry.sentence.is_empty() {
        context.output.say(format!("    {}", entry.sentence));
    }
}
