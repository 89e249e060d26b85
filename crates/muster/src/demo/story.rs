//! The story: hired, moved, left, back again; and what goes wrong on the way. Everything between the
//! halves goes over HTTP with a bearer token.

use std::time::Instant;

use directory::{ApplyOutcome, ApplyReport};
use jiff::civil::Date;
use reqwest::Method;
use serde_json::{Value, json};

use super::acme;
use super::people::{Row, company, csv, is_employed};
use super::report::DemoReport;
use super::stage::{Stage, peak_rss_mb, seconds};
use crate::error::CommandError;

const TENANT: &str = "acme";
const APPLICATION: &str = "zoom";
/// Longest wait for the effects of leaving.
const EFFECTS_WAIT_SECS_MAX: u64 = 30;
/// Life of the token that everything is done with, and of the one that is let expire.
const TOKEN_SECS: i64 = 24 * 60 * 60;
const SHORT_TOKEN_SECS: i64 = 1;
/// How many leave in the story.
const LEAVER_COUNT: usize = 3;

/// Plays it.
pub async fn play(stage: &mut Stage, size: usize) -> Result<DemoReport, CommandError> {
    let mut play = Play {
        leavers: leavers(&company(size, stage.as_of), stage.as_of),
        rows: company(size, stage.as_of),
        token: String::new(),
        report: DemoReport::default(),
    };
    play.connect(stage).await?;
    play.hire(stage).await?;
    play.work(stage).await?;
    play.moves(stage).await?;
    play.leave(stage).await?;
    play.come_back(stage).await?;
    play.mishaps(stage).await?;
    play.finish(stage).await
}

struct Play {
    rows: Vec<Row>,
    /// Those who leave in this story.
    leavers: Vec<Row>,
    token: String,
    report: DemoReport,
}

impl Play {
    /// Steps 1 to 5 of the guide, from the files in `examples/acme`.
    async fn connect(&mut self, stage: &mut Stage) -> Result<(), CommandError> {
        stage.chapter("Two halves that know nothing of each other");
        stage.tell(format!(
            "The service provider listens on {}; the directory has its own database and speaks SCIM.",
            stage.address
        ));
        let files = acme::files(&stage.folder().join("acme"))?;
        stage.configure(files)?;
        stage.tell(
            "The configuration is examples/acme: an HR source, four groups with their rules, the application with its mappings, a tenant whose groups grant licenses.",
        );

        stage.chapter("A token that has expired");
        let expired = stage.token(TENANT, SHORT_TOKEN_SECS)?;
        let ctx = stage.ctx("demo set-up");
        stage.directory.set_application_token(&ctx, APPLICATION, &expired)?;
        tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
        let test = stage.directory.test_credentials(APPLICATION).await?;
        stage.tell(format!("Test API credentials: {}", test.sentence));
        if let Some(next_step) = &test.next_step {
            stage.aside(next_step);
        }
        stage.check(
            "the expired token is diagnosed",
            !test.is_ok() && test.sentence.contains("expired"),
        );
        self.token = stage.token(TENANT, TOKEN_SECS)?;
        stage.directory.set_application_token(&ctx, APPLICATION, &self.token)?;
        let test = stage.directory.test_credentials(APPLICATION).await?;
        stage.check("with a new token they are accepted", test.is_ok());

        stage.chapter("Somebody is there already");
        let first = self.rows[0].clone();
        let login = login(&first);
        let body = json!({"action": "create", "user_info": {
            "email": login, "type": 1, "first_name": first.given, "last_name": first.family}});
        let (status, _) = stage.ask(&self.token, Method::POST, "/v2/users", Some(&body)).await?;
        stage.tell(format!("{} signed up by themselves as {login}.", first.name()));
        stage.check("the account exists before provisioning", status == 201);
        Ok(())
    }

