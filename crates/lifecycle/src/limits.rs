//! Every limit of this crate, by name.

/// Longest identifier of our own or of an application, in bytes.
pub const ID_BYTES_MAX: usize = 512;
/// Longest employee number, in bytes.
pub const EMPLOYEE_NUMBER_BYTES_MAX: usize = 128;
/// Longest path of a profile attribute, in bytes.
pub const PROFILE_PATH_BYTES_MAX: usize = 512;
/// Longest part of a login before the `@`, in bytes (RFC 5321 4.5.3.1.1).
pub const LOGIN_LOCAL_PART_BYTES_MAX: usize = 64;
/// Highest number tried behind a login that is taken.
pub const LOGIN_NUMBER_MAX: u32 = 9_999;
/// Most employments of one person.
pub const EMPLOYMENT_COUNT_MAX: usize = 100;
/// Most people a finding or a stop names; beyond it they are counted.
pub const FINDING_SUBJECT_COUNT_MAX: usize = 20;
/// Most findings of one kind in one result; beyond it they are counted.
pub const FINDING_COUNT_MAX: usize = 1_000;
/// Longest expression, in bytes.
pub const EXPRESSION_BYTES_MAX: usize = 8 * 1024;
/// Most levels of brackets and operators in an expression.
pub const EXPRESSION_NESTING_MAX: usize = 48;
/// Most parts of an expression: names, values, operators, calls.
pub const EXPRESSION_NODE_COUNT_MAX: usize = 2_000;
/// Most values of a list that is written out in an expression.
pub const EXPRESSION_LIST_LENGTH_MAX: usize = 500;
/// Most steps an expression may take, summed up before it runs.
pub const EXPRESSION_STEP_COUNT_MAX: u64 = 200_000;
/// Most values of a list an expression looks at.
pub const EXPRESSION_VALUE_COUNT_MAX: usize = 1_000;
/// Longest string an expression makes, in bytes.
pub const EXPRESSION_TEXT_BYTES_MAX: usize = 16 * 1024;
/// Largest compiled regular expression, in bytes.
pub const EXPRESSION_PATTERN_BYTES_MAX: usize = 1024 * 1024;
/// Most attribute mappings of one application.
pub const MAPPING_COUNT_MAX: usize = 200;
/// What a request that changes members is taken to need beside the members, in bytes.
pub const MEMBER_REQUEST_BYTES: u64 = 1_024;
/// What one member is taken to need in a request, in bytes: a removal by filter with an id of
/// ordinary length.
pub const MEMBER_BYTES: u64 = 150;
