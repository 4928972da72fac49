-- Usage beyond the greatest count: running totals, corrections, and the sum that bounds them all.

-- What running totals rose by in the month.
ALTER TABLE usage ADD COLUMN added INTEGER NOT NULL DEFAULT 0
    CHECK (count + added BETWEEN 0 AND 9007199254740991 AND added >= 0);
-- The sum of the corrections that the ledger names.
ALTER TABLE usage ADD COLUMN correction INTEGER NOT NULL DEFAULT 0
    CHECK (count + added + correction BETWEEN 0 AND 9007199254740991);

-- The running totals that are remembered; the last epochs that were begun have the greatest numbers.
CREATE TABLE usage_epochs (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    source          TEXT    NOT NULL,
    service         TEXT    NOT NULL,
    epoch           TEXT    NOT NULL CHECK (length(epoch) BETWEEN 1 AND 64),
    number          INTEGER NOT NULL CHECK (number > 0),
    total           INTEGER NOT NULL CHECK (total BETWEEN 0 AND 9007199254740991),
    PRIMARY KEY (organization_id, source, service, epoch)
) STRICT, WITHOUT ROWID;

-- The sum of an organization's counts. It was not bounded before, so it is added up in halves.
CREATE TABLE usage_sums (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    total           INTEGER NOT NULL CHECK (total >= 0),
    PRIMARY KEY (organization_id)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_sums (organization_id, total)
SELECT organization_id,
    min(sum(count >> 26), 68719476735) * 67108864 + sum(count & 67108863)
FROM usage GROUP BY organization_id;

PRAGMA user_version = 7;