    /// Step 6: everybody who is employed gets an account, groups and a license.
    async fn hire(&mut self, stage: &mut Stage) -> Result<(), CommandError> {
        stage.chapter("Hired");
        let started = Instant::now();
        let import = stage.import("people.csv", csv(&self.rows).as_bytes())?;
        self.report.seconds.import = seconds(started);
        stage.tell(format!(
            "{} rows in the export; {} people are new, {} rows set aside.",
            import.rows,
            import.joined,
            import.quarantined.len()
        ));
        let employed = self.employed(stage);
        let started = Instant::now();
        let plan = stage.directory.plan(&stage.ctx("demo plan"), APPLICATION, stage.as_of).await?;
        self.report.seconds.plan = seconds(started);
        self.report.requests_minimum = plan.requests_minimum;
        stage.tell(format!(
            "The plan: {} changes in {} requests.",
            plan.plan.changes.len(),
            plan.plan.cost.requests
        ));
        let started = Instant::now();
        let applied = stage.apply(APPLICATION).await?;
        self.report.seconds.apply = seconds(started);
        self.report.requests = plan.observed_pages + applied.requests;
        tell_applied(stage, &applied);
        let active = self.total(stage, "/scim2/Users?filter=active%20eq%20true&count=0").await?;
        stage.check(
            format!("{active} active accounts for {employed} employed people"),
            active == employed,
        );
        let first = self.rows[0].clone();
        let found = self.total(stage, &format!("/scim2/Users?filter={}", by_login(&first))).await?;
        stage.check(format!("{} was linked, not created a second time", first.name()), found == 1);
        let license = self.license(stage, &first).await?;
        stage.check(format!("{} has {license}", first.name()), license.contains("Phone"));
        self.nothing_to_do(stage).await
    }

    /// A working life in the application, for those who will leave.
    async fn work(&mut self, stage: &mut Stage) -> Result<(), CommandError> {
        stage.chapter("At work");
        let start = stage.ctx("").now.checked_add(jiff::SignedDuration::from_hours(48));
        let start = start.map_err(|error| CommandError::failed(error.to_string()))?;
        let queue = json!({"queue_name": "Service desk"});
        let (_, queue) =
            stage.ask(&self.token, Method::POST, "/v2/contact_center/queues", Some(&queue)).await?;
        let queue = queue.get("queue_id").and_then(Value::as_str).unwrap_or_default().to_string();
        for (n, row) in self.leavers.clone().into_iter().enumerate() {
            let login = login(&row);
            let number = format!("+1555010{n:04}");
            let requests = [
                (
                    format!("/v2/users/{login}/meetings"),
                    json!({"topic": "Weekly", "start_time": start.to_string(), "duration": 30}),
                ),
                ("/v2/phone/numbers".to_string(), json!({"phone_numbers": [{"number": number}]})),
                (
                    format!("/v2/phone/users/{login}/phone_numbers"),
                    json!({"phone_numbers": [{"number": number}]}),
                ),
                (format!("/v2/contact_center/queues/{queue}/agents"), json!({"user_ids": [login]})),
                (format!("/v2/users/{login}/sessions"), json!({"client": "desktop"})),
            ];
            for (path, body) in requests {
                let (status, answer) =
                    stage.ask(&self.token, Method::POST, &path, Some(&body)).await?;
                if status >= 300 {
                    stage.check(format!("POST {path} was refused ({status}): {answer}"), false);
                }
                // The meeting is held, and recorded.
                if let (true, Some(id)) = (path.ends_with("/meetings"), answer.get("id")) {
                    let path = format!("/v2/meetings/{id}/recordings");
                    let body = json!({"file_size": 52_428_800});
                    stage.ask(&self.token, Method::POST, &path, Some(&body)).await?;
                }
            }
        }
        stage.tell(
            "They schedule meetings, get a phone number, work in a queue, record and sign in.",
        );
        Ok(())
    }

    /// Somebody moves from marketing to support: the groups follow, and the license with them.
    async fn moves(&mut self, stage: &mut Stage) -> Result<(), CommandError> {
        stage.chapter("Moved");
        let as_of = stage.as_of;
        let at = self
            .rows
            .iter()
            .position(|row| row.department == "Marketing" && is_employed(row, as_of))
            .ok_or_else(|| CommandError::failed("nobody works in marketing"))?;
        let before = self.license(stage, &self.rows[at]).await?;
        self.rows[at].department = "Support".into();
        self.rows[at].title = "Support Agent".into();
        let row = self.rows[at].clone();
        self.import(stage)?;
        let applied = stage.apply(APPLICATION).await?;
        tell_applied(stage, &applied);
        let after = self.license(stage, &row).await?;
        stage.tell(format!("{} had {before}, and has {after} now.", row.name()));
        stage.check(
            "the license followed the job",
            before.contains("Webinars")
                && !after.contains("Webinars")
                && after.contains("Contact Center"),
        );
        self.nothing_to_do(stage).await
    }

