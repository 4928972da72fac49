-- What is searched for has an index: the leases of an organization whose time is over, and all that a
-- holder has and had.

-- Each check-out asks for the leases of its organization that are over: others' are not passed over.
DROP INDEX leases_by_end;
CREATE INDEX leases_by_end ON leases (organization_id, expires_at);
-- The key before the application, so that all leases of a holder stand together.
DROP INDEX leases_by_key;
CREATE UNIQUE INDEX leases_by_key ON leases (organization_id, holder_key, application);

-- What a holder of ended leases is found by, in the order in which they are listed.
ALTER TABLE ended_leases ADD COLUMN holder_key TEXT;
UPDATE ended_leases SET holder_key = holder_key(holder) WHERE holder IS NOT NULL;
CREATE INDEX ended_leases_by_holder
    ON ended_leases (organization_id, holder_key, application, until, position)
    WHERE holder_key IS NOT NULL;

PRAGMA user_version = 10;
