-- Where each scope's chain of sealed events ends, and up to where it has been cut.
CREATE TABLE event_chains (
    scope TEXT NOT NULL,
    place BIGINT NOT NULL,
    hash TEXT NOT NULL,
    sealed_at BIGINT NOT NULL,
    PRIMARY KEY (scope)
);

-- The events up to `place` were removed; the chain goes on from `hash`. The seal is made with the
-- key file over everything else in the row.
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

CREATE UNIQUE INDEX events_by_place ON events (scope, place) WHERE place IS NOT NULL;
CREATE INDEX events_unsealed ON events (scope, id) WHERE place IS NULL;
