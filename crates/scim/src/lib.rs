//! SCIM 2.0 as pure functions and data: schemas, resources, paths, filters, patches, diffs,
//! projections and the protocol's messages (RFC 7643, 7644, 9865).
//!
//! This crate knows no HTTP, no SQL, no clock and no vendor. Everything is driven by schemas, which
//! are data: an extension attribute is read, filtered, patched and projected like a core one.
//!
//! The order of events for a write: [`Resource::read`] or [`PatchRequest::read`] turns a body into
//! something always valid (and says what it tolerated), [`PatchRequest::apply`] turns the stored
//! resource into the next one and a [`MemberDelta`], [`diff`] says what changed.

mod bulk;
mod definition;
mod diff;
mod discovery;
mod error;
mod filter;
pub mod limits;
mod list;
mod meta;
mod patch;
mod path;
mod projection;
mod query;
mod resource;
mod resource_type;
mod schema;
mod sort;
mod tolerance;
pub mod urn;
mod value;
mod version;

pub use bulk::{
    BulkCall, BulkMethod, BulkOperation, BulkRequest, BulkResult, BulkStep, bulk_response,
};
pub use definition::{Concerns, SchemaChange};
pub use diff::diff;
pub use discovery::{
    AuthenticationScheme, BulkSupport, Pagination, SecurityEvents, ServiceProviderConfig,
    resource_type_json, schema_json, served_schemas,
};
pub use error::{Error, ScimType};
pub use filter::{CompareOp, Filter, FilterError, Literal, Restricted};
pub use list::{ListResponse, list_response};
pub use meta::{date_time, meta};
pub use patch::{
    Member, MemberDelta, MemberStep, PatchOp, PatchOperation, PatchOutcome, PatchRequest,
};
pub use path::{AttributePath, PatchPath};
pub use projection::Projection;
pub use query::{PageLimits, Query, QueryAcross};
pub use resource::Resource;
pub use resource_type::{Extension, ResourceType};
pub use schema::{
    Attribute, AttributeType, Mutability, Returned, Schema, SchemaError, Uniqueness,
    common_attributes, discovery_schemas, enterprise_user_schema, group_schema, user_schema,
};
pub use sort::{SortKey, SortOrder, sort_key};
pub use tolerance::{Tolerance, Tolerances, Tolerated};
pub use version::{IfMatch, IfNoneMatch, Version};
