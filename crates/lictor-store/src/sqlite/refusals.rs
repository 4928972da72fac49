//! Rows of refusals and of their sums: how they are counted and read back.

use lictor_core::{Holder, SeatReason, SeatRefusal, Timestamp};
use rusqlite::{Connection, Row, named_params};
use uuid::Uuid;

use super::reads::many;
use super::rows::{Sql, invalid};
use crate::{RefusalSum, Refused, RefusedKey, SumKey};

/// Counts a refusal, once in the row of its minute and once in the sum of its hour.
pub(super) fn count(
    database: &Connection,
    stream: Uuid,
    refusal: &SeatRefusal,
    now: Timestamp,
) -> Sql<usize> {
    let (kind, holder) = match &refusal.holder {
        Holder::Account(id) => ("account", id.to_string()),
        Holder::Lease(holder) => ("lease", holder.clone()),
    };
    database
        .prepare_cached(
            "INSERT INTO refusals (organization_id, minute, application, kind, holder, reason,
                 count, seat_limit, used, position, first_position)
             VALUES (:organization, :minute, :application, :kind, :holder, :reason, 1, :limit,
                 :used, :position, :position)
             ON CONFLICT DO UPDATE SET count = count + 1, seat_limit = excluded.seat_limit,
                 used = excluded.used, position = excluded.position",
        )?
        .execute(named_params! {
            ":organization": stream, ":minute": now.div_euclid(60),
            ":application": refusal.application, ":kind": kind, ":holder": holder,
            ":reason": refusal.reason.as_str(), ":limit": refusal.limit, ":used": refusal.used,
            ":position": refusal.position,
        })?;
    database
        .prepare_cached(
            "INSERT INTO refusal_sums (organization_id, hour, application, reason, count)
             VALUES (?1, ?2, ?3, ?4, 1) ON CONFLICT DO UPDATE SET count = count + 1",
        )?
        .execute((
            stream,
            now.div_euclid(3_600),
            &refusal.application,
            refusal.reason.as_str(),
        ))
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
    let text: String = row.get(3)?;
    let holder = match row.get_ref(2)?.as_str()? {
        "account" => Holder::Account(
            text.parse()
                .map_err(|error: uuid::Error| invalid(3, error))?,
        ),
        _ => Holder::Lease(text),
    };
    let reason = reason(row, 4)?;
    Ok(Refused {
        minute: row.get(0)?,
        count: row.get(5)?,
        first_position: row.get(9)?,
        refusal: SeatRefusal {
            application: row.get(1)?,
            holder,
            reason,
            limit: row.get(6)?,
            used: row.get(7)?,
            position: row.get(8)?,
        },
    })
}

fn reason(row: &Row<'_>, column: usize) -> Sql<SeatReason> {
    let word = row.get_ref(column)?.as_str()?;
    let known = SeatReason::ALL
        .into_iter()
        .find(|known| known.as_str() == word);
    known.ok_or_else(|| invalid(column, format!("not a reason: {word}")))
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
            reason: reason(row, 2)?,
            count: row.get(3)?,
        })
    })
}
