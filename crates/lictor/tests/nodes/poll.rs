//! The newest state by itself, for nodes behind proxies that let no events through.

use lictor_core::feed::FEED_PATH;
use lictor_testkit::claims;

use crate::clocked::{Clock as _, clocked};
use crate::harness::{Joined as _, Server, within_a_second};

#[test]
fn a_state_that_is_known_is_not_sent_again() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let call = node.call("GET", FEED_PATH);
    let first = call.expect(200);
    assert_eq!(first.header("cache-control"), Some("no-store"));
    assert_eq!(first.header("content-type"), Some("application/json"));
    let tag = first.header("etag").expect("a tag").to_owned();
    let known = call.clone().header("If-None-Match", &tag);
    let again = known.expect(304);
    assert!(again.body.is_empty(), "{again:?}");
    assert_eq!(again.header("etag"), Some(tag.as_str()));
    for other in ["\"0.0\"", "", "x"] {
        call.clone().header("If-None-Match", other).expect(200);
    }
    let added = server.license(&claims("Konnect"));
    let changed = known.expect(200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    let state = node.verify(changed.text());
    assert_eq!(state.licenses(), [added]);
    assert_eq!(state.revision, server.shown("edge-1")["state_revision"]);
}

#[test]
fn a_tag_that_stays_while_the_body_changes_is_weak_and_known_however_it_is_sent() {
    let server = clocked();
    let node = server.node("edge-1");
    let call = node.call("GET", FEED_PATH);
    let first = call.expect(200);
    server.pass(2);
    let second = call.expect(200);
    let tag = first.header("etag").expect("a tag");
    assert_ne!(first.text(), second.text(), "signed anew");
    assert_eq!(second.header("etag"), Some(tag));
    let strong = tag.strip_prefix("W/").expect("a weak tag");
    let list = format!("\"0\", {tag}");
    for known in [tag, strong, &list, "*"] {
        call.clone().header("If-None-Match", known).expect(304);
    }
}

#[test]
fn a_tag_holds_until_the_state_is_due_to_be_signed_again() {
    let server = Server::licensed();
    server.policy(3_600, 86_400, 0);
    let node = server.node("edge-1");
    let before = node.call("GET", FEED_PATH).expect(200);
    let tag = before.header("etag").expect("a tag").to_owned();
    server.policy(7_200, 86_400, 0);
    let call = node.call("GET", FEED_PATH).header("If-None-Match", &tag);
    let after = call.expect(200);
    let [before, after] = [before, after].map(|answer| node.verify(answer.text()));
    assert!(after.revision > before.revision);
    assert_ne!(after.content_sha256, before.content_sha256);
}

#[test]
fn who_waits_for_the_newest_state_is_answered_once_there_is_another() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let first = node.call("GET", FEED_PATH).expect(200);
    let tag = first.header("etag").expect("a tag").to_owned();
    let waiting = |tag: &str| {
        let call = node.call("GET", FEED_PATH).header("If-None-Match", tag);
        call.header("Prefer", "respond-async, wait=20").send()
    };
    within_a_second(|| assert_eq!(waiting("\"another\"").status, 200));
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| waiting(&tag));
        let id = server.license(&claims("Konnect"));
        let answer = within_a_second(|| waiter.join().expect("no panic"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let licenses = node.verify(answer.text()).licenses();
        assert!(licenses.contains(&id), "{licenses:?}");
    });
    let answer = node.call("GET", FEED_PATH).header("If-None-Match", &tag);
    assert_eq!(answer.send().status, 200);
}
