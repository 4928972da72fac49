//! What is kept for a span and then dropped: answers and access tokens until they end, codes until they
//! are not counted any more, refusals for 90 days.

use lictor_core::elapsed::{Elapsed, Now};
use rusqlite::Connection;
use uuid::Uuid;

use super::reads::many;
use super::rows::Sql;
use crate::effects::{Dropped, Ended};
use crate::spans::Spans;

/// Whether there is anything whose span is over.
pub(super) fn any(database: &Connection, now: &Now) -> Sql<bool> {
    let spans = Spans::at(now);
    let ended = database
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM answers WHERE expires_at <= ?1)
                 OR EXISTS (SELECT 1 FROM codes WHERE expires_at <= ?3)
                 OR EXISTS (SELECT 1 FROM access_tokens WHERE expires_at <= ?1)
                 OR EXISTS (SELECT 1 FROM refusals WHERE minute < ?2)",
        )?
        .query_row(
            (
                spans.ended.seconds(),
                spans.first_minute,
                spans.codes.seconds(),
            ),
            |row| row.get(0),
        )?;
    Ok(ended)
}

/// Drops what has ended: at most so many rows, or of refusals so many minutes.
pub(super) fn drop_some(database: &Connection, ended: Ended, most: usize) -> Sql<Dropped> {
    match ended {
        Ended::Answers(end) => {
            let answers = "DELETE FROM answers WHERE rowid IN
                     (SELECT rowid FROM answers WHERE expires_at <= ?1 LIMIT ?2)
                 RETURNING organization_id";
            let ended = (end.seconds(), most);
            let whose: Vec<Option<Uuid>> = many(database, answers, ended, |row| row.get(0))?;
            Ok(Dropped {
                rows: whose.len(),
                whose: whose.into_iter().flatten().collect(),
            })
        }
        Ended::Codes(end) => drop_secrets(database, "codes", end, most),
        Ended::AccessTokens(end) => drop_secrets(database, "access_tokens", end, most),
        Ended::Refusals(first_minute) => {
            let refusals = "DELETE FROM refusals WHERE minute IN
                                (SELECT DISTINCT minute FROM refusals WHERE minute < ?1
                                 ORDER BY minute LIMIT ?2)
                            RETURNING organization_id";
            let over = (first_minute, most);
            let whose: Vec<Uuid> = many(database, refusals, over, |row| row.get(0))?;
            Ok(Dropped {
                rows: whose.len(),
                whose,
            })
        }
    }
}

fn drop_secrets(database: &Connection, table: &str, end: Elapsed, most: usize) -> Sql<Dropped> {
    let sql = format!(
        "DELETE FROM {table} WHERE (organization_id, sha256) IN
             (SELECT organization_id, sha256 FROM {table} WHERE expires_at <= ?1 LIMIT ?2)"
    );
    let rows = database
        .prepare_cached(&sql)?
        .execute((end.seconds(), most))?;
    Ok(Dropped {
        rows,
        whose: Vec::new(),
    })
}
