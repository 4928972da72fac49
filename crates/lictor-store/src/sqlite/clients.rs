//! Rows of OAuth clients, their grants, codes and access tokens: how they are stored and read
//! back.

use lictor_core::Timestamp;
use lictor_core::digest::Digest;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::client::{CODE_TTL, Client, ClientState, CodesMade};
use lictor_core::facts::grant::{Access, Code, GrantState};
use lictor_core::facts::role::Role;
use lictor_core::facts::token::Token;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, named_params, params};
use uuid::Uuid;

use super::accounts::{self, ACCOUNT};
use super::reads::{many, page_start};
use super::rows::{Sql, scopes, scopes_text};
use crate::facts::GrantBy;

/// The columns of [`client_state`] and [`client`], in their order.
pub(super) const CLIENT: &str = "clients.id, clients.account_id, clients.application, \
     clients.scopes, clients.created_at, clients.removed_at, clients.organization_id, client_id, \
     clients.name, clients.secret_sha256";

/// Reads the first columns of [`CLIENT`].
pub(super) fn client_state(row: &Row<'_>) -> Sql<(Uuid, ClientState)> {
    let client = ClientState {
        account: row.get(1)?,
        application: row.get(2)?,
        scopes: scopes(row, 3)?,
        created_at: row.get(4)?,
        removed_at: row.get(5)?,
    };
    Ok((row.get(0)?, client))
}

fn client(row: &Row<'_>) -> Sql<Client> {
    let (id, state) = client_state(row)?;
    Ok(Client {
        id,
        organization: row.get(6)?,
        client_id: row.get(7)?,
        name: row.get(8)?,
        state,
    })
}

/// The columns of [`grant`], in its order.
pub(super) const GRANT: &str = "id, client, by_code, created_at, revision, revoked_at";

/// Reads the columns [`GRANT`].
pub(super) fn grant(row: &Row<'_>) -> Sql<(Uuid, GrantState)> {
    let grant = GrantState {
        client: row.get(1)?,
        by_code: row.get(2)?,
        created_at: row.get(3)?,
        revision: row.get(4)?,
        revoked_at: row.get(5)?,
    };
    Ok((row.get(0)?, grant))
}

const ACCESS: &str = "sha256, client, grant_id, scopes, ordinal, issued_at, expires_at, ended";

fn access(row: &Row<'_>) -> Sql<(Digest, Access)> {
    let access = Access {
        client: row.get(1)?,
        grant: row.get(2)?,
        scopes: scopes(row, 3)?,
        ordinal: row.get(4)?,
        issued_at: Elapsed::from_seconds(row.get(5)?),
        expires_at: Elapsed::from_seconds(row.get(6)?),
        ended: row.get(7)?,
    };
    Ok((Digest(row.get(0)?), access))
}

/// One client, removed ones included.
pub(super) fn one(database: &Connection, organization: Uuid, id: Uuid) -> Sql<Option<Client>> {
    let sql = format!("SELECT {CLIENT} FROM clients WHERE organization_id = ?1 AND id = ?2");
    database
        .prepare_cached(&sql)?
        .query_row((organization, id), client)
        .optional()
}

/// A page of the clients that are not removed, by id.
pub(super) fn page(
    database: &Connection,
    organization: Uuid,
    after: Option<Uuid>,
    limit: usize,
) -> Sql<Vec<Client>> {
    let (sql, after) = (page_sql(), page_start(after.as_ref()));
    many(database, &sql, (organization, after, limit), client)
}

pub(super) fn page_sql() -> String {
    // By itself SQLite would walk through all of the organization, those that are gone included.
    format!(
        "SELECT {CLIENT} FROM clients INDEXED BY clients_there
         WHERE organization_id = ?1 AND id > ?2 AND removed_at IS NULL ORDER BY id LIMIT ?3"
    )
}

/// The client that calls itself so, and its secret's hash.
pub(super) fn by_client_id(
    database: &Connection,
    client_id: &str,
) -> Sql<Option<(Client, Digest)>> {
    let sql = format!(
        "SELECT {CLIENT} FROM clients WHERE client_id = ?1 AND NOT EXISTS
             (SELECT 1 FROM heads WHERE stream = clients.organization_id AND removed = 1)"
    );
    let read = |row: &Row<'_>| Ok((client(row)?, Digest(row.get(9)?)));
    database
        .prepare_cached(&sql)?
        .query_row([client_id], read)
        .optional()
}

/// The organization in which a refresh token or an access token was handed out.
pub(super) fn organization_of(database: &Connection, sha256: Digest) -> Sql<Option<Uuid>> {
    let sql = "SELECT organization_id FROM grants WHERE refresh_sha256 = ?1
         UNION ALL SELECT organization_id FROM access_tokens WHERE sha256 = ?1 LIMIT 1";
    database
        .prepare_cached(sql)?
        .query_row([sha256.0], |row| row.get(0))
        .optional()
}

