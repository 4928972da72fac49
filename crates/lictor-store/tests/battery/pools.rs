//! Promises about pools of nodes: how many places are taken, and by whom.

use lictor_core::change::Change;
use lictor_core::elapsed::Now;
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::entitlement::NodeTerms;
use lictor_core::facts::node::{JoinRefusal, LEFT_KEPT, Leave};
use lictor_core::facts::pool::Pool;
use lictor_core::facts::quota::Quota;
use lictor_core::rules::node::{self, NewPool};
use lictor_core::{Error, Timestamp, facts};
use lictor_store::{Fact, PoolBy, Store, Write};
use uuid::Uuid;

use crate::given::{
    ACME, NOW, acme, at, basis_of, done, id, new_application, node_secrets, refused,
    remove_organization, report_node, revoke_node, write,
};
use crate::quotas::set_quota;
use crate::usage::{correct_usage_of, count, counts_of, refused_reports, report_usage};

const POOL: Uuid = Uuid::from_u128(70);

async fn edge(store: &dyn Store, uses: u64) {
    acme(store).await;
    done(store, new_application(ACME, "kong", OverLimit::Refuse)).await;
    done(store, make_pool(ACME, (POOL, "edge"), uses)).await;
}

async fn pool(store: &dyn Store) -> Pool {
    let found = store
        .node_pool(PoolBy::Id(ACME, POOL))
        .await
        .expect("reads");
    found.expect("is there")
}

