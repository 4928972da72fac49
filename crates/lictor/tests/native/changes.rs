//! Changes of a part of an object: what `null` takes away, and numbers however they are written.

use lictor_testkit::{TestServer as Server, assert_none_of_a_library, document};
use serde_json::{Value, json};

/// Sends a change, asserts the status, and gives the answer.
fn patch(server: &Server, path: &str, body: &Value, status: u16) -> Value {
    let call = server.call("PATCH", path).json(body);
    let answer = call.expect(status);
    serde_json::from_slice(&answer.body).expect("JSON")
}

#[test]
fn null_takes_away_what_may_be_absent_and_is_refused_elsewhere() {
    let server = Server::start();
    server.post("/v1/applications", &json!({ "key": "editor", "name": "N" }));
    server.post("/v1/organizations", &json!({ "key": "acme", "name": "N" }));
    let account = json!({ "email": "ada@example.com", "name": "N" });
    server.post("/v1/accounts", &account);
    let client = json!({ "scopes": ["seats:read"], "name": "N" });
    let client = server.post("/v1/clients", &client)["id"].clone();
    let client = format!("/v1/clients/{}", client.as_str().expect("an id"));
    for (path, kept) in [
        ("/v1/applications/editor", vec!["over_limit"]),
        ("/v1/organizations/acme", vec!["limits"]),
        (
            "/v1/accounts/ada@example.com",
            vec!["email", "status", "administrator", "language"],
        ),
        (client.as_str(), vec![]),
    ] {
        assert_eq!(patch(&server, path, &json!({}), 200)["name"], "N", "{path}");
        assert_eq!(server.get(path)["name"], "N", "{path}");
        let cleared = patch(&server, path, &json!({ "name": null }), 200);
        assert_eq!(cleared["name"], Value::Null, "{path}");
        assert_eq!(server.get(path)["name"], Value::Null, "{path}");
        let before = server.get(path);
        for field in kept {
            let problem = patch(&server, path, &json!({ field: null }), 400);
            assert_eq!(problem["field"], field, "{path}");
            assert_eq!(server.get(path), before, "{path} {field}");
        }
        let named = patch(&server, path, &json!({ "name": "Named again" }), 200);
        assert_eq!(named["name"], "Named again", "{path}");
        assert_eq!(server.get(path)["name"], "Named again", "{path}");
    }
    let listed = server.get("/v1/organizations")["data"][0].clone();
    assert_eq!(
        (&listed["key"], &listed["name"]),
        (&json!("acme"), &json!("Named again"))
    );
    server.call("DELETE", &client).expect(204);
    patch(&server, &client, &json!({ "name": "N" }), 404);
    patch(
        &server,
        "/v1/applications/editor",
        &json!({ "name": "" }),
        400,
    );
}

#[test]
fn a_whole_number_is_taken_however_it_is_written() {
    let server = Server::start();
    server.add(&document("Editor"));
    let send = |method: &str, path: &str, body: &str| {
        let call = server.call(method, path);
        call.body("application/json", body).send()
    };
    let leases = "/v1/applications/editor/leases";
    let lease = send("POST", leases, r#"{"holder":"a","ttl_seconds":6e1}"#);
    assert_eq!(lease.status, 201, "{lease:?}");
    let lease = lease.json()["id"].as_str().expect("an id").to_owned();
    let lease = |action: &str| format!("/v1/leases/{lease}/{action}");
    let import = r#"{"rows":[{"email":"a@example.com"}],"dry_run":true,"earlier_seats":{"editor":NUMBER},"earlier_accounts":NUMBER}"#;
    for (method, path, body) in [
        (
            "POST",
            lease("renew"),
            r#"{"fence":1.0,"ttl_seconds":NUMBER}"#,
        ),
        ("POST", lease("renew"), r#"{"fence":1e0}"#),
        (
            "PATCH",
            "/v1/organizations/default".to_owned(),
            r#"{"limits":{"accounts":NUMBER}}"#,
        ),
        (
            "PUT",
            "/v1/node-policy".to_owned(),
            r#"{"stale_after_seconds":NUMBER,"expires_after_seconds":NUMBER,"grace_seconds":0.0}"#,
        ),
        ("POST", "/v1/accounts/import".to_owned(), import),
        (
            "POST",
            "/v1/usage".to_owned(),
            r#"{"counts":[{"service":"s","count":NUMBER},{"service":"t","total":NUMBER,"epoch":NUMBER}]}"#,
        ),
        ("POST", lease("release"), r#"{"fence":1.0}"#),
    ] {
        for number in ["100.0", "1e2", "1E+2"] {
            let answer = send(method, &path, &body.replace("NUMBER", number));
            assert!([200, 204].contains(&answer.status), "{number} {answer:?}");
            if path.ends_with("release") {
                break;
            }
        }
        for number in ["100.5", "true", "[1]", "1e300", "\"1\"", "{}"] {
            if !body.contains("NUMBER") {
                continue;
            }
            let answer = send(method, &path, &body.replace("NUMBER", number));
            assert_eq!(answer.status, 400, "{number} {answer:?}");
            let said = String::from_utf8_lossy(&answer.body);
            assert_none_of_a_library(&said);
            for word in ["u64", "i64", "enum", "struct", "variant", "Epoch"] {
                assert!(!said.contains(word), "{said}");
            }
        }
    }
    let month = server.get("/v1/usage")["data"][0]["month"].clone();
    let month = month.as_str().expect("a month");
    let correction = format!(r#"{{"service":"s","month":"{month}","by":-1e1,"reason":"r"}}"#);
    let corrected = send("POST", "/v1/usage/corrections", &correction);
    assert_eq!(corrected.status, 200, "{corrected:?}");
    let pool =
        r#"{"name":"NAME","limit":NUMBER,"ttl_seconds":NUMBER,"forget_after_seconds":NUMBER}"#;
    for (name, number, status) in [
        ("a", "100.0", 201),
        ("b", "1e2", 201),
        ("c", "1E+2", 201),
        ("d", "100.5", 400),
        ("d", "\"100\"", 400),
    ] {
        let pool = pool.replace("NAME", name).replace("NUMBER", number);
        let made = send("POST", "/v1/node-pools", &pool);
        assert_eq!(made.status, status, "{pool} {made:?}");
    }
    let made = server.get("/v1/node-pools/b");
    assert_eq!(
        (&made["limit"], &made["forget_after_seconds"]),
        (&json!(100), &json!(100))
    );
    for path in [
        "/v1/licenses?limit=1e2",
        "/licenses?size=60.0",
        "/v1/ledger?after=1e0",
        "/v1/ledger?after=2.0&limit=1e1",
    ] {
        server.call("GET", path).expect(200);
    }
    for path in ["/v1/licenses?limit=60.5", "/v1/ledger?after=1.5"] {
        server
            .call("GET", path)
            .expect_problem(400, "invalid-input");
    }
    let payload = serde_json::to_string(&document("Editor")).expect("text");
    let body = format!(r#"{{"payload":{payload},"created_at":1e9}}"#);
    let added = send("POST", "/licenses", &body);
    assert_eq!(added.status, 201, "{added:?}");
    let form = format!(
        "payload={}&created_at=1e9",
        document("Editor").replace('+', "%2B")
    );
    let call = server.call("POST", "/licenses");
    let added = call.body("application/x-www-form-urlencoded", form).send();
    assert_eq!(added.status, 201, "{added:?}");
}
