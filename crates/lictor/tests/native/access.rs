//! Who may do what: every role at every route, and what is hidden from other tenants.

use std::collections::BTreeSet;

use lictor_core::Resource;
use lictor_server::dialects::native;
use serde_json::{Value, json};

use crate::http::Request;
use crate::server::{Server, Tenant, document, vendor};

/// A method and path, the path as the router has it; what to send; the status that the operator,
/// the organization's admin, its reader and another organization's admin get; and the scope that a
/// narrowed token needs for it. Whoever is not signed in gets 401.
type Row = (
    &'static str,
    &'static str,
    fn(&World) -> (String, Option<Value>),
    [u16; 4],
    &'static str,
);

const ROWS: &[Row] = &[
    (
        "GET",
        "/licenses",
        fixed,
        [200, 200, 200, 200],
        "licenses:read",
    ),
    (
        "POST",
        "/licenses",
        |_| {
            let body = json!({ "payload": document("Konnect") });
            (String::new(), Some(body))
        },
        [201, 201, 403, 201],
        "licenses:write",
    ),
    (
        "GET",
        "/licenses/{id}",
        license,
        [200, 200, 200, 404],
        "licenses:read",
    ),
    // Ids belong to an organization: the same one may be put in another.
    (
        "PUT",
        "/licenses/{id}",
        |world| {
            let body = json!({ "payload": document("Konnect") });
            (world.license(), Some(body))
        },
        [200, 200, 403, 201],
        "licenses:write",
    ),
    (
        "DELETE",
        "/licenses/{id}",
        license,
        [204, 204, 403, 404],
        "licenses:write",
    ),
    (
        "GET",
        "/applications",
        fixed,
        [200, 200, 200, 200],
        "applications:read",
    ),
    (
        "GET",
        "/applications/{key}",
        |world| {
            let body = json!({ "payload": document("Payroll") });
            world.create("/v1/licenses", &body, "id");
            ("payroll".to_owned(), None)
        },
        [200, 200, 200, 404],
        "applications:read",
    ),
    (
        "GET",
        "/organizations",
        fixed,
        [200, 200, 200, 200],
        "organizations:read",
    ),
    (
        "POST",
        "/organizations",
        |world| (String::new(), Some(json!({ "key": world.fresh() }))),
        [201, 403, 403, 403],
        "organizations:write",
    ),
    (
        "GET",
        "/organizations/{key}",
        |world| (world.acme.key.clone(), None),
        [200, 200, 200, 404],
        "organizations:read",
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
        "organizations:write",
    ),
    ("GET", "/trust", fixed, [200, 200, 200, 200], "trust:read"),
    (
        "POST",
        "/trust",
        |world| {
            let pem = vendor(world.number()).public_key().to_pem();
            (String::new(), Some(json!({ "public_key": pem })))
        },
        [201, 403, 403, 403],
        "trust:write",
    ),
    (
        "GET",
        "/trust/{key_id}",
        key,
        [200, 200, 200, 200],
        "trust:read",
    ),
    (
        "POST",
        "/trust/{key_id}/retire",
        key,
        [200, 403, 403, 403],
        "trust:write",
    ),
    (
        "POST",
        "/trust/{key_id}/revoke",
        key,
        [200, 403, 403, 403],
        "trust:write",
    ),
    ("GET", "/tokens", fixed, [200, 200, 403, 200], "tokens:read"),
    (
        "POST",
        "/tokens",
        |_| (String::new(), Some(json!({ "scopes": ["tokens:write"] }))),
        [201, 201, 403, 201],
        "tokens:write",
    ),
    (
        "GET",
        "/tokens/{id}",
        token,
        [200, 200, 403, 404],
        "tokens:read",
    ),
    (
        "DELETE",
        "/tokens/{id}",
        token,
        [204, 204, 403, 404],
        "tokens:write",
    ),
    ("GET", "/usage", fixed, [200, 200, 200, 200], "usage:read"),
    (
        "POST",
        "/usage",
        |_| {
            let count = json!({ "service": "orders", "count": 1 });
            (String::new(), Some(json!({ "counts": [count] })))
        },
        [200, 200, 403, 200],
        "usage:write",
    ),
    ("GET", "/ledger", fixed, [200, 200, 403, 200], "ledger:read"),
    ("GET", "/report", fixed, [200, 200, 403, 200], "report:read"),
    ("GET", "/backup", fixed, [200, 403, 403, 403], "backup:read"),
    (
        "POST",
        "/applications",
        |world| (String::new(), Some(json!({ "key": world.fresh() }))),
        [201, 201, 403, 201],
        "applications:write",
    ),
    (
        "PATCH",
        "/applications/{key}",
        |world| (world.application(), Some(json!({ "name": "N" }))),
        [200, 200, 403, 404],
        "applications:write",
    ),
    (
        "DELETE",
        "/applications/{key}",
        |world| {
            let body = json!({ "key": world.fresh() });
            (world.create("/v1/applications", &body, "key"), None)
        },
        [204, 204, 403, 404],
        "applications:write",
    ),
    (
        "GET",
        "/applications/{key}/seats",
        |world| (world.application(), None),
        [200, 200, 200, 404],
        "seats:read",
    ),
    (
        "POST",
        "/applications/{key}/seats",
        |world| {
            let body = json!({ "account": world.account() });
            (world.application(), Some(body))
        },
        [201, 201, 403, 404],
        "seats:write",
    ),
    (
        "POST",
        "/applications/{key}/seats/bulk",
        |world| {
            let body = json!({ "assign": [world.account()] });
            (world.application(), Some(body))
        },
        [200, 200, 403, 404],
        "seats:write",
    ),
    (
        "DELETE",
        "/applications/{key}/seats/{account}",
        |world| {
            let (application, account) = (world.application(), world.account());
            let path = format!("/v1/applications/{application}/seats");
            let call = world.server.call("POST", &path).organization("acme");
            call.json(&json!({ "account": account })).expect(201);
            (format!("{application}/{account}"), None)
        },
        [204, 204, 403, 404],
        "seats:write",
    ),
    (
        "GET",
        "/applications/{key}/leases",
        |world| (world.application(), None),
        [200, 200, 200, 404],
        "leases:read",
    ),
    (
        "POST",
        "/applications/{key}/leases",
        |world| {
            let body = json!({ "holder": world.fresh() });
            (world.application(), Some(body))
        },
        [201, 201, 403, 404],
        "leases:write",
    ),
    (
        "GET",
        "/leases/{id}",
        |world| (world.lease(), None),
        [200, 200, 200, 404],
        "leases:read",
    ),
    (
        "POST",
        "/leases/{id}/renew",
        |world| (world.lease(), Some(json!({ "fence": 1 }))),
        [200, 200, 403, 404],
        "leases:write",
    ),
    (
        "POST",
        "/leases/{id}/release",
        |world| (world.lease(), Some(json!({ "fence": 1 }))),
        [204, 204, 403, 404],
        "leases:write",
    ),
    (
        "GET",
        "/accounts",
        fixed,
        [200, 200, 200, 200],
        "accounts:read",
    ),
    (
        "POST",
        "/accounts",
        |world| {
            let email = format!("{}@example.com", world.fresh());
            (String::new(), Some(json!({ "email": email })))
        },
        [201, 201, 403, 201],
        "accounts:write",
    ),
    (
        "POST",
        "/accounts/import",
        |world| {
            let email = format!("{}@example.com", world.fresh());
            let rows = json!([{ "email": email }]);
            (String::new(), Some(json!({ "rows": rows })))
        },
        [200, 200, 403, 200],
        "accounts:write",
    ),
    (
        "GET",
        "/accounts/{account}",
        |world| (world.account(), None),
        [200, 200, 200, 404],
        "accounts:read",
    ),
    (
        "PATCH",
        "/accounts/{account}",
        |world| (world.account(), Some(json!({ "name": "N" }))),
        [200, 200, 403, 404],
        "accounts",
    ),
    (
        "DELETE",
        "/accounts/{account}",
        |world| (world.account(), None),
        [204, 204, 403, 404],
        "accounts",
    ),
    (
        "GET",
        "/accounts/{account}/seats",
        |world| (world.account(), None),
        [200, 200, 200, 404],
        "seats:read,accounts:read",
    ),
    ("GET", "/counts", fixed, [200, 200, 200, 200], "seats:read"),
    (
        "GET",
        "/refusals",
        fixed,
        [200, 200, 200, 200],
        "seats:read",
    ),
    ("GET", "/census", fixed, [200, 200, 403, 200], "census:read"),
    (
        "POST",
        "/census",
        |_| (String::new(), Some(json!({}))),
        [200, 200, 403, 200],
        "census:write",
    ),
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

    /// An application with a license.
    fn application(&self) -> String {
        let body = json!({ "payload": document("Payroll") });
        self.create("/v1/licenses", &body, "application")
    }

    /// A new account of acme.
    fn account(&self) -> String {
        let email = format!("{}@example.com", self.fresh());
        self.create("/v1/accounts", &json!({ "email": email }), "id")
    }

    /// A new lease of acme.
    fn lease(&self) -> String {
        let path = format!("/v1/applications/{}/leases", self.application());
        self.create(&path, &json!({ "holder": self.fresh() }), "id")
    }

    fn call(&self, (method, path, make, ..): &Row) -> Request {
        let (names, body) = make(self);
        let mut names = names.split('/');
        let parts = path.split('/').map(|part| match part.starts_with('{') {
            true => names.next().expect("a name"),
            false => part,
        });
        let path = parts.collect::<Vec<_>>().join("/");
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
fn every_route_asks_for_its_scope_and_no_other() {
    let world = World::new();
    for row in ROWS {
        let operator = row.3[1] == 403;
        let narrowed = |scopes: &[&str]| {
            let role = if operator { "operator" } else { "admin" };
            let body = json!({ "role": role, "scopes": scopes });
            let call = world.server.call("POST", "/v1/tokens").organization("acme");
            let made = call.json(&body).expect(201).json();
            made["secret"].as_str().expect("a secret").to_owned()
        };
        let needed: Vec<&str> = row.4.split(',').collect();
        let call = world.call(row).organization("acme");
        let allowed = row.3[usize::from(!operator)];
        call.token(&narrowed(&needed)).expect(allowed);
        let resources = needed
            .iter()
            .map(|scope| scope.split(':').next().expect("a resource"));
        let resources: BTreeSet<&str> = resources.collect();
        let all = Resource::ALL.into_iter().map(Resource::as_str);
        let others: Vec<&str> = all.filter(|word| !resources.contains(word)).collect();
        let call = world.call(row).organization("acme");
        let problem = call
            .token(&narrowed(&others))
            .expect_problem(403, "forbidden");
        let right = problem["right"].as_str().expect("a right");
        assert!(
            resources.iter().any(|resource| right.ends_with(resource)),
            "{right}"
        );
        // The other action on the same resources is not enough either.
        let flipped: Vec<String> = needed
            .iter()
            .filter_map(|scope| {
                let (resource, action) = scope.split_once(':')?;
                let other = if action == "read" { "write" } else { "read" };
                Some(format!("{resource}:{other}"))
            })
            .collect();
        if flipped.len() == needed.len() {
            let flipped: Vec<&str> = flipped.iter().map(String::as_str).collect();
            let call = world.call(row).organization("acme");
            call.token(&narrowed(&flipped))
                .expect_problem(403, "forbidden");
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
            .call("BREW", &format!("/v1{concrete}"))
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
        let head = &("HEAD", row.1, row.2, row.3, row.4);
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
