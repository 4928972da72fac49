//! Organizations that were removed: what named somebody in them is erased, some of it at a time, and the
//! records that `lictor check` compares stay without it.

use lictor_core::facts::quota::Quota;
use rusqlite::Connection;
use uuid::Uuid;

use super::heads::Counted;
use super::reads::many;
use super::rows::Sql;

/// How many rows of a table are erased at once at most, so that no other write waits long.
const ERASED_AT_ONCE: usize = 1_000;

/// At most `limit` organizations that were removed and still hold names.
pub(super) fn to_erase(database: &Connection, limit: usize) -> Sql<Vec<Uuid>> {
    let sql = "SELECT id FROM organizations INDEXED BY organizations_to_erase
         WHERE removed = 1 AND erased = 0 ORDER BY id LIMIT ?1";
    many(database, sql, [limit], |row| row.get(0))
}

/// Erases some of the names that a removed organization holds, and notes when that was the last.
pub(super) fn erase_some(
    database: &Connection,
    organization: Uuid,
    counted: &mut Counted,
) -> Sql<usize> {
    let run = |sql: &str| {
        database
            .prepare_cached(sql)?
            .execute((organization, ERASED_AT_ONCE))
    };
    let accounts = run(
        "UPDATE accounts SET email = NULL, email_key = NULL, name = NULL
         WHERE organization_id = ?1 AND id IN (
             SELECT id FROM accounts WHERE organization_id = ?1 AND email_key > '' LIMIT ?2)",
    )?;
    let apart = run("UPDATE accounts SET email = NULL, name = NULL
         WHERE organization_id = ?1 AND id IN (
             SELECT id FROM accounts INDEXED BY accounts_apart
             WHERE organization_id = ?1 AND email_key IS NULL AND email IS NOT NULL LIMIT ?2)")?;
    // Without an end they are due no more.
    let leases = run(
        "UPDATE leases SET holder = NULL, holder_key = NULL, expires_at = NULL
         WHERE organization_id = ?1 AND id IN (
             SELECT id FROM leases INDEXED BY leases_by_end
             WHERE organization_id = ?1 AND expires_at IS NOT NULL LIMIT ?2)",
    )?;
    let refusals = run(
        "DELETE FROM refusals WHERE (organization_id, minute, application, kind, holder, reason) IN (
             SELECT organization_id, minute, application, kind, holder, reason FROM refusals
             WHERE organization_id = ?1 LIMIT ?2)",
    )?;
    let answers = run("DELETE FROM answers WHERE rowid IN (
             SELECT rowid FROM answers INDEXED BY answers_by_subject
             WHERE organization_id = ?1 AND subject IS NOT NULL LIMIT ?2)")?;
    counted.fewer(organization, Quota::Refusals, refusals);
    counted.fewer(organization, Quota::KeptAnswers, answers);
    let erased = accounts + apart + leases + refusals + answers;
    if erased == 0 {
        database
            .prepare_cached("UPDATE organizations SET erased = 1 WHERE id = ?1 AND removed = 1")?
            .execute([organization])?;
    }
    Ok(erased)
}
