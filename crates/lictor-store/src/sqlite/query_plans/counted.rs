//! Tests of how many steps it takes to read what the rules of nodes look at, and to find nodes that left and
//! are to go: the same however many nodes there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lictor_core::elapsed::Now;
use rusqlite::Connection;

use super::super::{applications, left, node_pools, nodes, open};
use super::{ACME, NOW, load};
use crate::{Fact, PoolBy};

/// What is read, and how.
type Read<'a> = (&'a str, &'a dyn Fn(&Connection));

/// A database with so many nodes of the application `app` that joined by the pool with the id of [`ACME`].
fn with_nodes(nodes: u32) -> Connection {
    let database = open::migrated(open::known_schema()).expect("migrates");
    let organization = "CAST(zeroblob(15) || char(1) AS BLOB)";
    database
        .execute_batch(&format!(
            "INSERT INTO applications (organization_id, key, nodes, joined_nodes)
                 VALUES ({organization}, 'app', {nodes}, {nodes});
             INSERT INTO node_pools (organization_id, id, application, uses, forget_after,
                     created_at, name, token_sha256, token_expires_at, taken)
                 VALUES ({organization}, {organization}, 'app', 9999, 60, 1, 'edge',
                     zeroblob(32), 9999999, {nodes});
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {nodes})
             INSERT INTO nodes (organization_id, id, application, created_at, joined_at,
                     token_expires_at, name, pool, credential_sha256)
                 SELECT {organization}, randomblob(16), 'app', 1, 1, 7, 'edge-' || i,
                     {organization}, randomblob(32) FROM n;"
        ))
        .expect("fills");
    database
}

/// How many steps it takes to read this.
fn steps(database: &mut Connection, read: impl Fn(&Connection)) -> u64 {
    // The first time statements are made as well.
    read(database);
    let steps = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&steps);
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    database
        .progress_handler(1, Some(count))
        .expect("is followed");
    read(database);
    database
        .progress_handler(0, None::<fn() -> bool>)
        .expect("is left alone");
    steps.load(Ordering::Relaxed)
}

#[test]
fn what_rules_of_nodes_look_at_costs_the_same_however_many_there_are() {
    let app = || "app".to_owned();
    let enroll = [
        Fact::Application(app()),
        Fact::NodesToJoin(app(), NOW),
        Fact::NodeNamed("edge-7".to_owned()),
    ];
    let join = [
        Fact::NodePool(ACME),
        Fact::Application(app()),
        Fact::NodesToJoin(app(), NOW),
        Fact::Node(ACME),
        Fact::NodeNamed("edge-7".to_owned()),
    ];
    let (mut few, mut many) = (with_nodes(10), with_nodes(3_000));
    let reads: [Read<'_>; 4] = [
        ("enrolling", &|database| load(database, &enroll)),
        ("joining a pool", &|database| load(database, &join)),
        ("the pool", &|database| {
            let pool = node_pools::one(database, &PoolBy::Id(ACME, ACME));
            pool.expect("reads").expect("is there");
            applications::all(database, ACME).expect("reads");
        }),
        ("places", &|database| {
            for organization in [None, Some(ACME)] {
                let places = nodes::places(database, organization, NOW);
                assert_eq!(places.expect("reads").len(), 1);
            }
        }),
    ];
    for (what, read) in reads {
        let [few, many] = [&mut few, &mut many].map(|database| steps(database, read));
        assert!(few > 0 && many == few, "{what}: {many} steps, not {few}");
    }
}

#[test]
fn nodes_that_left_are_found_by_as_many_steps_as_there_are_to_go() {
    // Five may be there of those that left, and ten are asked for.
    let [few, many] = [20, 3_000].map(|nodes| {
        let mut database = with_nodes(nodes);
        let organization = "CAST(zeroblob(15) || char(1) AS BLOB)";
        database
            .execute_batch(&format!(
                "INSERT INTO heads (stream, position, hash, newest_updated_at, removed, quotas)
                     VALUES ({organization}, 0, zeroblob(32), 0, 0, '{{\"nodes\":5}}');
                 UPDATE nodes SET left_by = 'goodbye', revoked_at = 1000000"
            ))
            .expect("they leave");
        steps(&mut database, |database| {
            let due = left::due(database, &Now::at(1_000_000), 10);
            assert_eq!(due.expect("reads").len(), 10);
        })
    });
    assert!(few > 0 && many == few, "{many} steps, not {few}");
}
