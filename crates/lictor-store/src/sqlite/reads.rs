//! The statements of the reads. They take a connection and give domain values; nothing here writes.

use std::collections::BTreeMap;

use lictor_core::elapsed::Now;
use lictor_core::facts::entitlement::Basis;
use lictor_core::facts::license::{License, Newest};
use lictor_core::facts::organization::{INSTALLATION, Organization};
use lictor_core::facts::quota::Quota;
use lictor_core::facts::token::Token;
use lictor_core::ledger::{Entry, Head};
use lictor_core::{Date, Timestamp, TrustPolicy, TrustSet};
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use uuid::Uuid;

use super::accounts::{self, ACCOUNT, ACTIVE};
use super::rows::{self, DecodedKeys, KEY, LICENSE, ORGANIZATION, OWNER, Sql, TOKEN};
use super::{applications, clients, heads, usage};
use crate::{Bounds, Breather, Figures, PAGE_BYTES};

/// One license.
pub(super) fn license(database: &Connection, organization: Uuid, id: Uuid) -> Sql<Option<License>> {
    let found = licenses(database, "licenses.id = ?2 LIMIT 1", (organization, id))?;
    Ok(found.into_iter().next())
}

/// A page of licenses by id.
pub(super) fn licenses_page(
    database: &Connection,
    organization: Uuid,
    application: Option<&str>,
    after: Option<Uuid>,
    limit: usize,
) -> Sql<Vec<License>> {
    let after = page_start(after.as_ref());
    match application {
        None => {
            let rest = "licenses.id > ?2 ORDER BY licenses.id LIMIT ?3";
            licenses_within(database, rest, (organization, after, limit), PAGE_BYTES)
        }
        Some(application) => {
            // By itself SQLite would walk through the licenses of all applications.
            let rest = "licenses.id IN (SELECT one.id
                            FROM licenses AS one INDEXED BY licenses_by_application
                            WHERE one.organization_id = ?1 AND one.application = ?4
                                AND one.id > ?2
                            ORDER BY one.id LIMIT ?3)
                        ORDER BY licenses.id";
            let parameters = (organization, after, limit, application);
            licenses_within(database, rest, parameters, PAGE_BYTES)
        }
    }
}

/// Those of an application's licenses that were written after a moment, the newest first, up to the one by
/// which their payloads come to so many bytes.
pub(super) fn licenses_since(
    database: &Connection,
    organization: Uuid,
    application: &str,
    after: (Timestamp, u64),
    (limit, bytes): (usize, usize),
) -> Sql<Newest> {
    let rest = "application = ?2 AND (updated_at, revision) > (?3, ?4)
                ORDER BY updated_at DESC, revision DESC LIMIT ?5";
    let parameters = (organization, application, after.0, after.1, limit);
    let licenses = licenses_within(database, rest, parameters, bytes)?;
    let read: usize = licenses.iter().map(|license| license.payload.len()).sum();
    let ends_early = licenses.len() == limit || read >= bytes;
    let oldest = licenses.last().filter(|_| ends_early).map(written);
    Ok(Newest {
        all_after: oldest.unwrap_or(after),
        licenses,
    })
}

pub(super) fn written(license: &License) -> (Timestamp, u64) {
    (license.state.updated_at, license.state.revision)
}

/// The license written last.
pub(super) fn current_license(database: &Connection, organization: Uuid) -> Sql<Option<License>> {
    let rest = "true ORDER BY updated_at DESC, revision DESC LIMIT 1";
    Ok(licenses(database, rest, [organization])?.into_iter().next())
}

pub(super) fn licenses(
    database: &Connection,
    rest: &str,
    parameters: impl Params,
) -> Sql<Vec<License>> {
    licenses_within(database, rest, parameters, usize::MAX)
}

/// Licenses up to the one by which their payloads come to `most` bytes.
fn licenses_within(
    database: &Connection,
    rest: &str,
    parameters: impl Params,
    most: usize,
) -> Sql<Vec<License>> {
    // A license whose payload is missing must show as an error, not as absent: hence `LEFT`.
    let sql = format!(
        "SELECT {LICENSE}, text FROM licenses
         LEFT JOIN payloads ON payloads.organization_id = licenses.organization_id
             AND payloads.sha256 = licenses.payload_sha256
         WHERE licenses.organization_id = ?1 AND {rest}"
    );
    let mut select = database.prepare_cached(&sql)?;
    let mut found = select.query(parameters)?;
    let (mut licenses, mut bytes, mut breather) = (Vec::new(), 0, Breather::new());
    while bytes < most
        && let Some(row) = found.next()?
    {
        let license = rows::license(row)?;
        bytes += license.payload.len();
        licenses.push(license);
        breather.breathe();
    }
    Ok(licenses)
}

/// The applications and the counts of accounts.
pub(super) fn figures(database: &Connection, organization: Uuid) -> Sql<Figures> {
    let view = database.unchecked_transaction()?;
    let head = heads::one(&view, organization)?;
    Ok(Figures {
        applications: applications::all(&view, organization)?,
        counts: accounts::counts(&view, organization)?,
        position: head.map_or(0, |row| row.head.position),
    })
}

/// Some of the applications and the counts of accounts.
pub(super) fn figures_of(
    database: &Connection,
    organization: Uuid,
    keys: &[String],
) -> Sql<Figures> {
    let view = database.unchecked_transaction()?;
    let head = heads::one(&view, organization)?;
    let mut applications = Vec::with_capacity(keys.len());
    for key in keys {
        applications.extend(applications::one(&view, organization, key)?);
    }
    Ok(Figures {
        applications,
        counts: accounts::counts(&view, organization)?,
        position: head.map_or(0, |row| row.head.position),
    })
}

