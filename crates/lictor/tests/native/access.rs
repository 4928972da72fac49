//! Who may do what: every role at every route, and what is hidden from other tenants.

use std::collections::BTreeSet;

use lictor_server::dialects::native;
use serde_json::{Value, json};

use crate::http::Request;
use crate::server::{Server, Tenant, document, vendor};

/// A method and path, the path as the router has it; what to send; and the status that the
/// operator, the organization's admin, its reader and another organization's admin get. Whoever
/// is not signed in gets 401.
type Row = (
    &'static str,
    &'static str,
    fn(&World) -> (String, Option<Value>),
    [u16; 4],
);

const ROWS: &[Row] = &[
    ("GET", "/licenses", fixed, [200, 200, 200, 200]),
    (
        "POST",
        "/licenses",
        |_| {
            let body = json!({ "payload": document("Konnect") });
            (String::new(), Some(body))
        },
        [201, 201, 403, 201],
    ),
    ("GET", "/licenses/{id}", license, [200, 200, 200, 404]),
    // Ids belong to an organization: the same one may be put in another.
    (
        "PUT",
        "/licenses/{id}",
        |world| {
            let body = json!({ "payload": document("Konnect") });
            (world.license(), Some(body))
        },
        [200, 200, 403, 201],
    ),
    ("DELETE", "/licenses/{id}", license, [204, 204, 403, 404]),
    ("GET", "/applications", fixed, [200, 200, 200, 200]),
    (
        "GET",
        "/applications/{key}",
        |world| {
            let body = json!({ "payload": document("Payroll") });
            world.create("/v1/licenses", &body, "id");
            ("payroll".to_owned(), None)
        },
        [200, 200, 200, 404],
    ),
    ("GET", "/organizations", fixed, [200, 200, 200, 200]),
    (
        "POST",
        "/organizations",
        |world| (String::new(), Some(json!({ "key": world.fresh() }))),
        [201, 403, 403, 403],
    ),
    (
        "GET",
        "/organizations/{key}",
        |world| (world.acme.key.clone(), None),
        [200, 200, 200, 404],
    ),
    (
        "DELETE",
        "/organizations/{key}",
        |world| {
            let key = world.fresh();
            world
                .server
                .post("/v1/organizations", &json!({ "key": key }));
            (key, None)
        },
        [204, 403, 403, 403],
    ),
    ("GET", "/trust", fixed, [200, 200, 200, 200]),
    (
        "POST",
        "/trust",
        |world| {
            let pem = vendor(world.number()).public_key().to_pem();
            (String::new(), Some(json!({ "public_key": pem })))
        },
        [201, 403, 403, 403],
    ),
    ("GET", "/trust/{key_id}", key, [200, 200, 200, 200]),
    ("POST", "/trust/{key_id}/retire", key, [200, 403, 403, 403]),
    ("POST", "/trust/{key_id}/revoke", key, [200, 403, 403, 403]),
    ("GET", "/tokens", fixed, [200, 200, 403, 200]),
    (
        "POST",
        "/tokens",
        |_| (String::new(), Some(json!({}))),
        [201, 201, 403, 201],
    ),
    ("GET", "/tokens/{id}", token, [200, 200, 403, 404]),
    ("DELETE", "/tokens/{id}", token, [204, 204, 403, 404]),
    ("GET", "/usage", fixed, [200, 200, 200, 200]),
    (
        "POST",
        "/usage",
        |_| {
            let count = json!({ "service": "orders", "count": 1 });
            (String::new(), Some(json!({ "counts": [count] })))
        },
        [200, 200, 403, 200],
    ),
    ("GET", "/ledger", fixed, [200, 200, 403, 200]),
    ("GET", "/report", fixed, [200, 200, 403, 200]),
    ("GET", "/backup", fixed, [200, 403, 403, 403]),
];

struct World {
    server: Server,
    acme: Tenant,
    other: Tenant,
    made: std::cell::Cell<u8>,
}

