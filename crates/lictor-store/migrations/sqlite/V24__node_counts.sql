-- How many nodes there are is counted as they come and go: of applications those that are not revoked and
-- have not left, and those of them that joined; of pools those that have a place.
ALTER TABLE applications ADD COLUMN nodes INTEGER NOT NULL DEFAULT 0 CHECK (nodes >= 0);
ALTER TABLE applications ADD COLUMN joined_nodes INTEGER NOT NULL DEFAULT 0 CHECK (joined_nodes >= 0);
ALTER TABLE node_pools ADD COLUMN taken INTEGER NOT NULL DEFAULT 0 CHECK (taken >= 0);
UPDATE applications SET
    nodes = (SELECT count(*) FROM nodes WHERE nodes.organization_id = applications.organization_id
        AND application = key AND revoked_at IS NULL),
    joined_nodes = (SELECT count(*) FROM nodes WHERE nodes.organization_id = applications.organization_id
        AND application = key AND revoked_at IS NULL AND joined_at IS NOT NULL);
UPDATE node_pools SET
    taken = (SELECT count(*) FROM nodes WHERE nodes.organization_id = node_pools.organization_id
        AND pool = node_pools.id AND revoked_at IS NULL AND pool IS NOT NULL);
CREATE INDEX applications_with_nodes ON applications (organization_id, key) WHERE nodes > 0;

-- Those that have not joined yet are counted where they are asked for: each can but for a day.
CREATE INDEX nodes_to_join ON nodes (organization_id, application, token_expires_at)
    WHERE revoked_at IS NULL AND joined_at IS NULL;
DROP INDEX nodes_live_of_application;

PRAGMA user_version = 24;
