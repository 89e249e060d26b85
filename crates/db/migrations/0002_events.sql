-- What happened. `place` and `hash` are given later, by one sealer per scope; the hash covers the
-- digest and not the payload, so a payload can be erased without breaking the chain.
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
) /* clustered */;

CREATE INDEX events_by_subject ON events (scope, subject, id);

CREATE TABLE event_payloads (
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (scope, id)
) /* clustered */;
