-- Quotas: how much a tenant may have of each kind of thing, and how much it has.

-- The limits that were set, as JSON; null: all are the default.
ALTER TABLE heads ADD COLUMN quotas TEXT;

-- How much there is, in the row that every write goes through. What is removed or revoked is no more.
ALTER TABLE heads ADD COLUMN used_accounts INTEGER NOT NULL DEFAULT 0 CHECK (used_accounts >= 0);
ALTER TABLE heads ADD COLUMN used_licenses INTEGER NOT NULL DEFAULT 0 CHECK (used_licenses >= 0);
ALTER TABLE heads ADD COLUMN used_applications INTEGER NOT NULL DEFAULT 0
    CHECK (used_applications >= 0);
ALTER TABLE heads ADD COLUMN used_tokens INTEGER NOT NULL DEFAULT 0 CHECK (used_tokens >= 0);
ALTER TABLE heads ADD COLUMN used_clients INTEGER NOT NULL DEFAULT 0 CHECK (used_clients >= 0);
ALTER TABLE heads ADD COLUMN used_nodes INTEGER NOT NULL DEFAULT 0 CHECK (used_nodes >= 0);
ALTER TABLE heads ADD COLUMN used_seats INTEGER NOT NULL DEFAULT 0 CHECK (used_seats >= 0);
ALTER TABLE heads ADD COLUMN used_leases INTEGER NOT NULL DEFAULT 0 CHECK (used_leases >= 0);
-- These no ledger entry says: the rows of other tables.
ALTER TABLE heads ADD COLUMN used_usage_epochs INTEGER NOT NULL DEFAULT 0
    CHECK (used_usage_epochs >= 0);
ALTER TABLE heads ADD COLUMN used_kept_answers INTEGER NOT NULL DEFAULT 0
    CHECK (used_kept_answers >= 0);
ALTER TABLE heads ADD COLUMN used_refusals INTEGER NOT NULL DEFAULT 0 CHECK (used_refusals >= 0);
ALTER TABLE heads ADD COLUMN used_ended_leases INTEGER NOT NULL DEFAULT 0
    CHECK (used_ended_leases >= 0);
-- Of the day that is counted since 1970 on the line of elapsed time.
ALTER TABLE heads ADD COLUMN used_entries_per_day INTEGER NOT NULL DEFAULT 0
    CHECK (used_entries_per_day >= 0);
ALTER TABLE heads ADD COLUMN day INTEGER NOT NULL DEFAULT 0;
-- What only grows.
ALTER TABLE heads ADD COLUMN entry_bytes INTEGER NOT NULL DEFAULT 0 CHECK (entry_bytes >= 0);
ALTER TABLE heads ADD COLUMN payload_bytes INTEGER NOT NULL DEFAULT 0 CHECK (payload_bytes >= 0);
ALTER TABLE heads ADD COLUMN ended_leases_dropped INTEGER NOT NULL DEFAULT 0
    CHECK (ended_leases_dropped >= 0);
UPDATE heads SET
    entry_bytes = (SELECT coalesce(sum(octet_length(body)), 0) FROM entries
        WHERE entries.stream = heads.stream),
    payload_bytes = (SELECT coalesce(sum(octet_length(text)), 0) FROM payloads
        WHERE organization_id = heads.stream),
    used_refusals = (SELECT count(*) FROM refusals WHERE organization_id = stream),
    used_ended_leases = (SELECT count(*) FROM ended_leases WHERE organization_id = stream),
    used_usage_epochs = (SELECT count(*) FROM usage_epochs WHERE organization_id = stream),
    used_kept_answers = (SELECT count(*) FROM answers WHERE organization_id = stream),
    used_accounts = (SELECT count(*) FROM accounts
        WHERE organization_id = stream AND status <> 'removed'),
    used_licenses = (SELECT count(*) FROM licenses WHERE organization_id = stream),
    used_applications = (SELECT count(*) FROM applications WHERE organization_id = stream),
    used_tokens = (SELECT count(*) FROM tokens
        WHERE organization_id = stream AND revoked_at IS NULL),
    used_clients = (SELECT count(*) FROM clients
        WHERE organization_id = stream AND removed_at IS NULL),
    used_nodes = (SELECT count(*) FROM nodes
        WHERE organization_id = stream AND revoked_at IS NULL),
    used_seats = (SELECT count(*) FROM seats WHERE organization_id = stream),
    used_leases = (SELECT count(*) FROM leases WHERE organization_id = stream);

ALTER TABLE applications ADD COLUMN licenses INTEGER NOT NULL DEFAULT 0 CHECK (licenses >= 0);
UPDATE applications SET licenses = (SELECT count(*) FROM licenses
    WHERE licenses.organization_id = applications.organization_id
        AND licenses.application = applications.key);

-- How many counts there are of each month. Of months before the last one those that came late are
-- counted together, under EARLIER.
CREATE TABLE usage_months (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    month           TEXT    NOT NULL CHECK (length(month) = 7),
    series          INTEGER NOT NULL CHECK (series >= 0),
    PRIMARY KEY (organization_id, month)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_months (organization_id, month, series)
    SELECT organization_id, month, count(*) FROM usage GROUP BY 1, 2;

-- How many codes a client was given of late.
CREATE INDEX codes_by_client ON codes (organization_id, client, expires_at);

-- Tokens that expire are still counted; where the quota is reached they give way.
CREATE INDEX tokens_by_end ON tokens (organization_id, expires_at)
    WHERE revoked_at IS NULL AND expires_at IS NOT NULL;

PRAGMA user_version = 11;
