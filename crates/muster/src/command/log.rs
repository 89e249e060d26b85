//! `muster log`: what happened to whom, by whom, and because of what; and whether the log is the one
//! that was written.

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use db::seal::Checkpoint;
use db::{Event, EventQuery, Verification};
use directory::{LogEntry, LogQuery};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::listing::moment;
use crate::operator;
use crate::output::{bold, dim, green, red};
use crate::tenancy::{Tenancy, TenantOption, ctx};

/// How often the log is looked at while it is followed.
const FOLLOW_PAUSE_MILLIS: u64 = 500;
/// Most entries read at once.
const PAGE_MAX: u32 = 1_000;
/// What the directory's log goes by.
const DIRECTORY: &str = "directory";

/// Show the system log of the directory, or of a tenant, the newest entries last.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct LogArgs {
    #[command(subcommand)]
    command: Option<LogCommand>,
    #[command(flatten)]
    show: ShowArgs,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Only kinds that begin so: `account`, `import.stopped`, `group.member`.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only what happened to this person (login, e-mail address, employee number), group, rule,
    /// source or application; of a tenant's log, to this id.
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// How many entries.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Go on showing what happens, until interrupted. With --json one entry a line.
    #[arg(long)]
    follow: bool,
    /// The log of this tenant of the service provider in place of the directory's.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
}

#[derive(Debug, Subcommand)]
enum LogCommand {
    Verify(VerifyArgs),
    Truncate(TruncateArgs),
}

/// Hold the logs of both halves against their chains of hashes.
#[derive(Debug, Args)]
struct VerifyArgs {}

/// Remove old entries behind a sealed checkpoint, so that the rest can still be verified.
#[derive(Debug, Args)]
struct TruncateArgs {
    /// Entries that were written before this day (UTC) go.
    #[arg(long, value_name = "DATE")]
    before: Date,
    /// The log of this tenant.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// The log of the directory.
    #[arg(long, conflicts_with = "tenant")]
    directory: bool,
    /// The logs of both halves and of every tenant.
    #[arg(long, conflicts_with_all = ["tenant", "directory"])]
    all: bool,
}

/// A log that can be shown: the directory's or a tenant's.
enum Log {
    Directory(directory::Directory),
    Tenant(Box<Tenancy>),
}

/// What is shown of an entry.
struct Shown {
    entry: LogEntry,
    value: Value,
}

/// Runs `muster log`.
///
/// # Errors
/// The database failed; a log is not the one that was written.
pub async fn run(context: &Context, args: LogArgs) -> Result<(), CommandError> {
    match args.command {
        Some(LogCommand::Verify(_)) => verify(context),
        Some(LogCommand::Truncate(args)) => truncate(context, &args),
        None => show(context, args.show).await,
    }
}

async fn show(context: &Context, args: ShowArgs) -> Result<(), CommandError> {
    let log = match &args.tenant {
        None => Log::Directory(Installation::open(context)?.directory()?),
        tenant => Log::Tenant(Box::new(TenantOption { tenant: tenant.clone() }.open(context)?)),
    };
    let mut query = LogQuery {
        kind: args.kind,
        subject: args.subject,
        after: None,
        after_place: None,
        limit: args.limit.min(PAGE_MAX),
    };
    log.seal()?;
    let entries = log.entries(&query)?;
    if args.follow {
        return follow(context, &log, &mut query, entries).await;
    }
    if context.output.json {
        let values: Vec<Value> = entries.into_iter().map(|shown| shown.value).collect();
        return context.output.value(&Value::from(values));
    }
    if entries.is_empty() {
        context.output.say("Nothing to show.");
    }
    entries.iter().for_each(|shown| tell(context, &shown.entry));
    Ok(())
}

async fn follow(
    context: &Context,
    log: &Log,
    query: &mut LogQuery,
    first: Vec<Shown>,
) -> Result<(), CommandError> {
    let mut entries = first;
    query.limit = PAGE_MAX;
    loop {
        for shown in &entries {
            if context.output.json {
                writeln!(std::io::stdout(), "{}", serde_json::to_string(&shown.value)?)?;
            } else {
                tell(context, &shown.entry);
            }
        }
        // By place, which leaves no gap: an entry that commits late is given a later one.
        let last = entries.iter().filter_map(|shown| shown.entry.event.place).max();
        query.after_place = Some(last.or(query.after_place).unwrap_or(0));
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            () = tokio::time::sleep(Duration::from_millis(FOLLOW_PAUSE_MILLIS)) => {}
        }
        log.seal()?;
        entries = log.entries(query)?;
    }
}

impl Log {
    /// Gives new entries their places, where no server does.
    fn seal(&self) -> Result<(), CommandError> {
        match self {
            Self::Directory(directory) => drop(directory.seal_log()?),
            Self::Tenant(tenancy) => drop(tenancy.provider.seal_events()?),
        }
        Ok(())
    }

