//! Rows of accounts and of their counts: how they are stored and read back.

use std::sync::Arc;

use lictor_core::facts::account::{Account, AccountCounts, AccountState, AccountStatus};
use lictor_core::facts::email::Email;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use uuid::Uuid;

use super::reads::{many, page_start};
use super::rows::{Sql, parsed};
use crate::effects::Identity;

/// The columns of [`account_state`] and [`account`], in their order, of the table `accounts`.
pub(super) const ACCOUNT: &str = "accounts.id, accounts.number, accounts.kind, accounts.status, \
     accounts.administrator, accounts.language, accounts.seats, accounts.created_at, \
     accounts.revision, accounts.email, accounts.name";

/// How many columns [`ACCOUNT`] has.
pub(super) const ACCOUNT_COLUMNS: usize = 11;

/// The words of statuses that statements name.
pub(super) const REMOVED: &str = AccountStatus::Removed.as_str();
pub(super) const ACTIVE: &str = AccountStatus::Active.as_str();

/// Reads the first columns of [`ACCOUNT`], which begin at `first`.
pub(super) fn account_state(row: &Row<'_>, first: usize) -> Sql<(Uuid, AccountState)> {
    let account = AccountState {
        number: row.get(first + 1)?,
        kind: parsed(row, first + 2)?,
        status: parsed(row, first + 3)?,
        administrator: row.get(first + 4)?,
        language: row.get(first + 5)?,
        seats: row.get(first + 6)?,
        created_at: row.get(first + 7)?,
        revision: row.get(first + 8)?,
    };
    Ok((row.get(first)?, account))
}

/// Reads the columns [`ACCOUNT`], which begin at `first`.
pub(super) fn account(row: &Row<'_>, first: usize) -> Sql<Account> {
    let (id, state) = account_state(row, first)?;
    Ok(Account {
        id,
        email: row.get(first + 9)?,
        name: row.get(first + 10)?,
        state,
    })
}

/// Reads the columns [`ACCOUNT`] of a joined row, if there is one.
pub(super) fn owner(row: &Row<'_>, first: usize) -> Sql<Option<Arc<Account>>> {
    let id: Option<Uuid> = row.get(first)?;
    id.map(|_| account(row, first).map(Arc::new)).transpose()
}

/// What the ledger records about an account.
pub(super) fn state(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
) -> Sql<Option<(Uuid, AccountState)>> {
    let sql = format!("SELECT {ACCOUNT} FROM accounts WHERE organization_id = ?1 AND id = ?2");
    database
        .prepare_cached(&sql)?
        .query_row((stream, id), |row| account_state(row, 0))
        .optional()
}

/// The account that has an e-mail in just this spelling, and no key.
pub(super) fn apart(database: &Connection, organization: Uuid, email: &str) -> Sql<Option<Uuid>> {
    database
        .prepare_cached(
            "SELECT id FROM accounts INDEXED BY accounts_apart
             WHERE organization_id = ?1 AND email = ?2 AND email IS NOT NULL
                 AND email_key IS NULL",
        )?
        .query_row((organization, email), |row| row.get(0))
        .optional()
}

/// The account whose e-mail has this key.
pub(super) fn with_key(database: &Connection, organization: Uuid, key: &str) -> Sql<Option<Uuid>> {
    database
        .prepare_cached("SELECT id FROM accounts WHERE organization_id = ?1 AND email_key = ?2")?
        .query_row((organization, key), |row| row.get(0))
        .optional()
}

/// The counts of an organization.
pub(super) fn counts(database: &Connection, organization: Uuid) -> Sql<AccountCounts> {
    let read = |row: &Row<'_>| {
        Ok(AccountCounts {
            invited: row.get(0)?,
            active: row.get(1)?,
            deactivated: row.get(2)?,
            removed: row.get(3)?,
            administrators: row.get(4)?,
            holders: row.get(5)?,
            active_holders: row.get(6)?,
            administrator_holders: row.get(7)?,
            services: row.get(8)?,
        })
    };
    let found = database
        .prepare_cached(
            "SELECT invited, active, deactivated, removed, administrators, holders,
                 active_holders, administrator_holders, services
             FROM account_counts WHERE organization_id = ?1",
        )?
        .query_row([organization], read)
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Stores the counts of an organization.
pub(super) fn put_counts(
    database: &Connection,
    organization: Uuid,
    counts: &AccountCounts,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT OR REPLACE INTO account_counts
                 (organization_id, invited, active, deactivated, removed, administrators,
                  holders, active_holders, administrator_holders, services)
             VALUES (:organization, :invited, :active, :deactivated, :removed, :administrators,
                  :holders, :active_holders, :administrator_holders, :services)",
        )?
        .execute(named_params! {
            ":organization": organization, ":invited": counts.invited, ":active": counts.active,
            ":deactivated": counts.deactivated, ":removed": counts.removed,
            ":administrators": counts.administrators, ":holders": counts.holders,
            ":active_holders": counts.active_holders,
            ":administrator_holders": counts.administrator_holders,
            ":services": counts.services,
        })
}

