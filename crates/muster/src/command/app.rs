//! `muster app`: applications, their tokens, assignments, push groups and switches.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use directory::{ApplicationConfig, AssignmentConfig, Directory, PushGroupConfig};
use lifecycle::{Actions, MatchAttribute, PushMode};
use serde_json::json;

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::operator::{ctx, token};
use crate::output::green;

/// Applications that people get accounts in.
#[derive(Debug, Subcommand)]
pub enum AppCommand {
    Add(AddArgs),
    List(ListArgs),
    Show(ShowArgs),
    Token(TokenArgs),
    Test(TestArgs),
    Assign(AssignArgs),
    /// Take an assignment back; whoever has no other loses the account with the next plan.
    Unassign(AssignArgs),
    PushGroup(PushGroupArgs),
    Actions(ActionsArgs),
}

/// Add an application.
///
/// It starts with the default attribute mappings, no assignments and no push groups; nothing is sent
/// there until a plan is applied.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The name.
    pub name: String,
    /// What it can do and bear: `scim` for a well-behaved application, `zoom`, or `muster`.
    #[arg(long, default_value = "scim")]
    pub profile: String,
    /// The SCIM base URL, such as https://api.zoom.us/scim2.
    #[arg(long, value_name = "URL")]
    pub base_url: String,
    /// The file with the token; `-` reads standard input. It is sealed and never shown again.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// By what accounts that are there already are recognised, in this order.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "external-id,user-name")]
    pub match_by: Vec<MatchBy>,
    /// Apply plans by itself while the directory serves, unless the guard holds them.
    #[arg(long)]
    pub auto: bool,
}

/// An attribute by which an account is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MatchBy {
    /// `externalId`, exactly.
    ExternalId,
    /// `userName`, in any case.
    UserName,
    /// Any e-mail address; never alone for an administrator.
    Email,
}

/// List the applications.
#[derive(Debug, Args)]
pub struct ListArgs {}

/// Show one application as it is configured.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The application.
    pub app: String,
}

/// Replace the token of an application.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// The application.
    pub app: String,
    /// The file with the token; `-` reads standard input. It is sealed and never shown again.
    #[arg(long, value_name = "FILE")]
    pub token_file: PathBuf,
}

/// Test API credentials: ask for one user, change nothing, and say what the answer means.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The application.
    pub app: String,
}

/// Assign an application to everyone, to the members of a group, or to one person.
#[derive(Debug, Args)]
pub struct AssignArgs {
    /// The application.
    pub app: String,
    /// To whom.
    #[command(flatten)]
    pub to: To,
}

/// Whom an assignment is for.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct To {
    /// Everybody who is employed.
    #[arg(long)]
    pub everyone: bool,
    /// The members of this group.
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// This person: login, e-mail address or employee number.
    #[arg(long, value_name = "WHO")]
    pub person: Option<String>,
}

/// Keep a group in an application: created there, or linked if one of that name exists.
#[derive(Debug, Args)]
pub struct PushGroupArgs {
    /// The application.
    pub app: String,
    /// The group.
    pub group: String,
    /// Its name there, where it differs.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Link a group that is there; never create one.
    #[arg(long)]
    pub link_only: bool,
    /// No longer keep it; what is there stays there.
    #[arg(long, conflicts_with_all = ["name", "link_only"])]
    pub remove: bool,
}

