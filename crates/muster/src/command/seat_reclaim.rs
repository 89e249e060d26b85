//! `muster seats idle` and `muster seats reclaim`: who does not use a seat, what that costs, and
//! taking such seats back by the tenant's policy.

use clap::{Args, Subcommand};
use entitlement::{HeldBack, IdleSeat, Proposal, ReclaimMode, Spared};
use serde_json::json;

use crate::cli::Context;
use crate::error::CommandError;
use crate::listing::{listing, moment, or};
use crate::operator::counted;
use crate::tenancy::Tenancy;

/// List who holds a seat without using it, since when, and what that costs.
#[derive(Debug, Args)]
pub struct IdleArgs {
    /// After how many days without activity a seat is idle.
    #[arg(long, default_value_t = 60)]
    days: u32,
}

/// List what the tenant's policy takes back, what it spares and why.
#[derive(Debug, Args)]
pub struct ReclaimArgs {
    #[command(subcommand)]
    command: Option<ReclaimCommand>,
}

#[derive(Debug, Subcommand)]
enum ReclaimCommand {
    Approve(ApproveArgs),
}

/// Take back exactly what was listed, without waiting for the grace.
#[derive(Debug, Args)]
struct ApproveArgs {
    /// The digest that stands under the list, or its first eight characters or more.
    digest: String,
    /// Also where more than the policy's share of a pool goes at once.
    #[arg(long)]
    over_share: bool,
}

/// Runs `muster seats idle`.
///
/// # Errors
/// The database failed.
pub fn idle(context: &Context, tenancy: &Tenancy, args: &IdleArgs) -> Result<(), CommandError> {
    let report = tenancy.provider.idle_seats(tenancy.id(), args.days)?;
    if context.output.json {
        return context.output.value(&serde_json::to_value(&report)?);
    }
    let row = |seat: &IdleSeat| {
        vec![
            seat.user_name.clone(),
            seat.name.clone(),
            seat.idle_since_day().to_string(),
            seat.last.map_or_else(|| "never".into(), |last| moment(last.at)),
            or(seat.price, "-"),
            seat.reason.to_string(),
        ]
    };
    let headings = ["User", "Seat", "Idle since", "Last active", "A month", "Why held"];
    context.output.table(&headings, &report.idle.iter().map(row).collect::<Vec<_>>())?;
    let seats = counted(report.idle.len() as u64, "idle seat");
    context.output.say(format!("{seats}: {} a month.", report.idle_cost));
    for unused in &report.unused {
        let seats = counted(unused.count, "seat");
        context
            .output
            .say(format!("{}: {seats} nobody holds, {} a month.", unused.name, unused.cost));
    }
    Ok(())
}

/// Runs `muster seats reclaim`.
///
/// # Errors
/// A digest that stands for another list; more than the policy's share.
pub fn reclaim(
    context: &Context,
    tenancy: &Tenancy,
    args: &ReclaimArgs,
) -> Result<(), CommandError> {
    if let Some(ReclaimCommand::Approve(approve)) = &args.command {
        let ctx = tenancy.ctx("seats reclaim approve");
        let (id, over) = (tenancy.id(), approve.over_share);
        let done = tenancy.provider.approve_reclaim(&ctx, id, &approve.digest, over)?;
        tenancy.work_off()?;
        let seats = counted(done.reclaimed.len() as u64, "seat");
        context.output.say(format!("{seats} taken back; {} stayed.", done.kept));
        return context.output.value(&serde_json::to_value(&done)?);
    }
    let report = tenancy.provider.reclaim_report(tenancy.id())?;
    if report.mode == ReclaimMode::Off {
        context.output.say(
            "The tenant's policy takes nothing back. `[reclaim]` in the tenant's file says otherwise.",
        );
    }
    let row = |one: &Proposal| {
        vec![
            one.user_name.clone(),
            one.name.clone(),
            one.idle_since.to_string(),
            or(one.price, "-"),
            if one.is_due { "now".into() } else { moment(one.due_at) },
        ]
    };
    let proposals = &report.plan.proposals;
    if !context.output.json {
        let headings = ["User", "Seat", "Idle since", "A month", "Due"];
        listing(&context.output, &headings, proposals.iter().map(row).collect(), Vec::new())?;
    }
    for sentence in report.plan.spared.iter().map(Spared::sentence) {
        context.output.say(sentence);
    }
    for sentence in report.plan.held_back.iter().map(HeldBack::sentence) {
        context.output.say(sentence);
    }
    if !proposals.is_empty() {
        let digest: String = report.digest.chars().take(12).collect();
        context.output.say(format!("Take them back with `muster seats reclaim approve {digest}`."));
    }
    context.output.value(&json!(report))
}
