//! Who should have which account, and why: pure decisions.
//!
//! Facts go in, data comes out. Nothing here reads a clock, a file or a network; the day a decision is
//! made for (`as_of`) is an argument. What is wrong with the world comes back as [`Finding`]s, why
//! something is so as [`Reason`]s. Nothing here knows that results are queued, sent or stored.

mod account;
mod application;
mod assignment;
mod correlate;
mod desired;
mod digest;
mod employment;
mod expression;
mod finding;
mod group;
mod guard;
mod id;
pub mod limits;
mod login;
mod mapping;
mod matching;
mod membership;
mod movement;
mod observed;
mod person;
mod plan;
mod profile;
mod profile_path;
mod pushed_group;
mod reason;
mod record;
mod rule;
mod snapshot;
mod target;

pub use account::{Account, Origin, Situation};
pub use application::{
    Actions, Application, ApplicationProfile, Drift, GroupPatch, PushGroup, PushMode, PushStatus,
    Quirk, Rate, UpdateVerb,
};
pub use assignment::{AssignedTo, Assignment, assigned};
pub use correlate::{Changed, Correlation, Joined, Missing, ValueChange, correlate};
pub use desired::{Desired, desired};
pub use digest::{canonical_json, digest};
pub use employment::{Employment, EmploymentConflict, Standing, conflicts, standing};
pub use expression::{
    Bindings, Columns, Environment, EvaluationError, Expect, Expression, ExpressionError, Trace,
    Value,
};
pub use finding::{Finding, Subject};
pub use group::{Exclusion, Group, ManualMember};
pub use guard::{Allowance, Approval, GuardPolicy, GuardVerdict, Hold, Taking, Toll, guard};
pub use id::{
    ApplicationId, EmployeeNumber, GroupId, IdError, PersonId, RemoteId, RuleId, SourceId,
};
pub use login::{CollisionPolicy, LoginRequest, Logins, assign_logins, local_part, unique_login};
pub use mapping::{
    Apply, Mapping, MappingError, MappingFinding, Mappings, default_mappings, lint,
    mapping_environment,
};
pub use matching::{Candidates, Match, MatchAttribute, MatchKeys, match_account};
pub use membership::{
    Cause, Membership, Memberships, affected, memberships, memberships_of, why_not,
};
pub use movement::Movement;
pub use observed::{AttributeChange, RemoteAccount, RemoteGroup};
pub use person::Person;
pub use plan::{
    AccountDecision, AccountFacts, Action, Change, ChangeSubject, ChangeSubjectError, Cost,
    GroupDecision, GroupFacts, Lane, MemberBatch, MemberBatches, MemberFacts, MemberReasons,
    PLAN_FORMAT_VERSION, Plan, PlanFinding, PlanInput, Population, Presence, Rename,
    minimum_requests, plan, plan_account, plan_group, render, render_change,
};
pub use profile::{EMPLOYMENT, employment_schema, profile_type};
pub use profile_path::{ProfilePath, ProfilePathError};
pub use pushed_group::PushedGroup;
pub use reason::Reason;
pub use record::{Record, StatusWord, UnreadableRow};
pub use rule::{Rule, rule_environment};
pub use snapshot::{
    Acceptance, Completeness, MissingPolicy, Snapshot, SourceContract, StopReason, Verdict,
};
pub use target::{TargetPath, TargetPathError};
