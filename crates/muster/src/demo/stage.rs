//! The stage of the demo: a temporary installation with both halves up, and a voice that tells.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use db::{Clock, Ctx, KeyFile};
use directory::{ApplyOptions, ApplyReport, Directory, ImportOptions, ImportReport, Progress};
use entitlement::{Reason, SeatState};
use jiff::civil::Date;
use lifecycle::Acceptance;
use serde_json::Value;
use service_provider::limits::SEAT_LIST_MAX;
use service_provider::{NewToken, SeatRow, ServiceProvider};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::configuration::Files;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::listening::Front;
use crate::output::{Output, bold, dim, green, red};
use crate::serving::Serving;

/// Longest answer of the service provider that is waited for here.
const ANSWER_WAIT_SECS_MAX: u64 = 30;

/// Longest wait until licenses follow a change of many members.
const SETTLE_WAIT_SECS_MAX: u64 = 300;
/// Most groups that are looked at.
const GROUP_COUNT_MAX: u32 = 1_000;

/// The members of each group, by ids.
pub type Members = HashMap<String, HashSet<String>>;

/// A temporary installation with both halves up.
pub struct Stage {
    /// The identity-provider side.
    pub directory: Directory,
    /// The application side.
    pub service_provider: ServiceProvider,
    /// Its address.
    pub address: String,
    /// How it speaks.
    pub output: Output,
    /// The day it plays on.
    pub as_of: Date,
    /// The configuration file of the installation.
    pub config_file: PathBuf,
    http: reqwest::Client,
    serving: Serving,
    failures: Vec<String>,
    _folder: Option<TempDir>,
}

impl Stage {
    /// Sets it up: a folder, a key file, a configuration, and both halves listening on free ports of
    /// this machine. With a folder it stays there; without one it goes when the stage does.
    pub async fn set_up(
        output: Output,
        as_of: Date,
        folder: Option<&Path>,
    ) -> Result<Self, CommandError> {
        let temporary = match folder {
            None => Some(TempDir::with_prefix("muster-demo-")?),
            Some(_) => None,
        };
        let path = match (folder, &temporary) {
            (Some(folder), _) => folder.to_path_buf(),
            (None, Some(temporary)) => temporary.path().to_path_buf(),
            (None, None) => PathBuf::from("."),
        };
        std::fs::create_dir_all(&path)?;
        let service_provider_listener = TcpListener::bind("127.0.0.1:0").await?;
        let directory_listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", service_provider_listener.local_addr()?);
        let config_file = path.join("muster.toml");
        let config = format!(
            "key_file = \"muster.key\"\n\n[directory]\nlisten = \"{}\"\nprivate_hosts = [\"127.0.0.1\"]\n\n\
             [service_provider]\nlisten = \"{}\"\npublic_url = \"{address}\"\n",
            directory_listener.local_addr()?,
            service_provider_listener.local_addr()?,
        );
        std::fs::write(&config_file, config)?;
        let key_file = path.join("muster.key");
        if !key_file.exists() {
            KeyFile::create(&key_file)?;
        }
        let installation = Installation::read(&config_file, Clock::system())?;
        let (directory, service_provider) =
            (installation.directory()?, installation.service_provider()?);
        let mut serving = Serving::default();
        serving.service_provider(
            service_provider.clone(),
            service_provider_listener,
            Front::default(),
        );
        serving.directory(directory.clone(), directory_listener, Front::default());
        Ok(Self {
            directory,
            service_provider,
            address,
            output,
            as_of,
            config_file,
            http: reqwest::Client::builder()
                .timeout(std::time::Duration::from_secs(ANSWER_WAIT_SECS_MAX))
                .no_proxy()
                .build()
                .map_err(|error| CommandError::failed(error.to_string()))?,
            serving,
            failures: Vec::new(),
            _folder: temporary,
        })
    }

    /// Ends it.
    pub async fn stop(self) {
        self.serving.stop().await;
    }

    /// Where the installation lies.
    pub fn folder(&self) -> &Path {
        self.config_file.parent().unwrap_or(Path::new("."))
    }

    /// Who acts, and why.
    pub fn ctx(&self, cause: &str) -> Ctx {
        self.directory.ctx("demo", cause)
    }

    /// Applies configuration files to both halves, pointing the applications at this stage.
    pub fn configure(&self, mut files: Files) -> Result<(), CommandError> {
        for application in &mut files.applications {
            application.config.base_url = format!("{}/scim2", self.address);
            application.token_file = None;
            // The story decides when something is applied.
            application.config.auto = false;
        }
        let ctx = self.ctx("demo configuration");
        crate::configuration::apply(
            Some(&self.directory),
            Some(&self.service_provider),
            &ctx,
            &files,
        )?;
        Ok(())
    }

    /// A token of a tenant, valid for some seconds.
    pub fn token(&self, tenant: &str, secs: i64) -> Result<String, CommandError> {
        let tenant = self.service_provider.tenant(tenant)?;
        let ctx = self.service_provider.ctx("demo", "demo set-up");
        let expires_at = ctx.now.checked_add(jiff::SignedDuration::from_secs(secs)).ok();
        let token = NewToken { expires_at, ..NewToken::named("demo") };
        Ok(self.service_provider.create_token(&ctx, &tenant.id, &token)?.secret)
    }

