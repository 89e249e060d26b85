//! Schemas and resource types that a tenant has beside those every tenant has.
//!
//! `definition` reads what an administrator sends; `write` adds, changes and removes; `types` makes
//! the resource types a tenant's requests are held against, from rows, kept in memory under a
//! generation; `follow` keeps the rows that stand beside a document (what must be unique, how many
//! use what) in the transaction of its write.

mod definition;
mod follow;
mod list;
mod types;
mod write;

pub use definition::{Attached, ResourceTypeDefinition};
pub use list::{TenantResourceType, TenantSchema};
pub use write::Putting;

pub(crate) use definition::is_shipped;
pub(crate) use follow::{follow, value_key};
pub(crate) use types::{TenantTypes, TypesInMemory, check_current};