/// Stores a new account.
pub(super) fn insert(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    account: &AccountState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO accounts (organization_id, id, number, kind, status, administrator,
                 language, seats, created_at, revision)
             VALUES (:organization, :id, :number, :kind, :status, :administrator, :language,
                 :seats, :created_at, :revision)",
        )?
        .execute(named_params! {
            ":organization": stream, ":id": id, ":number": account.number,
            ":kind": account.kind.as_str(), ":status": account.status.as_str(),
            ":administrator": account.administrator, ":language": account.language,
            ":seats": account.seats, ":created_at": account.created_at,
            ":revision": account.revision,
        })
}

/// Stores what may change of an account.
pub(super) fn update(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    account: &AccountState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE accounts SET status = ?3, administrator = ?4, language = ?5, revision = ?6
             WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((
            stream,
            id,
            account.status.as_str(),
            account.administrator,
            &account.language,
            account.revision,
        ))
}

/// Stores an account's e-mail and name.
pub(super) fn put_identity(
    database: &Connection,
    stream: Uuid,
    identity: &Identity<'_>,
    if_new: bool,
) -> Sql<usize> {
    let condition = match if_new {
        true => " AND (?3 IS NULL OR email IS NULL) AND (NOT ?6 OR name IS NULL)",
        false => "",
    };
    let sql = format!(
        "UPDATE accounts SET email = coalesce(?3, email), email_key = coalesce(?4, email_key),
             name = iif(?6, ?5, name)
         WHERE organization_id = ?1 AND id = ?2{condition}"
    );
    database.prepare_cached(&sql)?.execute((
        stream,
        identity.id,
        identity.email.map(|email| &email.shown),
        identity.email.map(|email| &email.key),
        identity.name.flatten(),
        identity.name.is_some(),
    ))
}

/// Erases an account's e-mail and name.
pub(super) fn erase(database: &Connection, stream: Uuid, id: Uuid) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE accounts SET email = NULL, email_key = NULL, name = NULL
             WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((stream, id))
}

/// One account.
pub(super) fn one(database: &Connection, organization: Uuid, id: Uuid) -> Sql<Option<Account>> {
    let sql = format!("SELECT {ACCOUNT} FROM accounts WHERE organization_id = ?1 AND id = ?2");
    database
        .prepare_cached(&sql)?
        .query_row((organization, id), |row| account(row, 0))
        .optional()
}

/// The account that an e-mail means.
pub(super) fn by_email(
    database: &Connection,
    organization: Uuid,
    email: &str,
) -> Sql<Option<Account>> {
    let apart = apart(database, organization, &Email::spelled(email))?;
    let id = match (apart, Email::parse(email)) {
        (Some(id), _) => Some(id),
        (None, Ok(email)) => with_key(database, organization, &email.key)?,
        (None, Err(_)) => None,
    };
    let found = id.map(|id| one(database, organization, id)).transpose()?;
    Ok(found.flatten())
}

/// A page of accounts by id; removed ones are left out.
pub(super) fn page(
    database: &Connection,
    organization: Uuid,
    after: Option<Uuid>,
    limit: usize,
) -> Sql<Vec<Account>> {
    let (sql, after) = (page_sql(), page_start(after.as_ref()));
    many(database, &sql, (organization, after, limit), |row| {
        account(row, 0)
    })
}

pub(super) fn page_sql() -> String {
    // By itself SQLite would walk through all of the organization, those that are gone included.
    format!(
        "SELECT {ACCOUNT} FROM accounts INDEXED BY accounts_there
         WHERE organization_id = ?1 AND id > ?2 AND status <> '{REMOVED}' ORDER BY id LIMIT ?3"
    )
}
