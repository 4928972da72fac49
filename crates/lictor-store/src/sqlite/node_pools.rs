//! Rows of pools of nodes, and which of their nodes may have been silent: how they are stored and read
//! back.

use lictor_core::digest::Digest;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::pool::{Pool, PoolIdentity, PoolState};
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use uuid::Uuid;

use super::reads::{many, page_start};
use super::rows::Sql;
use crate::facts::By;
use crate::{PoolBy, PoolNode};

/// The columns of [`pool_state`], [`identity`] and [`pool`], in their order.
const POOL: &str = "id, application, uses, forget_after, created_at, revoked_at, name, \
     token_sha256, token_expires_at, organization_id, taken";

/// Reads the first columns of [`POOL`].
fn pool_state(row: &Row<'_>) -> Sql<(Uuid, PoolState)> {
    let pool = PoolState {
        application: row.get(1)?,
        uses: row.get(2)?,
        forget_after: row.get(3)?,
        created_at: row.get(4)?,
        revoked_at: row.get(5)?,
        taken: row.get(10)?,
    };
    Ok((row.get(0)?, pool))
}

fn identity(row: &Row<'_>) -> Sql<PoolIdentity> {
    Ok(PoolIdentity {
        name: row.get(6)?,
        token_sha256: Digest(row.get(7)?),
        token_expires_at: Elapsed::from_seconds(row.get(8)?),
    })
}

fn pool(row: &Row<'_>) -> Sql<Pool> {
    let (id, state) = pool_state(row)?;
    Ok(Pool {
        id,
        organization: row.get(9)?,
        state,
        identity: identity(row)?,
    })
}

const BY_ID: &str = "organization_id = ?1 AND id = ?2";
const BY_NAME: &str = "organization_id = ?1 AND name = ?2 AND revoked_at IS NULL";

fn first(database: &Connection, rest: &str, parameters: impl Params) -> Sql<Option<Pool>> {
    database
        .prepare_cached(&format!("SELECT {POOL} FROM node_pools WHERE {rest}"))?
        .query_row(parameters, pool)
        .optional()
}

/// The pool that is meant.
pub(super) fn one(database: &Connection, by: &PoolBy) -> Sql<Option<Pool>> {
    match by {
        PoolBy::Id(organization, id) => first(database, BY_ID, (organization, id)),
        PoolBy::Name(organization, name) => first(database, BY_NAME, (organization, name)),
        PoolBy::Token(sha256) => {
            let rest = "token_sha256 = ?1 AND NOT EXISTS
                 (SELECT 1 FROM heads WHERE stream = node_pools.organization_id AND removed = 1)";
            first(database, rest, [sha256.0])
        }
    }
}

/// A page of the pools that are not revoked, by id.
pub(super) fn page(
    database: &Connection,
    organization: Uuid,
    after: Option<Uuid>,
    limit: usize,
) -> Sql<Vec<Pool>> {
    let (sql, after) = (page_sql(), page_start(after.as_ref()));
    many(database, &sql, (organization, after, limit), pool)
}

pub(super) fn page_sql() -> String {
    // By itself SQLite would walk through all of the organization, those that are gone included.
    format!(
        "SELECT {POOL} FROM node_pools INDEXED BY node_pools_there
         WHERE organization_id = ?1 AND id > ?2 AND revoked_at IS NULL ORDER BY id LIMIT ?3"
    )
}

