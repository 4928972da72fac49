//! Accounts over `/v1`: created, imported, changed, removed; and whatever text stands in them.

use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

#[test]
fn an_account_is_created_found_changed_and_removed() {
    let server = Server::start();
    let body = json!({ "email": "Ada@Example.com", "name": "Ada", "language": "de_DE" });
    let made = server.post("/v1/accounts", &body);
    assert_eq!(made["email"], "Ada@Example.com");
    assert!(
        made["number"]
            .as_u64()
            .is_some_and(|number| number < 1 << 53)
    );
    let id = made["id"].as_str().expect("an id");
    for path in [id.to_owned(), "ADA@EXAMPLE.COM".to_owned()] {
        assert_eq!(server.get(&format!("/v1/accounts/{path}")), made);
    }
    let listed = server.get("/v1/accounts?email=ada@example.com");
    assert_eq!(listed["data"], json!([made]));
    let path = format!("/v1/accounts/{id}");
    let patch = json!({ "name": "Ada L", "administrator": true });
    let call = || server.call("PATCH", &path).json(&patch);
    call().header("If-Match", "\"999\"").expect(412);
    let set = call().header("If-Match", &format!("\"{}\"", made["revision"]));
    let set = set.expect(200).value();
    assert_eq!(
        (&set["name"], &set["administrator"]),
        (&json!("Ada L"), &json!(true))
    );
    // The only administrator goes by force alone.
    server.call("DELETE", &path).expect(409);
    let forced = format!("{path}?force=true");
    server.call("DELETE", &forced).expect(204);
    for gone in [path.as_str(), "/v1/accounts/ada@example.com"] {
        server.call("GET", gone).expect(404);
    }
    server.account("ada@example.com");
}

#[test]
fn two_spellings_are_one_account() {
    let server = Server::start();
    for (first, second) in [
        ("zoe\u{308}@example.com", "zo\u{eb}@example.com"),
        ("big@example.com", "BIG@EXAMPLE.COM"),
        ("\u{ff57}ide@example.com", "wide@example.com"),
        ("\u{130}stanbul@example.com", "i\u{307}stanbul@example.com"),
    ] {
        server.account(first);
        let again = server.call("POST", "/v1/accounts");
        let again = again.json(&json!({ "email": second })).send();
        again.problem(409, "already-exists");
    }
}

#[test]
fn bad_text_is_refused_and_good_text_kept() {
    let server = Server::start();
    let create = |body: Value| server.call("POST", "/v1/accounts").json(&body).send();
    for email in [
        "",
        "a",
        "@",
        "a@",
        "@b",
        "a@b@c",
        "a b@c",
        "a@b\n",
        "a\u{0}@b",
        "a@b\u{7f}",
        "a\u{200b}@b",
        "a\u{feff}@b",
        "a\u{202e}@b",
        " a@b",
        "a\u{a0}@b",
    ] {
        let problem = create(json!({ "email": email })).problem(400, "invalid-input");
        assert_eq!(problem["field"], "email", "{email:?}");
    }
    let long = format!("{}@example.com", "x".repeat(250));
    create(json!({ "email": long })).problem(400, "invalid-input");
    for name in ["", "a\u{7}b", &"x".repeat(201)] {
        let body = json!({ "email": "x@example.com", "name": name });
        assert_eq!(create(body).problem(400, "invalid-input")["field"], "name");
    }
    for language in ["", "en", "en-US", "EN_us", "en_USA", "e\u{301}_US"] {
        let body = json!({ "email": "x@example.com", "language": language });
        create(body).problem(400, "invalid-input");
    }
    for (number, name) in ["Ζωή", "Владимир", "李小龍", "عمر", "👩‍💻", "O'Brien \"q\" \\"]
        .into_iter()
        .enumerate()
    {
        let body = json!({ "email": format!("n{number}@example.com"), "name": name });
        assert_eq!(create(body).value()["name"], name);
    }
    for (field, value) in [
        ("kind", json!("robot")),
        ("status", json!("removed")),
        ("kind", json!(1)),
        ("unknown", json!(1)),
    ] {
        let answer = create(json!({ "email": "x@example.com", field: value }));
        assert_eq!(answer.status, 400, "{answer:?}");
    }
}

