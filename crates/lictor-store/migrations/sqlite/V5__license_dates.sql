-- When each license begins and ends, as its payload says: so that those that have ended need not be read.

ALTER TABLE licenses ADD COLUMN begins_at INTEGER;
ALTER TABLE licenses ADD COLUMN ends_at INTEGER;
UPDATE licenses SET (begins_at, ends_at) =
    (SELECT license_begins_at(text), license_ends_at(text) FROM payloads
     WHERE payloads.organization_id = licenses.organization_id
         AND payloads.sha256 = licenses.payload_sha256);

CREATE INDEX licenses_by_end ON licenses (organization_id, application, ends_at, id);
-- With the end, so that those that cannot count are passed over within the index.
DROP INDEX licenses_newest_of_application;
CREATE INDEX licenses_newest_of_application
    ON licenses (organization_id, application, updated_at, revision, ends_at);

PRAGMA user_version = 5;
