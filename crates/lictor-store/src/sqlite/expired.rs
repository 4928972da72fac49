//! What is kept for a span and then dropped: answers and access tokens until they end, codes until they
//! are not counted any more, refusals for 90 days.

use lictor_core::elapsed::{Elapsed, Now};
use lictor_core::facts::client::CODE_TTL;
use lictor_core::facts::grant::WINDOW;
use lictor_core::facts::quota::Quota;
use rusqlite::Connection;
use uuid::Uuid;

use super::heads::Counted;
use super::reads::many;
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
                 OR EXISTS (SELECT 1 FROM codes WHERE expires_at <= ?3)
                 OR EXISTS (SELECT 1 FROM access_tokens WHERE expires_at <= ?1)
                 OR EXISTS (SELECT 1 FROM refusals WHERE minute < ?2)",
        )?
        .query_row(
            (
                now.elapsed().seconds(),
                first_minute(now),
                last_code(now).seconds(),
            ),
            |row| row.get(0),
        )?;
    Ok(ended)
}

/// Codes that end at this moment or earlier are counted no more.
fn last_code(now: &Now) -> Elapsed {
    now.elapsed().minus(WINDOW - CODE_TTL)
}

/// Drops some of it.
pub(super) fn drop_some(database: &Connection, now: &Now, counted: &mut Counted) -> Sql<usize> {
    let answers = "DELETE FROM answers WHERE rowid IN
             (SELECT rowid FROM answers WHERE expires_at <= ?1 LIMIT ?2)
         RETURNING organization_id";
    let ended = (now.elapsed().seconds(), DROPPED_AT_ONCE);
    let whose: Vec<Option<Uuid>> = many(database, answers, ended, |row| row.get(0))?;
    let mut dropped = whose.len();
    for organization in whose.into_iter().flatten() {
        counted.add(organization, Quota::KeptAnswers, -1);
    }
    for (table, ends) in [("codes", last_code(now)), ("access_tokens", now.elapsed())] {
        let sql = format!(
            "DELETE FROM {table} WHERE (organization_id, sha256) IN
                 (SELECT organization_id, sha256 FROM {table} WHERE expires_at <= ?1 LIMIT ?2)"
        );
        dropped += database
            .prepare_cached(&sql)?
            .execute((ends.seconds(), DROPPED_AT_ONCE))?;
    }
    let refusals = "DELETE FROM refusals WHERE minute IN
                        (SELECT DISTINCT minute FROM refusals WHERE minute < ?1
                         ORDER BY minute LIMIT ?2)
                    RETURNING organization_id";
    let over = (first_minute(now), MINUTES_AT_ONCE);
    let whose: Vec<Uuid> = many(database, refusals, over, |row| row.get(0))?;
    dropped += whose.len();
    for organization in whose {
        counted.add(organization, Quota::Refusals, -1);
    }
    Ok(dropped)
}
