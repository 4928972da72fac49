//! Answers: none is as large as what tenants store, and those that nobody takes have a bound together.

use lictor_testkit::Request;
use serde_json::{Value, json};

use crate::harness::{Bounded as _, Server, is_turned_away, until};

/// What no list comes to, in bytes.
const MOST: usize = 2 * 1024 * 1024;

#[test]
fn a_list_ends_a_page_early_where_its_rows_are_large() {
    let server = Server::with(&[]);
    server.large_licenses(70);
    for (first, next, of_all) in [
        ("/v1/licenses?limit=1000", "/next_cursor", 70),
        ("/licenses?size=1000", "/offset", 70),
    ] {
        let (mut path, mut pages, mut ids) = (first.to_owned(), 0, Vec::new());
        loop {
            let answer = server.call("GET", &path).send();
            assert_eq!(answer.status, 200, "{path}");
            assert!(answer.body.len() < MOST, "{path}: {}", answer.body.len());
            let page: Value = serde_json::from_slice(&answer.body).expect("JSON");
            let rows = page["data"].as_array().expect("rows");
            ids.extend(rows.iter().map(|row| row["id"].to_string()));
            pages += 1;
            match page.pointer(next).and_then(Value::as_str) {
                None => break,
                Some(next) if first.starts_with("/v1") => path = format!("{first}&cursor={next}"),
                Some(next) => path = format!("{first}&offset={next}"),
            }
        }
        ids.dedup();
        assert_eq!((pages, ids.len()), (3, of_all), "{first}");
    }
}

#[test]
fn answers_that_nobody_takes_have_a_bound_and_leave_others_theirs() {
    let server = Server::with(&[]);
    let other = server.tenant("other").admin;
    server.large_licenses(30);
    let native = server.call("GET", "/v1/licenses?limit=1000");
    let kong = server.call("GET", "/licenses?size=1000");
    assert_eq!((native.send().status, kong.send().status), (200, 200));
    // Who stands still would let go.
    let untaken = server.sipping();
    let text = "the server has no memory left";
    let turned_away = |call: &Request| {
        until(|| {
            for _ in 0..10 {
                untaken.add(server.ask_and_take_nothing("/v1/licenses?limit=1000", 2));
            }
            Some(call.send()).filter(|answer| answer.status == 503)
        })
    };
    is_turned_away(&turned_away(&native), "/detail", text);
    is_turned_away(&turned_away(&kong), "/message", text);
    let small = server.call("GET", "/v1/organizations/default");
    assert_eq!(small.send().status, 200, "small answers are given");
    let others = server.anonymous("GET", "/v1/licenses").token(&other);
    assert_eq!(others.send().status, 200);
    drop(untaken);
    until(|| Some(()).filter(|()| native.send().status == 200));
}

#[test]
fn a_state_for_a_node_ends_with_the_newest_licenses_where_they_are_large() {
    let server = Server::with(&[]);
    server.large_licenses(30);
    let node = server.post("/v1/nodes", &json!({ "name": "edge-1" }));
    let enrollment = node["enrollment_token"].as_str().expect("a token");
    let join = json!({ "credential_sha256": "5".repeat(64) });
    let call = server.anonymous("POST", "/v1/feed/join").token(enrollment);
    let answer = call.json(&join).send();
    assert_eq!(answer.status, 201, "{}", answer.body.len());
    assert!(answer.body.len() < 2 * MOST, "{}", answer.body.len());
    let joined: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let state = joined["state"].as_str().expect("a state");
    let carried = state.matches("license_expiration_date").count();
    assert_eq!(carried, 18, "what comes to a mebibyte");
}
