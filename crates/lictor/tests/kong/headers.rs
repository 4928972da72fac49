//! The headers of answers.

use std::collections::HashSet;

use lictor_testkit::{Answer, Request};

use crate::harness::{Harness, Options};

/// An answer of every kind.
fn asks(server: &Harness) -> Vec<(u16, Request)> {
    let id = "/licenses/30b4edb7-0847-4f65-af90-efbed8b0161f";
    vec![
        (200, server.ask("GET", "/licenses")),
        (200, server.ask("GET", "/")),
        (200, server.ask("GET", "/license/report")),
        (200, server.ask("HEAD", "/licenses")),
        (204, server.ask("OPTIONS", "/licenses")),
        (204, server.ask("DELETE", id)),
        (400, server.ask("POST", "/licenses")),
        (400, server.ask("GET", "/licenses/x")),
        (401, server.anonymous("GET", "/licenses")),
        (404, server.ask("GET", id)),
        (404, server.ask("OPTIONS", "/nothing")),
        (405, server.ask("PUT", "/licenses")),
        (415, server.ask("POST", "/licenses").body("text/plain", "x")),
    ]
}

#[test]
fn every_answer_carries_kongs_headers() {
    let server = Harness::start();
    let mut ids = HashSet::new();
    for (status, ask) in asks(&server) {
        let reply = ask.send();
        assert_eq!(reply.status, status);
        let headers = &reply.headers;
        let server = reply.header("server").expect("a product");
        assert!(server.starts_with("lictor/"), "{status}: {headers:?}");
        let latency = reply.header("x-kong-admin-latency").expect("a latency");
        assert!(latency.parse::<u64>().is_ok(), "{status}: {headers:?}");
        let id = reply
            .header("x-kong-admin-request-id")
            .expect("an id")
            .to_owned();
        assert_eq!(id.len(), 32, "{status}: {headers:?}");
        assert!(ids.insert(id), "{status}: an id came twice");
        assert!(reply.header("vary").expect("vary").ends_with("Origin"));
        assert_eq!(
            reply.header("access-control-allow-credentials"),
            Some("true")
        );
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        let json = (status != 204).then_some("application/json; charset=utf-8");
        assert_eq!(reply.header("content-type"), json, "{status}");
        let listed = reply.header("access-control-allow-headers");
        assert_eq!(
            listed.is_some(),
            status == 204 && reply.header("allow").is_some()
        );
    }
}

fn origin(reply: &Answer) -> Option<&str> {
    reply.header("access-control-allow-origin")
}

#[test]
fn without_configured_origins_each_is_allowed() {
    let server = Harness::start();
    for (status, ask) in asks(&server) {
        let reply = ask.header("Origin", "https://a.example").send();
        assert_eq!(origin(&reply), Some("https://a.example"), "{status}");
    }
}

#[test]
fn configured_origins_alone_are_allowed() {
    let origins = ["https://a.example", "https://b.example"]
        .map(str::to_owned)
        .to_vec();
    let server = Harness::with(Options {
        origins,
        ..Options::default()
    });
    for (sent, allowed) in [
        (Some("https://a.example"), "https://a.example"),
        (Some("https://b.example"), "https://b.example"),
        (Some("https://c.example"), "https://a.example"),
        (Some("null"), "https://a.example"),
        (None, "https://a.example"),
    ] {
        let ask = server.ask("GET", "/licenses");
        let ask = match sent {
            Some(sent) => ask.header("Origin", sent),
            None => ask,
        };
        assert_eq!(origin(&ask.send()), Some(allowed), "{sent:?}");
    }
}

#[test]
fn a_preflight_echoes_the_headers_asked_for() {
    let server = Harness::start();
    let preflight = || {
        server
            .anonymous("OPTIONS", "/licenses")
            .header("Origin", "https://a.example")
    };
    let allowed = |ask: Request| {
        let reply = ask.send();
        reply
            .header("access-control-allow-headers")
            .map(str::to_owned)
    };
    let echoed = preflight().header("Access-Control-Request-Headers", "kong-admin-token, x-mine");
    assert_eq!(allowed(echoed).as_deref(), Some("kong-admin-token, x-mine"));
    assert_eq!(allowed(preflight()).as_deref(), Some("Content-Type"));
}
