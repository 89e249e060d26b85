-- Events on their way out: webhooks and streams of security event tokens, and what is to be sent to
-- them. Secrets lie sealed in `secrets`.

-- `place` is how far the tenant's log has been taken; what was taken and is not delivered yet stands in
-- webhook_deliveries. `due_at` is when the first of it is to be sent: nobody looks before then. Without
-- `url` it is a stream that its receiver polls.
CREATE TABLE webhooks (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    url TEXT,
    kinds TEXT NOT NULL,
    form TEXT NOT NULL,
    audience TEXT,
    place BIGINT NOT NULL,
    due_at BIGINT,
    state TEXT NOT NULL,
    state_at BIGINT NOT NULL,
    state_by TEXT NOT NULL,
    state_cause TEXT NOT NULL,
    failure_count BIGINT NOT NULL,
    failing_since BIGINT,
    retry_at BIGINT,
    last_error TEXT,
    last_success_at BIGINT,
    previous_until BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- state: waiting (the first of its subject is due at due_at, the others follow it), dead.
CREATE TABLE webhook_deliveries (
    tenant TEXT NOT NULL,
    webhook TEXT NOT NULL,
    place BIGINT NOT NULL,
    event TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    last_error TEXT,
    dead_at BIGINT,
    PRIMARY KEY (tenant, webhook, place)
) /* clustered */;
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (tenant, webhook, state, place);

-- What security event tokens are signed with: the public halves. They are the installation's, so that
-- `tenant` is the scope of what belongs to no tenant.
CREATE TABLE signing_keys (
    tenant TEXT NOT NULL,
    kid TEXT NOT NULL,
    modulus TEXT NOT NULL,
    exponent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT,
    PRIMARY KEY (tenant, kid)
);
