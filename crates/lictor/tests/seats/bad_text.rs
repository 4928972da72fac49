//! Text in every field of `/v1` that takes some: of all scripts it is kept, with control characters
//! it is refused, and no spelling makes two of one account.

use std::thread::ScopedJoinHandle;

use lictor_testkit::Answer;
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

/// A field with text: a method, a path, the rest of the body, and the field.
type Field = (&'static str, &'static str, fn() -> Value, &'static str);

/// Names of things, which people choose.
const NAMES: [Field; 7] = [
    ("POST", "/v1/accounts", an_account, "name"),
    ("PATCH", "/v1/accounts/ada@example.com", nothing, "name"),
    ("POST", "/v1/applications", an_application, "name"),
    ("PATCH", "/v1/applications/editor", nothing, "name"),
    ("POST", "/v1/tokens", nothing, "name"),
    ("POST", "/v1/clients", a_client, "name"),
    ("POST", "/v1/organizations", an_organization, "name"),
];

/// Text that is an address, a key or a word of somebody else's.
const OTHERS: [Field; 8] = [
    ("POST", "/v1/accounts", nothing, "email"),
    ("PATCH", "/v1/accounts/ada@example.com", nothing, "email"),
    ("POST", "/v1/accounts", an_account, "language"),
    ("PATCH", "/v1/accounts/ada@example.com", nothing, "language"),
    ("POST", "/v1/applications", nothing, "key"),
    ("POST", "/v1/organizations", nothing, "key"),
    ("POST", "/v1/applications/editor/leases", nothing, "holder"),
    ("POST", "/v1/tokens", nothing, "expires_at"),
];

fn nothing() -> Value {
    json!({})
}

fn an_account() -> Value {
    json!({ "email": "new@example.com" })
}

fn an_application() -> Value {
    json!({ "key": "new" })
}

fn an_organization() -> Value {
    json!({ "key": "new" })
}

fn a_client() -> Value {
    json!({ "scopes": ["seats:read"] })
}

fn filled() -> Server {
    let server = Server::start();
    server.install("editor", Some(100), lictor_core::Plan::Paid);
    server.account("ada@example.com");
    server
}

fn send(server: &Server, (method, path, body, field): Field, text: &str) -> Answer {
    let mut body = body();
    body[field] = text.into();
    server.call(method, path).json(&body).send()
}

#[test]
fn no_field_takes_a_control_character() {
    let server = filled();
    let controls = (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32);
    for control in controls {
        for field in NAMES.into_iter().chain(OTHERS) {
            for text in [format!("a{control}b@c"), format!("ab@c{control}")] {
                let problem = send(&server, field, &text).problem(400, "invalid-input");
                assert_eq!(problem["field"], field.3, "{control:?} in {field:?}");
            }
        }
    }
    let kept = server.get("/v1/accounts/ada@example.com");
    assert_eq!(kept["name"], Value::Null);
    assert_eq!(server.get("/v1/clients")["data"], json!([]));
}

#[test]
fn names_of_all_scripts_are_kept_composed() {
    let server = filled();
    for (number, (given, kept)) in [
        ("Zoe\u{308}", "Zo\u{eb}"),
        ("\u{212b}ngstro\u{308}m", "\u{c5}ngstr\u{f6}m"),
        ("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}", "한글"),
        ("か\u{3099}", "が"),
        ("Ζωή Κωνσταντίνου", "Ζωή Κωνσταντίνου"),
        ("Владимир", "Владимир"),
        ("李小龍", "李小龍"),
        ("عمر الخيام", "عمر الخيام"),
        ("שָׁלוֹם", "שָׁלוֹם"),
        ("नमस्ते", "नमस्ते"),
        ("สวัสดี", "สวัสดี"),
        ("አማርኛ", "አማርኛ"),
        ("👩‍💻🏽", "👩‍💻🏽"),
        ("\u{fb01}n", "\u{fb01}n"),
        ("O'Brien \"q\" \\ <b>&amp;", "O'Brien \"q\" \\ <b>&amp;"),
        ("'; DROP TABLE accounts; --", "'; DROP TABLE accounts; --"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("n{number}@example.com");
        let key = format!("new-{number}");
        for (path, body) in [
            ("/v1/accounts", json!({ "email": email, "name": given })),
            ("/v1/applications", json!({ "key": key, "name": given })),
            ("/v1/tokens", json!({ "name": given })),
            ("/v1/clients", json!({ "scopes": ["seats"], "name": given })),
            ("/v1/organizations", json!({ "key": key, "name": given })),
        ] {
            let made = server.post(path, &body);
            assert_eq!(made["name"], kept, "{path}");
            let listed = server.get(&format!("{path}?limit=1000"));
            let mut rows = listed["data"].as_array().expect("rows").iter();
            assert!(rows.any(|row| row["name"] == kept), "{path}: {listed}");
        }
        for path in ["/v1/accounts/ada@example.com", "/v1/applications/editor"] {
            let set = server.call("PATCH", path).json(&json!({ "name": given }));
            assert_eq!(set.expect(200).value()["name"], kept);
            assert_eq!(server.get(path)["name"], kept);
        }
        // A holder is shown as first given.
        let body = json!({ "holder": given });
        let lease = server.post("/v1/applications/editor/leases", &body);
        assert_eq!(lease["holder"], given);
    }
}

#[test]
fn names_are_as_long_as_they_may_be_in_characters() {
    let server = filled();
    for field in NAMES {
        // Composed, this has 200 characters.
        let longest = "e\u{301}".repeat(200);
        let answer = send(&server, field, &longest);
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        for bad in [String::new(), "\u{1f980}".repeat(201)] {
            let problem = send(&server, field, &bad).problem(400, "invalid-input");
            assert_eq!(problem["field"], "name");
        }
    }
}

#[test]
fn keys_and_languages_are_plain() {
    let server = filled();
    for field in OTHERS.into_iter().filter(|field| field.3 == "key") {
        for bad in [
            "",
            "A",
            "a b",
            "a_b",
            "a.b",
            "a/b",
            "-a",
            "\u{e4}",
            "ａ",
            "а",
            "a\u{301}",
            "é",
            "１２",
            "\u{1f980}",
            "%61",
            "a\u{200b}",
            &"a".repeat(65),
        ] {
            let problem = send(&server, field, bad).problem(400, "invalid-input");
            assert_eq!(problem["field"], "key", "{bad:?}");
        }
    }
    for field in OTHERS.into_iter().filter(|field| field.3 == "language") {
        for bad in [
            "",
            "de",
            "de-DE",
            "DE_de",
            "deu_DE",
            "ｄｅ_ＤＥ",
            "д_D",
            "de_DE ",
        ] {
            let problem = send(&server, field, bad).problem(400, "invalid-input");
            assert_eq!(problem["field"], "language", "{bad:?}");
        }
    }
}

/// Spellings that are one address each.
const SPELLINGS: [&[&str]; 9] = [
    &[
        "zoe\u{308}@x.example",
        "zo\u{eb}@x.example",
        "ZO\u{cb}@X.EXAMPLE",
    ],
    &["ada@x.example", "ADA@x.example", "Ada@X.Example"],
    &["\u{ff57}ide@x.example", "wide@x.example"],
    &["\u{130}st@x.example", "i\u{307}st@x.example"],
    &["\u{212a}im@x.example", "kim@x.example", "KIM@x.example"],
    &["\u{fb01}n@x.example", "fin@x.example", "FIN@x.example"],
    &["\u{17f}am@x.example", "sam@x.example", "SAM@x.example"],
    &["\u{1e9e}a@x.example", "\u{df}a@x.example"],
    &[
        "\u{3a3}\u{391}\u{3a3}@x.example",
        "\u{3c3}\u{3b1}\u{3c2}@x.example",
        "\u{3c3}\u{3b1}\u{3c3}@x.example",
    ],
];

#[test]
fn no_way_leads_to_two_accounts_with_one_e_mail() {
    let server = Server::start();
    server.account("other@example.com");
    for spellings in SPELLINGS {
        let first = server.account(spellings[0]);
        for spelling in spellings {
            let body = json!({ "email": spelling });
            let create = server.call("POST", "/v1/accounts").json(&body).send();
            create.problem(409, "already-exists");
            let set = server.call("PATCH", "/v1/accounts/other@example.com");
            set.json(&body).send().problem(409, "already-exists");
            let import = server.call("POST", "/v1/accounts/import");
            let done = import.json(&json!({ "rows": [body] })).expect(200).value();
            assert_eq!(done["rows"][0]["result"], "existing");
            assert_eq!(done["rows"][0]["account"], first.as_str());
            let own = server.call("PATCH", &format!("/v1/accounts/{first}"));
            assert_eq!(own.json(&body).expect(200).value()["id"], first.as_str());
        }
    }
    let rows: Vec<Value> = SPELLINGS
        .iter()
        .flat_map(|spellings| spellings.iter())
        .map(|spelling| json!({ "email": format!("{spelling}.org") }))
        .collect();
    let import = server.call("POST", "/v1/accounts/import");
    let done = import.json(&json!({ "rows": rows })).expect(200).value();
    assert_eq!(done["accounts_created"], SPELLINGS.len(), "{done}");
}

#[test]
fn of_many_spellings_at_once_one_becomes_an_account() {
    let server = Server::start();
    for spellings in SPELLINGS {
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..20)
                .map(|number| {
                    let body = json!({ "email": spellings[number % spellings.len()] });
                    let call = server.call("POST", "/v1/accounts").json(&body);
                    scope.spawn(move || call.send().status)
                })
                .collect();
            let joined = threads.into_iter().map(ScopedJoinHandle::join);
            joined.map(|status| status.expect("an answer")).collect()
        });
        let created = statuses.iter().filter(|status| **status == 201).count();
        let refused = statuses.iter().filter(|status| **status == 409).count();
        assert_eq!((created, refused), (1, 19), "{spellings:?}");
    }
}
