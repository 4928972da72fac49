//! A node that denies everything says so, wherever one looks.

use lictor_testkit::{claims, result};

use crate::harness::Server;
use crate::planes::{Plane, soon};

#[test]
fn a_node_that_denies_everything_is_not_ready_and_says_why_everywhere() {
    let server = Server::licensed();
    let token = server.enroll_for("edge-1", "konnect");
    let license = server.get("/v1/licenses")["data"][0]["id"].clone();
    let path = format!("/v1/licenses/{}", license.as_str().expect("an id"));
    server.call("DELETE", &path).expect(204);
    let plane = Plane::start(&server, "edge-1", &["--enroll", token.as_str()]);
    let metric = |line: &str| {
        let metrics = plane.ask("GET", "/metrics").expect(200);
        metrics.text().lines().any(|found| found == line)
    };
    let refused = plane.ask("GET", "/readyz").expect(503);
    assert_eq!(refused.header("lictor-reason"), Some("unlicensed"));
    assert_eq!(refused.value()["reason"], "unlicensed");
    assert!(metric("lictor_node_allows 0"));
    assert!(plane.problems().contains("denies all requests: unlicensed"));
    let listed = || result(&server.lictor(&["node", "list"]));
    let is_told = || listed().contains("denies all requests: unlicensed");
    assert!(soon(is_told), "{}", listed());
    plane
        .running
        .wait_for("fresh: denies all requests: unlicensed");
    // Nothing of it is counted, neither as usage nor as denied.
    assert_eq!(plane.status()["requests_denied"]["unlicensed"], 0);

    server.license(&claims("Konnect"));
    plane.until(None);
    plane.ask("GET", "//readyz").expect(200);
    assert!(metric("lictor_node_allows 1"));
    assert!(!plane.problems().contains("denies"), "{}", plane.problems());
    let before = plane.status()["requests"].clone();
    plane.ask("GET", "/readyz").expect(200);
    assert_eq!(plane.status()["requests"], before);
    let plane = plane.restart();
    plane.running.wait_for("fresh: allows requests");
}
