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
/// Most attempts for one page of a list.
pub const LIST_ATTEMPT_COUNT_MAX: u32 = 5;
/// How long an application, and each task of it, is held without a sign of life.
pub const LEASE_SECS: u32 = 10;
/// How often a sign of life is given.
pub const HEARTBEAT_MILLIS: u64 = 3_000;
/// How often somebody looks whether an application that another holds is free, or waits for a task.
pub const FOLLOW_POLL_MILLIS: u64 = 250;
/// Tasks that are under way for each request that may be: some are being written while others wait
/// for an answer.
pub const IN_FLIGHT_PER_REQUEST: usize = 3;
/// Most tasks handed out at once.
pub const LEASE_BATCH: usize = 128;
/// Most groups that are planned anew together.
pub const GROUP_BATCH: u32 = 100;
/// Tasks written in one transaction.
pub const ENQUEUE_BATCH: usize = 500;
/// Most attempts for one subject; then it waits for a person.
pub const ATTEMPT_COUNT_MAX: u32 = 10;
/// The first wait before one subject is tried again; it doubles each time.
pub const RETRY_BASE_MILLIS: u64 = 1_000;
/// Longest wait before one subject is tried again.
pub const RETRY_SECS_MAX: u64 = 600;
/// Longest time until the next attempt for a subject that an apply waits for.
pub const RETRY_WAIT_SECS_MAX: i64 = 30;
/// Longest pause an application may ask for before an apply ends instead of waiting.
pub const PAUSE_WAIT_SECS_MAX: i64 = 120;
/// Pauses in a row, with nothing done in between, after which an apply ends.
pub const PAUSE_COUNT_MAX: u32 = 4;
/// Subjects in a row that fail in passing before all of them pause.
pub const PASSING_IN_ROW_MAX: u32 = 20;
/// Subjects in a row that are refused, none done, before it is taken to concern everybody.
pub const REFUSED_IN_ROW_MAX: u32 = 50;
/// Subjects in a row that the token may not touch, none done, before it is taken to concern
/// everybody.
pub const FORBIDDEN_IN_ROW_MAX: u32 = 5;
/// Plans that one apply makes to bring in what had to wait for something else.
pub const APPLY_ROUND_COUNT_MAX: u32 = 4;
/// Requests for one group's members that are split before the rest is given up.
pub const MEMBER_SPLIT_COUNT_MAX: usize = 64;
/// Failed subjects a report lists; all of them are counted and stored.
pub const FAILED_SHOWN_COUNT: usize = 1_000;
/// Accounts that a list did not show and that are asked for one by one.
pub const VERIFY_COUNT_MAX: usize = 200;
/// Plans kept of each application.
pub const PLAN_COUNT_MAX: i64 = 10;
/// How long what was let pass counts as recent for the guard.
pub const GUARD_WINDOW_HOURS: i64 = 24;
/// How long an approval is kept.
pub const APPROVAL_KEPT_HOURS: i64 = 31 * 24;
/// How often the background looks for something to do.
pub const BACKGROUND_POLL_MILLIS: u64 = 1_000;
/// How long the background leaves an application alone after a run that stopped.
pub const BACKGROUND_REST_SECS: i64 = 60;
/// Groups a person is not in that an explanation names; its data has all of them.
pub const EXPLAINED_GROUP_COUNT: usize = 20;
/// People who are named when a condition is tried, on either side.
pub const TRIAL_EXAMPLE_COUNT: usize = 5;
/// Reasons that one entry of the log tells.
pub const LOG_REASON_COUNT: usize = 5;
/// Characters of a payload that an entry of the log shows where nothing better is known.
pub const LOG_PAYLOAD_CHAR_COUNT: usize = 200;

/// A group that shows fewer members than this shows all it has; a longer list may be cut short.
pub(crate) const MEMBERS_SHOWN_WHOLE_COUNT: usize = 100;