    /// Three people leave today.
    async fn leave(&mut self, stage: &mut Stage) -> Result<(), CommandError> {
        stage.chapter("Left");
        let leavers = self.leavers.clone();
        for row in &mut self.rows {
            if leavers.iter().any(|leaver| leaver.number == row.number) {
                row.end = Some(stage.as_of);
            }
        }
        let started = Instant::now();
        self.import(stage)?;
        let applied = stage.apply(APPLICATION).await?;
        let out = seconds(started);
        tell_applied(stage, &applied);
        stage.tell(format!("From the file to the last of them out: {out} s."));
        stage.check("one request for each of them", applied.requests == LEAVER_COUNT as u64);
        for row in &leavers {
            let receipt = self.receipt(stage, row).await?;
            let steps: Vec<&str> = steps(&receipt).collect();
            stage.tell(format!("Receipt of {}:", row.name()));
            stage.aside(steps.iter().map(|step| format!("- {step}\n")).collect::<String>());
            let told = steps.join("\n");
            let done = [
                "meeting cancelled",
                "released",
                "queue",
                "recording kept",
                "freed",
                "session ended",
            ];
            stage.check(
                format!("everything is done for {}", row.name()),
                receipt.get("closed_at").is_some_and(|at| !at.is_null())
                    && done.iter().all(|step| told.contains(step)),
            );
        }
        self.nothing_to_do(stage).await
    }

    /// One of those who left before comes back, and one of today's.
    async fn come_back(&mut self, stage: &mut Stage) -> Result<(), CommandError> {
        stage.chapter("Back again");
        let leaver = self
            .rows
            .iter()
            .position(|row| row.end == Some(stage.as_of))
            .ok_or_else(|| CommandError::failed("nobody left today"))?;
        let users = self.total(stage, "/scim2/Users?count=0").await?;
        self.rows[leaver].start = stage.as_of;
        self.rows[leaver].end = None;
        let row = self.rows[leaver].clone();
        self.import(stage)?;
        let applied = stage.apply(APPLICATION).await?;
        tell_applied(stage, &applied);
        let license = self.license(stage, &row).await?;
        stage.tell(format!("{} has {license}.", row.name()));
        stage.check(
            "the old account was activated again, no second one made",
            self.total(stage, "/scim2/Users?count=0").await? == users && license != "no license",
        );
        self.nothing_to_do(stage).await
    }

    /// A broken feed, and a file in which almost everybody leaves.
    async fn mishaps(&mut self, stage: &mut Stage) -> Result<(), CommandError> {
        stage.chapter("A file with 60 % of its rows missing");
        let kept = self.rows.len() * 4 / 10;
        let import = stage.import("broken.csv", csv(&self.rows[..kept]).as_bytes())?;
        for stop in &import.stopped {
            stage.tell(&stop.reason);
            stage.aside(&stop.next_step);
        }
        stage.check("it changed nothing", import.is_stopped());

        stage.chapter("A file in which 60 % leave today");
        let before = self.rows.clone();
        let many = self.rows.len() * 6 / 10;
        for row in self.rows.iter_mut().filter(|row| row.end.is_none()).take(many) {
            row.end = Some(stage.as_of);
        }
        self.import(stage)?;
        let applied = stage.apply(APPLICATION).await?;
        if let ApplyOutcome::Held { reasons, next_step, .. } = &applied.outcome {
            reasons.iter().for_each(|reason| stage.tell(reason));
            stage.aside(next_step);
        }
        stage.check(
            "it is held for a person, and nothing was sent",
            matches!(applied.outcome, ApplyOutcome::Held { .. }) && applied.requests == 0,
        );
        self.rows = before;
        self.import(stage)?;
        stage.tell("HR sends the right file after all.");
        self.nothing_to_do(stage).await
    }

    /// Why one person has a phone, and the figures.
    async fn finish(mut self, stage: &mut Stage) -> Result<DemoReport, CommandError> {
        let row = self
            .rows
            .iter()
            .find(|row| row.department == "Sales" && is_employed(row, stage.as_of))
            .cloned()
            .ok_or_else(|| CommandError::failed("nobody works in sales"))?;
        stage.chapter(&format!("Why has {} a phone?", row.name()));
        let explanation =
            stage.directory.explain(&login(&row), Some(APPLICATION), stage.as_of).await?;
        let lines: Vec<String> = explanation
            .lines()
            .iter()
            .map(|line| format!("{}{} {}", "  ".repeat(line.depth), line.mark.sign(), line.text))
            .collect();
        stage.tell(lines.join("\n"));
        let told = lines.join("\n");
        stage.check(
            "from the HR row to the seat",
            ["people.csv", "Sales", "Zoom - Phone", "seat"].iter().all(|word| told.contains(word)),
        );
        let members = stage.members(&self.token).await?;
        stage.settled(TENANT).await?;
        let (held, explained) = stage.licenses(TENANT, &members)?;
        self.report.people = self.rows.len() as u64;
        self.report.employed = self.employed(stage);
        self.report.accounts_active =
            self.total(stage, "/scim2/Users?filter=active%20eq%20true&count=0").await?;
        self.report.groups_pushed = members.len() as u64;
        self.report.memberships = members.values().map(|members| members.len() as u64).sum();
        (self.report.licenses_held, self.report.licenses_explained) = (held, explained);
        stage.check(
            format!("{explained} of {held} licenses have their reason"),
            held == explained && held == self.report.employed,
        );
        self.report.peak_rss_mb = peak_rss_mb();
        self.report.failures = stage.failures().to_vec();
        Ok(self.report)
    }

