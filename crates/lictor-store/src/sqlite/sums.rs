//! What an organization's usage comes to: sums that are kept in the transaction of the counts, so that
//! no report looks at them, and compared with them by a check.

use lictor_core::facts::usage::MAX_COUNT;
use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use super::check::each;
use super::reads::many;
use super::rows::Sql;
use crate::UsageFigures;

/// What the rows of an organization, or of one of its months, add up to, as it is kept.
const SUM: &str = "min(sum((count + added + correction) >> 26), 68719476735) * 67108864 \
     + sum((count + added + correction) & 67108863)";

/// What an organization's usage comes to.
pub(super) fn figures(database: &Connection, organization: Uuid) -> Sql<UsageFigures> {
    let view = database.unchecked_transaction()?;
    let sums = "SELECT month, total FROM usage_month_sums WHERE organization_id = ?1";
    let months = many(&view, sums, [organization], |row| {
        Ok((row.get(0)?, row.get::<_, u64>(1)?.min(MAX_COUNT)))
    })?;
    let services = view
        .prepare_cached("SELECT services FROM usage_sums WHERE organization_id = ?1")?
        .query_row([organization], |row| row.get(0))
        .optional()?;
    Ok(UsageFigures {
        months: months.into_iter().collect(),
        services: services.unwrap_or_default(),
    })
}

/// Moves the sum of a month.
pub(super) fn move_month(database: &Connection, stream: Uuid, month: &str, by: i64) -> Sql<usize> {
    // A month is there before anything is taken away from it.
    let known = database
        .prepare_cached(
            "UPDATE usage_month_sums SET total = total + ?3
             WHERE organization_id = ?1 AND month = ?2",
        )?
        .execute((stream, month, by))?;
    if known > 0 {
        return Ok(known);
    }
    database
        .prepare_cached(
            "INSERT INTO usage_month_sums (organization_id, month, total)
             VALUES (?1, ?2, ?3)",
        )?
        .execute((stream, month, by))
}

/// Stores a service, unless it is there.
pub(super) fn insert_service(database: &Connection, stream: Uuid, service: &str) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT OR IGNORE INTO usage_services (organization_id, service) VALUES (?1, ?2)",
        )?
        .execute((stream, service))
}

/// Counts one more service.
pub(super) fn add_service(database: &Connection, stream: Uuid) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO usage_sums (organization_id, total, services) VALUES (?1, 0, 1)
             ON CONFLICT (organization_id) DO UPDATE SET services = services + 1",
        )?
        .execute([stream])
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
pub(super) fn put_sum(database: &Connection, stream: Uuid, sum: u64) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO usage_sums (organization_id, total) VALUES (?1, ?2)
             ON CONFLICT (organization_id) DO UPDATE SET total = excluded.total",
        )?
        .execute((stream, sum))
}

/// The sum of an organization's usage is what its counts add up to.
pub(super) fn check(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    let sums = format!(
        "SELECT organization_id, total, 0 AS found FROM usage_sums
         UNION ALL SELECT organization_id, 0, {SUM} FROM usage GROUP BY organization_id"
    );
    let differing = format!(
        "SELECT organization_id, sum(total) FROM ({sums})
         GROUP BY organization_id HAVING sum(total) <> sum(found)"
    );
    each(view, &differing, [], |row| {
        let (stream, sum): (Uuid, i64) = (row.get(0)?, row.get(1)?);
        differences.push(format!(
            "stream {stream}: its usage counts do not add up to {sum}"
        ));
        Ok(())
    })?;
    check_months(view, differences)?;
    check_services(view, differences)
}

/// The sum of each month is what its counts add up to.
fn check_months(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    let sums = format!(
        "SELECT organization_id, month, total, 0 AS found FROM usage_month_sums
         UNION ALL SELECT organization_id, month, 0, {SUM} FROM usage GROUP BY 1, 2"
    );
    let differing = format!(
        "SELECT organization_id, month, sum(total) FROM ({sums})
         GROUP BY 1, 2 HAVING sum(total) <> sum(found)"
    );
    each(view, &differing, [], |row| {
        let (stream, month, sum): (Uuid, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        differences.push(format!(
            "stream {stream}: its usage counts of {month} do not add up to {sum}"
        ));
        Ok(())
    })
}

/// The services of an organization are those of its counts, and as many as is said.
fn check_services(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    let differing = "SELECT organization_id FROM (
             SELECT organization_id, service FROM usage
             EXCEPT SELECT organization_id, service FROM usage_services)
         UNION SELECT organization_id FROM (
             SELECT organization_id, service FROM usage_services
             EXCEPT SELECT organization_id, service FROM usage)
         UNION SELECT stream FROM heads WHERE
             coalesce((SELECT services FROM usage_sums WHERE organization_id = stream), 0) <>
                 (SELECT count(*) FROM usage_services WHERE organization_id = stream)";
    each(view, differing, [], |row| {
        let stream: Uuid = row.get(0)?;
        differences.push(format!(
            "stream {stream}: the services of its usage counts differ"
        ));
        Ok(())
    })
}
