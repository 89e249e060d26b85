//! `muster user`: accounts at the service provider, their numbers, and the receipts of those who left.

use std::io::{BufRead, IsTerminal, Write};

use clap::{Args, Subcommand, ValueEnum};
use entitlement::Restoration;
use serde_json::{Value, json};
use service_provider::{NumbersOf, Receipt, User, UserQuery, UserState};

use crate::cli::Context;
use crate::error::CommandError;
use crate::listing::{joined, listing, moment, or};
use crate::output::bold;
use crate::tenancy::{Tenancy, TenantOption};

/// Users that are read at a time.
const PAGE_COUNT: u64 = 5_000;
/// Phone numbers that are read at a time.
const NUMBER_PAGE_COUNT: u32 = 1_000;

/// Users of a tenant.
#[derive(Debug, Args)]
pub struct UserArgs {
    #[command(flatten)]
    tenant: TenantOption,
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    List(ListArgs),
    Show(ShowArgs),
    Deactivate(DeactivateArgs),
    Reactivate(ReactivateArgs),
    Delete(DeleteArgs),
    #[command(subcommand)]
    Number(NumberCommand),
    Receipt(ReceiptArgs),
}

/// List the users by login.
#[derive(Debug, Args)]
struct ListArgs {
    /// Only those in this state.
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// Only those whose login begins so.
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// How many at most; all if left out.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

/// Show a user: account, groups, licenses and products.
#[derive(Debug, Args)]
struct ShowArgs {
    /// The user, by login or id.
    user: String,
}

/// Shut a user out, with all that follows: the receipt is shown.
#[derive(Debug, Args)]
struct DeactivateArgs {
    /// The user, by login or id.
    user: String,
}

/// Let a user in again; says what comes back and what does not.
#[derive(Debug, Args)]
struct ReactivateArgs {
    /// The user, by login or id.
    user: String,
}

/// Delete a user for good, with what belongs to them. Leaving is a deactivation; this is more.
#[derive(Debug, Args)]
struct DeleteArgs {
    /// The user, by login or id.
    user: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Phone numbers.
#[derive(Debug, Subcommand)]
enum NumberCommand {
    Add(NumberAddArgs),
    Assign(NumberAssignArgs),
    List(NumberListArgs),
}

/// Add a number to the pool.
#[derive(Debug, Args)]
struct NumberAddArgs {
    /// The number, as in "+1 555 0100".
    number: String,
}

/// Assign a number of the pool to a user.
#[derive(Debug, Args)]
struct NumberAssignArgs {
    /// The user, by login, e-mail address or id.
    user: String,
    /// The number, as it was added, or its id.
    number: String,
}

/// List the numbers, and who has them.
#[derive(Debug, Args)]
struct NumberListArgs {}

/// Show what was done when a user left, step by step; the newest receipt first.
#[derive(Debug, Args)]
struct ReceiptArgs {
    /// The user, by login, e-mail address or id; also one who is deleted.
    user: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Active,
    Inactive,
    Pending,
}

/// Runs `muster user`.
///
/// # Errors
/// No such tenant, user or number; a deletion nobody confirmed.
pub fn run(context: &Context, args: UserArgs) -> Result<(), CommandError> {
    let tenancy = args.tenant.open(context)?;
    match args.command {
        UserCommand::List(args) => list(context, &tenancy, args),
        UserCommand::Show(args) => show(context, &tenancy, &args),
        UserCommand::Deactivate(args) => deactivate(context, &tenancy, &args),
        UserCommand::Reactivate(args) => reactivate(context, &tenancy, &args),
        UserCommand::Delete(args) => delete(context, &tenancy, &args),
        UserCommand::Number(NumberCommand::Add(args)) => number_add(context, &tenancy, &args),
        UserCommand::Number(NumberCommand::Assign(args)) => number_assign(context, &tenancy, &args),
        UserCommand::Number(NumberCommand::List(_)) => number_list(context, &tenancy),
        UserCommand::Receipt(args) => receipt(context, &tenancy, &args),
    }
}

fn list(context: &Context, tenancy: &Tenancy, args: ListArgs) -> Result<(), CommandError> {
    let wanted = args.limit.unwrap_or(u64::MAX);
    let mut query = UserQuery {
        state: args.status.map(|status| match status {
            Status::Active => UserState::Active,
            Status::Inactive => UserState::Inactive,
            Status::Pending => UserState::Pending,
        }),
        user_name_prefix: args.prefix,
        ..UserQuery::default()
    };
    let mut users: Vec<User> = Vec::new();
    // Ends with the first page that is not full.
    loop {
        let page = PAGE_COUNT.min(wanted - users.len() as u64);
        query.limit = Some(page);
        let found = tenancy.provider.users(tenancy.id(), &query)?;
        let is_last = (found.len() as u64) < page;
        users.extend(found);
        if is_last || users.len() as u64 >= wanted {
            break;
        }
        query.after_user_name = users.last().map(|user| user.user_name.clone());
    }
    let row = |user: &User| {
        vec![
            user.user_name.clone(),
            or(user.display_name.as_ref(), "-"),
            user.state.as_str().into(),
            user.origin.as_str().into(),
            moment(user.last_modified_at),
            user.id.clone(),
        ]
    };
    let headings = ["Login", "Name", "State", "Origin", "Last modified", "Id"];
    let rows = users.iter().map(row).collect();
    listing(&context.output, &headings, rows, users.iter().map(value).collect())
}

fn show(context: &Context, tenancy: &Tenancy, args: &ShowArgs) -> Result<(), CommandError> {
    let user = tenancy.provider.user(tenancy.id(), &args.user)?;
    let groups = tenancy.provider.user_groups(tenancy.id(), &user.id)?;
    let entitlement = tenancy.provider.entitlement_of(tenancy.id(), &user.id)?;
    let output = &context.output;
    output.say(bold(&user.user_name));
    let lines = [
        ("id", user.id.clone()),
        ("external id", or(user.external_id.as_ref(), "-")),
        ("name", or(user.display_name.as_ref(), "-")),
        ("origin", user.origin.as_str().into()),
        ("version", user.version.to_string()),
        ("created", moment(user.created_at)),
        ("last modified", moment(user.last_modified_at)),
        ("groups", joined(&groups)),
    ];
    for (name, text) in lines {
        output.say(format!("  {name:<14} {text}"));
    }
    output.say("");
    super::seats::tell(context, &entitlement);
    let mut shown = value(&user);
    shown["document"] = serde_json::from_str(&user.document)?;
    shown["groups"] = json!(groups);
    shown["entitlement"] = serde_json::to_value(&entitlement)?;
    output.value(&shown)
}

fn deactivate(
    context: &Context,
    tenancy: &Tenancy,
    args: &DeactivateArgs,
) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("user deactivate");
    let user = tenancy.provider.deactivate_user(&ctx, tenancy.id(), &args.user)?;
    tenancy.work_off()?;
    context.output.say(format!("{} is out.", user.user_name));
    let receipts = tenancy.provider.receipts(tenancy.id(), &user.id)?;
    let newest = receipts.first();
    if let Some(receipt) = newest {
        tell_receipt(context, receipt);
    }
    let mut shown = value(&user);
    shown["receipt"] = serde_json::to_value(newest)?;
    context.output.value(&shown)
}

fn reactivate(
    context: &Context,
    tenancy: &Tenancy,
    args: &ReactivateArgs,
) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("user reactivate");
    let user = tenancy.provider.reactivate_user(&ctx, tenancy.id(), &args.user)?;
    tenancy.work_off()?;
    context.output.say(format!("{} is in again.", user.user_name));
    let receipts = tenancy.provider.receipts(tenancy.id(), &user.id);
    // Who never left has no receipt, and nothing to be restored.
    let restoration = receipts.ok().and_then(|found| found.into_iter().next()?.restoration);
    if let Some(restoration) = &restoration {
        tell_restoration(context, restoration);
    }
    let mut shown = value(&user);
    shown["restoration"] = serde_json::to_value(&restoration)?;
    context.output.value(&shown)
}

