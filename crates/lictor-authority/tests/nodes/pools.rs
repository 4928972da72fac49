//! Places of pools: whose node is silent gives its place back, by a clock that is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use lictor_authority::{NewLicense, PoolRequest};
use lictor_core::Error;
use lictor_core::facts::node::{JoinRefusal, LEFT_KEPT, Node};
use lictor_core::facts::quota::Quota;
use lictor_core::feed::{KnownNode, Mode, NodeCount, NodeReport, NodeStart, SplitReason};
use uuid::Uuid;

use crate::world::{DAY, World, claims, open, refused};

/// A pool of one place for an hour of silence: its token.
async fn pool(world: &World) -> String {
    world.license(None).await;
    let request = PoolRequest {
        name: "edge".to_owned(),
        application: None,
        uses: 1,
        ttl: Some(1_000 * DAY),
        forget_after: None,
    };
    let call = world.operator().await;
    let issued = world
        .authority
        .create_pool(call.permit().expect("the right"), request)
        .await;
    issued.expect("a pool").token.as_str().to_owned()
}

async fn taken(world: &World) -> u64 {
    let call = world.operator().await;
    let pool = world
        .authority
        .node_pool(call.permit().expect("the right"), "edge")
        .await;
    pool.expect("a pool").pool.state.taken
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
    let watching = tokio::spawn(world.authority.watch_pools());
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

/// What a node says that counted so many requests in an epoch.
fn counting(epoch: &str, count: u64) -> NodeReport {
    NodeReport {
        host: "rack-7".to_owned(),
        version: "0.1.0".to_owned(),
        mode: Mode::Fresh,
        applied: None,
        control_plane: None,
        license: None,
        requests: count,
        problems: Vec::new(),
        counts: vec![NodeCount {
            epoch: epoch.to_owned(),
            service: "web".to_owned(),
            month: "2027-01".to_owned(),
            count,
        }],
        settled: None,
        start: None,
        leaving: false,
        gives_back: false,
    }
}

/// A start that goes on in an epoch.
fn start(epoch: &str) -> NodeStart {
    NodeStart {
        id: Uuid::from_u128(50),
        number: 1,
        answered: 0,
        epoch: epoch.to_owned(),
        after: Vec::new(),
        ended: true,
        counted: 9,
        parts: Vec::new(),
        copied: false,
    }
}

/// The sources of all counts, and how much each counted.
async fn usage(world: &World) -> Vec<(String, u64)> {
    let call = world.operator().await;
    let page = world
        .authority
        .usage(call.permit().expect("the right"), None, 100)
        .await
        .expect("read");
    let rows = page.rows.into_iter();
    rows.map(|row| (row.key.source.clone(), row.count()))
        .collect()
}

#[tokio::test]
async fn a_node_that_left_long_ago_is_removed_and_whatever_comes_of_it_late_counts_nothing() {
    let (old, new) = ("00000000000000aa", "00000000000000bb");
    let world = World::new().await;
    let token = pool(&world).await;
    look(&world).await;
    let node = world.join_by(&token, "first").await.expect("a place");
    let name = node.identity.name.clone();
    let told = world
        .authority
        .report_of_node(&node, counting(old, 5))
        .await;
    assert!(told.expect("taken").rejected.is_empty());
    world.pass(3_600);
    look(&world).await;
    world.pass(LEFT_KEPT);
    let remove = async || world.authority.remove_left_nodes().await.expect("removed");
    remove().await;
    assert_eq!(usage(&world).await, [(format!("{name}@{old}"), 5)]);
    world.pass(1);
    remove().await;
    let of_pool = ("edge (left)".to_owned(), 5);
    assert_eq!(usage(&world).await, std::slice::from_ref(&of_pool));
    // Of its epochs nothing is remembered any more that takes a place of the quota.
    let now = world.authority.clock().now();
    let bounds = world.store.bounds(node.organization, now).await;
    let used = bounds.expect("reads").expect("is there").used;
    assert_eq!(used.of(Quota::UsageEpochs), 0);
    // What was signed in before, as a late report, and a goodbye of a copy.
    let goodbye = NodeReport {
        leaving: true,
        gives_back: true,
        ..counting(new, 9)
    };
    for late in [counting(old, 9), goodbye] {
        let refused = world.authority.report_of_node(&node, late).await;
        assert!(
            matches!(refused, Err(Error::Unauthenticated)),
            "{refused:?}"
        );
    }
    let unknown = world.authority.sign_in_node("first").await;
    assert!(matches!(unknown, Err(Error::Unauthenticated)));
    assert_eq!(usage(&world).await, std::slice::from_ref(&of_pool));
    let late = NodeReport {
        start: Some(start(old)),
        ..counting(old, 9)
    };
    let refused = world.authority.report_of_node(&node, late.clone()).await;
    assert!(
        matches!(refused, Err(Error::Unauthenticated)),
        "{refused:?}"
    );
    // It comes back as who it was, and what it counts from then on is counted.
    let known = KnownNode {
        node: node.id,
        name: name.clone(),
        application: "konnect".to_owned(),
        epochs: vec![old.to_owned()],
    };
    let back = world.join_as(Some(known), &token, "first").await;
    let back = back.expect("a place");
    assert_eq!((back.id, &back.identity.name), (node.id, &name));
    // The late report judged nothing: the start is told that its epoch counts no more.
    let told = world.authority.report_of_node(&back, late).await;
    let judged = told.expect("taken").start.expect("judged");
    assert_eq!(judged.apart, Some(SplitReason::Removed));
    for (epoch, count) in [(old, 9), (new, 2)] {
        let told = world
            .authority
            .report_of_node(&back, counting(epoch, count));
        assert!(told.await.expect("taken").rejected.is_empty());
    }
    assert_eq!(usage(&world).await, [of_pool, (format!("{name}@{new}"), 2)]);
    assert_eq!(taken(&world).await, 1);
    let report = world.store.check().await.expect("checks");
    assert_eq!(report.differences, [""; 0]);
}

#[tokio::test]
async fn nobody_says_to_be_a_node_of_another_organization_or_one_that_left() {
    let world = World::new().await;
    let token = pool(&world).await;
    look(&world).await;
    let node = world.join_by(&token, "first").await.expect("a place");
    let mut call = world.operator().await;
    let other =
        world
            .authority
            .create_organization(call.permit().expect("the right"), "other", None);
    call.organization = other.await.expect("an organization").into();
    let payload = world.vendor.sign(&claims().to_json()).into();
    let new = NewLicense {
        payload,
        created_at: None,
    };
    let put = world.authority.put_license(
        call.permit().expect("the right"),
        Uuid::from_u128(2),
        new,
        None,
    );
    put.await.expect("a license");
    let request = PoolRequest {
        name: "edge".to_owned(),
        application: None,
        uses: 9,
        ttl: None,
        forget_after: None,
    };
    let issued = world
        .authority
        .create_pool(call.permit().expect("the right"), request)
        .await;
    let others = issued.expect("a pool").token.as_str().to_owned();
    let known = |id| KnownNode {
        node: id,
        name: node.identity.name.clone(),
        application: "konnect".to_owned(),
        epochs: Vec::new(),
    };
    let same = world.join_as(Some(known(node.id)), &others, "second").await;
    assert!(matches!(same, Err(Error::AlreadyExists { .. })), "{same:?}");
    world.pass(3_600);
    look(&world).await;
    // Of one name, as their ids end alike.
    let alike = Uuid::from_u128(node.id.as_u128() ^ (1 << 100));
    let same = world.join_as(Some(known(alike)), &token, "third").await;
    assert!(matches!(same, Err(Error::AlreadyExists { .. })), "{same:?}");
}

#[tokio::test]
async fn revoking_a_node_that_left_tells_it_so_and_keeps_it_away() {
    let world = World::new().await;
    let token = pool(&world).await;
    look(&world).await;
    let node = world.join_by(&token, "first").await.expect("a place");
    world.pass(3_600);
    look(&world).await;
    let standing = world.standing(&node).await;
    assert_eq!(standing.status.as_str(), "left");
    let call = world.operator().await;
    let name = &node.identity.name;
    world
        .authority
        .revoke_node(call.permit().expect("the right"), name)
        .await
        .expect("revoked");
    assert!(world.authority.is_revoked(&node));
    let back = world.join_by(&token, "first").await;
    assert_eq!(refused(back), JoinRefusal::Revoked);
    let again = world
        .authority
        .revoke_node(call.permit().expect("the right"), name)
        .await;
    assert!(matches!(again, Err(Error::NotFound { .. })), "{again:?}");
}

#[tokio::test]
async fn a_node_that_would_be_forgotten_between_two_reports_is_asked_for_more_of_them() {
    let world = World::new().await;
    for (name, forget_after, expected) in [
        ("a", Some(10), Some(3)),
        ("b", Some(179), Some(59)),
        ("c", Some(180), None),
        ("d", None, None),
    ] {
        world.license(None).await;
        let request = PoolRequest {
            name: name.to_owned(),
            application: None,
            uses: 1,
            ttl: None,
            forget_after,
        };
        let call = world.operator().await;
        let issued = world
            .authority
            .create_pool(call.permit().expect("the right"), request)
            .await;
        let token = issued.expect("a pool").token.as_str().to_owned();
        let node = world.join_by(&token, name).await.expect("a place");
        let report = counting("00000000000000aa", 1);
        let told = world.authority.report_of_node(&node, report).await;
        assert_eq!(told.expect("taken").within, expected, "{name}");
    }
    let node = world.node().await;
    let told = world
        .authority
        .report_of_node(&node, counting("00000000000000aa", 1));
    assert_eq!(told.await.expect("taken").within, None, "it is of no pool");
}
