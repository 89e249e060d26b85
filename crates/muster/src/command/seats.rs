//! `muster seats`: who holds what, who waits, and why.

use clap::{Args, Subcommand, ValueEnum};
use entitlement::{Key, Pool, SeatState};
use serde_json::{Value, json};
use service_provider::{PoolRow, SeatLine, SeatRow, UserEntitlement};

use super::license::key;
use super::seat_forecast::{self, DemandArgs, ForecastArgs};
use super::seat_history::{self, HistoryArgs};
use super::seat_reclaim::{self, IdleArgs, ReclaimArgs};
use crate::cli::Context;
use crate::error::CommandError;
use crate::listing::{listing, moment, or};
use crate::output::bold;
use crate::tenancy::{Tenancy, TenantOption};

/// Seats that are read at a time.
const PAGE_COUNT: u32 = 1_000;

/// Seats of licenses and products: limits, holders, the waitlist, and the reasons.
#[derive(Debug, Args)]
pub struct SeatsArgs {
    #[command(flatten)]
    tenant: TenantOption,
    #[command(subcommand)]
    command: SeatsCommand,
}

#[derive(Debug, Subcommand)]
enum SeatsCommand {
    List(ListArgs),
    Limit(LimitArgs),
    Holders(PoolArgs),
    Waitlist(WaitlistArgs),
    Explain(ExplainArgs),
    History(HistoryArgs),
    Forecast(ForecastArgs),
    Demand(DemandArgs),
    Idle(IdleArgs),
    Reclaim(ReclaimArgs),
}

/// List every pool with its limit, and how many hold and wait.
#[derive(Debug, Args)]
struct ListArgs {}

/// Limit how many seats of a pool may be held. Freed and added seats go to who waits.
#[derive(Debug, Args)]
struct LimitArgs {
    #[command(flatten)]
    pool: PoolArgs,
    /// How many, or `none` for no limit.
    #[arg(value_parser = limit)]
    limit: Limit,
}

/// List who holds a seat of a pool, since when, and why.
#[derive(Debug, Args)]
struct PoolArgs {
    /// `license` or `product`.
    #[arg(value_enum)]
    kind: Kind,
    /// The key of the license type or product.
    #[arg(value_parser = key)]
    key: Key,
}

/// List who waits for a seat, in the order of the line.
#[derive(Debug, Args)]
struct WaitlistArgs {
    /// `license` or `product`; every pool if left out.
    #[arg(value_enum, requires = "key")]
    kind: Option<Kind>,
    /// The key of the license type or product.
    #[arg(value_parser = key)]
    key: Option<Key>,
}

/// Say what a user holds, waits for, or lacks, from the group over the grant to the seat.
#[derive(Debug, Args)]
struct ExplainArgs {
    /// The user, by login, e-mail address or id.
    user: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    License,
    Product,
}

#[derive(Debug, Clone, Copy)]
enum Limit {
    None,
    Of(u32),
}

impl PoolArgs {
    fn pool(&self) -> Pool {
        match self.kind {
            Kind::License => Pool::License(self.key.clone()),
            Kind::Product => Pool::Product(self.key.clone()),
        }
    }
}

/// Runs `muster seats`.
///
/// # Errors
/// No such tenant, pool or user; a limit below what is held.
pub fn run(context: &Context, args: SeatsArgs) -> Result<(), CommandError> {
    let tenancy = args.tenant.open(context)?;
    match args.command {
        SeatsCommand::List(_) => list(context, &tenancy),
        SeatsCommand::Limit(args) => set_limit(context, &tenancy, &args),
        SeatsCommand::Holders(args) => {
            let pool = known(&tenancy, args.pool())?;
            seats(context, &tenancy, &[pool], SeatState::Held)
        }
        SeatsCommand::Waitlist(WaitlistArgs { kind: Some(kind), key: Some(key) }) => {
            let pool = known(&tenancy, PoolArgs { kind, key }.pool())?;
            seats(context, &tenancy, &[pool], SeatState::Waiting)
        }
        SeatsCommand::Waitlist(_) => {
            let pools = tenancy.provider.pools(tenancy.id())?;
            let pools: Vec<Pool> = pools.into_iter().map(|row| row.pool).collect();
            seats(context, &tenancy, &pools, SeatState::Waiting)
        }
        SeatsCommand::Explain(args) => explain(context, &tenancy, &args),
        SeatsCommand::History(args) => seat_history::run(context, &tenancy, &args),
        SeatsCommand::Forecast(args) => seat_forecast::forecast(context, &tenancy, &args),
        SeatsCommand::Demand(args) => seat_forecast::demand(context, &tenancy, &args),
        SeatsCommand::Idle(args) => seat_reclaim::idle(context, &tenancy, &args),
        SeatsCommand::Reclaim(args) => seat_reclaim::reclaim(context, &tenancy, &args),
    }
}

