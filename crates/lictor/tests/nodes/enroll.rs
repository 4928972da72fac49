//! Enrolling nodes: names, applications, how many the license grants, and the token that is shown once.

use std::thread::ScopedJoinHandle;

use lictor_core::feed::JOIN_PATH;
use lictor_testkit::{claims, result, text};
use serde_json::{Value, json};

use crate::harness::{Joined as _, Server, holds};
use crate::node::{Node, join, new_credential};

fn enroll(server: &Server, body: &Value) -> lictor_testkit::Answer {
    server.call("POST", "/v1/nodes").json(body).send()
}

#[test]
fn a_node_is_shown_as_the_documentation_says() {
    let server = Server::licensed();
    let enrolled = enroll(&server, &json!({ "name": "edge-1" }));
    let location = enrolled.header("location").expect("a location").to_owned();
    let enrolled = enrolled.value();
    let (token, expires_at) = (&enrolled["enrollment_token"], &enrolled["token_expires_at"]);
    assert!(text(token).starts_with("lictor_enroll_"));
    assert!(text(expires_at) > text(&enrolled["created_at"]));
    let shown = server.get("/v1/nodes/edge-1");
    let mut expected = json!({
        "id": enrolled["id"], "name": "edge-1", "application": "konnect", "pool": null,
        "status": "enrolled",
        "detail": "it has not joined yet", "connected": false,
        "created_at": enrolled["created_at"], "joined_at": null, "seen_at": null, "host": null,
        "version": null, "mode": null, "state_revision": enrolled["state_revision"],
        "applied_revision": null, "license": null, "instances": 1, "copied": false, "requests_this_month": null,
        "nodes": 1, "node_limit": null, "problems": [],
    });
    assert_eq!(shown, expected);
    assert_eq!(server.get(&location), expected);
    let list = server.get("/v1/nodes");
    assert_eq!(
        list,
        json!({ "data": [expected.clone()], "next_cursor": null })
    );
    expected["enrollment_token"] = token.clone();
    expected["token_expires_at"] = expires_at.clone();
    assert_eq!(enrolled, expected);
}

#[test]
fn a_name_is_lower_case_letters_digits_hyphens_and_dots() {
    let server = Server::licensed();
    let (longest, longer) = ("n".repeat(63), "n".repeat(64));
    for name in ["a", "7", "edge-1.eu", "a-", "a.", &longest] {
        assert_eq!(
            enroll(&server, &json!({ "name": name })).status,
            201,
            "{name}"
        );
    }
    for name in [
        "", "-a", ".a", "A", "a b", "a_b", "ä", "a@b", "a/b", "a\n", &longer,
    ] {
        let problem = enroll(&server, &json!({ "name": name })).problem(400, "invalid-input");
        assert_eq!(problem["field"], "name", "{name:?}");
    }
    let taken = enroll(&server, &json!({ "name": "a" })).problem(409, "already-exists");
    assert_eq!(
        (&taken["kind"], &taken["name"]),
        (&json!("node"), &json!("a"))
    );
    server.call("DELETE", "/v1/nodes/a").expect(204);
    assert_eq!(enroll(&server, &json!({ "name": "a" })).status, 201);
}

#[test]
fn the_application_need_not_be_named_where_there_is_but_one() {
    let server = Server::start();
    let body = json!({ "name": "edge-1" });
    let none = enroll(&server, &body).problem(400, "invalid-input");
    assert_eq!(none["field"], "application");
    assert!(
        text(&none["detail"]).contains("lictor application create"),
        "{none}"
    );
    let unknown = json!({ "name": "edge-1", "application": "konnect" });
    let unknown = enroll(&server, &unknown).problem(404, "not-found");
    assert_eq!(unknown["kind"], "application");
    server.license(&claims("Konnect"));
    assert_eq!(enroll(&server, &body).value()["application"], "konnect");
    server.license(&claims("Gateway"));
    let several = enroll(&server, &json!({ "name": "edge-2" })).problem(400, "invalid-input");
    let detail = text(&several["detail"]);
    assert!(
        detail.contains("gateway") && detail.contains("konnect"),
        "{detail}"
    );
    let named = json!({ "name": "edge-2", "application": "gateway" });
    assert_eq!(enroll(&server, &named).value()["application"], "gateway");
}

