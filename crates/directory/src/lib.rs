//! People from HR, and their accounts in applications: the identity-provider side.

mod account;
mod application;
mod apply;
mod background;
mod client;
mod credentials;
mod directory;
mod error;
mod explain;
mod facts;
mod group;
mod import;
pub mod limits;
mod log;
mod login;
mod membership;
mod observe;
mod person;
mod plan;
mod provision;
mod pushed_group;
mod release;
mod rule;
mod source;
mod source_store;
mod thread;
mod transfer;
mod worker;

pub use application::{
    ApplicationConfig, AssignmentConfig, MappingConfig, PushGroupConfig, StoredApplication,
};
pub use apply::{ApplyOptions, ApplyOutcome, ApplyReport};
pub use client::{Answer, Failure, ListPage, ScimClient};
pub use credentials::{CredentialsTest, CredentialsVerdict};
pub use directory::{Directory, DirectoryOptions};
pub use error::Error;
pub use explain::{
    Asked, AskedLicense, AskedPolicy, ExplainedAccount, ExplainedApplication, ExplainedGroup,
    ExplainedPerson, ExplainedPush, Explanation, GrantingGroup, Knowledge, LicenseKind,
    LicenseState, Mark, ToldLine,
};
pub use group::{ByHand, GroupConfig, HandEdit, StoredGroup};
pub use import::{ImportOptions, ImportReport, QuarantinedRow, Stop};
pub use log::{LogEntry, LogQuery};
pub use membership::{GroupMember, Trial, TriedPerson};
pub use observe::{Observation, Progress};
pub use outbound::Outbound;
pub use person::PersonSource;
pub use plan::StoredPlan;
pub use rule::{RuleConfig, StoredRule};
pub use source::{Generated, SourceConfig, SourceKind, StatusWords};
pub use source_store::StoredSource;
pub use transfer::{copy_database, database_digests};
pub use worker::{Exchange, Failed, Provisioned, Step, StepStatus};
