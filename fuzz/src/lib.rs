//! What is held against whatever bytes come: one `check` a fuzz target. The files are also part of
//! the crates' ordinary tests, which replay the seeds and the corpus through them.

pub mod bulk;
pub mod filter;
#[cfg(feature = "http")]
pub mod http;
pub mod patch;
pub mod path;
mod stock;