async fn agrees(store: &dyn Store) {
    let report = store.check().await.expect("checks");
    assert_eq!(report.differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn places_are_taken_given_back_and_taken_again() {
    let store = crate::new_store();
    let store = &*store;
    edge(store, 2).await;
    for node in [1, 2] {
        done(store, join_pool(ACME, POOL, id(node))).await;
    }
    let full = refused(store, join_pool(ACME, POOL, id(3))).await;
    assert!(
        matches!(full, Error::JoinRefused(JoinRefusal::Full(2))),
        "{full}"
    );
    assert_eq!(pool(store).await.state.taken, 2);
    let joined = store
        .node(ACME, id(1))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(joined.pool.as_deref(), Some("edge"));
    assert_eq!(
        (joined.state.pool, joined.identity.token_sha256),
        (Some(POOL), None)
    );
    let early = done(store, forget_node(ACME, POOL, id(1), 59)).await;
    assert_eq!(early.entries, []);
    done(store, forget_node(ACME, POOL, id(1), 60)).await;
    let left = store
        .node(ACME, id(1))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(
        (left.state.left, left.state.revoked_at),
        (Some(Leave::Silence), Some(NOW + 60))
    );
    assert_eq!(pool(store).await.state.taken, 1);
    done(store, join_pool(ACME, POOL, id(3))).await;
    done(store, revoke_node(ACME, id(2))).await;
    let back = done(store, join_pool(ACME, POOL, id(1))).await;
    assert!(matches!(
        back.entries[0].change,
        Change::NodeReturned { .. }
    ));
    let back = store
        .node(ACME, id(1))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!((back.state.left, back.state.revoked_at), (None, None));
    assert_eq!(back.identity, joined.identity);
    let bounds = store
        .bounds(ACME, Now::at(NOW))
        .await
        .expect("reads")
        .expect("is there");
    let used = |quota| bounds.used.of(quota);
    assert_eq!((used(Quota::Nodes), used(Quota::NodePools)), (2, 1));
    agrees(store).await;
    done(store, revoke_pool(ACME, POOL)).await;
    assert_eq!(store.node_pools(ACME, None, 9).await.expect("reads"), []);
    assert_eq!(
        store
            .node_pool(PoolBy::Name(ACME, "edge".to_owned()))
            .await
            .expect("reads"),
        None
    );
    assert_eq!(pool(store).await.state.taken, 2, "its nodes go on");
    agrees(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nodes_of_pools_are_found_with_when_they_were_heard_of() {
    let store = crate::new_store();
    let store = &*store;
    edge(store, 9).await;
    let token = node_secrets(POOL).0;
    let found = store.node_pool(PoolBy::Token(token)).await.expect("reads");
    assert_eq!(found.map(|pool| pool.id), Some(POOL));
    for node in [1, 2, 3] {
        done(store, join_pool(ACME, POOL, id(node))).await;
    }
    done(store, report_node(ACME, id(2), 5, true)).await;
    done(store, forget_node(ACME, POOL, id(3), 60)).await;
    let nodes = store.pool_nodes().await.expect("reads");
    let heard: Vec<_> = nodes.iter().map(|node| (node.id, node.heard_at)).collect();
    // Who joined then, and reported before, was heard of when it joined.
    assert_eq!(heard, [(id(1), at(NOW + 5)), (id(2), at(NOW + 5))]);
    assert!(
        nodes
            .iter()
            .all(|node| (node.organization, node.pool, node.forget_after) == (ACME, POOL, 60))
    );
    done(store, remove_organization(ACME, "acme")).await;
    assert_eq!(
        store.node_pool(PoolBy::Token(token)).await.expect("reads"),
        None
    );
    assert_eq!(store.pool_nodes().await.expect("reads"), []);
}

/// A pool for `kong` with so many places, and 60 seconds of silence.
pub(crate) fn make_pool(stream: Uuid, (pool, name): (Uuid, &'static str), uses: u64) -> Write {
    let new = NewPool {
        id: pool,
        name: name.to_owned(),
        application: "kong".to_owned(),
        uses,
        ttl: 3_600,
        forget_after: 60,
        token_sha256: node_secrets(pool).0,
    };
    let facts = vec![
        Fact::Application(new.application.clone()),
        Fact::NodePoolNamed(name.to_owned()),
    ];
    write(stream, NOW, facts, move |state| {
        node::create_pool(state, &new, at(NOW))
    })
}

pub(crate) fn revoke_pool(stream: Uuid, pool: Uuid) -> Write {
    write(stream, NOW + 9, vec![Fact::NodePool(pool)], move |state| {
        node::revoke_pool(state, pool)
    })
}

/// A node joins by the token of a pool for `kong`, or comes back to it.
pub(crate) fn join_pool(stream: Uuid, pool: Uuid, node: Uuid) -> Write {
    let facts = vec![
        Fact::Trust,
        Fact::Application("kong".to_owned()),
        Fact::NodesToJoin("kong".to_owned(), at(NOW + 5)),
        Fact::NodePool(pool),
        Fact::Node(node),
    ];
    let credential = node_secrets(node).1;
    write(stream, NOW + 5, facts, move |state| {
        let basis = basis_of(state, "kong");
        let terms = NodeTerms { limit: None, basis };
        node::join_pool(state, pool, node, credential, &terms, at(NOW + 5))
    })
}

/// A node was silent for so many seconds.
pub(crate) fn forget_node(stream: Uuid, pool: Uuid, node: Uuid, silent: i64) -> Write {
    let facts = vec![Fact::Node(node), Fact::NodePool(pool)];
    write(stream, NOW + silent, facts, move |state| {
        Ok(node::forget(state, &[(node, at(NOW))], at(NOW + silent)))
    })
}

/// A part of the removal of a node of the pool `edge` that left before an instant.
fn remove_node(node: Uuid, before: Timestamp) -> Write {
    let name = facts::pool::name_in_pool("edge", node);
    let facts = vec![
        Fact::Node(node),
        Fact::NodePool(POOL),
        Fact::UsageEpoch {
            series: node::merged(&name),
            epoch: String::new(),
        },
        Fact::UsageOfNode {
            name,
            into: node::left_source("edge"),
        },
    ];
    write(ACME, NOW, facts, move |state| {
        Ok(node::remove(state, node, before, Now::at(NOW)))
    })
}

/// What the nodes with these numbers counted, each in an epoch of its own.
async fn count_by(store: &dyn Store, counts: &[(u128, &str, u64)]) {
    let reports = counts.iter().map(|(node, service, value)| {
        let name = facts::pool::name_in_pool("edge", id(*node));
        count(&format!("{name}@{node:016x}"), service, "2026-11", *value)
    });
    let refused = refused_reports(store, report_usage(ACME, reports.collect())).await;
    assert_eq!(refused, [0; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_left_is_removed_and_its_counts_are_its_pools() {
    let store = crate::new_store();
    let store = &*store;
    edge(store, 9).await;
    for node in [1, 2, 3] {
        done(store, join_pool(ACME, POOL, id(node))).await;
    }
    count_by(
        store,
        &[(1, "web", 3), (2, "web", 4), (2, "api", 5), (3, "web", 6)],
    )
    .await;
    let corrected = facts::pool::name_in_pool("edge", id(2));
    let key = count(&format!("{corrected}@{:016x}", 2), "api", "2026-11", 0).key(NOW);
    done(store, correct_usage_of(key, -1)).await;
    let before = store.usage_figures(ACME).await.expect("reads");
    // Who is there stays, and who left a moment ago.
    done(store, forget_node(ACME, POOL, id(1), 60)).await;
    done(store, forget_node(ACME, POOL, id(2), 60)).await;
    for (node, instant) in [(3, NOW + 99), (1, NOW + 60)] {
        let nothing = done(store, remove_node(id(node), instant)).await;
        assert!(nothing.entries.is_empty() && nothing.records.is_empty());
    }
    for node in [1, 2] {
        let moved = done(store, remove_node(id(node), NOW + 61)).await;
        assert!(moved.entries.is_empty(), "first its counts");
        let found = store.node(ACME, id(node)).await.expect("reads");
        assert!(found.is_some());
        let removed = done(store, remove_node(id(node), NOW + 61)).await;
        assert!(matches!(
            removed.entries[0].change,
            Change::NodeRemoved { .. }
        ));
        assert_eq!(store.node(ACME, id(node)).await.expect("reads"), None);
    }
    let rows = counts_of(store, ACME).await;
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.key.source.as_str(), row.count()))
        .collect();
    let (own, live) = (
        format!("{corrected}@{:016x}", 2),
        format!("edge-000000000003@{:016x}", 3),
    );
    assert_eq!(
        shown,
        [(own.as_str(), 4), ("edge (left)", 7), (live.as_str(), 6)]
    );
    let after = store.usage_figures(ACME).await.expect("reads");
    assert_eq!(after, before);
    let late = refused(store, report_node(ACME, id(1), 9, true)).await;
    assert!(matches!(late, Error::Unauthenticated), "{late}");
    agrees(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_counts_of_a_node_become_its_pools_part_by_part() {
    let store = crate::new_store();
    let store = &*store;
    edge(store, 9).await;
    done(store, join_pool(ACME, POOL, id(1))).await;
    let services: Vec<_> = (0..600).map(|number| format!("service-{number}")).collect();
    let counts: Vec<_> = services
        .iter()
        .map(|service| (1, service.as_str(), 1))
        .collect();
    count_by(store, &counts).await;
    done(store, forget_node(ACME, POOL, id(1), 60)).await;
    let mut parts = 0;
    while store.node(ACME, id(1)).await.expect("reads").is_some() {
        let written = done(store, remove_node(id(1), NOW + 61)).await;
        assert!(written.records.len() <= 251, "{}", written.records.len());
        parts += 1;
        // Come back between them, what it tells of this epoch again adds nothing.
        count_of_merged_epochs(store, u64::from(parts < 4)).await;
    }
    assert_eq!(parts, 4);
    let rows = counts_of(store, ACME).await;
    assert_eq!(rows.len(), 600);
    assert!(
        rows.iter()
            .all(|row| row.key.source == "edge (left)" && row.count() == 1)
    );
    agrees(store).await;
}

async fn count_of_merged_epochs(store: &dyn Store, expected: u64) {
    let bounds = store.bounds(ACME, Now::at(NOW)).await.expect("reads");
    let used = bounds.expect("is there").used;
    assert_eq!(used.of(Quota::UsageEpochs), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_left_are_due_by_their_age_or_where_they_are_too_many() {
    let store = crate::new_store();
    let store = &*store;
    edge(store, 9).await;
    for node in 1..=4 {
        done(store, join_pool(ACME, POOL, id(node))).await;
    }
    for (node, silent) in [(1, 61), (2, 60)] {
        done(store, forget_node(ACME, POOL, id(node), silent)).await;
    }
    done(store, leave_pool(id(3))).await;
    let due = async |now| -> Vec<Uuid> {
        let due = store.left_nodes_due(Now::at(now), 9).await.expect("reads");
        due.into_iter().map(|node| node.id).collect()
    };
    let none: [Uuid; 0] = [];
    assert_eq!(due(NOW + LEFT_KEPT + 60).await, [id(3)], "it left at once");
    assert_eq!(due(NOW + LEFT_KEPT + 61).await, [id(3), id(2)]);
    assert_eq!(due(NOW + LEFT_KEPT + 62).await, [id(3), id(2), id(1)]);
    assert_eq!(due(NOW + 62).await, none);
    // Two may be there beside the live one, then one: who said goodbye goes first.
    done(store, set_quota(Quota::Nodes, Some(2))).await;
    assert_eq!(due(NOW + 62).await, [id(3)]);
    done(store, set_quota(Quota::Nodes, Some(1))).await;
    assert_eq!(due(NOW + 62).await, [id(3), id(2)]);
    done(store, set_quota(Quota::Nodes, None)).await;
    // Half of what there may be of usage in the month.
    count_by(store, &[(1, "web", 1), (2, "web", 1)]).await;
    done(store, set_quota(Quota::UsageSeries, Some(4))).await;
    assert_eq!(due(NOW + 62).await, none);
    done(store, set_quota(Quota::UsageSeries, Some(3))).await;
    // The third has no series, so that its end would make no room.
    assert_eq!(due(NOW + 62).await, [id(2), id(1)]);
    done(store, remove_organization(ACME, "acme")).await;
    assert_eq!(due(NOW + 62).await, none);
}

fn leave_pool(node: Uuid) -> Write {
    let facts = vec![Fact::Node(node), Fact::NodeStarts(node)];
    write(ACME, NOW, facts, move |state| {
        Ok(node::leave(state, node, None))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_left_is_found_by_its_name_and_can_be_revoked() {
    let store = crate::new_store();
    let store = &*store;
    edge(store, 9).await;
    done(store, join_pool(ACME, POOL, id(1))).await;
    let name = facts::pool::name_in_pool("edge", id(1));
    done(store, leave_pool(id(1))).await;
    let named = store.node_named(ACME, &name).await.expect("reads");
    assert_eq!(
        named.map(|node| node.state.left),
        Some(Some(Leave::Goodbye))
    );
    let barred = done(store, revoke_node(ACME, id(1))).await;
    assert!(matches!(
        barred.entries[0].change,
        Change::NodeBarred { .. }
    ));
    assert_eq!(store.node_named(ACME, &name).await.expect("reads"), None);
    assert_eq!(
        store
            .left_nodes_due(Now::at(NOW + 2 * LEFT_KEPT), 9)
            .await
            .expect("reads"),
        []
    );
    let back = refused(store, join_pool(ACME, POOL, id(1))).await;
    assert!(
        matches!(back, Error::JoinRefused(JoinRefusal::Revoked)),
        "{back}"
    );
    agrees(store).await;
}
