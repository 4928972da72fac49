//! Ids and keys that are malformed, unknown or another organization's: each dialect says so in its
//! own form, and none fails.

use lictor_core::Plan;
use lictor_server::dialects::native;
use lictor_testkit::{Answer, Request};
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

/// Segments of a path that name nothing.
const NOTHING: [&str; 20] = [
    "x",
    "%00",
    "%0A",
    "%ff",
    "%C0%80",
    "..",
    "%2e%2e",
    "%2F",
    "%2e%2e%2f%2e%2e%2fetc",
    "*",
    "'%3B%20DROP%20TABLE%20accounts%3B--",
    "%F0%9F%A6%80",
    "%E2%80%AEx",
    "-1",
    "18446744073709551616",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "0197f3a0-0000-7000-8000-000000000001",
    "nobody%40example.com",
    "1000.ABCDEFGHJKLMNPQRSTUVWXYZ234567",
];

/// Asserts a problem that is the client's doing.
#[track_caller]
fn is_problem(answer: &Answer) {
    let known = [400, 403, 404, 405, 409, 412, 415];
    assert!(known.contains(&answer.status), "{answer:?}");
    let problem = answer.json_as("application/problem+json");
    assert_eq!(problem["status"], answer.status);
}

#[test]
fn what_names_nothing_is_a_problem_at_every_native_route() {
    let server = Server::start();
    server.install("editor", Some(2), Plan::Paid);
    let long = "x".repeat(4_000);
    // A holder may have any name, and to forget one that nobody knows is no mistake.
    let named = |path: &&&str| path.contains('{') && !path.contains("{holder}");
    for path in native::paths().iter().filter(named) {
        for name in NOTHING.into_iter().chain([long.as_str()]) {
            let parts = path.split('/').map(|part| match part.starts_with('{') {
                true => name,
                false => part,
            });
            let path = format!("/v1{}", parts.collect::<Vec<_>>().join("/"));
            for method in ["GET", "PUT", "PATCH", "POST", "DELETE"] {
                let call = server.call(method, &path);
                let call = match method {
                    "GET" | "DELETE" => call,
                    _ => call.json(&json!({})),
                };
                is_problem(&call.send());
            }
        }
    }
}

#[test]
fn what_names_nothing_in_a_body_is_a_problem() {
    let server = Server::start();
    server.install("editor", Some(2), Plan::Paid);
    for name in [
        "",
        "x",
        "\0",
        "\u{1f980}",
        "nobody@example.com",
        "00000000-0000-0000-0000-000000000000",
        "urn:uuid:00000000-0000-0000-0000-000000000000",
    ] {
        for (path, body) in [
            ("/v1/applications/editor/seats", json!({ "account": name })),
            ("/v1/tokens", json!({ "account": name })),
            (
                "/v1/clients",
                json!({ "scopes": ["seats"], "account": name }),
            ),
            (
                "/v1/clients",
                json!({ "scopes": ["seats:read"], "application": name }),
            ),
        ] {
            let answer = server.call("POST", path).json(&body).send();
            answer.problem(404, "not-found");
        }
        let body = json!({ "assign": [name], "release": [name], "mode": "each" });
        let bulk = server.call("POST", "/v1/applications/editor/seats/bulk");
        let done = bulk.json(&body).expect(200).value();
        assert_eq!(done["refused"], 2, "{done}");
        let filter = name
            .replace('\0', "%00")
            .replace('\u{1f980}', "%F0%9F%A6%80");
        let found = server.get(&format!("/v1/accounts?email={filter}"));
        assert_eq!(found["data"], json!([]), "{name:?}");
        for path in ["counts", "licenses"] {
            let answer = server.call("GET", &format!("/v1/{path}?application={filter}"));
            assert!(matches!(answer.send().status, 200 | 400 | 404), "{name:?}");
        }
    }
}

/// Another organization's account, lease, client and token.
fn foreign(server: &Server) -> Vec<(&'static str, String)> {
    let admin = server.tenant("other").admin;
    let post = |path: &str, body: &Value| {
        let call = server.anonymous("POST", path).token(&admin);
        call.json(body).expect(201).value()
    };
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let account = post("/v1/accounts", &json!({ "email": "eve@example.com" }));
    let application = json!({ "key": "theirs", "over_limit": "allow" });
    post("/v1/applications", &application);
    let client = post("/v1/clients", &json!({ "scopes": ["seats:read"] }));
    let token = post("/v1/tokens", &json!({}));
    vec![
        ("accounts", text(&account["id"])),
        ("accounts", "eve@example.com".to_owned()),
        ("applications", "theirs".to_owned()),
        ("clients", text(&client["id"])),
        ("clients", text(&client["client_id"])),
        ("tokens", text(&token["id"])),
    ]
}

#[test]
fn what_is_another_organizations_is_not_there() {
    let server = Server::start();
    server.install("editor", Some(2), Plan::Paid);
    let things = foreign(&server);
    for (list, name) in &things {
        let path = format!("/v1/{list}/{name}");
        server.call("GET", &path).expect(404);
        if *list != "tokens" {
            let patch = server.call("PATCH", &path).json(&json!({}));
            assert!(matches!(patch.send().status, 404 | 405));
        }
        server.call("DELETE", &path).expect(404);
    }
    for account in ["eve@example.com", things[0].1.as_str()] {
        server.assign("editor", account).problem(404, "not-found");
        let body = json!({ "account": account });
        let token = server.call("POST", "/v1/tokens").json(&body).send();
        token.problem(404, "not-found");
    }
    server.account("eve@example.com");
}

#[test]
fn what_names_nothing_fails_in_the_words_of_zoho_and_jira() {
    let server = Server::start();
    server.install("jira-core", Some(2), Plan::Paid);
    let call = |path: &str| -> Request { server.call("GET", path) };
    let long = "x".repeat(4_000);
    for name in NOTHING.into_iter().chain([long.as_str()]) {
        let feature = call(&format!("/crm/v7/__features/{name}")).expect(204);
        assert!(feature.body.is_empty());
        let kind = format!("/crm/v7/users/actions/count?type={name}");
        let answer = call(&kind).expect(400);
        let body = answer.json_as("application/json;charset=utf-8");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(4));
        call(&format!("/crm/v7/__features?api_names={name}")).expect(204);
        let product = format!("/rest/api/3/license/approximateLicenseCount/product/{name}");
        let answer = call(&product).expect(400);
        let body = answer.json_as("application/json;charset=UTF-8");
        assert_eq!(body["errors"], json!({}));
        assert_eq!(body["errorMessages"].as_array().map(Vec::len), Some(1));
        let permission = format!("/rest/api/3/mypermissions?permissions={name}");
        call(&permission)
            .expect(400)
            .json_as("application/json;charset=UTF-8");
        let gateway = format!("/ex/jira/{name}/rest/api/3/myself");
        let answer = call(&gateway).expect(404);
        answer.json_as("application/problem+json;charset=UTF-8");
    }
}
