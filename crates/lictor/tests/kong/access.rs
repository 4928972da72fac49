//! Who may ask what, and organizations as path prefixes.

use serde_json::{Value, json};

use crate::expect::{Kong as _, check};
use crate::harness::Harness;

const ID: &str = "30b4edb7-0847-4f65-af90-efbed8b0161f";

fn unauthenticated() -> Value {
    json!({"message": "Invalid RBAC credentials"})
}

fn denied(name: &str, deed: &str) -> Value {
    json!({"message": format!("{name}, you do not have permissions to {deed} this resource")})
}

#[test]
fn nothing_is_told_without_a_valid_token() {
    let server = Harness::start();
    server.create_token("admin", &[], "default");
    let revoked = server.create_token("reader", &[], "default");
    server.revoke_tokens_named("the reader");
    let entity = format!("/licenses/{ID}");
    for path in [
        "/licenses",
        &entity,
        "/license/report",
        "/",
        "/services",
        "/nothing",
        "/other/licenses",
        "/licenses/x",
    ] {
        for verb in ["GET", "POST", "PUT", "PATCH", "DELETE", "GEEEET"] {
            let ask = || server.anonymous(verb, path);
            let long = "x".repeat(4_000);
            for (case, ask) in [
                ("no token", ask()),
                (
                    "an unknown token",
                    ask().header("Kong-Admin-Token", "nobody"),
                ),
                ("an empty token", ask().header("Kong-Admin-Token", "")),
                ("a long token", ask().header("Kong-Admin-Token", &long)),
                (
                    "a revoked token",
                    ask().header("Kong-Admin-Token", &revoked),
                ),
                ("no bearer", ask().header("Authorization", "Bearer")),
                (
                    "an unknown bearer",
                    ask().header("Authorization", "Bearer nobody"),
                ),
                ("basic", ask().header("Authorization", "Basic eDp5")),
                ("a bad body", ask().body("text/plain", "x")),
                (
                    "a bad type twice",
                    ask()
                        .header("Content-Type", "a/b")
                        .header("Content-Type", "c/d"),
                ),
            ] {
                let case = format!("{verb} {path} with {case}");
                check(&case, &ask.send(), 401, &unauthenticated());
            }
        }
        assert_eq!(
            server.anonymous("HEAD", path).send().status,
            401,
            "HEAD {path}"
        );
    }
}

#[test]
fn a_token_is_taken_from_either_header() {
    let server = Harness::start();
    for (name, value) in [
        ("Kong-Admin-Token", server.token.clone()),
        ("kong-admin-token", server.token.clone()),
        ("Authorization", format!("Bearer {}", server.token)),
        ("authorization", format!("bearer {}", server.token)),
    ] {
        let reply = server
            .anonymous("GET", "/licenses")
            .header(name, &value)
            .send();
        assert_eq!(reply.status, 200, "{name}: {value}");
    }
}

#[test]
fn a_reader_reads_and_writes_nothing() {
    let server = Harness::start();
    server.put(ID, &server.document("K"));
    let reader = server.create_token("reader", &[], "default");
    let entity = format!("/licenses/{ID}");
    let good = json!({"payload": server.document("L")});
    for (verb, path, deed) in [
        ("POST", "/licenses", "create"),
        ("PUT", &entity, "update"),
        ("PATCH", &entity, "update"),
        ("DELETE", &entity, "delete"),
        ("DELETE", "/licenses/x", "delete"),
        ("GET", "/license/report", "read"),
        ("GET", "/license/report?format=9", "read"),
    ] {
        let before = server.stored();
        for ask in [
            server.with_token(&reader, verb, path).json(&good),
            server
                .with_token(&reader, verb, path)
                .body("application/json", "{"),
        ] {
            let case = format!("{verb} {path}");
            check(&case, &ask.send(), 403, &denied("the reader", deed));
        }
        assert_eq!(server.stored(), before, "{verb} {path}");
    }
    for path in ["/licenses", &entity, "/", "/services"] {
        let reply = server.with_token(&reader, "GET", path).send();
        assert_eq!(reply.status, 200, "{path}");
    }
}

#[test]
fn scopes_narrow_what_a_token_may() {
    let server = Harness::start();
    server.put(ID, &server.document("K"));
    let entity = format!("/licenses/{ID}");
    let usage = server.create_token("admin", &["usage"], "default");
    for path in ["/licenses", &entity, "/license/report"] {
        let reply = server.with_token(&usage, "GET", path).send();
        check(path, &reply, 403, &denied("the admin", "read"));
    }
    let writes = server.create_token("admin", &["licenses:write"], "default");
    let ask = |verb| server.with_token(&writes, verb, &entity);
    assert_eq!(ask("GET").send().status, 403);
    assert_eq!(ask("PATCH").json(&json!({})).send().status, 200);
    assert_eq!(ask("PATCH").json(&json!({"x": 1})).send().status, 400);
    let fields = json!({"payload": server.document("L")});
    assert_eq!(ask("PUT").json(&fields).send().status, 200);
    assert_eq!(ask("DELETE").send().status, 204);
}