/// Switch what may be done in an application. What is switched off is still planned, and told as a
/// finding instead of a change.
#[derive(Debug, Args)]
pub struct ActionsArgs {
    /// The application.
    pub app: String,
    /// Create accounts for people who are assigned.
    #[arg(long, value_enum, value_name = "on|off")]
    pub create: Option<Switch>,
    /// Keep the attributes of accounts up to date.
    #[arg(long, value_enum, value_name = "on|off")]
    pub update: Option<Switch>,
    /// Deactivate accounts of people who left or are no longer assigned.
    #[arg(long, value_enum, value_name = "on|off")]
    pub deactivate: Option<Switch>,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// Runs `muster app`.
///
/// # Errors
/// No such application, group or person; a configuration that cannot be used.
pub async fn run(context: &Context, command: AppCommand) -> Result<(), CommandError> {
    let directory = Installation::open(context)?.directory()?;
    match command {
        AppCommand::Add(args) => add(context, &directory, args),
        AppCommand::List(_) => list(context, &directory),
        AppCommand::Show(args) => show(context, &directory, &args),
        AppCommand::Token(args) => set_token(context, &directory, &args),
        AppCommand::Test(args) => test(context, &directory, &args).await,
        AppCommand::Assign(args) => assign(context, &directory, &args),
        AppCommand::Unassign(args) => unassign(context, &directory, &args),
        AppCommand::PushGroup(args) => push_group(context, &directory, &args),
        AppCommand::Actions(args) => actions(context, &directory, &args),
    }
}

fn add(context: &Context, directory: &Directory, args: AddArgs) -> Result<(), CommandError> {
    let token = args.token_file.as_deref().map(token).transpose()?;
    let is_named = |name: &str| name.to_lowercase() == args.name.trim().to_lowercase();
    if directory.applications()?.iter().any(|known| is_named(&known.config.name)) {
        return Err(CommandError::usage(format!("there is already an application `{}`", args.name))
            .hint("Nothing was changed. `muster app show` tells what it is; `app token`, `app assign`, `app push-group` and `app actions` change it."));
    }
    let match_by: Vec<MatchAttribute> = args.match_by.into_iter().map(Into::into).collect();
    // Whatever is not said here has the default it has in a file.
    let config: ApplicationConfig = serde_json::from_value(json!({
        "name": args.name,
        "profile": args.profile,
        "base_url": args.base_url,
        "match_by": match_by,
        "auto": args.auto,
    }))?;
    let ctx = ctx(directory, "app add");
    directory.put_application(&ctx, &config)?;
    if let Some(token) = &token {
        directory.set_application_token(&ctx, &config.name, token)?;
    }
    let name = &config.name;
    context.output.say(format!("Application {name} is added; nothing is sent there yet."));
    context.output.say("Next:");
    if token.is_none() {
        context.output.say(format!("  muster app token {name} --token-file FILE"));
    }
    context.output.say(format!("  muster app test {name}"));
    context.output.say(format!("  muster app assign {name} --everyone"));
    context.output.say(format!("  muster plan {name}"));
    context.output.value(&json!({ "application": config, "token": token.is_some() }))
}

impl From<MatchBy> for MatchAttribute {
    fn from(by: MatchBy) -> Self {
        match by {
            MatchBy::ExternalId => Self::ExternalId,
            MatchBy::UserName => Self::UserName,
            MatchBy::Email => Self::Email,
        }
    }
}

fn list(context: &Context, directory: &Directory) -> Result<(), CommandError> {
    let applications = directory.applications()?;
    if context.output.json {
        let configs: Vec<_> = applications.iter().map(|known| &known.config).collect();
        return context.output.value(&serde_json::to_value(&configs)?);
    }
    let rows: Vec<Vec<String>> = applications
        .iter()
        .map(|application| {
            let config = &application.config;
            vec![
                config.name.clone(),
                config.profile.clone(),
                config.base_url.clone(),
                assignments(config).join(", "),
                config.push_groups.len().to_string(),
                switches(&config.actions).join(", "),
            ]
        })
        .collect();
    let headings = ["Name", "Profile", "Base URL", "Assigned to", "Push groups", "Actions"];
    context.output.table(&headings, &rows)
}

fn assignments(config: &ApplicationConfig) -> Vec<String> {
    let shown = config.assignments.iter().map(|assignment| match assignment {
        AssignmentConfig { group: Some(group), .. } => format!("group {group}"),
        AssignmentConfig { person: Some(person), .. } => format!("person {person}"),
        AssignmentConfig { .. } => "everyone".to_string(),
    });
    shown.collect()
}

/// The actions that are on.
fn switches(actions: &Actions) -> Vec<&'static str> {
    [
        (actions.create_users, "create"),
        (actions.update_attributes, "update"),
        (actions.deactivate_users, "deactivate"),
    ]
    .into_iter()
    .filter_map(|(on, word)| on.then_some(word))
    .collect()
}

fn show(context: &Context, directory: &Directory, args: &ShowArgs) -> Result<(), CommandError> {
    let config = directory.application(&args.app)?.config;
    let text =
        toml::to_string_pretty(&config).map_err(|error| CommandError::failed(error.to_string()))?;
    context.output.say(text.trim_end());
    context.output.value(&serde_json::to_value(&config)?)
}

fn set_token(
    context: &Context,
    directory: &Directory,
    args: &TokenArgs,
) -> Result<(), CommandError> {
    let token = token(&args.token_file)?;
    directory.set_application_token(&ctx(directory, "app token"), &args.app, &token)?;
    context.output.say(format!("The token of {} is sealed.", args.app));
    context.output.say(format!("Next: muster app test {}", args.app));
    context.output.value(&json!({ "application": args.app, "token": true }))
}

async fn test(
    context: &Context,
    directory: &Directory,
    args: &TestArgs,
) -> Result<(), CommandError> {
    let test = directory.test_credentials(&args.app).await?;
    context.output.value(&serde_json::to_value(&test)?)?;
    if test.is_ok() {
        context.output.say(green(&test.sentence));
        return Ok(());
    }
    let failed = CommandError::failed(test.sentence.trim_end_matches('.'));
    Err(match test.next_step {
        Some(next_step) => failed.hint(next_step),
        None => failed,
    })
}

