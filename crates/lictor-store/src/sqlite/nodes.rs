//! Rows of nodes, of their settings and of the rotations they trust keys by: how they are stored
//! and read back.

use lictor_core::digest::Digest;
use lictor_core::document::rotation::Rotation;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::node::{
    Counting, Leave, Node, NodeIdentity, NodeSeen, NodeSettings, NodeState,
};
use lictor_core::feed::NodePolicy;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use uuid::Uuid;

use super::reads::{many, page_start};
use super::rows::{Sql, invalid};
use crate::NodePlaces;
use crate::facts::By;

/// The columns of [`node_state`], [`identity`] and [`read`], in their order.
pub(super) const NODE: &str = "id, application, created_at, joined_at, revoked_at, name, \
     token_sha256, token_expires_at, credential_sha256, organization_id, seen, pool, left_by, \
     (SELECT node_pools.name FROM node_pools WHERE \
         node_pools.organization_id = nodes.organization_id AND node_pools.id = nodes.pool), \
     (SELECT forget_after FROM node_pools WHERE \
         node_pools.organization_id = nodes.organization_id AND node_pools.id = nodes.pool)";

/// Reads the first columns of [`NODE`].
pub(super) fn node_state(row: &Row<'_>) -> Sql<(Uuid, NodeState)> {
    let node = NodeState {
        application: row.get(1)?,
        created_at: row.get(2)?,
        joined_at: row.get(3)?,
        revoked_at: row.get(4)?,
        pool: row.get(11)?,
        left: left(row, 12)?,
    };
    Ok((row.get(0)?, node))
}

fn left(row: &Row<'_>, column: usize) -> Sql<Option<Leave>> {
    let word = row.get_ref(column)?.as_str_or_null()?;
    word.map(|word| word.parse().map_err(|error: String| invalid(column, error)))
        .transpose()
}

fn identity(row: &Row<'_>) -> Sql<NodeIdentity> {
    let token: Option<[u8; 32]> = row.get(6)?;
    let credential: Option<[u8; 32]> = row.get(8)?;
    Ok(NodeIdentity {
        name: row.get(5)?,
        token_sha256: token.map(Digest),
        token_expires_at: Elapsed::from_seconds(row.get(7)?),
        credential_sha256: credential.map(Digest),
    })
}

fn read(row: &Row<'_>) -> Sql<Node> {
    let (id, state) = node_state(row)?;
    Ok(Node {
        id,
        organization: row.get(9)?,
        state,
        identity: identity(row)?,
        pool: row.get(13)?,
        forget_after: row.get(14)?,
        // Damaged, it must not keep the node from signing in: its next report is in its place.
        seen: json(row, 10, |text| Ok(serde_json::from_str(text).ok()))?.flatten(),
    })
}

/// Reads JSON that may be null.
fn json<T>(
    row: &Row<'_>,
    column: usize,
    read: impl FnOnce(&str) -> serde_json::Result<T>,
) -> Sql<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(read)
        .transpose()
        .map_err(|error| invalid(column, error))
}

fn stored(json: serde_json::Result<String>) -> Sql<String> {
    json.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn first<T>(
    database: &Connection,
    rest: &str,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> Sql<T>,
) -> Sql<Option<T>> {
    database
        .prepare_cached(&format!("SELECT {NODE} FROM nodes WHERE {rest}"))?
        .query_row(parameters, read)
        .optional()
}

const BY_ID: &str = "organization_id = ?1 AND id = ?2";
const BY_NAME: &str = "organization_id = ?1 AND name = ?2 AND revoked_at IS NULL";

/// One node, revoked ones included.
pub(super) fn one(database: &Connection, organization: Uuid, id: Uuid) -> Sql<Option<Node>> {
    first(database, BY_ID, (organization, id), read)
}

/// Whether a node of another organization has this id.
pub(super) fn is_elsewhere(database: &Connection, organization: Uuid, id: Uuid) -> Sql<bool> {
    database
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM nodes INDEXED BY nodes_by_id
             WHERE id = ?2 AND organization_id <> ?1)",
        )?
        .query_row((organization, id), |row| row.get(0))
}

/// The node with this name that is not revoked; where there is none, the one that left.
pub(super) fn by_name(database: &Connection, organization: Uuid, name: &str) -> Sql<Option<Node>> {
    let live = first(database, BY_NAME, (organization, name), read)?;
    let left = "organization_id = ?1 AND id = (SELECT one.id
                    FROM nodes AS one INDEXED BY nodes_left_name
                    WHERE one.organization_id = ?1 AND one.name = ?2 AND one.left_by IS NOT NULL
                    LIMIT 1)";
    match live {
        Some(live) => Ok(Some(live)),
        None => first(database, left, (organization, name), read),
    }
}

