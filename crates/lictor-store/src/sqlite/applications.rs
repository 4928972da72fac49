//! Rows of applications: how they are stored and read back, and how their figures move.

use lictor_core::facts::application::{Application, ApplicationState};
use rusqlite::{Connection, OptionalExtension as _, Row};
use uuid::Uuid;

use super::reads::many;
use super::rows::{Sql, parsed};

/// The columns of [`application`], in its order.
const APPLICATION: &str =
    "key, name, over_limit, seats, leases, licenses, license_revisions, nodes, joined_nodes";

/// Reads the columns [`APPLICATION`].
fn application(row: &Row<'_>) -> Sql<Application> {
    Ok(Application {
        key: row.get(0)?,
        name: row.get(1)?,
        state: ApplicationState {
            over_limit: parsed(row, 2)?,
            seats: row.get(3)?,
            leases: row.get(4)?,
            licenses: row.get(5)?,
            license_revisions: row.get(6)?,
            nodes: row.get(7)?,
            joined_nodes: row.get(8)?,
        },
    })
}

/// One application.
pub(super) fn one(
    database: &Connection,
    organization: Uuid,
    key: &str,
) -> Sql<Option<Application>> {
    let sql =
        format!("SELECT {APPLICATION} FROM applications WHERE organization_id = ?1 AND key = ?2");
    database
        .prepare_cached(&sql)?
        .query_row((organization, key), application)
        .optional()
}

/// All applications, by key.
pub(super) fn all(database: &Connection, organization: Uuid) -> Sql<Vec<Application>> {
    let sql =
        format!("SELECT {APPLICATION} FROM applications WHERE organization_id = ?1 ORDER BY key");
    many(database, &sql, [organization], application)
}

/// Stores a new application. Its figures begin at 0.
pub(super) fn insert(
    database: &Connection,
    stream: Uuid,
    key: &str,
    application: &ApplicationState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO applications (organization_id, key, over_limit) VALUES (?1, ?2, ?3)",
        )?
        .execute((stream, key, application.over_limit.as_str()))
}

/// Stores what may change of an application, its figures excepted.
pub(super) fn update(
    database: &Connection,
    stream: Uuid,
    key: &str,
    application: &ApplicationState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE applications SET over_limit = ?3 WHERE organization_id = ?1 AND key = ?2",
        )?
        .execute((stream, key, application.over_limit.as_str()))
}

/// Removes an application.
pub(super) fn delete(database: &Connection, stream: Uuid, key: &str) -> Sql<usize> {
    database
        .prepare_cached("DELETE FROM applications WHERE organization_id = ?1 AND key = ?2")?
        .execute((stream, key))
}

/// Counts seats as taken, unless there are too many; the row's own constraint says the same.
pub(super) fn take(
    database: &Connection,
    stream: Uuid,
    application: &str,
    (seats, leases): (u64, u64),
    ceiling: Option<u32>,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE applications SET seats = seats + ?3, leases = leases + ?4, ceiling = ?5
             WHERE organization_id = ?1 AND key = ?2 AND (?5 IS NULL OR seats + leases < ?5)",
        )?
        .execute((stream, application, seats, leases, ceiling))
}

/// Counts seats as free again.
pub(super) fn give_back(
    database: &Connection,
    stream: Uuid,
    application: &str,
    seats: u64,
    leases: u64,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE applications SET seats = seats - ?3, leases = leases - ?4
             WHERE organization_id = ?1 AND key = ?2",
        )?
        .execute((stream, application, seats, leases))
}

/// Stores how many licenses an application has, and the sum of their revisions.
pub(super) fn put_licenses(
    database: &Connection,
    stream: Uuid,
    key: &str,
    application: &ApplicationState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE applications SET licenses = ?3, license_revisions = ?4
             WHERE organization_id = ?1 AND key = ?2",
        )?
        .execute((
            stream,
            key,
            application.licenses,
            application.license_revisions,
        ))
}

/// Stores an application's name.
pub(super) fn name(
    database: &Connection,
    stream: Uuid,
    key: &str,
    name: Option<&str>,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE applications SET name = ?3 WHERE organization_id = ?1 AND key = ?2",
        )?
        .execute((stream, key, name))
}