impl World {
    fn new() -> Self {
        let server = Server::start();
        Self {
            acme: server.tenant("acme"),
            other: server.tenant("other"),
            made: 10.into(),
            server,
        }
    }

    fn number(&self) -> u8 {
        self.made.set(self.made.get() + 1);
        self.made.get()
    }

    fn fresh(&self) -> String {
        format!("fresh-{}", self.number())
    }

    /// A new license of acme.
    fn license(&self) -> String {
        self.create(
            "/v1/licenses",
            &json!({ "payload": document("Konnect") }),
            "id",
        )
    }

    /// Creates something for acme.
    fn create(&self, path: &str, body: &Value, name: &str) -> String {
        let call = self.server.call("POST", path).organization("acme");
        let made = call.json(body).expect(201).json();
        made[name].as_str().expect("a name").to_owned()
    }

    fn call(&self, (method, path, make, _): &Row) -> Request {
        let (name, body) = make(self);
        let start = path.find('{');
        let path = match (start, path.find('}')) {
            (Some(start), Some(end)) => format!("{}{name}{}", &path[..start], &path[end + 1..]),
            _ => (*path).to_owned(),
        };
        let call = self.server.call(method, &format!("/v1{path}"));
        match body {
            Some(body) => call.json(&body),
            None => call,
        }
    }
}

fn fixed(_: &World) -> (String, Option<Value>) {
    (String::new(), None)
}

fn license(world: &World) -> (String, Option<Value>) {
    (world.license(), None)
}

fn token(world: &World) -> (String, Option<Value>) {
    (world.create("/v1/tokens", &json!({}), "id"), None)
}

fn key(world: &World) -> (String, Option<Value>) {
    let pem = vendor(world.number()).public_key().to_pem();
    (
        world.create("/v1/trust", &json!({ "public_key": pem }), "key_id"),
        None,
    )
}

