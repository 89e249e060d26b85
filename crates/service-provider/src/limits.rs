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
/// Largest document, or difference of two, that an event carries.
pub const EVENT_VALUE_BYTES_MAX: usize = 128 * 1024;
/// Members named in one event; a larger change is told in several.
pub const EVENT_MEMBER_COUNT_MAX: usize = 1_000;
/// Places remembered in one tenant's list of users or groups, for paging on from there.
pub const WAYPOINT_COUNT_MAX: usize = 2_000;
/// Lists whose places are remembered.
pub const WAYPOINT_LIST_COUNT_MAX: usize = 1_000;
/// Users that one call of a listing for people returns.
pub const LIST_COUNT_MAX: u64 = 10_000;

// Schemas and resource types of a tenant's own.

/// Schemas of one tenant.
pub const SCHEMA_COUNT_MAX: usize = 200;
/// Resource types of one tenant, beside those every tenant has.
pub const RESOURCE_TYPE_COUNT_MAX: usize = 50;
/// Longest name of a resource type, in bytes.
pub const TYPE_NAME_BYTES_MAX: usize = 32;
/// Tenants whose resource types are kept in memory; when there are more, all are read again.
pub const TYPES_COUNT_MAX: usize = 1_000;
/// Longest value that is kept as it is to be found unique; of a longer one, its digest.
pub const UNIQUE_VALUE_BYTES_MAX: usize = 256;

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

// Licensing.

/// Granting groups of one tenant.
pub const GROUP_GRANT_COUNT_MAX: u64 = 1_000;
/// Users whose seats follow in the transaction of a change; the rest is marked for the background.
pub const SETTLE_INLINE_MAX: usize = 100;
/// Users whose seats the background settles in one transaction.
pub const SETTLE_BATCH_MAX: u32 = 128;
/// How often one settlement looks again at waitlists that go on beyond what was in sight.
pub const SETTLE_ROUNDS_MAX: usize = 4;
/// How many of each waitlist a settlement looks at.
pub const WAITLIST_HEAD_MAX: u32 = 16;
/// Versions of tenants' rules that are kept in memory.
pub const RULES_KEPT_MAX: usize = 1_024;
/// Groups lying in groups that licensing looks at, of one tenant.
pub const NESTED_GROUP_COUNT_MAX: u32 = 10_000;
/// Changes that are being worked off and are shown.
pub const SETTLEMENT_LIST_MAX: u32 = 1_000;
/// Direct grants that end in one transaction.
pub const ENDING_BATCH_MAX: u32 = 128;
/// Entries of demand that one source may put.
pub const DEMAND_COUNT_MAX: usize = 10_000;
/// Sources of demand that one tenant may have.
pub const DEMAND_SOURCE_COUNT_MAX: u64 = 64;
/// Days of the ledger that a trend is read from.
pub const TREND_DAYS: u32 = 28;
/// Invited users that a forecast looks at.
pub const INVITED_COUNT_MAX: u32 = 10_000;
/// Held seats that are looked at at once for being idle.
pub const IDLE_PAGE_MAX: u32 = 1_000;
/// Idle seats that are listed or reclaimed at once.
pub const IDLE_COUNT_MAX: usize = 100_000;
/// Seats that are taken back in one transaction.
pub const RECLAIM_BATCH_MAX: usize = 100;
/// How often idle seats of a tenant are looked for.
pub const RECLAIM_INTERVAL_SECS: i64 = 24 * 60 * 60;
/// Users, groups or keys that a reclaim policy may exempt, of each.
pub const RECLAIM_EXEMPT_COUNT_MAX: usize = 1_000;
/// Holders of a retired license type who are moved in one transaction.
pub const MOVE_BATCH_MAX: u32 = 128;
/// Batches of one kind and tenant that one round of the background does.
pub const ROUND_BATCH_COUNT_MAX: usize = 32;
/// Tenants whose work one round of the background looks at.
pub const ROUND_TENANT_COUNT_MAX: u32 = 64;
/// Rounds after which working off by hand gives up: something makes work as fast as it is done.
pub const WORK_OFF_ROUNDS_MAX: usize = 1_000;
/// Lines of a ledger, or seats of a pool, that one call of a listing returns.
pub const SEAT_LIST_MAX: u32 = 10_000;

// Effects and receipts.

/// Effects that are leased, and done in one transaction if none of them fails.
pub const EFFECT_BATCH_MAX: u32 = 32;
/// How long a lease on an effect holds.
pub const EFFECT_LEASE_SECS: u32 = 60;
/// How often an effect is tried before it is given up.
pub const EFFECT_ATTEMPTS_MAX: u32 = 8;
/// How long the second try waits; each further one waits twice as long.
pub const EFFECT_RETRY_SECS: i64 = 5;
/// How often that wait is doubled.
pub const EFFECT_RETRY_DOUBLINGS_MAX: u32 = 6;
/// Receipts of one user that are shown.
pub const RECEIPT_LIST_MAX: u32 = 100;
/// Characters of an error that a receipt keeps.
pub const RECEIPT_NOTE_CHARS_MAX: usize = 500;

// What users have.

/// Longest topic of a meeting, name of a queue or client of a session, in bytes.
pub const TOPIC_BYTES_MAX: usize = 200;
/// Longest meeting.
pub const MEETING_MINUTES_MAX: u32 = 30 * 60;
/// Random numbers tried for a new meeting before giving up.
pub const MEETING_ID_ATTEMPTS_MAX: usize = 16;
/// Phone numbers of one tenant.
pub const NUMBER_COUNT_MAX: u64 = 1_000_000;
/// Fewest and most digits of a phone number: E.164 has 15 at most, extensions have few.
pub const NUMBER_DIGITS_MIN: usize = 3;
/// Most digits of a phone number (E.164).
pub const NUMBER_DIGITS_MAX: usize = 15;
/// Contact-center queues of one tenant.
pub const QUEUE_COUNT_MAX: u64 = 10_000;
/// Sessions of one user that can be open; of more, the oldest end.
pub const SESSION_COUNT_MAX: u32 = 100;

