//! `muster demo`: the whole lifecycle on this machine, told as a story with figures.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;

use crate::cli::Context;
use crate::demo::{Stage, export, story};
use crate::error::CommandError;

/// Tell the whole lifecycle with made-up people, over real HTTP, in a temporary folder.
///
/// With --hr FILE it takes an HR export of your own and --config DIR, a folder of configuration files
/// such as examples/hr-export. It checks itself: the exit code is 1 if anything did not converge.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// How many made-up people.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(60..=20_000))]
    pub people: u32,
    /// The day it plays on; today if it is left out.
    #[arg(long)]
    pub as_of: Option<Date>,
    /// End when the story ends. Without it both halves stay up.
    #[arg(long)]
    pub once: bool,
    /// An HR export; --config DIR says how it is read.
    #[arg(long)]
    pub hr: Option<PathBuf>,
    /// Keep the installation in this folder instead of a temporary one.
    #[arg(long)]
    pub folder: Option<PathBuf>,
}

/// Runs `muster demo`.
pub async fn run(context: &Context, args: DemoArgs) -> Result<(), CommandError> {
    let as_of = args
        .as_of
        .unwrap_or_else(|| jiff::tz::TimeZone::system().to_datetime(jiff::Timestamp::now()).date());
    let mut stage = Stage::set_up(context.output, as_of, args.folder.as_deref()).await?;
    let played = match &args.hr {
        Some(hr) => export::play(&mut stage, &context.config, hr).await,
        None => story::play(&mut stage, args.people as usize).await,
    };
    let report = match played {
        Ok(report) => report,
        Err(error) => {
            stage.stop().await;
            return Err(error);
        }
    };
    context.output.value(&serde_json::to_value(&report)?)?;
    if report.failures.is_empty() {
        context.output.say("\nEverything holds.");
    }
    if !args.once {
        context.output.say(format!(
            "\nBoth halves stay up: {}\nUse them with `muster --config {} ...`; Ctrl-C ends it.",
            stage.address,
            stage.config_file.display()
        ));
        tokio::signal::ctrl_c().await?;
    }
    stage.stop().await;
    if report.failures.is_empty() {
        Ok(())
    } else {
        Err(CommandError::failed(format!("{} things did not hold", report.failures.len())))
    }
}
