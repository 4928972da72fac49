-- Spellings of one e-mail, or of one holder, have one key. Where two were there already, the older
-- row has it; the other has none, and is found by its own spelling alone.

DROP INDEX accounts_by_email;
UPDATE accounts SET email_key = email_key(email);
UPDATE accounts SET email_key = NULL WHERE (organization_id, id) IN (
    SELECT organization_id, id FROM (
        SELECT organization_id, id, row_number() OVER (
            PARTITION BY organization_id, email_key ORDER BY created_at, id) AS place
        FROM accounts WHERE email_key IS NOT NULL)
    WHERE place > 1);
CREATE UNIQUE INDEX accounts_by_email ON accounts (organization_id, email_key);
CREATE INDEX accounts_apart ON accounts (organization_id, email)
    WHERE email_key IS NULL AND email IS NOT NULL;

ALTER TABLE leases ADD COLUMN holder_key TEXT;
UPDATE leases SET holder_key = holder_key(holder);
UPDATE leases SET holder_key = NULL WHERE (organization_id, id) IN (
    SELECT organization_id, id FROM (
        SELECT organization_id, id, row_number() OVER (
            PARTITION BY organization_id, application, holder_key ORDER BY since, id) AS place
        FROM leases WHERE holder_key IS NOT NULL)
    WHERE place > 1);
CREATE UNIQUE INDEX leases_by_key ON leases (organization_id, application, holder_key);
CREATE INDEX leases_apart ON leases (organization_id, id)
    WHERE holder_key IS NULL AND holder IS NOT NULL;

PRAGMA user_version = 8;