fn list(context: &Context, tenancy: &Tenancy) -> Result<(), CommandError> {
    let pools = tenancy.provider.pools(tenancy.id())?;
    let row = |pool: &PoolRow| {
        let free = pool.limit.map(|limit| u64::from(limit).saturating_sub(pool.held));
        vec![
            pool.pool.kind().into(),
            pool.pool.key().to_string(),
            pool.name.clone(),
            pool.held.to_string(),
            or(pool.limit, "no limit"),
            or(free, "-"),
            pool.waiting.to_string(),
        ]
    };
    let values = pools.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    let headings = ["Kind", "Key", "Name", "Held", "Limit", "Free", "Waiting"];
    listing(&context.output, &headings, pools.iter().map(row).collect(), values)?;
    for pool in pools.iter().filter(|pool| pool.over > 0) {
        context.output.say(format!(
            "{} is over its limit by {}: nobody loses a seat, and nobody new gets one.",
            pool.name, pool.over
        ));
    }
    for open in tenancy.provider.settlements(tenancy.id())? {
        context.output.say(format!(
            "Still being settled: {}, {} of {} users are done (since {}, by {}).",
            open.reason,
            open.done,
            open.total,
            moment(open.opened_at),
            open.actor
        ));
    }
    Ok(())
}

fn set_limit(context: &Context, tenancy: &Tenancy, args: &LimitArgs) -> Result<(), CommandError> {
    let pool = args.pool.pool();
    let limit = match args.limit {
        Limit::None => None,
        Limit::Of(limit) => Some(limit),
    };
    tenancy.provider.set_seat_limit(&tenancy.ctx("seats limit"), tenancy.id(), &pool, limit)?;
    tenancy.work_off()?;
    let pools = tenancy.provider.pools(tenancy.id())?;
    let Some(row) = pools.iter().find(|row| row.pool == pool) else { return Ok(()) };
    let of = row.limit.map_or_else(|| "no limit".into(), |limit| format!("a limit of {limit}"));
    context
        .output
        .say(format!("{} has {of}: {} held, {} waiting.", row.name, row.held, row.waiting));
    if row.over > 0 {
        context.output.say(format!(
            "That is {} fewer than are held: nobody loses a seat, and nobody new gets one before {} are freed.",
            row.over, row.over
        ));
    }
    context.output.value(&serde_json::to_value(row)?)
}

fn seats(
    context: &Context,
    tenancy: &Tenancy,
    pools: &[Pool],
    state: SeatState,
) -> Result<(), CommandError> {
    let mut found: Vec<SeatRow> = Vec::new();
    for pool in pools {
        let mut offset = 0;
        // Ends with the first page that is not full.
        loop {
            let page = (offset, PAGE_COUNT);
            let rows = tenancy.provider.seats_of_pool(tenancy.id(), pool, state, page)?;
            let is_last = rows.len() < PAGE_COUNT as usize;
            found.extend(rows);
            if is_last {
                break;
            }
            offset += u64::from(PAGE_COUNT);
        }
    }
    let row = |seat: &SeatRow| {
        vec![
            seat.pool.to_string(),
            seat.user_name.clone(),
            moment(seat.since),
            seat.reason.to_string(),
        ]
    };
    let value = |seat: &SeatRow| -> Result<Value, serde_json::Error> {
        let mut value = serde_json::to_value(seat)?;
        value["sentence"] = json!(seat.reason.to_string());
        Ok(value)
    };
    let values = found.iter().map(value).collect::<Result<_, _>>()?;
    let headings = ["Pool", "User", "Since", "Why"];
    listing(&context.output, &headings, found.iter().map(row).collect(), values)
}

fn explain(context: &Context, tenancy: &Tenancy, args: &ExplainArgs) -> Result<(), CommandError> {
    let entitlement = tenancy.provider.entitlement_of(tenancy.id(), &args.user)?;
    tell(context, &entitlement);
    context.output.value(&serde_json::to_value(&entitlement)?)
}

/// Tells a person what a user has and why.
pub fn tell(context: &Context, entitlement: &UserEntitlement) {
    let output = &context.output;
    output.say(format!("{} is {}.", entitlement.user_name, entitlement.state));
    if let Some(reason) = &entitlement.pending {
        output.say(format!("The seats are about to be decided again: {reason}."));
    }
    let lines = entitlement.license.iter().chain(&entitlement.products).chain(&entitlement.waiting);
    for SeatLine { pool, name, chain, also, .. } in lines {
        output.say(format!("\n{} ({pool})", bold(name)));
        for step in chain {
            output.say(format!("  {step}"));
        }
        for reason in also {
            output.say(format!("  also {reason}"));
        }
    }
    for line in &entitlement.outvoted {
        output.say(format!("  {line}"));
    }
    if entitlement.license.is_none() {
        output.say("\nNo license is held.");
    }
    if !entitlement.policies.is_empty() {
        output.say(format!("\n{}", bold("Policies")));
    }
    for policy in &entitlement.policies {
        output.say(format!("  {} = {}, {}", policy.name, policy.value, policy.reason));
    }
    if !entitlement.findings.is_empty() {
        output.say(format!("\n{}", bold("To be known")));
    }
    for finding in &entitlement.findings {
        output.say(format!("  {finding}"));
    }
}

/// The pool, if the catalogue has it: an empty list should not hide a mistyped key.
fn known(tenancy: &Tenancy, pool: Pool) -> Result<Pool, CommandError> {
    let pools = tenancy.provider.pools(tenancy.id())?;
    if pools.iter().any(|row| row.pool == pool) {
        return Ok(pool);
    }
    Err(CommandError::failed(format!("there is no {pool}"))
        .hint("`muster seats list` shows those there are."))
}

fn limit(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit::None),
        number => number
            .parse()
            .map(Limit::Of)
            .map_err(|_| "give a whole number of seats, or `none`".to_string()),
    }
}