/// An access token as a token of its client: one of an administrator, cut down to its scopes.
pub(super) fn token(database: &Connection, sha256: [u8; 32]) -> Sql<Option<Token>> {
    let sql = format!(
        "SELECT access_tokens.client, access_tokens.organization_id, clients.name,
             access_tokens.scopes, clients.created_at, expires_at, clients.application, ended,
             clients.removed_at, grants.revoked_at, {ACCOUNT}
         FROM access_tokens
         JOIN clients ON clients.organization_id = access_tokens.organization_id
             AND clients.id = access_tokens.client
         LEFT JOIN grants ON grants.organization_id = access_tokens.organization_id
             AND grants.id = access_tokens.grant_id
         LEFT JOIN accounts ON accounts.organization_id = access_tokens.organization_id
             AND accounts.id = clients.account_id
         WHERE access_tokens.sha256 = ?1 AND NOT EXISTS
             (SELECT 1 FROM heads WHERE stream = access_tokens.organization_id AND removed = 1)"
    );
    let read = |row: &Row<'_>| {
        let (created_at, ended): (Timestamp, bool) = (row.get(4)?, row.get(7)?);
        let removed: Option<Timestamp> = row.get(8)?;
        let revoked: Option<Timestamp> = row.get(9)?;
        Ok(Token {
            id: row.get(0)?,
            organization: Some(row.get(1)?),
            name: row.get(2)?,
            role: Role::Admin,
            scopes: scopes(row, 3)?,
            created_at,
            expires_at: None,
            ends: Some(Elapsed::from_seconds(row.get(5)?)),
            revoked_at: removed.or(revoked).or(ended.then_some(created_at)),
            account: accounts::owner(row, 10)?,
            application: row.get(6)?,
            origin: None,
        })
    };
    database
        .prepare_cached(&sql)?
        .query_row([sha256], read)
        .optional()
}

/// A client's live grants, and all that were given since then; and when.
pub(super) fn grants_of(
    database: &Connection,
    stream: Uuid,
    client: Uuid,
    since: Elapsed,
) -> Sql<Vec<(Uuid, GrantState, Elapsed)>> {
    let sql = format!(
        "SELECT {GRANT}, given_at FROM grants INDEXED BY grants_by_client
         WHERE organization_id = ?1 AND client = ?2 AND (revoked_at IS NULL OR given_at > ?3)"
    );
    let parameters = (stream, client, since.seconds());
    many(database, &sql, parameters, |row| {
        let (id, grant) = grant(row)?;
        Ok((id, grant, Elapsed::from_seconds(row.get(6)?)))
    })
}

/// How many codes were made for a client after a moment: those that nobody used, and those that became
/// grants.
pub(super) fn codes_of(
    database: &Connection,
    stream: Uuid,
    client: Uuid,
    since: Elapsed,
) -> Sql<CodesMade> {
    let sql = "SELECT count(*), min(made_at) FROM (
             SELECT expires_at - ?3 AS made_at FROM codes INDEXED BY codes_by_client
                 WHERE organization_id = ?1 AND client = ?2 AND expires_at > ?3 + ?4
             UNION ALL SELECT given_at FROM grants INDEXED BY grants_by_client
                 WHERE organization_id = ?1 AND client = ?2 AND by_code = 1 AND given_at > ?4)";
    let read = |row: &Row<'_>| {
        let oldest: Option<i64> = row.get(1)?;
        Ok(CodesMade {
            count: row.get(0)?,
            oldest: oldest.map(Elapsed::from_seconds),
        })
    };
    database
        .prepare_cached(sql)?
        .query_row((stream, client, CODE_TTL, since.seconds()), read)
}

/// A code that nobody used.
pub(super) fn unused_code(database: &Connection, stream: Uuid, code: Digest) -> Sql<Option<Code>> {
    let unused = "SELECT client, expires_at FROM codes WHERE organization_id = ?1 AND sha256 = ?2";
    let read = |row: &Row<'_>| {
        let (client, expires_at) = (row.get(0)?, Elapsed::from_seconds(row.get(1)?));
        Ok(Code::Unused { client, expires_at })
    };
    database
        .prepare_cached(unused)?
        .query_row((stream, code.0), read)
        .optional()
}

/// The grant that is meant.
pub(super) fn one_grant(
    database: &Connection,
    stream: Uuid,
    by: GrantBy,
) -> Sql<Option<(Uuid, GrantState)>> {
    let (column, value): (&str, &dyn ToSql) = match &by {
        GrantBy::Id(id) => ("id", id),
        GrantBy::Code(code) => ("code_sha256", &code.0),
        GrantBy::RefreshToken(secret) => ("refresh_sha256", &secret.0),
    };
    let sql = format!("SELECT {GRANT} FROM grants WHERE organization_id = ?1 AND {column} = ?2");
    database
        .prepare_cached(&sql)?
        .query_row(params![stream, value], grant)
        .optional()
}

