//! Every limit of this crate, by name.

/// Longest filter or path accepted, in bytes.
pub const FILTER_BYTES_MAX: usize = 8_192;
/// Deepest nesting of a filter (parentheses, `not`, value filters).
pub const FILTER_DEPTH_MAX: usize = 32;
/// Most comparisons in one filter.
pub const FILTER_TERM_COUNT_MAX: usize = 256;
/// Most operations in one PATCH request.
pub const PATCH_OPERATION_COUNT_MAX: usize = 1_000;
/// Largest resource, in bytes, without what is kept as rows.
pub const RESOURCE_BYTES_MAX: usize = 1_048_576;
/// Most bytes one PATCH request may have compared: the values that are there with each value that
/// is given or each term of a filter, and the other way round. Beyond it a request of a few
/// megabytes would keep everybody waiting.
pub const PATCH_COMPARISON_BYTES_MAX: usize = 256 * 1_048_576;
/// Most filters over members, other than by `value`, in one PATCH request: each looks at them all.
pub const MEMBER_FILTER_COUNT_MAX: usize = 16;
/// Most members named in one request.
pub const MEMBER_COUNT_MAX: usize = 100_000;
/// Most values of one multi-valued attribute other than members.
pub const VALUE_COUNT_MAX: usize = 1_000;
/// Longest single string value, in bytes.
pub const STRING_BYTES_MAX: usize = 65_536;
/// Most attribute paths in `attributes` or `excludedAttributes`.
pub const PROJECTION_PATH_COUNT_MAX: usize = 256;
/// Largest schema document, in bytes.
pub const SCHEMA_BYTES_MAX: usize = 1_048_576;
/// Most attributes and sub-attributes of one schema.
pub const SCHEMA_ATTRIBUTE_COUNT_MAX: usize = 2_000;
/// Longest URN of a schema that is added, in bytes.
pub const SCHEMA_URN_BYTES_MAX: usize = 200;
/// Longest name of a schema or attribute that is added, in characters.
pub const SCHEMA_NAME_CHARS_MAX: usize = 100;
/// Longest description of a schema or attribute that is added, in characters.
pub const SCHEMA_DESCRIPTION_CHARS_MAX: usize = 2_000;
/// Most canonical values of one attribute of a schema that is added.
pub const CANONICAL_VALUE_COUNT_MAX: usize = 1_000;
/// Most uses of tolerances reported for one request; further ones are accepted silently.
pub const TOLERATED_COUNT_MAX: usize = 100;
/// Most entity tags looked at in an `If-Match` or `If-None-Match` header.
pub const ENTITY_TAG_COUNT_MAX: usize = 32;
/// Longest bulkId of an operation in a bulk request, in bytes.
pub const BULK_ID_BYTES_MAX: usize = 256;
