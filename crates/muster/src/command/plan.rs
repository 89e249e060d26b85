//! `muster plan`: what would change in an application, with reasons, requests and what is held.

use clap::Args;
use directory::StoredPlan;
use jiff::civil::Date;
use lifecycle::render;

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::operator::{counted, ctx, day};
use crate::output::{bold, green, red};

/// Changes, members and findings that are shown of each kind.
const SHOWN_COUNT: usize = 50;

/// Show what would change in an application, and why. Nothing is sent.
///
/// An application that was never looked at is listed first. Planning twice for the same day and
/// facts gives the same plan, and the plan after it was applied is empty.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The application.
    pub app: String,
    /// The day it is planned for, as YYYY-MM-DD; today if left out.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    /// Show every change, not the first 50 of each kind.
    #[arg(long)]
    pub all: bool,
}

/// Runs `muster plan`.
///
/// # Errors
/// No such application; it has to be listed and cannot be asked.
pub async fn run(context: &Context, args: PlanArgs) -> Result<(), CommandError> {
    let directory = Installation::open(context)?.directory()?;
    let as_of = day(&directory, args.as_of);
    let planned = directory.plan(&ctx(&directory, "plan"), &args.app, as_of).await?;
    let shown = if args.all { usize::MAX } else { SHOWN_COUNT };
    tell(context, &planned, shown);
    context.output.value(&serde_json::to_value(&planned)?)
}

/// A plan as people read it; `muster apply` shows the same one.
pub fn tell(context: &Context, planned: &StoredPlan, shown: usize) {
    let output = &context.output;
    let StoredPlan { plan, verdict, .. } = planned;
    let text = render(plan, shown);
    let mut lines = text.lines();
    output.say(bold(lines.next().unwrap_or_default()));
    lines.for_each(|line| output.say(line));
    if planned.observed_pages > 0 {
        output.say(format!(
            "\nThe application was listed for this: {}.",
            counted(planned.observed_pages, "page")
        ));
    }
    let doubts: Vec<String> = planned
        .mapping_findings
        .iter()
        .map(lifecycle::MappingFinding::sentence)
        .chain(planned.rule_findings.iter().map(lifecycle::Finding::sentence))
        .collect();
    if !doubts.is_empty() {
        output.say("\nMappings, rules and groups");
        doubts.iter().take(shown).for_each(|sentence| output.say(format!("  {sentence}")));
        if doubts.len() > shown {
            output.say(format!("  ... and {} more", doubts.len() - shown));
        }
    }
    if plan.is_empty() {
        return;
    }
    let app = &plan.application_name;
    output.say("\nSeats are the application's to give: `muster explain EMAIL` asks it.");
    if verdict.is_released() {
        output.say(green(&format!("Nothing is held. `muster apply {app}` does exactly this.")));
    } else {
        output.say(red("Held for approval"));
        for sentence in verdict.sentences(app, &plan.digest) {
            output.say(format!("  {sentence}"));
        }
    }
    output.say(format!("Plan {}", plan.digest));
}
