//! Resources of the types that a tenant defined: their rows, and the one path by which they are
//! written.

mod row;
mod write;

pub(crate) use row::{CustomResource, by_id, read_row, select};
pub(crate) use write::{create, delete, update};
