-- What was removed or revoked stays, and may be many times what is there: lists pass it over within these.
CREATE INDEX accounts_there ON accounts (organization_id, id) WHERE status <> 'removed';
CREATE INDEX clients_there ON clients (organization_id, id) WHERE removed_at IS NULL;
CREATE INDEX node_pools_there ON node_pools (organization_id, id) WHERE revoked_at IS NULL;

PRAGMA user_version = 23;