fn delete(context: &Context, tenancy: &Tenancy, args: &DeleteArgs) -> Result<(), CommandError> {
    let user = tenancy.provider.user(tenancy.id(), &args.user)?;
    if !args.yes {
        confirm(&user)?;
    }
    let ctx = tenancy.ctx("user delete");
    tenancy.provider.delete_user(&ctx, tenancy.id(), &user.id)?;
    tenancy.work_off()?;
    context.output.say(format!("{} is deleted.", user.user_name));
    let receipts = tenancy.provider.receipts(tenancy.id(), &user.id)?;
    let newest = receipts.first();
    if let Some(receipt) = newest {
        tell_receipt(context, receipt);
    }
    context.output.value(&json!({
        "id": user.id,
        "user_name": user.user_name,
        "receipt": newest,
    }))
}

fn confirm(user: &User) -> Result<(), CommandError> {
    let name = &user.user_name;
    if !std::io::stdin().is_terminal() {
        return Err(CommandError::usage(format!("nobody is here to be asked whether {name} goes"))
            .hint(
                "Say --yes to delete without being asked; `muster user deactivate` can be undone.",
            ));
    }
    let mut errors = std::io::stderr();
    write!(errors, "Delete {name} for good, with meetings and recordings? [y/N] ")?;
    errors.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(CommandError::failed(format!("{name} was not deleted"))),
    }
}