/// The node with this enrollment token or credential, unless its organization was removed.
pub(super) fn by_secret(database: &Connection, sha256: Digest) -> Sql<Option<Node>> {
    let rest = "(token_sha256 = ?1 OR credential_sha256 = ?1) AND NOT EXISTS
         (SELECT 1 FROM heads WHERE stream = nodes.organization_id AND removed = 1)";
    first(database, rest, [sha256.0], read)
}

/// A page of the nodes that are not revoked, by id.
pub(super) fn page(
    database: &Connection,
    organization: Uuid,
    after: Option<Uuid>,
    limit: usize,
) -> Sql<Vec<Node>> {
    let after = page_start(after.as_ref());
    many(database, &page_sql(), (organization, after, limit), read)
}

pub(super) fn page_sql() -> String {
    // By itself SQLite would walk through all nodes of the organization, those that are gone included.
    format!(
        "SELECT {NODE} FROM nodes INDEXED BY nodes_live
         WHERE organization_id = ?1 AND id > ?2 AND revoked_at IS NULL ORDER BY id LIMIT ?3"
    )
}

/// How many nodes take a place, by organization and application: those that are not revoked, and joined
/// or still can.
pub(super) fn places(
    database: &Connection,
    organization: Option<Uuid>,
    now: Elapsed,
) -> Sql<Vec<NodePlaces>> {
    let of = organization.map_or("", |_| "organization_id = ?2 AND");
    // By itself SQLite would walk through the applications that have no node as well.
    let sql = format!(
        "SELECT organization_id, key, joined_nodes + (SELECT count(*)
                 FROM nodes INDEXED BY nodes_to_join
                 WHERE nodes.organization_id = applications.organization_id AND application = key
                     AND revoked_at IS NULL AND joined_at IS NULL AND token_expires_at > ?1)
                 AS enrolled
         FROM applications INDEXED BY applications_with_nodes
         WHERE {of} nodes > 0 AND enrolled > 0 ORDER BY organization_id, key"
    );
    let read = |row: &Row<'_>| {
        Ok(NodePlaces {
            organization: row.get(0)?,
            application: row.get(1)?,
            enrolled: row.get(2)?,
        })
    };
    match organization {
        Some(organization) => many(database, &sql, (now.seconds(), organization), read),
        None => many(database, &sql, [now.seconds()], read),
    }
}

/// Who counts in the epochs of a node. Damaged, it is as if nobody did: the next start says so anew.
pub(super) fn starts(database: &Connection, organization: Uuid, id: Uuid) -> Sql<Vec<Counting>> {
    let sql = format!("SELECT starts FROM nodes WHERE {BY_ID}");
    let found = database
        .prepare_cached(&sql)?
        .query_row((organization, id), |row| {
            json(row, 0, |text| Ok(serde_json::from_str(text).ok()))
        })
        .optional()?;
    Ok(found.flatten().flatten().unwrap_or_default())
}

