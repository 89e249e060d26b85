-- Schemas and resource types that a tenant has beside those every tenant has, and the resources of
-- such types. Keys are names in lower case, since SCIM's names ignore case.

CREATE TABLE schemas (
    tenant TEXT NOT NULL,
    schema_key TEXT NOT NULL,
    doc TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, schema_key)
) /* clustered */;

CREATE TABLE resource_types (
    tenant TEXT NOT NULL,
    type_key TEXT NOT NULL,
    name TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    endpoint_key TEXT NOT NULL,
    description TEXT NOT NULL,
    schema_key TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, type_key)
) /* clustered */;
CREATE UNIQUE INDEX resource_types_by_endpoint ON resource_types (tenant, endpoint_key);

-- Which schemas extend a resource type, also one that every tenant has (`user`, `group`).
CREATE TABLE schema_extensions (
    tenant TEXT NOT NULL,
    type_key TEXT NOT NULL,
    schema_key TEXT NOT NULL,
    required BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, type_key, schema_key)
) /* clustered */;

-- How many resources of a type have a value for an attribute of a schema above; with an empty
-- attribute, how many have any of the schema. Written with the document, so that nobody has to
-- count before a schema is changed.
CREATE TABLE attribute_uses (
    tenant TEXT NOT NULL,
    schema_key TEXT NOT NULL,
    type_key TEXT NOT NULL,
    attribute TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (tenant, schema_key, type_key, attribute)
) /* clustered */;

-- The values that must be unique: the key is schema, attribute, what they are unique within, and
-- the value as it is compared.
CREATE TABLE unique_values (
    tenant TEXT NOT NULL,
    value_key TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    PRIMARY KEY (tenant, value_key)
) /* clustered */;

-- A resource's SCIM document without what the server adds (id, meta).
CREATE TABLE resources (
    tenant TEXT NOT NULL,
    type_key TEXT NOT NULL,
    id TEXT NOT NULL,
    external_id TEXT,
    display_name_key TEXT,
    doc TEXT NOT NULL,
    format_version BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_modified_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, type_key, id)
);
CREATE INDEX resources_by_external_id ON resources (tenant, type_key, external_id);
CREATE INDEX resources_by_display_name ON resources (tenant, type_key, display_name_key);
