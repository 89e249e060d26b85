-- Licensing and what a user has beside the account. Every key starts with the tenant.

CREATE TABLE tenant_settings (
    tenant TEXT NOT NULL PRIMARY KEY,
    default_license TEXT,
    self_signup TEXT NOT NULL,
    adopt TEXT NOT NULL,
    effects TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE license_types (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    rank BIGINT NOT NULL,
    seat_limit BIGINT,
    user_types TEXT NOT NULL,
    retired_at BIGINT,
    retired_by TEXT,
    retired_cause TEXT,
    PRIMARY KEY (tenant, key)
) /* clustered */;

CREATE TABLE products (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    seat_limit BIGINT,
    PRIMARY KEY (tenant, key)
) /* clustered */;

-- What a group grants. Without `group_id` the grant waits for a group of this name to be created;
-- once bound it follows the group through renames.
CREATE TABLE group_grants (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    group_id TEXT,
    group_name TEXT NOT NULL,
    group_name_key TEXT NOT NULL,
    license_type TEXT,
    products TEXT NOT NULL,
    policies TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
) /* clustered */;
CREATE UNIQUE INDEX group_grants_by_group ON group_grants (tenant, group_id);
CREATE INDEX group_grants_by_name ON group_grants (tenant, group_name_key);

CREATE TABLE direct_grants (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    pool_kind TEXT NOT NULL,
    pool_key TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id, pool_kind, pool_key)
) /* clustered */;

CREATE TABLE seats (
    tenant TEXT NOT NULL,
    pool_kind TEXT NOT NULL,
    pool_key TEXT NOT NULL,
    user_id TEXT NOT NULL,
    state TEXT NOT NULL,
    since BIGINT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (tenant, user_id, pool_kind, pool_key)
) /* clustered */;
-- The waitlist of a pool in its order, and who holds its seats.
CREATE INDEX seats_by_pool ON seats (tenant, pool_kind, pool_key, state, since, user_id);

-- How many hold and wait, kept with the rows: counting fifty thousand for every user is too much.
CREATE TABLE pools (
    tenant TEXT NOT NULL,
    pool_kind TEXT NOT NULL,
    pool_key TEXT NOT NULL,
    held BIGINT NOT NULL,
    waiting BIGINT NOT NULL,
    PRIMARY KEY (tenant, pool_kind, pool_key)
) /* clustered */;

-- Every change of every seat, appended and never changed.
CREATE TABLE seat_ledger (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    id TEXT NOT NULL,
    pool_kind TEXT NOT NULL,
    pool_key TEXT NOT NULL,
    change TEXT NOT NULL,
    detail TEXT NOT NULL,
    reason TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    actor TEXT NOT NULL,
    cause TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id, id)
) /* clustered */;
CREATE INDEX seat_ledger_by_pool ON seat_ledger (tenant, pool_kind, pool_key, id);

-- Users whose entitlement is to be decided again, worked off in batches; a mark goes away in the
-- transaction that decides.
CREATE TABLE stale_entitlements (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    marked_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id)
) /* clustered */;
CREATE INDEX stale_entitlements_by_age ON stale_entitlements (tenant, marked_at, user_id);

-- Tenants with effects to be run or pools to be filled, so that the background need not ask all.
CREATE TABLE open_work (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind)
) /* clustered */;

CREATE TABLE receipts (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    cause TEXT NOT NULL,
    closed_at BIGINT,
    ended_at BIGINT,
    ended_because TEXT,
    restoration TEXT,
    PRIMARY KEY (tenant, id)
) /* clustered */;
CREATE INDEX receipts_by_user ON receipts (tenant, user_id, id);
CREATE INDEX receipts_by_user_name ON receipts (tenant, user_name, id);

CREATE TABLE receipt_steps (
    tenant TEXT NOT NULL,
    receipt_id TEXT NOT NULL,
    place BIGINT NOT NULL,
    effect TEXT NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT,
    format_version BIGINT NOT NULL,
    note TEXT,
    attempts BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, receipt_id, place)
) /* clustered */;

CREATE TABLE meetings (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    host_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    start_at BIGINT NOT NULL,
    duration_minutes BIGINT NOT NULL,
    time_zone TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    cancelled_at BIGINT,
    cancelled_by TEXT,
    cancelled_because TEXT,
    PRIMARY KEY (tenant, id)
) /* clustered */;
CREATE INDEX meetings_by_host ON meetings (tenant, host_id, start_at, id);

CREATE TABLE phone_numbers (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    number TEXT NOT NULL,
    user_id TEXT,
    assigned_by TEXT,
    assigned_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
) /* clustered */;
CREATE UNIQUE INDEX phone_numbers_by_number ON phone_numbers (tenant, number);
CREATE INDEX phone_numbers_by_user ON phone_numbers (tenant, user_id);

CREATE TABLE queues (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
) /* clustered */;
CREATE UNIQUE INDEX queues_by_name ON queues (tenant, name);

CREATE TABLE queue_agents (
    tenant TEXT NOT NULL,
    queue_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    added_by TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, queue_id, user_id)
) /* clustered */;
CREATE INDEX queue_agents_by_user ON queue_agents (tenant, user_id, queue_id);

CREATE TABLE recordings (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    meeting_id BIGINT NOT NULL,
    host_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    kept_since BIGINT,
    trashed_at BIGINT,
    PRIMARY KEY (tenant, id)
) /* clustered */;
CREATE INDEX recordings_by_host ON recordings (tenant, host_id, recorded_at, id);
CREATE INDEX recordings_by_meeting ON recordings (tenant, meeting_id, id);

CREATE TABLE sessions (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    client TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_by TEXT,
    PRIMARY KEY (tenant, id)
) /* clustered */;
CREATE INDEX sessions_by_user ON sessions (tenant, user_id, ended_at);
