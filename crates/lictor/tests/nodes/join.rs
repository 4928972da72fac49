//! Joining: an enrollment token is traded once for a place, and a lost answer costs nothing.

use std::thread::ScopedJoinHandle;

use lictor_core::digest::Digest;
use lictor_core::feed::{EnrollmentToken, FORMATS_HEADER, JOIN_PATH, Joined};
use lictor_testkit::{Request, text};
use serde_json::{Value, json};

use crate::harness::Server;
use crate::node::{Node, join, new_credential};

fn body(credential: &str) -> Value {
    json!({ "credential_sha256": Digest::of(credential.as_bytes()) })
}

fn call(server: &Server, token: &EnrollmentToken, body: &Value) -> Request {
    let call = server.anonymous("POST", JOIN_PATH).token(token.as_str());
    call.json(body)
}

#[test]
fn a_node_joins_once_and_may_repeat_that() {
    let mut server = Server::licensed();
    let token = server.enroll("edge-1");
    let credential = new_credential();
    let first = join(&server.url, token.as_str(), &credential)
        .expect(201)
        .value();
    for restarted in [false, true] {
        if restarted {
            server = server.restart();
        }
        let again = join(&server.url, token.as_str(), &credential)
            .expect(201)
            .value();
        for member in [
            "node",
            "name",
            "organization",
            "application",
            "control_plane_key",
        ] {
            assert_eq!(again[member], first[member], "{member}");
        }
        let other = join(&server.url, token.as_str(), &new_credential()).send();
        let message = other.failure(401, "enrollment-refused");
        assert!(message.contains("used already"), "{message}");
    }
    assert_eq!(first["name"], "edge-1");
    assert_eq!(first["application"], "konnect");
    assert_eq!(first["node"], server.shown("edge-1")["id"]);
    let joined = server.get("/v1/ledger")["data"].clone();
    let joined = joined.as_array().expect("rows").iter();
    let joined = joined.filter(|entry| entry["change"]["type"] == "node_joined");
    assert_eq!(joined.count(), 1, "repeating it changes nothing");
}

#[test]
fn of_many_that_use_a_token_at_once_one_joins() {
    let server = Server::licensed();
    let token = server.enroll("edge-1");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let call = join(&server.url, token.as_str(), &new_credential());
                scope.spawn(move || call.send().status)
            })
            .collect();
        let joined = threads.into_iter().map(ScopedJoinHandle::join);
        joined.map(|status| status.expect("an answer")).collect()
    });
    let joined = statuses.iter().filter(|status| **status == 201).count();
    assert_eq!(joined, 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 401)));
}

#[test]
fn a_credential_is_nobody_elses_and_no_enrollment_token() {
    let server = Server::licensed();
    let (first, second) = (server.enroll("edge-1"), server.enroll("edge-2"));
    let credential = new_credential();
    join(&server.url, first.as_str(), &credential).expect(201);
    for known in [credential.as_str(), first.as_str(), second.as_str()] {
        let answer = join(&server.url, second.as_str(), known).send();
        let message = answer.failure(400, "invalid");
        assert!(message.contains("known here already"), "{message}");
        assert_eq!(server.shown("edge-2")["joined_at"], Value::Null);
    }
    Node::join(&server.url, &second);
}

#[test]
fn a_node_that_takes_none_of_the_formats_is_told_so() {
    let server = Server::licensed();
    let token = server.enroll("edge-1");
    for formats in [json!([2]), json!([0, 2, 4_294_967_295_u32])] {
        let mut body = body("x");
        body["formats"] = formats;
        let answer = call(&server, &token, &body).send();
        let message = answer.failure(406, "unsupported-format");
        assert!(message.contains("format 1"), "{message}");
    }
    for header in ["2", "2, 3", "", "x", "1.0", "ä"] {
        let call = call(&server, &token, &body("x")).header(FORMATS_HEADER, header);
        call.send().failure(406, "unsupported-format");
    }
    let mut later = body(&new_credential());
    later["formats"] = json!([1, 2]);
    later["from_a_later_version"] = json!({});
    let call = call(&server, &token, &later).header(FORMATS_HEADER, "2, 1");
    let joined: Joined = serde_json::from_slice(&call.expect(201).body).expect("a place");
    assert_eq!(joined.name, "edge-1");
}

#[test]
fn what_is_no_request_to_join_is_refused_and_uses_nothing_up() {
    let server = Server::licensed();
    let token = server.enroll("edge-1");
    for bad in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        r#"{"credential_sha256":1}"#,
        r#"{"credential_sha256":"00"}"#,
        r#"{"credential_sha256":"zz00000000000000000000000000000000000000000000000000000000000000"}"#,
    ] {
        let call = server.anonymous("POST", JOIN_PATH).token(token.as_str());
        let answer = call.body("application/json", bad).send();
        let message = answer.failure(400, "invalid");
        assert!(message.starts_with("the body"), "{message}");
    }
    let node = Node::join(&server.url, &token);
    assert_eq!(
        text(&server.shown("edge-1")["id"]),
        node.audience.node.to_string()
    );
}
