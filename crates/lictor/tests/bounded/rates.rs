//! How often one token may ask, where the operator sets it.

use lictor_authority::JOBS;
use serde_json::json;

use crate::harness::{Bounded as _, Server, is_turned_away, until};

#[test]
fn who_asks_too_often_is_told_so_in_the_words_of_each_dialect_and_others_are_served() {
    let server = Server::with(&["--rate-limit", "5/s"]);
    let other = server.tenant("other").admin;
    for (method, path, pointer, text) in [
        ("GET", "/v1/licenses", "/type", "too-many-requests"),
        ("GET", "/licenses", "/message", "rate limit"),
        (
            "GET",
            "/rest/api/3/instance/license",
            "/errorMessages/0",
            "Rate limit",
        ),
        ("GET", "/crm/v7/org", "/code", "TOO_MANY_REQUESTS"),
        ("POST", "/oauth/v2/token", "/error", "Access Denied"),
        ("POST", "/v1/feed/report", "/message", "too often"),
    ] {
        let call = server.call(method, path);
        let is_refused = || {
            let answer = call.send();
            if answer.status != 429 {
                return false;
            }
            assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
            let body: serde_json::Value = serde_json::from_str(answer.text()).expect("JSON");
            let said = body.pointer(pointer).and_then(|said| said.as_str());
            assert!(said.is_some_and(|said| said.contains(text)), "{body}");
            true
        };
        assert!((0..10_000).any(|_| is_refused()), "{path} is never refused");
    }
    let others = server.anonymous("GET", "/v1/licenses").token(&other);
    assert_eq!(others.send().status, 200);
    let health = server.anonymous("GET", "/healthz");
    assert!((0..20).all(|_| health.send().status == 200));
}

#[test]
fn without_a_rate_limit_a_token_may_ask_as_often_as_it_likes() {
    let server = Server::with(&[]);
    let call = server.call("GET", "/v1/licenses");
    assert!((0..100).all(|_| call.send().status == 200));
}

#[test]
fn a_token_has_so_many_large_requests_in_work_and_others_are_served() {
    const LARGE: usize = 20_000;
    let server = Server::with(&[]);
    let other = server.tenant("other").admin;
    let held: Vec<_> = (0..JOBS)
        .map(|_| server.begin("POST /v1/licenses", LARGE, 1))
        .collect();
    let body = vec![b' '; LARGE];
    let large = |path| {
        let call = server.call("POST", path);
        call.body("application/json", body.clone())
    };
    let text = "too many large requests of this token";
    for (path, member) in [("/v1/licenses", "/detail"), ("/licenses", "/message")] {
        let answer = until(|| Some(large(path).send()).filter(|answer| answer.status == 503));
        is_turned_away(&answer, member, text);
    }
    // Neither its small requests nor those of another token wait for them.
    server.post("/v1/applications", &json!({ "key": "app" }));
    assert_eq!(large("/v1/licenses").token(&other).send().status, 400);
    drop(held);
    until(|| (large("/v1/licenses").send().status == 400).then_some(()));
}
