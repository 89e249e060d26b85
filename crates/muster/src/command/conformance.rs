//! `muster conformance`: a walk against any SCIM 2.0 server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Context;
use crate::conformance::{
    Group, Level, Options, Peer, PeerConfig, Report, Walk, chosen, junit, tell,
};
use crate::error::CommandError;
use crate::output::{Output, bold};

/// Check any SCIM 2.0 server against the RFCs and against what real clients send.
///
/// Everything it makes has a name of its own and is deleted at the end, also after Ctrl-C. What the
/// server does not advertise is not asked of it. It fails if a MUST does.
#[derive(Debug, Args)]
pub struct ConformanceArgs {
    /// The SCIM base URL, as `https://scim.example/scim2`.
    #[arg(required_unless_present = "list")]
    url: Option<String>,
    /// With --json: the file for the report, instead of standard output.
    #[arg(value_name = "FILE")]
    report: Option<String>,
    /// The file with the bearer token, or with a whole `Basic ...` value.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Write the report as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Only this group of checks; may be repeated.
    #[arg(long, value_name = "GROUP")]
    only: Vec<String>,
    /// Of the clients' conversations only this one; `rfc` for none.
    #[arg(long, value_name = "NAME")]
    dialect: Option<String>,
    /// Make nothing: only the checks that read.
    #[arg(long)]
    read_only: bool,
    /// List the checks, and ask nobody.
    #[arg(long)]
    list: bool,
    /// The domain of the made-up users' addresses.
    #[arg(long, value_name = "DOMAIN", default_value = "example.com")]
    domain: String,
    /// Most requests.
    #[arg(long, value_name = "COUNT", default_value_t = 20_000)]
    requests: u64,
    /// Longest wait for one answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Show what is noted, too.
    #[arg(long)]
    verbose: bool,
}

/// Runs `muster conformance`.
///
/// # Errors
/// The server does not answer; a MUST fails.
pub async fn run(context: &Context, args: ConformanceArgs) -> Result<(), CommandError> {
    let groups = chosen(&args.only, args.dialect.as_deref()).map_err(CommandError::usage)?;
    if args.list {
        return list(context, &groups);
    }
    let (url, file) = places(&args)?;
    if file.is_some() && !context.output.json {
        return Err(CommandError::usage(
            "a second place goes with --json: it is the report's file",
        ));
    }
    let peer = Arc::new(peer(&args, &url)?);
    let options = Options { read_only: args.read_only, domain: args.domain.clone() };
    let mut walk = Walk::begin(peer, options)
        .await
        .map_err(|why| CommandError::failed(why).hint("Check the base URL and --token-file."))?;
    let count: usize = groups.iter().map(|group| group.checks.len()).sum();
    let bar = context.output.progress(u64::try_from(count).unwrap_or_default(), "");
    let mut terminate = signal(SignalKind::terminate())?;
    let walking = async {
        for group in &groups {
            bar.set_message(group.name.clone());
            walk.group(group, |_| bar.inc(1)).await;
        }
    };
    let is_interrupted = tokio::select! {
        () = walking => false,
        _ = tokio::signal::ctrl_c() => true,
        _ = terminate.recv() => true,
    };
    bar.set_message("deleting what was made");
    let left_behind = walk.end().await;
    bar.finish_and_clear();
    let report = Report { walk: &walk, groups: &groups, left_behind: &left_behind, is_interrupted };
    // With a file for the JSON, standard output is free for a person.
    let output = Output { json: context.output.json && file.is_none() };
    tell(&report, args.verbose).into_iter().for_each(|line| output.say(line));
    if let Some(path) = &args.junit {
        write(path, &junit(&report))?;
    }
    match &file {
        Some(path) => write(path, &serde_json::to_string_pretty(&report.to_json())?)?,
        None => context.output.value(&report.to_json())?,
    }
    verdict(&report)
}

fn verdict(report: &Report<'_>) -> Result<(), CommandError> {
    if report.is_interrupted {
        return Err(CommandError::failed("the walk was broken off; what it made is deleted"));
    }
    match report.failed(Level::Must) {
        0 => Ok(()),
        1 => Err(CommandError::failed("a MUST fails")),
        count => Err(CommandError::failed(format!("{count} MUSTs fail"))),
    }
}

/// The server and the report's file, whichever way round they stand.
fn places(args: &ConformanceArgs) -> Result<(String, Option<PathBuf>), CommandError> {
    let url = args.url.clone().unwrap_or_default();
    let (url, file) = match &args.report {
        Some(other) if other.contains("://") => (other.clone(), Some(url)),
        other => (url, other.clone()),
    };
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(CommandError::usage(format!("`{url}` is no http or https URL")));
    }
    Ok((url.trim_end_matches('/').to_owned(), file.map(PathBuf::from)))
}

fn peer(args: &ConformanceArgs, url: &str) -> Result<Peer, CommandError> {
    let authorization = match &args.token_file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                CommandError::usage(format!("{} cannot be read: {error}", path.display()))
            })?;
            let text = text.trim().to_owned();
            Some(if text.contains(' ') { text } else { format!("Bearer {text}") })
        }
    };
    let config = PeerConfig {
        base: url.to_owned(),
        authorization,
        request_count_max: args.requests,
        answer_wait: Duration::from_secs(args.timeout),
    };
    Peer::new(config).map_err(|error| CommandError::failed(crate::error::chain(&error)))
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    std::fs::write(path, text).map_err(|error| {
        CommandError::failed(format!("{} cannot be written: {error}", path.display()))
    })
}

fn list(context: &Context, groups: &[&Group]) -> Result<(), CommandError> {
    let mut values: Vec<Value> = Vec::new();
    for group in groups {
        context.output.say(bold(&format!("{}: {}", group.name, group.about)));
        for check in &group.checks {
            let (level, name) = (check.level.as_str(), &check.name);
            context.output.say(format!("  {level:<6} {name:<28} {}", check.claim));
            values.push(json!({"group": group.name, "name": name, "level": level,
                "clause": check.clause, "claim": check.claim, "breaks": check.breaks}));
        }
    }
    context.output.say(format!("{} checks", values.len()));
    context.output.value(&Value::from(values))
}
