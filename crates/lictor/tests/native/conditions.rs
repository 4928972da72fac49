//! Conditional requests: what has an entity tag, that it changes with the body, and that no write drops a condition.

use std::collections::BTreeSet;

use lictor_server::dialects::{jira, kong, zoho};
use lictor_testkit::{Answer, Request, TestServer as Server, document};
use serde_json::{Value, json};

use crate::matrix::ROWS;
use crate::world::World;

/// A strong tag that nothing has.
const STRANGE: &str = "\"1-0123456789abcdef\"";

fn tag(answer: &Answer) -> String {
    answer.header("etag").expect("a tag").to_owned()
}

/// Whether the write takes conditions; if it does not, it must say so.
fn takes_conditions(write: &Request) -> bool {
    let answer = write.clone().header("If-Match", STRANGE).send();
    if answer.status == 412 {
        let weak = write.clone().header("If-Match", "W/\"1\"");
        let problem = weak.expect_problem(412, "revision-mismatch");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("weak tag"), "{detail}");
        return true;
    }
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.problem(400, "invalid-input")["field"], "If-Match");
    let none = write.clone().header("If-None-Match", STRANGE);
    let problem = none.expect_problem(400, "invalid-input");
    assert_eq!(problem["field"], "If-None-Match");
    false
}

/// Reads under conditions what has a tag.
fn read_under_conditions(read: &Request, tag: &str) {
    for known in [
        tag.to_owned(),
        format!("W/{tag}"),
        format!("{STRANGE}, {tag}"),
        "*".to_owned(),
    ] {
        let answer = read.clone().header("If-None-Match", &known).expect(304);
        assert_eq!(answer.header("etag"), Some(tag), "{known}");
        assert!(answer.body.is_empty(), "{answer:?}");
    }
    read.clone().header("If-None-Match", STRANGE).expect(200);
    read.clone().header("If-Match", tag).expect(200);
    read.clone().header("If-Match", STRANGE).expect(412);
}

#[test]
fn what_has_a_tag_takes_conditions_and_every_other_write_refuses_them() {
    let world = World::new();
    let (mut tagged, mut conditioned) = (BTreeSet::new(), BTreeSet::new());
    for row in ROWS {
        let call = world.call(row).organization("acme");
        if row.0 != "GET" {
            if takes_conditions(&call) {
                conditioned.insert((row.0, row.1));
            }
            call.expect(row.3[0]);
            continue;
        }
        let answer = call.expect(200);
        if let Some(tag) = answer.header("etag") {
            read_under_conditions(&call, tag);
            tagged.insert(row.1);
        }
    }
    let (license, account) = ("/licenses/{license}", "/accounts/{account}");
    assert_eq!(tagged, BTreeSet::from([license, account]));
    let all = [
        ("PUT", license),
        ("DELETE", license),
        ("PATCH", account),
        ("DELETE", account),
    ];
    assert_eq!(conditioned, BTreeSet::from(all));
}

#[test]
fn the_other_dialects_have_no_tags_and_drop_no_condition() {
    let server = Server::start();
    let license = server.add(&document("Konnect"))["id"].clone();
    let license = license.as_str().expect("an id");
    let named = |path: String| {
        let parts = path.split('/').map(|part| match part {
            "{id}" => license,
            "{name}" => "default",
            part if part.starts_with('{') => "konnect",
            part => part,
        });
        parts.collect::<Vec<_>>().join("/")
    };
    let others = jira::paths().into_iter().chain(zoho::paths());
    for path in kong::paths().into_iter().chain(others) {
        let path = named(path);
        let answer = server.call("GET", &path).send();
        assert_eq!(answer.header("etag"), None, "{path}");
    }
    let body = json!({ "payload": document("Konnect") });
    let entity = format!("/licenses/{license}");
    for (method, path) in [
        ("POST", "/licenses"),
        ("PUT", entity.as_str()),
        ("PATCH", entity.as_str()),
        ("DELETE", entity.as_str()),
    ] {
        for (name, value) in [("If-Match", "\"1\""), ("If-None-Match", "*")] {
            let write = server.call(method, path).json(&body).header(name, value);
            let answer = write.expect(412);
            let message = answer.json_as("application/json; charset=utf-8")["message"].clone();
            let message = message.as_str().expect("a message");
            assert!(
                message.contains("no") && message.contains("/v1"),
                "{message}"
            );
        }
    }
    let listed = server.get("/v1/licenses")["data"].clone();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
}

