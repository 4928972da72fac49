//! Lists in pages: every row once, and cursors that fit nowhere else.

use lictor_testkit::{TestServer as Server, document};
use serde_json::{Value, json};

/// All rows of a list, two by two.
fn walk(server: &Server, path: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let separator = if path.contains('?') { '&' } else { '?' };
        let page = server.call("GET", &format!("{path}{separator}limit=2{cursor}"));
        let page = page.organization("acme").expect(200).json();
        let data = page["data"].as_array().expect("rows").clone();
        assert!(data.len() <= 2);
        rows.extend(data);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

fn filled() -> Server {
    let server = Server::start();
    server.tenant("acme");
    for number in 0..5 {
        let add = server.call("POST", "/v1/licenses").organization("acme");
        add.json(&json!({ "payload": document(&format!("App {number}")) }))
            .expect(201);
        server.tenant(&format!("org-{number}"));
        let token = server.call("POST", "/v1/tokens").organization("acme");
        token.json(&json!({})).expect(201);
        let count = json!({ "service": format!("s {number}"), "count": number });
        let usage = server.call("POST", "/v1/usage").organization("acme");
        usage.json(&json!({ "counts": [count] })).expect(200);
    }
    server
}

#[test]
fn a_walk_through_the_pages_meets_every_row_once() {
    let server = filled();
    for (path, rows) in [
        ("/v1/licenses", 5),
        ("/v1/licenses?application=app-1", 1),
        ("/v1/applications", 5),
        ("/v1/organizations", 7),
        ("/v1/tokens", 7),
        ("/v1/tokens?operators=true", 1),
        ("/v1/ledger", 17),
        ("/v1/ledger?after=3", 14),
        ("/v1/usage", 5),
    ] {
        let whole = server
            .call("GET", path)
            .organization("acme")
            .expect(200)
            .json();
        assert_eq!(whole["next_cursor"], Value::Null, "{path}");
        let walked = walk(&server, path);
        assert_eq!(json!(walked), whole["data"], "{path}");
        assert_eq!(walked.len(), rows, "{path}");
    }
}

#[test]
fn a_page_goes_on_behind_rows_that_are_gone() {
    let server = filled();
    let first = server
        .call("GET", "/v1/licenses?limit=1")
        .organization("acme")
        .expect(200)
        .json();
    let id = first["data"][0]["id"].as_str().expect("an id");
    server
        .call("DELETE", &format!("/v1/licenses/{id}"))
        .organization("acme")
        .expect(204);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let path = format!("/v1/licenses?limit=1000&cursor={cursor}");
    let rest = server
        .call("GET", &path)
        .organization("acme")
        .expect(200)
        .json();
    assert_eq!(rest["data"].as_array().map(Vec::len), Some(4));
}

#[test]
fn a_cursor_fits_only_its_own_list() {
    let server = filled();
    let page = server
        .call("GET", "/v1/licenses?limit=1")
        .organization("acme")
        .expect(200)
        .json();
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let get = |path: &str| server.call("GET", &format!("{path}cursor={cursor}"));
    get("/v1/licenses?limit=3&")
        .organization("acme")
        .expect(200);
    get("/v1/licenses?").expect_problem(400, "invalid-input");
    get("/v1/licenses?")
        .organization("org-1")
        .expect_problem(400, "invalid-input");
    for path in [
        "/v1/licenses?application=app-1&",
        "/v1/licenses?application=&",
        "/v1/applications?",
        "/v1/organizations?",
        "/v1/tokens?",
        "/v1/ledger?",
        "/v1/usage?",
    ] {
        let problem = get(path)
            .organization("acme")
            .expect_problem(400, "invalid-input");
        assert_eq!(problem["field"], "cursor", "{path}");
    }
    let mut edited = cursor.to_owned();
    for at in 0..cursor.len() {
        let other = if cursor.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        edited.replace_range(at..=at, other);
        let call = server.call("GET", &format!("/v1/licenses?cursor={edited}"));
        call.organization("acme")
            .expect_problem(400, "invalid-input");
        edited.replace_range(at..=at, &cursor[at..=at]);
    }
    for text in ["", "x", "e30", "%00", "bnVsbA", "%ff"] {
        let call = server.call("GET", &format!("/v1/licenses?cursor={text}"));
        call.expect_problem(400, "invalid-input");
    }
}

#[test]
fn what_stands_behind_the_question_mark_is_checked() {
    let server = Server::start();
    for limit in [
        "0",
        "1001",
        "-1",
        "x",
        "",
        "1.5",
        "99999999999999999999",
        "%2b1",
    ] {
        let call = server.call("GET", &format!("/v1/licenses?limit={limit}"));
        assert_eq!(
            call.expect_problem(400, "invalid-input")["field"],
            "limit",
            "{limit}"
        );
    }
    for query in [
        "aplication=x",
        "limit=1&limit=2",
        "application=a&application=b",
        "x",
    ] {
        let call = server.call("GET", &format!("/v1/licenses?{query}"));
        call.expect_problem(400, "invalid-input");
    }
    for path in [
        "trust",
        "usage",
        "report",
        "backup",
        "organizations/default",
        "tokens/x",
    ] {
        let call = server.call("GET", &format!("/v1/{path}?x=1"));
        assert_eq!(
            call.expect_problem(400, "invalid-input")["field"],
            "query",
            "{path}"
        );
    }
    let post = server.call("POST", "/v1/usage?month=2025-01");
    let post = post.json(&json!({ "counts": [] }));
    post.expect_problem(400, "invalid-input");
    server.call("GET", "/v1/licenses?").expect(200);
}
