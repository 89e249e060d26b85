//! Every limit of this crate, by name.

use std::time::Duration;

// Tenants and tokens.

/// Longest name of a tenant or a token, in characters.
pub const NAME_CHARS_MAX: usize = 100;
/// Callers kept in memory, one a token; when there are more, all are looked up again.
pub const CALLER_COUNT_MAX: usize = 10_000;
/// Tokens of one tenant that can be valid at the same time.
pub const TOKEN_COUNT_MAX: u64 = 100;

// The SCIM store.

/// Rows one filtered or sorted query may look at; beyond them the client is told `tooMany`.
pub const SCAN_ROW_COUNT_MAX: usize = 200_000;
/// Rows a scan reads at a time.
pub const SCAN_BATCH_COUNT: usize = 500;
/// Scans that run at the same time; further ones wait.
pub const SCAN_CONCURRENT_MAX: usize = 2;
/// Memberships read in one go for a run of users, for each user.
pub const RANGE_GROUPS_PER_USER_MAX: usize = 20;
/// Rows that are sorted in memory; beyond them the client is told `tooMany`.
pub const SORT_ROW_COUNT_MAX: usize = 20_000;
/// Members shown in the answer to a PATCH of a group; a larger group answers 204.
pub const PATCH_MEMBERS_SHOWN_MAX: u64 = 100;
/// Groups shown in a user's `groups`.
pub const USER_GROUPS_SHOWN_MAX: usize = 1_000;
/// How deep groups may lie in groups.
pub const GROUP_DEPTH_MAX: usize = 16;
/// Groups looked at to make sure that no group comes to contain itself.
pub const GROUP_CYCLE_CHECK_MAX: usize = 1_000;
/// Members named in one event; a larger change is told in several.
pub const EVENT_MEMBER_COUNT_MAX: usize = 1_000;
/// Places remembered in one tenant's list of users or groups, for paging on from there.
pub const WAYPOINT_COUNT_MAX: usize = 2_000;
/// Lists whose places are remembered.
pub const WAYPOINT_LIST_COUNT_MAX: usize = 1_000;
/// Users that one call of a listing for people returns.
pub const LIST_COUNT_MAX: u64 = 10_000;

// The request log.

/// Requests that wait to be written down; further ones are lost, and counted.
pub const REQUEST_QUEUE_MAX: usize = 16_384;
/// How often waiting requests are written down.
pub const REQUEST_FLUSH_INTERVAL: Duration = Duration::from_millis(500);
/// Records in one block.
pub const REQUEST_BLOCK_COUNT_MAX: usize = 1_000;
/// Records kept for one tenant.
pub const REQUEST_COUNT_MAX: u64 = 200_000;
/// How long records are kept.
pub const REQUEST_AGE_DAYS_MAX: i64 = 30;
/// How often old records are removed.
pub const REQUEST_PRUNE_INTERVAL: Duration = Duration::from_secs(600);
/// Longest error sentence kept in a record, in bytes.
pub const REQUEST_DETAIL_BYTES_MAX: usize = 1_000;
/// Tolerated departures named in one record.
pub const REQUEST_TOLERATED_COUNT_MAX: usize = 20;

// Work in the background.

/// How often the moments at which tokens were last used are written down.
pub const LAST_USED_FLUSH_INTERVAL: Duration = Duration::from_secs(60);
/// How often the background looks for work.
pub const BACKGROUND_INTERVAL: Duration = Duration::from_millis(500);
