//! `muster group`: groups, their members and who is kept out.

use clap::{Args, Subcommand};
use directory::{Directory, GroupConfig, HandEdit};
use jiff::civil::Date;
use lifecycle::Reason;
use serde_json::json;

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::operator::{counted, ctx, day};

/// Groups of people: filled by rules and by hand.
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    List(ListArgs),
    Create(CreateArgs),
    /// Make a person a member by hand, whatever the rules say.
    AddMember(HandArgs),
    /// Take back that a person was added by hand; rules may still make them a member.
    RemoveMember(HandArgs),
    /// Keep a person out of a group, whatever the rules say.
    Exclude(HandArgs),
    /// Take back that a person is kept out.
    Include(HandArgs),
    Members(MembersArgs),
}

/// List the groups with how many members each has.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The day the members are counted for; today if left out.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
}

/// Create a group, or change the one of that name.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The name, as applications will show it.
    pub name: String,
    /// What it is for.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub description: String,
    /// Being a member gives a license somewhere, so emptying it is held for approval.
    #[arg(long)]
    pub grants_licenses: bool,
}

/// A person and a group.
#[derive(Debug, Args)]
pub struct HandArgs {
    /// The group.
    pub group: String,
    /// The person: login, e-mail address or employee number.
    pub person: String,
    /// Why; it is told wherever the membership is explained.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub note: String,
}

/// List the members of a group with why each is in it.
#[derive(Debug, Args)]
pub struct MembersArgs {
    /// The group.
    pub group: String,
    /// The day it is told for; today if left out.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    /// How many at most; 0 lists all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// Runs `muster group`.
///
/// # Errors
/// No such group or person; the database failed.
pub fn run(context: &Context, command: GroupCommand) -> Result<(), CommandError> {
    let directory = Installation::open(context)?.directory()?;
    match command {
        GroupCommand::List(args) => list(context, &directory, &args),
        GroupCommand::Create(args) => create(context, &directory, args),
        GroupCommand::AddMember(args) => by_hand(context, &directory, &args, HandEdit::Add),
        GroupCommand::RemoveMember(args) => by_hand(context, &directory, &args, HandEdit::Remove),
        GroupCommand::Exclude(args) => by_hand(context, &directory, &args, HandEdit::Exclude),
        GroupCommand::Include(args) => by_hand(context, &directory, &args, HandEdit::Include),
        GroupCommand::Members(args) => members(context, &directory, &args),
    }
}

fn list(context: &Context, directory: &Directory, args: &ListArgs) -> Result<(), CommandError> {
    let sizes = directory.group_sizes(day(directory, args.as_of))?;
    let groups = directory.groups()?;
    let rows: Vec<Vec<String>> = groups
        .iter()
        .zip(&sizes)
        .map(|(group, (_, size))| {
            let grants = if group.config.grants_licenses { "yes" } else { "no" };
            let description = group.config.description.clone();
            vec![group.config.name.clone(), size.to_string(), grants.into(), description]
        })
        .collect();
    context.output.table(&["Name", "Members", "Grants licenses", "Description"], &rows)
}

fn create(context: &Context, directory: &Directory, args: CreateArgs) -> Result<(), CommandError> {
    let config = GroupConfig {
        name: args.name,
        description: args.description,
        grants_licenses: args.grants_licenses,
    };
    let changed = directory.put_group(&ctx(directory, "group create"), &config)?;
    let verb = if changed { "set" } else { "as it was" };
    context.output.say(format!("Group {} is {verb}.", config.name));
    context.output.value(&json!({ "group": config, "changed": changed }))
}

fn by_hand(
    context: &Context,
    directory: &Directory,
    args: &HandArgs,
    edit: HandEdit,
) -> Result<(), CommandError> {
    let HandArgs { group, person, note } = args;
    let (command, done) = match edit {
        HandEdit::Add => ("group add-member", "is a member by hand of"),
        HandEdit::Remove => ("group remove-member", "is no longer a member by hand of"),
        HandEdit::Exclude => ("group exclude", "is kept out of"),
        HandEdit::Include => ("group include", "is no longer kept out of"),
    };
    let found = directory.person(person)?;
    directory.edit_group_by_hand(&ctx(directory, command), group, person, edit, note)?;
    let name = directory.group(group)?.config.name;
    context.output.say(format!(
        "{} ({}) {done} group {name}.",
        found.name(),
        found.employee_number
    ));
    context.output.say("Applications follow with the next `muster apply`.");
    context.output.value(&json!({
        "group": name,
        "employee_number": found.employee_number,
        "done": command,
    }))
}

fn members(
    context: &Context,
    directory: &Directory,
    args: &MembersArgs,
) -> Result<(), CommandError> {
    let as_of = day(directory, args.as_of);
    let members = directory.group_members(&args.group, as_of)?;
    context.output.value(&serde_json::to_value(&members)?)?;
    if context.output.json {
        return Ok(());
    }
    let shown = if args.limit == 0 { members.len() } else { members.len().min(args.limit) };
    let rows: Vec<Vec<String>> = members[..shown]
        .iter()
        .map(|member| {
            let reasons: Vec<String> = member.reasons.iter().map(Reason::sentence).collect();
            vec![member.employee_number.clone(), member.name.clone(), reasons.join("\n")]
        })
        .collect();
    context.output.table(&["Employee number", "Name", "Why"], &rows)?;
    let count = counted(members.len() as u64, "member");
    context.output.say(match shown < members.len() {
        true => format!("{count} on {as_of}, {shown} shown; --limit 0 lists all."),
        false => format!("{count} on {as_of}."),
    });
    Ok(())
}
