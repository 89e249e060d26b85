-- Tenants, tokens, users, groups. Every key starts with the tenant; ids are UUIDv7 as TEXT, times
-- BIGINT microseconds UTC, documents canonical JSON in TEXT with a format version beside.

CREATE TABLE tenants (
    tenant TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- The token itself is nowhere: a digest finds it again, and nothing leads back.
CREATE TABLE tokens (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    digest BYTEA NOT NULL,
    dialect TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT,
    rotated_from TEXT,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX tokens_by_digest ON tokens (digest);

-- A user's SCIM document without what the server adds (id, meta, groups) and without a password.
CREATE TABLE users (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    user_name TEXT NOT NULL,
    user_name_key TEXT NOT NULL,
    external_id TEXT,
    display_name TEXT,
    display_name_key TEXT,
    active BIGINT NOT NULL,
    state TEXT NOT NULL,
    origin TEXT NOT NULL,
    user_type TEXT,
    doc TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_modified_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX users_by_user_name ON users (tenant, user_name_key);
CREATE INDEX users_by_external_id ON users (tenant, external_id);

-- The e-mail addresses that are not the user's userName: those are found by the userName's index.
CREATE TABLE user_emails (
    tenant TEXT NOT NULL,
    email_key TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant, email_key, user_id)
) /* clustered */;
CREATE INDEX user_emails_by_user ON user_emails (tenant, user_id);

-- A group's SCIM document without what the server adds (id, meta) and without members.
CREATE TABLE groups (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    display_name_key TEXT NOT NULL,
    external_id TEXT,
    member_count BIGINT NOT NULL,
    doc TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_modified_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX groups_by_display_name ON groups (tenant, display_name_key);
CREATE INDEX groups_by_external_id ON groups (tenant, external_id);

-- `member_id` is a user or, where `member_type` is `Group`, a group. `display` is what the client
-- called the member, if it did; else its present name is shown.
CREATE TABLE group_members (
    tenant TEXT NOT NULL,
    group_id TEXT NOT NULL,
    member_id TEXT NOT NULL,
    member_type TEXT NOT NULL,
    display TEXT,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, group_id, member_id)
) /* clustered */;
CREATE INDEX group_members_by_member ON group_members (tenant, member_id, group_id);

-- How many there are, so that totalResults needs no count. `shift` rises whenever a resource's
-- place in the order of ids may have changed: a deletion, or an id that is not the last.
CREATE TABLE counters (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    count BIGINT NOT NULL,
    last_id TEXT NOT NULL,
    shift BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind)
) /* clustered */;
