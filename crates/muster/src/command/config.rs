//! `muster config`: the configuration of both halves as a folder of TOML files.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use directory::Directory;
use serde_json::json;
use service_provider::ServiceProvider;

use crate::cli::Context;
use crate::configuration::{ConfigPlan, ConfigVerb, Files, apply, export, plan, trial};
use crate::error::CommandError;
use crate::installation::Installation;
use crate::operator;
use crate::output::{dim, green};

/// The configuration of both halves as TOML files.
///
/// A folder holds groups.toml with groups and rules, and a file each in sources, applications and
/// service-provider. A half that the installation does not have is skipped.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    Plan(PlanArgs),
    Apply(ApplyArgs),
    Export(ExportArgs),
    Test(TestArgs),
}

/// Say what applying a folder would change, and what is wrong with it. Nothing is written.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The folder.
    pub dir: PathBuf,
}

/// Make both halves be as a folder says. What no file names is kept.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The folder.
    pub dir: PathBuf,
}

/// Write files that change nothing when they are applied. They hold no token.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The folder; it is made if it does not exist.
    pub dir: PathBuf,
    /// Write over configuration that the folder holds already.
    #[arg(long)]
    pub overwrite: bool,
}

/// Find what is wrong with a folder, without an installation: it is applied to an empty one that is
/// thrown away.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The folder.
    pub dir: PathBuf,
}

/// The halves that an installation has.
struct Halves {
    directory: Option<Directory>,
    service_provider: Option<ServiceProvider>,
}

/// Runs `muster config`.
///
/// # Errors
/// A folder that cannot be read or applied: the file, the line, and what was probably meant.
pub fn run(context: &Context, command: ConfigCommand) -> Result<(), CommandError> {
    match command {
        ConfigCommand::Plan(args) => run_plan(context, &halves(context)?, &args),
        ConfigCommand::Apply(args) => run_apply(context, &halves(context)?, &args),
        ConfigCommand::Export(args) => run_export(context, &halves(context)?, &args),
        ConfigCommand::Test(args) => run_test(context, &args),
    }
}

fn halves(context: &Context) -> Result<Halves, CommandError> {
    let installation = Installation::open(context)?;
    let config = installation.config();
    let directory = config.directory.is_some().then(|| installation.directory());
    let service_provider =
        config.service_provider.is_some().then(|| installation.service_provider());
    Ok(Halves {
        directory: directory.transpose()?,
        service_provider: service_provider.transpose()?,
    })
}

fn run_plan(context: &Context, halves: &Halves, args: &PlanArgs) -> Result<(), CommandError> {
    let files = Files::read(&args.dir)?;
    let plan = plan(halves.directory.as_ref(), halves.service_provider.as_ref(), &files)?;
    tell(context, &plan, "to create", "to change");
    for (name, file) in token_files(&files) {
        context.output.say(format!("The token of {name} would be read from {}.", file.display()));
    }
    context.output.value(&serde_json::to_value(&plan)?)
}

fn run_apply(context: &Context, halves: &Halves, args: &ApplyArgs) -> Result<(), CommandError> {
    let files = Files::read(&args.dir)?;
    let ctx = db::Ctx::new(operator::actor(), "muster config apply", &db::Clock::system());
    let applied = apply(halves.directory.as_ref(), halves.service_provider.as_ref(), &ctx, &files)?;
    if let Some(service_provider) = &halves.service_provider {
        service_provider.work_off()?;
    }
    tell(context, &applied.plan, "created", "changed");
    for name in &applied.sealed_tokens {
        context.output.say(format!("The token of {name} was read and sealed."));
    }
    context.output.value(&serde_json::to_value(&applied)?)
}

fn run_export(context: &Context, halves: &Halves, args: &ExportArgs) -> Result<(), CommandError> {
    if !args.overwrite && Files::are_in(&args.dir)? {
        return Err(CommandError::usage(format!(
            "{} holds configuration already",
            args.dir.display()
        ))
        .hint("Name another folder, or say --overwrite."));
    }
    let files = export(halves.directory.as_ref(), halves.service_provider.as_ref())?;
    let written = files.write(&args.dir)?;
    for path in &written {
        context.output.say(format!("Wrote {}.", path.display()));
    }
    if written.is_empty() {
        context.output.say("There is no configuration to write.");
    }
    context.output.value(&json!({ "written": written }))
}

fn run_test(context: &Context, args: &TestArgs) -> Result<(), CommandError> {
    let files = Files::read(&args.dir)?;
    trial(&files)?;
    let counts = [
        ("tenant", files.tenants.len()),
        ("group", files.groups.len()),
        ("rule", files.rules.len()),
        ("source", files.sources.len()),
        ("application", files.applications.len()),
    ];
    let counted = counts.map(|(noun, count)| operator::counted(count as u64, noun));
    context.output.say(format!("{} can be applied: {}.", args.dir.display(), counted.join(", ")));
    context.output.value(&json!(std::collections::BTreeMap::from(counts)))
}

fn token_files(files: &Files) -> impl Iterator<Item = (&str, &PathBuf)> {
    files
        .applications
        .iter()
        .filter_map(|file| Some((file.config.name.as_str(), file.token_file.as_ref()?)))
}

fn tell(context: &Context, plan: &ConfigPlan, create: &str, change: &str) {
    let output = &context.output;
    for found in &plan.changes {
        let line = format!("{:<7} {:<12} {}", found.verb.as_str(), found.kind, found.name);
        match found.verb {
            ConfigVerb::Keep => output.say(dim(&format!("{line} (no file names it)"))),
            ConfigVerb::Create | ConfigVerb::Change => output.say(green(&line)),
        }
        for detail in &found.details {
            output.say(format!("          {detail}"));
        }
    }
    for sentence in &plan.skipped {
        output.say(sentence);
    }
    if plan.is_nothing() {
        output.say("Nothing to do: everything is as the files say.");
    } else {
        output.say(format!(
            "{} {create}, {} {change}.",
            plan.count(ConfigVerb::Create),
            plan.count(ConfigVerb::Change)
        ));
    }
}
