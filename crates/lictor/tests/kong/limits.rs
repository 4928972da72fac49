//! How much a request may hold, and how its length is told.

use serde_json::{Value, json};

use crate::bodies::{FORM, JSON, MULTIPART, WRITES, cannot_parse, refused, started};
use crate::encodings::encodings;
use crate::expect::{Kong as _, check};

#[test]
fn a_thousand_fields_are_read_and_no_more() {
    let server = started();
    let too_many = json!({"message": "Too many arguments"});
    let document = server.document("K");
    let fields = |count: usize| {
        let mut fields: serde_json::Map<String, Value> = (1..count)
            .map(|number| (format!("x{number}"), Value::Null))
            .collect();
        fields.insert("payload".to_owned(), document.clone().into());
        Value::Object(fields)
    };
    for (encoding, content_type, body) in encodings(&fields(1_000)) {
        let reply = server
            .ask("POST", "/licenses")
            .body(&content_type, body)
            .send();
        assert_eq!(reply.status, 201, "{encoding}: {}", reply.text());
    }
    for (encoding, content_type, body) in encodings(&fields(1_001)) {
        refused(&server, encoding, 400, &too_many, |ask| {
            ask.body(&content_type, body.clone())
        });
    }
    let query = |count: usize| format!("/licenses?{}", vec!["a=1"; count].join("&"));
    assert_eq!(server.get(&query(1_000)).status, 200);
    check("query", &server.get(&query(1_001)), 400, &too_many);
}

#[test]
fn bodies_beyond_ten_megabytes_are_too_large() {
    let server = started();
    let limit = 10 * 1024 * 1024;
    let before = server.stored();
    for (verb, path) in WRITES {
        let too_large = "x".repeat(limit + 1);
        for content_type in [JSON, FORM, MULTIPART] {
            let reply = server
                .ask(verb, path)
                .body(content_type, too_large.clone())
                .send();
            assert_eq!(reply.status, 413, "{verb} {content_type}");
            assert!(reply.json_of_kong()["message"].is_string());
        }
        let reply = server.ask(verb, path).body(JSON, "x".repeat(limit)).send();
        assert_eq!(reply.status, 400, "{verb}");
    }
    assert_eq!(server.stored(), before);
}

#[test]
fn a_chunked_body_is_read() {
    let server = started();
    let body = json!({"payload": server.document("K")}).to_string();
    let (first, second) = body.split_at(body.len() / 2);
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let chunks = format!("{}{}0\r\n\r\n", chunk(first), chunk(second));
    let ask = server
        .ask("POST", "/licenses")
        .header("Transfer-Encoding", "chunked");
    assert_eq!(ask.body(JSON, chunks).send().status, 201);
    let ask = server
        .ask("POST", "/licenses")
        .header("Transfer-Encoding", "chunked");
    check(
        "empty",
        &ask.body(JSON, "0\r\n\r\n").send(),
        400,
        &cannot_parse("JSON"),
    );
}
