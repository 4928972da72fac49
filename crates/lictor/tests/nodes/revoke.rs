//! Revoking a node: it is told so by a signed state, its feed ends, and it is heard no more.

use lictor_core::feed::{FEED_PATH, REPORT_PATH};
use lictor_testkit::{command, result, text};
use serde_json::json;

use crate::harness::{Joined as _, Server, within_a_second};
use crate::node::{Node, State};

/// What a refusal of a revoked node carries.
#[track_caller]
fn told(node: &Node, method: &str, path: &str) -> State {
    let call = node.call(method, path);
    let answer = match method {
        "POST" => call.json(&node.report_of(&node.first)).send(),
        _ => call.send(),
    };
    let message = answer.failure(403, "revoked");
    assert!(message.contains("lictor node enroll"), "{message}");
    let state = node.verify(&text(&answer.value()["state"]));
    assert!(state.revoked);
    state
}

#[test]
fn a_revoked_node_is_told_so_and_its_feed_ends_within_a_second() {
    let mut server = Server::licensed();
    let mut node = server.node("edge-1");
    let other = server.node("edge-2");
    let (feed, twin, others) = (node.feed(), node.feed(), other.feed());
    let before = feed.state();
    twin.state();
    others.state();
    within_a_second(|| {
        let path = "/v1/nodes/edge-1";
        server.call("DELETE", path).expect(204);
        for feed in [&feed, &twin] {
            let state = feed.state();
            assert!(state.revoked);
            assert!(state.revision >= before.revision);
            feed.end();
        }
    });
    others.is_quiet();
    drop((feed, twin, others));
    for restarted in [false, true] {
        if restarted {
            server = server.restart();
            node = node.at(&server.url);
        }
        told(&node, "GET", FEED_PATH);
        told(&node, "POST", REPORT_PATH);
        let events = node.call("GET", FEED_PATH);
        let events = events.header("Accept", "text/event-stream").send();
        events.failure(403, "revoked");
    }
    let listed = server.get("/v1/nodes")["data"].clone();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    server.call("GET", "/v1/nodes/edge-1").expect(404);
    server.call("DELETE", "/v1/nodes/edge-1").expect(404);
}

#[test]
fn what_a_revoked_node_reports_is_not_taken() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let count = |count: u64| {
        json!([{
            "epoch": "0123456789abcdef", "service": "orders", "month": server.month(),
            "count": count,
        }])
    };
    node.count(&count(7));
    server.call("DELETE", "/v1/nodes/edge-1").expect(204);
    let mut report = node.report_of(&node.first);
    report["counts"] = count(8);
    node.report(&report).failure(403, "revoked");
    assert_eq!(
        server.get("/v1/usage")["total_requests"],
        7,
        "what it counted stays"
    );
}

#[test]
fn the_next_node_of_the_name_has_its_own_place_and_counts() {
    let server = Server::licensed();
    let first = server.node("edge-1");
    let by_id = first.audience.node.to_string();
    result(&server.lictor(&["node", "revoke", &by_id]));
    let second = server.node("edge-1");
    assert_ne!(second.audience.node, first.audience.node);
    told(&first, "GET", FEED_PATH);
    second.feed().state();
    assert_eq!(
        text(&server.shown("edge-1")["id"]),
        second.audience.node.to_string()
    );
    server
        .call("GET", &format!("/v1/nodes/{by_id}"))
        .expect(404);
}

#[test]
fn a_token_that_may_change_nodes_and_not_read_them_revokes_one() {
    let server = Server::licensed();
    server.node("edge-1");
    let body = json!({ "role": "admin", "scopes": ["nodes:write"] });
    let token = text(&server.post("/v1/tokens", &body)["secret"]);
    let mut command = command();
    command.env("LICTOR_URL", &server.url);
    command.env("LICTOR_TOKEN", &token);
    let said = command.args(["node", "revoke", "edge-1"]).output();
    let said = said.expect("lictor runs");
    let told = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(
        said.status.success() && told.contains("node edge-1 is revoked"),
        "{told}"
    );
    server.call("GET", "/v1/nodes/edge-1").expect(404);
}
