//! Who may do what: every role at every route, and what is hidden from other tenants.

use std::collections::BTreeSet;

use lictor_core::facts::right::Resource;
use lictor_server::dialects::native;
use lictor_testkit::TestServer as Server;
use serde_json::{Value, json};

use crate::matrix::ROWS;
use crate::world::World;

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
            answer.problem(401, "unauthenticated");
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
        answer.problem(405, "method-not-allowed");
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
    for path in [
        "/v1/applications/%ff/seats",
        "/v1/applications/%ff/seats/bulk",
        "/v1/applications/%ff/leases",
        "/v1/leases/%ff/renew",
        "/v1/trust/%ff/revoke",
        "/v1/clients/%ff/codes",
    ] {
        server.call("POST", path).expect_problem(404, "not-found");
        server
            .call("POST", path)
            .without("Authorization")
            .expect_problem(401, "unauthenticated");
    }
    for method in ["OPTIONS", "PATCH", "TRACE", "BREW"] {
        let answer = server.call(method, "/v1/licenses").expect(405);
        answer.problem(405, "method-not-allowed");
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
        ("POST", "/v1/nodes"),
        ("DELETE", "/v1/nodes/x"),
        ("PUT", "/v1/node-policy"),
        ("GET", "/v1/backup/control-plane-key"),
    ] {
        let call = server.call(method, path).token(&acme.reader);
        call.expect_problem(403, "forbidden");
    }
    for (method, path) in [("PUT", "/v1/node-policy"), ("POST", "/v1/node-adoptions")] {
        let call = server.call(method, path).token(&acme.admin);
        call.body("application/json", "{")
            .expect_problem(403, "forbidden");
    }
}

#[test]
fn who_lacks_the_right_is_told_that_before_conditions_and_parameters_are_looked_at() {
    let world = World::new();
    for row in ROWS {
        for (token, status) in [
            (&world.acme.admin, row.3[1]),
            (&world.acme.reader, row.3[2]),
        ] {
            if status != 403 {
                continue;
            }
            let call = world.call(row).token(token);
            for (header, value) in [("If-Match", "x"), ("If-None-Match", "*")] {
                let conditioned = call.clone().header(header, value);
                conditioned.expect_problem(403, "forbidden");
            }
            let mut asking = call;
            asking.path.push_str("?no=such");
            asking.expect_problem(403, "forbidden");
            asking
                .without("Authorization")
                .expect_problem(401, "unauthenticated");
        }
    }
}

/// What a write may tell also who may not read: which object it made and what goes with it, and what became
/// of each row.
const MADE: &[&str] = &[
    "id",
    "key",
    "key_id",
    "number",
    "application",
    "account",
    "holder",
    "fence",
    "since",
    "position",
    "revision",
    "status",
    "state",
    "reason",
    "days_left",
    "verified",
    "signed_by",
    "claims",
    "payload",
    "place",
    "created_at",
    "updated_at",
    "expires_at",
    "taken_at",
    "live",
    "role",
    "scopes",
    "kind",
    "organization",
    "origin",
    "created_by",
    "secret",
    "client_id",
    "client_secret",
    "refresh_token",
    "code",
    "code_expires_at",
    "enrollment_token",
    "token_expires_at",
    "rows",
    "created",
    "accounts_created",
    "seats_assigned",
    "assigned",
    "refused",
    "accepted",
    "kept",
    "language",
    "over_limit",
    "plan",
    "ended_leases",
    "refusals",
];

#[test]
fn who_may_only_write_is_told_nothing_that_is_there_besides() {
    let world = World::new();
    let mut told = Vec::new();
    for row in ROWS.iter().filter(|row| row.0 != "GET") {
        let operator = row.3[1] == 403;
        let role = if operator { "operator" } else { "admin" };
        let body = json!({ "role": role, "scopes": [row.4] });
        let token = world.server.call("POST", "/v1/tokens").organization("acme");
        let token = token.json(&body).expect(201).json()["secret"].clone();
        let call = world.call(row).organization("acme");
        let sent = serde_json::from_slice::<Value>(&call.body).unwrap_or_default();
        let call = call.token(token.as_str().expect("a secret"));
        let answer = call.expect(row.3[usize::from(!operator)]);
        let answer = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
        for (name, value) in answer.as_object().into_iter().flatten() {
            let known = sent.get(name).is_some() || MADE.contains(&name.as_str());
            // Of what was just made there is nothing yet.
            let empty = [json!(null), json!(0), json!(false), json!([])].contains(value);
            if !known && !empty {
                told.push(format!("{} {} {name}: {value}", row.0, row.1));
            }
        }
    }
    assert!(told.is_empty(), "{told:#?}");
}
