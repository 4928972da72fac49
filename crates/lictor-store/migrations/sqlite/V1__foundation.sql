-- The foundation. One stream per organization and one, all zero, for the installation itself.
-- Times are whole seconds since 1970 in UTC; ids are UUIDs of 16 bytes; hashes are SHA-256.

-- Where each stream ends. Every write begins with this row, which orders the writes of a stream.
CREATE TABLE heads (
    stream            BLOB    NOT NULL CHECK (length(stream) = 16),
    position          INTEGER NOT NULL CHECK (position >= 0),
    hash              BLOB    NOT NULL CHECK (length(hash) = 32),
    newest_updated_at INTEGER NOT NULL,
    removed           INTEGER NOT NULL CHECK (removed IN (0, 1)),
    PRIMARY KEY (stream)
) STRICT, WITHOUT ROWID;

-- The ledger. Never updated, never deleted from.
CREATE TABLE entries (
    stream   BLOB    NOT NULL CHECK (length(stream) = 16),
    position INTEGER NOT NULL CHECK (position > 0),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32),
    body     TEXT    NOT NULL,
    PRIMARY KEY (stream, position)
) STRICT;

-- Removed ones stay: the ledger names them.
CREATE TABLE organizations (
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    key        TEXT    NOT NULL CHECK (length(key) BETWEEN 1 AND 63),
    number     INTEGER NOT NULL CHECK (number BETWEEN 0 AND 9007199254740991),
    name       TEXT,
    created_at INTEGER NOT NULL,
    removed    INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)),
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX organizations_live_key ON organizations (key) WHERE removed = 0;

CREATE TABLE settings (
    name  TEXT NOT NULL CHECK (name IN ('policy')),
    value TEXT NOT NULL,
    PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;

CREATE TABLE trusted_keys (
    id         TEXT NOT NULL CHECK (length(id) = 16),
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    status     TEXT NOT NULL CHECK (status IN ('active', 'retired', 'revoked')),
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;

-- Operators' tokens belong to the installation's stream.
CREATE TABLE tokens (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    role            TEXT    NOT NULL CHECK (role IN ('reader', 'admin', 'operator')),
    scopes          TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    revoked_at      INTEGER,
    secret_sha256   BLOB    CHECK (length(secret_sha256) = 32),
    name            TEXT,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tokens_by_secret ON tokens (secret_sha256);

CREATE TABLE applications (
    organization_id BLOB NOT NULL CHECK (length(organization_id) = 16),
    key             TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
    PRIMARY KEY (organization_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE licenses (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    application     TEXT    NOT NULL,
    payload_sha256  BLOB    NOT NULL CHECK (length(payload_sha256) = 32),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    revision        INTEGER NOT NULL CHECK (revision > 0),
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX licenses_by_application ON licenses (organization_id, application, id);
CREATE INDEX licenses_newest_of_application
    ON licenses (organization_id, application, updated_at, revision);
CREATE INDEX licenses_newest ON licenses (organization_id, updated_at, revision);

-- Kept when no license refers to them any more: the ledger names them.
CREATE TABLE payloads (
    organization_id BLOB NOT NULL CHECK (length(organization_id) = 16),
    sha256          BLOB NOT NULL CHECK (length(sha256) = 32),
    text            TEXT NOT NULL,
    PRIMARY KEY (organization_id, sha256)
) STRICT;

CREATE TABLE usage (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    month           TEXT    NOT NULL CHECK (length(month) = 7),
    service         TEXT    NOT NULL,
    source          TEXT    NOT NULL,
    count           INTEGER NOT NULL CHECK (count BETWEEN 0 AND 9007199254740991),
    PRIMARY KEY (organization_id, month, service, source)
) STRICT, WITHOUT ROWID;

-- What repeated requests are answered with.
CREATE TABLE answers (
    token          BLOB    NOT NULL CHECK (length(token) = 16),
    route          TEXT    NOT NULL,
    key            TEXT    NOT NULL,
    request_sha256 BLOB    NOT NULL CHECK (length(request_sha256) = 32),
    status         INTEGER NOT NULL CHECK (status BETWEEN 100 AND 999),
    body           TEXT    NOT NULL,
    expires_at     INTEGER NOT NULL,
    PRIMARY KEY (token, route, key)
) STRICT;
CREATE INDEX answers_by_expiry ON answers (expires_at);

INSERT INTO heads (stream, position, hash, newest_updated_at, removed)
VALUES (zeroblob(16), 0, zeroblob(32), 0, 0);

-- `LICT`: marks the file as ours.
PRAGMA application_id = 1279869780;
PRAGMA user_version = 1;
