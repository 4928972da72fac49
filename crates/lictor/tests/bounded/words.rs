//! Who is turned away, is so in the very form that clients of each dialect read.

use lictor_core::{Claims, Date};
use lictor_testkit::{Answer, Request};
use serde_json::{Value, json};

use crate::harness::{Bounded as _, Server, is_turned_away, until};

const NO_ROOM: &str = "the server has no memory left";

/// The answer to one request more than a token may make in a second.
fn too_many(call: &Request) -> Answer {
    until(|| Some(call.send()).filter(|answer| answer.status == 429))
}

#[track_caller]
fn assert_whole_seconds(answer: &Answer) {
    let seconds = answer.header("retry-after").map(str::parse::<u32>);
    assert!(matches!(seconds, Some(Ok(1..))), "{answer:?}");
}

#[test]
fn one_request_too_many_is_answered_in_the_form_of_each_dialect() {
    let server = Server::with(&["--rate-limit", "2/s"]);
    let kong = too_many(&server.call("GET", "/licenses"));
    assert_whole_seconds(&kong);
    let body = kong.json_as("application/json; charset=utf-8");
    assert_eq!(body, json!({ "message": "API rate limit exceeded" }));
    assert_eq!(kong.header("vary"), Some("Origin"));
    assert_eq!(
        kong.header("access-control-allow-credentials"),
        Some("true")
    );
    let id = kong.header("x-kong-admin-request-id");
    assert_eq!(id.map(str::len), Some(32), "{kong:?}");
    assert!(kong.header("x-kong-admin-latency").is_some(), "{kong:?}");
    let head = too_many(&server.call("HEAD", "/licenses"));
    assert!(head.body.is_empty(), "{head:?}");

    for path in ["/rest/api/2/instance/license", "/rest/auth/1/session"] {
        let jira = too_many(&server.call("GET", path));
        assert_whole_seconds(&jira);
        let body = jira.json_as("application/json;charset=UTF-8");
        let said = json!({ "errorMessages": ["Rate limit exceeded."], "errors": {} });
        assert_eq!(body, said);
        assert!(jira.header("x-arequestid").is_some(), "{jira:?}");
    }

    let zoho = too_many(&server.call("GET", "/crm/v7/__features/user_licenses"));
    assert_whole_seconds(&zoho);
    let body = zoho.json_as("application/json;charset=utf-8");
    assert_eq!(body["code"], "TOO_MANY_REQUESTS", "{body}");
    assert_eq!(
        (&body["status"], &body["details"]),
        (&json!("error"), &json!({}))
    );
    assert!(body["message"].is_string(), "{body}");

    for path in ["/oauth/v2/token", "/oauth/v2/token/revoke"] {
        let oauth = too_many(&server.call("POST", path));
        assert_whole_seconds(&oauth);
        let body = oauth.json_as("application/json;charset=UTF-8");
        let said =
            "You have made too many requests continuously. Please try again after some time.";
        assert_eq!(
            body,
            json!({ "error": "Access Denied", "error_description": said })
        );
    }

    for (method, path) in [
        ("GET", "/v1/feed"),
        ("POST", "/v1/feed/join"),
        ("POST", "/v1/feed/report"),
    ] {
        let node = too_many(&server.call(method, path));
        assert_whole_seconds(&node);
        let body = node.json_as("application/json");
        assert_eq!(body["code"], "unavailable", "{body}");
        assert_eq!(body["message"], "the node asks too often");
    }

    let native = too_many(&server.call("POST", "/v1/licenses"));
    assert_whole_seconds(&native);
    let body = native.json_as("application/problem+json");
    assert_eq!(body["type"], "urn:lictor:problem:too-many-requests");
    assert_eq!(body["status"], 429);
}

#[test]
fn jira_and_zoho_are_told_in_their_own_form_that_there_is_no_memory_left() {
    let server = Server::with(&["--body-memory-per-organization", "24MB"]);
    let claims = Claims {
        features: (0..150).map(|number| format!("feature-{number}")).collect(),
        ..Claims::new("Some Product", Date::parse("2199-01-01").expect("a date"))
    };
    server.license(&claims);
    for number in 0..400 {
        let key = format!("application-{number}");
        server.post("/v1/applications", &json!({ "key": key }));
    }
    let jira = server.call("GET", "/rest/api/3/instance/license");
    let zoho = server.call("GET", "/crm/v7/__features");
    for call in [&jira, &zoho] {
        let answer = call.send();
        assert_eq!(answer.status, 200, "{answer:?}");
        // More than the least that a request on its way holds.
        assert!(answer.body.len() > 16_384, "{}", answer.body.len());
    }
    let mut held = Vec::new();
    let mut turned_away = |call: &Request| {
        until(|| {
            // So many that no more may wait, before those who stand still have let go.
            held.extend(
                (0..150).map(|_| server.begin("POST /v1/licenses", 1 << 14, (1 << 14) - 1)),
            );
            Some(call.send()).filter(|answer| answer.status == 503)
        })
    };
    let answer = turned_away(&jira);
    is_turned_away(&answer, "/errorMessages/0", NO_ROOM);
    let body = answer.json_as("application/json;charset=UTF-8");
    assert_eq!(body["errors"], json!({}));
    assert_eq!(
        body.as_object().map(serde_json::Map::len),
        Some(2),
        "{body}"
    );
    let answer = turned_away(&zoho);
    is_turned_away(&answer, "/message", NO_ROOM);
    let body = answer.json_as("application/json;charset=utf-8");
    let keys: Vec<&String> = body
        .as_object()
        .map(|all| all.keys().collect())
        .unwrap_or_default();
    assert_eq!(keys, ["code", "details", "message", "status"], "{body}");
    assert_eq!(
        (&body["code"], &body["status"]),
        (&json!("INTERNAL_ERROR"), &Value::from("error"))
    );
    drop(held);
    until(|| Some(()).filter(|()| jira.send().status == 200 && zoho.send().status == 200));
}
