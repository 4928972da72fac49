//! Request bodies in their three content types, and input that is bad before it means anything.

use lictor_testkit::Request;
use serde_json::{Value, json};

use crate::encodings::{encodings, escape};
use crate::expect::{ANY, Kong as _, check};
use crate::harness::Harness;

const ID: &str = "30b4edb7-0847-4f65-af90-efbed8b0161f";
pub(crate) const JSON: &str = "application/json";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const MULTIPART: &str = "multipart/form-data; boundary=XbX";

/// The writes that take a body.
pub(crate) const WRITES: [(&str, &str); 3] = [
    ("POST", "/licenses"),
    ("PUT", "/licenses/00000000-0000-0000-0000-00000000000a"),
    ("PATCH", "/licenses/30b4edb7-0847-4f65-af90-efbed8b0161f"),
];

fn missing() -> Value {
    json!({
        "code": 2,
        "name": "schema violation",
        "message": "schema violation (payload: required field missing)",
        "fields": {"payload": "required field missing"},
    })
}

pub(crate) fn cannot_parse(kind: &str) -> Value {
    json!({"message": format!("Cannot parse {kind} body")})
}

/// Runs one case on each of the writes: what it answers, and that nothing is stored by it.
pub(crate) fn refused(
    server: &Harness,
    case: &str,
    status: u16,
    expected: &Value,
    dress: impl Fn(Request) -> Request,
) {
    for (verb, path) in WRITES {
        let before = server.stored();
        let case = format!("{case}: {verb}");
        check(
            &case,
            &dress(server.ask(verb, path)).send(),
            status,
            expected,
        );
        assert_eq!(server.stored(), before, "{case}");
    }
}

pub(crate) fn started() -> Harness {
    let server = Harness::start();
    server.put(ID, &server.document("STORED"));
    server
}

#[test]
fn a_license_is_taken_from_each_content_type() {
    let server = started();
    let document = server.document("a+b&c=d; \"quoted\" ✓ 100%");
    let fields = json!({"payload": document});
    for (verb, path) in WRITES {
        let status = if verb == "POST" { 201 } else { 200 };
        for (encoding, content_type, body) in encodings(&fields) {
            let reply = server.ask(verb, path).body(&content_type, body).send();
            assert_eq!(reply.status, status, "{verb} {encoding}: {}", reply.text());
            assert_eq!(
                reply.json_of_kong()["payload"],
                document,
                "{verb} {encoding}"
            );
        }
    }
}

#[test]
fn the_type_is_compared_by_its_beginning_and_its_case() {
    let server = started();
    let body = json!({"payload": server.document("K")}).to_string();
    for content_type in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=latin1",
        "application/jsonp",
        "application/json-patch+json",
    ] {
        let reply = server
            .ask("POST", "/licenses")
            .body(content_type, body.clone())
            .send();
        assert_eq!(reply.status, 201, "{content_type}");
    }
    for content_type in [
        "Application/JSON",
        "text/json",
        "text/plain",
        "application/octet-stream",
        "",
        "application/x-www-form",
        "\u{e9}",
    ] {
        let case = format!("type {content_type:?}");
        let expected = json!({"message": ANY});
        refused(&server, &case, 415, &expected, |ask| {
            ask.body(content_type, body.clone())
        });
        refused(&server, &case, 415, &expected, |ask| {
            ask.header("Content-Type", content_type)
        });
    }
    let expected = json!({"message": ANY});
    refused(&server, "no type", 415, &expected, |ask| {
        ask.bytes(body.clone())
    });
    refused(&server, "no type, chunked", 415, &expected, |ask| {
        ask.header("Transfer-Encoding", "chunked")
            .bytes("2\r\n{}\r\n0\r\n\r\n")
    });
}

#[test]
fn a_bad_type_beats_an_unknown_path_and_a_missing_verb() {
    let server = started();
    for path in [
        "/nothing",
        "/license/report",
        "/",
        "/services",
        "/nobody/licenses",
    ] {
        for verb in ["POST", "PUT", "PATCH"] {
            let reply = server.ask(verb, path).body("text/plain", "x").send();
            check(path, &reply, 415, &json!({"message": ANY}));
        }
    }
    // What has a good type is refused for its path or verb before it is parsed.
    let bad = |verb, path| server.ask(verb, path).body(JSON, "{").send().status;
    assert_eq!(bad("POST", "/nothing"), 404);
    assert_eq!(bad("PUT", "/licenses"), 405);
    assert_eq!(bad("POST", "/services"), 405);
}

