//! SCIM over HTTP (RFC 7644) for whoever has a [`Store`].
//!
//! The order of events: the bearer token becomes a caller, the path an endpoint of the caller's
//! resource types, the query or body a valid request (what was tolerated is noted), the store
//! answers, the answer is projected and sent with its version, and the request is handed to the
//! store's log. Every refusal, also of axum and of a panic, is a SCIM error.
//!
//! What this crate does not know: SQL, tenants, licenses, people.

mod accept;
mod across;
mod body;
mod bulk;
mod decode;
mod discovery;
pub mod limits;
mod panic;
mod read;
mod request;
mod respond;
mod route;
mod router;
mod store;
mod trace;
mod view;
mod write;

pub use decode::encode_segment;
pub use request::user_agent;
pub use respond::location;
pub use router::router;
pub use store::{
    BulkCount, Command, Committed, Operation, Outcome, Page, RequestRecord, Shown, Step, Store,
    Stored,
};
pub use view::View;
