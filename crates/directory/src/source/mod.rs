//! Sources of people: a delimited file, its mapping and its contract.

mod config;
mod date;
mod read;
mod table;

pub(crate) use config::SOURCE_FORMAT_VERSION;
pub use config::{Generated, SourceConfig, SourceKind, StatusWords};
pub(crate) use read::Reader;
pub(crate) use table::{Table, read_table};