/// The settings of all nodes of an organization.
pub(super) fn settings(database: &Connection, organization: Uuid) -> Sql<NodeSettings> {
    let read = |row: &Row<'_>| {
        Ok(NodeSettings {
            policy: NodePolicy {
                stale_after: row.get(0)?,
                expires_after: row.get(1)?,
                grace: row.get(2)?,
            },
            raised: row.get(3)?,
        })
    };
    let found = database
        .prepare_cached(
            "SELECT stale_after, expires_after, grace, raised FROM node_settings
             WHERE organization_id = ?1",
        )?
        .query_row([organization], read)
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// The rotations of all trusted keys, by the new key's id.
pub(super) fn rotations(database: &Connection) -> Sql<Vec<Rotation>> {
    let sql = "SELECT rotation FROM trusted_keys WHERE rotation IS NOT NULL ORDER BY id";
    let found = many(database, sql, [], |row| {
        json(row, 0, |text| serde_json::from_str(text))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// What rules see of the node that is meant.
pub(super) fn state(
    database: &Connection,
    stream: Uuid,
    by: By<'_>,
) -> Sql<Option<(Uuid, NodeState, NodeIdentity)>> {
    let read = |row: &Row<'_>| {
        let (id, node) = node_state(row)?;
        Ok((id, node, identity(row)?))
    };
    match by {
        By::Id(id) => first(database, BY_ID, (stream, id), read),
        By::Name(name) => first(database, BY_NAME, (stream, name), read),
    }
}

/// How many nodes of an application have not joined, and still can.
pub(super) fn to_join(
    database: &Connection,
    stream: Uuid,
    application: &str,
    now: Elapsed,
) -> Sql<u64> {
    database
        .prepare_cached(
            "SELECT count(*) FROM nodes INDEXED BY nodes_to_join
             WHERE organization_id = ?1 AND application = ?2 AND revoked_at IS NULL
                 AND joined_at IS NULL AND token_expires_at > ?3",
        )?
        .query_row((stream, application, now.seconds()), |row| row.get(0))
}

/// Counts nodes of an application.
pub(super) fn count(
    database: &Connection,
    stream: Uuid,
    application: &str,
    nodes: i64,
    joined: i64,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE applications SET nodes = nodes + ?3, joined_nodes = joined_nodes + ?4
             WHERE organization_id = ?1 AND key = ?2",
        )?
        .execute((stream, application, nodes, joined))
}

/// Stores a new node.
pub(super) fn insert(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    node: &NodeState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO nodes (organization_id, id, application, created_at, pool)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((stream, id, &node.application, node.created_at, node.pool))
}

/// Stores what may change of a node.
pub(super) fn update(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    node: &NodeState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE nodes SET joined_at = ?3, revoked_at = ?4, pool = ?5, left_by = ?6
             WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((
            stream,
            id,
            node.joined_at,
            node.revoked_at,
            node.pool,
            node.left.map(Leave::as_str),
        ))
}

/// Removes a node.
pub(super) fn delete(database: &Connection, stream: Uuid, id: Uuid) -> Sql<usize> {
    database
        .prepare_cached("DELETE FROM nodes WHERE organization_id = ?1 AND id = ?2")?
        .execute((stream, id))
}

/// Stores how long nodes go on without news.
pub(super) fn set_policy(database: &Connection, stream: Uuid, policy: NodePolicy) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO node_settings (organization_id, stale_after, expires_after, grace, raised)
             VALUES (?1, ?2, ?3, ?4, 0)
             ON CONFLICT (organization_id) DO UPDATE SET stale_after = excluded.stale_after,
                 expires_after = excluded.expires_after, grace = excluded.grace",
        )?
        .execute((
            stream,
            policy.stale_after,
            policy.expires_after,
            policy.grace,
        ))
}

/// Adds to what the revision was raised by. A sum that is too large for SQLite becomes a float, which the column
/// refuses.
pub(super) fn add_to_raised(database: &Connection, stream: Uuid, raise: u64) -> Sql<usize> {
    let policy = NodePolicy::default();
    database
        .prepare_cached(
            "INSERT INTO node_settings (organization_id, stale_after, expires_after, grace, raised)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (organization_id) DO UPDATE SET raised = raised + excluded.raised",
        )?
        .execute((
            stream,
            policy.stale_after,
            policy.expires_after,
            policy.grace,
            raise,
        ))
}

/// Stores what a node is known and recognized by.
pub(super) fn put_identity(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    identity: &NodeIdentity,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE nodes SET name = ?3, token_sha256 = ?4, token_expires_at = ?5,
                 credential_sha256 = ?6
             WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((
            stream,
            id,
            &identity.name,
            identity.token_sha256.map(|sha256| sha256.0),
            identity.token_expires_at.seconds(),
            identity.credential_sha256.map(|sha256| sha256.0),
        ))
}

/// Stores what a node said of itself.
pub(super) fn put_seen(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    seen: &NodeSeen,
) -> Sql<usize> {
    database
        .prepare_cached("UPDATE nodes SET seen = ?3 WHERE organization_id = ?1 AND id = ?2")?
        .execute((stream, id, stored(serde_json::to_string(seen))?))
}

/// Stores who counts in the epochs of a node.
pub(super) fn put_starts(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    counting: &[Counting],
) -> Sql<usize> {
    database
        .prepare_cached("UPDATE nodes SET starts = ?3 WHERE organization_id = ?1 AND id = ?2")?
        .execute((stream, id, stored(serde_json::to_string(counting))?))
}

/// Stores the rotation by which nodes trust a key.
pub(super) fn put_rotation(database: &Connection, rotation: &Rotation) -> Sql<usize> {
    database
        .prepare_cached("UPDATE trusted_keys SET rotation = ?2 WHERE id = ?1")?
        .execute((
            rotation.to.id().to_string(),
            stored(serde_json::to_string(rotation))?,
        ))
}
