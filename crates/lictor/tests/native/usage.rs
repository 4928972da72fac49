//! Usage: cumulative counts, so that whatever is lost or repeated on the way changes no figure.

use serde_json::{Value, json};

use crate::http::Request;
use crate::server::Server;

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
        assert_eq!(
            record(&server, &counts).expect(200).json(),
            json!({ "accepted": 1 })
        );
        server.get("/v1/usage")["total"].as_u64().expect("a total")
    };
    assert_eq!([report(5), report(5), report(3), report(8)], [5, 5, 5, 8]);
    let shown = server.get("/v1/usage");
    let row = json!({ "source": "gateway-1", "service": "orders", "month": "2025-11", "count": 8 });
    assert_eq!(shown, json!({ "data": [row], "total": 8 }));
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
        json!({ "accepted": 0 })
    );
}

#[test]
fn a_report_with_one_bad_count_records_nothing() {
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
            json!({ "service": "a", "count": 9_007_199_254_740_992_u64 }),
            "count",
        ),
        (json!({ "service": "a", "count": u64::MAX }), "count"),
    ] {
        let call = record(&server, &json!([good, bad]));
        assert_eq!(
            call.expect_problem(400, "invalid-input")["field"],
            field,
            "{bad}"
        );
    }
    for count in [
        "-1",
        "1.5",
        "1.0",
        "1e2",
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
        assert!(detail.contains("line 1 column"), "{detail}");
    }
    let many: Vec<Value> = (0..1_001).map(|_| good.clone()).collect();
    let problem = record(&server, &json!(many)).expect_problem(400, "invalid-input");
    assert_eq!(problem["field"], "counts");
    assert_eq!(server.get("/v1/usage"), json!({ "data": [], "total": 0 }));
    record(&server, &json!(many[..1_000])).expect(200);
}
