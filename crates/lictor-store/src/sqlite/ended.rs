//! Rows of leases that ended: kept in the transaction that ends them, read back, forgotten, dropped.

use lictor_core::{EndedLease, LeaseEnd, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use uuid::Uuid;

use super::reads::many;
use super::rows::{Sql, invalid};
use crate::{EndedFilter, EndedKey};

/// Keeps what a lease was, before its row is deleted.
pub(super) fn keep(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    (until, position): (Timestamp, u64),
    reason: LeaseEnd,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO ended_leases (organization_id, application, until, position, id, since,
                 reason, holder)
             SELECT organization_id, application, ?3, ?4, id, since, ?5, holder FROM leases
             WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((stream, id, until, position, reason.as_str()))
}

const ENDED: &str = "id, application, holder, since, until, reason, position";

fn ended(row: &Row<'_>) -> Sql<EndedLease> {
    let word = row.get_ref(5)?.as_str()?;
    let reason = LeaseEnd::ALL
        .into_iter()
        .find(|reason| reason.as_str() == word)
        .ok_or_else(|| invalid(5, format!("not why a lease ends: {word}")))?;
    Ok(EndedLease {
        id: row.get(0)?,
        application: row.get(1)?,
        holder: row.get(2)?,
        since: row.get(3)?,
        until: row.get(4)?,
        reason,
        position: row.get(6)?,
    })
}

/// A page of an application's ended leases, the last one first.
pub(super) fn page(
    database: &Connection,
    organization: Uuid,
    filter: &EndedFilter,
    before: Option<EndedKey>,
    limit: usize,
) -> Sql<Vec<EndedLease>> {
    let of_holder = match filter.holder {
        Some(_) => "AND holder = :holder",
        None => "AND :holder IS NULL",
    };
    let sql = format!(
        "SELECT {ENDED} FROM ended_leases
         WHERE organization_id = :organization AND application = :application {of_holder}
             AND until >= :from AND since < :to AND (until, position) < (:until, :position)
         ORDER BY until DESC, position DESC LIMIT :limit"
    );
    let last = EndedKey {
        until: Timestamp::MAX,
        position: i64::MAX.unsigned_abs(),
    };
    let before = before.unwrap_or(last);
    let parameters = named_params! {
        ":organization": organization, ":application": filter.application,
        ":holder": filter.holder, ":from": filter.since.unwrap_or(Timestamp::MIN),
        ":to": filter.until.unwrap_or(Timestamp::MAX), ":until": before.until,
        ":position": before.position, ":limit": limit,
    };
    many(database, &sql, parameters, ended)
}

/// What is kept of the lease that ended then.
pub(super) fn one(
    database: &Connection,
    organization: Uuid,
    application: &str,
    key: EndedKey,
) -> Sql<Option<EndedLease>> {
    let sql = format!(
        "SELECT {ENDED} FROM ended_leases
         WHERE organization_id = ?1 AND application = ?2 AND until = ?3 AND position = ?4"
    );
    database
        .prepare_cached(&sql)?
        .query_row((organization, application, key.until, key.position), ended)
        .optional()
}

/// How many ended leases of an organization are kept.
pub(super) fn count(database: &Connection, organization: Uuid) -> Sql<u64> {
    database
        .prepare_cached("SELECT count(*) FROM ended_leases WHERE organization_id = ?1")?
        .query_row([organization], |row| row.get(0))
}

/// From where on every lease that ended has its row: behind this position, and from this instant.
pub(super) fn kept_from(database: &Connection, organization: Uuid) -> Sql<(u64, Timestamp)> {
    let found = database
        .prepare_cached("SELECT position, since FROM ended_leases_kept WHERE organization_id = ?1")?
        .query_row([organization], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.unwrap_or((0, Timestamp::MIN)))
}
