//! Usage: cumulative counts, so that whatever is lost or repeated on the way changes no figure.

use lictor_testkit::{Request, TestServer as Server};
use serde_json::{Value, json};

fn record(server: &Server, counts: &Value) -> Request {
    server
        .call("POST", "/v1/usage")
        .json(&json!({ "counts": counts }))
}

#[test]
fn a_count_is_the_greatest_ever_reported() {
    let server = Server::start();
    let report = |count: u64| {
        let counts = json!([{ "source": "gateway-1", "service": "orders", "month": "2025-11", "count": count }]);
        let answer = record(&server, &counts).expect(200).json();
        let row = &answer["counts"][0];
        assert_eq!(
            (&row["source"], &row["month"]),
            (&json!("gateway-1"), &json!("2025-11"))
        );
        let result = row["result"].as_str().expect("a result").to_owned();
        let of = |word| u64::from(result == word);
        assert_eq!(
            (&answer["accepted"], &answer["kept"]),
            (&of("accepted").into(), &of("kept").into())
        );
        assert_eq!(server.get("/v1/usage")["total_requests"], row["stored"]);
        (result, row["stored"].as_u64().expect("a count"))
    };
    let taken = |stored| ("accepted".to_owned(), stored);
    assert_eq!(report(5), taken(5));
    assert_eq!(report(5), taken(5), "a repeat");
    assert_eq!(report(3), ("kept".to_owned(), 5));
    assert_eq!(report(8), taken(8));
    let shown = server.get("/v1/usage");
    let row = json!({ "source": "gateway-1", "service": "orders", "month": "2025-11", "count": 8 });
    assert_eq!(
        shown,
        json!({ "data": [row], "next_cursor": null, "total_requests": 8 })
    );
}

#[test]
fn spellings_of_one_source_and_service_are_counted_as_one() {
    let server = Server::start();
    for (source, service, count) in [
        ("cafe\u{301}", "web", 5),
        ("caf\u{e9}", " web ", 6),
        ("\u{a0}caf\u{e9}", "web", 7),
        ("Caf\u{e9}", "web", 1),
    ] {
        let counts =
            json!([{ "source": source, "service": service, "month": "2025-11", "count": count }]);
        let answer = record(&server, &counts).expect(200).json();
        assert_eq!(answer["counts"][0]["stored"], count, "{answer}");
    }
    let shown = server.get("/v1/usage");
    let row = |source: &str, count: u64| json!({ "source": source, "service": "web", "month": "2025-11", "count": count });
    let rows = [row("Caf\u{e9}", 1), row("caf\u{e9}", 7)];
    assert_eq!(
        shown,
        json!({ "data": rows, "next_cursor": null, "total_requests": 8 })
    );
    for bad in [" ", "\u{200b}", "a\u{202e}b"] {
        let counts = json!([{ "source": bad, "service": "web", "month": "2025-11", "count": 1 }]);
        record(&server, &counts).expect(400);
    }
}

#[test]
fn the_month_is_the_current_one_and_the_source_is_the_default_one() {
    let server = Server::start();
    let month = server.date_in(0).month();
    record(
        &server,
        &json!([{ "service": "orders", "count": 9_007_199_254_740_991_u64 }]),
    )
    .expect(200);
    let expected = json!({
        "source": "default", "service": "orders", "month": month, "count": 9_007_199_254_740_991_u64,
    });
    assert_eq!(server.get("/v1/usage")["data"], json!([expected]));
    assert_eq!(
        record(&server, &json!([])).expect(200).json(),
        json!({ "accepted": 0, "kept": 0, "refused": 0, "counts": [] })
    );
}

