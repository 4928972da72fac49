//! Nodes that left their pools, and are kept no longer: who they are.

use lictor_core::elapsed::Now;
use lictor_core::facts::node::{LEFT_KEPT, Leave};
use lictor_core::facts::quota::Quota;
use lictor_core::{Date, Timestamp};
use rusqlite::Connection;
use uuid::Uuid;

use super::heads;
use super::reads::many;
use super::rows::Sql;
use super::usage;
use crate::LeftNode;
use crate::head_row::HeadRow;

/// The organizations in which nodes left, each found by itself, however many nodes those are.
const ORGANIZATIONS: &str = "WITH RECURSIVE found(id) AS (
         SELECT (SELECT organization_id FROM nodes INDEXED BY nodes_left WHERE left_by IS NOT NULL
             ORDER BY organization_id LIMIT 1)
         UNION ALL
         SELECT (SELECT organization_id FROM nodes INDEXED BY nodes_left WHERE left_by IS NOT NULL
             AND organization_id > found.id ORDER BY organization_id LIMIT 1)
         FROM found WHERE found.id IS NOT NULL)
     SELECT id FROM found WHERE id IS NOT NULL";

/// Those of one organization that left in one way before an instant, the first at the beginning.
const OLDEST: &str = "SELECT id, name, pool FROM nodes INDEXED BY nodes_left
     WHERE organization_id = ?1 AND left_by = ?2 AND revoked_at < ?3 AND
         (?5 IS NULL OR EXISTS (SELECT 1 FROM usage INDEXED BY usage_by_source
             WHERE usage.organization_id = ?1 AND source >= name || '@' AND source < name || 'A'
             AND month = ?5 AND correction = 0))
     ORDER BY revoked_at LIMIT ?4";

/// How many left beyond so many, at most a number of them.
const BEYOND: &str = "SELECT count(*) FROM (SELECT 1 FROM nodes INDEXED BY nodes_left
     WHERE organization_id = ?1 AND left_by IS NOT NULL LIMIT ?3 OFFSET ?2)";

/// Some of the nodes that left and are kept no longer, at most so many.
pub(super) fn due(database: &Connection, now: &Now, limit: usize) -> Sql<Vec<LeftNode>> {
    let mut due = Vec::new();
    for organization in many(database, ORGANIZATIONS, [], |row| row.get(0))? {
        let head = heads::one(database, organization)?;
        let Some(head) = head.filter(|head| !head.removed) else {
            continue;
        };
        let rest = limit.saturating_sub(due.len());
        // By the clock that shows less: one that was set ahead must not make all of them old.
        let old = now.earlier().saturating_sub(LEFT_KEPT);
        let mut found = oldest(database, organization, old, None, rest)?;
        if found.is_empty() {
            found = crowded(database, organization, &head, now, rest)?;
        }
        due.append(&mut found);
    }
    Ok(due)
}

/// Those that are to go before their time, as usage series come near to what the organization may have, or
/// as there are more of them than it may have nodes. Of series only those make room that have some in
/// the month.
fn crowded(
    database: &Connection,
    organization: Uuid,
    head: &HeadRow,
    now: &Now,
    limit: usize,
) -> Sql<Vec<LeftNode>> {
    let month = Date::of(now.wall()).month();
    let series = usage::of_month(database, organization, &month)?;
    if head.is_crowded_by(series) {
        let counted = oldest(database, organization, Timestamp::MAX, Some(&month), limit)?;
        if !counted.is_empty() {
            return Ok(counted);
        }
    }
    let kept = head.quotas.limit(Quota::Nodes);
    let more = database
        .prepare_cached(BEYOND)?
        .query_row((organization, kept, limit), |row| row.get(0))?;
    oldest(database, organization, Timestamp::MAX, None, more)
}

/// Those that said goodbye first: they have told all that they counted. With a month: of those that
/// counted in it.
fn oldest(
    database: &Connection,
    organization: Uuid,
    before: Timestamp,
    month: Option<&str>,
    limit: usize,
) -> Sql<Vec<LeftNode>> {
    let mut oldest = Vec::new();
    for by in Leave::ALL {
        let rest = limit - oldest.len();
        let parameters = (organization, by.as_str(), before, rest, month);
        let found = many(database, OLDEST, parameters, |row| {
            Ok(LeftNode {
                organization,
                id: row.get(0)?,
                name: row.get(1)?,
                pool: row.get(2)?,
                before,
            })
        })?;
        oldest.extend(found);
    }
    Ok(oldest)
}
