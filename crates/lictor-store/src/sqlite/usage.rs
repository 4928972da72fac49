//! Rows of usage: counts with their corrections, running totals, and the sum of an organization's counts.

use std::borrow::Cow;

use lictor_core::State;
use lictor_core::usage::{EpochState, MAX_EPOCHS, Reported, Series, UsageKey, UsageRow};
use lictor_planted as planted;
use rusqlite::{Connection, OptionalExtension as _, Row};
use uuid::Uuid;

use super::reads::many;
use super::rows::Sql;

/// The columns of [`row`], in its order.
pub(super) const USAGE: &str = "month, service, source, count, added, correction";

/// What the rows of an organization add up to, as its row in `usage_sums` holds it.
pub(super) const SUM: &str = "min(sum((count + added + correction) >> 26), 68719476735) * 67108864 \
     + sum((count + added + correction) & 67108863)";

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

/// An organization's usage.
pub(super) fn all(database: &Connection, organization: Uuid) -> Sql<Vec<UsageRow>> {
    let sql = format!(
        "SELECT {USAGE} FROM usage WHERE organization_id = ?1 ORDER BY month, service, source"
    );
    many(database, &sql, [organization], row)
}

/// Loads what is stored for a source, service and month.
pub(super) fn load(
    database: &Connection,
    stream: Uuid,
    key: &UsageKey,
    state: &mut State,
) -> Sql<()> {
    let sql = format!(
        "SELECT {USAGE} FROM usage
         WHERE organization_id = ?1 AND month = ?2 AND service = ?3 AND source = ?4"
    );
    let found = database
        .prepare_cached(&sql)?
        .query_row((stream, &key.month, &key.service, &key.source), row)
        .optional()?;
    if let Some(row) = found {
        if row.correction != 0 {
            state.corrections.insert(row.key.clone(), row.correction);
        }
        state.usage.insert(row.key, row.reported);
    }
    Ok(())
}

/// Loads the running totals of a source and service.
pub(super) fn load_epochs(
    database: &Connection,
    stream: Uuid,
    (source, service): &Series,
    state: &mut State,
) -> Sql<()> {
    let sql = "SELECT epoch, number, total FROM usage_epochs
         WHERE organization_id = ?1 AND source = ?2 AND service = ?3";
    let epochs = many(database, sql, (stream, source, service), |row| {
        let state = EpochState {
            number: row.get(1)?,
            total: row.get(2)?,
        };
        Ok((row.get(0)?, state))
    })?;
    let series = (source.clone(), service.clone());
    state
        .usage_epochs
        .insert(series, epochs.into_iter().collect());
    Ok(())
}

/// The sum of an organization's counts.
pub(super) fn sum(database: &Connection, stream: Uuid) -> Sql<u64> {
    let found = database
        .prepare_cached("SELECT total FROM usage_sums WHERE organization_id = ?1")?
        .query_row([stream], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Stores the sum of an organization's counts.
pub(super) fn put_sum(database: &Connection, stream: Uuid, sum: u64) -> Sql<()> {
    database
        .prepare_cached(
            "INSERT INTO usage_sums (organization_id, total) VALUES (?1, ?2)
             ON CONFLICT (organization_id) DO UPDATE SET total = excluded.total",
        )?
        .execute((stream, sum))?;
    Ok(())
}

/// Of two reports of the same the greater stays, so that it does not matter how often one is sent.
pub(super) fn record(
    database: &Connection,
    stream: Uuid,
    key: &UsageKey,
    reported: &Reported,
) -> Sql<usize> {
    let mut sql = Cow::from(
        "INSERT INTO usage (organization_id, month, service, source, count, added)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (organization_id, month, service, source)
         DO UPDATE SET count = max(count, excluded.count), added = max(added, excluded.added)",
    );
    if planted::is("counts-added") {
        sql = sql
            .replace("max(count, excluded.count)", "count + excluded.count")
            .into();
    }
    database.prepare_cached(&sql)?.execute((
        stream,
        &key.month,
        &key.service,
        &key.source,
        reported.counted,
        reported.added,
    ))
}

/// Stores a running total, and forgets the epochs that came too long before it.
pub(super) fn record_epoch(
    database: &Connection,
    stream: Uuid,
    (source, service): &Series,
    epoch: &str,
    state: EpochState,
) -> Sql<usize> {
    let forgotten = state.number.saturating_sub(MAX_EPOCHS);
    database
        .prepare_cached(
            "DELETE FROM usage_epochs
             WHERE organization_id = ?1 AND source = ?2 AND service = ?3 AND number <= ?4",
        )?
        .execute((stream, source, service, forgotten))?;
    database
        .prepare_cached(
            "INSERT INTO usage_epochs (organization_id, source, service, epoch, number, total)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (organization_id, source, service, epoch)
             DO UPDATE SET total = max(total, excluded.total)",
        )?
        .execute((stream, source, service, epoch, state.number, state.total))
}

/// Stores what the corrections of a count come to.
pub(super) fn correct(
    database: &Connection,
    stream: Uuid,
    key: &UsageKey,
    state: &State,
) -> Sql<usize> {
    let correction = state.corrections.get(key).copied().unwrap_or_default();
    database
        .prepare_cached(
            "UPDATE usage SET correction = ?5
             WHERE organization_id = ?1 AND month = ?2 AND service = ?3 AND source = ?4",
        )?
        .execute((stream, &key.month, &key.service, &key.source, correction))
}
