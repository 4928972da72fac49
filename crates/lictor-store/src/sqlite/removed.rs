//! Organizations that were removed: what named somebody in them is erased, some of it at a time, and the
//! records that `lictor check` compares stay without it.

use rusqlite::Connection;
use uuid::Uuid;

use super::reads::many;
use super::rows::Sql;
use crate::effects::Named;

/// At most `limit` organizations that were removed and still hold names.
pub(super) fn to_erase(database: &Connection, limit: usize) -> Sql<Vec<Uuid>> {
    let sql = "SELECT id FROM organizations INDEXED BY organizations_to_erase
         WHERE removed = 1 AND erased = 0 ORDER BY id LIMIT ?1";
    many(database, sql, [limit], |row| row.get(0))
}

/// Erases some of the names in a removed organization.
pub(super) fn erase(
    database: &Connection,
    organization: Uuid,
    named: Named,
    most: usize,
) -> Sql<usize> {
    let sql = match named {
        Named::Accounts => {
            "UPDATE accounts SET email = NULL, email_key = NULL, name = NULL
             WHERE organization_id = ?1 AND id IN (
                 SELECT id FROM accounts WHERE organization_id = ?1 AND email_key > '' LIMIT ?2)"
        }
        Named::AccountsApart => {
            "UPDATE accounts SET email = NULL, name = NULL
             WHERE organization_id = ?1 AND id IN (
                 SELECT id FROM accounts INDEXED BY accounts_apart
                 WHERE organization_id = ?1 AND email_key IS NULL AND email IS NOT NULL LIMIT ?2)"
        }
        Named::Leases => {
            "UPDATE leases SET holder = NULL, holder_key = NULL, expires_at = NULL
             WHERE organization_id = ?1 AND id IN (
                 SELECT id FROM leases INDEXED BY leases_by_end
                 WHERE organization_id = ?1 AND expires_at IS NOT NULL LIMIT ?2)"
        }
        Named::Refusals => {
            "DELETE FROM refusals WHERE (organization_id, minute, application, kind, holder, reason) IN (
                 SELECT organization_id, minute, application, kind, holder, reason FROM refusals
                 WHERE organization_id = ?1 LIMIT ?2)"
        }
        Named::Answers => {
            "DELETE FROM answers WHERE rowid IN (
                 SELECT rowid FROM answers INDEXED BY answers_by_subject
                 WHERE organization_id = ?1 AND subject IS NOT NULL LIMIT ?2)"
        }
    };
    database.prepare_cached(sql)?.execute((organization, most))
}

/// Notes that nothing of a removed organization names anybody.
pub(super) fn note_erased(database: &Connection, organization: Uuid) -> Sql<usize> {
    database
        .prepare_cached("UPDATE organizations SET erased = 1 WHERE id = ?1 AND removed = 1")?
        .execute([organization])
}
