//! An office: a directory with people, groups and rules, and a fake application.

use std::time::Duration;

use db::{Clock, Ctx, KeyFile};
use directory::{
    ApplicationConfig, ApplyOptions, ApplyOutcome, ApplyReport, Directory, DirectoryOptions,
    GroupConfig, ImportOptions, LogQuery, Outbound, RuleConfig, StoredPlan,
};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use lifecycle::Acceptance;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::Fake;

pub const TODAY: &str = "2026-11-24";
pub const APP: &str = "app";

pub struct Office {
    pub directory: Directory,
    pub fake: Fake,
    pub clock: Clock,
    folder: TempDir,
}

impl Office {
    /// An office at a fixed moment.
    pub async fn new() -> Self {
        let now: Timestamp = format!("{TODAY}T09:00:00Z").parse().unwrap();
        Self::with_clock(Clock::fixed(now)).await
    }

    /// An office whose clock runs: for what waits.
    pub async fn running() -> Self {
        Self::with_clock(Clock::system()).await
    }

    async fn with_clock(clock: Clock) -> Self {
        let folder = TempDir::new().unwrap();
        KeyFile::create(folder.path().join("muster.key")).unwrap();
        let fake = Fake::start().await;
        let directory = open(&folder, &clock);
        let office = Self { directory, fake, clock, folder };
        office.set_up();
        office
    }

    /// Closes the directory as a crash does, and opens it again. From then on time flies, so that
    /// whatever the one that crashed still holds runs out.
    pub fn reopen(&mut self) {
        self.directory = open(&self.folder, &self.clock);
        self.time_flies();
    }

    /// Lets a second of a fixed clock pass in a fiftieth of one.
    pub fn time_flies(&self) {
        let clock = self.clock.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                clock.advance(SignedDuration::from_secs(1));
            }
        });
    }

    pub fn ctx(&self) -> Ctx {
        self.directory.ctx("test", "a test")
    }

    fn set_up(&self) {
        let source = serde_json::from_value(json!({
            "name": "hr",
            "columns": {
                "employeeNumber": "id", "name.givenName": "first", "name.familyName": "last",
                "department": "dept", "title": "title", "hireDate": "start",
                "terminationDate": "end"
            },
            "generated": [
                {"attribute": "userName", "value": "row.first + \".\" + row.last + \"@acme.example\""},
                {"attribute": "displayName", "value": "row.first + \" \" + row.last"},
            ]
        }))
        .unwrap();
        self.directory.put_source(&self.ctx(), &source).unwrap();
        for (name, grants_licenses) in [("Sales", true), ("Support", false)] {
            let group =
                GroupConfig { name: name.into(), description: String::new(), grants_licenses };
            self.directory.put_group(&self.ctx(), &group).unwrap();
            let rule = RuleConfig {
                name: name.into(),
                condition: format!("user.department == \"{name}\""),
                groups: vec![name.into()],
                active: true,
            };
            self.directory.put_rule(&self.ctx(), &rule).unwrap();
        }
    }

    /// The application with this configuration on top of the usual one.
    pub fn configure(&self, more: Value) {
        let mut config = json!({
            "name": APP, "base_url": self.fake.base_url,
            "profile": "muster",
            "assign": [{"everyone": true}],
            "push_group": [{"group": "Sales"}, {"group": "Support"}],
        });
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        let config: ApplicationConfig = serde_json::from_value(config).unwrap();
        self.directory.put_application(&self.ctx(), &config).unwrap();
        self.directory.set_application_token(&self.ctx(), APP, "secret").unwrap();
    }

    /// Imports rows `number,first,last,department,title,start,end`.
    pub fn import(&self, rows: &str) {
        let file = format!("id,first,last,dept,title,start,end\n{rows}");
        let options =
            ImportOptions { as_of: today(), acceptance: Acceptance { shrink: Some(1_000_000) } };
        let report =
            self.directory.import(&self.ctx(), "hr", "hr.csv", file.as_bytes(), &options).unwrap();
        assert!(!report.is_stopped(), "{:?}", report.stopped);
        assert!(report.quarantined.is_empty(), "{:?}", report.quarantined);
    }

    pub async fn plan(&self) -> StoredPlan {
        self.directory.plan(&self.ctx(), APP, today()).await.unwrap()
    }

    pub async fn apply(&self) -> ApplyReport {
        self.apply_approving(None).await
    }

    pub async fn apply_approving(&self, approve: Option<&str>) -> ApplyReport {
        let options = ApplyOptions { as_of: today(), approve: approve.map(str::to_string) };
        self.directory.apply(&self.ctx(), APP, options, &|_| {}).await.unwrap()
    }

    /// Applies, and expects that everything was done and that nothing is left to do.
    #[track_caller]
    pub fn converges(&self) -> impl Future<Output = ApplyReport> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            let report = self.apply().await;
            assert_eq!(report.outcome, ApplyOutcome::Applied, "{caller}");
            assert!(report.is_complete(), "{caller}: {report:?}");
            let plan = self.plan().await.plan;
            assert!(plan.is_empty(), "{caller}: {}", lifecycle::render(&plan, 5));
            report
        }
    }

    /// The kinds of the events of the application's subjects, in order.
    pub fn events(&self, kind: &str) -> Vec<String> {
        let query = LogQuery {
            kind: Some(kind.into()),
            subject: None,
            after: None,
            after_place: None,
            limit: 10_000,
        };
        self.directory.log(&query).unwrap().into_iter().map(|entry| entry.event.kind).collect()
    }
}

fn open(folder: &TempDir, clock: &Clock) -> Directory {
    Directory::open(&DirectoryOptions {
        database: db::testing::url(&folder.path().join("directory.db")),
        key_file: folder.path().join("muster.key"),
        clock: clock.clone(),
        outbound: Outbound::allow(["127.0.0.1".to_string()]),
    })
    .unwrap()
}

pub fn today() -> Date {
    TODAY.parse().unwrap()
}

/// Rows of people `from..to`, every third of them in Sales and every third in Support.
pub fn rows(range: std::ops::Range<u32>) -> String {
    range.map(row).collect()
}

/// The row of one person.
pub fn row(number: u32) -> String {
    let department = ["Sales", "Support", "Legal"][(number % 3) as usize];
    format!("{number:05},F{number},L{number},{department},Clerk,2020-01-01,\n")
}

/// The row of one person who has left.
pub fn left(number: u32) -> String {
    row(number).replace(",2020-01-01,", ",2020-01-01,2026-11-01")
}

/// The login of one person.
pub fn login(number: u32) -> String {
    format!("f{number}.l{number}@acme.example")
}