#[test]
fn a_bad_count_is_refused_by_its_name_and_takes_no_other_with_it() {
    let server = Server::start();
    let good = json!({ "service": "orders", "count": 1 });
    let long = "x".repeat(129);
    let next = server.date_in(40).month();
    for (bad, field) in [
        (json!({ "service": "", "count": 1 }), "service"),
        (json!({ "service": "a\u{0}b", "count": 1 }), "service"),
        (json!({ "service": long, "count": 1 }), "service"),
        (
            json!({ "service": "a", "source": "a\nb", "count": 1 }),
            "source",
        ),
        (
            json!({ "service": "a", "source": "", "count": 1 }),
            "source",
        ),
        (
            json!({ "service": "a", "month": next, "count": 1 }),
            "month",
        ),
        (
            json!({ "service": "a", "month": "2025-13", "count": 1 }),
            "month",
        ),
        (
            json!({ "service": "a", "month": "2025-1", "count": 1 }),
            "month",
        ),
        (
            json!({ "service": "a", "month": "unknown", "count": 1 }),
            "month",
        ),
        (
            json!({ "service": "a", "month": "0001-01", "count": 1 }),
            "month",
        ),
        (
            json!({ "service": "a", "month": "1999-12", "count": 1 }),
            "month",
        ),
        (
            json!({ "service": "a", "month": "9999-12", "count": 1 }),
            "month",
        ),
        (
            json!({ "service": "a", "count": 9_007_199_254_740_992_u64 }),
            "count",
        ),
        (json!({ "service": "a", "count": u64::MAX }), "count"),
        (
            json!({ "service": "a", "total": u64::MAX, "epoch": "e" }),
            "total",
        ),
        (json!({ "service": "a", "total": 1, "epoch": "" }), "epoch"),
    ] {
        let call = record(&server, &json!([bad]));
        let problem = call.expect_problem(400, "invalid-input");
        assert_eq!(problem["field"], field, "{bad}");
        assert_eq!(server.get("/v1/usage")["total_requests"], 0, "{bad}");
        let answer = record(&server, &json!([bad, { "service": "b", "count": 0 }]));
        let answer = answer.expect(200).json();
        assert_eq!(
            (&answer["accepted"], &answer["refused"]),
            (&json!(1), &json!(1))
        );
        let refused = &answer["counts"][0];
        assert_eq!(
            (&refused["result"], &refused["stored"]),
            (&json!("refused"), &json!(0))
        );
        let detail = refused["error"]["detail"].as_str().expect("a reason");
        assert!(detail.starts_with(field), "{detail}");
        assert_eq!(answer["counts"][1]["result"], "accepted");
    }
    // What is in neither form is no report at all.
    for (bad, word) in [
        (json!({ "service": "a" }), "`count`, or `total`"),
        (
            json!({ "service": "a", "count": 1, "total": 1, "epoch": "e" }),
            "either `count` or `total`",
        ),
        (
            json!({ "service": "a", "count": 1, "epoch": "e" }),
            "`epoch`",
        ),
        (json!({ "service": "a", "total": 1 }), "an `epoch`"),
        (
            json!({ "service": "a", "total": 1, "epoch": "e", "month": "2025-11" }),
            "`month`",
        ),
    ] {
        let problem = record(&server, &json!([good, bad])).expect_problem(400, "invalid-json");
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.contains(word), "{detail}");
    }
    for count in [
        "-1",
        "1.5",
        "0.5",
        "1e300",
        "18446744073709551616",
        "1e999",
        "\"1\"",
        "null",
        "true",
        "01",
    ] {
        let body = format!("{{\"counts\":[{{\"service\":\"a\",\"count\":{count}}}]}}");
        let call = server
            .call("POST", "/v1/usage")
            .body("application/json", body);
        let problem = call.expect_problem(400, "invalid-json");
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.contains("line 1, column"), "{detail}");
    }
    let many: Vec<Value> = (0..1_001).map(|_| good.clone()).collect();
    let problem = record(&server, &json!(many)).expect_problem(400, "invalid-input");
    assert_eq!(problem["field"], "counts");
    assert_eq!(server.get("/v1/usage")["total_requests"], 0);
    record(&server, &json!(many[..1_000])).expect(200);
}

