//! What a state holds: the licenses of the node's application that no later one outlasts, and under one
//! revision the same for ever.

use lictor_core::{Claims, Date};
use lictor_testkit::{claims, vendor};
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Joined as _, Server};
use crate::node::Node;

/// A license for `konnect` that begins so many days from now.
fn beginning_in(server: &Server, days: i64) -> Claims {
    let mut claims = claims("Konnect");
    claims.creation_date = Some(Date::of(server.now() + days * 86_400));
    claims
}

#[test]
fn it_holds_the_license_in_force_and_those_that_wait_and_none_behind_them() {
    let server = Server::start();
    let oldest = server.license(&claims("Konnect"));
    let node = server.node("edge-1");
    assert_eq!(node.first.licenses(), [oldest]);
    let in_force = server.license(&claims("Konnect"));
    assert_eq!(node.poll().licenses(), std::slice::from_ref(&in_force));
    let waiting = server.license(&beginning_in(&server, 30));
    assert_eq!(node.poll().licenses(), [waiting.clone(), in_force.clone()]);
    let later = server.license(&beginning_in(&server, 60));
    let mut all = vec![later, waiting, in_force.clone()];
    assert_eq!(node.poll().licenses(), all);
    // One that has ended hides none of them, and no more does one that ends before them.
    for days in [0, 1] {
        let mut shorter = claims("Konnect");
        shorter.expiration_date = Date::of(server.now() + days * 86_400);
        all.insert(0, server.license(&shorter));
        all.dedup_by(|older, newer| older == newer);
        let expected = if days == 0 { &in_force } else { &all[0] };
        assert_eq!(
            server.get("/v1/applications/konnect")["license"],
            **expected
        );
    }
    // The one of one day outlasts the one that has ended.
    all.remove(1);
    assert_eq!(node.poll().licenses(), all);
}

/// A license for `konnect` under this id that ends so many days from now, as it was begun.
fn put_ending_in(server: &Server, id: u128, days: i64) -> String {
    let mut claims = claims("Konnect");
    claims.license_key = Some(id.to_string());
    claims.expiration_date = Date::of(server.now() + days * 86_400);
    let id = Uuid::from_u128(id).to_string();
    let payload = vendor(1).sign(&claims.to_json());
    let put = server.call("PUT", &format!("/v1/licenses/{id}"));
    put.json(&json!({ "payload": payload })).expect(201);
    id
}

#[test]
fn above_256_the_newest_are_in_it() {
    let server = Server::start();
    // Each ends before all that were written before it, so that each comes back one day.
    let ids: Vec<String> = (1..=260)
        .map(|id| put_ending_in(&server, id, 400 - id as i64))
        .collect();
    let newest: Vec<String> = ids.into_iter().rev().take(256).collect();
    assert_eq!(server.node("edge-1").poll().licenses(), newest);
}

#[test]
fn what_counts_for_nothing_is_not_in_it() {
    let server = Server::start();
    let pem = vendor(2).public_key().to_pem();
    server.post("/v1/trust", &json!({ "public_key": pem }));
    let kept = server.license(&claims("Konnect"));
    let payload = vendor(2).sign(&claims("Konnect").to_json());
    let stolen = server.post("/v1/licenses", &json!({ "payload": payload }));
    let node = server.node("edge-1");
    assert_eq!(
        node.first.licenses(),
        [stolen["id"].as_str().expect("an id")]
    );
    let key = vendor(2).public_key().id();
    server
        .call("POST", &format!("/v1/trust/{key}/revoke"))
        .expect(200);
    let state = node.poll();
    assert_eq!(state.licenses(), [kept]);
    assert_eq!(state.content.keys.len(), 2, "revoked keys are told too");
}

#[test]
fn each_node_gets_the_licenses_of_its_own_application() {
    let server = Server::start();
    let konnect = server.license(&claims("Konnect"));
    let gateway = server.license(&claims("Gateway"));
    let first = server.node_for("edge-1", "konnect");
    let second = server.node_for("edge-2", "gateway");
    assert_eq!(first.first.content.application, "konnect");
    assert_eq!(first.first.licenses(), [konnect]);
    assert_eq!(second.first.content.application, "gateway");
    assert_eq!(second.first.licenses(), [gateway]);
    let feed = first.feed();
    feed.state();
    let renewed = server.license(&claims("Gateway"));
    assert_eq!(second.poll().licenses(), [renewed]);
    assert_eq!(feed.state().revision, second.poll().revision);
    assert_eq!(first.poll().content.licenses, first.first.content.licenses);
}

/// The exact content of what is sent now, as text.
fn content(node: &Node) -> String {
    let answer = node.call("GET", lictor_core::feed::FEED_PATH).expect(200);
    let text = answer.text();
    let begins = text.find("\"content\":").expect("a content");
    let ends = text.find(",\"signature\"").unwrap_or(text.len());
    text[begins..ends].to_owned()
}

#[test]
fn the_same_revision_has_the_same_bytes_also_after_a_restart() {
    let server = Server::licensed();
    let waiting = beginning_in(&server, 1);
    server.license(&waiting);
    server.policy(20, 40, 60);
    let node = server.node("edge-1");
    let other = server.node("edge-2");
    let (before, bytes) = (node.poll(), content(&node));
    assert_eq!(other.poll().content_sha256, before.content_sha256);
    let server = server.restart();
    let node = node.at(&server.url);
    let after = node.feed().state();
    assert_eq!(after.revision, before.revision);
    assert_eq!(after.content_sha256, before.content_sha256);
    assert_eq!(content(&node), bytes);
    assert!(bytes.contains("\"licenses\":[{"), "{bytes}");
}

#[test]
fn a_hundred_unchanged_puts_make_no_new_state() {
    let server = Server::start();
    let id = put_ending_in(&server, 1, 300);
    let node = server.node("edge-1");
    let (before, feed) = (node.poll(), node.feed());
    feed.state();
    let payload = server.get(&format!("/v1/licenses/{id}"))["payload"].clone();
    for _ in 0..100 {
        let put = server.call("PUT", &format!("/v1/licenses/{id}"));
        put.json(&json!({ "payload": payload })).expect(200);
    }
    assert_eq!(node.poll().revision, before.revision);
    feed.is_quiet();
}
