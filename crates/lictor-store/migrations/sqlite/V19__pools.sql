-- Pools of nodes: one token that many nodes join by, each taking a place that it gives back.

-- Revoked ones stay: the ledger names them. Of the token only the SHA-256; spans in seconds.
CREATE TABLE node_pools (
    organization_id   BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id                BLOB    NOT NULL CHECK (length(id) = 16),
    application       TEXT    NOT NULL,
    uses              INTEGER NOT NULL CHECK (uses > 0),
    forget_after      INTEGER NOT NULL CHECK (forget_after > 0),
    created_at        INTEGER NOT NULL,
    revoked_at        INTEGER,
    name              TEXT    CHECK (length(name) BETWEEN 1 AND 63),
    token_sha256      BLOB    CHECK (length(token_sha256) = 32),
    token_expires_at  INTEGER,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX node_pools_live_name ON node_pools (organization_id, name)
    WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX node_pools_by_token ON node_pools (token_sha256);
ALTER TABLE heads ADD COLUMN used_node_pools INTEGER NOT NULL DEFAULT 0
    CHECK (used_node_pools >= 0);

-- Of which pool a node is, and how it left: `goodbye` or `silence`; `revoked_at` says when.
ALTER TABLE nodes ADD COLUMN pool BLOB CHECK (length(pool) = 16);
ALTER TABLE nodes ADD COLUMN left_by TEXT;
CREATE INDEX nodes_live_of_pool ON nodes (organization_id, pool)
    WHERE revoked_at IS NULL AND pool IS NOT NULL;

PRAGMA user_version = 19;
