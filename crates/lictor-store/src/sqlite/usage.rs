//! Rows of usage: counts with their corrections, running totals, and the sum of an organization's counts.

use lictor_core::elapsed::Elapsed;
use lictor_core::facts::usage::{
    EARLIER, EpochState, MAX_COUNT, Reported, Series, UsageKey, UsageRow,
};
use lictor_planted as planted;
use rusqlite::{Connection, OptionalExtension as _, Row};
use uuid::Uuid;

use super::reads::many;
use super::rows::Sql;
use super::sums;
use crate::UsagePage;
use crate::facts::UsageOf;

/// The columns of [`row`], in its order.
pub(super) const USAGE: &str = "month, service, source, count, added, correction";

/// Reads the columns [`USAGE`].
pub(super) fn row(row: &Row<'_>) -> Sql<UsageRow> {
    Ok(UsageRow {
        key: UsageKey {
            month: row.get(0)?,
            service: row.get(1)?,
            source: row.get(2)?,
        },
        reported: Reported {
            counted: row.get(3)?,
            added: row.get(4)?,
        },
        correction: row.get(5)?,
    })
}

/// A page of an organization's usage, and the sum of all of it.
pub(super) fn page(
    database: &Connection,
    organization: Uuid,
    after: Option<UsageKey>,
    limit: usize,
) -> Sql<UsagePage> {
    let view = database.unchecked_transaction()?;
    let sql = format!(
        "SELECT {USAGE} FROM usage
         WHERE organization_id = ?1 AND (month, service, source) > (?2, ?3, ?4)
         ORDER BY month, service, source LIMIT ?5"
    );
    // No month is empty, so a first page begins after an empty one.
    let UsageKey {
        month,
        service,
        source,
    } = after.unwrap_or_default();
    let parameters = (organization, month, service, source, limit);
    Ok(UsagePage {
        rows: many(&view, &sql, parameters, row)?,
        total: sums::sum(&view, organization)?.min(MAX_COUNT),
    })
}

/// The count of a source, service and month.
pub(super) fn one(database: &Connection, stream: Uuid, key: &UsageKey) -> Sql<Option<UsageRow>> {
    let sql = format!(
        "SELECT {USAGE} FROM usage
         WHERE organization_id = ?1 AND month = ?2 AND service = ?3 AND source = ?4"
    );
    database
        .prepare_cached(&sql)?
        .query_row((stream, &key.month, &key.service, &key.source), row)
        .optional()
}

/// Counts that nobody corrected.
pub(super) fn uncorrected(
    database: &Connection,
    stream: Uuid,
    of: UsageOf<'_>,
    most: usize,
) -> Sql<Vec<UsageRow>> {
    match of {
        UsageOf::Source(source) => {
            let sql = format!(
                "SELECT {USAGE} FROM usage INDEXED BY usage_by_source
                 WHERE organization_id = ?1 AND source = ?2 AND correction = 0 LIMIT ?3"
            );
            many(database, &sql, (stream, source, most), row)
        }
        UsageOf::Node(name) => {
            let sql = format!(
                "SELECT {USAGE} FROM usage INDEXED BY usage_by_source
                 WHERE organization_id = ?1 AND source >= ?2 AND source < ?3 AND correction = 0
                 LIMIT ?4"
            );
            let (first, beyond) = sources_of(name);
            many(database, &sql, (stream, first, beyond, most), row)
        }
    }
}

/// The first source of a node, and what is beyond its last: what follows `@` is `A`.
fn sources_of(name: &str) -> (String, String) {
    (format!("{name}@"), format!("{name}A"))
}

/// Puts a count under another source, unless that has one.
pub(super) fn rename(
    database: &Connection,
    stream: Uuid,
    from: &UsageKey,
    into: &str,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE OR IGNORE usage SET source = ?5
             WHERE organization_id = ?1 AND month = ?2 AND service = ?3 AND source = ?4",
        )?
        .execute((stream, &from.month, &from.service, &from.source, into))
}

