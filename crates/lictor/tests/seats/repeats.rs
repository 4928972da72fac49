//! The same thing asked for twice, at once or under one key: it is done once.

use lictor_core::Plan;
use lictor_testkit::{Answer, Request};
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

/// How many changes of this type the ledger has.
fn changes(server: &Server, kind: &str) -> usize {
    let ledger = server.get("/v1/ledger?limit=1000");
    let entries = ledger["data"].as_array().expect("entries").iter();
    entries
        .filter(|entry| entry["change"]["type"] == kind)
        .count()
}

fn keyed(server: &Server, path: &str, body: &Value) -> Request {
    let call = server.call("POST", path).json(body);
    call.header("Idempotency-Key", "one")
}

#[test]
fn one_account_assigned_at_once_has_one_seat() {
    let server = Server::start();
    server.install("editor", Some(5), Plan::Paid);
    let ada = server.account("ada@example.com");
    let path = "/v1/applications/editor/seats";
    for round in 1..4 {
        let call = server.call("POST", path).json(&json!({ "account": ada }));
        let answers = call.at_once(20);
        let with = |status: u16| {
            let matching = answers.iter().filter(|answer| answer.status == status);
            matching.count()
        };
        assert_eq!((with(201), with(200)), (1, 19), "{answers:?}");
        for answer in &answers {
            let expected =
                json!({ "application": "editor", "account": ada, "limit": 5, "used": 1 });
            assert_eq!(answer.value(), expected);
        }
        assert_eq!(changes(&server, "seat_assigned"), round);
        let account = server.get("/v1/accounts/ada@example.com");
        assert_eq!(account["seats"], 1);
        let release = server.call("DELETE", &format!("{path}/{ada}"));
        release.expect(204);
        release.send().problem(404, "not-found");
    }
}

#[test]
fn one_holder_at_once_has_one_lease_and_rising_fences() {
    let server = Server::start();
    server.install("editor", Some(5), Plan::Paid);
    let path = "/v1/applications/editor/leases";
    let call = server.call("POST", path).json(&json!({ "holder": "a" }));
    let answers = call.at_once(20);
    let mut fences: Vec<u64> = answers
        .iter()
        .map(|answer| {
            let lease = answer.value();
            assert_eq!(lease["used"], 1, "{answer:?}");
            lease["fence"].as_u64().expect("a fence")
        })
        .collect();
    fences.sort_unstable();
    assert_eq!(fences, (1..=20).collect::<Vec<u64>>());
    let counts = server.get("/v1/counts");
    assert_eq!(counts["total"]["used"], 1);
}

#[test]
fn a_check_out_that_is_repeated_does_not_raise_the_fence() {
    let server = Server::start();
    server.install("editor", Some(1), Plan::Paid);
    let path = "/v1/applications/editor/leases";
    let call = keyed(&server, path, &json!({ "holder": "a" }));
    let first = call.expect(201);
    let again = call.expect(201);
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.value()["fence"], 1);
    let other = keyed(&server, path, &json!({ "holder": "b" })).send();
    other.problem(422, "idempotency-mismatch");
    let id = first.value()["id"].as_str().expect("an id").to_owned();
    assert_eq!(server.get(&format!("/v1/leases/{id}"))["fence"], 1);
    let fresh = server.call("POST", path).json(&json!({ "holder": "a" }));
    assert_eq!(fresh.expect(201).value()["fence"], 2);
    assert_eq!(call.expect(201).body, first.body, "as it was answered then");
}

#[test]
fn of_twins_under_one_key_one_is_carried_out() {
    let server = Server::start();
    server.install("editor", Some(5), Plan::Paid);
    server.account("ada@example.com");
    for (path, body, kind) in [
        (
            "/v1/applications/editor/seats",
            json!({ "account": "ada@example.com" }),
            "seat_assigned",
        ),
        (
            "/v1/applications/editor/leases",
            json!({ "holder": "a" }),
            "lease_checked_out",
        ),
        (
            "/v1/applications/editor/seats/bulk",
            json!({ "release": ["ada@example.com"] }),
            "seat_released",
        ),
        (
            "/v1/accounts",
            json!({ "email": "new@example.com" }),
            "account_created",
        ),
    ] {
        let before = changes(&server, kind);
        let call = keyed(&server, path, &body);
        let answers = call.at_once(20);
        let done: Vec<&Answer> = answers
            .iter()
            .filter(|answer| answer.status < 300)
            .collect();
        assert!(!done.is_empty(), "{answers:?}");
        assert!(done.iter().all(|answer| answer.body == done[0].body));
        for answer in answers.iter().filter(|answer| answer.status >= 300) {
            answer.problem(409, "idempotency-in-progress");
        }
        assert_eq!(changes(&server, kind), before + 1, "{path}");
    }
}

#[test]
fn the_secrets_of_a_client_are_shown_once() {
    let server = Server::start();
    let body = json!({ "scopes": ["seats:read"], "name": "CRM" });
    let call = keyed(&server, "/v1/clients", &body);
    let made = call.expect(201).value();
    let again = call.send();
    let problem = again.problem(409, "secret-already-shown");
    assert_eq!(problem["id"], made["id"]);
    for secret in ["client_secret", "refresh_token", "code"] {
        let secret = made[secret].as_str().expect("a secret");
        assert!(!again.text().contains(secret), "{again:?}");
    }
    let other = json!({ "scopes": ["seats:read"], "name": "other" });
    let other = keyed(&server, "/v1/clients", &other).send();
    other.problem(422, "idempotency-mismatch");
    let listed = server.get("/v1/clients");
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
    let path = format!("/v1/clients/{}/codes", made["id"].as_str().expect("an id"));
    let call = keyed(&server, &path, &json!({}));
    let code = call.expect(201).value();
    let again = call.send();
    again.problem(409, "secret-already-shown");
    assert!(
        !again
            .text()
            .contains(code["code"].as_str().expect("a code"))
    );
    assert_eq!(changes(&server, "client_created"), 1);
}

#[test]
fn the_answer_to_many_rows_is_kept_without_the_e_mails_in_it() {
    let server = Server::start();
    server.install("editor", Some(1), Plan::Paid);
    server.account("ada@example.com");
    server.account("bob@example.com");
    let path = "/v1/applications/editor/seats/bulk";
    let unknown = ["eve@gone.example", "0197f3a0-0000-7000-8000-000000000001"];
    let assign = ["Ada@Example.com", unknown[0], "bob@example.com", unknown[1]];
    let release = ["eve@GONE.example"];
    let body = json!({ "assign": assign, "release": release, "mode": "each" });
    let call = keyed(&server, path, &body);
    let first = call.expect(200);
    let rows = first.value()["rows"].clone();
    let results = rows.as_array().expect("rows").iter();
    let results: Vec<_> = results.map(|row| row["result"].clone()).collect();
    assert_eq!(
        results,
        ["refused", "assigned", "refused", "refused", "refused"]
    );
    let again = call.expect(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.text(), first.text());
    assert_eq!(rows[1]["account"], assign[0]);
    assert_eq!(
        rows[2]["error"]["detail"],
        "there is no account eve@gone.example"
    );
    // Of those with an account the e-mail is kept there, and goes with it.
    let (_, stored) = server.end();
    for name in [unknown[0], release[0], assign[0]] {
        let found = stored
            .windows(name.len())
            .any(|bytes| bytes == name.as_bytes());
        assert!(!found, "{name} is stored");
    }
}