#[test]
fn an_import_says_what_became_of_each_row() {
    let server = Server::start();
    server.post("/v1/applications", &json!({ "key": "editor" }));
    server.account("old@example.com");
    let rows = json!([
        { "email": "new@example.com" },
        { "email": "old@example.com" },
        { "email": "no e-mail" },
        { "email": "seat@example.com", "seats": ["editor"] },
        { "email": "none@example.com", "seats": ["absent"] },
        { "email": "NEW@example.com" },
    ]);
    let import = |mode: &str| {
        let call = server.call("POST", "/v1/accounts/import");
        call.json(&json!({ "rows": rows, "mode": mode }))
            .expect(200)
            .value()
    };
    let all = import("all");
    assert_eq!(all["accounts_created"], 0, "{all}");
    let call = server.call("POST", "/v1/accounts/import");
    let taken = json!({ "rows": rows, "earlier_seats": { "editor": 1 } });
    let problem = call.clone().json(&taken).send();
    assert_eq!(
        problem.problem(400, "invalid-input")["field"],
        "earlier_seats"
    );
    let dry = json!({ "rows": rows, "mode": "each", "dry_run": true });
    let dry = call.json(&dry).expect(200).value();
    assert_eq!(
        (&dry["dry_run"], &dry["accounts_created"]),
        (&json!(true), &json!(3))
    );
    assert_eq!(
        server.get("/v1/accounts")["data"].as_array().map(Vec::len),
        Some(1)
    );
    let each = import("each");
    let results: Vec<_> = each["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["result"].clone(), row["errors"][0]["reason"].clone()))
        .collect();
    let plain = |word: &str| (json!(word), Value::Null);
    let refused = |word: &str| (json!("refused"), json!(word));
    assert_eq!(
        results,
        [
            plain("created"),
            plain("existing"),
            refused("invalid-input"),
            refused("unlicensed"),
            refused("not-found"),
            plain("existing"),
        ]
    );
    assert_eq!(each["accounts_created"], 3, "{each}");
    assert_eq!(
        server.get("/v1/accounts")["data"].as_array().map(Vec::len),
        Some(4)
    );
}

#[test]
fn an_import_that_is_stored_in_parts_is_answered_as_one() {
    let server = Server::start();
    let row = |number: usize| json!({ "email": format!("a{number}@example.com") });
    let mut rows: Vec<Value> = (0..300).map(row).collect();
    rows[5] = json!({ "email": "no e-mail" });
    rows[290] = json!({ "email": "nor this" });
    rows[299] = row(0);
    // As after a crash: what is there of it stays, and the import goes on.
    let begun = json!({ "rows": rows[100..150], "mode": "each" });
    let first_try = server.call("POST", "/v1/accounts/import");
    first_try.json(&begun).expect(200);
    let import = || {
        let call = server.call("POST", "/v1/accounts/import");
        call.header("Idempotency-Key", "once")
            .json(&json!({ "rows": rows, "mode": "each" }))
            .expect(200)
    };
    let first = import().value();
    for (number, row) in first["rows"].as_array().expect("rows").iter().enumerate() {
        let result = match number {
            5 | 290 => "refused",
            100..150 | 299 => "existing",
            _ => "created",
        };
        assert_eq!(row["result"], result, "{number}: {row}");
    }
    assert_eq!(
        (&first["accounts_created"], &first["refused"]),
        (&json!(247), &json!(2))
    );
    assert_eq!(import().value(), first);
}

#[test]
fn what_is_wrong_with_a_request_goes_before_what_is_not_there() {
    let server = Server::start();
    for account in ["absent@example.com", "0197f3a0-0000-7000-8000-000000000001"] {
        let path = format!("/v1/accounts/{account}");
        for (body, field) in [
            (json!({ "email": "x" }), "email"),
            (json!({ "name": "" }), "name"),
            (json!({ "language": "x" }), "language"),
            (json!({ "status": "x" }), "status"),
        ] {
            let patch = server.call("PATCH", &path).json(&body).send();
            assert_eq!(patch.problem(400, "invalid-input")["field"], field);
        }
        for method in ["PATCH", "DELETE"] {
            let call = server.call(method, &path).header("If-Match", "x");
            let problem = call.send().problem(400, "invalid-input");
            assert_eq!(problem["field"], "If-Match");
            server.call(method, &path).send().problem(404, "not-found");
        }
    }
    let patch = server.call("PATCH", "/v1/applications/absent");
    let named = patch.clone().json(&json!({ "name": "" })).send();
    assert_eq!(named.problem(400, "invalid-input")["field"], "name");
    patch.send().problem(404, "not-found");
}

#[test]
fn a_row_of_an_import_is_read_as_strictly_as_an_account() {
    let server = Server::start();
    let import = |rows: &str| {
        let body = format!(r#"{{"rows":[{{"email":"good@example.com"}},{rows}],"mode":"each"}}"#);
        let call = server.call("POST", "/v1/accounts/import");
        call.body("application/json", body).send()
    };
    for row in [
        "{}",
        "[]",
        "null",
        "1",
        r#"["bad@example.com"]"#,
        r#"{"email":1}"#,
        r#"{"email":null}"#,
        r#"{"name":"Bad"}"#,
        r#"{"email":"bad@example.com","e_mail":"x"}"#,
        r#"{"email":"bad@example.com","revision":1}"#,
        r#"{"email":"bad@example.com","email":"worse@example.com"}"#,
        r#"{"email":"bad@example.com","seats":[],"seats":[]}"#,
        r#"{"email":"bad@example.com","seats":"editor"}"#,
        r#"{"email":"bad@example.com","seats":[1]}"#,
        r#"{"email":"bad@example.com","administrator":"true"}"#,
    ] {
        import(row).problem(400, "invalid-json");
    }
    for (row, field) in [
        (r#"{"email":"bad@example.com","kind":"robot"}"#, "kind"),
        (
            r#"{"email":"bad@example.com","status":"removed"}"#,
            "status",
        ),
    ] {
        assert_eq!(import(row).problem(400, "invalid-input")["field"], field);
    }
    let many = vec![r#"{"email":"many@example.com"}"#; 1_000].join(",");
    let problem = import(&many).problem(400, "invalid-input");
    assert_eq!(problem["field"], "rows");
    assert_eq!(server.get("/v1/accounts")["data"], json!([]));
}

#[test]
fn a_token_does_what_its_owner_may_and_dies_with_it() {
    let server = Server::start();
    let ada = server.account("ada@example.com");
    let token = server.token("ada@example.com", &[]);
    let as_ada = |method: &str, path: &str| server.call(method, path).token(&token);
    as_ada("GET", "/v1/counts").expect(200);
    as_ada("GET", "/v1/census").expect(403);
    server.account_of(&json!({ "email": "root@example.com", "administrator": true }));
    let path = format!("/v1/accounts/{ada}");
    let set = |body: Value| server.call("PATCH", &path).json(&body).expect(200);
    set(json!({ "administrator": true }));
    // The token was made for less than its owner may now.
    as_ada("GET", "/v1/census").expect(403);
    let wide = server.token("ada@example.com", &[]);
    server.call("GET", "/v1/census").token(&wide).expect(200);
    set(json!({ "status": "deactivated" }));
    as_ada("GET", "/v1/counts").expect(401);
    set(json!({ "status": "active", "administrator": false }));
    as_ada("GET", "/v1/counts").expect(200);
    server.call("GET", "/v1/census").token(&wide).expect(403);
    server.call("DELETE", &path).expect(204);
    as_ada("GET", "/v1/counts").expect(401);
}
