-- A subject has at most one generation in each slot: `running` is with a holder (or was, and its
-- lease ran out), `pending` waits, `dead` was given up.
--
-- state    slot               due_at
-- ready    pending, running   0
-- delayed  pending            when it becomes ready
-- blocked  pending            0, or when it may run: it waits for the running one
-- running  running            when the lease runs out
-- dead     dead               0
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
) /* clustered */;

CREATE INDEX tasks_by_priority ON tasks (scope, queue, state, priority, enqueued_at, subject);
CREATE INDEX tasks_by_due_at ON tasks (scope, queue, state, due_at);
