-- OAuth clients, their grants, and what is handed out to them. Of every secret only the SHA-256.

-- Removed ones stay: the ledger names them.
CREATE TABLE clients (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    account_id      BLOB    CHECK (length(account_id) = 16),
    application     TEXT,
    scopes          TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    removed_at      INTEGER,
    client_id       TEXT,
    secret_sha256   BLOB    CHECK (length(secret_sha256) = 32),
    name            TEXT,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX clients_by_client_id ON clients (client_id);

-- Revoked ones stay, for the same reason.
CREATE TABLE grants (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    client          BLOB    NOT NULL CHECK (length(client) = 16),
    by_code         INTEGER NOT NULL CHECK (by_code IN (0, 1)),
    created_at      INTEGER NOT NULL,
    revision        INTEGER NOT NULL CHECK (revision > 0),
    revoked_at      INTEGER,
    refresh_sha256  BLOB    CHECK (length(refresh_sha256) = 32),
    code_sha256     BLOB    CHECK (length(code_sha256) = 32),
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_client ON grants (organization_id, client, created_at);
CREATE UNIQUE INDEX grants_by_refresh_token ON grants (refresh_sha256);
CREATE UNIQUE INDEX grants_by_code ON grants (code_sha256);

-- Codes that nobody has used.
CREATE TABLE codes (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    sha256          BLOB    NOT NULL CHECK (length(sha256) = 32),
    client          BLOB    NOT NULL CHECK (length(client) = 16),
    expires_at      INTEGER NOT NULL,
    PRIMARY KEY (organization_id, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_by_expiry ON codes (expires_at);

-- Access tokens until they expire. Without a grant: by the client's own credentials.
CREATE TABLE access_tokens (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    sha256          BLOB    NOT NULL CHECK (length(sha256) = 32),
    client          BLOB    NOT NULL CHECK (length(client) = 16),
    grant_id        BLOB    CHECK (length(grant_id) = 16),
    scopes          TEXT    NOT NULL,
    ordinal         INTEGER NOT NULL CHECK (ordinal > 0),
    issued_at       INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    ended           INTEGER NOT NULL CHECK (ended IN (0, 1)),
    PRIMARY KEY (organization_id, sha256)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX access_tokens_by_secret ON access_tokens (sha256);
CREATE INDEX access_tokens_by_grant ON access_tokens (organization_id, client, grant_id);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);

PRAGMA user_version = 3;
