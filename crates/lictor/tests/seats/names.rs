//! Who is who: spellings of one e-mail or one holder take one seat, whichever way they come, and a
//! name has something to see.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lictor_core::Plan;
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

/// Spellings of one address in a domain with letters that are not ASCII.
const SPELLINGS: [&str; 6] = [
    "max@b\u{fc}cher.de",
    "max@xn--bcher-kva.de",
    "MAX@B\u{dc}CHER.de",
    "max@XN--BCHER-KVA.DE",
    "max@bu\u{308}cher.de.",
    "\u{ff4d}ax@b\u{fc}cher\u{3002}de",
];

fn server() -> Server {
    let server = Server::start();
    server.install("editor", Some(9), Plan::Paid);
    server
}

fn used(server: &Server) -> Value {
    server.get("/v1/counts?application=editor")["data"][0]["used"].clone()
}

#[test]
fn a_domain_is_one_in_whatever_form_and_takes_one_seat() {
    let server = server();
    let max = server.account(SPELLINGS[0]);
    for spelling in SPELLINGS {
        let body = json!({ "email": spelling });
        let create = server.call("POST", "/v1/accounts").json(&body).send();
        create.problem(409, "already-exists");
        let rows = json!({ "rows": [{ "email": spelling, "seats": ["editor"] }] });
        let import = server.call("POST", "/v1/accounts/import").json(&rows);
        let row = import.expect(200).value()["rows"][0].clone();
        assert_eq!(
            (&row["result"], &row["account"]),
            (&json!("existing"), &json!(max))
        );
        server.assign("editor", spelling);
        let encoded: String = spelling
            .bytes()
            .map(|byte| format!("%{byte:02x}"))
            .collect();
        let listed = server.get(&format!("/v1/accounts?email={encoded}"));
        assert_eq!(listed["data"][0]["id"], max, "{spelling}");
        assert_eq!(listed["data"][0]["email"], SPELLINGS[0], "as first given");
    }
    assert_eq!(used(&server), 1);
    let token = server.token(&max, &[]);
    for spelling in SPELLINGS {
        let basic = BASE64_STANDARD.encode(format!("{spelling}:{token}"));
        let call = server.anonymous("GET", "/rest/api/3/myself");
        let call = call.header("Authorization", &format!("Basic {basic}"));
        assert_ne!(call.send().status, 401, "{spelling}");
    }
}

#[test]
fn an_e_mail_whose_domain_is_none_is_refused_with_what_to_do() {
    let server = server();
    for email in ["max@xn--a.de", "max@a..de", "max@\u{301}a.de", "max@."] {
        let call = server.call("POST", "/v1/accounts");
        let problem = call.json(&json!({ "email": email })).send();
        let problem = problem.problem(400, "invalid-input");
        assert_eq!(problem["field"], "email", "{email}");
    }
    server.account("max@[127.0.0.1]");
    let listed = server.get("/v1/accounts?email=MAX@[127.0.0.1]");
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
}

#[test]
fn spellings_of_one_holder_take_one_lease_and_it_is_shown_as_first_given() {
    let server = server();
    let path = "/v1/applications/editor/leases";
    for (first, others) in [
        (
            "Alice",
            &[
                "alice",
                "ALICE",
                "alice ",
                "\u{a0}Alice\u{3000}",
                "\u{ff41}lice",
            ][..],
        ),
        ("Zoe\u{308}", &["zo\u{eb}", "ZO\u{cb}"][..]),
        (
            "\u{39f}\u{394}\u{3a5}\u{3a3}",
            &["\u{3bf}\u{3b4}\u{3c5}\u{3c2}"][..],
        ),
        ("\u{212a}im", &["kim"][..]),
    ] {
        let lease = server.post(path, &json!({ "holder": first }));
        for (fence, other) in (2..).zip(others) {
            let again = server.post(path, &json!({ "holder": other }));
            assert_eq!(again["id"], lease["id"], "{other:?}");
            assert_eq!(
                (&again["holder"], &again["fence"]),
                (&json!(first), &json!(fence))
            );
        }
    }
    assert_eq!(used(&server), 4);
    for other in ["\u{131}", "i", "stra\u{df}e", "strasse"] {
        server.post(path, &json!({ "holder": other }));
    }
    assert_eq!(used(&server), 8);
    let lease = server.post(path, &json!({ "holder": "  Bob " }));
    assert_eq!(lease["holder"], "Bob");
}

#[test]
fn no_name_is_blank_or_turns_what_is_beside_it_around() {
    let server = server();
    server.account("ada@example.com");
    let bad = [
        " ",
        "\u{a0}",
        "\u{3000}",
        "\u{200b}",
        "\u{200d}",
        "\u{feff}",
        "\u{2800}",
        "\u{3164}",
        "\u{301}",
        "a\u{202e}b",
        "\u{2066}a\u{2069}",
        "a\u{200d}",
        "\u{200f}a",
        "a\u{2028}b",
    ];
    for name in bad {
        for (method, path, body) in [
            (
                "POST",
                "/v1/accounts",
                json!({ "email": "x@example.com", "name": name }),
            ),
            (
                "PATCH",
                "/v1/accounts/ada@example.com",
                json!({ "name": name }),
            ),
            (
                "POST",
                "/v1/applications",
                json!({ "key": "new", "name": name }),
            ),
            ("PATCH", "/v1/applications/editor", json!({ "name": name })),
            ("POST", "/v1/tokens", json!({ "name": name })),
            (
                "POST",
                "/v1/clients",
                json!({ "scopes": ["seats:read"], "name": name }),
            ),
            (
                "POST",
                "/v1/organizations",
                json!({ "key": "new", "name": name }),
            ),
            ("POST", "/v1/nodes", json!({ "name": name })),
            (
                "POST",
                "/v1/applications/editor/leases",
                json!({ "holder": name }),
            ),
        ] {
            let answer = server.call(method, path).json(&body).send();
            let problem = answer.problem(400, "invalid-input");
            let field = problem["field"].as_str();
            assert!(
                matches!(field, Some("name" | "holder")),
                "{name:?} at {path}"
            );
        }
    }
}