#[test]
fn a_license_grants_so_many_nodes_and_a_revoked_one_gives_its_place_back() {
    let server = Server::start();
    let mut two = claims("Konnect");
    two.dataplanes = Some(2);
    server.license(&two);
    server.license(&claims("Gateway"));
    server.node("edge-1");
    server.enroll("edge-2");
    let third = json!({ "name": "edge-3", "application": "konnect" });
    let full = enroll(&server, &third).problem(409, "node-limit");
    let facts = json!(["konnect", 2, 2]);
    assert_eq!(
        json!([full["application"], full["limit"], full["enrolled"]]),
        facts
    );
    let detail = text(&full["detail"]);
    assert!(detail.contains("lictor node revoke"), "{detail}");
    server.enroll_for("other", "gateway");
    server.call("DELETE", "/v1/nodes/edge-1").expect(204);
    assert_eq!(enroll(&server, &third).status, 201);
    enroll(
        &server,
        &json!({ "name": "edge-4", "application": "konnect" }),
    )
    .problem(409, "node-limit");
    two.dataplanes = Some(3);
    server.license(&two);
    server.enroll("edge-4");
}

#[test]
fn of_many_at_once_no_more_are_enrolled_than_are_licensed() {
    let server = Server::start();
    let mut three = claims("Konnect");
    three.dataplanes = Some(3);
    server.license(&three);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..12)
            .map(|number| {
                let body = json!({ "name": format!("edge-{number}") });
                let call = server.call("POST", "/v1/nodes").json(&body);
                scope.spawn(move || call.send().status)
            })
            .collect();
        let joined = threads.into_iter().map(ScopedJoinHandle::join);
        joined.map(|status| status.expect("an answer")).collect()
    });
    let enrolled = statuses.iter().filter(|status| **status == 201).count();
    assert_eq!(enrolled, 3, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409)));
}

#[test]
fn without_a_license_in_force_nodes_are_enrolled_without_a_limit() {
    let server = Server::start();
    server.post("/v1/applications", &json!({ "key": "konnect" }));
    for number in 0..5 {
        server.node(&format!("edge-{number}"));
    }
    let node = server.node("edge-5");
    assert_eq!(node.poll().licenses(), Vec::<String>::new());
}

#[test]
fn a_token_is_shown_once_and_kept_nowhere() {
    let server = Server::licensed();
    let printed = result(&server.lictor(&["node", "enroll", "--name", "edge-1"]));
    let unused = server.enroll("edge-2");
    let token = printed.parse().expect("the token alone");
    let node = Node::join(&server.url, &token);
    node.feed().state();
    let listed = server.get("/v1/nodes").to_string() + &server.get("/v1/ledger").to_string();
    let stored = server.stored();
    assert!(
        holds(&stored, "edge-2"),
        "the names are found where they are"
    );
    let mut running = server.running;
    running.child.kill().expect("it runs");
    let log = running.log();
    for secret in [
        &printed,
        unused.as_str(),
        &node.credential,
        &printed[14..78],
    ] {
        assert!(!listed.contains(secret));
        assert!(!holds(&stored, secret));
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_token_can_be_used_where_its_node_was_not_revoked() {
    let server = Server::licensed();
    let token = server.enroll("edge-1");
    server.call("DELETE", "/v1/nodes/edge-1").expect(204);
    let answer = join(&server.url, token.as_str(), &new_credential()).send();
    let message = answer.failure(401, "enrollment-refused");
    assert!(message.contains("revoked"), "{message}");
    let half = &token.as_str()[..60];
    let unknown = server.anonymous("POST", JOIN_PATH).token(half);
    let unknown = unknown.json(&json!({ "credential_sha256": "0".repeat(64) }));
    unknown.send().failure(401, "enrollment-refused");
}

#[test]
fn an_application_that_nodes_serve_is_in_use() {
    let server = Server::start();
    server.post("/v1/applications", &json!({ "key": "konnect" }));
    server.enroll("edge-1");
    let remove = || server.call("DELETE", "/v1/applications/konnect").send();
    let refused = remove().problem(409, "application-in-use");
    assert_eq!(refused["nodes"], 1);
    server.call("DELETE", "/v1/nodes/edge-1").expect(204);
    assert_eq!(remove().status, 204);
}