/// One access token.
pub(super) fn access_token(
    database: &Connection,
    stream: Uuid,
    secret: Digest,
) -> Sql<Option<(Digest, Access)>> {
    let sql =
        format!("SELECT {ACCESS} FROM access_tokens WHERE organization_id = ?1 AND sha256 = ?2");
    database
        .prepare_cached(&sql)?
        .query_row((stream, secret.0), access)
        .optional()
}

/// The access tokens that rest on a grant, or on a client's credentials.
pub(super) fn access_tokens_of(
    database: &Connection,
    stream: Uuid,
    client: Uuid,
    grant: Option<Uuid>,
) -> Sql<Vec<(Digest, Access)>> {
    let sql = format!(
        "SELECT {ACCESS} FROM access_tokens INDEXED BY access_tokens_by_grant
         WHERE organization_id = ?1 AND client = ?2 AND grant_id IS ?3"
    );
    many(database, &sql, (stream, client, grant), access)
}

/// Stores a new client.
pub(super) fn insert(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    client: &ClientState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO clients
                 (organization_id, id, account_id, application, scopes, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            stream,
            id,
            client.account,
            &client.application,
            scopes_text(&client.scopes)?,
            client.created_at,
        ))
}

/// Stores what may change of a client.
pub(super) fn update(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    client: &ClientState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE clients SET removed_at = ?3 WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((stream, id, client.removed_at))
}

/// Stores what a client calls itself, the hash of its secret, and its name.
pub(super) fn put_secret(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    (client_id, sha256, name): (&str, Digest, Option<&str>),
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE clients SET client_id = ?3, secret_sha256 = ?4, name = ?5
             WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((stream, id, client_id, sha256.0, name))
}

/// Stores a client's name.
pub(super) fn name(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    name: Option<&str>,
) -> Sql<usize> {
    database
        .prepare_cached("UPDATE clients SET name = ?3 WHERE organization_id = ?1 AND id = ?2")?
        .execute((stream, id, name))
}

/// Stores a new grant.
pub(super) fn insert_grant(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    grant: &GrantState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO grants
                 (organization_id, id, client, by_code, created_at, revision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            stream,
            id,
            grant.client,
            grant.by_code,
            grant.created_at,
            grant.revision,
        ))
}

/// Stores what may change of a grant.
pub(super) fn update_grant(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    grant: &GrantState,
) -> Sql<usize> {
    database
        .prepare_cached("UPDATE grants SET revoked_at = ?3 WHERE organization_id = ?1 AND id = ?2")?
        .execute((stream, id, grant.revoked_at))
}

/// Stores the hashes of what stands for a grant, and when it was given.
pub(super) fn put_grant_secret(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    (refresh, code, given_at): (Digest, Option<Digest>, Elapsed),
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE grants SET refresh_sha256 = ?3, code_sha256 = ?4, given_at = ?5
             WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((
            stream,
            id,
            refresh.0,
            code.map(|code| code.0),
            given_at.seconds(),
        ))
}

/// Stores a new code.
pub(super) fn insert_code(
    database: &Connection,
    stream: Uuid,
    sha256: Digest,
    client: Uuid,
    expires_at: Elapsed,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO codes (organization_id, sha256, client, expires_at)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((stream, sha256.0, client, expires_at.seconds()))
}

/// Removes a code.
pub(super) fn delete_code(database: &Connection, stream: Uuid, sha256: Digest) -> Sql<usize> {
    database
        .prepare_cached("DELETE FROM codes WHERE organization_id = ?1 AND sha256 = ?2")?
        .execute((stream, sha256.0))
}

/// Stores that an access token ended before its time.
pub(super) fn end_access(database: &Connection, stream: Uuid, sha256: Digest) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE access_tokens SET ended = 1 WHERE organization_id = ?1 AND sha256 = ?2",
        )?
        .execute((stream, sha256.0))
}

/// Stores a new access token.
pub(super) fn hand_out(
    database: &Connection,
    stream: Uuid,
    sha256: Digest,
    access: &Access,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO access_tokens (organization_id, sha256, client, grant_id, scopes,
                 ordinal, issued_at, expires_at, ended)
             VALUES (:organization, :sha256, :client, :grant, :scopes, :ordinal, :issued,
                 :expires, :ended)",
        )?
        .execute(named_params! {
            ":organization": stream, ":sha256": sha256.0, ":client": access.client,
            ":grant": access.grant, ":scopes": scopes_text(&access.scopes)?,
            ":ordinal": access.ordinal, ":issued": access.issued_at.seconds(),
            ":expires": access.expires_at.seconds(), ":ended": access.ended,
        })
}