/// What the state of nodes may rest on.
pub(super) fn basis(database: &Connection, organization: Uuid) -> Sql<Basis> {
    basis_in(&*database.unchecked_transaction()?, organization)
}

pub(super) fn basis_in(view: &Connection, organization: Uuid) -> Sql<Basis> {
    let own = heads::one(view, organization)?;
    let installation = heads::one(view, INSTALLATION)?;
    Ok(Basis {
        licenses: own.map_or(0, |row| row.basis_changed),
        trust: installation.map_or(0, |row| row.basis_changed),
    })
}

/// The live organizations.
pub(super) fn organizations(database: &Connection) -> Sql<Vec<Organization>> {
    let sql = format!("SELECT {ORGANIZATION} FROM organizations WHERE removed = 0 ORDER BY key");
    many(database, &sql, [], rows::organization)
}

/// The trusted keys.
pub(super) fn trust(database: &Connection) -> Sql<TrustSet> {
    let sql = format!("SELECT {KEY} FROM trusted_keys");
    let mut decoded = DecodedKeys::default();
    let keys = many(database, &sql, [], |row| {
        rows::trusted_key(row, &mut decoded)
    })?;
    Ok(keys.into_iter().collect::<BTreeMap<_, _>>().into())
}

/// The trust policy.
pub(super) fn policy(database: &Connection) -> Sql<Option<TrustPolicy>> {
    rows::policy(database)
}

/// A token by its secret's hash, unless its organization was removed.
pub(super) fn token_by_secret(database: &Connection, sha256: [u8; 32]) -> Sql<Option<Token>> {
    let sql = format!(
        "SELECT {TOKEN}, {ACCOUNT} FROM tokens {OWNER} WHERE secret_sha256 = ?1 AND NOT EXISTS
             (SELECT 1 FROM heads WHERE stream = tokens.organization_id AND removed = 1)"
    );
    let found = database
        .prepare_cached(&sql)?
        .query_row([sha256], rows::token)
        .optional()?;
    match found {
        Some(token) => Ok(Some(token)),
        None => clients::token(database, sha256),
    }
}

/// A page of tokens by id.
pub(super) fn tokens(
    database: &Connection,
    stream: Uuid,
    after: Option<Uuid>,
    limit: usize,
) -> Sql<Vec<Token>> {
    let sql = format!(
        "SELECT {TOKEN}, {ACCOUNT} FROM tokens {OWNER}
         WHERE tokens.organization_id = ?1 AND tokens.id > ?2 ORDER BY tokens.id LIMIT ?3"
    );
    many(
        database,
        &sql,
        (stream, page_start(after.as_ref()), limit),
        rows::token,
    )
}

/// How many owners the live tokens of a stream have.
pub(super) fn token_owners(database: &Connection, stream: Uuid, now: Timestamp) -> Sql<usize> {
    let sql = format!(
        "SELECT count(DISTINCT coalesce(tokens.account_id, tokens.id))
         FROM tokens INDEXED BY tokens_unrevoked {OWNER}
         WHERE tokens.organization_id = ?1 AND tokens.revoked_at IS NULL
             AND (expires_at IS NULL OR expires_at > ?2)
             AND (tokens.account_id IS NULL OR accounts.status = '{ACTIVE}')"
    );
    database
        .prepare_cached(&sql)?
        .query_row((stream, now), |row| row.get(0))
}

/// A page of a stream's entries.
pub(super) fn entries(
    database: &Connection,
    stream: Uuid,
    after: u64,
    limit: usize,
) -> Sql<Vec<Entry>> {
    let sql = "SELECT body FROM entries
               WHERE stream = ?1 AND position > ?2 ORDER BY position LIMIT ?3";
    many(database, sql, (stream, after, limit), rows::entry)
}

/// Who made the entries at these positions.
pub(super) fn actors(
    database: &Connection,
    stream: Uuid,
    positions: &[u64],
) -> Sql<BTreeMap<u64, Uuid>> {
    let view = database.unchecked_transaction()?;
    let mut select =
        view.prepare_cached("SELECT body FROM entries WHERE stream = ?1 AND position = ?2")?;
    let mut actors = BTreeMap::new();
    for position in positions {
        let entry = select
            .query_row((stream, position), rows::entry)
            .optional()?;
        let actor = entry.and_then(|entry| entry.actor);
        actors.extend(actor.map(|actor| (*position, actor)));
    }
    Ok(actors)
}

/// Where a stream ends.
pub(super) fn head(database: &Connection, stream: Uuid) -> Sql<Option<Head>> {
    Ok(heads::one(database, stream)?.map(|row| row.head))
}

/// What an organization has, in this month or on this day where it goes by those, and may have.
pub(super) fn bounds(database: &Connection, organization: Uuid, now: &Now) -> Sql<Option<Bounds>> {
    let view = database.unchecked_transaction()?;
    let Some(mut row) = heads::one(&view, organization)? else {
        return Ok(None);
    };
    row.begin_day(now.elapsed());
    let series = usage::of_month(&view, organization, &Date::of(now.wall()).month())?;
    row.used.put(Quota::UsageSeries, series);
    Ok(Some(Bounds {
        quotas: row.quotas,
        used: row.used,
        grown: row.grown,
    }))
}

/// What the ids of a page are greater than. A client may give a license any UUID, all zeros
/// included, so a first page begins after the empty blob, which comes before every id.
pub(super) fn page_start(after: Option<&Uuid>) -> &[u8] {
    after.map_or(&[], |id| id.as_bytes())
}

/// All rows of a statement.
pub(super) fn many<T>(
    database: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> Sql<T>,
) -> Sql<Vec<T>> {
    database
        .prepare_cached(sql)?
        .query_map(parameters, read)?
        .collect()
}
