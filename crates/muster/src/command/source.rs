//! `muster source`: where people come from.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use directory::{Directory, ImportOptions, ImportReport, LogQuery, SourceConfig, limits};
use jiff::civil::Date;
use lifecycle::Acceptance;
use serde_json::json;

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::operator::{counted, ctx, day, toml_file};

/// Sources of people: HR exports and how they are read.
#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    Add(AddArgs),
    Import(ImportArgs),
    List(ListArgs),
}

/// Add a source, or change the one of that name.
///
/// The file says which column is which attribute of a person, how dates are written, which values
/// are generated and when a file is refused; `examples/acme/sources/hr.toml` is one to start from.
/// Columns that are not mapped are never stored.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The source as a TOML file.
    pub file: PathBuf,
}

/// Import a file of a source: people join, change, and leave on the days it says.
///
/// A row that cannot be read is set aside with its line and the reason, and the rest goes on. A file
/// that breaks the source's contract (empty, a column gone, too many people missing) changes nothing:
/// the command says why, what to do, and exits with 3.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The source.
    pub source: String,
    /// The file; `-` reads standard input.
    pub file: PathBuf,
    /// The day it is imported for, as YYYY-MM-DD; today if left out.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    /// Allow up to so many people to be missing, this once.
    #[arg(long, value_name = "N")]
    pub accept_shrink: Option<u64>,
}

/// List the sources and what was last imported.
#[derive(Debug, Args)]
pub struct ListArgs {}

/// Runs `muster source`.
///
/// # Errors
/// Whatever could not be done; a file that was stopped is held.
pub fn run(context: &Context, command: SourceCommand) -> Result<(), CommandError> {
    let directory = Installation::open(context)?.directory()?;
    match command {
        SourceCommand::Add(args) => add(context, &directory, &args),
        SourceCommand::Import(args) => import(context, &directory, &args),
        SourceCommand::List(_) => list(context, &directory),
    }
}

fn add(context: &Context, directory: &Directory, args: &AddArgs) -> Result<(), CommandError> {
    let config: SourceConfig = toml_file(&args.file)?;
    let changed = directory.put_source(&ctx(directory, "source add"), &config)?;
    if changed {
        context.output.say(format!(
            "Source {} is set: {} are mapped, {} generated.",
            config.name,
            counted(config.columns.len() as u64, "column"),
            counted(config.generated.len() as u64, "value")
        ));
        context.output.say(format!("Next: muster source import {} FILE", config.name));
    } else {
        context.output.say(format!("Source {} is as the file says already.", config.name));
    }
    context.output.value(&json!({ "source": config, "changed": changed }))
}

fn import(context: &Context, directory: &Directory, args: &ImportArgs) -> Result<(), CommandError> {
    let bytes = read(&args.file)?;
    let file_name = match args.file.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => args.file.display().to_string(),
    };
    let options = ImportOptions {
        as_of: day(directory, args.as_of),
        acceptance: Acceptance { shrink: args.accept_shrink },
    };
    let bar = context.output.progress(1, &format!("Importing {file_name}"));
    let ctx = ctx(directory, "source import");
    let report = directory.import(&ctx, &args.source, &file_name, &bytes, &options);
    bar.finish_and_clear();
    let report = report?;
    context.output.value(&serde_json::to_value(&report)?)?;
    if report.is_stopped() {
        return Err(stopped(&report));
    }
    tell(context, &report)
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, CommandError> {
    let cannot = |error| CommandError::usage(format!("{} cannot be read: {error}", path.display()));
    // One byte more than allowed is read, so that the import can say that it is too long.
    let bytes_max = limits::SOURCE_BYTES_MAX + 1;
    let mut bytes = Vec::new();
    if path == std::path::Path::new("-") {
        std::io::stdin().take(bytes_max).read_to_end(&mut bytes).map_err(cannot)?;
    } else {
        let file = std::fs::File::open(path).map_err(cannot)?;
        file.take(bytes_max).read_to_end(&mut bytes).map_err(cannot)?;
    }
    Ok(bytes)
}

/// Why nothing was changed, each reason with what to do.
fn stopped(report: &ImportReport) -> CommandError {
    let reasons: Vec<&str> = report.stopped.iter().map(|stop| stop.reason.as_str()).collect();
    let held = CommandError::held(format!(
        "{} was stopped and changed nothing. {}",
        report.file_name,
        reasons.join(" ")
    ));
    report.stopped.iter().fold(held, |error, stop| error.hint(stop.next_step.clone()))
}

fn tell(context: &Context, report: &ImportReport) -> Result<(), CommandError> {
    let output = &context.output;
    output.say(format!(
        "{}: {} for {}: {} joined, {} changed, {} unchanged, {} missing, {} set aside.",
        report.file_name,
        counted(report.rows, "row"),
        report.as_of,
        report.joined,
        report.changed,
        report.unchanged,
        report.missing,
        report.quarantined.len()
    ));
    let shown = limits::QUARANTINE_SHOWN_COUNT;
    if !report.quarantined.is_empty() {
        output.say("\nSet aside, to be corrected in HR and imported again:");
        for row in report.quarantined.iter().take(shown) {
            let who = row.employee_number.as_ref().map(|number| format!(" ({number})"));
            output.say(format!("  line {}{}: {}", row.line, who.unwrap_or_default(), row.reason));
        }
        more(context, report.quarantined.len(), shown);
    }
    if !report.findings.is_empty() {
        output.say("\nFound:");
        for finding in report.findings.iter().take(shown) {
            output.say(format!("  {finding}"));
        }
        more(context, report.findings.len(), shown);
    }
    Ok(())
}

fn more(context: &Context, count: usize, shown: usize) {
    if count > shown {
        context.output.say(format!("  and {} more; --json prints all of them", count - shown));
    }
}

fn list(context: &Context, directory: &Directory) -> Result<(), CommandError> {
    let mut rows = Vec::new();
    for source in directory.sources()? {
        let last = directory.log(&LogQuery {
            kind: Some("import.".into()),
            subject: Some(source.config.name.clone()),
            after: None,
            after_place: None,
            limit: 1,
        })?;
        let last = last.last().map(|entry| {
            let payload = entry.event.payload.clone().unwrap_or_default();
            let file = payload.get("file").and_then(serde_json::Value::as_str).unwrap_or("a file");
            let verdict = entry.event.kind.trim_start_matches("import.");
            format!("{file}, {verdict} {}", entry.event.at.strftime("%Y-%m-%d %H:%M:%S UTC"))
        });
        rows.push(vec![
            source.config.name.clone(),
            match source.config.snapshot {
                lifecycle::Completeness::Complete => "names everybody".into(),
                lifecycle::Completeness::Partial => "names some".into(),
            },
            source.config.columns.len().to_string(),
            last.unwrap_or_else(|| "never".into()),
        ]);
    }
    context.output.table(&["Name", "A file", "Columns", "Last import"], &rows)
}
