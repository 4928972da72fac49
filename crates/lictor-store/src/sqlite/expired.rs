//! What is kept for a span and then dropped: answers, codes and access tokens until they end,
//! refusals for 90 days.

use lictor_core::Now;
use rusqlite::Connection;

use super::rows::Sql;

/// How long refusals are kept: 90 days.
const REFUSALS_KEPT_SECONDS: i64 = 90 * 86_400;

/// How many rows of a table, or minutes of refusals, are dropped at once at most, so that no other
/// write waits long.
const DROPPED_AT_ONCE: usize = 2_000;
const MINUTES_AT_ONCE: usize = 10;

/// The first minute of which refusals are kept.
fn first_minute(now: &Now) -> i64 {
    (now.earlier() - REFUSALS_KEPT_SECONDS).div_euclid(60)
}

/// Whether there is anything whose span is over.
pub(super) fn any(database: &Connection, now: &Now) -> Sql<bool> {
    let ended = database
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM answers WHERE expires_at <= ?1)
                 OR EXISTS (SELECT 1 FROM codes WHERE expires_at <= ?1)
                 OR EXISTS (SELECT 1 FROM access_tokens WHERE expires_at <= ?1)
                 OR EXISTS (SELECT 1 FROM refusals WHERE minute < ?2)",
        )?
        .query_row((now.elapsed().seconds(), first_minute(now)), |row| {
            row.get(0)
        })?;
    Ok(ended)
}

/// Drops some of it.
pub(super) fn drop_some(database: &Connection, now: &Now) -> Sql<usize> {
    let mut dropped = 0;
    for (table, key) in [
        ("answers", "rowid"),
        ("codes", "organization_id, sha256"),
        ("access_tokens", "organization_id, sha256"),
    ] {
        let sql = format!(
            "DELETE FROM {table} WHERE ({key}) IN
                 (SELECT {key} FROM {table} WHERE expires_at <= ?1 LIMIT ?2)"
        );
        dropped += database
            .prepare_cached(&sql)?
            .execute((now.elapsed().seconds(), DROPPED_AT_ONCE))?;
    }
    let refusals = "DELETE FROM refusals WHERE minute IN
                        (SELECT DISTINCT minute FROM refusals WHERE minute < ?1
                         ORDER BY minute LIMIT ?2)";
    dropped += database
        .prepare_cached(refusals)?
        .execute((first_minute(now), MINUTES_AT_ONCE))?;
    Ok(dropped)
}
