//! What the demo found, as one object for a program.

use serde::Serialize;

/// The report of a demo.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DemoReport {
    /// People known to the directory.
    pub people: u64,
    /// Those who are employed on the day.
    pub employed: u64,
    /// Accounts that are active in the application, as it says itself.
    pub accounts_active: u64,
    /// Groups that are there, as it says itself.
    pub groups_pushed: u64,
    /// Memberships of these groups, as it says itself.
    pub memberships: u64,
    /// Users who hold a license, and of these those whose license has a reason.
    pub licenses_held: u64,
    /// Users whose license is explained by a grant or the tenant's default.
    pub licenses_explained: u64,
    /// HTTP requests that were sent.
    pub requests: u64,
    /// The fewest there could be: list pages + creates + groups + further member batches.
    pub requests_minimum: u64,
    /// How long it took.
    pub seconds: Seconds,
    /// The most memory in use by both halves together, in MiB.
    pub peak_rss_mb: Option<u64>,
    /// Changes in the plan made after everything was applied.
    pub second_plan_changes: u64,
    /// What did not hold; empty when all is well.
    pub failures: Vec<String>,
}

/// Seconds of each part.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Seconds {
    /// Reading, correlating and writing the file.
    pub import: f64,
    /// Making the plan, with the first look at the application.
    pub plan: f64,
    /// Doing what it says.
    pub apply: f64,
}
