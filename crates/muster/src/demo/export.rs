//! A configuration and an HR export of one's own: imported, provisioned, and planned a second time.

use std::path::Path;
use std::time::Instant;

use reqwest::Method;
use serde_json::Value;

use super::report::DemoReport;
use super::stage::{Stage, peak_rss_mb, seconds};
use crate::configuration::Files;
use crate::error::CommandError;

/// Longest life of the demo's own token, in seconds.
const TOKEN_SECS: i64 = 24 * 60 * 60;

/// Plays it.
pub async fn play(stage: &mut Stage, dir: &Path, hr: &Path) -> Result<DemoReport, CommandError> {
    let files = Files::read(dir)?;
    let (tenant, application) = match (files.tenants.as_slice(), files.applications.as_slice()) {
        ([tenant], [application]) => (tenant.name.clone(), application.config.name.clone()),
        _ => {
            return Err(CommandError::usage(format!(
                "{} needs one tenant and one application",
                dir.display()
            )));
        }
    };
    let bytes = std::fs::read(hr).map_err(|error| {
        CommandError::usage(format!("{} cannot be read: {error}", hr.display()))
    })?;
    stage.configure(files)?;
    let token = stage.token(&tenant, TOKEN_SECS)?;
    let ctx = stage.ctx("demo set-up");
    stage.directory.set_application_token(&ctx, &application, &token)?;
    let mut report = DemoReport::default();

    stage.chapter(&format!("Importing {}", hr.display()));
    let started = Instant::now();
    let import = stage.import(&hr.display().to_string(), &bytes)?;
    report.seconds.import = seconds(started);
    if import.is_stopped() {
        for stop in &import.stopped {
            stage.tell(format!("{} {}", stop.reason, stop.next_step));
        }
        return Err(CommandError::held("the file was refused; nothing was changed"));
    }
    (report.people, report.employed) = population(stage)?;
    stage.tell(format!(
        "{} rows, {} people, {} employed on {}; {} rows set aside. {} s",
        import.rows,
        report.people,
        report.employed,
        stage.as_of,
        import.quarantined.len(),
        report.seconds.import
    ));

    stage.chapter("Planning");
    let started = Instant::now();
    let observed_pages = plan(stage, &application, &mut report).await?;
    report.seconds.plan = seconds(started);
    stage.tell(format!("{} s", report.seconds.plan));

    stage.chapter("Applying");
    let started = Instant::now();
    let applied = stage.apply(&application).await?;
    report.seconds.apply = seconds(started);
    report.requests = applied.requests + observed_pages;
    stage.tell(format!(
        "{} of {} changes done in {} requests (the fewest possible: {}). {} s, {:.0} a second",
        applied.done,
        applied.planned,
        report.requests,
        report.requests_minimum,
        report.seconds.apply,
        applied.requests as f64 / report.seconds.apply.max(0.001)
    ));
    stage.check("everything planned was done", applied.done == applied.planned);
    look(stage, &token, &tenant, &mut report).await?;

    stage.chapter("Planning again");
    let second = stage.directory.plan(&stage.ctx("demo plan"), &application, stage.as_of).await?;
    report.second_plan_changes = second.plan.changes.len() as u64;
    stage.check("the second plan says there is nothing to do", second.plan.is_empty());
    let (active, employed) = (report.accounts_active, report.employed);
    stage.check(
        format!("{active} active accounts for {employed} employed people"),
        active == employed,
    );
    stage.check(
        format!("{} of {} licenses explained", report.licenses_explained, report.licenses_held),
        report.licenses_explained == report.licenses_held && report.licenses_held == employed,
    );
    report.peak_rss_mb = peak_rss_mb();
    report.failures = stage.failures().to_vec();
    Ok(report)
}

/// How many people there are, and how many of them are employed.
fn population(stage: &Stage) -> Result<(u64, u64), CommandError> {
    let people = stage.directory.people()?;
    let employed = people.iter().filter(|person| person.is_employed(stage.as_of)).count();
    Ok((people.len() as u64, employed as u64))
}

/// Makes the plan, tells what it says, and says how many pages were listed for it.
async fn plan(
    stage: &Stage,
    application: &str,
    report: &mut DemoReport,
) -> Result<u64, CommandError> {
    let stored = stage.directory.plan(&stage.ctx("demo plan"), application, stage.as_of).await?;
    report.requests_minimum = stored.requests_minimum;
    let (changes, requests) = (stored.plan.changes.len(), stored.plan.cost.requests);
    stage.tell(format!("{changes} changes, {requests} requests"));
    Ok(stored.observed_pages)
}

/// What the application itself says, asked over HTTP; and why each license is held.
async fn look(
    stage: &Stage,
    token: &str,
    tenant: &str,
    report: &mut DemoReport,
) -> Result<(), CommandError> {
    let total = |answer: (u16, Value)| answer.1.get("totalResults").and_then(Value::as_u64);
    let users = "/scim2/Users?filter=active%20eq%20true&count=0";
    report.accounts_active =
        total(stage.ask(token, Method::GET, users, None).await?).unwrap_or_default();
    let members = stage.members(token).await?;
    report.groups_pushed = members.len() as u64;
    report.memberships = members.values().map(|members| members.len() as u64).sum();
    stage.settled(tenant).await?;
    let (held, explained) = stage.licenses(tenant, &members)?;
    (report.licenses_held, report.licenses_explained) = (held, explained);
    Ok(())
}
