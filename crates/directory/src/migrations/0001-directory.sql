-- The directory's own tables. One organisation; ids are UUIDv7 as TEXT, times BIGINT microseconds
-- UTC, dates TEXT `YYYY-MM-DD`, documents canonical JSON in TEXT with a format version beside.

CREATE TABLE sources (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE imports (
    id TEXT NOT NULL PRIMARY KEY,
    source_id TEXT NOT NULL,
    file_name TEXT NOT NULL,
    file_digest TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    quarantined_count BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    summary TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    actor TEXT NOT NULL,
    imported_at BIGINT NOT NULL
);
CREATE INDEX imports_by_source ON imports (source_id, imported_at);

CREATE TABLE quarantine (
    import_id TEXT NOT NULL,
    line BIGINT NOT NULL,
    employee_number TEXT,
    reason TEXT NOT NULL,
    PRIMARY KEY (import_id, line)
);

CREATE TABLE people (
    id TEXT NOT NULL PRIMARY KEY,
    employee_number TEXT NOT NULL UNIQUE,
    login_key TEXT UNIQUE,
    profile TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- An employment is a row with its start; a person hired again has another one.
CREATE TABLE employments (
    person_id TEXT NOT NULL,
    start_date TEXT NOT NULL,
    end_date TEXT,
    PRIMARY KEY (person_id, start_date)
);

-- Where a person's values came from: the row of the last file that named them.
CREATE TABLE person_sources (
    person_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    line BIGINT NOT NULL,
    import_id TEXT NOT NULL,
    PRIMARY KEY (person_id, source_id)
);

CREATE TABLE groups (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    grants_licenses BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE rules (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    condition TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE rule_groups (
    rule_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    PRIMARY KEY (rule_id, group_id)
);

CREATE TABLE manual_members (
    group_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    note TEXT NOT NULL,
    actor TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (group_id, person_id)
);

CREATE TABLE exclusions (
    group_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    note TEXT NOT NULL,
    actor TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (group_id, person_id)
);

CREATE TABLE applications (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    profile TEXT NOT NULL,
    base_url TEXT NOT NULL,
    config TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    -- When its accounts and groups were last listed whole; NULL: never.
    observed_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE assignments (
    application_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    priority BIGINT NOT NULL,
    actor TEXT NOT NULL,
    assigned_at BIGINT NOT NULL,
    PRIMARY KEY (application_id, kind, subject)
);

CREATE TABLE push_groups (
    application_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    remote_name TEXT NOT NULL,
    remote_id TEXT,
    origin TEXT NOT NULL,
    status TEXT NOT NULL,
    status_reason TEXT,
    written_name TEXT,
    pushed_at BIGINT,
    PRIMARY KEY (application_id, group_id)
);

-- Memberships as the application last acknowledged them.
CREATE TABLE pushed_members (
    application_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    pushed_at BIGINT NOT NULL,
    PRIMARY KEY (application_id, group_id, person_id)
);
CREATE INDEX pushed_members_by_person ON pushed_members (application_id, person_id);

-- The account: one person in one application.
CREATE TABLE accounts (
    application_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    remote_id TEXT,
    origin TEXT NOT NULL,
    situation TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    last_written TEXT,
    observed TEXT,
    observed_at BIGINT,
    last_error TEXT,
    format_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (application_id, person_id)
);
CREATE UNIQUE INDEX accounts_by_remote ON accounts (application_id, remote_id);

-- What was seen in an application and is linked to nobody here.
CREATE TABLE unlinked_accounts (
    application_id TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    user_name_key TEXT,
    external_id TEXT,
    email_key TEXT,
    document TEXT NOT NULL,
    observed_at BIGINT NOT NULL,
    PRIMARY KEY (application_id, remote_id)
);
CREATE INDEX unlinked_by_user_name ON unlinked_accounts (application_id, user_name_key);
CREATE INDEX unlinked_by_external_id ON unlinked_accounts (application_id, external_id);
CREATE INDEX unlinked_by_email ON unlinked_accounts (application_id, email_key);

CREATE TABLE unlinked_groups (
    application_id TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    display_name_key TEXT NOT NULL,
    observed_at BIGINT NOT NULL,
    PRIMARY KEY (application_id, remote_id)
);

CREATE TABLE plans (
    id TEXT NOT NULL PRIMARY KEY,
    application_id TEXT NOT NULL,
    as_of TEXT NOT NULL,
    digest TEXT NOT NULL,
    plan TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX plans_by_application ON plans (application_id, created_at);

-- An approval is a set of (subject, change digest) taken from a plan a person has seen.
CREATE TABLE approvals (
    application_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    change_digest TEXT NOT NULL,
    plan_digest TEXT NOT NULL,
    actor TEXT NOT NULL,
    approved_at BIGINT NOT NULL,
    PRIMARY KEY (application_id, subject, change_digest)
);
