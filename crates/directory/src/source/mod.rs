//! Sources of people: a delimited file, its mapping and its contract.

mod config;
mod date;
mod read;
mod table;

pub use config::{Collision, Generated, SOURCE_FORMAT_VERSION, SourceConfig, SourceKind, StatusWords};
pub(crate) use read::{Reader, Row};
pub use table::{BrokenRow, Table, TableDialect, TableError, TableRow, read_table};
