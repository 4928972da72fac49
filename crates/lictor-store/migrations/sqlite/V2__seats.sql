-- Accounts, seats and leases: who was given what of what the licenses grant.

-- The position of the last change that entitlements rest on, so that a seat is never given by a
-- license that is gone or a key that is not trusted any more.
ALTER TABLE heads ADD COLUMN basis_changed INTEGER NOT NULL DEFAULT 0;
UPDATE heads SET basis_changed = coalesce(
    (SELECT max(position) FROM entries
     WHERE entries.stream = heads.stream
       AND json_extract(body, '$.change.type') IN ('license_written', 'license_removed',
           'policy_set', 'key_trusted', 'key_retired', 'key_revoked')), 0);

ALTER TABLE tokens ADD COLUMN account_id BLOB CHECK (length(account_id) = 16);

ALTER TABLE applications ADD COLUMN name TEXT;
ALTER TABLE applications ADD COLUMN over_limit TEXT NOT NULL DEFAULT 'refuse'
    CHECK (over_limit IN ('refuse', 'allow'));
ALTER TABLE applications ADD COLUMN seats INTEGER NOT NULL DEFAULT 0 CHECK (seats >= 0);
ALTER TABLE applications ADD COLUMN leases INTEGER NOT NULL DEFAULT 0 CHECK (leases >= 0);
-- The limit by which the last seat was given; null where it was unlimited or may be exceeded. The
-- rules hold the limit; this is what stops a fault in them.
ALTER TABLE applications ADD COLUMN ceiling INTEGER
    CHECK (ceiling IS NULL OR seats + leases <= ceiling);

-- Removed ones stay, without e-mail and name: the ledger names them.
CREATE TABLE accounts (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    number          INTEGER NOT NULL CHECK (number BETWEEN 1 AND 9007199254740991),
    kind            TEXT    NOT NULL CHECK (kind IN ('person', 'service')),
    status          TEXT    NOT NULL
        CHECK (status IN ('invited', 'active', 'deactivated', 'removed')),
    administrator   INTEGER NOT NULL CHECK (administrator IN (0, 1)),
    language        TEXT    NOT NULL CHECK (length(language) = 5),
    seats           INTEGER NOT NULL CHECK (seats >= 0),
    created_at      INTEGER NOT NULL,
    revision        INTEGER NOT NULL CHECK (revision > 0),
    email           TEXT,
    email_key       TEXT,
    name            TEXT,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX accounts_by_email ON accounts (organization_id, email_key);

-- How many accounts there are of each sort, so that nothing ever counts them one by one.
CREATE TABLE account_counts (
    organization_id       BLOB    NOT NULL CHECK (length(organization_id) = 16),
    invited               INTEGER NOT NULL CHECK (invited >= 0),
    active                INTEGER NOT NULL CHECK (active >= 0),
    deactivated           INTEGER NOT NULL CHECK (deactivated >= 0),
    removed               INTEGER NOT NULL CHECK (removed >= 0),
    administrators        INTEGER NOT NULL CHECK (administrators >= 0),
    holders               INTEGER NOT NULL CHECK (holders >= 0),
    active_holders        INTEGER NOT NULL CHECK (active_holders >= 0),
    administrator_holders INTEGER NOT NULL CHECK (administrator_holders >= 0),
    services              INTEGER NOT NULL CHECK (services >= 0),
    PRIMARY KEY (organization_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE seats (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    application     TEXT    NOT NULL,
    account_id      BLOB    NOT NULL CHECK (length(account_id) = 16),
    since           INTEGER NOT NULL,
    revision        INTEGER NOT NULL CHECK (revision > 0),
    PRIMARY KEY (organization_id, application, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX seats_by_account ON seats (organization_id, account_id);

-- One row for each lease that has not ended.
CREATE TABLE leases (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    application     TEXT    NOT NULL,
    since           INTEGER NOT NULL,
    revision        INTEGER NOT NULL CHECK (revision > 0),
    holder          TEXT,
    fence           INTEGER CHECK (fence > 0),
    expires_at      INTEGER,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX leases_by_holder ON leases (organization_id, application, holder);
CREATE INDEX leases_by_end ON leases (expires_at);

-- Seats that were refused: one row for each application, holder, reason and minute. No ledger
-- entries, as nothing changed.
CREATE TABLE refusals (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    minute          INTEGER NOT NULL,
    application     TEXT    NOT NULL,
    kind            TEXT    NOT NULL CHECK (kind IN ('account', 'lease')),
    holder          TEXT    NOT NULL,
    reason          TEXT    NOT NULL
        CHECK (reason IN ('service', 'deactivated', 'unlicensed', 'exhausted')),
    count           INTEGER NOT NULL CHECK (count > 0),
    seat_limit      INTEGER,
    used            INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    PRIMARY KEY (organization_id, minute, application, kind, holder, reason)
) STRICT, WITHOUT ROWID;
CREATE INDEX refusals_by_minute ON refusals (minute);

PRAGMA user_version = 2;
