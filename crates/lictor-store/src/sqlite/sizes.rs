//! How large the database is, and what is in it.

use std::path::Path;

use rusqlite::Connection;

use super::folder::beside;
use super::rows::Sql;
use crate::Sizes;

/// The sizes of the database at this path.
pub(super) fn of(database: &Connection, path: &Path) -> Sql<Sizes> {
    // The log is gone while it is empty.
    let bytes = |path: &Path| path.metadata().map_or(0, |file| file.len());
    let pragma = |name| database.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    let grown = "SELECT coalesce(sum(entry_bytes), 0), coalesce(sum(payload_bytes), 0) FROM heads";
    let (ledger, payloads) = database
        .prepare_cached(grown)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Sizes {
        database: bytes(path),
        log: bytes(&beside(path, "-wal")),
        free: pragma("freelist_count")? * pragma("page_size")?,
        ledger,
        payloads,
    })
}
