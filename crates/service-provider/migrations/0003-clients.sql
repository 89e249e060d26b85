-- The user a token stands for: the one that SCIM clients reach at `/Me`.
ALTER TABLE tokens ADD COLUMN subject TEXT;
