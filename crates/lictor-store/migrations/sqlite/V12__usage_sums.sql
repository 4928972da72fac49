-- What usage comes to, kept in the transaction of the counts, so that no report has to look at them.

CREATE TABLE usage_month_sums (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    month           TEXT    NOT NULL CHECK (length(month) = 7),
    total           INTEGER NOT NULL CHECK (total >= 0),
    PRIMARY KEY (organization_id, month)
) STRICT, WITHOUT ROWID;
-- Sums were not bounded once, so they are added up in halves.
INSERT INTO usage_month_sums (organization_id, month, total)
SELECT organization_id, month,
    min(sum((count + added + correction) >> 26), 68719476735) * 67108864
        + sum((count + added + correction) & 67108863)
FROM usage GROUP BY organization_id, month;

-- The services that there are counts of, and how many they are.
CREATE TABLE usage_services (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    service         TEXT    NOT NULL,
    PRIMARY KEY (organization_id, service)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_services (organization_id, service)
SELECT DISTINCT organization_id, service FROM usage;

ALTER TABLE usage_sums ADD COLUMN services INTEGER NOT NULL DEFAULT 0 CHECK (services >= 0);
-- Counts of nothing have no sum yet.
INSERT OR IGNORE INTO usage_sums (organization_id, total)
SELECT DISTINCT organization_id, 0 FROM usage_services;
UPDATE usage_sums SET services = (SELECT count(*) FROM usage_services
    WHERE usage_services.organization_id = usage_sums.organization_id);

-- Who owns tokens, whatever number of others was revoked.
CREATE INDEX tokens_unrevoked ON tokens (organization_id, account_id, expires_at)
    WHERE revoked_at IS NULL;

PRAGMA user_version = 12;
