//! Bodies of requests: none is read for who is not known, and no tenant takes the memory of others.

use std::net::TcpStream;

use lictor_server::dialects::{kong, native, node};
use lictor_testkit::Request;
use serde_json::json;

use crate::harness::{Bounded as _, Server, is_turned_away, until};

const MEBIBYTE: usize = 1 << 20;

#[test]
fn no_body_is_read_before_its_sender_is_known() {
    let server = Server::with(&[]);
    let native = native::paths();
    let native = native.iter().map(|path| format!("/v1{path}"));
    let nodes = node::paths().into_iter().map(str::to_owned);
    let paths: Vec<String> = native.chain(nodes).chain(kong::paths()).collect();
    assert!(paths.len() > 50, "{paths:?}");
    for path in paths {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            for token in ["", "Authorization: Bearer nobody's\r\n"] {
                let answer = server.asked_by_head(method, &path, token);
                let status = answer.get(9..12).unwrap_or("none");
                let known = if path.starts_with("/v1/feed") {
                    "401 405"
                } else {
                    "401"
                };
                assert!(known.contains(status), "{method} {path} {token}: {answer}");
            }
        }
    }
}

#[test]
fn where_the_credential_stands_in_the_body_no_more_than_four_kibibytes_of_it_are_read() {
    let server = Server::with(&[]);
    for path in ["/oauth/v2/token", "/oauth/v2/token/revoke"] {
        let answer = server.asked_by_head("POST", path, "");
        assert!(answer.contains("the body is too large"), "{answer}");
        let call = server.anonymous("POST", path);
        let most = format!("client_id=x&client_secret={}", "y".repeat(4096 - 26));
        let call = call.body("application/x-www-form-urlencoded", most);
        let answer = call.send();
        assert!(!answer.text().contains("too large"), "{answer:?}");
    }
}

#[test]
fn a_tenant_that_holds_its_share_is_turned_away_and_another_is_not() {
    let server = Server::with(&["--body-memory-per-organization", "24MB"]);
    let other = server.tenant("other").admin;
    server.post("/v1/applications", &json!({ "key": "app" }));
    let node = server.post(
        "/v1/nodes",
        &json!({ "name": "edge-1", "application": "app" }),
    );
    let enrollment = node["enrollment_token"].as_str().expect("a token");
    let text = "the server has no memory left";
    let body = vec![b' '; MEBIBYTE - 1];
    let json = "application/json";
    let held = server.dripping();
    let turned_away = |call: Request| {
        // Some of those who hold their bodies may be turned away themselves.
        until(|| {
            for _ in 0..8 {
                held.add(server.begin("POST /v1/licenses", MEBIBYTE, MEBIBYTE * 5 / 8));
            }
            Some(call.send()).filter(|answer| answer.status == 503)
        })
    };
    let kong = server.call("POST", "/licenses").body(json, body.clone());
    is_turned_away(&turned_away(kong.clone()), "/message", text);
    let native = server.call("POST", "/v1/licenses").body(json, body.clone());
    is_turned_away(&turned_away(native), "/detail", text);
    let join = server.anonymous("POST", "/v1/feed/join").token(enrollment);
    is_turned_away(
        &turned_away(join.body(json, body.clone())),
        "/message",
        text,
    );
    let others = server.anonymous("POST", "/v1/licenses").token(&other);
    assert_eq!(others.body(json, body).send().status, 400);
    drop(held);
    until(|| Some(()).filter(|()| kong.send().status != 503));
}

#[test]
fn those_who_have_not_signed_in_share_what_is_theirs_and_take_nothing_of_others() {
    let server = Server::with(&["--body-memory-anonymous", "1MB"]);
    let begin = |_| server.begin("POST /oauth/v2/token", 4096, 4095);
    let mut held: Vec<TcpStream> = Vec::new();
    let form = "application/x-www-form-urlencoded";
    let token = server.anonymous("POST", "/oauth/v2/token");
    // More than what the last of them may have left.
    let secret = format!("client_id=x&client_secret={}", "y".repeat(4000));
    let token = token.header("X-More", &"z".repeat(4000));
    let token = token.body(form, secret);
    let away = until(|| {
        // So many that no more may wait, before those who stand still have let go.
        held.extend((0..200).map(begin));
        Some(token.send()).filter(|answer| answer.status == 503)
    });
    is_turned_away(&away, "/error", "temporarily_unavailable");
    server.post("/v1/applications", &json!({ "key": "app" }));
    drop(held);
    until(|| Some(()).filter(|()| token.send().status != 503));
}
