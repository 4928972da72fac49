//! Rows of leases that ended: kept in the transaction that ends them, read back, forgotten, dropped.

use std::cmp::Reverse;

use lictor_core::Timestamp;
use lictor_core::facts::lease::{EndedLease, LeaseEnd};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use uuid::Uuid;

use super::reads::many;
use super::rows::{Sql, parsed};
use crate::{EndedFilter, EndedKey};

/// So many leases that ended enter the index of their holders at once. What is stored follows from
/// it: another number needs a migration.
const INDEXED_AT_ONCE: i64 = 2_000;

/// Keeps what a lease was, before its row is deleted.
pub(super) fn keep(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    (until, position): (Timestamp, u64),
    reason: LeaseEnd,
) -> Sql<usize> {
    let columns = "application, since, holder, coalesce(holder_key, holder_key(holder))";
    let sql = format!("SELECT {columns} FROM leases WHERE organization_id = ?1 AND id = ?2");
    let mut select = database.prepare_cached(&sql)?;
    let mut found = select.query((stream, id))?;
    let Some(lease) = found.next()? else {
        return Ok(0);
    };
    // From values: what is inserted from a search, SQLite first prepares to take back.
    let kept = database
        .prepare_cached(
            "INSERT INTO ended_leases (organization_id, application, until, position, id, since,
                 reason, holder, holder_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            stream,
            lease.get::<_, Value>(0)?,
            until,
            position,
            id,
            lease.get::<_, Value>(1)?,
            reason.as_str(),
            lease.get::<_, Value>(2)?,
            lease.get::<_, Value>(3)?,
        ])?;
    let number = database.last_insert_rowid();
    if number % INDEXED_AT_ONCE == 0 {
        index(database, number)?;
    }
    Ok(kept)
}

/// Puts the last leases that ended, up to a number, into the index of their holders.
fn index(database: &Connection, last: i64) -> Sql<usize> {
    database
        .prepare_cached("UPDATE ended_leases SET in_index = 1 WHERE number > ?1 AND number <= ?2")?
        .execute((last - INDEXED_AT_ONCE, last))
}

/// The last number that entered the index of holders.
fn last_indexed() -> String {
    format!("(SELECT max(number) / {INDEXED_AT_ONCE} * {INDEXED_AT_ONCE} FROM ended_leases)")
}

/// Where those stand that are in no index of holders yet: at most [`INDEXED_AT_ONCE`].
fn not_indexed() -> String {
    let last = last_indexed();
    format!("ended_leases NOT INDEXED WHERE number > {last} AND in_index = 0")
}

/// A sentence for each ended lease that is not found by its holder.
pub(super) fn check_index(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    let sql = format!(
        "SELECT id FROM ended_leases
         WHERE in_index = 0 AND holder_key IS NOT NULL AND number <= {}",
        last_indexed()
    );
    let lost: Vec<Uuid> = many(view, &sql, [], |row| row.get(0))?;
    let lost = lost.into_iter();
    differences.extend(lost.map(|id| format!("ended lease {id}: it is not found by its holder")));
    Ok(())
}

const ENDED: &str = "id, application, holder, since, until, reason, position";

