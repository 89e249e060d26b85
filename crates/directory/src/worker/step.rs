//! Steps: how provisioning one person goes, told one by one.

use lifecycle::Change;
use serde::Serialize;

use super::wire::Exchange;

/// One step of provisioning somebody now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name: `scope`, `match`, `decide`, `act`, `groups`.
    pub name: &'static str,
    /// How it went.
    pub status: StepStatus,
    /// What was found or done.
    pub detail: String,
    /// What was sent for it.
    pub exchanges: Vec<Exchange>,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Well.
    Done,
    /// There was nothing to do.
    Skipped,
    /// Not well; later steps were not taken.
    Failed,
}

/// What provisioning somebody came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Provisioned {
    /// What was to be done about the account; none: nothing.
    pub change: Option<Change>,
    /// Whether everything is as it should be now.
    pub ok: bool,
    /// What to do, if it is not.
    pub next_step: Option<String>,
    /// Requests it took.
    pub requests: u64,
}
