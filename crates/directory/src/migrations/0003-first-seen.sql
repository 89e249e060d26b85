-- When an account that is linked to nobody was seen first: what came after we tried to create it is
-- ours, what was there before is somebody else's.
ALTER TABLE unlinked_accounts ADD COLUMN first_seen_at BIGINT;
