-- Leases that ended enter the index of their holders later, with many others at once: it is written
-- all over, and was half of what a release wrote.

-- As before, with a number that a copy of the database keeps. Those whose number is above the last
-- multiple of 2,000 are in no index of holders yet.
ALTER TABLE ended_leases RENAME TO ended_leases_before;
CREATE TABLE ended_leases (
    number          INTEGER PRIMARY KEY,
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    application     TEXT    NOT NULL,
    until           INTEGER NOT NULL,
    position        INTEGER NOT NULL CHECK (position > 0),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    since           INTEGER NOT NULL,
    reason          TEXT    NOT NULL CHECK (reason IN ('released', 'forced', 'expired')),
    holder          TEXT,
    holder_key      TEXT,
    in_index        INTEGER NOT NULL DEFAULT 0 CHECK (in_index IN (0, 1))
) STRICT;
INSERT INTO ended_leases (organization_id, application, until, position, id, since, reason, holder,
        holder_key, in_index)
    SELECT organization_id, application, until, position, id, since, reason, holder,
        holder_key, 1
    FROM ended_leases_before ORDER BY rowid;
DROP TABLE ended_leases_before;
CREATE UNIQUE INDEX ended_leases_by_end
    ON ended_leases (organization_id, application, until, position);
CREATE INDEX ended_leases_by_holder
    ON ended_leases (organization_id, holder_key, application, until, position)
    WHERE in_index = 1 AND holder_key IS NOT NULL;

PRAGMA user_version = 14;
