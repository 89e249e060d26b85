//! Who should have which account, and why: pure decisions.
//!
//! Facts go in, data comes out. Nothing here reads a clock, a file or a network; the day a decision is
//! made for (`as_of`) is an argument. What is wrong with the world comes back as [`Finding`]s, why
//! something is so as [`Reason`]s. Nothing here knows that results are queued, sent or stored.

mod correlate;
mod employment;
mod expression;
mod finding;
mod group;
mod id;
pub mod limits;
mod login;
mod membership;
mod movement;
mod person;
mod profile;
mod profile_path;
mod reason;
mod record;
mod rule;
mod snapshot;

pub use correlate::{Changed, Correlation, Joined, Missing, ValueChange, correlate};
pub use employment::{Employment, EmploymentConflict, Standing, conflicts, standing};
pub use expression::{
    Bindings, Columns, Environment, EvaluationError, Expect, Expression, ExpressionError, Trace,
    Value,
};
pub use finding::{Finding, Subject};
pub use group::{Exclusion, Group, ManualMember};
pub use id::{
    ApplicationId, EmployeeNumber, GroupId, IdError, PersonId, RemoteId, RuleId, SourceId,
};
pub use login::{CollisionPolicy, LoginRequest, Logins, assign_logins, local_part, unique_login};
pub use membership::{
    Cause, Membership, Memberships, affected, memberships, memberships_of, why_not,
};
pub use movement::Movement;
pub use person::Person;
pub use profile::{EMPLOYMENT, employment_schema, profile_type};
pub use profile_path::{ProfilePath, ProfilePathError};
pub use reason::Reason;
pub use record::{Record, StatusWord, UnreadableRow};
pub use rule::{Rule, rule_environment};
pub use snapshot::{
    Acceptance, Completeness, MissingPolicy, Snapshot, SourceContract, StopReason, Verdict,
};
