//! The feed as events: what wakes it, what does not, and how it ends.

use std::time::{Duration, Instant};

use lictor_core::document::rotation::rotate;
use lictor_core::feed::HEARTBEAT_SECONDS;
use lictor_testkit::{claims, text, vendor};
use serde_json::{Value, json};

use crate::events::Feed;
use crate::harness::{Joined as _, Server, within_a_second};
use crate::node::State;

#[test]
fn a_feed_begins_with_the_state_of_now() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let feed = within_a_second(|| {
        let feed = node.feed();
        let state = feed.state();
        assert_eq!(state.revision, node.first.revision);
        assert_eq!(state.content_sha256, node.first.content_sha256);
        assert!(!state.revoked);
        assert_eq!(state.expires_at - state.issued_at, 86_400);
        feed
    });
    assert_eq!(server.shown("edge-1")["connected"], true);
    drop(feed);
}

/// Does something that must bring a newer state within a second.
#[track_caller]
fn brings(feed: &Feed<'_>, before: &mut State, act: impl FnOnce()) -> State {
    feed.is_quiet();
    act();
    let state = within_a_second(|| feed.state());
    assert!(state.revision > before.revision, "{state:?} {before:?}");
    *before = state.clone();
    state
}

#[test]
fn every_change_that_a_node_decides_by_comes_within_a_second() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let feed = node.feed();
    let mut last = feed.state();
    let mut added = String::new();
    let state = brings(&feed, &mut last, || {
        added = server.license(&claims("Konnect"));
    });
    assert_eq!(state.licenses()[0], added);
    let path = format!("/v1/licenses/{added}");
    let mut other = claims("Konnect");
    other.license_key = Some("ANOTHER".to_owned());
    let body = json!({ "payload": vendor(1).sign(&other.to_json()) });
    brings(&feed, &mut last, || {
        server.call("PUT", &path).json(&body).expect(200);
    });
    let state = brings(&feed, &mut last, || {
        server.call("DELETE", &path).expect(204);
    });
    assert_ne!(state.licenses()[0], added);
    let (next, old) = (vendor(2).public_key(), vendor(1).public_key().id());
    let body = json!({ "public_key": next.to_pem(), "rotation": rotate(&vendor(1), &next) });
    let state = brings(&feed, &mut last, || {
        server.post("/v1/trust", &body);
    });
    let rotated = state.content.keys.iter().find(|key| key.public_key == next);
    let rotation = rotated.and_then(|key| key.rotation.as_ref());
    assert!(rotation.is_some_and(|made| made.is_signed_by(&vendor(1).public_key())));
    for word in ["retire", "revoke"] {
        let path = format!("/v1/trust/{old}/{word}");
        brings(&feed, &mut last, || {
            server.call("POST", &path).expect(200);
        });
    }
    let state = brings(&feed, &mut last, || server.policy(20, 40, 60));
    assert_eq!(state.content.node_policy.stale_after, 20);
    assert_eq!(state.expires_at - state.issued_at, 40);
    feed.is_quiet();
}

/// Seats, a lease, an account, counts, tokens, another node, and what changes nothing.
fn what_nodes_do_not_decide_by(server: &Server) {
    let account = json!({ "email": "ada@example.com" });
    server.post("/v1/accounts", &account);
    let seat = json!({ "account": "ada@example.com" });
    server.post("/v1/applications/konnect/seats", &seat);
    let seat = "/v1/applications/konnect/seats/ada@example.com";
    server.call("DELETE", seat).expect(204);
    let lease = json!({ "holder": "build-7" });
    server.post("/v1/applications/konnect/leases", &lease);
    let named = json!({ "name": "Konnect Enterprise", "over_limit": "allow" });
    let call = server.call("PATCH", "/v1/applications/konnect");
    call.json(&named).expect(200);
    server.post("/v1/applications", &json!({ "key": "other" }));
    let count = json!({ "counts": [{ "service": "orders", "count": 7 }] });
    server.call("POST", "/v1/usage").json(&count).expect(200);
    let token = server.post("/v1/tokens", &json!({ "role": "admin" }));
    let token = format!("/v1/tokens/{}", text(&token["id"]));
    server.call("DELETE", &token).expect(204);
    server.node("edge-2").count(&json!([]));
    server.call("DELETE", "/v1/nodes/edge-2").expect(204);
    server.policy(300, 86_400, 30 * 86_400);
    server.call("POST", "/v1/node-adoptions").expect(200);
    let trusted = json!({ "public_key": vendor(1).public_key().to_pem() });
    server.post("/v1/trust", &trusted);
    elsewhere(server);
}

