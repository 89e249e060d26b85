//! `muster provision`: one person in one application now, step by step.

use clap::Args;
use directory::{Step, StepStatus};
use jiff::civil::Date;
use serde_json::json;

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::operator::{counted, ctx, day};
use crate::output::{bold, dim, green, red};

/// Bring one person's account up to date now, printing each step.
///
/// The credentials are tested, the person is looked up, the scope is determined, accounts that are
/// there are matched, and what is due is done: the same plan, guard and worker as for everybody.
#[derive(Debug, Args)]
pub struct ProvisionArgs {
    /// The person: login, e-mail address or employee number.
    #[arg(value_name = "EMAIL")]
    pub person: String,
    /// The application.
    #[arg(long, value_name = "APP")]
    pub app: String,
    /// The day it is decided for; today if left out.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
}

/// Runs `muster provision`.
///
/// # Errors
/// No such person or application; something could not be done.
pub async fn run(context: &Context, args: ProvisionArgs) -> Result<(), CommandError> {
    let directory = Installation::open(context)?.directory()?;
    let as_of = day(&directory, args.as_of);
    let mut steps = Vec::new();
    let mut trace = |step: Step| {
        tell(context, steps.len() + 1, &step);
        steps.push(step);
    };
    let ctx = ctx(&directory, "provision");
    let done = directory.provision(&ctx, &args.person, &args.app, as_of, &mut trace).await?;
    context.output.value(&json!({ "steps": steps, "result": done }))?;
    let requests = counted(done.requests, "request");
    if done.ok {
        context.output.say(green(&format!("The account is as it should be; {requests}.")));
        return Ok(());
    }
    let error = CommandError::failed(format!(
        "{} was not provisioned in {}; {requests}",
        args.person, args.app
    ));
    Err(match done.next_step {
        Some(next_step) => error.hint(next_step),
        None => error,
    })
}

fn tell(context: &Context, number: usize, step: &Step) {
    let status = match step.status {
        StepStatus::Done => green("done"),
        StepStatus::Skipped => dim("nothing to do"),
        StepStatus::Failed => red("failed"),
    };
    context.output.say(format!("{number}. {}: {status}", bold(step.name)));
    context.output.say(format!("   {}", step.detail));
    for exchange in &step.exchanges {
        let answer = exchange.status.map_or_else(|| "no answer".into(), |code| code.to_string());
        let line = format!("   {} /{}: {answer}", exchange.method, exchange.path);
        context.output.say(dim(&line));
    }
}
