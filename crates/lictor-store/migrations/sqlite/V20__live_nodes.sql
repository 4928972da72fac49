-- Nodes that left their pools stay, and may be many more than those that are there.
CREATE INDEX nodes_live ON nodes (organization_id, id) WHERE revoked_at IS NULL;

PRAGMA user_version = 20;
