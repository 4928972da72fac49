//! Leases over `/v1`: checked out, renewed, fenced, released, and gone when their holder is.

use std::time::Duration;

use lictor_core::Plan;
use lictor_testkit::Answer;
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

fn check_out(server: &Server, holder: &str, ttl: i64) -> Answer {
    let call = server.call("POST", "/v1/applications/editor/leases");
    call.json(&json!({ "holder": holder, "ttl_seconds": ttl }))
        .send()
}

fn act(server: &Server, lease: &Value, action: &str, body: Value) -> Answer {
    let id = lease["id"].as_str().expect("an id");
    let call = server.call("POST", &format!("/v1/leases/{id}/{action}"));
    call.json(&body).send()
}

#[test]
fn a_lease_is_fenced_renewed_and_released() {
    let server = Server::start();
    server.install("editor", Some(1), Plan::Paid);
    let first = check_out(&server, "device", 60);
    assert_eq!(first.status, 201, "{first:?}");
    let first = first.value();
    assert_eq!(
        (&first["fence"], &first["limit"], &first["used"]),
        (&json!(1), &json!(1), &json!(1))
    );
    let second = check_out(&server, "device", 60).value();
    assert_eq!((&second["id"], &second["fence"]), (&first["id"], &json!(2)));
    assert_eq!((&second["limit"], &second["used"]), (&json!(1), &json!(1)));
    let other = check_out(&server, "other", 60).problem(409, "seat-refused");
    assert_eq!(other["reason"], "exhausted");
    let old = act(&server, &first, "renew", json!({ "fence": 1 }));
    assert_eq!(old.problem(409, "fence-mismatch")["fence"], 2);
    let renewed = act(
        &server,
        &first,
        "renew",
        json!({ "fence": 2, "ttl_seconds": 3600 }),
    );
    assert!(renewed.value()["expires_at"].as_str() > second["expires_at"].as_str());
    act(&server, &first, "release", json!({ "fence": 1 })).problem(409, "fence-mismatch");
    act(&server, &first, "release", json!({})).problem(400, "invalid-input");
    assert_eq!(
        act(&server, &first, "release", json!({ "fence": 2 })).status,
        204
    );
    act(&server, &first, "renew", json!({ "fence": 2 })).problem(404, "not-found");
    let other = check_out(&server, "other", 60).value();
    assert_eq!(
        act(&server, &other, "release", json!({ "force": true })).status,
        204
    );
}

#[test]
fn a_lease_comes_back_when_its_holder_dies() {
    let server = Server::start();
    server.install("editor", Some(1), Plan::Paid);
    assert_eq!(check_out(&server, "device", 1).status, 201);
    for _ in 0..100 {
        let counts = server.get("/v1/counts?application=editor");
        if counts["data"][0]["used"] == 0 {
            let entries = server.get("/v1/ledger")["data"].clone();
            let last = entries.as_array().and_then(|entries| entries.last());
            let last = last.expect("an entry");
            assert_eq!(last["change"]["type"], "lease_ended");
            assert_eq!(last["change"]["reason"], "expired");
            assert_eq!(last["actor"], Value::Null);
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the lease is still out");
}

#[test]
fn bad_leases_are_refused() {
    let server = Server::start();
    server.install("editor", Some(1), Plan::Paid);
    for ttl in [0, -1, 2_592_001, i64::MAX] {
        let problem = check_out(&server, "device", ttl).problem(400, "invalid-input");
        assert_eq!(problem["field"], "ttl_seconds");
    }
    for holder in ["", "a\nb", &"x".repeat(201)] {
        let problem = check_out(&server, holder, 60).problem(400, "invalid-input");
        assert_eq!(problem["field"], "holder");
    }
    let absent = server.call("POST", "/v1/applications/absent/leases");
    absent
        .json(&json!({ "holder": "x" }))
        .send()
        .problem(404, "not-found");
    for id in ["x", "00000000-0000-0000-0000-000000000000"] {
        let call = server.call("POST", &format!("/v1/leases/{id}/renew"));
        call.json(&json!({ "fence": 1 })).expect(404);
        server.call("GET", &format!("/v1/leases/{id}")).expect(404);
    }
    let lease = check_out(&server, "device", 60).value();
    for fence in [json!(-1), json!(1.5), json!("1"), json!(u64::MAX)] {
        let status = act(&server, &lease, "renew", json!({ "fence": fence })).status;
        assert!(matches!(status, 400 | 409), "{fence}: {status}");
    }
}
