-- Nodes, what holds for all of an organization's, and how trust in keys was handed on.

-- Revoked ones stay: the ledger names them. Of the secrets only the SHA-256.
CREATE TABLE nodes (
    organization_id   BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id                BLOB    NOT NULL CHECK (length(id) = 16),
    application       TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    joined_at         INTEGER,
    revoked_at        INTEGER,
    name              TEXT    CHECK (length(name) BETWEEN 1 AND 63),
    token_sha256      BLOB    CHECK (length(token_sha256) = 32),
    token_expires_at  INTEGER,
    credential_sha256 BLOB    CHECK (length(credential_sha256) = 32),
    -- What it last said of itself, as JSON.
    seen              TEXT,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX nodes_live_name ON nodes (organization_id, name) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX nodes_by_token ON nodes (token_sha256);
CREATE UNIQUE INDEX nodes_by_credential ON nodes (credential_sha256);
CREATE INDEX nodes_live_of_application ON nodes (organization_id, application)
    WHERE revoked_at IS NULL;

-- One row for each organization whose settings were ever changed; spans in seconds.
CREATE TABLE node_settings (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    stale_after     INTEGER NOT NULL CHECK (stale_after > 0),
    expires_after   INTEGER NOT NULL CHECK (expires_after >= stale_after),
    grace           INTEGER NOT NULL CHECK (grace >= 0),
    raised          INTEGER NOT NULL CHECK (raised >= 0),
    PRIMARY KEY (organization_id)
) STRICT, WITHOUT ROWID;

-- By which nodes trust a key that knew the one before it, as JSON.
ALTER TABLE trusted_keys ADD COLUMN rotation TEXT;

PRAGMA user_version = 4;
