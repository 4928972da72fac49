//! How often one token may ask, where the operator sets it.

use crate::harness::Server;

#[test]
fn who_asks_too_often_is_told_so_in_the_words_of_each_dialect_and_others_are_served() {
    let server = Server::with(&["--rate-limit", "5/s"]);
    let other = server.tenant("other");
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
