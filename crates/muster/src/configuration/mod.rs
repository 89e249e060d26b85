//! The configuration of both halves as files: read, compared, applied, exported.
//!
//! The order of events: a folder becomes [`Files`]; [`plan`] compares it with what is there and says
//! what would change; [`apply`] makes the same comparison, and then does exactly that.

mod apply;
mod change;
mod check;
mod files;
mod plan;
mod problem;
mod trial;

pub use apply::apply;
pub use change::ConfigVerb;
pub use files::{ApplicationFile, Files};
pub use plan::{ConfigPlan, export, plan};
pub use trial::trial;