/// Reads an application, changes it, and writes it back if that changed anything.
fn change(
    directory: &Directory,
    app: &str,
    command: &str,
    edit: impl FnOnce(&mut ApplicationConfig) -> Result<(), CommandError>,
) -> Result<(ApplicationConfig, bool), CommandError> {
    let mut config = directory.application(app)?.config;
    edit(&mut config)?;
    let changed = directory.put_application(&ctx(directory, command), &config)?;
    Ok((config, changed))
}

fn done(
    context: &Context,
    config: &ApplicationConfig,
    changed: bool,
    sentence: &str,
) -> Result<(), CommandError> {
    if changed {
        context.output.say(sentence);
        context.output.say(format!("Next: muster plan {}", config.name));
    } else {
        context.output.say(format!("{} is as it was.", config.name));
    }
    context.output.value(&json!({ "application": config, "changed": changed }))
}

fn assign(context: &Context, directory: &Directory, args: &AssignArgs) -> Result<(), CommandError> {
    let (wanted, to) = assignment(directory, &args.to)?;
    let (config, changed) = change(directory, &args.app, "app assign", |config| {
        if !config.assignments.contains(&wanted) {
            config.assignments.push(wanted);
        }
        Ok(())
    })?;
    done(context, &config, changed, &format!("{} is assigned to {to}.", config.name))
}

fn unassign(
    context: &Context,
    directory: &Directory,
    args: &AssignArgs,
) -> Result<(), CommandError> {
    let (wanted, to) = assignment(directory, &args.to)?;
    let (config, changed) = change(directory, &args.app, "app unassign", |config| {
        let before = config.assignments.len();
        config.assignments.retain(|assignment| *assignment != wanted);
        if config.assignments.len() == before {
            let now = assignments(config).join(", ");
            let now = if now.is_empty() { "nobody".into() } else { now };
            return Err(CommandError::usage(format!("{} is not assigned to {to}", config.name))
                .hint(format!("It is assigned to {now}.")));
        }
        Ok(())
    })?;
    done(context, &config, changed, &format!("{} is no longer assigned to {to}.", config.name))
}

/// The assignment by the names that are stored, so that it is found again whatever it was called by.
fn assignment(directory: &Directory, to: &To) -> Result<(AssignmentConfig, String), CommandError> {
    let none = AssignmentConfig { everyone: false, group: None, person: None };
    if let Some(group) = &to.group {
        let name = directory.group(group)?.config.name;
        let told = format!("group {name}");
        return Ok((AssignmentConfig { group: Some(name), ..none }, told));
    }
    if let Some(person) = &to.person {
        let person = directory.person(person)?;
        let told = format!("{} ({})", person.name(), person.employee_number);
        let number = Some(person.employee_number.to_string());
        return Ok((AssignmentConfig { person: number, ..none }, told));
    }
    Ok((AssignmentConfig { everyone: true, ..none }, "everyone".into()))
}

fn push_group(
    context: &Context,
    directory: &Directory,
    args: &PushGroupArgs,
) -> Result<(), CommandError> {
    let group = directory.group(&args.group)?.config.name;
    let (config, changed) = change(directory, &args.app, "app push-group", |config| {
        let same = |push: &PushGroupConfig| push.group.to_lowercase() == group.to_lowercase();
        if args.remove && !config.push_groups.iter().any(same) {
            return Err(CommandError::usage(format!(
                "group {group} is not pushed to {}",
                config.name
            )));
        }
        config.push_groups.retain(|push| !same(push));
        if !args.remove {
            let mode = if args.link_only { PushMode::LinkOnly } else { PushMode::CreateOrLink };
            let name = args.name.clone();
            config.push_groups.push(PushGroupConfig { group: group.clone(), name, mode });
        }
        Ok(())
    })?;
    let sentence = match (args.remove, &args.name) {
        (true, _) => format!(
            "Group {group} is no longer kept in {}; what is there stays there.",
            config.name
        ),
        (false, Some(name)) => format!("Group {group} is kept in {} as {name}.", config.name),
        (false, None) => format!("Group {group} is kept in {}.", config.name),
    };
    done(context, &config, changed, &sentence)
}

fn actions(
    context: &Context,
    directory: &Directory,
    args: &ActionsArgs,
) -> Result<(), CommandError> {
    let (config, changed) = change(directory, &args.app, "app actions", |config| {
        let actions = &mut config.actions;
        for (switch, action) in [
            (args.create, &mut actions.create_users),
            (args.update, &mut actions.update_attributes),
            (args.deactivate, &mut actions.deactivate_users),
        ] {
            if let Some(switch) = switch {
                *action = switch == Switch::On;
            }
        }
        Ok(())
    })?;
    let on = switches(&config.actions).join(", ");
    let on = if on.is_empty() { "nothing".into() } else { on };
    if [args.create, args.update, args.deactivate].iter().all(Option::is_none) {
        context.output.say(format!("{} may: {on}.", config.name));
        return context.output.value(&serde_json::to_value(config.actions)?);
    }
    done(context, &config, changed, &format!("{} may: {on}.", config.name))
}