    fn entries(&self, query: &LogQuery) -> Result<Vec<Shown>, CommandError> {
        match self {
            Self::Directory(directory) => {
                let entries = directory.log(query)?.into_iter();
                entries
                    .map(|entry| Ok(Shown { value: serde_json::to_value(&entry)?, entry }))
                    .collect()
            }
            Self::Tenant(tenancy) => {
                let wanted = EventQuery {
                    kind_prefix: query.kind.clone(),
                    subject: query.subject.clone(),
                    after_id: None,
                    after_place: query.after_place,
                    limit: query.limit,
                    newest_first: query.after_place.is_none(),
                };
                let mut events = tenancy.provider.events(tenancy.id(), &wanted)?;
                if wanted.newest_first {
                    events.reverse();
                }
                events.into_iter().map(shown).collect()
            }
        }
    }
}

/// An event of a tenant; its payload is what there is to tell.
fn shown(event: Event) -> Result<Shown, CommandError> {
    let value = serde_json::to_value(&event)?;
    let subject_name = event.subject.clone();
    let payload = event.payload.as_ref().filter(|payload| **payload != json!({}));
    let sentence = payload.map(ToString::to_string).unwrap_or_default();
    Ok(Shown { value, entry: LogEntry { event, subject_name, sentence } })
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

fn verify(context: &Context) -> Result<(), CommandError> {
    let installation = Installation::open(context)?;
    let mut logs = Vec::new();
    if installation.config().directory.is_some() {
        let directory = installation.directory()?;
        directory.seal_log()?;
        logs.push((DIRECTORY.to_string(), directory.verify_log()?));
    }
    if installation.config().service_provider.is_some() {
        let provider = installation.service_provider()?;
        provider.seal_events()?;
        let tenants = provider.verify_events()?.into_iter();
        logs.extend(tenants.map(|(name, found)| (format!("service provider: {name}"), found)));
    }
    for (name, found) in &logs {
        tell_verification(context, name, found);
    }
    let value = |(name, found): &(String, Verification)| {
        let mut value = serde_json::to_value(found)?;
        value["log"] = Value::from(name.clone());
        Ok::<_, CommandError>(value)
    };
    let values = logs.iter().map(value).collect::<Result<Vec<_>, _>>()?;
    context.output.value(&Value::from(values))?;
    let broken: Vec<_> = logs.iter().filter(|(_, found)| found.broken.is_some()).collect();
    match broken.first() {
        None => Ok(()),
        Some((name, found)) => {
            let what = found.broken.as_ref().map(ToString::to_string).unwrap_or_default();
            Err(CommandError::failed(format!("the log `{name}` is broken at {what}")).hint(
                "Compare it with a backup: everything before that place is as it was written.",
            ))
        }
    }
}

fn tell_verification(context: &Context, name: &str, found: &Verification) {
    let outcome = match &found.broken {
        None => green("as it was written"),
        Some(broken) => red(&format!("broken at {broken}")),
    };
    context.output.say(format!("{}  {outcome}", bold(name)));
    context.output.say(format!(
        "    {} entries up to place {}, hash {}; {} with an erased payload, {} not sealed yet",
        found.event_count,
        found.head.place,
        found.head.hash,
        found.erased_count,
        found.unsealed_count
    ));
    if let Some(point) = &found.checkpoint {
        context.output.say(format!(
            "    behind a checkpoint at place {} of {}, by {}",
            point.place,
            moment(point.made_at),
            point.made_by
        ));
    }
}

fn truncate(context: &Context, args: &TruncateArgs) -> Result<(), CommandError> {
    if !args.all && !args.directory && args.tenant.is_none() {
        return Err(CommandError::usage("no log is named")
            .hint("Name one with --directory or --tenant NAME, or all of them with --all."));
    }
    let installation = Installation::open(context)?;
    let before = TimeZone::UTC
        .to_timestamp(args.before.at(0, 0, 0, 0))
        .map_err(|error| CommandError::usage(error.to_string()))?;
    let mut made: Vec<(String, Option<Checkpoint>)> = Vec::new();
    if args.directory || (args.all && installation.config().directory.is_some()) {
        made.push((DIRECTORY.into(), truncate_directory(&installation, before)?));
    }
    if args.tenant.is_some() || (args.all && installation.config().service_provider.is_some()) {
        let provider = installation.service_provider()?;
        provider.seal_events()?;
        let tenants = match &args.tenant {
            Some(name) => vec![provider.tenant(name)?],
            None => provider.tenants()?,
        };
        for tenant in tenants {
            let ctx = ctx(&provider, "log truncate");
            made.push((tenant.name, provider.truncate_events(&ctx, &tenant.id, before)?));
        }
    }
    for (name, point) in &made {
        context.output.say(match point {
            None => format!("{name}: nothing is older than {}.", args.before),
            Some(point) => format!("{name}: entries up to place {} are gone.", point.place),
        });
    }
    let value = |(name, point): &(String, Option<Checkpoint>)| {
        Ok(json!({"log": name, "checkpoint": serde_json::to_value(point)?}))
    };
    let values = made.iter().map(value).collect::<Result<Vec<Value>, serde_json::Error>>()?;
    context.output.value(&Value::from(values))
}

fn truncate_directory(
    installation: &Installation,
    before: Timestamp,
) -> Result<Option<Checkpoint>, CommandError> {
    let directory = installation.directory()?;
    directory.seal_log()?;
    let ctx = directory.ctx(&operator::actor(), "muster log truncate");
    Ok(directory.truncate_log(&ctx, before)?)
}