#[test]
fn counts_that_are_stored_in_parts_are_answered_as_one() {
    let server = Server::start();
    let count = |number: u64| {
        let month = if number % 299 == 7 {
            "1999-12"
        } else {
            "2025-11"
        };
        json!({ "source": "edge", "service": format!("s{number}"), "month": month, "count": number + 1 })
    };
    let counts: Vec<Value> = (0..600).map(count).collect();
    let answer = record(&server, &counts.clone().into()).expect(200).json();
    for (number, row) in answer["counts"]
        .as_array()
        .expect("counts")
        .iter()
        .enumerate()
    {
        let refused = number % 299 == 7;
        let result = if refused { "refused" } else { "accepted" };
        assert_eq!(row["result"], result, "{number}: {row}");
        assert_eq!(row["service"], format!("s{number}"));
    }
    assert_eq!(
        (&answer["accepted"], &answer["refused"]),
        (&json!(598), &json!(2))
    );
    let bad = |number: u64| json!({ "source": "edge", "service": format!("t{number}"), "month": "1999-12", "count": 1 });
    let all_bad: Vec<Value> = (0..600).map(bad).collect();
    record(&server, &all_bad.clone().into()).expect(400);
    let last_is_good = [&all_bad[..], &[count(601)]].concat();
    let answer = record(&server, &last_is_good.into()).expect(200).json();
    assert_eq!(answer["accepted"], 1);
    let too_many: Vec<Value> = (1_000..2_001).map(count).collect();
    record(&server, &too_many.into()).expect(400);
}

#[test]
fn a_reporter_that_restarts_says_so_by_another_epoch() {
    let server = Server::start();
    let say = |epoch: Value, total: u64| {
        let count =
            json!({ "source": "gateway-1", "service": "orders", "total": total, "epoch": epoch });
        let answer = record(&server, &json!([count])).expect(200).json();
        let row = &answer["counts"][0];
        let told = (
            row["result"].as_str() == Some("accepted"),
            row["stored"].clone(),
        );
        (told, server.get("/v1/usage")["total_requests"].clone())
    };
    let expect = |taken: bool, stored: u64, total: u64| ((taken, stored.into()), total.into());
    assert_eq!(say(json!("a"), 1_000), expect(true, 1_000, 1_000));
    assert_eq!(
        say(json!("a"), 1_000),
        expect(true, 1_000, 1_000),
        "a repeat"
    );
    assert_eq!(say(json!("a"), 5), expect(false, 1_000, 1_000), "kept");
    assert_eq!(say(json!("a"), 1_200), expect(true, 1_200, 1_200));
    assert_eq!(say(json!(1_764_389_000), 5), expect(true, 5, 1_205), "anew");
    assert_eq!(
        say(json!("1764389000"), 9),
        expect(true, 9, 1_209),
        "the same"
    );
    assert_eq!(say(json!("a"), 1_201), expect(true, 1_201, 1_210), "late");
    let month = server.date_in(0).month();
    assert_eq!(server.get("/v1/usage")["data"][0]["month"], month);
}

#[test]
fn no_sum_passes_the_largest_number_and_what_would_is_told() {
    let server = Server::start();
    let largest = 9_007_199_254_740_991_u64;
    let counts = json!([
        { "service": "a", "count": largest - 5 },
        { "service": "b", "month": "2025-11", "count": 6 },
        { "service": "c", "total": 6, "epoch": "e" },
        { "service": "d", "count": 5 },
    ]);
    let answer = record(&server, &counts).expect(200).json();
    let rows = answer["counts"].as_array().expect("rows").iter();
    let results: Vec<_> = rows.map(|row| row["result"].as_str()).collect();
    let [taken, refused] = ["accepted", "refused"].map(Some);
    assert_eq!(results, [taken, refused, refused, taken]);
    let detail = answer["counts"][1]["error"]["detail"].as_str();
    assert!(
        detail.is_some_and(|detail| detail.contains("9007199254740991")),
        "{answer}"
    );
    record(&server, &json!([{ "service": "b", "count": 1 }])).expect_problem(400, "invalid-input");
    assert_eq!(server.get("/v1/usage")["total_requests"], largest);
    assert_eq!(server.get("/v1/report")["total_requests"], largest);
    // One that was wrong makes room again.
    let correction = json!({
        "service": "a", "month": server.date_in(0).month(), "by": -100, "reason": "it was wrong",
    });
    server
        .call("POST", "/v1/usage/corrections")
        .json(&correction)
        .expect(200);
    record(&server, &json!([{ "service": "b", "count": 100 }])).expect(200);
    record(&server, &json!([{ "service": "b", "count": 101 }]))
        .expect_problem(400, "invalid-input");
}

