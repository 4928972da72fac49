-- What is searched for has an index: the leases of an organization whose time is over, all that a
-- holder has and had, and the answers that name somebody. Running totals know when they were heard of.

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

-- The second of elapsed time at which a running total was last heard of, or a little earlier. It is
-- what an epoch is forgotten by; its number was before.
ALTER TABLE usage_epochs ADD COLUMN heard_at INTEGER NOT NULL DEFAULT 0;
UPDATE usage_epochs SET heard_at = coalesce((SELECT elapsed / 1000 FROM clock), unixepoch());
ALTER TABLE usage_epochs DROP COLUMN number;

-- Whose name an answer holds: `holder` and the key of a holder, or `account` and the id. It goes when
-- the name is to go. The organization ends the route that it answers.
ALTER TABLE answers ADD COLUMN organization_id BLOB CHECK (length(organization_id) = 16);
ALTER TABLE answers ADD COLUMN subject TEXT;
UPDATE answers SET
    organization_id = iif(length(unhex(substr(route, -36), '-')) = 16,
        unhex(substr(route, -36), '-'), NULL),
    subject = CASE WHEN json_type(body, '$.holder') = 'text'
            THEN 'holder ' || holder_key(json_extract(body, '$.holder'))
        WHEN json_type(body, '$.email') = 'text'
            THEN 'account ' || json_extract(body, '$.id') END
WHERE json_valid(body);
CREATE INDEX answers_by_subject ON answers (organization_id, subject) WHERE subject IS NOT NULL;

PRAGMA user_version = 10;
