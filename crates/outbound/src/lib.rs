//! Where requests may go: the public internet, and private networks only by name.
//!
//! Both halves send requests: the directory to applications, the service provider to webhooks. What an
//! address is allowed to be is one rule for both, and this crate knows nothing else of either.

mod address;

pub use address::Outbound;
