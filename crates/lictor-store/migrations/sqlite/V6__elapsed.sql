-- Elapsed time, which spans go by: leases, access tokens, codes, answers and enrollment tokens end at
-- a second of it. It begins at the wall clock, so that the ends that are stored keep their values.

-- Where elapsed time was when it was last saved, and what the clocks said then, in milliseconds. No
-- row: nothing was written since.
CREATE TABLE clock (
    one     INTEGER NOT NULL CHECK (one = 1),
    elapsed INTEGER NOT NULL,
    wall    INTEGER NOT NULL,
    boot    INTEGER NOT NULL,
    boot_id BLOB    CHECK (length(boot_id) = 16),
    PRIMARY KEY (one)
) STRICT, WITHOUT ROWID;

-- When a grant was given, for how many may be given within ten minutes.
ALTER TABLE grants ADD COLUMN given_at INTEGER;
UPDATE grants SET given_at = created_at;

PRAGMA user_version = 6;
