//! Quotas over HTTP: who sets them, what is refused beyond, and in whose words.

use lictor_testkit::{Tenant, TestServer as Server, document};
use serde_json::{Value, json};

const ACME: &str = "/v1/organizations/acme";

fn set(server: &Server, quotas: &Value) -> Value {
    let body = json!({ "limits": quotas });
    server.call("PATCH", ACME).json(&body).expect(200).json()
}

/// What is said of one quota.
fn quota<'a>(shown: &'a Value, name: &str) -> &'a Value {
    let quotas = shown["quotas"].as_array().expect("a list");
    let found = quotas.iter().find(|quota| quota["name"] == name);
    found.expect("it is there")
}

fn start() -> (Server, Tenant) {
    let server = Server::start();
    let acme = server.tenant("acme");
    (server, acme)
}

#[test]
fn a_quota_is_shown_to_the_tenant_and_set_by_the_operator_alone() {
    let (server, acme) = start();
    let show = server.call("GET", ACME).token(&acme.reader);
    let shown = show.expect(200).json();
    let tokens = json!({
        "name": "tokens", "limit": 20_000, "default": 20_000, "used": 2,
        "description": "tokens that are not revoked"
    });
    assert_eq!(quota(&shown, "tokens"), &tokens);
    assert_eq!(
        quota(&shown, "licenses-per-application")["used"],
        Value::Null
    );
    let body = json!({ "limits": { "tokens": 30_000 } });
    let raise = server.call("PATCH", ACME).token(&acme.admin).json(&body);
    raise.expect_problem(403, "forbidden");
    let raised = set(&server, &json!({ "tokens": 30_000, "nodes": 0 }));
    assert_eq!(quota(&raised, "tokens")["limit"], 30_000);
    assert_eq!(show.expect(200).json(), raised);
    let back = set(&server, &json!({ "tokens": null }));
    assert_eq!(quota(&back, "tokens")["limit"], 20_000);
    assert_eq!(quota(&back, "nodes")["limit"], 0);
    let ledger = server.call("GET", "/v1/ledger").organization("acme");
    let entries = ledger.expect(200).json();
    let entries = entries["data"].as_array().expect("a list");
    let last = &entries.last().expect("an entry")["change"];
    let change = json!({ "type": "quota_set", "quota": "tokens", "limit": null });
    assert_eq!(last, &change);
}

#[test]
fn a_limit_is_a_number_of_a_quota_that_there_is() {
    let (server, _) = start();
    for (quotas, said) in [
        (json!({ "token": 5 }), "licenses-per-application"),
        (json!({ "tokens": 1_u64 << 53 }), "9007199254740991"),
    ] {
        let body = json!({ "limits": quotas });
        let problem = server.call("PATCH", ACME).json(&body);
        let problem = problem.expect_problem(400, "invalid-input");
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.contains(said), "{detail}");
    }
    for quotas in [json!({ "tokens": -1 }), json!({ "tokens": "5" }), json!([])] {
        let body = json!({ "limits": quotas });
        server
            .call("PATCH", ACME)
            .json(&body)
            .expect_problem(400, "invalid-json");
    }
    let absent = server.call("PATCH", "/v1/organizations/absent");
    absent
        .json(&json!({ "limits": {} }))
        .expect_problem(404, "not-found");
}

#[test]
fn beyond_a_quota_the_answer_names_it_and_says_what_to_do() {
    let (server, acme) = start();
    set(
        &server,
        &json!({ "tokens": 2, "licenses-per-application": 1 }),
    );
    let create = server.call("POST", "/v1/tokens").token(&acme.admin);
    let problem = create
        .json(&json!({ "role": "reader" }))
        .expect_problem(409, "quota-reached");
    assert_eq!(
        (&problem["quota"], &problem["limit"]),
        (&json!("tokens"), &json!(2))
    );
    let detail = problem["detail"].as_str().expect("text");
    assert!(
        detail.contains("lictor organization set KEY --max-tokens NUMBER"),
        "{detail}"
    );
    let add = |product: &str| {
        let body = json!({ "payload": document(product) });
        server
            .call("POST", "/v1/licenses")
            .token(&acme.admin)
            .json(&body)
    };
    add("Konnect").expect(201);
    let problem = add("Konnect").expect_problem(409, "quota-reached");
    assert_eq!(problem["application"], "konnect");
    add("Payroll").expect(201);
}

