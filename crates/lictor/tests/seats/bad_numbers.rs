//! Numbers at the edges of 31, 53 and 63 bits, wherever a number is taken: none leads to a fault.

use lictor_core::Plan;
use lictor_testkit::Answer;
use serde_json::Value;

use crate::harness::{Server, Staff as _};

/// As they stand in a request, JSON or not.
const EDGES: [&str; 17] = [
    "0",
    "-1",
    "2147483647",
    "2147483648",
    "4294967296",
    "9007199254740991",
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "1e400",
    "1.5",
    "\"1\"",
];

fn post(server: &Server, path: &str, body: String) -> Answer {
    server
        .call("POST", path)
        .body("application/json", body)
        .send()
}

/// Asserts a refusal in the native API's form.
#[track_caller]
fn refused(answer: &Answer, statuses: &[u16]) {
    assert!(statuses.contains(&answer.status), "{answer:?}");
    answer.json_as("application/problem+json");
}

#[test]
fn a_leases_time_and_fence_have_bounds() {
    let server = Server::start();
    server.install("editor", Some(2), Plan::Paid);
    let leases = "/v1/applications/editor/leases";
    let lease = post(&server, leases, r#"{"holder":"a"}"#.to_owned());
    let lease = lease.value()["id"].as_str().expect("an id").to_owned();
    for edge in EDGES {
        let ttl = post(
            &server,
            leases,
            format!(r#"{{"holder":"a","ttl_seconds":{edge}}}"#),
        );
        refused(&ttl, &[400]);
        let renew = format!("/v1/leases/{lease}/renew");
        let body = format!(r#"{{"fence":1,"ttl_seconds":{edge}}}"#);
        refused(&post(&server, &renew, body), &[400]);
        for (action, more) in [("renew", r#","ttl_seconds":60"#), ("release", "")] {
            let path = format!("/v1/leases/{lease}/{action}");
            let body = format!(r#"{{"fence":{edge}{more}}}"#);
            refused(&post(&server, &path, body), &[400, 409]);
        }
    }
    let left = server.get(&format!("/v1/leases/{lease}"));
    assert_eq!(left["fence"], 1, "nothing of it was carried out");
}

#[test]
fn a_count_of_usage_ends_below_2_to_the_53() {
    let server = Server::start();
    for edge in EDGES {
        // One service, as the sum of all counts is bounded too.
        let body = format!(r#"{{"counts":[{{"service":"s","count":{edge}}}]}}"#);
        let answer = post(&server, "/v1/usage", body);
        let number = edge.parse::<u64>();
        if number.is_ok_and(|number| number < 1 << 53) {
            assert_eq!(answer.status, 200, "{answer:?}");
        } else {
            refused(&answer, &[400]);
        }
    }
}

#[test]
fn parameters_of_lists_have_bounds() {
    let server = Server::start();
    server.install("editor", Some(2), Plan::Paid);
    for edge in EDGES {
        for list in [
            "licenses",
            "applications",
            "applications/editor/seats",
            "applications/editor/leases",
            "accounts",
            "refusals",
            "organizations",
            "tokens",
            "clients",
            "ledger",
        ] {
            let path = format!("/v1/{list}?limit={}", edge.replace('"', "%22"));
            refused(&server.call("GET", &path).send(), &[400]);
        }
        let path = format!("/v1/ledger?after={}", edge.replace('"', "%22"));
        let answer = server.call("GET", &path).send();
        let number = edge.parse::<u64>();
        if number.is_ok_and(|number| number < 1 << 53) {
            assert_eq!(answer.status, 200, "{answer:?}");
        } else {
            refused(&answer, &[400]);
        }
    }
}

#[test]
fn an_expected_revision_of_any_size_is_no_match() {
    let server = Server::start();
    let account = server.account("ada@example.com");
    let license = server.install("editor", Some(2), Plan::Paid);
    let payload = server.get(&format!("/v1/licenses/{license}"))["payload"].clone();
    for edge in EDGES.into_iter().filter(|edge| !edge.contains('"')) {
        let tag = format!("\"{edge}\"");
        let call = |method: &str, path: String| {
            let call = server.call(method, &path);
            call.header("If-Match", &tag)
        };
        let accounts = format!("/v1/accounts/{account}");
        let licenses = format!("/v1/licenses/{license}");
        let patch = call("PATCH", accounts.clone()).json(&serde_json::json!({ "name": "N" }));
        let put = call("PUT", licenses.clone());
        let put = put.json(&serde_json::json!({ "payload": payload }));
        for call in [
            patch,
            put,
            call("DELETE", accounts),
            call("DELETE", licenses),
        ] {
            refused(&call.send(), &[412]);
        }
    }
    let shown = server.get(&format!("/v1/accounts/{account}"));
    assert_eq!(shown["name"], Value::Null);
}

#[test]
fn pages_of_features_have_bounds() {
    let server = Server::start();
    for edge in EDGES {
        for name in ["page", "per_page"] {
            let value = edge.replace('"', "%22");
            let path = format!("/crm/v7/__features?{name}={value}");
            let answer = server.call("GET", &path).expect(400);
            let body = answer.json_as("application/json;charset=utf-8");
            assert_eq!(body["code"], "INVALID_DATA");
            assert_eq!(body["details"]["param_name"], name);
        }
        for version in [
            edge.replace('"', "%22"),
            format!("0{edge}").replace('"', ""),
        ] {
            let path = format!("/crm/v{version}/org");
            let answer = server.call("GET", &path).send();
            assert!(matches!(answer.status, 400 | 404), "{answer:?}");
            assert_eq!(
                answer.value().as_object().map(serde_json::Map::len),
                Some(4)
            );
        }
    }
}
