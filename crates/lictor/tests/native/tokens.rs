//! Tokens: what they are shown as, and when they end.

use std::time::{Duration, Instant};

use lictor_testkit::TestServer as Server;
use serde_json::{Value, json};

#[test]
fn a_token_is_shown_with_its_secret_once() {
    let server = Server::start();
    let acme = server.tenant("acme");
    let body = json!({ "name": "CI", "scopes": ["licenses:read"], "expires_at": "2199-01-01T01:00:00+01:00" });
    let call = server
        .call("POST", "/v1/tokens")
        .token(&acme.admin)
        .json(&body);
    let answer = call.expect(201);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let mut made = answer.json();
    let path = format!("/v1/tokens/{}", made["id"].as_str().expect("an id"));
    assert_eq!(answer.header("location"), Some(path.as_str()));
    let secret = made.as_object_mut().expect("an object").remove("secret");
    let secret = secret.expect("a secret").as_str().expect("text").to_owned();
    assert_eq!(
        made,
        json!({
            "id": made["id"], "organization": acme.id, "name": "CI", "role": "reader",
            "scopes": ["licenses:read"], "created_at": made["created_at"],
            "expires_at": "2199-01-01T00:00:00Z", "revoked_at": null, "live": true, "account": null,
            "origin": "token", "created_by": made["created_by"],
        })
    );
    let show = server.call("GET", &path).token(&acme.admin);
    assert_eq!(show.expect(200).json(), made);
    let list = server
        .call("GET", "/v1/tokens")
        .token(&acme.admin)
        .expect(200);
    assert!(!list.text().contains(&secret));
    assert!(
        list.json()["data"]
            .as_array()
            .expect("rows")
            .contains(&made)
    );
    server
        .call("GET", "/v1/licenses")
        .token(&secret)
        .expect(200);
}

#[test]
fn a_revoked_token_is_dead_at_once() {
    let server = Server::start();
    let acme = server.tenant("acme");
    let made = server
        .call("POST", "/v1/tokens")
        .token(&acme.admin)
        .json(&json!({}))
        .expect(201);
    let made = made.json();
    let secret = made["secret"].as_str().expect("a secret");
    let path = format!("/v1/tokens/{}", made["id"].as_str().expect("an id"));
    server.call("GET", "/v1/usage").token(secret).expect(200);
    let revoke = server.call("DELETE", &path).token(&acme.admin);
    revoke.expect(204);
    server
        .call("GET", "/v1/usage")
        .token(secret)
        .expect_problem(401, "unauthenticated");
    revoke.expect(204);
    let shown = server
        .call("GET", &path)
        .token(&acme.admin)
        .expect(200)
        .json();
    assert_eq!(shown["live"], false);
    assert!(shown["revoked_at"].is_string());
}

#[test]
fn an_expired_token_is_dead() {
    let server = Server::start();
    let end = server.now() + 2;
    let end = jiff::Timestamp::from_second(end)
        .expect("a time")
        .to_string();
    let made = server.post("/v1/tokens", &json!({ "expires_at": end }));
    assert_eq!(made["expires_at"], end.as_str());
    let secret = made["secret"].as_str().expect("a secret");
    let call = server.call("GET", "/v1/usage").token(secret);
    let patience = Instant::now() + Duration::from_secs(20);
    while call.send().status == 200 {
        assert!(Instant::now() < patience, "the token never ends");
        std::thread::yield_now();
    }
    assert!(server.now() >= made_end(&made));
    call.expect_problem(401, "unauthenticated");
    let path = format!("/v1/tokens/{}", made["id"].as_str().expect("an id"));
    assert_eq!(server.get(&path)["live"], false);
}

fn made_end(made: &Value) -> i64 {
    let end: jiff::Timestamp = made["expires_at"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a time");
    end.as_second()
}

#[test]
fn only_sound_tokens_are_created() {
    let server = Server::start();
    for (body, field) in [
        (json!({ "role": "node" }), "role"),
        (json!({ "role": "Reader" }), "role"),
        (json!({ "scopes": ["everything"] }), "scopes"),
        (json!({ "scopes": ["licenses:"] }), "scopes"),
        (
            json!({ "expires_at": "2020-01-01T00:00:00Z" }),
            "expires_at",
        ),
        (json!({ "expires_at": "2199-01-01" }), "expires_at"),
        (
            json!({ "expires_at": "2199-01-01 00:00:00Z" }),
            "expires_at",
        ),
        (json!({ "expires_at": "2199-01-01T00:00:00" }), "expires_at"),
        (
            json!({ "expires_at": "2199-01-01T00:00:00Z[UTC]" }),
            "expires_at",
        ),
        (json!({ "expires_at": "30d" }), "expires_at"),
    ] {
        let call = server.call("POST", "/v1/tokens").json(&body);
        assert_eq!(
            call.expect_problem(400, "invalid-input")["field"],
            field,
            "{body}"
        );
    }
    for body in [
        json!({ "organization": "acme" }),
        json!({ "secret": "x" }),
        json!({ "id": 1 }),
    ] {
        server
            .call("POST", "/v1/tokens")
            .json(&body)
            .expect_problem(400, "invalid-json");
    }
}

#[test]
fn nobody_makes_a_token_that_can_do_more() {
    let server = Server::start();
    let acme = server.tenant("acme");
    let operator = json!({ "role": "operator" });
    let call = server.call("POST", "/v1/tokens").json(&operator);
    call.clone()
        .token(&acme.admin)
        .expect_problem(403, "forbidden");
    let made = call.expect(201).json();
    assert_eq!(made["organization"], Value::Null);
    let operators = server.get("/v1/tokens?operators=true");
    assert_eq!(operators["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(server.get("/v1/tokens?operators=false")["data"], json!([]));
    let hidden = server
        .call("GET", "/v1/tokens?operators=true")
        .token(&acme.admin);
    hidden.expect_problem(403, "forbidden");
    server
        .call("GET", "/v1/tokens?operators=1")
        .expect_problem(400, "invalid-input");
    let path = format!("/v1/tokens/{}", made["id"].as_str().expect("an id"));
    server.get(&path);
    server
        .call("GET", &path)
        .token(&acme.admin)
        .expect_problem(404, "not-found");
    server
        .call("DELETE", &path)
        .token(&acme.admin)
        .expect_problem(404, "not-found");
    for id in ["x", "00000000-0000-0000-0000-000000000000"] {
        let path = format!("/v1/tokens/{id}");
        server.call("GET", &path).expect_problem(404, "not-found");
        server
            .call("DELETE", &path)
            .expect_problem(404, "not-found");
    }
}