#[test]
fn a_tag_changes_with_the_body() {
    let server = Server::start();
    let first = server.add(&document("Konnect"));
    let path = format!("/v1/licenses/{}", first["id"].as_str().expect("an id"));
    let before = server.call("GET", &path).expect(200);
    server.add(&document("Konnect"));
    let after = server.call("GET", &path).expect(200);
    let (old, new) = (before.json(), after.json());
    assert_eq!(
        [&old["status"], &new["status"]],
        ["in-force", "superseded"],
        "another license changed what this one is"
    );
    assert_eq!(old["revision"], new["revision"]);
    assert_ne!(tag(&before), tag(&after));
    let stale = server.call("DELETE", &path);
    let problem = stale.header("If-Match", &tag(&before));
    problem.expect_problem(412, "revision-mismatch");

    let account = server.post("/v1/accounts", &json!({ "email": "ada@example.com" }));
    let path = format!("/v1/accounts/{}", account["id"].as_str().expect("an id"));
    let mut seen = BTreeSet::from([tag(&server.call("GET", &path).expect(200))]);
    let seat = json!({ "account": account["id"] });
    server.post("/v1/applications/konnect/seats", &seat);
    let patch = |body: Value| server.call("PATCH", &path).json(&body);
    assert!(seen.insert(tag(&server.call("GET", &path).expect(200))));
    assert!(seen.insert(tag(&patch(json!({ "name": "Ada" })).expect(200))));
    assert!(seen.insert(tag(&patch(json!({ "status": "deactivated" })).expect(200))));
    let shown = server.call("GET", &path).expect(200);
    assert!(!seen.insert(tag(&shown)), "a write shows what a read does");
}

#[test]
fn a_write_expects_the_tag_or_the_revision_that_is_stored() {
    let server = Server::start();
    let made = server.add(&document("Konnect"));
    let path = format!("/v1/licenses/{}", made["id"].as_str().expect("an id"));
    let body = json!({ "payload": document("Gateway") });
    let put = |condition: &str| {
        let call = server.call("PUT", &path).json(&body);
        call.header("If-Match", condition)
    };
    let shown = server.call("GET", &path).expect(200);
    let written = put(&tag(&shown)).expect(200);
    put(&tag(&shown)).expect_problem(412, "revision-mismatch");
    put(&format!("\"{}\"", written.json()["revision"])).expect(200);
    // Who may write licenses alone sees one alone, and its conditions are about that.
    let token = json!({ "role": "admin", "scopes": ["licenses:write"] });
    let token = server.post("/v1/tokens", &token)["secret"].clone();
    let token = token.as_str().expect("a secret");
    let written = server
        .call("PUT", &path)
        .json(&body)
        .token(token)
        .expect(200);
    let now = put(&tag(&written)).token(token).expect(200);
    let digest = tag(&now);
    let digest = digest
        .trim_matches('"')
        .split('-')
        .nth(1)
        .expect("a digest");
    for method in ["PUT", "DELETE"] {
        for wrong in ["\"1-0000000000000000\"", "\"999\"", "W/\"1\""] {
            let call = match method {
                "PUT" => put(wrong),
                _ => server.call(method, &path).header("If-Match", wrong),
            };
            let call = call.token(token).expect(412);
            let problem = call.problem(412, "revision-mismatch");
            assert_eq!(problem["revision"], Value::Null, "{method} {wrong}");
            assert!(!call.text().contains(digest), "{method} {wrong}: {call:?}");
        }
    }
    let remove = server.call("DELETE", &path).token(token);
    remove.header("If-Match", "*").expect(204);
}
