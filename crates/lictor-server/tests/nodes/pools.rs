//! Places of pools: whose node is silent gives its place back, by a clock that is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use lictor_core::node::{JoinRefusal, Node};
use lictor_server::authority::PoolRequest;

use crate::world::{DAY, World, open, refused};

/// A pool of one place for an hour of silence: its token.
async fn pool(world: &World) -> String {
    world.license(None).await;
    let request = PoolRequest {
        name: "edge".to_owned(),
        application: None,
        uses: 1,
        ttl: None,
        forget_after: None,
    };
    let call = world.operator().await;
    let issued = world.authority.create_pool(&call, request).await;
    issued.expect("a pool").token.as_str().to_owned()
}

async fn taken(world: &World) -> u64 {
    let call = world.operator().await;
    let pool = world.authority.node_pool(&call, "edge").await;
    pool.expect("a pool").pool.taken
}

async fn look(world: &World) {
    let looked = world.authority.forget_silent_nodes().await;
    looked.expect("looked");
}

#[tokio::test]
async fn a_node_is_forgotten_an_hour_after_it_was_last_heard_of() {
    let world = World::new().await;
    let token = pool(&world).await;
    look(&world).await;
    let node = world.join_by(&token, "first").await.expect("a place");
    world.pass(3_000);
    world.report(&node, None, &[]).await;
    world.pass(3_599);
    look(&world).await;
    assert_eq!(
        (taken(&world).await, world.authority.has_left(&node)),
        (1, false)
    );
    let full = world.join_by(&token, "second").await;
    assert_eq!(refused(full), JoinRefusal::Full(1));
    world.pass(1);
    look(&world).await;
    assert_eq!(
        (taken(&world).await, world.authority.has_left(&node)),
        (0, true)
    );
    let second = world.join_by(&token, "second").await.expect("a place");
    assert_ne!(second.id, node.id);
}

#[tokio::test]
async fn a_node_whose_feed_is_open_is_not_silent_before_it_gives_no_sign_of_life() {
    let world = World::new().await;
    let token = pool(&world).await;
    let node = world.join_by(&token, "first").await.expect("a place");
    let feed = world.authority.connect_feed(&node);
    for _ in 0..100 {
        world.pass(60);
        world.authority.sign_in_node("first").await.expect("known");
        look(&world).await;
    }
    assert_eq!(taken(&world).await, 1);
    // Since then it has said nothing.
    world.pass(3_599);
    look(&world).await;
    assert_eq!(taken(&world).await, 1);
    world.pass(1);
    look(&world).await;
    assert_eq!(taken(&world).await, 0);
    assert!(futures_util::FutureExt::now_or_never(feed.superseded()).is_some());
}

#[tokio::test]
async fn while_the_server_is_away_nobody_is_silent() {
    let mut world = World::new().await;
    let token = pool(&world).await;
    world.join_by(&token, "first").await.expect("a place");
    world.pass(86_400);
    world.authority = open(&world.store, &world.clock, &world.vendor).await;
    look(&world).await;
    world.pass(3_599);
    look(&world).await;
    assert_eq!(taken(&world).await, 1);
    world.pass(1);
    look(&world).await;
    assert_eq!(taken(&world).await, 0);
}

#[tokio::test]
async fn a_node_that_comes_back_is_the_one_that_it_was() {
    let world = World::new().await;
    let token = pool(&world).await;
    look(&world).await;
    let node = world.join_by(&token, "first").await.expect("a place");
    world.pass(3_600);
    look(&world).await;
    let left = world.authority.sign_in_node("first").await.expect("known");
    assert!(world.authority.has_left(&left));
    let back: Arc<Node> = world.join_by(&token, "first").await.expect("a place");
    assert_eq!(
        (back.id, &back.identity.name),
        (node.id, &node.identity.name)
    );
    assert!(!world.authority.has_left(&node) && !world.authority.has_left(&back));
    // What was remembered of it is read again long after.
    world.pass(4_000);
    world.report(&back, None, &[]).await;
    look(&world).await;
    let known = world.authority.sign_in_node("first").await.expect("known");
    assert!(!world.authority.has_left(&known) && known.state.left.is_none());
}

#[tokio::test]
async fn a_wall_clock_that_is_ahead_while_a_node_joins_keeps_no_place() {
    let world = World::new().await;
    let token = pool(&world).await;
    look(&world).await;
    world.clock.step(400 * DAY);
    world.join_by(&token, "first").await.expect("a place");
    world.clock.step(-400 * DAY);
    world.pass(3_600);
    look(&world).await;
    assert_eq!(taken(&world).await, 0);
}

#[tokio::test]
async fn a_node_that_came_back_is_not_silent_since_before_it_left() {
    let world = World::new().await;
    let token = pool(&world).await;
    look(&world).await;
    world.join_by(&token, "first").await.expect("a place");
    world.pass(3_600);
    look(&world).await;
    assert_eq!(taken(&world).await, 0);
    world.pass(60);
    world.join_by(&token, "first").await.expect("a place");
    world.pass(3_599);
    look(&world).await;
    assert_eq!(taken(&world).await, 1);
    world.pass(1);
    look(&world).await;
    assert_eq!(taken(&world).await, 0);
}

#[tokio::test]
async fn while_the_server_stood_still_nobody_is_silent() {
    let world = World::new().await;
    let token = pool(&world).await;
    look(&world).await;
    world.join_by(&token, "first").await.expect("a place");
    let watching = tokio::spawn(Arc::clone(&world.authority).watch_pools());
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.pass(86_400);
    // It looks every five seconds.
    tokio::time::sleep(Duration::from_secs(6)).await;
    watching.abort();
    assert_eq!(taken(&world).await, 1);
    world.pass(3_600);
    look(&world).await;
    assert_eq!(taken(&world).await, 0);
}