#[test]
fn every_role_gets_at_every_route_what_the_table_says() {
    let world = World::new();
    for row in ROWS {
        let [operator, admin, reader, other] = row.3;
        world.call(row).organization("acme").expect(operator);
        world.call(row).token(&world.acme.admin).expect(admin);
        world.call(row).token(&world.acme.reader).expect(reader);
        world.call(row).token(&world.other.admin).expect(other);
        for nobody in [
            world.call(row).without("Authorization"),
            world.call(row).token("unknown"),
            world
                .call(row)
                .without("Authorization")
                .header("Cookie", "token=unknown"),
            world
                .call(row)
                .without("Authorization")
                .header("Authorization", "Basic eDp5"),
        ] {
            let answer = nobody.expect(401);
            answer.problem("unauthenticated");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
}

#[test]
fn nobody_but_operators_can_name_another_organization() {
    let world = World::new();
    for row in ROWS {
        let hidden = world
            .call(row)
            .token(&world.other.admin)
            .organization("acme");
        let absent = world
            .call(row)
            .token(&world.other.admin)
            .organization("absent");
        for call in [hidden, absent] {
            let problem = call.expect_problem(404, "not-found");
            assert_eq!(problem["kind"], "organization");
        }
        let own = world
            .call(row)
            .token(&world.acme.admin)
            .organization("acme");
        own.expect(row.3[1]);
        world
            .call(row)
            .organization("absent")
            .expect_problem(404, "not-found");
    }
    let acme = world
        .server
        .call("GET", "/v1/licenses")
        .organization("acme");
    acme.organization("other")
        .expect_problem(400, "invalid-input");
}

#[test]
fn every_method_of_every_route_has_a_row() {
    let world = World::new();
    let mut routed = BTreeSet::new();
    for path in native::paths() {
        let concrete = path.split('/').map(|part| match part.starts_with('{') {
            true => "x",
            false => part,
        });
        let concrete = concrete.collect::<Vec<_>>().join("/");
        let answer = world
            .server
            .call("PATCH", &format!("/v1{concrete}"))
            .expect(405);
        answer.problem("method-not-allowed");
        for method in answer.header("allow").expect("Allow").split(',') {
            routed.insert((method.trim().to_owned(), path));
        }
    }
    let mut listed = BTreeSet::new();
    for (method, path, ..) in ROWS {
        assert!(
            listed.insert(((*method).to_owned(), *path)),
            "{method} {path} twice"
        );
        if *method == "GET" {
            listed.insert(("HEAD".to_owned(), *path));
        }
    }
    assert_eq!(routed, listed);
}

#[test]
fn head_answers_as_get_does_without_a_body() {
    let world = World::new();
    for row in ROWS.iter().filter(|row| row.0 == "GET") {
        let head = &("HEAD", row.1, row.2, row.3);
        let answer = world.call(head).organization("acme").expect(row.3[0]);
        assert!(answer.body.is_empty());
        world.call(head).token(&world.acme.reader).expect(row.3[2]);
        world.call(head).without("Authorization").expect(401);
    }
}

#[test]
fn what_is_no_route_is_a_problem_for_whoever_signed_in() {
    let server = Server::start();
    for path in [
        "/v1",
        "/v1/nothing",
        "/v1/licenses/",
        "/v1/licenses/a/b",
        "/v1/licenses/%ff",
    ] {
        server.call("GET", path).expect_problem(404, "not-found");
        server
            .call("GET", path)
            .without("Authorization")
            .expect_problem(401, "unauthenticated");
    }
    for method in ["OPTIONS", "PATCH", "TRACE", "BREW"] {
        let answer = server.call(method, "/v1/licenses").expect(405);
        answer.problem("method-not-allowed");
        assert_eq!(answer.header("allow"), Some("GET,HEAD,POST"));
        let headers = format!("{:?}", answer.headers).to_lowercase();
        assert!(!headers.contains("access-control"), "{headers}");
    }
}

#[test]
fn scopes_narrow_a_token() {
    let server = Server::start();
    let acme = server.tenant("acme");
    let call = server.call("POST", "/v1/tokens").token(&acme.admin);
    let body = json!({ "role": "admin", "scopes": ["licenses:read", "usage"] });
    let made = call.json(&body).expect(201).json();
    assert_eq!(made["scopes"], json!(["licenses:read", "usage"]));
    let narrow = made["secret"].as_str().expect("a secret");
    server.call("GET", "/v1/licenses").token(narrow).expect(200);
    server.call("GET", "/v1/usage").token(narrow).expect(200);
    let add = server.call("POST", "/v1/licenses").token(narrow);
    let problem = add
        .clone()
        .json(&json!({ "payload": "x" }))
        .expect_problem(403, "forbidden");
    assert_eq!(problem["right"], "change licenses");
    // The right is looked at before the body.
    add.body("application/json", "{")
        .expect_problem(403, "forbidden");
    server
        .call("GET", "/v1/tokens")
        .token(narrow)
        .expect_problem(403, "forbidden");
    let wider = json!({ "role": "admin", "scopes": ["trust"] });
    let call = server.call("POST", "/v1/tokens").token(narrow);
    call.json(&wider).expect_problem(403, "forbidden");
}

#[test]
fn the_right_is_looked_at_before_what_is_asked_for() {
    let server = Server::start();
    let acme = server.tenant("acme");
    for (method, path) in [
        ("GET", "/v1/tokens?limit=0"),
        ("GET", "/v1/tokens?operators=x"),
        ("GET", "/v1/ledger?stream=x"),
        ("GET", "/v1/tokens/x"),
        ("DELETE", "/v1/tokens/x"),
        ("DELETE", "/v1/licenses/x"),
        ("PUT", "/v1/licenses/x"),
        ("POST", "/v1/trust/x/revoke"),
        ("DELETE", "/v1/organizations/absent"),
        ("GET", "/v1/backup"),
    ] {
        let call = server.call(method, path).token(&acme.reader);
        call.expect_problem(403, "forbidden");
    }
}
