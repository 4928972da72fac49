//! Rows of seats and leases: how they are stored and read back.

use lictor_core::elapsed::Elapsed;
use lictor_core::facts::account::AccountState;
use lictor_core::facts::lease::{self, Lease, LeaseState, LeaseTerms};
use lictor_core::facts::seats::{Seat, SeatId, SeatState};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, named_params};
use uuid::Uuid;

use super::accounts::{self, ACCOUNT, ACCOUNT_COLUMNS};
use super::reads::{many, page_start};
use super::rows::Sql;

/// The columns of [`seat`], in its order.
pub(super) const SEAT: &str = "seats.application, seats.account_id, seats.since, seats.revision";

/// Reads the columns [`SEAT`].
pub(super) fn seat(row: &Row<'_>) -> Sql<(SeatId, SeatState)> {
    let id = SeatId {
        application: row.get(0)?,
        account: row.get(1)?,
    };
    let state = SeatState {
        since: row.get(2)?,
        revision: row.get(3)?,
    };
    Ok((id, state))
}

/// One seat.
pub(super) fn one_seat(
    database: &Connection,
    stream: Uuid,
    id: &SeatId,
) -> Sql<Option<(SeatId, SeatState)>> {
    let sql = format!(
        "SELECT {SEAT} FROM seats
         WHERE organization_id = ?1 AND application = ?2 AND account_id = ?3"
    );
    database
        .prepare_cached(&sql)?
        .query_row((stream, &id.application, id.account), seat)
        .optional()
}

/// All seats of an account.
pub(super) fn seats_of(
    database: &Connection,
    organization: Uuid,
    account: Uuid,
) -> Sql<Vec<(SeatId, SeatState)>> {
    // Else the order would be had from the primary key, by reading all seats of the organization.
    let sql = format!(
        "SELECT {SEAT} FROM seats INDEXED BY seats_by_account
         WHERE organization_id = ?1 AND account_id = ?2 ORDER BY application"
    );
    many(database, &sql, (organization, account), seat)
}

/// A page of an account's seats by application.
pub(super) fn seats_of_page(
    database: &Connection,
    organization: Uuid,
    account: Uuid,
    after: &str,
    limit: usize,
) -> Sql<Vec<(SeatId, SeatState)>> {
    let sql = format!(
        "SELECT {SEAT} FROM seats INDEXED BY seats_by_account
         WHERE organization_id = ?1 AND account_id = ?2 AND application > ?3
         ORDER BY application LIMIT ?4"
    );
    many(database, &sql, (organization, account, after, limit), seat)
}

/// A page of an application's seats by account.
pub(super) fn seats_page(
    database: &Connection,
    organization: Uuid,
    application: &str,
    after: Option<Uuid>,
    limit: usize,
) -> Sql<Vec<Seat>> {
    let sql = format!(
        "SELECT {ACCOUNT}, seats.since, seats.revision FROM seats
         CROSS JOIN accounts ON accounts.organization_id = seats.organization_id
             AND accounts.id = seats.account_id
         WHERE seats.organization_id = ?1 AND seats.application = ?2 AND seats.account_id > ?3
         ORDER BY seats.account_id LIMIT ?4"
    );
    let read = |row: &Row<'_>| {
        Ok(Seat {
            account: accounts::account(row, 0)?,
            state: SeatState {
                since: row.get(ACCOUNT_COLUMNS)?,
                revision: row.get(ACCOUNT_COLUMNS + 1)?,
            },
        })
    };
    let after = page_start(after.as_ref());
    many(
        database,
        &sql,
        (organization, application, after, limit),
        read,
    )
}

/// The columns of [`lease_state`] and [`lease()`], in their order.
pub(super) const LEASE: &str = "id, application, since, revision, holder, fence, expires_at";

/// Reads the first columns of [`LEASE`].
pub(super) fn lease_state(row: &Row<'_>) -> Sql<(Uuid, LeaseState)> {
    let state = LeaseState {
        application: row.get(1)?,
        since: row.get(2)?,
        revision: row.get(3)?,
    };
    Ok((row.get(0)?, state))
}

/// Reads the columns [`LEASE`].
pub(super) fn lease(row: &Row<'_>) -> Sql<Lease> {
    let (id, state) = lease_state(row)?;
    let terms = LeaseTerms {
        holder: row.get(4)?,
        fence: row.get(5)?,
        expires_at: Elapsed::from_seconds(row.get(6)?),
    };
    Ok(Lease { id, state, terms })
}

/// The leases that are found in an index, which each statement names: what SQLite would choose by
/// itself is mostly to read all of the organization's.
fn leases(
    database: &Connection,
    index: &str,
    rest: &str,
    parameters: impl Params,
) -> Sql<Vec<Lease>> {
    let sql = format!(
        "SELECT {LEASE} FROM leases INDEXED BY {index} WHERE organization_id = ?1 AND {rest}"
    );
    many(database, &sql, parameters, lease)
}

/// One lease.
pub(super) fn one_lease(database: &Connection, organization: Uuid, id: Uuid) -> Sql<Option<Lease>> {
    let sql = format!("SELECT {LEASE} FROM leases WHERE organization_id = ?1 AND id = ?2");
    database
        .prepare_cached(&sql)?
        .query_row((organization, id), lease)
        .optional()
}

