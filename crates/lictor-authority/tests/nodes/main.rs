//! Nodes and time, by a clock that is moved by hand: how long an enrollment token holds, when a state
//! is signed again, and how a node stands.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

mod learned;
mod pools;
mod world;

use std::sync::Arc;

use futures_util::FutureExt as _;
use lictor_authority::NodeStatus;
use lictor_core::facts::node::JoinRefusal;
use lictor_core::feed::Applied;
use lictor_core::{Date, Error, SigningKey};

use crate::world::{DAY, START, World, claims, open, refused};

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_token_can_be_used_for_a_day() {
    let world = World::new().await;
    let enrolled = world.enroll("edge-1").await.expect("a place");
    assert_eq!(enrolled.expires_at, START + DAY);
    world.pass(DAY);
    assert_eq!(refused(world.join(&enrolled).await), JoinRefusal::Expired);
    world.pass(-1);
    assert!(world.join(&enrolled).await.is_ok());
    // Whoever has joined may repeat it for ever.
    world.pass(10 * DAY);
    assert!(world.join(&enrolled).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_nodes_feeds_the_newest_two_stay_open() {
    let world = World::new().await;
    let node = world.node().await;
    let feeds: Vec<_> = (0..4)
        .map(|_| world.authority.connect_feed(&node))
        .collect();
    for (number, feed) in feeds.iter().enumerate() {
        let ended = feed.superseded().now_or_never().is_some();
        assert_eq!(ended, number < 2, "feed {number}");
    }
    // One that closed by itself leaves its place.
    let mut feeds = feeds;
    drop(feeds.pop());
    let newest = world.authority.connect_feed(&node);
    assert!(feeds[2].superseded().now_or_never().is_none());
    assert!(newest.superseded().now_or_never().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_never_used_gives_its_place_back_after_a_day() {
    let world = World::new().await;
    let unused = world.enroll("edge-1").await.expect("a place");
    world.pass(DAY - 1);
    let full = world.enroll("edge-2").await.err().expect("refused");
    assert!(
        matches!(
            full,
            Error::NodeLimit {
                limit: 1,
                enrolled: 1,
                ..
            }
        ),
        "{full}"
    );
    world.pass(1);
    let second = world.enroll("edge-2").await.expect("a place");
    assert_eq!(refused(world.join(&unused).await), JoinRefusal::Expired);
    assert!(world.join(&second).await.is_ok());
    // A node that joined keeps its place.
    world.pass(100 * DAY);
    let full = world.enroll("edge-3").await.err().expect("refused");
    assert!(matches!(full, Error::NodeLimit { .. }), "{full}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_never_used_gives_its_name_back_after_a_day() {
    let world = World::new().await;
    world.license(None).await;
    let unused = world.enroll("edge-1").await.expect("a place");
    world.pass(DAY - 1);
    let taken = world.enroll("edge-1").await.err().expect("refused");
    assert!(matches!(taken, Error::AlreadyExists { .. }), "{taken}");
    world.pass(1);
    let standing = world.standing(&unused.node.node).await;
    assert_eq!(standing.status, NodeStatus::Enrolled);
    let reason = standing.reason.unwrap_or_default();
    assert!(reason.contains("enroll it again"), "{reason}");
    let again = world.enroll("edge-1").await.expect("the name");
    assert_eq!(refused(world.join(&unused).await), JoinRefusal::Revoked);
    let call = world.operator().await;
    let nodes = world
        .authority
        .nodes(call.permit().expect("the right"), None, 10)
        .await;
    let ids = nodes.expect("nodes").into_iter().map(|found| found.node.id);
    assert_eq!(ids.collect::<Vec<_>>(), [again.node.node.id]);
    world.join(&again).await.expect("joined");
    world.pass(100 * DAY);
    let taken = world.enroll("edge-1").await.err().expect("refused");
    assert!(matches!(taken, Error::AlreadyExists { .. }), "{taken}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_signed_again_before_half_of_the_time_after_which_it_is_stale() {
    let world = World::new().await;
    let node = world.node().await;
    for stale_after in [10, 11, 300, 86_400] {
        world.set_policy(stale_after, 100_000).await;
        let first = world.state(&node).await;
        let now = world.clock.wall();
        let wait = first.signing.again_in(&world.authority.clock().now());
        assert!(wait >= stale_after * 3 / 10 - 1 && wait > 0, "{wait}");
        assert!(wait * 2 < stale_after, "{wait} of {stale_after}");
        world.pass(wait);
        let again = world.state(&node).await;
        let [first, again] = [&first, &again].map(|state| {
            let state = world.verified(&node, state).expect("its own state");
            (
                state.revision(),
                state.content_sha256(),
                state.issued_at(),
                state.expires_at(),
            )
        });
        assert_eq!((first.0, first.1), (again.0, again.1));
        assert_eq!((again.2 - first.2, again.3 - first.3), (wait, wait));
        assert_eq!(first.3, now + 100_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_changes_with_the_revision_and_when_another_signing_is_due() {
    let world = World::new().await;
    let node = world.node().await;
    world.set_policy(100, 1_000).await;
    // START is a multiple of the 40 seconds after which it is signed again.
    let tag = async || world.authority.state_tag(&node).await.expect("a tag");
    let first = tag().await;
    world.pass(39);
    assert_eq!(tag().await, first);
    world.pass(1);
    let second = tag().await;
    assert_ne!(second, first);
    world.license(Some(2)).await;
    let third = tag().await;
    assert_ne!(third, second);
    let state = world.state(&node).await;
    let state = world.verified(&node, &state).expect("its own state");
    // After a restore one revision may stand for another content.
    let content = state.content_sha256().to_string();
    assert!(third.contains(&content[..16]), "{third}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_stands_as_its_words_say() {
    let world = World::new().await;
    let enrolled = world.enroll("edge-1").await.expect("a place");
    assert_eq!(enrolled.node.status, NodeStatus::Enrolled);
    let node = world.join(&enrolled).await.expect("joined");
    let stands = async |status: NodeStatus, reason: Option<&str>| {
        let standing = world.standing(&node).await;
        assert_eq!(standing.status, status, "{:?}", standing.reason);
        match (reason, standing.reason) {
            (None, None) => {}
            (Some(word), Some(said)) => assert!(said.contains(word), "{said}"),
            (word, said) => panic!("{word:?}: {said:?}"),
        }
    };
    stands(NodeStatus::Silent, Some("has joined, and has not reported")).await;
    world.report(&node, None, &[]).await;
    stands(NodeStatus::Behind, Some("no state yet")).await;
    let state = world.state(&node).await;
    let applied = world.applied(&node, &state);
    world.report(&node, Some(applied), &[]).await;
    stands(NodeStatus::Current, None).await;
    world
        .report(&node, Some(applied), &["the disk is full"])
        .await;
    stands(NodeStatus::Current, Some("the disk is full")).await;
    world.license(Some(2)).await;
    stands(NodeStatus::Behind, Some("the disk is full")).await;
    world.report(&node, Some(applied), &[]).await;
    let reason = format!("applies revision {} of ", applied.revision);
    stands(NodeStatus::Behind, Some(&reason)).await;
    world.pass(150);
    stands(NodeStatus::Behind, Some(&reason)).await;
    world.pass(1);
    stands(NodeStatus::Silent, Some("not been heard from for a while")).await;
    let state = world.state(&node).await;
    let applied = world.applied(&node, &state);
    world.report(&node, Some(applied), &[]).await;
    stands(NodeStatus::Current, None).await;
    let ahead = Applied {
        revision: applied.revision + 1,
        ..applied
    };
    world.report(&node, Some(ahead), &["x"]).await;
    stands(NodeStatus::Ahead, Some("lictor node adopt")).await;
    // However long ago it said so: it is what an adoption has to go above.
    world.pass(DAY);
    stands(NodeStatus::Ahead, Some("lictor node adopt")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_is_only_claimed_leaves_room_for_those_to_come() {
    let world = World::new().await;
    let node = world.node().await;
    let state = world.state(&node).await;
    let mut claimed = world.applied(&node, &state);
    for (revision, adopted) in [
        (lictor_core::facts::node::MAX_ADOPTED, 1),
        (lictor_core::facts::usage::MAX_COUNT, 0),
    ] {
        claimed.revision = revision;
        world.report(&node, Some(claimed), &[]).await;
        assert_eq!(world.standing(&node).await.status, NodeStatus::Ahead);
        let call = world.operator().await;
        assert_eq!(
            world
                .authority
                .adopt_nodes(call.permit().expect("the right"))
                .await
                .ok(),
            Some(adopted)
        );
    }
    let reason = world.standing(&node).await.reason.unwrap_or_default();
    assert!(reason.contains("revoke it"), "{reason}");
    // What is signed now is reported like any other.
    let state = world.state(&node).await;
    let applied = world.applied(&node, &state);
    assert!(applied.revision > lictor_core::facts::node::MAX_ADOPTED);
    world.report(&node, Some(applied), &[]).await;
    assert_eq!(world.standing(&node).await.status, NodeStatus::Current);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_makes_no_node_silent_and_hides_none_that_is() {
    for step in [-10 * DAY, 10 * DAY] {
        let world = World::new().await;
        let node = world.node().await;
        let state = world.state(&node).await;
        let applied = Some(world.applied(&node, &state));
        let is = async |status| assert_eq!(world.standing(&node).await.status, status, "{step}");
        let stored = async || {
            let found = world.store.node(node.organization, node.id).await;
            let seen = found.expect("reads").and_then(|node| node.seen);
            seen.expect("it was kept").heard_at()
        };
        world.report(&node, applied, &[]).await;
        let first = stored().await;
        world.clock.step(step);
        is(NodeStatus::Current).await;
        world.pass(150);
        is(NodeStatus::Current).await;
        world.report(&node, applied, &[]).await;
        assert_eq!(
            stored().await,
            first,
            "{step}: nothing is new but the clock"
        );
        world.pass(150);
        world.report(&node, applied, &[]).await;
        assert_eq!(stored().await.since(first), 300, "{step}");
        world.pass(151);
        is(NodeStatus::Silent).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_key_is_never_ahead_nor_current() {
    let world = World::new().await;
    let node = world.node().await;
    let state = world.state(&node).await;
    let here = world.applied(&node, &state);
    let [old, own] = [3, 2].map(|seed| SigningKey::from_seed([seed; 32]).public_key());
    let mut known = here;
    for revision in [here.revision - 1, here.revision, here.revision + 1_000] {
        known.revision = revision;
        world.report_under(&old, &node, Some(known), &["x"]).await;
        for (pass, status) in [(0, NodeStatus::Behind), (151, NodeStatus::Silent)] {
            world.pass(pass);
            let standing = world.standing(&node).await;
            assert_eq!(standing.status, status, "{revision}");
            let reason = standing.reason.unwrap_or_default();
            assert!(reason.contains("another control plane key"), "{reason}");
        }
        let call = world.operator().await;
        assert_eq!(
            world
                .authority
                .adopt_nodes(call.permit().expect("the right"))
                .await
                .ok(),
            Some(0)
        );
    }
    assert_eq!(world.state(&node).await.revision, here.revision);
    // Its key is back.
    world.report_under(&own, &node, Some(known), &[]).await;
    assert_eq!(world.standing(&node).await.status, NodeStatus::Ahead);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_revision_has_the_same_content_whenever_it_is_read() {
    let mut world = World::new().await;
    let node = world.node().await;
    let (mut brief, mut waiting) = (claims(), claims());
    brief.expiration_date = Date::of(START + 20 * DAY);
    waiting.creation_date = Some(Date::of(START + 10 * DAY));
    world.put(2, &brief).await;
    world.put(3, &waiting).await;
    let first = world.state(&node).await;
    let before = world.applied(&node, &first);
    // Before, when and after one license begins and another expires.
    for _ in 0..40 {
        world.pass(DAY);
        world.authority = open(&world.store, &world.clock, &world.vendor).await;
        let state = world.state(&node).await;
        let after = world.applied(&node, &state);
        assert_eq!(after.revision, before.revision);
        assert_eq!(after.content_sha256, before.content_sha256);
    }
    let state = world.verified(&node, &first).expect("its own state");
    let held = state.content().licenses.iter();
    let held: Vec<u128> = held.map(|license| license.id.as_u128()).collect();
    let expected = "the one that waits, the one in force, the longer one that comes back";
    assert_eq!(held, [3, 2, 1], "{expected}");
}

#[tokio::test]
async fn a_state_is_signed_once_a_second_however_many_feeds_of_the_node_ask() {
    let plane = World::new().await;
    let node = plane.node().await;
    let first = plane.state(&node).await;
    for _ in 0..100 {
        let again = plane.state(&node).await;
        assert!(
            Arc::ptr_eq(&again.document, &first.document),
            "it was signed again"
        );
    }
    plane.pass(1);
    let later = plane.state(&node).await;
    assert_ne!(later.document, first.document);
}
