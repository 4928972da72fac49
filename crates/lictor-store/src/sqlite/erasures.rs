//! Which accounts a database's ledger says were removed: after a restore they are to be removed again.

use std::path::Path;

use lictor_core::change::Change;
use lictor_core::ledger::Entry;
use uuid::Uuid;

use super::{connection, open};
use crate::open_error::{OpenError, at};

/// The accounts that were removed, as [`crate::removed_accounts`] says.
pub(crate) fn removed_accounts(file: &Path) -> Result<Vec<(Uuid, Uuid)>, OpenError> {
    file.metadata().map_err(at(file))?;
    open::schema(file)?;
    let database = connection::reader(file)?;
    // Bodies are compact JSON whose names come in one order.
    let mut entries = database.prepare(
        "SELECT stream, body FROM entries
         WHERE instr(body, '\"type\":\"account_removed\"') > 0
             OR (instr(body, '\"type\":\"account_created\"') > 0
                 AND stream IN (SELECT stream FROM heads WHERE removed = 1))
         ORDER BY stream, position",
    )?;
    let mut rows = entries.query([])?;
    let mut removed = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(1)?;
        let entry =
            Entry::from_body(&body).map_err(|error| OpenError::Corrupt(error.to_string()))?;
        if let Change::AccountRemoved { id } | Change::AccountCreated { id, .. } = entry.change {
            removed.push((row.get(0)?, id));
        }
    }
    removed.sort_unstable();
    removed.dedup();
    Ok(removed)
}
