//! What a replay does not hold in memory: a scratch database that is gone when it is closed.

use rusqlite::{Connection, OptionalExtension as _, Statement};

/// How much of it is kept in memory, in KiB.
const CACHE_KIB: i64 = 16_384;

/// A scratch database of what was put aside, by kind and key.
pub(super) struct Aside(Option<Connection>);

impl Aside {
    /// One with nothing in it, which is no file yet.
    pub(super) fn empty() -> Self {
        Self(None)
    }

    /// Whether anything was ever put into it.
    pub(super) fn is_used(&self) -> bool {
        self.0.is_some()
    }

    /// The scratch database, made if it is not there.
    pub(super) fn database(&mut self) -> rusqlite::Result<&Connection> {
        if self.0.is_none() {
            self.0 = Some(made()?);
        }
        self.0.as_ref().ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    /// Takes out what was put aside under this key.
    pub(super) fn take(&self, kind: u8, key: &[u8]) -> rusqlite::Result<Option<Vec<u8>>> {
        let Some(database) = &self.0 else {
            return Ok(None);
        };
        database
            .prepare_cached("DELETE FROM aside WHERE kind = ?1 AND key = ?2 RETURNING value")?
            .query_row((kind, key), |row| row.get(0))
            .optional()
    }

    /// All of a kind in order of the keys, if anything was put aside.
    pub(super) fn all(&self) -> rusqlite::Result<Option<Statement<'_>>> {
        let all = "SELECT key, value FROM aside WHERE kind = ?1 ORDER BY key";
        self.0.as_ref().map(|found| found.prepare(all)).transpose()
    }
}

fn made() -> rusqlite::Result<Connection> {
    // Without a name it is a file of SQLite's own, which has none any more as soon as it is open.
    let database = Connection::open("")?;
    database.pragma_update(None, "journal_mode", "off")?;
    database.pragma_update(None, "synchronous", "off")?;
    database.pragma_update(None, "cache_size", -CACHE_KIB)?;
    database.execute_batch(
        "CREATE TABLE aside (
             kind INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)
         ) STRICT, WITHOUT ROWID;
         BEGIN",
    )?;
    Ok(database)
}
