//! What the binary of commit 8fa8079 left behind, opened by this one: its database is checked, every
//! figure is what it was but for those that a rule changed since, what was handed out is taken, and
//! its nodes follow. `pools.rs` opens what another commit left.
//!
//! The folder `8fa8079` was made by that binary: two organizations with rows in every table, what it
//! answered (without what changes with time), and the folders of two nodes that had joined.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

mod compare;
mod fixture;
mod names;
mod nodes;
mod pools;

use lictor_testkit::text;
use serde_json::{Value, json};

use crate::fixture::{Fixture, Server, secrets};

/// What differs from what 8fa8079 answered, and nothing else may: in the organization `acme` a license
/// that had ended hid the running one of `editor`.
const CHANGED: &str = include_str!("changed.txt");

#[test]
fn an_older_database_is_checked_as_it_is_and_after_it_was_opened() {
    let fixture = Fixture::new();
    fixture.check();
    let server = fixture.serve();
    server.check();
    let server = server.stop().serve();
    server.stop().check();
}

#[test]
fn every_figure_is_the_same_but_where_an_ended_license_hid_a_running_one() {
    let server = Fixture::new().serve();
    let secrets = secrets();
    let mut changed = Vec::new();
    for line in include_str!("8fa8079/answers.jsonl").lines() {
        let mut told: Value = serde_json::from_str(line).expect("JSON");
        let (organization, path) = (text(&told[0]), text(&told[1]));
        told[2] = names::of_today(&path, told[2].take());
        let call = match (organization.as_str(), path.starts_with("/crm")) {
            ("acme", true) => server.as_token("GET", &path, &text(&secrets["acme_token"])),
            _ => server
                .call("GET", &path)
                .header("Lictor-Organization", &organization),
        };
        let answer = call.send();
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut found = serde_json::from_str(answer.text()).expect("JSON");
        if path.starts_with("/v1/nodes") {
            // Once what the node said, now what is stored of the month that it is today.
            for nodes in [&mut told[2], &mut found] {
                let rows = nodes["data"].as_array_mut();
                rows.into_iter()
                    .flatten()
                    .for_each(|node| node["requests_this_month"] = Value::Null);
            }
        }
        compare::differences(
            &told[2],
            &found,
            &format!("{organization} {path}"),
            &mut changed,
        );
    }
    let changed = changed.join("\n") + "\n";
    assert!(changed == CHANGED, "what differs is:\n{changed}");
}

#[test]
fn tokens_clients_grants_codes_and_leases_are_taken_as_before() {
    let server = Fixture::new().serve();
    let secrets = secrets();
    let secret = |name: &str| text(&secrets[name]);
    let status = |path: &str, token: &str| server.as_token("GET", path, token).send().status;
    assert_eq!(status("/v1/licenses", &secret("admin_token")), 200);
    assert_eq!(status("/v1/licenses", &secret("revoked_token")), 401);
    assert_eq!(status("/rest/api/3/myself", &secret("ada_token")), 200);
    let figures = "/crm/v7/__features/user_licenses";
    assert_eq!(status(figures, &secret("access_token")), 200);
    for (kind, name, value) in [
        ("refresh_token", "refresh_token", secret("refresh_token")),
        ("authorization_code", "code", secret("code")),
    ] {
        let form = format!(
            "grant_type={kind}&client_id={}&client_secret={}&{name}={value}",
            secret("client_id"),
            secret("client_secret"),
        );
        let call = server.anonymous("POST", "/oauth/v2/token");
        let answer = call.body("application/x-www-form-urlencoded", form).send();
        let answer: Value = serde_json::from_str(answer.text()).expect("JSON");
        assert_eq!(
            status(figures, &text(&answer["access_token"])),
            200,
            "{answer}"
        );
    }
    let leases = server.get("/v1/applications/konnect/leases");
    for lease in leases["data"].as_array().expect("leases") {
        let path = format!("/v1/leases/{}/renew", text(&lease["id"]));
        let body = json!({ "ttl_seconds": 60, "fence": lease["fence"] });
        let renewed = server.call("POST", &path).json(&body).send();
        assert_eq!(renewed.status, 200, "{renewed:?}");
    }
    server.stop().check();
}

#[test]
fn a_repeated_request_is_answered_as_it_was() {
    let server = Fixture::new().serve();
    let kept = &secrets()["idempotent"];
    // To the byte: what was kept is the answer to this request.
    let body = format!("{{\"email\": {}}}", kept["email"]);
    let again = |key: &str| {
        let call = server.call("POST", "/v1/accounts");
        let call = call.body("application/json", body.clone());
        call.header("Idempotency-Key", key).send()
    };
    let answer = again(&text(&kept["key"]));
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json_as("application/json"), kept["answer"]);
    assert_eq!(again("another").status, 409);
}

#[test]
fn its_backup_is_restored() {
    let fixture = Fixture::new();
    let restored = fixture.restored();
    restored.check();
    let server: Server = restored.serve();
    assert_eq!(server.get("/v1/usage")["total_requests"], 1514);
}