/// Adds a count to that of another source.
pub(super) fn add_merged(
    database: &Connection,
    stream: Uuid,
    from: &UsageKey,
    into: &str,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE usage SET count = usage.count + merged.count, added = usage.added + merged.added
             FROM usage AS merged
             WHERE usage.organization_id = ?1 AND usage.month = ?2 AND usage.service = ?3
                 AND usage.source = ?5 AND merged.organization_id = ?1 AND merged.month = ?2
                 AND merged.service = ?3 AND merged.source = ?4",
        )?
        .execute((stream, &from.month, &from.service, &from.source, into))
}

/// Counts one less of a month, or of the earlier ones if it came late.
pub(super) fn one_series_less(database: &Connection, stream: Uuid, month: &str) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE usage_months SET series = series - 1
             WHERE organization_id = ?1 AND month = (
                 SELECT month FROM usage_months
                 WHERE organization_id = ?1 AND month IN (?2, ?3) AND series > 0
                 ORDER BY month = ?3 LIMIT 1)",
        )?
        .execute((stream, month, EARLIER))
}

/// Removes a count.
pub(super) fn delete(database: &Connection, stream: Uuid, key: &UsageKey) -> Sql<usize> {
    database
        .prepare_cached(
            "DELETE FROM usage
             WHERE organization_id = ?1 AND month = ?2 AND service = ?3 AND source = ?4",
        )?
        .execute((stream, &key.month, &key.service, &key.source))
}

/// The running total of an epoch, or of all of a source and service.
pub(super) fn epochs(
    database: &Connection,
    stream: Uuid,
    (source, service): &Series,
    epoch: Option<&str>,
) -> Sql<Vec<(String, EpochState)>> {
    let read = |row: &Row<'_>| {
        let state = EpochState {
            total: row.get(1)?,
            heard_at: Elapsed::from_seconds(row.get(2)?),
        };
        Ok((row.get(0)?, state))
    };
    let all = "SELECT epoch, total, heard_at FROM usage_epochs
         WHERE organization_id = ?1 AND source = ?2 AND service = ?3";
    match epoch {
        None => many(database, all, (stream, source, service), read),
        Some(epoch) => {
            let one = format!("{all} AND epoch = ?4");
            many(database, &one, (stream, source, service, epoch), read)
        }
    }
}

/// What all counts of a source come to, as they were reported.
pub(super) fn of_source(database: &Connection, stream: Uuid, source: &str) -> Sql<u64> {
    database
        .prepare_cached(
            "SELECT coalesce(sum(count + added), 0) FROM usage INDEXED BY usage_by_source
             WHERE organization_id = ?1 AND source = ?2",
        )?
        .query_row((stream, source), |row| row.get(0))
}

/// What the counts of a node come to in a month, corrected: of every source that is its name and an
/// epoch.
pub(super) fn of_node(
    database: &Connection,
    organization: Uuid,
    name: &str,
    month: &str,
) -> Sql<u64> {
    // By itself SQLite might walk through all counts of the month.
    let sql = "SELECT coalesce(sum(count + added + correction), 0)
         FROM usage INDEXED BY usage_by_source
         WHERE organization_id = ?1 AND source >= ?2 AND source < ?3 AND month = ?4";
    let (first, beyond) = sources_of(name);
    database
        .prepare_cached(sql)?
        .query_row((organization, first, beyond, month), |row| row.get(0))
}

