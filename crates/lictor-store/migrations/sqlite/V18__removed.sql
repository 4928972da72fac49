-- What names somebody goes when an organization is removed, some at a time: which ones still have any.
ALTER TABLE organizations ADD COLUMN erased INTEGER NOT NULL DEFAULT 0 CHECK (erased IN (0, 1));
CREATE INDEX organizations_to_erase ON organizations (id) WHERE removed = 1 AND erased = 0;

PRAGMA user_version = 18;