// The lifecycle endpoints at `/v2`.

/// Page size of a list where the client names none.
pub const REST_PAGE_SIZE_DEFAULT: u32 = 30;
/// Largest page of a list.
pub const REST_PAGE_SIZE_MAX: u32 = 300;
/// Largest body of a request.
pub const REST_BODY_BYTES_MAX: usize = 256 * 1024;
/// How long a client may take to send its body.
pub const REST_BODY_WAIT_MAX: Duration = Duration::from_secs(30);
/// Agents, numbers and the like that one request may name.
pub const REST_ITEM_COUNT_MAX: usize = 100;
/// Most members that are named in the request log when they are left out.
pub const TOLERATED_MEMBER_COUNT_MAX: usize = 20;

/// Most types of calling plans an account can have.
pub const CALLING_PLAN_COUNT_MAX: usize = 100;
/// Most calling plans of one type.
pub const CALLING_PLAN_SEATS_MAX: u64 = 10_000_000;
// The feed of events.

/// Events in one answer where the client names no number.
pub const FEED_COUNT_DEFAULT: u32 = 100;
/// Most events in one answer.
pub const FEED_COUNT_MAX: u32 = 1_000;
/// Largest sum of payloads in one answer; it ends with the event that goes beyond.
pub const FEED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest wait of a client for the next event.
pub const FEED_WAIT_MAX: Duration = Duration::from_secs(30);
/// How often a client that waits is looked after where another node seals the events.
pub const FEED_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Clients that wait at the same time; further ones are answered at once.
pub const FEED_WAITER_COUNT_MAX: usize = 1_000;

// Webhooks.

/// Webhooks of one tenant.
pub const WEBHOOK_COUNT_MAX: usize = 50;
/// Kinds of events that one webhook may name.
pub const WEBHOOK_KIND_COUNT_MAX: usize = 100;
/// Webhooks that are looked at in one read where somebody looks for work.
pub const WEBHOOK_PAGE_COUNT: u32 = 1_000;
/// How often somebody looks for what is due; sooner if events were sealed on this node.
pub const DELIVERY_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How soon after the last look at the earliest.
pub const DELIVERY_LOOK_INTERVAL_MIN: Duration = Duration::from_millis(100);
/// Webhooks that a node delivers to at the same time.
pub const WEBHOOKS_AT_ONCE_MAX: usize = 64;
/// Of these, webhooks of one tenant: slow receivers of one leave room for those of others.
pub const WEBHOOKS_AT_ONCE_OF_TENANT_MAX: usize = 4;
/// Subjects whose messages are under way to one webhook at the same time.
pub const DELIVERY_CONCURRENT_MAX: usize = 8;
/// Messages that one round sends to a webhook.
pub const DELIVERY_BATCH_MAX: usize = 100;
/// Deliveries of one webhook that wait; what is beyond them stays in the log meanwhile.
pub const DELIVERY_QUEUE_MAX: u64 = 5_000;
/// Events that are taken from the log at once.
pub const DELIVERY_TAKEN_MAX: u32 = 500;
/// How long a receiver may take to answer.
pub const DELIVERY_ANSWER_WAIT_MAX: Duration = Duration::from_secs(15);
/// How long connecting may take.
pub const DELIVERY_CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);
/// How much of an answer is read.
pub const DELIVERY_ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Seconds after which a round begins nothing more.
pub const DELIVERY_ROUND_SECS_MAX: u64 = 10;
/// How long the lease on a webhook holds: longer than a round and the answer that was waited for last.
pub const DELIVERY_LEASE_SECS: u32 = 60;
/// How often a delivery is tried before it is given up.
pub const DELIVERY_ATTEMPTS_MAX: u32 = 10;
/// How long each further try waits, more or less a fifth.
pub const DELIVERY_WAIT_SECS: [i64; 9] =
    [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Characters of an error that are kept.
pub const DELIVERY_ERROR_CHARS_MAX: usize = 500;
/// Deliveries of one webhook that were given up and are kept.
pub const DELIVERY_DEAD_COUNT_MAX: u64 = 10_000;
/// Of these, how many are listed.
pub const DELIVERY_DEAD_LIST_MAX: u32 = 1_000;
/// Failures in a row after which an endpoint is tried with one message at a time.
pub const ENDPOINT_FAILURE_COUNT_MAX: u64 = 5;
/// How long such an endpoint is left alone; each further failure doubles it.
pub const ENDPOINT_RETRY_SECS: i64 = 30;
/// Longest time it is left alone.
pub const ENDPOINT_RETRY_SECS_MAX: i64 = 3_600;
/// Days of failure after which it is given up.
pub const ENDPOINT_FAILING_DAYS_MAX: i64 = 5;
/// Security event tokens in one answer to a poll where the client names no number.
pub const POLL_COUNT_DEFAULT: u32 = 100;
/// Most security event tokens in one answer.
pub const POLL_COUNT_MAX: u32 = 500;
/// Tokens that one poll acknowledges or complains of.
pub const POLL_ANSWER_COUNT_MAX: usize = 5_000;
/// Days without a word from a receiver after which a log is truncated past what it has not taken.
pub const WEBHOOK_SILENT_DAYS_MAX: i64 = 30;
/// Signing keys that are shown: the present one and former ones, whose tokens may still be under way.
pub const SIGNING_KEY_COUNT_MAX: u32 = 5;
