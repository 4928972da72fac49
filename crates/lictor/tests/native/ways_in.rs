//! The last way in, which nobody shuts by mistake, where tokens come from, and what the write scope alone may.

use lictor_testkit::TestServer as Server;
use serde_json::{Value, json};

fn account(server: &Server, email: &str, administrator: bool) -> String {
    let body = json!({ "email": email, "administrator": administrator });
    let made = server.post("/v1/accounts", &body);
    format!("/v1/accounts/{}", made["id"].as_str().expect("an id"))
}

#[test]
fn the_only_administrator_of_an_organization_stays_unless_forced() {
    let server = Server::start();
    let ada = account(&server, "ada@example.com", true);
    let patch = |path: &str, body: Value| server.call("PATCH", path).json(&body);
    for body in [
        json!({ "administrator": false }),
        json!({ "status": "deactivated" }),
        json!({ "status": "invited" }),
    ] {
        let problem = patch(&ada, body).expect_problem(409, "last-administrator");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("--force"), "{detail}");
    }
    let removed = server.call("DELETE", &ada);
    removed.expect_problem(409, "last-administrator");
    assert_eq!(server.get(&ada)["administrator"], true);
    patch(&ada, json!({ "name": "Ada", "administrator": true })).expect(200);
    // An administrator of another organization, or one who is shut, is no other way in.
    let bob = account(&server, "bob@example.com", true);
    patch(&bob, json!({ "status": "deactivated" })).expect(200);
    removed.expect_problem(409, "last-administrator");
    patch(&bob, json!({ "status": "active" })).expect(200);
    removed.expect(204);
    patch(
        &format!("{bob}?force=false"),
        json!({ "administrator": false }),
    )
    .expect_problem(409, "last-administrator");
    for query in ["force=yes", "force", "force=true&force=true", "farce=true"] {
        let call = server.call("DELETE", &format!("{bob}?{query}"));
        call.expect_problem(400, "invalid-input");
    }
    patch(
        &format!("{bob}?force=true"),
        json!({ "administrator": false }),
    )
    .expect(200);
    server.call("DELETE", &bob).expect(204);
    let eve = account(&server, "eve@example.com", true);
    server
        .call("DELETE", &format!("{eve}?force=true"))
        .expect(204);
}

#[test]
fn the_only_operators_token_stays_unless_forced_and_each_says_where_it_came_from() {
    let server = Server::start();
    let operators = || server.get("/v1/tokens?operators=true")["data"].clone();
    let own = operators()[0].clone();
    assert_eq!(own["origin"], "environment");
    assert_eq!(own["created_by"], Value::Null);
    let path = |token: &Value| format!("/v1/tokens/{}", token["id"].as_str().expect("an id"));
    let revoke = server.call("DELETE", &path(&own));
    revoke.expect_problem(409, "last-administrator");
    let narrow = json!({ "role": "operator", "scopes": ["tokens"] });
    let narrow = server.post("/v1/tokens", &narrow);
    revoke.expect_problem(409, "last-administrator");
    server.call("DELETE", &path(&narrow)).expect(204);
    let end = "2199-01-01T00:00:00Z";
    let ending = server.post(
        "/v1/tokens",
        &json!({ "role": "operator", "expires_at": end }),
    );
    // Nobody would be in once that has ended, and it is not the only one now.
    let refused = revoke.expect_problem(409, "last-administrator");
    let detail = refused["detail"].as_str().expect("a detail");
    assert!(detail.contains("lasts as long"), "{detail}");
    server.call("DELETE", &path(&ending)).expect(204);
    let other = server.post("/v1/tokens", &json!({ "role": "operator" }));
    assert_eq!(other["origin"], "token");
    assert_eq!(other["created_by"], own["id"]);
    revoke.expect(204);
    let secret = other["secret"].as_str().expect("a secret");
    let last = server.call("DELETE", &path(&other)).token(secret);
    last.expect_problem(409, "last-administrator");
    let forced = format!("{}?force=true", path(&other));
    server.call("DELETE", &forced).token(secret).expect(204);
}

#[test]
fn a_token_whose_owner_cannot_be_used_says_so() {
    let server = Server::start();
    let ada = account(&server, "ada@example.com", false);
    let token = json!({ "account": "ada@example.com" });
    let token = server.post("/v1/tokens", &token)["secret"].clone();
    let token = token.as_str().expect("a secret");
    let said = |said: &str| {
        for path in [
            "/v1/counts",
            "/licenses",
            "/metrics",
            "/rest/api/3/instance/license",
        ] {
            let answer = server.call("GET", path).token(token).expect(401);
            assert!(answer.text().contains(said), "{path}: {answer:?}");
        }
        let counts = server.call("GET", "/v1/counts").token(token);
        counts.expect_problem(401, "owner-inactive");
    };
    server.call("GET", "/v1/counts").token(token).expect(200);
    let patch = server.call("PATCH", &ada);
    patch.json(&json!({ "status": "deactivated" })).expect(200);
    said("is deactivated");
    server.call("DELETE", &ada).expect(204);
    said("was removed");
}

