CREATE TABLE event_chains (
    scope TEXT NOT NULL,
    place BIGINT NOT NULL,
    hash TEXT NOT NULL,
    sealed_at BIGINT NOT NULL,
    PRIMARY KEY (scope)
);
CREATE TABLE event_checkpoints (
    scope TEXT NOT NULL,
    place BIGINT NOT NULL,
    hash TEXT NOT NULL,
    before BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    nonce BYTEA NOT NULL,
    seal BYTEA NOT NULL,
    PRIMARY KEY (scope, place)
);
CREATE TABLE event_payloads (
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (scope, id)
) WITHOUT ROWID;
CREATE TABLE events (
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    actor TEXT NOT NULL,
    cause TEXT NOT NULL,
    at BIGINT NOT NULL,
    salt TEXT NOT NULL,
    payload_digest TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    place BIGINT,
    hash TEXT,
    PRIMARY KEY (scope, id)
) WITHOUT ROWID;
CREATE TABLE generations (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
);
CREATE TABLE leases (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    acquired_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
);
CREATE TABLE schema_migrations (
    train TEXT NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (train, position)
);
CREATE TABLE secrets (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    key_id TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    nonce BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
);
CREATE TABLE tasks (
    scope TEXT NOT NULL,
    queue TEXT NOT NULL,
    subject TEXT NOT NULL,
    slot TEXT NOT NULL,
    state TEXT NOT NULL,
    generation TEXT NOT NULL,
    priority BIGINT NOT NULL,
    enqueued_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    format_version BIGINT NOT NULL,
    payload TEXT NOT NULL,
    cause TEXT NOT NULL,
    token TEXT,
    holder TEXT,
    leased_at BIGINT,
    sent_at BIGINT,
    last_error TEXT,
    PRIMARY KEY (scope, queue, subject, slot)
) WITHOUT ROWID;
CREATE UNIQUE INDEX events_by_place ON events (scope, place) WHERE place IS NOT NULL;
CREATE INDEX events_by_subject ON events (scope, subject, id);
CREATE INDEX events_unsealed ON events (scope, id) WHERE place IS NULL;
CREATE INDEX tasks_by_due_at ON tasks (scope, queue, state, due_at);
CREATE INDEX tasks_by_priority ON tasks (scope, queue, state, priority, enqueued_at, subject);