/// Everything, but in another organization.
fn elsewhere(server: &Server) {
    server.post("/v1/organizations", &json!({ "key": "acme" }));
    let acme = |method: &str, path: &str, body: &Value| {
        let call = server.call(method, path).organization("acme").json(body);
        let answer = call.send();
        assert!(answer.status < 300, "{answer:?}");
    };
    let payload = vendor(1).sign(&claims("Konnect").to_json());
    acme("POST", "/v1/licenses", &json!({ "payload": payload }));
    let policy =
        json!({ "stale_after_seconds": 10, "expires_after_seconds": 10, "grace_seconds": 0 });
    acme("PUT", "/v1/node-policy", &policy);
    acme("POST", "/v1/nodes", &json!({ "name": "edge-1" }));
    acme("DELETE", "/v1/nodes/edge-1", &json!({}));
    acme("POST", "/v1/node-adoptions", &json!({}));
}

#[test]
fn nothing_else_wakes_a_feed_or_raises_the_revision() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let feed = node.feed();
    let first = feed.state();
    what_nodes_do_not_decide_by(&server);
    let polled = node.poll();
    assert_eq!(polled.revision, first.revision);
    assert_eq!(polled.content_sha256, first.content_sha256);
    // What comes next is this alone; an event for any of the above would have come before it.
    server.license(&claims("Konnect"));
    let state = feed.state();
    assert!(state.revision > first.revision);
    assert_eq!(state.licenses().len(), 1);
    assert_eq!(server.shown("edge-1")["state_revision"], state.revision);
    feed.is_quiet();
}

#[test]
fn a_state_is_signed_again_before_it_is_half_stale() {
    let server = Server::licensed();
    server.policy(10, 60, 0);
    let node = server.node("edge-1");
    let feed = node.feed();
    let first = feed.state();
    let begun = Instant::now();
    let again = feed.state();
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(again.revision, first.revision);
    assert_eq!(again.content_sha256, first.content_sha256);
    assert!(again.issued_at > first.issued_at);
    assert_eq!(again.expires_at - again.issued_at, 60);
}

#[test]
fn a_quiet_feed_says_that_it_is_alive() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let feed = node.feed();
    feed.state();
    let begun = Instant::now();
    feed.heartbeat();
    let passed = begun.elapsed().as_secs();
    let expected = HEARTBEAT_SECONDS - 2..=HEARTBEAT_SECONDS + 2;
    assert!(expected.contains(&passed), "{passed}");
    server.license(&claims("Konnect"));
    feed.state();
}

#[test]
fn a_server_that_is_told_to_stop_ends_its_feeds_at_once() {
    let mut server = Server::licensed();
    let nodes = ["edge-1", "edge-2", "edge-3"].map(|name| server.node(name));
    let feeds: Vec<Feed<'_>> = nodes.iter().map(|node| node.feed()).collect();
    for feed in &feeds {
        feed.state();
    }
    let begun = Instant::now();
    let pid = server.running.child.id().to_string();
    let kill = std::process::Command::new("sh")
        .args(["-c", "kill -s TERM \"$0\"", &pid])
        .status();
    assert!(kill.expect("a shell runs").success());
    for feed in &feeds {
        feed.end();
    }
    let status = server.running.child.wait().expect("it ends");
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert!(status.success());
}