#[test]
fn a_token_that_may_not_read_is_told_no_payload_but_its_own() {
    let server = Harness::start();
    server.put(ID, &server.document("K"));
    let path = format!("/licenses/{ID}");
    let payload_told = |token: &str, fields: &Value| {
        let reply = server.with_token(token, "PATCH", &path).json(fields).send();
        assert_eq!(reply.status, 200, "{fields}");
        reply.json_of_kong().get("payload").cloned()
    };
    let writer = server.create_token("admin", &["licenses:write"], "default");
    let own = json!({"payload": server.document("L")});
    assert_eq!(payload_told(&writer, &json!({})), None);
    assert_eq!(payload_told(&writer, &json!({"created_at": 5})), None);
    assert_eq!(payload_told(&writer, &own).as_ref(), own.get("payload"));
    let both = server.create_token("admin", &[], "default");
    assert_eq!(payload_told(&both, &json!({})).as_ref(), own.get("payload"));
}

#[test]
fn an_organization_is_reached_by_its_key_and_by_its_own_tokens() {
    let server = Harness::start();
    server.create_organization("acme");
    let acme = server.create_token("admin", &[], "acme");
    let document = server.document("OF-ACME");
    let fields = json!({"payload": document});
    let added = server
        .with_token(&acme, "POST", "/licenses")
        .json(&fields)
        .send();
    assert_eq!(added.status, 201);
    let id = added.json_of_kong()["id"]
        .as_str()
        .expect("an id")
        .to_owned();

    let own = [
        (&acme, format!("/licenses/{id}")),
        (&acme, format!("/acme/licenses/{id}")),
        (&server.token, format!("/acme/licenses/{id}")),
    ];
    for (token, path) in own {
        let reply = server.with_token(token, "GET", &path).send();
        check(&path, &reply, 200, &added.json_of_kong());
    }
    let not_found = json!({"message": "Not found"});
    let foreign = [
        (&server.token, format!("/licenses/{id}")),
        (&server.token, format!("/default/licenses/{id}")),
        (&acme, format!("/default/licenses/{id}")),
        (&acme, "/default/licenses".to_owned()),
        (&acme, "/default/license/report".to_owned()),
        (&acme, "/nobody/licenses".to_owned()),
        (&server.token, "/nobody/licenses".to_owned()),
        (&server.token, "/nobody/services".to_owned()),
    ];
    for (token, path) in foreign {
        let reply = server.with_token(token, "GET", &path).send();
        check(&path, &reply, 404, &not_found);
    }
    for verb in ["POST", "PUT", "PATCH", "DELETE", "GEEEET"] {
        let reply = server
            .with_token(&acme, verb, "/default/licenses")
            .json(&fields)
            .send();
        check(verb, &reply, 404, &not_found);
    }
    assert_eq!(server.stored()["data"], json!([]));

    // A DELETE under another organization's prefix leaves this one's license alone.
    let path = format!("/default/licenses/{id}");
    assert_eq!(server.ask("DELETE", &path).send().status, 204);
    let kept = server.get(&format!("/acme/licenses/{id}"));
    assert_eq!(kept.json_of_kong(), added.json_of_kong());
    let path = format!("/acme/licenses/{id}");
    assert_eq!(server.with_token(&acme, "DELETE", &path).send().status, 204);
    assert_eq!(server.get(&path).status, 404);
}

#[test]
fn each_verb_works_behind_the_prefix() {
    let server = Harness::start();
    let path = format!("/default/licenses/{ID}");
    let fields = json!({"payload": server.document("K")});
    for (verb, path, status) in [
        ("POST", "/default/licenses", 201),
        ("POST", "/default/licenses/", 201),
        ("PUT", &path, 200),
        ("PATCH", &path, 200),
        ("GET", &path, 200),
        ("DELETE", &path, 204),
        ("GET", &path, 404),
        ("PATCH", &path, 404),
        ("PUT", "/default/licenses", 405),
        ("GET", "/default/license/report", 200),
    ] {
        let ask = server.ask(verb, path);
        assert_eq!(ask.json(&fields).send().status, status, "{verb} {path}");
    }
    assert_eq!(server.stored()["data"].as_array().map(Vec::len), Some(2));
}
