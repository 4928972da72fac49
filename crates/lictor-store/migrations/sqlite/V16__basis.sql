-- Entitlements are kept by application: what they were derived from is told by its licenses alone.
ALTER TABLE applications ADD COLUMN license_revisions INTEGER NOT NULL DEFAULT 0;
UPDATE applications SET license_revisions =
    (SELECT coalesce(sum(licenses.revision), 0) FROM licenses
     WHERE licenses.organization_id = applications.organization_id
         AND licenses.application = applications.key);

PRAGMA user_version = 16;