#[test]
fn two_types_are_refused_in_plain_text() {
    let server = started();
    for (verb, path) in WRITES {
        let ask = server
            .ask(verb, path)
            .header("Content-Type", JSON)
            .body(JSON, "{}");
        let reply = ask.send();
        assert_eq!(reply.status, 400);
        assert_eq!(
            reply.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        assert!(!reply.text().is_empty());
    }
}

#[test]
fn bodies_and_types_of_other_verbs_are_ignored() {
    let server = started();
    let path = format!("/licenses/{ID}");
    for (verb, path, status) in [
        ("GET", path.as_str(), 200),
        ("GET", "/licenses", 200),
        ("HEAD", &path, 200),
        ("OPTIONS", &path, 204),
        ("DELETE", &path, 204),
    ] {
        for content_type in ["", JSON, "text/plain", MULTIPART] {
            for body in ["", "{", "payload=x"] {
                let reply = server.ask(verb, path).body(content_type, body).send();
                assert_eq!(reply.status, status, "{verb} {content_type:?} {body:?}");
            }
        }
    }
}

#[test]
fn nothing_is_an_empty_set_of_arguments() {
    let server = started();
    for (verb, path) in [WRITES[0], WRITES[1]] {
        let ask = || server.ask(verb, path);
        for (case, ask) in [
            ("no body", ask()),
            ("length 0", ask().header("Content-Length", "0")),
            ("an empty form", ask().header("Content-Type", FORM)),
            (
                "an empty form of length 0",
                ask()
                    .header("Content-Type", FORM)
                    .header("Content-Length", "0"),
            ),
            (
                "an empty multipart",
                ask().header("Content-Type", MULTIPART),
            ),
            (
                "a multipart of no parts",
                ask().body(MULTIPART, "--XbX--\r\n"),
            ),
            ("a form of nothing", ask().body(FORM, "&&")),
            ("an empty object", ask().body(JSON, "{}")),
            ("white space around", ask().body(JSON, " \r\n{ }\t")),
        ] {
            check(&format!("{verb}: {case}"), &ask.send(), 400, &missing());
        }
    }
    let (verb, path) = WRITES[2];
    assert_eq!(server.ask(verb, path).send().status, 200);
    assert_eq!(server.ask(verb, path).body(JSON, "{}").send().status, 200);
}

#[test]
fn json_that_is_no_object_cannot_be_parsed() {
    let server = started();
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(50_000), close.repeat(50_000));
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("empty", b"".to_vec()),
        ("white space", b"  ".to_vec()),
        ("cut", b"{\"payload\":\"x".to_vec()),
        ("a trailing comma", b"{\"payload\":\"x\",}".to_vec()),
        ("trailing data", b"{} {}".to_vec()),
        ("a comment", b"{/**/}".to_vec()),
        ("single quotes", b"{'payload':'x'}".to_vec()),
        ("a form", b"payload=x".to_vec()),
        ("a list", b"[]".to_vec()),
        ("a list of objects", b"[{\"payload\":\"x\"}]".to_vec()),
        ("text", b"\"x\"".to_vec()),
        ("a number", b"5".to_vec()),
        ("null", b"null".to_vec()),
        ("true", b"true".to_vec()),
        ("a byte-order mark", b"\xef\xbb\xbf{}".to_vec()),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec()),
        ("no UTF-8", b"{\"payload\":\"\xff\"}".to_vec()),
        ("no UTF-8 in a name", b"{\"\xc3\x28\":1}".to_vec()),
        ("half a surrogate", b"{\"payload\":\"\\ud800\"}".to_vec()),
        ("a bad escape", b"{\"payload\":\"\\x\"}".to_vec()),
        ("a control character", b"{\"payload\":\"\n\"}".to_vec()),
        ("a NUL", b"{\"payload\":\"x\"}\0".to_vec()),
        ("a huge number", b"{\"created_at\":1e999}".to_vec()),
        ("NaN", b"{\"created_at\":NaN}".to_vec()),
        ("deep lists", deep("[", "]").into_bytes()),
        ("deep lists, open", "[".repeat(50_000).into_bytes()),
        (
            "deep lists inside",
            format!("{{\"a\":{}}}", deep("[", "]")).into_bytes(),
        ),
        (
            "deep objects",
            format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000)).into_bytes(),
        ),
        (
            "deep in the payload",
            format!("{{\"payload\":{}}}", deep("[", "]")).into_bytes(),
        ),
    ];
    for (case, body) in bodies {
        refused(&server, case, 400, &cannot_parse("JSON"), |ask| {
            ask.body(JSON, body.clone())
        });
    }
    let reply = server
        .ask("POST", "/licenses")
        .header("Content-Type", JSON)
        .send();
    assert_eq!(reply.text(), "{\"message\":\"Cannot parse JSON body\"}");
}