fn ended(row: &Row<'_>) -> Sql<EndedLease> {
    Ok(EndedLease {
        id: row.get(0)?,
        application: row.get(1)?,
        holder: row.get(2)?,
        since: row.get(3)?,
        until: row.get(4)?,
        reason: parsed(row, 5)?,
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
    let read = |from: &str| {
        let sql = format!(
            "SELECT {ENDED} FROM {from}
             AND organization_id = :organization AND application = :application
                 AND until >= :from AND since < :to AND (until, position) < (:until, :position)
             ORDER BY until DESC, position DESC LIMIT :limit"
        );
        many(database, &sql, parameters, ended)
    };
    if filter.holder.is_none() {
        return read("ended_leases WHERE :holder IS NULL");
    }
    let mut found = read("ended_leases WHERE in_index = 1 AND holder_key = :holder")?;
    let not_indexed = format!("{} AND holder_key = :holder", not_indexed());
    found.extend(read(&not_indexed)?);
    found.sort_by_key(|lease| Reverse((lease.until, lease.position)));
    found.truncate(limit);
    Ok(found)
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

/// After which position, and from which instant on, every lease that ended has its row.
pub(super) fn kept_from(database: &Connection, organization: Uuid) -> Sql<(u64, Timestamp)> {
    let found = database
        .prepare_cached("SELECT position, since FROM ended_leases_kept WHERE organization_id = ?1")?
        .query_row([organization], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.unwrap_or((0, Timestamp::MIN)))
}

/// Some of a holder's ended leases, in no order.
pub(super) fn of_holder(
    database: &Connection,
    organization: Uuid,
    key: &str,
    limit: usize,
) -> Sql<Vec<EndedLease>> {
    let read = |from: &str| {
        let sql = format!(
            "SELECT {ENDED} FROM {from} AND organization_id = ?1 AND holder_key = ?2 LIMIT ?3"
        );
        many(database, &sql, (organization, key, limit), ended)
    };
    let mut found = read("ended_leases WHERE in_index = 1")?;
    found.extend(read(&not_indexed())?);
    found.truncate(limit);
    Ok(found)
}

/// Takes the name from an ended lease, so that it is not found by it any more.
pub(super) fn forget(database: &Connection, stream: Uuid, lease: &EndedLease) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE ended_leases SET holder = NULL, holder_key = NULL
             WHERE organization_id = ?1 AND application = ?2 AND until = ?3 AND position = ?4",
        )?
        .execute((stream, &lease.application, lease.until, lease.position))
}

/// Drops at most so many of an application's leases that ended before an instant, the oldest first.
pub(super) fn drop_some(
    database: &Connection,
    organization: Uuid,
    application: &str,
    before: Timestamp,
    most: usize,
) -> Sql<usize> {
    database
        .prepare_cached(
            "DELETE FROM ended_leases WHERE number IN (
                 SELECT number FROM ended_leases
                 WHERE organization_id = ?1 AND application = ?2 AND until < ?3
                 ORDER BY until, position LIMIT ?4)",
        )?
        .execute((organization, application, before, most))
}

/// Drops at most so many of an organization's records, the oldest of the application that has the oldest; gives
/// when each of them ended.
pub(super) fn drop_oldest(
    database: &Connection,
    organization: Uuid,
    most: u64,
) -> Sql<Vec<Timestamp>> {
    let mut next = database.prepare_cached(
        "SELECT application, until FROM ended_leases INDEXED BY ended_leases_by_end
         WHERE organization_id = ?1 AND application > ?2
         ORDER BY application, until LIMIT 1",
    )?;
    let (mut last, mut oldest) = (String::new(), None::<(Timestamp, String)>);
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    while let Some((application, until)) = next.query_row((organization, &last), read).optional()? {
        last = application;
        if oldest.as_ref().is_none_or(|(first, _)| until < *first) {
            oldest = Some((until, last.clone()));
        }
    }
    let Some((_, application)) = oldest else {
        return Ok(Vec::new());
    };
    let dropped = "DELETE FROM ended_leases WHERE number IN (
             SELECT number FROM ended_leases
             WHERE organization_id = ?1 AND application = ?2 ORDER BY until, position LIMIT ?3)
         RETURNING until";
    many(
        database,
        dropped,
        (organization, &application, most),
        |row| row.get(0),
    )
}

/// Stores from when on all are kept, unless that is later already.
pub(super) fn put_kept_from(
    database: &Connection,
    organization: Uuid,
    before: Timestamp,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO ended_leases_kept (organization_id, position, since) VALUES (?1, 0, ?2)
             ON CONFLICT DO UPDATE SET since = max(since, excluded.since)",
        )?
        .execute((organization, before))
}

