//! `muster seats forecast` and `muster seats demand`: what the next days need, and who says so.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};
use service_provider::{Demand, DemandTarget, StoredDemand};

use crate::cli::Context;
use crate::error::CommandError;
use crate::listing::{listing, moment};
use crate::operator::{counted, toml_file};
use crate::tenancy::Tenancy;

/// Say of every pool how many seats the next days need, when it runs out, and how many are missing.
#[derive(Debug, Args)]
pub struct ForecastArgs {
    /// How many days to look ahead.
    #[arg(long, default_value_t = 30)]
    days: u32,
}

/// Who joins and leaves, as it was told by whoever knows.
#[derive(Debug, Args)]
pub struct DemandArgs {
    #[command(subcommand)]
    command: Option<DemandCommand>,
}

#[derive(Debug, Subcommand)]
enum DemandCommand {
    Put(PutArgs),
}

/// Say all that a source knows of the days to come, in place of what it said before.
#[derive(Debug, Args)]
struct PutArgs {
    /// Who says it: `hr`.
    source: String,
    /// A TOML file with a `[[demand]]` for each day; without any, the source is forgotten.
    file: PathBuf,
}

/// A file with demand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemandFile {
    #[serde(default)]
    demand: Vec<Demand>,
}

/// Runs `muster seats forecast`.
///
/// # Errors
/// The database failed.
pub fn forecast(
    context: &Context,
    tenancy: &Tenancy,
    args: &ForecastArgs,
) -> Result<(), CommandError> {
    let forecasts = tenancy.provider.forecast(tenancy.id(), args.days)?;
    for one in &forecasts {
        context.output.say(one.sentence());
        for day in &one.days {
            context.output.say(format!(
                "  {}: {} join, {} leave, {} needed (says {})",
                day.date,
                day.joiners,
                day.leavers,
                day.need,
                day.sources.join(", ")
            ));
        }
    }
    let value = |one: &entitlement::Forecast| -> Result<Value, serde_json::Error> {
        let mut value = serde_json::to_value(one)?;
        value["sentence"] = json!(one.sentence());
        Ok(value)
    };
    let values: Vec<Value> = forecasts.iter().map(value).collect::<Result<_, _>>()?;
    context.output.value(&values.into())
}

/// Runs `muster seats demand`.
///
/// # Errors
/// A file that cannot be read; something the catalogue does not have.
pub fn demand(context: &Context, tenancy: &Tenancy, args: &DemandArgs) -> Result<(), CommandError> {
    if let Some(DemandCommand::Put(put)) = &args.command {
        let file: DemandFile = toml_file(&put.file)?;
        let ctx = tenancy.ctx("seats demand put");
        tenancy.provider.put_demand(&ctx, tenancy.id(), &put.source, &file.demand)?;
        context.output.say(format!(
            "{} says {}.",
            put.source,
            counted(file.demand.len() as u64, "entry")
        ));
    }
    let all = tenancy.provider.demand(tenancy.id())?;
    let row = |one: &StoredDemand| {
        vec![
            one.source.clone(),
            one.demand.date.to_string(),
            match &one.demand.needs {
                DemandTarget::License(key) => format!("license {key}"),
                DemandTarget::Product(key) => format!("product {key}"),
                DemandTarget::Group(name) => format!("group \"{name}\""),
            },
            one.demand.joiners.to_string(),
            one.demand.leavers.to_string(),
            one.put_by.clone(),
            moment(one.put_at),
        ]
    };
    let values = all.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    let headings = ["Source", "Day", "Need", "Join", "Leave", "Put by", "Put"];
    listing(&context.output, &headings, all.iter().map(row).collect(), values)
}
