//! Every limit of this crate, by name.

use std::time::Duration;

/// Longest request body read, in bytes. Holds the largest member list `scim` accepts
/// (100,000 members of about 100 bytes each).
pub const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Most bytes of a refused request's body that are still taken in, so that the client reads why.
pub const BODY_DRAIN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a refused request's body is still taken in.
pub const BODY_DRAIN_WAIT_MAX: Duration = Duration::from_secs(10);
/// What a body that arrives in pieces is first reckoned to grow by, in bytes.
pub const BODY_FRAME_BYTES: usize = 16 * 1024;
/// How long a client may take to send its body.
pub const BODY_WAIT_MAX: Duration = Duration::from_secs(30);
/// Longest query string read, in bytes. A filter of the longest kind fits, percent-encoded.
pub const QUERY_BYTES_MAX: usize = 32 * 1024;
/// Most parameters in one query string.
pub const QUERY_PARAMETER_COUNT_MAX: usize = 64;
/// Longest identifier in a path, in bytes after decoding.
pub const ID_BYTES_MAX: usize = 1_024;
/// Longest bearer token looked at, in bytes.
pub const BEARER_BYTES_MAX: usize = 8 * 1024;
/// Longest `User-Agent` kept in a request record, in bytes.
pub const USER_AGENT_BYTES_MAX: usize = 256;
/// Resources on a page when the client does not say.
pub const PAGE_COUNT_DEFAULT: u64 = 100;
/// Most resources on a page; a larger `count` is lowered to this (RFC 7644 3.4.2.4).
pub const PAGE_COUNT_MAX: u64 = 1_000;
/// What a client is told to wait when the server is busy.
pub const RETRY_AFTER_SECS: u64 = 1;
/// Operations in one bulk request (RFC 7644 3.7.4), as a store may announce it.
pub const BULK_OPERATION_COUNT_MAX: u64 = 1_000;
/// Longest bulk request, in bytes, as a store may announce it.
pub const BULK_PAYLOAD_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How far a sorted list of several resource types can be paged.
pub const ACROSS_SORT_COUNT_MAX: u64 = 10_000;
/// Media ranges looked at in `Accept`.
pub const ACCEPT_RANGE_COUNT_MAX: usize = 32;