    /// Imports a file of the source `hr`.
    pub fn import(&self, name: &str, bytes: &[u8]) -> Result<ImportReport, CommandError> {
        let options = ImportOptions { as_of: self.as_of, acceptance: Acceptance::default() };
        Ok(self.directory.import(&self.ctx("demo import"), "hr", name, bytes, &options)?)
    }

    /// Applies what an application's plan says.
    pub async fn apply(&self, application: &str) -> Result<ApplyReport, CommandError> {
        let bar = self.output.progress(0, "applying");
        let progress = |progress: Progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        };
        let options = ApplyOptions { as_of: self.as_of, approve: None };
        let report =
            self.directory.apply(&self.ctx("demo apply"), application, options, &progress).await;
        bar.finish_and_clear();
        Ok(report?)
    }

    /// Asks the service provider something, as an administrator of the tenant would.
    pub async fn ask(
        &self,
        token: &str,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), CommandError> {
        let mut request =
            self.http.request(method, format!("{}{path}", self.address)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            Ok::<_, reqwest::Error>((status, response.text().await?))
        };
        let (status, text) = answer
            .await
            .map_err(|error| CommandError::failed(format!("{path} was not answered: {error}")))?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Who is in which group, as the application says over SCIM.
    pub async fn members(&self, token: &str) -> Result<Members, CommandError> {
        let path = format!("/scim2/Groups?count={GROUP_COUNT_MAX}");
        let (_, answer) = self.ask(token, reqwest::Method::GET, &path, None).await?;
        let list = |value: &Value, key: &str| -> Vec<Value> {
            value.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let text = |value: &Value, key: &str| {
            value.get(key).and_then(Value::as_str).unwrap_or_default().to_string()
        };
        let group = |group: &Value| {
            let members = list(group, "members").iter().map(|one| text(one, "value")).collect();
            (text(group, "id"), members)
        };
        Ok(list(&answer, "Resources").iter().map(group).collect())
    }

    /// Waits until every license follows from the groups as they are now: a change of many members
    /// is worked off in batches.
    pub async fn settled(&self, tenant: &str) -> Result<(), CommandError> {
        let tenant = self.service_provider.tenant(tenant)?;
        let started = Instant::now();
        while self.service_provider.stale_count(&tenant.id)? > 0 {
            if started.elapsed().as_secs() >= SETTLE_WAIT_SECS_MAX {
                return Err(CommandError::failed(format!(
                    "licenses were not settled in {SETTLE_WAIT_SECS_MAX} s"
                )));
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// How many users of a tenant hold a license, and of how many the reason holds: the group that
    /// is said to grant it has them as a member, or it is the tenant's default and no group is named.
    pub fn licenses(&self, tenant: &str, members: &Members) -> Result<(u64, u64), CommandError> {
        let tenant = self.service_provider.tenant(tenant)?;
        let (mut held, mut explained) = (0, 0);
        for pool in self.service_provider.pools(&tenant.id)? {
            if !pool.pool.is_license() {
                continue;
            }
            let mut offset = 0;
            loop {
                let place = (offset, SEAT_LIST_MAX);
                let seats = self.service_provider.seats_of_pool(
                    &tenant.id,
                    &pool.pool,
                    SeatState::Held,
                    place,
                )?;
                offset += seats.len() as u64;
                held += seats.len() as u64;
                let holds = |seat: &&SeatRow| match &seat.reason {
                    Reason::Group { group, .. } => members
                        .get(&group.to_string())
                        .is_some_and(|members| members.contains(&seat.user.to_string())),
                    Reason::TenantDefault => pool.default,
                    Reason::Direct { .. } | Reason::UserType { .. } | Reason::Fallback { .. } => {
                        true
                    }
                };
                explained += seats.iter().filter(holds).count() as u64;
                if seats.len() < SEAT_LIST_MAX as usize {
                    break;
                }
            }
        }
        Ok((held, explained))
    }

    /// Begins a chapter.
    pub fn chapter(&self, title: &str) {
        self.output.say(format!("\n{}", bold(title)));
    }

    /// Tells a fact.
    pub fn tell(&self, text: impl AsRef<str>) {
        for line in text.as_ref().lines() {
            self.output.say(format!("  {line}"));
        }
    }

    /// Tells something in the background of the story.
    pub fn aside(&self, text: impl AsRef<str>) {
        for line in text.as_ref().lines() {
            self.output.say(format!("  {}", dim(line)));
        }
    }

    /// Checks something and tells the outcome; a failure is kept for the end.
    pub fn check(&mut self, what: impl Into<String>, holds: bool) {
        let what = what.into();
        if holds {
            self.output.say(format!("  {} {what}", green("ok")));
        } else {
            self.output.say(format!("  {} {what}", red("NOT SO:")));
            self.failures.push(what);
        }
    }

    /// What did not hold.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }
}

/// Measures how long something takes, in seconds.
pub fn seconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}

/// The most memory this process ever had in use, in MiB, where the system tells.
pub fn peak_rss_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}
