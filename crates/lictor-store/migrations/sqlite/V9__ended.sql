-- What is left of leases that ended and of seats that were refused: who held what, until it is
-- forgotten, and sums that outlast the names.

-- One row for each lease that ended, beside its ledger entry. Without a holder: it was forgotten.
-- Every release adds a row, so that rows and their one index grow at their end alone; a holder is
-- searched for row by row.
CREATE TABLE ended_leases (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    application     TEXT    NOT NULL,
    until           INTEGER NOT NULL,
    position        INTEGER NOT NULL CHECK (position > 0),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    since           INTEGER NOT NULL,
    reason          TEXT    NOT NULL CHECK (reason IN ('released', 'forced', 'expired')),
    holder          TEXT
) STRICT;
CREATE UNIQUE INDEX ended_leases_by_end
    ON ended_leases (organization_id, application, until, position);

-- From where on every ended lease has its row: those that ended at a later ledger position, and
-- at this instant or later.
CREATE TABLE ended_leases_kept (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    position        INTEGER NOT NULL CHECK (position >= 0),
    since           INTEGER NOT NULL,
    PRIMARY KEY (organization_id)
) STRICT, WITHOUT ROWID;
INSERT INTO ended_leases_kept (organization_id, position, since)
    SELECT stream, position, -9223372036854775808 FROM heads WHERE stream <> zeroblob(16);

-- The position that the first refusal of a row was decided at. Of those that were merged before it
-- was kept, only the last one's is known.
ALTER TABLE refusals ADD COLUMN first_position INTEGER;
UPDATE refusals SET first_position = position WHERE count = 1;

-- What a holder of leases is found by to be forgotten; the name that is left is empty.
ALTER TABLE refusals ADD COLUMN holder_key TEXT;
UPDATE refusals SET holder_key = holder_key(holder) WHERE kind = 'lease';
CREATE INDEX refusals_by_holder ON refusals (organization_id, holder_key)
    WHERE holder_key IS NOT NULL;

-- How many seats were refused, kept for ever: hours since 1970.
CREATE TABLE refusal_sums (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    hour            INTEGER NOT NULL,
    application     TEXT    NOT NULL,
    reason          TEXT    NOT NULL
        CHECK (reason IN ('service', 'deactivated', 'unlicensed', 'exhausted')),
    count           INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (organization_id, hour, application, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO refusal_sums (organization_id, hour, application, reason, count)
    SELECT organization_id,
        minute / 60 - (minute % 60 < 0), application, reason, sum(count)
    FROM refusals GROUP BY 1, 2, 3, 4;

PRAGMA user_version = 9;