#[test]
fn forms_and_parts_that_are_no_text_cannot_be_parsed() {
    let server = started();
    let part = "--XbX\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n";
    for (kind, content_type, body) in [
        ("form", FORM, b"payload=\xff".to_vec()),
        ("form", FORM, b"payload=%FF".to_vec()),
        ("form", FORM, b"%C3%28=x".to_vec()),
        ("multipart", MULTIPART, b"payload=x".to_vec()),
        ("multipart", MULTIPART, b"--XbX\r\n".to_vec()),
        ("multipart", MULTIPART, format!("{part}cut").into_bytes()),
        (
            "multipart",
            MULTIPART,
            [part.as_bytes(), b"\xff\r\n--XbX--\r\n"].concat(),
        ),
        (
            "multipart",
            MULTIPART,
            b"--XbX\r\nContent-Type: text/plain\r\n\r\nx\r\n--XbX--\r\n".to_vec(),
        ),
        (
            "multipart",
            "multipart/form-data",
            format!("{part}x\r\n--XbX--\r\n").into_bytes(),
        ),
        (
            "multipart",
            "multipart/form-data; boundary=other",
            format!("{part}x\r\n--XbX--\r\n").into_bytes(),
        ),
    ] {
        let case = String::from_utf8_lossy(&body).into_owned();
        let expected = cannot_parse(kind);
        refused(&server, &case, 400, &expected, |ask| {
            ask.body(content_type, body.clone())
        });
    }
}

#[test]
fn a_filename_and_a_parts_own_type_are_ignored() {
    let server = started();
    let document = server.document("K");
    let body = format!(
        "preamble\r\n--XbX\r\nContent-Disposition: form-data; name=\"payload\"; filename=\"lic.json\"\r\n\
         Content-Type: application/json\r\n\r\n{document}\r\n--XbX--\r\nepilogue"
    );
    let reply = server.ask("POST", "/licenses").body(MULTIPART, body).send();
    assert_eq!(
        (reply.status, &reply.json_of_kong()["payload"]),
        (201, &json!(document))
    );
}

#[test]
fn nested_and_repeated_form_fields_are_no_text() {
    let server = started();
    let expected = |field: &str, reason: &str| {
        json!({
            "code": 2,
            "name": "schema violation",
            "message": format!("schema violation ({field}: {reason})"),
            "fields": {field: reason},
        })
    };
    let document = escape(&server.document("K"));
    for form in [
        "payload=a&payload=b",
        "payload[]=a",
        "payload.license=a",
        "payload[license]=a",
        "payload[1]=a",
        "payload.a=&payload.b=",
    ] {
        refused(
            &server,
            form,
            400,
            &expected("payload", "expected a string"),
            |ask| ask.body(FORM, form),
        );
    }
    for (form, field) in [
        ("a.b=1", "a"),
        ("a[b]=1", "a"),
        ("a[]=1&a[]=2", "a"),
        ("a[b][c].d=1", "a"),
        (".a=1", ".a"),
        ("[]=1", "[]"),
        ("a%5Bb%5D=1", "a"),
    ] {
        let body = format!("{form}&payload={document}");
        refused(
            &server,
            form,
            400,
            &expected(field, "unknown field"),
            |ask| ask.body(FORM, body.clone()),
        );
    }
}

#[test]
fn of_two_equal_json_names_the_last_counts() {
    let server = started();
    let last = server.document("LAST");
    let body = format!("{{\"payload\":\"x\",\"payload\":{}}}", json!(last));
    let reply = server.ask("POST", "/licenses").body(JSON, body).send();
    assert_eq!(
        (reply.status, &reply.json_of_kong()["payload"]),
        (201, &json!(last))
    );
}
