-- With both dates, so that licenses that cannot count are passed over within the indexes.
DROP INDEX licenses_newest_of_application;
CREATE INDEX licenses_newest_of_application
    ON licenses (organization_id, application, updated_at, revision, ends_at, begins_at);
DROP INDEX licenses_by_end;
CREATE INDEX licenses_by_end ON licenses (organization_id, application, ends_at, begins_at, id);
-- Few are stored before they begin.
CREATE INDEX licenses_waiting
    ON licenses (organization_id, application, begins_at, ends_at, updated_at, revision)
    WHERE begins_at > updated_at;

PRAGMA user_version = 22;