/// How many counts there are of a month.
pub(super) fn of_month(database: &Connection, stream: Uuid, month: &str) -> Sql<u64> {
    let found = database
        .prepare_cached(
            "SELECT series FROM usage_months WHERE organization_id = ?1 AND month = ?2",
        )?
        .query_row((stream, month), |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Counts what there is more of a month.
pub(super) fn add_to_month(
    database: &Connection,
    stream: Uuid,
    month: &str,
    more: u64,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO usage_months (organization_id, month, series) VALUES (?1, ?2, ?3)
             ON CONFLICT (organization_id, month)
             DO UPDATE SET series = series + excluded.series",
        )?
        .execute((stream, month, more))
}

/// Of two reports of the same the greater stays, so that it does not matter how often one is sent.
pub(super) fn record(
    database: &Connection,
    stream: Uuid,
    key: &UsageKey,
    reported: &Reported,
) -> Sql<usize> {
    let sql = "INSERT INTO usage (organization_id, month, service, source, count, added)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (organization_id, month, service, source)
         DO UPDATE SET count = max(count, excluded.count), added = max(added, excluded.added)";
    let counted = match planted::is("counts-added") {
        true => added_up(database, stream, key, reported.counted)?,
        false => reported.counted,
    };
    database.prepare_cached(sql)?.execute((
        stream,
        &key.month,
        &key.service,
        &key.source,
        counted,
        reported.added,
    ))
}

/// The fault `counts-added`: what is reported and what was stored before.
fn added_up(database: &Connection, stream: Uuid, key: &UsageKey, counted: u64) -> Sql<u64> {
    let stored = one(database, stream, key)?;
    Ok(counted + stored.map_or(0, |stored| stored.reported.counted))
}

/// Stores a running total.
pub(super) fn record_epoch(
    database: &Connection,
    stream: Uuid,
    (source, service): &Series,
    epoch: &str,
    state: EpochState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO usage_epochs (organization_id, source, service, epoch, total, heard_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (organization_id, source, service, epoch) DO UPDATE SET
                 total = max(total, excluded.total), heard_at = max(heard_at, excluded.heard_at)",
        )?
        .execute((
            stream,
            source,
            service,
            epoch,
            state.total,
            state.heard_at.seconds(),
        ))
}

/// Forgets a running total.
pub(super) fn forget_epoch(
    database: &Connection,
    stream: Uuid,
    (source, service): &Series,
    epoch: &str,
) -> Sql<usize> {
    database
        .prepare_cached(
            "DELETE FROM usage_epochs
             WHERE organization_id = ?1 AND source = ?2 AND service = ?3 AND epoch = ?4",
        )?
        .execute((stream, source, service, epoch))
}

/// Stores what the corrections of a count come to.
pub(super) fn correct(
    database: &Connection,
    stream: Uuid,
    (month, service, source): (&str, &str, &str),
    sum: i64,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE usage SET correction = ?5
             WHERE organization_id = ?1 AND month = ?2 AND service = ?3 AND source = ?4",
        )?
        .execute((stream, month, service, source, sum))
}

#[cfg(test)]
mod tests {
    use lictor_core::state::State;

    use super::*;
    use crate::sqlite::heads::Heads;
    use crate::sqlite::open;
    use crate::sqlite::transaction::Transaction;
    use crate::{Fact, facts};

    #[test]
    fn running_totals_from_before_were_heard_of_when_something_was_last_written() {
        let mut database = open::migrated(9).expect("migrates");
        database
            .execute_batch(
                "INSERT INTO clock (one, elapsed, wall, boot) VALUES (1, 7000999, 5, 5);
                 INSERT INTO usage_epochs
                 VALUES (zeroblob(16), 'edge', 'web', 'a', 1, 50), (zeroblob(16), 'edge', 'web', 'b', 2, 60);",
            )
            .expect("inserts");
        open::migrate(&mut database).expect("migrates");
        let series = ("edge".to_owned(), "web".to_owned());
        let mut heads = Heads::default();
        for (epoch, found) in [("a", 1), ("c", 2)] {
            let mut state = State::default();
            let fact = Fact::UsageEpoch {
                series: series.clone(),
                epoch: epoch.to_owned(),
            };
            let mut transaction = Transaction::new(&database, &mut heads);
            facts::load(&mut transaction, Uuid::nil(), &[fact], &mut state).expect("loads");
            let known = &state.usage_epochs[&series];
            assert_eq!(known.len(), found, "{epoch}");
            let first = known["a"];
            assert_eq!((first.total, first.heard_at.seconds()), (50, 7_000));
        }
    }
}
