-- The request log: blocks of records, so that noting a request down costs no row of its own.
CREATE TABLE request_blocks (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    last_at BIGINT NOT NULL,
    record_count BIGINT NOT NULL,
    lost_count BIGINT NOT NULL,
    format_version BIGINT NOT NULL,
    records TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
