//! Bodies that are no good, at every route of every format: each is refused in our words, and nothing
//! that a library says reaches who sent it.

use lictor_server::dialects::{jira, kong, zoho};
use lictor_testkit::{Answer, Request, TestServer as Server, assert_none_of_a_library, document};
use serde_json::{Map, Value, json};

use crate::matrix::ROWS;
use crate::world::World;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// What a body is said to be, the last two of which are refused or mean nothing.
const TYPES: [&str; 6] = [
    JSON,
    FORM,
    "multipart/form-data; boundary=b",
    "multipart/form-data",
    "text/plain",
    "",
];

/// Bodies that are no JSON, or none that anybody could take.
fn raw() -> Vec<Vec<u8>> {
    let deep = 50_000;
    let mut bodies: Vec<Vec<u8>> = [
        "{",
        "[",
        "{\"a\":",
        "{\"a\"",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "nul",
        "tru",
        "\"",
        "1e",
        "--1",
        "01",
        "1e999",
        "null",
        "1",
        "[]",
        "\"x\"",
        "{}{}",
        "{} x",
        "\u{feff}{}",
        "\0",
        "{\"a\":\"\n\"}",
        "{\"\\ud800\":1}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "a=1&a=%ff",
        "a=%",
        "--b\r\n",
        "--b\r\n\r\n1\r\n--b--\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1",
        "--b\r\nContent-Disposition: form-data; name=a\"\r\n\r\n\u{fffd}\r\n--b--\r\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    bodies.push(b"{\"a\":\"\xff\"}".to_vec());
    bodies.push(b"\xff\xfe{\0}\0".to_vec());
    bodies.push(format!("{{\"a\":1{}}}", "0".repeat(400)).into_bytes());
    bodies.push("[".repeat(deep).into_bytes());
    bodies.push(format!("{}1{}", "{\"a\":".repeat(deep), "}".repeat(deep)).into_bytes());
    bodies
}

/// What a JSON value becomes when one thing in it is not what it should be.
fn spoiled(good: &Value) -> Vec<Value> {
    let mut all = vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("\u{202e}\0x"),
        json!([]),
        json!([[1]]),
        json!({}),
        json!({ "no such member": 1 }),
    ];
    let Value::Object(members) = good else {
        if let Value::Array(items) = good {
            let first = items.first().map(spoiled).unwrap_or_default();
            all.extend(first.into_iter().map(|item| json!([item])));
        }
        return all;
    };
    let mut more = members.clone();
    more.insert("no such member".to_owned(), json!(1));
    all.push(Value::Object(more));
    for (name, value) in members {
        let mut less = members.clone();
        less.remove(name);
        all.push(Value::Object(less));
        for bad in spoiled(value) {
            let mut changed = members.clone();
            changed.insert(name.clone(), bad);
            all.push(Value::Object(changed));
        }
    }
    all
}

/// The same members, each of them twice.
fn doubled(members: &Map<String, Value>) -> Vec<String> {
    let all = json!(members).to_string();
    let begun = &all[..all.len() - 1];
    let twice = |(name, value): (&String, &Value)| format!("{begun},{}:{value}}}", json!(name));
    members.iter().map(twice).collect()
}

fn assert_ours(answer: &Answer) {
    assert_ne!(answer.status, 500, "{answer:?}");
    assert_none_of_a_library(&String::from_utf8_lossy(&answer.body));
}

/// Sends everything that is wrong with a body where `good` would be taken.
fn walk(call: &Request, good: &Value) {
    for body in raw() {
        for content_type in TYPES {
            assert_ours(&call.clone().body(content_type, body.clone()).send());
        }
    }
    for body in spoiled(good) {
        assert_ours(&call.clone().json(&body).send());
    }
    for body in good.as_object().map(doubled).unwrap_or_default() {
        assert_ours(&call.clone().body(JSON, body).send());
    }
}

