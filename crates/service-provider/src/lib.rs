//! The application side: tenants, SCIM endpoints, licenses, effects.
//!
//! A [`ServiceProvider`] is opened over a [`Config`], serves its [`ServiceProvider::router`], and
//! does its [`ServiceProvider::run_background`] work; everything else is a function on it, one file
//! per noun. The order of events of a SCIM write: the token opens a tenant (`caller`), the request
//! is read by `scim-server`, `store` hands it to the one write path of its noun (`user`, `group`),
//! which writes rows, appends events and tells licensing (`hooks`), all in one transaction.
//!
//! What this crate does not know: people, HR, who provisions, HTML.

mod background;
mod caller;
mod config;
mod counter;
mod dialect;
mod error;
mod group;
mod hooks;
pub mod limits;
mod migrations;
mod provider;
mod request_log;
mod resource_types;
mod router;
mod store;
mod tenant;
mod token;
mod user;

pub use caller::{Caller, Unauthenticated};
pub use config::Config;
pub use dialect::Dialect;
pub use error::{Error, Result};
pub use group::Group;
pub use provider::ServiceProvider;
pub use request_log::{LoggedRequest, RequestQuery};
pub use tenant::{Tenant, TenantId};
pub use token::{IssuedToken, NewToken, Scope, Scopes, Token};
pub use user::{Origin, SignUp, User, UserQuery, UserState};
