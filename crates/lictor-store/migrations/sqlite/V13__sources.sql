-- What one source counted, so that it can be put to another.

CREATE INDEX usage_by_source ON usage (organization_id, source);

PRAGMA user_version = 13;
