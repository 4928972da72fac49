//! Rows of the installation, of tokens and of licenses: how they are stored and read back. It decides nothing:
//! what a change does to rows stands in `effects`.

use std::collections::HashMap;
use std::sync::Arc;

use lictor_core::digest::Digest;
use lictor_core::facts::license::{License, LicenseState};
use lictor_core::facts::organization::{INSTALLATION, Organization, OrganizationState};
use lictor_core::facts::role::Role;
use lictor_core::facts::scope::Scope;
use lictor_core::facts::token::{Origin, Token, TokenState};
use lictor_core::ledger::Entry;
use lictor_core::{KeyId, PublicKey, TrustPolicy, TrustedKey, Validity};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use uuid::Uuid;

use super::accounts;

/// The result of a statement.
pub(super) type Sql<T> = rusqlite::Result<T>;

/// Stores the installation's trust policy.
pub(super) fn put_policy(database: &Connection, policy: TrustPolicy) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO settings (name, value) VALUES ('policy', ?1)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )?
        .execute([policy.to_string()])
}

/// Stores the first head row of an organization.
pub(super) fn insert_head(database: &Connection, id: Uuid) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO heads (stream, position, hash, newest_updated_at, removed)
             VALUES (?1, 0, zeroblob(32), 0, 0)",
        )?
        .execute([id])
}

/// Stores a new organization.
pub(super) fn insert_organization(
    database: &Connection,
    id: Uuid,
    organization: &OrganizationState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO organizations (id, key, number, created_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((
            id,
            &organization.key,
            organization.number,
            organization.created_at,
        ))
}

/// Marks an organization as removed.
pub(super) fn remove_organization(database: &Connection, stream: Uuid) -> Sql<usize> {
    database
        .prepare_cached("UPDATE organizations SET removed = 1 WHERE id = ?1 AND removed = 0")?
        .execute([stream])
}

/// Stores an organization's name.
pub(super) fn name_organization(database: &Connection, id: Uuid, name: Option<&str>) -> Sql<usize> {
    database
        .prepare_cached("UPDATE organizations SET name = ?2 WHERE id = ?1")?
        .execute((id, name))
}

/// Stores a trusted key, or its status.
pub(super) fn put_key(database: &Connection, id: KeyId, key: &TrustedKey) -> Sql<usize> {
    let status = key.status.as_str();
    database
        .prepare_cached(
            "INSERT INTO trusted_keys (id, public_key, status) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET status = excluded.status",
        )?
        .execute((id.to_string(), key.public_key.as_bytes(), status))
}

/// How scopes are stored.
pub(super) fn scopes_text(scopes: &[Scope]) -> Sql<String> {
    serde_json::to_string(scopes)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Reads scopes.
pub(super) fn scopes(row: &Row<'_>, column: usize) -> Sql<Vec<Scope>> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| invalid(column, error))
}

/// Stores a new token.
pub(super) fn insert_token(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    token: &TokenState,
) -> Sql<usize> {
    let scopes = scopes_text(&token.scopes)?;
    database
        .prepare_cached(
            "INSERT INTO tokens
                 (organization_id, id, role, scopes, created_at, expires_at, account_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            stream,
            id,
            token.role.as_str(),
            scopes,
            token.created_at,
            token.expires_at,
            token.account,
        ))
}

/// Stores what may change of a token.
pub(super) fn update_token(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    token: &TokenState,
) -> Sql<usize> {
    database
        .prepare_cached("UPDATE tokens SET revoked_at = ?3 WHERE organization_id = ?1 AND id = ?2")?
        .execute((stream, id, token.revoked_at))
}

/// Stores what a token is found by, and its name.
pub(super) fn put_token_secret(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    sha256: &[u8; 32],
    name: Option<&str>,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE tokens SET secret_sha256 = ?3, name = ?4
             WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((stream, id, sha256, name))
}

/// Stores where a token came from.
pub(super) fn put_token_origin(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    origin: Origin,
) -> Sql<usize> {
    database
        .prepare_cached("UPDATE tokens SET origin = ?3 WHERE organization_id = ?1 AND id = ?2")?
        .execute((stream, id, origin.to_string()))
}

/// Stores a payload, unless it is there.
pub(super) fn insert_payload(
    database: &Connection,
    stream: Uuid,
    sha256: Digest,
    text: &str,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO payloads (organization_id, sha256, text) VALUES (?1, ?2, ?3)
             ON CONFLICT (organization_id, sha256) DO NOTHING",
        )?
        .execute((stream, sha256.0, text))
}

/// Stores what a license has become.
pub(super) fn update_license(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    license: &LicenseState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE licenses SET
                 application = :application, payload_sha256 = :sha256, created_at = :created,
                 updated_at = :updated, revision = :revision
             WHERE organization_id = :organization AND id = :id",
        )?
        .execute(named_params! {
            ":organization": stream, ":id": id, ":application": license.application,
            ":sha256": license.payload_sha256.0, ":created": license.created_at,
            ":updated": license.updated_at, ":revision": license.revision,
        })
}