#[test]
fn kong_is_told_of_a_quota_in_its_own_shape_and_may_repair() {
    let (server, acme) = start();
    set(&server, &json!({ "licenses": 1 }));
    let body = json!({ "payload": document("Konnect") });
    // Its answers have another type than those of the native API.
    let send = |method: &str, path: &str, body: &Value| {
        let call = server.call(method, path).token(&acme.admin);
        let answer = call.json(body).send();
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, value)
    };
    let (status, stored) = send("POST", "/licenses", &body);
    assert_eq!(status, 201);
    let (status, refused) = send("POST", "/licenses", &body);
    assert_eq!(status, 409);
    let message = refused["message"].as_str().expect("text");
    assert!(message.contains("--max-licenses"), "{message}");
    let path = format!("/licenses/{}", stored["id"].as_str().expect("an id"));
    let repair = json!({ "payload": document("Payroll") });
    assert_eq!(send("PUT", &path, &repair).0, 200);
    assert_eq!(send("DELETE", &path, &json!({})).0, 204);
    assert_eq!(send("POST", "/licenses", &body).0, 201);
}

#[test]
fn an_import_goes_as_far_as_the_quota_and_names_the_rows_beyond() {
    let (server, acme) = start();
    set(&server, &json!({ "accounts": 2 }));
    let rows: Vec<_> = (0..3)
        .map(|number| json!({ "email": format!("{number}@example.com") }))
        .collect();
    let import = |mode: &str| {
        let body = json!({ "mode": mode, "rows": rows });
        let call = server.call("POST", "/v1/accounts/import");
        call.token(&acme.admin).json(&body)
    };
    let all = import("all").expect(200).json();
    assert_eq!(all["accounts_created"], 0, "{all}");
    let answer = import("each").expect(200).json();
    assert!(answer.to_string().contains("quota-reached"), "{answer}");
    let shown = server.get(ACME);
    assert_eq!(quota(&shown, "accounts")["used"], 2);
}

#[test]
fn a_usage_count_beyond_is_refused_and_the_rest_taken() {
    let (server, acme) = start();
    set(&server, &json!({ "usage-series": 1 }));
    let count = |service: &str| json!({ "source": "edge", "service": service, "month": "2026-11", "count": 5 });
    let report = |counts: &[Value]| {
        let call = server.call("POST", "/v1/usage").token(&acme.admin);
        call.json(&json!({ "counts": counts }))
    };
    let answer = report(&[count("web"), count("api")]).expect(200).json();
    assert_eq!(answer["refused"], 1, "{answer}");
    assert!(
        answer.to_string().contains("--max-usage-series"),
        "{answer}"
    );
    let problem = report(&[count("api")]).expect_problem(409, "quota-reached");
    assert_eq!(problem["quota"], "usage-series");
    let usage = server.call("GET", "/v1/usage").token(&acme.reader);
    assert_eq!(usage.expect(200).json()["total_requests"], 5);
}

#[test]
fn an_answer_that_cannot_be_kept_is_told_when_to_ask_again() {
    let (server, acme) = start();
    set(&server, &json!({ "kept-answers": 1 }));
    let create = |key: &str, name: &str| {
        let call = server.call("POST", "/v1/applications").token(&acme.admin);
        call.json(&json!({ "key": name }))
            .header("Idempotency-Key", key)
    };
    create("a", "one").expect(201);
    let answer = create("b", "two").send();
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("600"))
    );
    create("b", "two").expect_problem(429, "quota-reached");
    assert_eq!(
        create("a", "one")
            .expect(201)
            .header("idempotency-replayed"),
        Some("true")
    );
}

