//! People from HR, and their accounts in applications: the identity-provider side.

mod client;
mod directory;
mod error;
mod group;
mod import;
pub mod limits;
mod log;
mod login;
mod person;
mod rule;
mod source;
mod source_store;

pub use client::{Answer, Failure, ListPage, Outbound, ScimClient};
pub use directory::{Directory, DirectoryOptions};
pub use error::Error;
pub use group::{ByHand, GroupConfig, HandEdit, StoredGroup};
pub use import::{ImportOptions, ImportReport, QuarantinedRow, Stop};
pub use log::{LogEntry, LogQuery};
pub use person::PersonSource;
pub use rule::{RuleConfig, StoredRule};
pub use source::{Generated, SourceConfig, SourceKind, StatusWords};
pub use source_store::StoredSource;