/// The nodes that have a place of any pool, those of removed organizations left out, with what is stored of
/// when they were heard of.
pub(super) fn all_nodes(database: &Connection) -> Sql<Vec<PoolNode>> {
    let sql = "SELECT nodes.id, node_pools.id, forget_after, nodes.token_expires_at,
             CASE WHEN json_valid(nodes.seen) THEN json_extract(nodes.seen, '$.heard_at') END,
             nodes.organization_id
         FROM nodes INDEXED BY nodes_live_of_pool
         JOIN node_pools ON node_pools.organization_id = nodes.organization_id
             AND node_pools.id = nodes.pool
         WHERE nodes.revoked_at IS NULL AND nodes.pool IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM heads WHERE stream = nodes.organization_id AND removed = 1)
         ORDER BY nodes.organization_id, nodes.id";
    many(database, sql, [], |row| {
        // Of a node of a pool it is when it took its place, by elapsed time, as is when it was heard of.
        let came_at: Option<i64> = row.get(3)?;
        // Damaged, it is as if the node was never heard of.
        let heard_at: Option<i64> = row.get(4).unwrap_or_default();
        let known = came_at.max(heard_at).unwrap_or_default();
        Ok(PoolNode {
            organization: row.get(5)?,
            id: row.get(0)?,
            pool: row.get(1)?,
            forget_after: row.get(2)?,
            heard_at: Elapsed::from_seconds(known),
        })
    })
}

/// The state of all pools of a stream.
pub(super) fn all(database: &Connection, stream: Uuid) -> Sql<Vec<(Uuid, PoolState)>> {
    let sql = format!("SELECT {POOL} FROM node_pools WHERE organization_id = ?1");
    many(database, &sql, [stream], pool_state)
}

/// What rules see of the pool that is meant.
pub(super) fn state(
    database: &Connection,
    stream: Uuid,
    by: By<'_>,
) -> Sql<Option<(Uuid, PoolState, PoolIdentity)>> {
    let found = match by {
        By::Id(id) => first(database, BY_ID, (stream, id))?,
        By::Name(name) => first(database, BY_NAME, (stream, name))?,
    };
    Ok(found.map(|pool| (pool.id, pool.state, pool.identity)))
}

/// Stores a new pool.
pub(super) fn insert(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    pool: &PoolState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "INSERT INTO node_pools (organization_id, id, application, uses, forget_after,
                 created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            stream,
            id,
            &pool.application,
            pool.uses,
            pool.forget_after,
            pool.created_at,
        ))
}

/// Stores what may change of a pool.
pub(super) fn update(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    pool: &PoolState,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE node_pools SET revoked_at = ?3 WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((stream, id, pool.revoked_at))
}

/// Counts places of a pool that are taken.
pub(super) fn count(database: &Connection, stream: Uuid, id: Uuid, by: i64) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE node_pools SET taken = taken + ?3 WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((stream, id, by))
}

/// Stores what a pool is known by.
pub(super) fn put_identity(
    database: &Connection,
    stream: Uuid,
    id: Uuid,
    identity: &PoolIdentity,
) -> Sql<usize> {
    database
        .prepare_cached(
            "UPDATE node_pools SET name = ?3, token_sha256 = ?4, token_expires_at = ?5
             WHERE organization_id = ?1 AND id = ?2",
        )?
        .execute((
            stream,
            id,
            &identity.name,
            identity.token_sha256.0,
            identity.token_expires_at.seconds(),
        ))
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use super::*;

    #[test]
    fn what_is_damaged_of_one_node_keeps_no_place_of_another() {
        let database = open::migrated(open::known_schema()).expect("migrates");
        database
            .execute_batch(
                "INSERT INTO node_pools (organization_id, id, application, uses, forget_after,
                         created_at)
                     VALUES (zeroblob(16), zeroblob(16), 'gateway', 2, 60, 1);
                 INSERT INTO nodes (organization_id, id, application, created_at, joined_at,
                         token_expires_at, pool, seen)
                     VALUES (zeroblob(16), CAST(zeroblob(15) || char(1) AS BLOB), 'gateway', 1, 1, 7,
                             zeroblob(16), '{\"heard_'),
                         (zeroblob(16), CAST(zeroblob(15) || char(2) AS BLOB), 'gateway', 1, 1, 7,
                             zeroblob(16), '{\"heard_at\":9}');",
            )
            .expect("fills");
        let nodes = all_nodes(&database).expect("reads");
        let heard: Vec<_> = nodes.iter().map(|node| node.heard_at.seconds()).collect();
        assert_eq!(heard, [7, 9]);
    }
}
