-- What was let pass that takes something away, so that many small plans are held as one large one.
CREATE TABLE releases (
    application_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    change_digest TEXT NOT NULL,
    deactivations BIGINT NOT NULL,
    license_removals BIGINT NOT NULL,
    recreations BIGINT NOT NULL,
    released_at BIGINT NOT NULL,
    -- When it was made; a release lets a change pass once.
    done_at BIGINT,
    PRIMARY KEY (application_id, subject, change_digest)
);
CREATE INDEX releases_by_time ON releases (application_id, released_at);