fn number_add(
    context: &Context,
    tenancy: &Tenancy,
    args: &NumberAddArgs,
) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("user number add");
    let number = tenancy.provider.add_number(&ctx, tenancy.id(), &args.number)?;
    context.output.say(format!("{} is in the pool.", number.number));
    context.output.value(&serde_json::to_value(&number)?)
}

fn number_assign(
    context: &Context,
    tenancy: &Tenancy,
    args: &NumberAssignArgs,
) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("user number assign");
    let assigned = tenancy.provider.assign_number(&ctx, tenancy.id(), &args.user, &args.number);
    let number = assigned.map_err(|error| match error {
        service_provider::Error::NotFound { noun: "phone number", .. } => CommandError::from(error)
            .hint("`muster user number add NUMBER` puts one into the pool."),
        error => error.into(),
    })?;
    context.output.say(format!("{} has {} now.", args.user, number.number));
    context.output.value(&serde_json::to_value(&number)?)
}

fn number_list(context: &Context, tenancy: &Tenancy) -> Result<(), CommandError> {
    let mut numbers = Vec::new();
    let mut offset = 0;
    // Ends with the first page that is not full.
    loop {
        let page = (offset, NUMBER_PAGE_COUNT);
        let found = tenancy.provider.numbers(tenancy.id(), NumbersOf::All, page)?;
        let is_last = found.len() < NUMBER_PAGE_COUNT as usize;
        numbers.extend(found);
        if is_last {
            break;
        }
        offset += u64::from(NUMBER_PAGE_COUNT);
    }
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for number in &numbers {
        let user = number.user.as_ref().map(|user| tenancy.provider.user(tenancy.id(), &user.0));
        let user = user.transpose()?.map(|user| user.user_name);
        rows.push(vec![
            number.number.clone(),
            or(user.as_ref(), "in the pool"),
            number.assigned_at.map_or_else(|| "-".into(), moment),
        ]);
        let mut value = serde_json::to_value(number)?;
        value["user_name"] = json!(user);
        values.push(value);
    }
    listing(&context.output, &["Number", "User", "Since"], rows, values)
}

fn receipt(context: &Context, tenancy: &Tenancy, args: &ReceiptArgs) -> Result<(), CommandError> {
    let receipts = tenancy.provider.receipts(tenancy.id(), &args.user)?;
    if receipts.is_empty() {
        context.output.say(format!("{} never left: there is no receipt.", args.user));
    }
    for receipt in &receipts {
        tell_receipt(context, receipt);
    }
    context.output.value(&serde_json::to_value(&receipts)?)
}

fn tell_receipt(context: &Context, receipt: &Receipt) {
    let output = &context.output;
    output.say(format!(
        "\n{} of {} on {} by {} ({})",
        bold(receipt.kind.as_str()),
        receipt.user_name,
        moment(receipt.opened_at),
        receipt.actor,
        receipt.cause
    ));
    for step in &receipt.steps {
        output.say(format!(
            "  {:<12} {:<28} {}",
            step.state.as_str(),
            step.effect.title(),
            step.sentence
        ));
    }
    match (receipt.closed_at, receipt.ended_at) {
        (_, Some(at)) => {
            let because = receipt.ended_because.as_deref().unwrap_or("the user came back");
            output.say(format!("  ended on {}: {because}", moment(at)));
        }
        (Some(at), None) => output.say(format!("  complete since {}", moment(at))),
        (None, None) => output.say("  not complete: what is pending is done by `muster serve`"),
    }
    if let Some(restoration) = &receipt.restoration {
        tell_restoration(context, restoration);
    }
}

fn tell_restoration(context: &Context, restoration: &Restoration) {
    for restored in &restoration.restored {
        context.output.say(format!("  back: {}", restored.sentence()));
    }
    for gone in &restoration.not_restored {
        context.output.say(format!("  not back: {}", gone.sentence()));
    }
}

fn value(user: &User) -> Value {
    json!({
        "id": user.id,
        "user_name": user.user_name,
        "external_id": user.external_id,
        "display_name": user.display_name,
        "active": user.active,
        "state": user.state.as_str(),
        "origin": user.origin.as_str(),
        "version": user.version,
        "created_at": user.created_at,
        "last_modified_at": user.last_modified_at,
    })
}