    fn import(&self, stage: &Stage) -> Result<(), CommandError> {
        let import = stage.import("people.csv", csv(&self.rows).as_bytes())?;
        match import.stopped.first() {
            Some(stop) => Err(CommandError::failed(&stop.reason).hint(&stop.next_step)),
            None => Ok(()),
        }
    }

    fn employed(&self, stage: &Stage) -> u64 {
        self.rows.iter().filter(|row| is_employed(row, stage.as_of)).count() as u64
    }

    async fn total(&self, stage: &Stage, path: &str) -> Result<u64, CommandError> {
        let (_, answer) = stage.ask(&self.token, Method::GET, path, None).await?;
        Ok(answer.get("totalResults").and_then(Value::as_u64).unwrap_or_default())
    }

    /// What somebody holds, as the application says.
    async fn license(&self, stage: &Stage, row: &Row) -> Result<String, CommandError> {
        let path = format!("/v2/users/{}/entitlements", login(row));
        let (_, answer) = stage.ask(&self.token, Method::GET, &path, None).await?;
        let name = |line: &Value| line.get("name").and_then(Value::as_str).map(str::to_string);
        let Some(license) = answer.get("license").and_then(name) else {
            return Ok("no license".into());
        };
        let products = answer.get("products").and_then(Value::as_array);
        let products: Vec<String> = products.into_iter().flatten().filter_map(name).collect();
        Ok(std::iter::once(license).chain(products).collect::<Vec<_>>().join(" + "))
    }

    /// The receipt of somebody who left, once every step is done.
    async fn receipt(&self, stage: &Stage, row: &Row) -> Result<Value, CommandError> {
        let path = format!("/v2/users/{}/receipts", login(row));
        let started = Instant::now();
        loop {
            let (_, answer) = stage.ask(&self.token, Method::GET, &path, None).await?;
            let receipt = answer
                .get("receipts")
                .and_then(Value::as_array)
                .and_then(|receipts| receipts.last())
                .cloned()
                .unwrap_or(Value::Null);
            let closed = receipt.get("closed_at").is_some_and(|at| !at.is_null());
            if closed || started.elapsed().as_secs() >= EFFECTS_WAIT_SECS_MAX {
                return Ok(receipt);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    async fn nothing_to_do(&mut self, stage: &mut Stage) -> Result<(), CommandError> {
        let plan = stage.directory.plan(&stage.ctx("demo plan"), APPLICATION, stage.as_of).await?;
        let changes = plan.plan.changes.len() as u64;
        self.report.second_plan_changes += changes;
        stage.check("planned again: nothing to do", changes == 0);
        Ok(())
    }
}

/// Three who work in support.
fn leavers(rows: &[Row], as_of: Date) -> Vec<Row> {
    let works = |row: &&Row| row.department == "Support" && is_employed(row, as_of);
    rows.iter().filter(works).take(LEAVER_COUNT).cloned().collect()
}

fn tell_applied(stage: &Stage, applied: &ApplyReport) {
    stage.tell(format!(
        "Applied: {} of {} changes in {} requests, {:.2} s.",
        applied.done, applied.planned, applied.requests, applied.seconds
    ));
    for failed in &applied.failed {
        stage.tell(format!("Failed: {}: {} {}", failed.subject, failed.reason, failed.next_step));
    }
}

fn steps(receipt: &Value) -> impl Iterator<Item = &str> {
    let steps = receipt.get("steps").and_then(Value::as_array);
    steps.into_iter().flatten().filter_map(|step| step.get("sentence").and_then(Value::as_str))
}

/// The login the source's expression makes, for people whose name nobody else has.
fn login(row: &Row) -> String {
    let base = lifecycle::local_part(&format!("{}.{}", row.given, row.family));
    format!("{}@acme.example", base.unwrap_or_default())
}

fn by_login(row: &Row) -> String {
    format!("userName%20eq%20%22{}%22", login(row))
}
