//! Every limit of this crate, by name.

/// Largest source file, in bytes.
pub const SOURCE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Most rows in one source file.
pub const SOURCE_ROW_COUNT_MAX: usize = 2_000_000;
/// Most columns in one source file.
pub const SOURCE_COLUMN_COUNT_MAX: usize = 1_000;
/// Longest single field, in bytes.
pub const SOURCE_FIELD_BYTES_MAX: usize = 65_536;
/// Rows written to the database in one transaction.
pub const IMPORT_BATCH_ROWS: usize = 1_000;
/// Quarantined rows shown in a report; all of them are stored.
pub const QUARANTINE_SHOWN_COUNT: usize = 20;
/// Longest wait for an application's whole answer.
pub const ANSWER_WAIT_SECS_MAX: u64 = 60;
/// Longest wait for a connection.
pub const CONNECT_WAIT_SECS_MAX: u64 = 10;
/// Longest answer read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Most candidates asked for when an account is looked up.
pub const MATCH_COUNT_MAX: u64 = 100;
/// Most pages read in one listing.
pub const LIST_PAGE_COUNT_MAX: u64 = 1_000_000;
