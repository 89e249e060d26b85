//! `muster rule`: conditions that fill groups.

use clap::{Args, Subcommand};
use directory::{Directory, RuleConfig, Trial, TriedPerson};
use jiff::civil::Date;
use lifecycle::Rule;
use serde_json::json;

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::operator::{ctx, day};

/// Rules: conditions over a person's profile that fill groups.
#[derive(Debug, Subcommand)]
pub enum RuleCommand {
    List(ListArgs),
    Put(PutArgs),
    Test(TestArgs),
    Remove(RemoveArgs),
}

/// List the rules.
#[derive(Debug, Args)]
pub struct ListArgs {}

/// Make a rule, or change the one of that name in place.
///
/// The condition is written in CEL syntax over `user`, the person's profile:
/// `user.department == "Sales"`, `user.title.startsWith("VP") && user.country in ["DE", "AT"]`. It is
/// checked against the profile's schema before anything is saved. A rule only adds: several may fill
/// one group, and whoever none matches any more leaves it.
#[derive(Debug, Args)]
pub struct PutArgs {
    /// The name.
    pub name: String,
    /// The condition.
    #[arg(long, value_name = "EXPR")]
    pub condition: String,
    /// A group it fills; may be given several times.
    #[arg(long = "group", value_name = "GROUP", required = true)]
    pub groups: Vec<String>,
    /// Keep the rule, but do not ask it.
    #[arg(long)]
    pub inactive: bool,
}

/// Say whom a rule or a condition matches, without saving anything.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The rule.
    #[arg(required_unless_present = "condition")]
    pub name: Option<String>,
    /// A condition instead of a rule.
    #[arg(long, value_name = "EXPR", conflicts_with = "name")]
    pub condition: Option<String>,
    /// The day it is tried for; today if left out.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
}

/// Remove a rule; whoever no other rule matches leaves its groups.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The name.
    pub name: String,
}

/// Runs `muster rule`.
///
/// # Errors
/// A condition that is wrong, with the place; no such rule or group.
pub fn run(context: &Context, command: RuleCommand) -> Result<(), CommandError> {
    let directory = Installation::open(context)?.directory()?;
    match command {
        RuleCommand::List(_) => list(context, &directory),
        RuleCommand::Put(args) => put(context, &directory, args),
        RuleCommand::Test(args) => test(context, &directory, &args),
        RuleCommand::Remove(args) => remove(context, &directory, &args),
    }
}

fn list(context: &Context, directory: &Directory) -> Result<(), CommandError> {
    let rules = directory.rules()?;
    let configs: Vec<&RuleConfig> = rules.iter().map(|rule| &rule.config).collect();
    context.output.value(&serde_json::to_value(&configs)?)?;
    if context.output.json {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = configs
        .iter()
        .map(|rule| {
            let active = if rule.active { "yes" } else { "no" };
            vec![rule.name.clone(), rule.condition.clone(), rule.groups.join(", "), active.into()]
        })
        .collect();
    context.output.table(&["Name", "Condition", "Fills", "Active"], &rows)
}

fn put(context: &Context, directory: &Directory, args: PutArgs) -> Result<(), CommandError> {
    checked(&args.condition)?;
    let config = RuleConfig {
        name: args.name,
        condition: args.condition,
        groups: args.groups,
        active: !args.inactive,
    };
    let changed = directory.put_rule(&ctx(directory, "rule put"), &config)?;
    if changed {
        let trial = directory.try_condition(&config.condition, day(directory, None))?;
        context.output.say(format!(
            "Rule {} fills {}. It matches {} of {} employed people today.",
            config.name,
            config.groups.join(", "),
            trial.matching,
            trial.employed
        ));
    } else {
        context.output.say(format!("Rule {} is as it was.", config.name));
    }
    context.output.value(&json!({ "rule": config, "changed": changed }))
}

/// A condition that is wrong is shown with a caret under the place, before anything is saved.
fn checked(condition: &str) -> Result<(), CommandError> {
    let Err(error) = Rule::condition(condition) else {
        return Ok(());
    };
    let before = error.column.saturating_sub(1);
    Err(CommandError::usage(format!(
        "the condition cannot be used\n  {condition}\n  {:before$}^ column {}: {}",
        "", error.column, error.message
    )))
}

fn test(context: &Context, directory: &Directory, args: &TestArgs) -> Result<(), CommandError> {
    let as_of = day(directory, args.as_of);
    let trial = match (&args.condition, &args.name) {
        (Some(condition), _) => {
            checked(condition)?;
            directory.try_condition(condition, as_of)?
        }
        (None, Some(name)) => directory.try_stored_rule(name, as_of)?,
        (None, None) => return Err(CommandError::usage("name a rule or a condition")),
    };
    tell(context, &trial);
    context.output.value(&serde_json::to_value(&trial)?)
}

fn tell(context: &Context, trial: &Trial) {
    let output = &context.output;
    output.say(format!(
        "{} of {} people employed on {} match: {}",
        trial.matching, trial.employed, trial.as_of, trial.condition
    ));
    if !trial.reads.is_empty() {
        output.say(format!("It reads {}.", trial.reads.join(", ")));
    }
    for (heading, people) in
        [("Matching, for example", &trial.examples), ("Not matching", &trial.counterexamples)]
    {
        if !people.is_empty() {
            output.say(format!("\n{heading}:"));
        }
        for TriedPerson { name, employee_number, because } in people {
            output.say(format!("  {name} ({employee_number}): {because}"));
        }
    }
}

fn remove(context: &Context, directory: &Directory, args: &RemoveArgs) -> Result<(), CommandError> {
    directory.remove_rule(&ctx(directory, "rule remove"), &args.name)?;
    context.output.say(format!(
        "Rule {} is removed. Whoever no other rule matches leaves its groups with the next plan.",
        args.name
    ));
    context.output.value(&json!({ "removed": args.name }))
}
