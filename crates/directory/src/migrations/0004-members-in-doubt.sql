-- A member is in doubt from before a request that brings or takes them until it is acknowledged:
-- whoever plans then neither counts on them nor forgets them.
ALTER TABLE pushed_members ADD COLUMN in_doubt BOOLEAN NOT NULL DEFAULT FALSE;