/// Stores a license with the dates of its document.
pub(super) fn put_license(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    license: &LicenseState,
    dates: Validity,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO licenses
                 (organization_id, id, application, payload_sha256, created_at, updated_at,
                  revision, begins_at, ends_at)
             VALUES (:organization, :id, :application, :sha256, :created, :updated, :revision,
                 :begins, :ends)
             ON CONFLICT (organization_id, id) DO UPDATE SET
                 begins_at = excluded.begins_at, ends_at = excluded.ends_at",
        )?
        .execute(named_params! {
            ":organization": stream, ":id": id, ":application": license.application,
            ":sha256": license.payload_sha256.0, ":created": license.created_at,
            ":updated": license.updated_at, ":revision": license.revision,
            ":begins": dates.begins_at, ":ends": dates.expires_at,
        })
}

/// Removes a license.
pub(super) fn delete_license(database: &Connection, stream: Uuid, id: Uuid) -> Sql<usize> {
    database
        .prepare_cached("DELETE FROM licenses WHERE organization_id = ?1 AND id = ?2")?
        .execute((stream, id))
}

/// Appends a ledger entry.
pub(super) fn append(database: &Connection, entry: &Entry, hash: Digest, body: &str) -> Sql<()> {
    database
        .prepare_cached(
            "INSERT INTO entries (stream, position, hash, body) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((entry.stream, entry.position, hash.0, body))?;
    Ok(())
}

/// The columns of [`license_state`], in its order.
pub(super) const LICENSE: &str =
    "licenses.id, application, payload_sha256, created_at, updated_at, revision";

/// Reads the columns [`LICENSE`].
pub(super) fn license_state(row: &Row<'_>) -> Sql<(Uuid, LicenseState)> {
    let license = LicenseState {
        application: row.get(1)?,
        payload_sha256: Digest(row.get(2)?),
        created_at: row.get(3)?,
        updated_at: row.get(4)?,
        revision: row.get(5)?,
    };
    Ok((row.get(0)?, license))
}

/// Reads the columns [`LICENSE`] and then the payload's text, which must have the right hash.
pub(super) fn license(row: &Row<'_>) -> Sql<License> {
    let (id, state) = license_state(row)?;
    let payload: Arc<str> = row.get(6)?;
    if Digest::of(payload.as_bytes()) != state.payload_sha256 {
        return Err(unreadable(format!(
            "the payload of license {id} is damaged"
        )));
    }
    Ok(License { id, payload, state })
}

/// The columns of [`token_state`] and [`token`], in their order.
pub(super) const TOKEN: &str =
    "tokens.id, role, scopes, tokens.created_at, expires_at, revoked_at, account_id,
     tokens.organization_id, tokens.name, tokens.origin";

/// Where the owner of a token is found, whose columns follow those of [`TOKEN`].
pub(super) const OWNER: &str = "LEFT JOIN accounts ON accounts.organization_id = \
     tokens.organization_id AND accounts.id = tokens.account_id";

/// Reads the first columns of [`TOKEN`].
pub(super) fn token_state(row: &Row<'_>) -> Sql<(Uuid, TokenState)> {
    let role: Role = parsed(row, 1)?;
    let token = TokenState {
        role,
        scopes: scopes(row, 2)?,
        created_at: row.get(3)?,
        expires_at: row.get(4)?,
        revoked_at: row.get(5)?,
        account: row.get(6)?,
    };
    Ok((row.get(0)?, token))
}

/// Reads what a token came from.
pub(super) fn origin(row: &Row<'_>, column: usize) -> Sql<Option<Origin>> {
    let text: Option<String> = row.get(column)?;
    let read = text.map(|text| text.parse()).transpose();
    read.map_err(|error| invalid(column, format!("not an origin: {error}")))
}

/// Reads the columns [`TOKEN`] and then its owner's.
pub(super) fn token(row: &Row<'_>) -> Sql<Token> {
    let (id, state) = token_state(row)?;
    let stream: Uuid = row.get(7)?;
    Ok(Token {
        id,
        organization: (stream != INSTALLATION).then_some(stream),
        name: row.get(8)?,
        origin: origin(row, 9)?,
        account: accounts::owner(row, 10)?,
        application: None,
        role: state.role,
        scopes: state.scopes,
        created_at: state.created_at,
        expires_at: state.expires_at,
        ends: None,
        revoked_at: state.revoked_at,
    })
}

/// The columns of [`organization_state`] and [`organization`], in their order.
pub(super) const ORGANIZATION: &str = "id, key, number, created_at, name";

/// Reads the first columns of [`ORGANIZATION`].
pub(super) fn organization_state(row: &Row<'_>) -> Sql<(Uuid, OrganizationState)> {
    let organization = OrganizationState {
        key: row.get(1)?,
        number: row.get(2)?,
        created_at: row.get(3)?,
    };
    Ok((row.get(0)?, organization))
}

/// Reads the columns [`ORGANIZATION`].
pub(super) fn organization(row: &Row<'_>) -> Sql<Organization> {
    let (id, state) = organization_state(row)?;
    Ok(Organization {
        id,
        key: state.key,
        number: state.number,
        created_at: state.created_at,
        name: row.get(4)?,
    })
}

/// The columns of [`trusted_key`], in its order.
pub(super) const KEY: &str = "id, public_key, status";

/// Public keys that were read before, by their bytes. To check that they are points on the curve is
/// the dearest part of reading one, and every license of a batch may need the same.
#[derive(Default)]
pub(super) struct DecodedKeys(HashMap<[u8; 32], PublicKey>);

impl DecodedKeys {
    fn decode(&mut self, bytes: [u8; 32]) -> Result<PublicKey, String> {
        if let Some(key) = self.0.get(&bytes) {
            return Ok(key.clone());
        }
        let key = PublicKey::from_bytes(&bytes)?;
        self.0.insert(bytes, key.clone());
        Ok(key)
    }
}

/// Reads the columns [`KEY`].
pub(super) fn trusted_key(row: &Row<'_>, decoded: &mut DecodedKeys) -> Sql<(KeyId, TrustedKey)> {
    let id: String = row.get(0)?;
    let id = KeyId::parse(&id).ok_or_else(|| invalid(0, "not a key id"))?;
    let public_key = decoded
        .decode(row.get(1)?)
        .map_err(|error| invalid(1, error))?;
    let status = parsed(row, 2)?;
    Ok((id, TrustedKey { public_key, status }))
}

/// Reads an entry's `body`.
pub(super) fn entry(row: &Row<'_>) -> Sql<Entry> {
    Entry::from_body(row.get_ref(0)?.as_str()?).map_err(|error| invalid(0, error))
}

/// The installation's trust policy, if it is set.
pub(super) fn policy(database: &Connection) -> Sql<Option<TrustPolicy>> {
    database
        .prepare_cached("SELECT value FROM settings WHERE name = 'policy'")?
        .query_row([], |row| parsed(row, 0))
        .optional()
}

/// Reads a word, or what else stands as text.
pub(super) fn parsed<T>(row: &Row<'_>, column: usize) -> Sql<T>
where
    T: std::str::FromStr<Err: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    row.get_ref(column)?
        .as_str()?
        .parse()
        .map_err(|error: T::Err| invalid(column, error))
}

pub(super) fn invalid(
    column: usize,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}

fn unreadable(reason: String) -> rusqlite::Error {
    invalid(0, reason)
}