/// At most `limit` applications with leases that ended before an instant, and before when theirs
/// are to go: all of them where the organization was removed.
pub(super) fn due(
    database: &Connection,
    before: Timestamp,
    limit: usize,
) -> Sql<Vec<(Uuid, String, Timestamp)>> {
    // Each step leaps to the first row of the next application, so that none reads them all.
    let mut next = database.prepare_cached(
        "SELECT organization_id, application, until,
             (SELECT removed FROM heads WHERE stream = organization_id)
         FROM ended_leases WHERE (organization_id, application) > (?1, ?2)
         ORDER BY organization_id, application, until LIMIT 1",
    )?;
    let (mut organization, mut application) = (Uuid::nil(), String::new());
    let mut due = Vec::new();
    while due.len() < limit {
        let read = |row: &Row<'_>| {
            let (oldest, removed): (Timestamp, Option<bool>) = (row.get(2)?, row.get(3)?);
            Ok((row.get(0)?, row.get(1)?, oldest, removed == Some(true)))
        };
        let found = next
            .query_row((organization, &application), read)
            .optional()?;
        let Some((stream, key, oldest, removed)) = found else {
            break;
        };
        if removed || oldest < before {
            let before = if removed { Timestamp::MAX } else { before };
            due.push((stream, String::clone(&key), before));
        }
        (organization, application) = (stream, key);
    }
    Ok(due)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::open;

    #[test]
    fn leases_that_ended_before_holders_had_an_index_are_found_by_it() {
        let mut database = open::migrated(9).expect("migrates");
        let organization = Uuid::from_u128(1);
        for (position, holder) in [
            (1, Some("Ada")),
            (2, Some("ADA")),
            (3, None),
            (4, Some("Bob")),
        ] {
            let row = (organization, position, holder);
            database
                .execute(
                    "INSERT INTO ended_leases (organization_id, application, until, position, id,
                         since, reason, holder)
                     VALUES (?1, 'editor', 7, ?2, zeroblob(16), 5, 'expired', ?3)",
                    row,
                )
                .expect("inserts");
        }
        open::migrate(&mut database).expect("migrates");
        let found = |key| of_holder(&database, organization, key, 9).expect("reads");
        let positions = found("ada").into_iter().map(|lease| lease.position);
        assert_eq!(positions.collect::<Vec<_>>(), [1, 2]);
        let theirs = found("bob");
        forget(&database, organization, &theirs[0]).expect("writes");
        assert_eq!(found("bob"), []);
        assert_eq!(count(&database, organization).expect("reads"), 4);
    }

    /// Leases that ended one after the other, in two organizations by turns.
    fn ended_by_turns(database: &Connection, count: u64) {
        for position in 1..=count {
            let organization = Uuid::from_u128(1 + u128::from(position % 2));
            let id = Uuid::from_u128(position.into());
            let holder = format!("Holder {}", position % 10);
            database
                .execute(
                    "INSERT INTO leases (organization_id, id, application, since, revision, holder,
                         holder_key, fence, expires_at)
                     VALUES (?1, ?2, 'editor', 5, 1, ?3, holder_key(?3), 1, 9)",
                    (organization, id, &holder),
                )
                .expect("inserts");
            let at = (position.cast_signed(), position);
            keep(database, organization, id, at, LeaseEnd::Released).expect("keeps");
            database.execute("DELETE FROM leases", []).expect("deletes");
        }
    }

    #[test]
    fn a_holder_is_found_before_and_after_its_leases_are_in_the_index() {
        let database = open::migrated(open::known_schema()).expect("migrates");
        ended_by_turns(&database, 2_600);
        let organization = Uuid::from_u128(1);
        let indexed = "SELECT count(*) FROM ended_leases WHERE in_index = 1";
        let indexed: i64 = database
            .query_row(indexed, [], |row| row.get(0))
            .expect("counts");
        assert_eq!(indexed, INDEXED_AT_ONCE);
        let found = of_holder(&database, organization, "holder 4", 1_000).expect("reads");
        assert_eq!(found.len(), 260);
        let some = of_holder(&database, organization, "holder 4", 230).expect("reads");
        assert_eq!(some.len(), 230);

        let filter = EndedFilter {
            application: "editor".to_owned(),
            holder: Some("holder 4".to_owned()),
            since: None,
            until: None,
        };
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = page(&database, organization, &filter, before, 7).expect("reads");
            let Some(last) = page.last() else { break };
            before = Some(EndedKey {
                until: last.until,
                position: last.position,
            });
            all.extend(page.into_iter().map(|lease| lease.position));
        }
        let expected: Vec<u64> = (0..260).rev().map(|turn| turn * 10 + 4).collect();
        assert_eq!(all, expected);

        let newest = found
            .iter()
            .max_by_key(|lease| lease.position)
            .expect("one");
        forget(&database, organization, newest).expect("writes");
        let left = of_holder(&database, organization, "holder 4", 1_000).expect("reads");
        assert_eq!(left.len(), 259);
        assert!(!left.contains(newest));
    }
}
