//! The application side: tenants, SCIM endpoints, licenses, effects.
//!
//! A [`ServiceProvider`] is opened over a [`Config`], serves its [`ServiceProvider::router`], and
//! does its [`ServiceProvider::run_background`] work; everything else is a function on it, one file
//! per noun. The order of events of a SCIM write: the token opens a tenant (`caller`), the request
//! is read by `scim-server`, `store` hands it to the one write path of its noun (`user`, `group`),
//! which writes rows, appends events and tells licensing (`hooks`), all in one transaction.
//!
//! What this crate does not know: people, HR, who provisions, HTML.

mod account;
mod background;
mod background_licensing;
mod caller;
mod calling_plan;
mod catalogue;
mod change;
mod config;
mod counter;
mod demand;
mod dialect;
mod effect;
mod error;
mod event;
mod event_kind;
mod explain;
mod feed;
mod forecast;
mod grant;
mod group;
mod history;
mod hooks;
mod idle;
mod ledger;
mod license;
mod licensing;
pub mod limits;
mod meeting;
mod migrations;
mod number;
mod provider;
mod queue;
mod receipt;
mod reclaim;
mod recording;
mod request_log;
mod resource;
mod resource_types;
mod rest;
mod retirement;
mod router;
mod rules;
mod schema;
mod seat;
mod session;
mod settings;
mod settlement;
mod stale;
mod store;
mod stored;
mod tenant;
mod tenant_config;
mod token;
mod transfer;
mod user;
mod webhook;

pub use background_licensing::WorkedOff;
pub use caller::{Caller, Unauthenticated};
pub use catalogue::PresetApplied;
pub use config::Config;
pub use demand::{Demand, DemandTarget, StoredDemand};
pub use dialect::Dialect;
pub use error::{Error, Result};
pub use event_kind::{EVENT_KINDS, EventKind};
pub use explain::{GrantingGroup, GroupLine, LackedSeat, SeatLine, UserEntitlement};
pub use feed::FeedPage;
pub use grant::{GrantSet, GrantSpec, GroupGrant};
pub use group::Group;
pub use history::{HistoryQuery, TenureRow};
pub use idle::IdleReport;
pub use ledger::LedgerRow;
pub use license::DirectGrantRow;
pub use licensing::Settled;
pub use meeting::{Meeting, NewMeeting};
pub use number::{NumbersOf, PhoneNumber};
pub use provider::ServiceProvider;
pub use queue::{Queue, QueueAgent};
pub use receipt::{Receipt, ReceiptKind, ReceiptStep, StepState};
pub use reclaim::{ReclaimReport, Reclamation};
pub use recording::Recording;
pub use request_log::{LoggedRequest, RequestQuery};
pub use retirement::MovedHolders;
pub use schema::{Attached, Putting, ResourceTypeDefinition, TenantResourceType, TenantSchema};
pub use seat::{PoolRow, SeatRow};
pub use session::Session;
pub use settings::{Adopt, SelfSignup, TenantSettings};
pub use settlement::Settlement;
pub use tenant::{Tenant, TenantId};
pub use tenant_config::{
    GrantConfig, LicenseTypeConfig, ProductConfig, TenantChange, TenantConfig,
};
pub use token::{IssuedToken, NewToken, Scope, Scopes, Token};
pub use transfer::{copy_database, database_digests};
pub use user::{Origin, SignUp, User, UserQuery, UserState};
pub use webhook::{
    AddedWebhook, DeadDelivery, Deliveries, Form, NewWebhook, Poll, PollAnswer, SetError, Trial,
    Webhook, WebhookState,
};
