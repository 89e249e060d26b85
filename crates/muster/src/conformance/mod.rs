//! A walk against any SCIM 2.0 server: what the RFCs ask for, and what real clients send.
//!
//! What is checked is data: one text file a group in `walks/`, read by `script.rs`. A check has a
//! level, a clause, requests, and what is expected of the answers (`expect.rs`). `walk.rs` sends them
//! through `wire.rs`, which remembers whatever was made and deletes it at the end. What a server does
//! not advertise is not asked of it (`advertised.rs`). What a line of text cannot say, because it
//! takes many requests at once or a whole schema, is a function in `special/`. `report.rs` tells.

mod advertised;
mod catalogue;
mod check;
mod expect;
mod report;
mod script;
mod special;
mod value;
mod walk;
mod wire;

pub use catalogue::chosen;
pub use check::{Group, Level};
pub use report::{Report, junit, tell};
pub use walk::{Options, Walk};
pub use wire::{Peer, PeerConfig};
