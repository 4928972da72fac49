//! The one row that says where elapsed time was last, so that it goes on from there after a restart.

use lictor_core::elapsed::{Now, Reading};
use rusqlite::{Connection, OptionalExtension as _};

use super::rows::Sql;

/// The moment that was saved last.
pub(super) fn saved(database: &Connection) -> Sql<Option<Now>> {
    let sql = "SELECT elapsed, wall, boot, boot_id FROM clock";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Now {
            elapsed: row.get(0)?,
            reading: Reading {
                wall: row.get(1)?,
                boot: row.get(2)?,
                boot_id: row.get(3)?,
            },
        })
    };
    database.prepare_cached(sql)?.query_row([], read).optional()
}

/// Saves a moment, within the transaction of the writes that were decided at it.
pub(super) fn save(database: &Connection, now: &Now) -> Sql<usize> {
    let sql = "INSERT OR REPLACE INTO clock (one, elapsed, wall, boot, boot_id)
         VALUES (1, ?1, ?2, ?3, ?4)";
    let Now { elapsed, reading } = now;
    database
        .prepare_cached(sql)?
        .execute((elapsed, reading.wall, reading.boot, reading.boot_id))
}
