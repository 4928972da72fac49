-- Nodes that left their pools are found by when and how they did, to be removed, and by their names.
CREATE INDEX nodes_left ON nodes (organization_id, left_by, revoked_at) WHERE left_by IS NOT NULL;
CREATE INDEX nodes_left_name ON nodes (organization_id, name) WHERE left_by IS NOT NULL;

-- One that was removed says which id it had: no node of another organization may have it.
CREATE INDEX nodes_by_id ON nodes (id);

PRAGMA user_version = 21;
