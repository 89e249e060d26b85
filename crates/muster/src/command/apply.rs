//! `muster apply`: do what the plan says, and nothing else.

use clap::Args;
use directory::{ApplyOptions, ApplyOutcome, ApplyReport, Failed, Progress};
use jiff::civil::Date;

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::operator::{counted, ctx, day};
use crate::output::green;

/// Subjects that are named of each kind; the report of --json has more.
const SHOWN_COUNT: usize = 20;

/// Do in an application what `muster plan` shows.
///
/// A plan that takes away too much (deactivations, memberships in groups that grant licenses) is held
/// until a person approves it: the command says why and exits with 3. An apply that was interrupted is
/// finished by applying again; nothing is done twice.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The application.
    pub app: String,
    /// Approve the plan of this digest, as `muster plan` printed it; its beginning will do. What has
    /// changed since is not approved.
    #[arg(long, value_name = "DIGEST")]
    pub approve: Option<String>,
    /// The day it is planned for, as YYYY-MM-DD; today if left out.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
}

/// Runs `muster apply`.
///
/// # Errors
/// No such application; the plan is held; not everything could be done.
pub async fn run(context: &Context, args: ApplyArgs) -> Result<(), CommandError> {
    let directory = Installation::open(context)?.directory()?;
    let options = ApplyOptions { as_of: day(&directory, args.as_of), approve: args.approve };
    let bar = context.output.progress(0, &format!("Applying to {}", args.app));
    let progress = |progress: Progress| {
        bar.set_message(progress.what);
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    };
    let report = directory.apply(&ctx(&directory, "apply"), &args.app, options, &progress).await;
    bar.finish_and_clear();
    let report = report?;
    context.output.value(&serde_json::to_value(&report)?)?;
    tell(context, &args.app, &report);
    conclude(&args.app, report)
}

fn tell(context: &Context, app: &str, report: &ApplyReport) {
    let output = &context.output;
    if report.is_complete() && report.planned == 0 && report.done == 0 {
        output.say(green(&format!("{app} is as it should be; there was nothing to do.")));
        return;
    }
    if matches!(report.outcome, ApplyOutcome::Held { .. }) && report.done == 0 {
        return;
    }
    output.say(format!(
        "{app}: {} of {} made, {} ({} planned) in {:.1} s.",
        report.done,
        counted(report.planned, "change"),
        counted(report.requests, "request"),
        report.requests_planned + report.observed_pages,
        report.seconds
    ));
    if report.superseded > 0 {
        output.say(format!(
            "{} had changed since the plan and went back through the guard.",
            counted(report.superseded, "change")
        ));
    }
    tell_failed(context, "Not done", &report.failed, report.failed_count);
    tell_failed(context, "To be tried again", &report.retrying, report.retrying.len() as u64);
}

fn tell_failed(context: &Context, heading: &str, failed: &[Failed], count: u64) {
    if failed.is_empty() {
        return;
    }
    context.output.say(format!("\n{heading} ({count})"));
    for Failed { subject, reason, next_step } in failed.iter().take(SHOWN_COUNT) {
        context.output.say(format!("  {subject}: {reason}"));
        context.output.say(format!("      {next_step}"));
    }
    if failed.len() > SHOWN_COUNT {
        let more = failed.len() - SHOWN_COUNT;
        context.output.say(format!("  and {more} more; --json prints all of them"));
    }
}

/// The exit code: done, held for a person, or not everything done.
fn conclude(app: &str, report: ApplyReport) -> Result<(), CommandError> {
    match report.outcome {
        ApplyOutcome::Held { reasons, next_step, .. } => {
            let reasons = reasons.join(" ");
            Err(CommandError::held(format!("{app} is held for approval. {reasons}"))
                .hint(next_step))
        }
        ApplyOutcome::Stopped { failure, next_step } => {
            let waiting = counted(report.waiting, "change");
            Err(CommandError::failed(format!("{app} stopped: {failure}; {waiting} left"))
                .hint(next_step))
        }
        ApplyOutcome::Applied if report.failed_count > 0 => {
            let count = counted(report.failed_count, "change");
            Err(CommandError::failed(format!("{count} could not be made in {app}"))
                .hint("Each says above what to do; then apply again."))
        }
        ApplyOutcome::Applied if report.waiting > 0 => {
            let count = counted(report.waiting, "change");
            Err(CommandError::failed(format!("{count} will be tried again in {app}"))
                .hint("`muster serve` tries by itself; or apply again."))
        }
        ApplyOutcome::Applied => Ok(()),
    }
}
