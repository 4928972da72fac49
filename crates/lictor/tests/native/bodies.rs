//! Bodies that are not what a route takes: each is a problem, and nothing is changed.

use lictor_testkit::{TestServer as Server, document};
use serde_json::json;

const JSON: &str = "application/json";
const LIMIT: usize = 2 * 1024 * 1024;

#[test]
fn a_body_that_is_not_the_json_expected_is_refused() {
    let server = Server::start();
    let payload = serde_json::to_string(&document("Konnect")).expect("text");
    let good = format!("{{\"payload\":{payload}}}");
    let deep = "[".repeat(50_000);
    let deep_member = format!("{{\"payload\":{payload},\"x\":{deep}");
    let nested = format!(
        "{{\"payload\":{}1{}}}",
        "{\"a\":".repeat(50_000),
        "}".repeat(50_000)
    );
    let bodies: Vec<Vec<u8>> = vec![
        b" ".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"true".to_vec(),
        b"1".to_vec(),
        b"\"x\"".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        format!("[{payload}]").into_bytes(),
        format!("{good}{good}").into_bytes(),
        format!("{good} x").into_bytes(),
        format!("\u{feff}{good}").into_bytes(),
        format!("{{\"payload\":{payload},}}").into_bytes(),
        format!("{{\"payload\":{payload},\"payload\":{payload}}}").into_bytes(),
        format!("{{\"payload\":{payload},\"p\\u0061yload\":{payload}}}").into_bytes(),
        format!("{{\"payload\":{payload},\"created_at\":1}}").into_bytes(),
        format!("{{\"payload\":{payload},\"organization\":\"x\"}}").into_bytes(),
        format!("{{\"payload\":{payload},\"id\":\"x\"}}").into_bytes(),
        format!("{{\"payload\":{payload},\"id\":1}}").into_bytes(),
        format!("{{'payload':{payload}}}").into_bytes(),
        b"{\"payload\":1}".to_vec(),
        b"{\"payload\":null}".to_vec(),
        b"{\"payload\":{}}".to_vec(),
        b"{\"payload\":\"\\ud800\"}".to_vec(),
        b"{\"payload\":\"a\nb\"}".to_vec(),
        b"{\"payload\":\"\xff\"}".to_vec(),
        b"\xff\xfe{\x00}\x00".to_vec(),
        b"{\"payload\":\"\xc0\x80\"}".to_vec(),
        b"{\"payload\":\"\xed\xa0\x80\"}".to_vec(),
        b"\0".to_vec(),
        b"payload=x".to_vec(),
        deep.into_bytes(),
        deep_member.into_bytes(),
        nested.into_bytes(),
    ];
    for body in bodies {
        let problem = server.call("POST", "/v1/licenses").body(JSON, body.clone());
        let problem = problem.expect_problem(400, "invalid-json");
        let detail = problem["detail"].as_str().expect("text");
        assert!(
            detail.contains("line ") || detail.contains("byte "),
            "{detail}"
        );
        assert!(detail.len() < 500, "{detail}");
        let path = "/v1/licenses/0197f3a0-0000-7000-8000-000000000001";
        server
            .call("PUT", path)
            .body(JSON, body.clone())
            .expect_problem(400, "invalid-json");
    }
    server
        .call("POST", "/v1/licenses")
        .expect_problem(400, "invalid-json");
    let counts = br#"{"counts":[["a","orders","2025-01",1]]}"#;
    server
        .call("POST", "/v1/usage")
        .body(JSON, counts)
        .expect_problem(400, "invalid-json");
    let extra = br#"{"counts":[{"service":"a","count":1,"total":1}]}"#;
    server
        .call("POST", "/v1/usage")
        .body(JSON, extra)
        .expect_problem(400, "invalid-json");
    for path in ["/v1/organizations", "/v1/trust", "/v1/usage"] {
        for body in [&b"[]"[..], b"{\"x\":1}", b"{"] {
            server
                .call("POST", path)
                .body(JSON, body)
                .expect_problem(400, "invalid-json");
        }
    }
    assert_eq!(server.get("/v1/licenses")["data"], json!([]));
    assert_eq!(server.get("/v1/usage")["data"], json!([]));
    server
        .call("POST", "/v1/licenses")
        .body(JSON, good)
        .expect(201);
}

#[test]
fn a_body_must_be_said_to_be_json() {
    let server = Server::start();
    let body = json!({ "payload": document("Konnect") });
    let call = server
        .call("POST", "/v1/licenses")
        .json(&body)
        .without("Content-Type");
    call.expect_problem(415, "unsupported-media-type");
    for media_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json; charset=latin1",
        "multipart/form-data; boundary=x",
    ] {
        let call = call.clone().header("Content-Type", media_type);
        call.expect_problem(415, "unsupported-media-type");
    }
    let packed = call.clone().header("Content-Type", "application/json");
    packed
        .header("Content-Encoding", "gzip")
        .expect_problem(415, "unsupported-media-type");
    for media_type in [
        "application/json",
        "Application/JSON;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
    ] {
        call.clone().header("Content-Type", media_type).expect(201);
    }
}

#[test]
fn a_body_may_have_two_mebibytes_and_no_more() {
    let server = Server::start();
    let padded = |length: usize| {
        let mut body = json!({ "counts": [] }).to_string();
        body.push_str(&" ".repeat(length - body.len()));
        server.call("POST", "/v1/usage").body(JSON, body)
    };
    padded(LIMIT).expect(200);
    let problem = padded(LIMIT + 1).expect_problem(413, "body-too-large");
    assert_eq!(problem["max_bytes"], LIMIT);
    padded(2 * LIMIT).expect_problem(413, "body-too-large");
}