#[test]
fn a_client_is_given_ten_codes_within_ten_minutes() {
    let (server, acme) = start();
    let body = json!({ "scopes": ["seats:read"] });
    let create = server.call("POST", "/v1/clients").token(&acme.admin);
    let client = create.json(&body).expect(201).json();
    let path = format!(
        "/v1/clients/{}/codes",
        client["id"].as_str().expect("an id")
    );
    let code = server
        .call("POST", &path)
        .token(&acme.admin)
        .json(&json!({}));
    // One came with the client.
    for _ in 0..9 {
        code.expect(201);
    }
    let problem = code.expect_problem(409, "quota-reached");
    assert_eq!(
        (&problem["quota"], &problem["limit"]),
        (&json!("codes"), &json!(10))
    );
    let left = problem["retry_after"].as_u64().expect("when there is room");
    assert!((1..=600).contains(&left), "{problem}");
}

#[test]
fn beyond_the_entries_of_a_day_each_dialect_says_when_to_come_again() {
    let (server, acme) = start();
    set(&server, &json!({ "entries-per-day": 0 }));
    let body = json!({ "payload": document("Konnect") });
    for path in ["/licenses", "/v1/licenses"] {
        let call = server.call("POST", path).token(&acme.admin).json(&body);
        let answer = call.send();
        assert_eq!(answer.status, 429, "{path}");
        let seconds: u64 = answer
            .header("retry-after")
            .and_then(|text| text.parse().ok())
            .expect("whole seconds");
        assert!((1..=86_400).contains(&seconds), "{seconds}");
    }
    let tokens = server.call("GET", "/v1/tokens").token(&acme.admin);
    let reader = tokens.expect(200).json()["data"][1]["id"].clone();
    let path = format!("/v1/tokens/{}", reader.as_str().expect("an id"));
    server
        .call("DELETE", &path)
        .organization("acme")
        .expect(204);
    let shown = server.get(ACME);
    assert_eq!(shown["ledger"]["entries"], 4);
    assert!(
        shown["ledger"]["entry_bytes"].as_u64() > Some(400),
        "{shown}"
    );
}

#[test]
fn a_dry_run_meets_the_quotas_with_what_was_tried_before() {
    let (server, acme) = start();
    set(&server, &json!({ "accounts": 3 }));
    let row = |number: usize| json!({ "email": format!("p{number}@example.com") });
    let rows: Vec<_> = (0..5).map(row).collect();
    let tried = |more: Value| {
        let mut body = json!({ "rows": rows, "mode": "each", "dry_run": true });
        let members = more.as_object().expect("members").clone();
        body.as_object_mut().expect("a body").extend(members);
        let call = server
            .call("POST", "/v1/accounts/import")
            .token(&acme.admin);
        let done = call.json(&body).expect(200).json();
        (done["accounts_created"].clone(), done["refused"].clone())
    };
    assert_eq!(tried(json!({})), (json!(3), json!(2)), "rows before count");
    assert_eq!(
        tried(json!({ "earlier_accounts": 2 })),
        (json!(1), json!(4))
    );
    assert_eq!(
        tried(json!({ "earlier_accounts": 3 })),
        (json!(0), json!(5))
    );
    let meant = json!({ "rows": rows, "mode": "each", "earlier_accounts": 2 });
    let call = server
        .call("POST", "/v1/accounts/import")
        .token(&acme.admin);
    call.json(&meant).expect_problem(400, "invalid-input");
}

#[test]
fn an_import_asks_for_no_more_seats_than_its_answer_can_speak_of() {
    let (server, acme) = start();
    let import = |seats: usize| {
        let row = json!({ "email": "a@example.com", "seats": vec!["a"; seats] });
        let body = json!({ "rows": [row], "mode": "each" });
        let call = server
            .call("POST", "/v1/accounts/import")
            .token(&acme.admin);
        call.json(&body)
    };
    let answer = import(10_000).expect(200);
    assert!(answer.body.len() < 8 * 1024 * 1024, "{}", answer.body.len());
    assert_eq!(answer.json()["refused"], 1);
    import(10_001).expect_problem(400, "invalid-input");
}