#[test]
fn metrics_are_kept_from_whoever_may_not_read_them() {
    let server = Server::start();
    for token in [
        json!({ "role": "operator", "scopes": ["licenses:read"] }),
        json!({ "role": "admin" }),
    ] {
        let made = server.post("/v1/tokens", &token);
        let secret = made["secret"].as_str().expect("a secret");
        server.call("GET", "/metrics").token(secret).expect(403);
    }
    server.call("GET", "/metrics").expect(200);
}

#[test]
fn the_write_scope_alone_creates_changes_and_removes() {
    let server = Server::start();
    account(&server, "ada@example.com", false);
    let narrowed = |scope: &str| {
        let body = json!({ "role": "admin", "scopes": [scope, "seats:read"] });
        let made = server.post("/v1/tokens", &body);
        made["secret"].as_str().expect("a secret").to_owned()
    };
    let (accounts, clients) = (narrowed("accounts:write"), narrowed("clients:write"));
    let path = "/v1/accounts/ada@example.com";
    let shut = json!({ "status": "deactivated", "name": "Ada" });
    let patch = server.call("PATCH", path).json(&shut).token(&accounts);
    let answer = patch.expect(200);
    // What else it is, is for whoever may read accounts.
    assert_eq!(answer.json(), shut);
    server.call("GET", path).token(&accounts).expect(403);
    let client = json!({ "scopes": ["seats:read"], "account": "ada@example.com" });
    let made = server.call("POST", "/v1/clients").json(&client);
    let made = made.token(&clients).expect(201).json();
    let client = format!("/v1/clients/{}", made["id"].as_str().expect("an id"));
    let named = server.call("PATCH", &client).token(&clients);
    let named = named.json(&json!({ "name": "meter" })).expect(200);
    assert_eq!(named.json(), json!({ "name": "meter" }));
    server.call("DELETE", &client).token(&clients).expect(204);
    server.call("DELETE", path).token(&accounts).expect(204);
}

#[test]
fn who_may_not_read_an_account_is_told_nothing_by_a_condition() {
    let server = Server::start();
    account(&server, "ada@example.com", false);
    let body = json!({ "role": "admin", "scopes": ["accounts:write"] });
    let made = server.post("/v1/tokens", &body);
    let writer = made["secret"].as_str().expect("a secret");
    let path = "/v1/accounts/ada@example.com";
    let shown = server.call("GET", path).expect(200);
    let tag = shown.header("etag").expect("a tag").to_owned();
    let digest = tag
        .split('-')
        .nth(1)
        .expect("a digest")
        .trim_end_matches('"');
    let tags = ["\"1-0000000000000000\"", "\"999\"", "W/\"1\""];
    for (method, wrong) in ["PATCH", "DELETE"]
        .into_iter()
        .flat_map(|m| tags.map(|t| (m, t)))
    {
        let call = server.call(method, path).header("If-Match", wrong);
        let call = match method {
            "PATCH" => call.json(&json!({ "name": "Ada" })),
            _ => call,
        };
        let told = call.expect(412);
        assert!(told.text().contains(digest), "{method} {wrong}: {told:?}");
        let untold = call.token(writer).expect(412);
        let problem = untold.problem(412, "revision-mismatch");
        assert_eq!(problem["revision"], Value::Null, "{method} {wrong}");
        assert!(
            !untold.text().contains(digest),
            "{method} {wrong}: {untold:?}"
        );
    }
    let right = server.call("PATCH", path).header("If-Match", &tag);
    let right = right.json(&json!({ "name": "Ada" })).token(writer);
    assert_eq!(right.expect(200).json(), json!({ "name": "Ada" }));
}

#[test]
fn who_may_not_read_an_organization_is_not_told_what_it_has() {
    let server = Server::start();
    let body = json!({ "role": "operator", "scopes": ["organizations:write"] });
    let made = server.post("/v1/tokens", &body);
    let writer = made["secret"].as_str().expect("a secret");
    let path = "/v1/organizations/default";
    for said in [
        json!({ "name": "Ours" }),
        json!({ "limits": { "accounts": 500 } }),
        json!({ "name": null, "limits": { "accounts": null } }),
        json!({}),
    ] {
        let patch = server.call("PATCH", path).json(&said);
        assert_eq!(patch.token(writer).expect(200).json(), said);
    }
    server.call("GET", path).token(writer).expect(403);
    let all = server.call("PATCH", path).json(&json!({})).expect(200);
    assert!(all.json()["quotas"].is_array());
}
