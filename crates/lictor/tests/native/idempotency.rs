//! Requests that are repeated because their answer was lost: they are carried out once.

use std::collections::BTreeMap;

use lictor_testkit::{Request, TestServer as Server, claims, document, vendor};
use serde_json::{Value, json};

fn keyed(server: &Server, path: &str, body: &Value) -> Request {
    server
        .call("POST", path)
        .json(body)
        .header("Idempotency-Key", "k-1")
}

#[test]
fn a_repeated_request_gets_the_first_answer() {
    let mut server = Server::start();
    let key = vendor(2).public_key();
    let trust = format!("/v1/trust/{}", key.id());
    let requests = [
        (
            "/v1/licenses".to_owned(),
            json!({ "payload": document("Konnect") }),
        ),
        (
            "/v1/organizations".to_owned(),
            json!({ "key": "acme", "name": "Acme" }),
        ),
        (
            "/v1/trust".to_owned(),
            json!({ "public_key": key.to_pem() }),
        ),
        (format!("{trust}/retire"), json!({})),
        (format!("{trust}/revoke"), json!({})),
        (
            "/v1/usage".to_owned(),
            json!({ "counts": [{ "service": "a", "count": 1 }] }),
        ),
    ];
    let mut first = BTreeMap::new();
    for (path, body) in &requests {
        let answer = keyed(&server, path, body).send();
        assert!(answer.status < 300, "{answer:?}");
        assert_eq!(answer.header("idempotency-replayed"), None);
        first.insert(path, answer);
    }
    for restarted in [false, true] {
        if restarted {
            server = server.restart();
        }
        for (path, body) in &requests {
            let again = keyed(&server, path, body).send();
            let first = &first[path];
            assert_eq!(
                (again.status, &again.body),
                (first.status, &first.body),
                "{path}"
            );
            assert_eq!(again.header("idempotency-replayed"), Some("true"), "{path}");
            for header in ["content-type", "location", "etag"] {
                assert_eq!(
                    again.header(header),
                    first.header(header),
                    "{path} {header}"
                );
            }
        }
    }
    assert_eq!(
        server.get("/v1/licenses")["data"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn another_body_under_the_same_key_is_refused() {
    let server = Server::start();
    keyed(
        &server,
        "/v1/licenses",
        &json!({ "payload": document("Konnect") }),
    )
    .expect(201);
    let other = keyed(
        &server,
        "/v1/licenses",
        &json!({ "payload": document("Gateway") }),
    );
    other.expect_problem(422, "idempotency-mismatch");
    assert_eq!(
        server.get("/v1/licenses")["data"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn a_key_belongs_to_a_token_a_route_and_an_organization() {
    let server = Server::start();
    let acme = server.tenant("acme");
    let body = json!({ "payload": document("Konnect") });
    let call = keyed(&server, "/v1/licenses", &body);
    let first = call.expect(201).json();
    let in_acme = call.clone().organization("acme").expect(201).json();
    assert_ne!(first["id"], in_acme["id"]);
    let by_admin = call.token(&acme.admin).expect(201).json();
    assert_ne!(in_acme["id"], by_admin["id"]);
    keyed(&server, "/v1/usage", &json!({ "counts": [] })).expect(200);
}

#[test]
fn a_refusal_is_not_kept() {
    let server = Server::start();
    let payload = vendor(2).sign(&claims("Konnect").to_json());
    let call = keyed(&server, "/v1/licenses", &json!({ "payload": payload }));
    call.expect_problem(400, "invalid-document");
    server.post(
        "/v1/trust",
        &json!({ "public_key": vendor(2).public_key().to_pem() }),
    );
    call.expect(201);
}

/// Sends a request twice: what it refuses, and whether the second answer is the first one again.
fn twice(server: &Server, path: &str, body: &Value) -> (u64, bool) {
    let first = keyed(server, path, body).expect(200);
    let again = keyed(server, path, body).expect(200);
    let refused = first.json()["refused"].as_u64().expect("a number");
    (refused, again.header("idempotency-replayed").is_some())
}

#[test]
fn what_is_refused_in_part_is_kept_only_where_something_was_stored() {
    let server = Server::start();
    server.post("/v1/licenses", &json!({ "payload": document("Konnect") }));
    let person = |number: u64| json!({ "email": format!("p{number}@example.com") });
    let bad = json!({ "email": "nobody" });
    let import = |rows: Vec<Value>, mode: &str| json!({ "rows": rows, "mode": mode });
    let path = "/v1/accounts/import";
    for mode in ["each", "all"] {
        assert_eq!(
            twice(&server, path, &import(vec![bad.clone()], mode)),
            (1, false),
            "{mode}"
        );
    }
    let undone = import(vec![person(1), bad.clone()], "all");
    assert_eq!(twice(&server, path, &undone), (1, false));
    // Of two parts the last is refused as a whole.
    let mut rows: Vec<_> = (0..128).map(person).collect();
    rows.extend([bad.clone(), bad]);
    assert_eq!(twice(&server, path, &import(rows, "each")), (2, true));
    let bulk = "/v1/applications/konnect/seats/bulk";
    let nobody = json!({ "assign": ["x@example.com"], "mode": "each" });
    assert_eq!(twice(&server, bulk, &nobody), (1, false));
    let some = json!({ "assign": ["x@example.com", "p1@example.com"], "mode": "each" });
    assert_eq!(twice(&server, bulk, &some), (1, true));
    let counts = json!({ "counts": [
        { "service": "a", "count": 1 },
        { "service": "", "count": 1 },
    ] });
    assert_eq!(twice(&server, "/v1/usage", &counts), (1, false));
}

#[test]
fn a_secret_is_not_shown_again() {
    let server = Server::start();
    let call = keyed(&server, "/v1/tokens", &json!({ "name": "CI" }));
    let made = call.expect(201).json();
    let answer = call.expect(409);
    let problem = answer.problem(409, "secret-already-shown");
    assert_eq!(problem["id"], made["id"]);
    let secret = made["secret"].as_str().expect("a secret");
    assert!(!problem.to_string().contains(secret));
    let other = keyed(&server, "/v1/tokens", &json!({ "name": "other" }));
    other.expect_problem(422, "idempotency-mismatch");
    assert_eq!(
        server.get("/v1/tokens")["data"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn an_enrollment_token_is_not_shown_again() {
    let server = Server::start();
    server.add(&document("Konnect"));
    let call = keyed(&server, "/v1/nodes", &json!({ "name": "edge-1" }));
    let made = call.expect(201).json();
    let secret = made["enrollment_token"].as_str().expect("a token");
    let answer = call.expect(409);
    let problem = answer.problem(409, "secret-already-shown");
    assert_eq!(problem["id"], made["id"]);
    assert!(!problem.to_string().contains(secret));
    // Without the key it is another request, for a name that is taken.
    let again = call.without("Idempotency-Key");
    let taken = again.expect_problem(409, "already-exists");
    assert_eq!(
        (&taken["kind"], &taken["name"]),
        (&json!("node"), &json!("edge-1"))
    );
    assert_eq!(
        server.get("/v1/nodes")["data"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn of_many_twins_one_is_carried_out() {
    let server = Server::start();
    let call = keyed(
        &server,
        "/v1/licenses",
        &json!({ "payload": document("Konnect") }),
    );
    let answers: Vec<_> = std::thread::scope(|scope| {
        let twins: Vec<_> = (0..32).map(|_| scope.spawn(|| call.send())).collect();
        twins
            .into_iter()
            .map(|twin| twin.join().expect("an answer"))
            .collect()
    });
    let mut bodies = Vec::new();
    for answer in answers {
        match answer.status {
            201 => bodies.push(answer.json()),
            _ => drop(answer.problem(409, "idempotency-in-progress")),
        }
    }
    assert!(!bodies.is_empty());
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    let mut stored = bodies.swap_remove(0);
    // Where it came to stand is told to whoever added it alone.
    stored.as_object_mut().expect("an object").remove("place");
    assert_eq!(server.get("/v1/licenses")["data"], json!([stored]));
}

#[test]
fn a_key_is_1_to_255_visible_characters() {
    let server = Server::start();
    let body = json!({ "counts": [] });
    let call = server.call("POST", "/v1/usage").json(&body);
    let (longest, longer) = ("k".repeat(255), "k".repeat(256));
    for key in ["", "a b", "ä", &longer] {
        let call = call.clone().header("Idempotency-Key", key);
        let problem = call.expect_problem(400, "invalid-input");
        assert_eq!(problem["field"], "Idempotency-Key", "{key}");
    }
    call.clone().header("Idempotency-Key", &longest).expect(200);
    let doubled = call
        .header("Idempotency-Key", "a")
        .header("Idempotency-Key", "b");
    doubled.expect_problem(400, "invalid-input");
}
