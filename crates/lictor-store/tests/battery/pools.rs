//! Promises about pools of nodes: how many places are taken, and by whom.

use std::sync::Arc;

use lictor_core::node::{self, JoinRefusal, Leave, NewPool, NodeTerms, Pool};
use lictor_core::{Change, Error, Now, OverLimit, Quota};
use lictor_store::{Fact, PoolBy, Store, Write};
use uuid::Uuid;

use crate::given::{
    ACME, NOW, acme, at, basis_of, done, id, new_application, node_secrets, refused,
    remove_organization, report_node, revoke_node, write,
};

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

pub(crate) async fn places_are_taken_given_back_and_taken_again(store: Arc<dyn Store>) {
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
    assert_eq!(pool(store).await.taken, 2);
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
    assert_eq!(pool(store).await.taken, 1);
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
    assert_eq!(pool(store).await.taken, 2, "its nodes go on");
    agrees(store).await;
}

pub(crate) async fn the_nodes_of_pools_are_found_with_when_they_were_heard_of(
    store: Arc<dyn Store>,
) {
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
        Fact::NodesOf("kong".to_owned()),
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
