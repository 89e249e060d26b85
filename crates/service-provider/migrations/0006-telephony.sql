-- Calling plans: how many of each the account has, and who has which.

CREATE TABLE calling_plans (
    tenant TEXT NOT NULL,
    plan_type BIGINT NOT NULL,
    name TEXT NOT NULL,
    subscribed BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, plan_type)
) /* clustered */;

CREATE TABLE user_calling_plans (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    plan_type BIGINT NOT NULL,
    assigned_by TEXT NOT NULL,
    assigned_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id, plan_type)
) /* clustered */;
CREATE INDEX user_calling_plans_by_plan ON user_calling_plans (tenant, plan_type, user_id);