/// A page of an application's leases by holder.
pub(super) fn leases_page(
    database: &Connection,
    organization: Uuid,
    application: &str,
    after: Option<&str>,
    limit: usize,
) -> Sql<Vec<Lease>> {
    let rest = "application = ?2 AND holder > ?3 ORDER BY holder LIMIT ?4";
    let after = after.unwrap_or_default();
    let parameters = (organization, application, after, limit);
    leases(database, "leases_by_holder", rest, parameters)
}

/// The leases of an application whose holder has this key.
pub(super) fn leases_with_key(
    database: &Connection,
    stream: Uuid,
    application: &str,
    key: &str,
) -> Sql<Vec<Lease>> {
    let same = "application = ?2 AND holder_key = ?3";
    leases(database, "leases_by_key", same, (stream, application, key))
}

/// The leases of an application without a key that have one of two spellings.
pub(super) fn leases_apart(
    database: &Connection,
    stream: Uuid,
    application: &str,
    [spelling, trimmed]: [&str; 2],
) -> Sql<Vec<Lease>> {
    let apart = "application = ?2 AND holder IN (?3, ?4) AND holder_key IS NULL";
    let parameters = (stream, application, spelling, trimmed);
    leases(database, "leases_apart", apart, parameters)
}

/// All leases of a holder, those without a key included.
pub(super) fn leases_of(database: &Connection, stream: Uuid, key: &str) -> Sql<Vec<Lease>> {
    let same = "holder_key = ?2";
    let mut found = leases(database, "leases_by_key", same, (stream, key))?;
    let apart = "holder_key IS NULL AND holder IS NOT NULL AND holder_key(holder) = ?2";
    found.extend(leases(database, "leases_apart", apart, (stream, key))?);
    Ok(found)
}

/// Leases whose time is over.
pub(super) fn due_leases(
    database: &Connection,
    stream: Uuid,
    now: Elapsed,
    most: usize,
) -> Sql<Vec<Lease>> {
    let rest = "expires_at <= ?2 LIMIT ?3";
    leases(
        database,
        "leases_by_end",
        rest,
        (stream, now.seconds(), most),
    )
}

/// The organizations that have leases whose time is over, without those that were removed.
pub(super) fn due(database: &Connection, now: Elapsed) -> Sql<Vec<Uuid>> {
    // Each step leaps to the next organization's first end, so that none reads all leases.
    let mut next = database.prepare_cached(
        "SELECT organization_id, expires_at,
             (SELECT removed FROM heads WHERE stream = organization_id)
         FROM leases INDEXED BY leases_by_end
         WHERE organization_id > ?1 AND expires_at IS NOT NULL
         ORDER BY organization_id, expires_at LIMIT 1",
    )?;
    let (mut organization, mut due) = (Uuid::nil(), Vec::new());
    let read = |row: &Row<'_>| {
        let (end, removed): (i64, Option<bool>) = (row.get(1)?, row.get(2)?);
        Ok((row.get(0)?, end <= now.seconds() && removed != Some(true)))
    };
    while let Some((stream, is_due)) = next.query_row([organization], read).optional()? {
        due.extend(is_due.then_some(stream));
        organization = stream;
    }
    Ok(due)
}

/// Stores a new seat.
pub(super) fn insert_seat(
    database: &Connection,
    stream: Uuid,
    application: &str,
    account: Uuid,
    seat: SeatState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO seats (organization_id, application, account_id, since, revision)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((stream, application, account, seat.since, seat.revision))
}

/// Removes a seat.
pub(super) fn delete_seat(
    database: &Connection,
    stream: Uuid,
    application: &str,
    account: Uuid,
) -> Sql<usize> {
    database
        .prepare_cached(
            "DELETE FROM seats WHERE organization_id = ?1 AND application = ?2 AND account_id = ?3",
        )?
        .execute((stream, application, account))
}

/// Removes a lease.
pub(super) fn delete_lease(database: &Connection, stream: Uuid, id: Uuid) -> Sql<usize> {
    database
        .prepare_cached("DELETE FROM leases WHERE organization_id = ?1 AND id = ?2")?
        .execute((stream, id))
}

/// Stores how many seats an account has.
pub(super) fn count_seats(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    account: &AccountState,
) -> Sql<usize> {
    database
        .prepare_cached("UPDATE accounts SET seats = ?3 WHERE organization_id = ?1 AND id = ?2")?
        .execute((stream, id, account.seats))
}

/// Stores what changes of a lease with every renewal.
pub(super) fn update_lease(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    terms: &LeaseTerms,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE leases SET holder = ?3, fence = ?4, expires_at = ?5
             WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((
            stream,
            id,
            &terms.holder,
            terms.fence,
            terms.expires_at.seconds(),
        ))
}

/// Stores a lease that was checked out. It gets its key then: the one of a row that has none belongs to
/// another.
pub(super) fn insert_lease(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    lease: &LeaseState,
    terms: &LeaseTerms,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO leases (organization_id, id, application, since, revision, holder,
                 holder_key, fence, expires_at)
             VALUES (:organization, :id, :application, :since, :revision, :holder, :key, :fence,
                 :expires_at)",
        )?
        .execute(named_params! {
            ":organization": stream, ":id": id, ":application": lease.application,
            ":since": lease.since, ":revision": lease.revision, ":holder": terms.holder,
            ":key": lease::holder_key(&terms.holder), ":fence": terms.fence,
            ":expires_at": terms.expires_at.seconds(),
        })
}
