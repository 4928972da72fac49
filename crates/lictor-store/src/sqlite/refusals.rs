//! Rows of refusals and of their sums: how they are counted and read back.

use lictor_core::facts::seats::{Holder, SeatReason, SeatRefusal};
use rusqlite::{Connection, Row, named_params};
use uuid::Uuid;

use super::reads::many;
use super::rows::{Sql, invalid, parsed};
use crate::effects::RefusalRow;
use crate::{RefusalSum, Refused, RefusedKey, SumKey};

/// Whether there is a row of such refusals.
pub(super) fn is_there(database: &Connection, stream: Uuid, row: &RefusalRow<'_>) -> Sql<bool> {
    let RefusalRow {
        minute,
        holder,
        refusal,
        ..
    } = row;
    let (kind, reason) = (refusal.holder.kind(), refusal.reason.as_str());
    database
        .prepare_cached(
            "SELECT 1 FROM refusals WHERE organization_id = ?1 AND minute = ?2
                 AND application = ?3 AND kind = ?4 AND holder = ?5 AND reason = ?6",
        )?
        .exists((stream, minute, &refusal.application, kind, holder, reason))
}

/// Counts a refusal in its row.
pub(super) fn count(database: &Connection, stream: Uuid, row: &RefusalRow<'_>) -> Sql<usize> {
    let refusal = row.refusal;
    database
        .prepare_cached(
            "INSERT INTO refusals (organization_id, minute, application, kind, holder, reason,
                 count, seat_limit, used, position, first_position, holder_key)
             VALUES (:organization, :minute, :application, :kind, :holder, :reason, 1, :limit,
                 :used, :position, :position, :key)
             ON CONFLICT DO UPDATE SET count = count + 1, seat_limit = excluded.seat_limit,
                 used = excluded.used, position = excluded.position",
        )?
        .execute(named_params! {
            ":organization": stream, ":minute": row.minute,
            ":application": refusal.application, ":kind": refusal.holder.kind(),
            ":holder": row.holder, ":reason": refusal.reason.as_str(), ":limit": refusal.limit,
            ":used": refusal.used, ":position": refusal.position, ":key": row.key,
        })
}

/// Counts a refusal in the sum of its hour.
pub(super) fn add_to_sum(
    database: &Connection,
    stream: Uuid,
    hour: i64,
    application: &str,
    reason: SeatReason,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO refusal_sums (organization_id, hour, application, reason, count)
             VALUES (?1, ?2, ?3, ?4, 1) ON CONFLICT DO UPDATE SET count = count + 1",
        )?
        .execute((stream, hour, application, reason.as_str()))
}

/// A page of refusals, the newest minute first.
pub(super) fn page(
    database: &Connection,
    organization: Uuid,
    before: Option<&RefusedKey>,
    limit: usize,
) -> Sql<Vec<Refused>> {
    let sql = "SELECT minute, application, kind, holder, reason, count, seat_limit, used, position,
             first_position
         FROM refusals
         WHERE organization_id = ?1
             AND (minute, application, kind, holder, reason) < (?2, ?3, ?4, ?5, ?6)
         ORDER BY minute DESC, application DESC, kind DESC, holder DESC, reason DESC LIMIT ?7";
    let first = RefusedKey {
        minute: i64::MAX,
        ..RefusedKey::default()
    };
    let before = before.unwrap_or(&first);
    let parameters = (
        organization,
        before.minute,
        &before.application,
        &before.kind,
        &before.holder,
        &before.reason,
        limit,
    );
    many(database, sql, parameters, refused)
}

fn refused(row: &Row<'_>) -> Sql<Refused> {
    let kind = row.get_ref(2)?.as_str()?;
    let holder = Holder::read(kind, row.get(3)?).map_err(|error| invalid(3, error))?;
    Ok(Refused {
        minute: row.get(0)?,
        count: row.get(5)?,
        first_position: row.get(9)?,
        refusal: SeatRefusal {
            application: row.get(1)?,
            holder,
            reason: parsed(row, 4)?,
            limit: row.get(6)?,
            used: row.get(7)?,
            position: row.get(8)?,
        },
    })
}

/// A page of sums, the newest hour first.
pub(super) fn sums(
    database: &Connection,
    organization: Uuid,
    before: Option<&SumKey>,
    limit: usize,
) -> Sql<Vec<RefusalSum>> {
    let sql = "SELECT hour, application, reason, count FROM refusal_sums
         WHERE organization_id = ?1 AND (hour, application, reason) < (?2, ?3, ?4)
         ORDER BY hour DESC, application DESC, reason DESC LIMIT ?5";
    let first = SumKey {
        hour: i64::MAX,
        ..SumKey::default()
    };
    let before = before.unwrap_or(&first);
    let parameters = (
        organization,
        before.hour,
        &before.application,
        &before.reason,
        limit,
    );
    many(database, sql, parameters, |row| {
        Ok(RefusalSum {
            hour: row.get(0)?,
            application: row.get(1)?,
            reason: parsed(row, 2)?,
            count: row.get(3)?,
        })
    })
}

/// How many rows of a holder there are, counted up to `most`.
pub(super) fn of_holder(
    database: &Connection,
    organization: Uuid,
    key: &str,
    most: usize,
) -> Sql<u64> {
    database
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM refusals
             WHERE organization_id = ?1 AND holder_key = ?2 LIMIT ?3)",
        )?
        .query_row((organization, key, most), |row| row.get(0))
}

/// Takes the name from at most so many refusals of a holder. Rows that are the same but for the name become
/// one, whose count is the sum of theirs; says how many rows there are fewer.
pub(super) fn forget(
    database: &Connection,
    organization: Uuid,
    key: &str,
    most: usize,
) -> Sql<usize> {
    let found = "SELECT minute, application, holder, reason FROM refusals
         WHERE organization_id = ?1 AND holder_key = ?2 LIMIT ?3";
    let rows: Vec<(i64, String, String, String)> =
        many(database, found, (organization, key, most), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
    let one = "organization_id = ?1 AND minute = ?2 AND application = ?3 AND kind = 'lease'
         AND holder = ?4 AND reason = ?5";
    let merge = format!(
        "INSERT INTO refusals (organization_id, minute, application, kind, holder, reason, count,
             seat_limit, used, position, first_position)
         SELECT organization_id, minute, application, kind, '', reason, count, seat_limit, used,
             position, first_position
         FROM refusals WHERE {one}
         ON CONFLICT DO UPDATE SET count = count + excluded.count,
             seat_limit = iif(excluded.position < position, seat_limit, excluded.seat_limit),
             used = iif(excluded.position < position, used, excluded.used),
             position = max(position, excluded.position),
             first_position = min(first_position, excluded.first_position)"
    );
    let erase = format!("DELETE FROM refusals WHERE {one}");
    let there = format!("SELECT 1 FROM refusals WHERE {one}");
    let mut merged = 0;
    for (minute, application, holder, reason) in &rows {
        let row = (organization, minute, application, holder, reason);
        let nameless = (organization, minute, application, "", reason);
        merged += usize::from(database.prepare_cached(&there)?.exists(nameless)?);
        database.prepare_cached(&merge)?.execute(row)?;
        database.prepare_cached(&erase)?.execute(row)?;
    }
    Ok(merged)
}