#[test]
fn no_route_of_the_native_api_answers_a_bad_body_in_the_words_of_a_library() {
    let world = World::new();
    let mut walked = 0;
    for row in ROWS {
        let good = world.call(row).organization("acme");
        if let Ok(body) = serde_json::from_slice(&good.body) {
            let bare = good.without("Content-Type").bytes(Vec::new());
            walk(&bare, &body);
            walked += 1;
        }
    }
    assert!(walked >= 20, "{walked}");
}

#[test]
fn no_route_of_kong_answers_a_bad_body_in_the_words_of_a_library() {
    let server = Server::start();
    let good = json!({ "payload": document("Konnect"), "created_at": 1, "id": uuid() });
    for path in kong::paths() {
        let path = path.replace("{id}", &uuid()).replace("{name}", "default");
        for method in ["POST", "PUT", "PATCH"] {
            walk(&server.call(method, &path), &good);
        }
    }
}

#[test]
fn no_route_of_jira_answers_a_bad_body_in_the_words_of_a_library() {
    let server = Server::start();
    for path in jira::paths() {
        let path = format!("/rest/api/3/{}", path.replace("{key}", "jira-software"));
        for method in ["GET", "POST"] {
            let call = server.call(method, &path);
            walk_briefly(&call);
        }
    }
    walk_briefly(&server.call("POST", "/rest/api/3/permissions/check"));
}

#[test]
fn no_route_of_zoho_answers_a_bad_body_in_the_words_of_a_library() {
    let server = Server::start();
    for path in zoho::paths() {
        let path = path.replace("{v}", "v7").replace("{name}", "x");
        walk_briefly(&server.call("GET", &path));
        let post = server.call("POST", &path).without("Authorization");
        walk(
            &post,
            &json!({ "grant_type": "refresh_token", "token": "x" }),
        );
    }
}

#[test]
fn no_node_is_answered_in_the_words_of_a_library() {
    let server = Server::start();
    server.add(&document("Payroll"));
    let node = json!({ "name": "n", "application": "payroll" });
    let enrolled = server.post("/v1/nodes", &node);
    let token = enrolled["enrollment_token"].as_str().expect("a token");
    let credential = "lictor_node_0000000000000000000000000000000000000000000000000000000000000000";
    let join = json!({
        "credential_sha256": lictor_core::digest::Digest::of(credential.as_bytes()),
        "host": "h", "version": "1", "formats": [1],
    });
    // What is not refused joins, and what comes after it is refused for that.
    let call = server.call("POST", "/v1/feed/join").token(token);
    walk(&call, &join);
    let count = json!({
        "epoch": "0000000000000000", "service": "s", "month": "2026-01", "count": 1,
    });
    let report = json!({
        "host": "h", "version": "1", "mode": "fresh", "applied": { "revision": 1, "sha256": "x" },
        "license": uuid(), "requests": 1, "problems": ["p"], "counts": [count], "leaving": false,
    });
    walk(
        &server.call("POST", "/v1/feed/report").token(credential),
        &report,
    );
    walk_briefly(&server.call("GET", "/v1/feed").token("unknown"));
}

#[test]
fn a_document_that_is_no_license_is_refused_in_our_words_everywhere() {
    let server = Server::start();
    let text = document("Konnect");
    let good: Value = serde_json::from_str(&text).expect("JSON");
    let mut documents: Vec<String> = spoiled(&good).iter().map(Value::to_string).collect();
    documents.extend(
        raw()
            .iter()
            .map(|raw| String::from_utf8_lossy(raw).into_owned()),
    );
    documents.extend((1..text.len()).step_by(7).map(|end| text[..end].to_owned()));
    for payload in documents {
        for path in ["/v1/licenses", "/licenses"] {
            let body = json!({ "payload": payload });
            assert_ours(&server.call("POST", path).json(&body).send());
        }
    }
}

/// The same where no body is read.
fn walk_briefly(call: &Request) {
    for content_type in [JSON, FORM, "text/plain"] {
        for body in ["{", "a=%ff"] {
            assert_ours(&call.clone().body(content_type, body).send());
        }
    }
}

fn uuid() -> String {
    "0197f3a0-0000-7000-8000-000000000001".to_owned()
}