#[test]
fn a_correction_stands_in_the_ledger_and_beside_what_is_reported() {
    let mut server = Server::start();
    let report = |server: &Server, count: u64| {
        let counts = json!([{ "service": "orders", "month": "2025-11", "count": count }]);
        record(server, &counts).expect(200);
    };
    let correct = |server: &Server, by: i64| {
        let body =
            json!({ "service": "orders", "month": "2025-11", "by": by, "reason": "a test ran" });
        server.call("POST", "/v1/usage/corrections").json(&body)
    };
    correct(&server, 5).expect_problem(404, "not-found");
    report(&server, 1_000);
    let key = |call: Request| call.header("Idempotency-Key", "once");
    let first = key(correct(&server, -400)).expect(200).json();
    let row = json!({
        "source": "default", "service": "orders", "month": "2025-11", "count": 600,
        "reported": 1_000, "correction": -400,
    });
    assert_eq!(
        server.get("/v1/usage"),
        json!({ "data": [row], "next_cursor": null, "total_requests": 600 })
    );
    assert_eq!((&first["count"], &first["by"]), (&json!(600), &json!(-400)));
    assert_eq!(key(correct(&server, -400)).expect(200).json(), first);
    report(&server, 1_100);
    for restarted in [false, true] {
        if restarted {
            server = server.restart();
        }
        assert_eq!(server.get("/v1/usage")["total_requests"], 700);
        let entries = server.get("/v1/ledger")["data"].clone();
        let last = entries
            .as_array()
            .and_then(|entries| entries.last())
            .cloned();
        let change = json!({
            "type": "usage_corrected", "source": "default", "service": "orders",
            "month": "2025-11", "by": -400, "reason": "a test ran",
        });
        assert_eq!(last.expect("an entry")["change"], change);
    }
    for by in [0, -701, i64::MAX, i64::MIN] {
        let problem = correct(&server, by).expect_problem(400, "invalid-input");
        assert_eq!(problem["field"], "by", "{by}");
    }
    for reason in ["", " ", "a\u{0}", &"x".repeat(201)] {
        let body = json!({ "service": "orders", "month": "2025-11", "by": 1, "reason": reason });
        let call = server.call("POST", "/v1/usage/corrections").json(&body);
        assert_eq!(call.expect_problem(400, "invalid-input")["field"], "reason");
    }
    // Who may report what it counts may not change it for good.
    let narrow = json!({ "role": "admin", "scopes": ["usage"] });
    let token = server.post("/v1/tokens", &narrow)["secret"].clone();
    let call = correct(&server, 1).token(token.as_str().expect("a secret"));
    call.expect_problem(403, "forbidden");
    // What it comes to is for who may read usage, whatever else of corrections a token may.
    for (scopes, told) in [
        (json!(["corrections"]), false),
        (json!(["corrections:write"]), false),
        (json!(["corrections:write", "usage:read"]), true),
    ] {
        let narrow = json!({ "role": "admin", "scopes": scopes });
        let token = server.post("/v1/tokens", &narrow)["secret"].clone();
        let call = correct(&server, 1).token(token.as_str().expect("a secret"));
        let corrected = call.expect(200).json();
        for name in ["count", "reported", "correction"] {
            let is_told = corrected.get(name).is_some();
            assert_eq!(is_told, told, "{scopes} {name}: {corrected}");
        }
    }
}
