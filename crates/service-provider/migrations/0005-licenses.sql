-- Licensing complete: prices, the order of grants, priorities, grants that end, nested groups,
-- settlements by batch, demand that was told, idle seats that are taken back.

ALTER TABLE license_types ADD COLUMN price_minor_units BIGINT;
ALTER TABLE license_types ADD COLUMN price_currency TEXT;
ALTER TABLE products ADD COLUMN price_minor_units BIGINT;
ALTER TABLE products ADD COLUMN price_currency TEXT;

ALTER TABLE group_grants ADD COLUMN grant_order BIGINT;
ALTER TABLE group_grants ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;

-- `until` is the last day a direct grant is good for, `ends_at` the moment after it (UTC).
ALTER TABLE direct_grants ADD COLUMN until TEXT;
ALTER TABLE direct_grants ADD COLUMN ends_at BIGINT;
CREATE INDEX direct_grants_by_end ON direct_grants (ends_at) WHERE ends_at IS NOT NULL;

ALTER TABLE tenant_settings ADD COLUMN reclaim TEXT NOT NULL DEFAULT '{}';

-- Where the claim of a seat stands among the user's others, and on the waitlist.
ALTER TABLE seats ADD COLUMN claim_order BIGINT NOT NULL DEFAULT 4294967295;
ALTER TABLE seats ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;
DROP INDEX seats_by_pool;
CREATE INDEX seats_by_pool ON seats
    (tenant, pool_kind, pool_key, state, priority DESC, since, user_id);

CREATE INDEX seat_ledger_by_time ON seat_ledger (tenant, at);

-- Groups that lie in groups: few beside the users that do.
CREATE INDEX group_members_nested ON group_members (tenant, group_id, member_id)
    WHERE member_type = 'Group';

-- The version of all that decides who should have what. The value is an id of its own, so that
-- what is kept in memory under it is good for as long as it stands here, on every node.
CREATE TABLE licensing_generations (
    tenant TEXT NOT NULL PRIMARY KEY,
    generation TEXT NOT NULL
);

-- Changes that touch many, each worked off in batches behind a cursor. `kind` is `group` (the
-- members of `subject`) or `everybody`; a newer change of the same begins again.
CREATE TABLE settlements (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    id TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    total BIGINT NOT NULL,
    done BIGINT NOT NULL,
    after_user TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, subject)
) /* clustered */;

-- Who joins and leaves on which day, as a source told it; a source puts all it knows at once.
CREATE TABLE planned_demand (
    tenant TEXT NOT NULL,
    source TEXT NOT NULL,
    place BIGINT NOT NULL,
    day TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target TEXT NOT NULL,
    joiners BIGINT NOT NULL,
    leavers BIGINT NOT NULL,
    put_by TEXT NOT NULL,
    put_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, source, place)
) /* clustered */;

-- Idle seats: of whom the user was told (`noticed`), and those taken back (`reclaimed`). A row goes
-- when the user is active again.
CREATE TABLE reclaims (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    pool_kind TEXT NOT NULL,
    pool_key TEXT NOT NULL,
    state TEXT NOT NULL,
    idle_since TEXT NOT NULL,
    noticed_at BIGINT NOT NULL,
    reclaimed_at BIGINT,
    reclaimed_by TEXT,
    PRIMARY KEY (tenant, user_id, pool_kind, pool_key)
) /* clustered */;
CREATE INDEX reclaims_by_state ON reclaims (tenant, state);

-- When idle seats of a tenant are looked for next.
CREATE TABLE reclaim_rounds (
    tenant TEXT NOT NULL PRIMARY KEY,
    next_at BIGINT NOT NULL
);
CREATE INDEX reclaim_rounds_by_time ON reclaim_rounds (next_at);
