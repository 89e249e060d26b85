//! `muster seats history`: every seat that was ever held, with its reason, start and end.

use std::io::Write;

use clap::Args;
use entitlement::{Key, Tenure};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use service_provider::{HistoryQuery, TenureRow};

use super::license::{key, pool_of};
use crate::cli::Context;
use crate::error::CommandError;
use crate::listing::{listing, moment};
use crate::tenancy::Tenancy;

/// Seats that are read at a time.
const PAGE_COUNT: u32 = 1_000;

/// List every seat that was ever held or waited for, with its reason, start and end.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Only of this user, by login, e-mail address or id; of a deleted one by id.
    #[arg(long)]
    user: Option<String>,
    /// Only of this license type or product.
    #[arg(long, value_name = "KEY", value_parser = key)]
    license: Option<Key>,
    /// Only what was held or waited for on this day or later.
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Only what was held or waited for on this day or before.
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Who held what at this moment (`2026-11-24T09:00:00Z`) or at the end of this day.
    #[arg(long, value_name = "MOMENT", value_parser = as_of)]
    as_of: Option<Timestamp>,
    /// Print comma-separated values, with a line of headings.
    #[arg(long)]
    csv: bool,
}

/// Runs `muster seats history`.
///
/// # Errors
/// No such license type or product; the database failed.
pub fn run(context: &Context, tenancy: &Tenancy, args: &HistoryArgs) -> Result<(), CommandError> {
    let mut query = HistoryQuery {
        user: args.user.clone(),
        pool: args.license.as_ref().map(|key| pool_of(tenancy, key)).transpose()?,
        from: args.from.map(begin_of).transpose()?,
        to: args.to.map(end_of).transpose()?,
        as_of: args.as_of,
        after_user: None,
        limit: PAGE_COUNT,
    };
    let mut found: Vec<TenureRow> = Vec::new();
    // Users only go up, so the loop ends with the last of them.
    loop {
        let page = tenancy.provider.seat_history(tenancy.id(), &query)?;
        let is_last = page.len() < PAGE_COUNT as usize;
        query.after_user = page.last().map(|row| row.tenure.user.clone());
        found.extend(page);
        if is_last {
            break;
        }
    }
    if args.csv && !context.output.json {
        return csv(&found);
    }
    let values = found.iter().map(value).collect::<Result<_, _>>()?;
    let rows = found.iter().map(cells).collect();
    listing(&context.output, &["User", "Pool", "State", "From", "To", "Why", "Ended"], rows, values)
}

fn cells(row: &TenureRow) -> Vec<String> {
    let TenureRow { user_name, tenure } = row;
    vec![
        user_name.clone(),
        tenure.pool.to_string(),
        tenure.state.as_str().into(),
        moment(tenure.since),
        tenure.until.map_or_else(|| "goes on".into(), moment),
        reasons(tenure),
        ended(tenure),
    ]
}

/// Every reason the seat had, in the order of time.
fn reasons(tenure: &Tenure) -> String {
    let later = tenure.restated.iter().map(|restated| restated.reason.to_string());
    std::iter::once(tenure.reason.to_string()).chain(later).collect::<Vec<_>>().join("; then ")
}

fn ended(tenure: &Tenure) -> String {
    match (&tenure.ended_because, tenure.until) {
        (Some(because), _) => because.sentence(&entitlement::Catalogue::default()),
        (None, Some(_)) => "a seat was given".into(),
        (None, None) => "-".into(),
    }
}

fn value(row: &TenureRow) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(row)?;
    value["sentence"] = json!(reasons(&row.tenure));
    Ok(value)
}

/// RFC 4180: a field is quoted where it holds a comma, a quote or a line break.
fn csv(found: &[TenureRow]) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "user_id,user_name,kind,key,state,since,until,reason,ended")?;
    for row in found {
        let TenureRow { user_name, tenure } = row;
        let fields = [
            tenure.user.0.clone(),
            user_name.clone(),
            tenure.pool.kind().into(),
            tenure.pool.key().to_string(),
            tenure.state.as_str().into(),
            tenure.since.to_string(),
            tenure.until.map(|until| until.to_string()).unwrap_or_default(),
            reasons(tenure),
            ended(tenure),
        ];
        let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        writeln!(out, "{}", fields.join(","))?;
    }
    Ok(())
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn begin_of(day: Date) -> Result<Timestamp, CommandError> {
    TimeZone::UTC
        .to_timestamp(day.at(0, 0, 0, 0))
        .map_err(|_| CommandError::usage(format!("{day} is out of reach")))
}

fn end_of(day: Date) -> Result<Timestamp, CommandError> {
    TimeZone::UTC
        .to_timestamp(day.at(23, 59, 59, 999_999_999))
        .map_err(|_| CommandError::usage(format!("{day} is out of reach")))
}

fn as_of(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let day: Date = text
        .parse()
        .map_err(|_| "give a moment such as 2026-11-24T09:00:00Z, or a day".to_string())?;
    end_of(day).map_err(|error| error.to_string())
}
