-- Where a token came from: `environment`, `first-start`, or the id of the token or client that made it.
ALTER TABLE tokens ADD COLUMN origin TEXT;

-- Whether somebody else administers an organization is asked when one no longer is to.
CREATE INDEX accounts_administrators ON accounts (organization_id, id)
    WHERE administrator = 1 AND status = 'active';

PRAGMA user_version = 17;
