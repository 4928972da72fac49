//! What arguments a license may have, and the error that each other one is answered with.

use serde_json::{Value, json};

use crate::encodings::encodings;
use crate::expect::{INTEGER, Kong as _, PREFIX, UUID, check};
use crate::harness::Harness;

const ID: &str = "30b4edb7-0847-4f65-af90-efbed8b0161f";
const OTHER: &str = "e8201120-4ee3-43ca-9e92-3fed08b1a15d";

fn started() -> Harness {
    let server = Harness::start();
    server.put(ID, &server.document("STORED"));
    server
}

/// A schema violation of several fields, in the order given.
fn violation(fields: &[(&str, &str)]) -> Value {
    let reason = |(field, reason): &(&str, &str)| match *field {
        "@entity" => (*reason).to_owned(),
        field => format!("{field}: {reason}"),
    };
    let reasons: Vec<String> = fields.iter().map(reason).collect();
    let message = match reasons.as_slice() {
        [one] => format!("schema violation ({one})"),
        all => format!("{} schema violations ({})", all.len(), all.join("; ")),
    };
    let mut by_name = serde_json::Map::new();
    for (field, reason) in fields {
        let reason = if *field == "@entity" {
            json!([reason])
        } else {
            json!(reason)
        };
        by_name.insert((*field).to_owned(), reason);
    }
    json!({"code": 2, "name": "schema violation", "message": message, "fields": by_name})
}

const MISSING: (&str, &str) = ("payload", "required field missing");
const NO_STRING: (&str, &str) = ("payload", "expected a string");
const UNKNOWN: (&str, &str) = ("color", "unknown field");
const NO_INTEGER: (&str, &str) = ("created_at", "expected an integer");
const NO_TIME: (&str, &str) = ("created_at", "expected a valid timestamp");
const NO_UUID: (&str, &str) = ("id", "expected a valid UUID");

/// Fields and what is wrong with them, whatever they are written in.
fn cases(document: &str) -> Vec<(Value, Vec<(&'static str, &'static str)>)> {
    vec![
        (json!({"payload": null}), vec![MISSING]),
        (json!({"payload": document, "color": "red"}), vec![UNKNOWN]),
        (
            json!({"color": "red", "payload": null}),
            vec![UNKNOWN, MISSING],
        ),
        (
            json!({"payload": document, "color": "red", "tags": "a"}),
            vec![UNKNOWN, ("tags", "unknown field")],
        ),
        (
            json!({"payload": document, "Payload": "x"}),
            vec![("Payload", "unknown field")],
        ),
        (
            json!({"payload": document, "created_at": "soon"}),
            vec![NO_INTEGER],
        ),
        (
            json!({"payload": document, "created_at": 1.5}),
            vec![NO_INTEGER],
        ),
        (
            json!({"payload": document, "created_at": true}),
            vec![NO_INTEGER],
        ),
        (json!({"payload": document, "created_at": 0}), vec![NO_TIME]),
        (
            json!({"payload": document, "created_at": -1}),
            vec![NO_TIME],
        ),
        (
            json!({"payload": document, "created_at": 253_402_300_800_i64}),
            vec![NO_TIME],
        ),
        (
            json!({"payload": document, "created_at": i64::MAX}),
            vec![NO_TIME],
        ),
        (
            json!({"payload": document, "created_at": "soon", "color": 1}),
            vec![UNKNOWN, NO_INTEGER],
        ),
        (
            json!({"payload": null, "created_at": "soon", "color": 1}),
            vec![UNKNOWN, NO_INTEGER, MISSING],
        ),
        (
            json!({"payload": "x".repeat(65_537)}),
            vec![("payload", "length must be at most 65536")],
        ),
        (
            json!({"payload": "x".repeat(65_537), "color": 1}),
            vec![UNKNOWN, ("payload", "length must be at most 65536")],
        ),
    ]
}

#[test]
fn what_is_wrong_with_the_fields_is_said_in_every_content_type() {
    let server = started();
    let put = format!("/licenses/{OTHER}");
    let patch = format!("/licenses/{ID}");
    for (fields, wrong) in cases(&server.document("K")) {
        for (verb, path) in [("POST", "/licenses"), ("PUT", &put), ("PATCH", &patch)] {
            for (encoding, content_type, body) in encodings(&fields) {
                let before = server.stored();
                let mut case = format!("{verb} {encoding} {fields}");
                case.truncate(300);
                let reply = server.ask(verb, path).body(&content_type, body).send();
                check(&case, &reply, 400, &violation(&wrong));
                assert_eq!(server.stored(), before, "{case}");
            }
        }
    }
}

#[test]
fn json_types_are_not_bent() {
    let server = started();
    let document = server.document("K");
    let license: Value = serde_json::from_str(&document).expect("JSON");
    for (fields, wrong) in [
        (
            json!({"payload": ""}),
            vec![("payload", "length must be at least 1")],
        ),
        (json!({"payload": license}), vec![NO_STRING]),
        (json!({"payload": [document]}), vec![NO_STRING]),
        (json!({"payload": 5}), vec![NO_STRING]),
        (json!({"payload": 5.5}), vec![NO_STRING]),
        (json!({"payload": true}), vec![NO_STRING]),
        (
            json!({"payload": document, "created_at": "1500508800"}),
            vec![NO_INTEGER],
        ),
        (
            json!({"payload": document, "created_at": {}}),
            vec![NO_INTEGER],
        ),
        (
            json!({"payload": document, "created_at": [1]}),
            vec![NO_INTEGER],
        ),
        (
            json!({"payload": document, "color": {"a": null}}),
            vec![UNKNOWN],
        ),
        (json!({"payload": document, "color": []}), vec![UNKNOWN]),
        (
            json!({"license": license}),
            vec![("license", "unknown field"), MISSING],
        ),
    ] {
        let only_patched = fields.get("payload").is_none();
        let put = format!("/licenses/{OTHER}");
        let patch = format!("/licenses/{ID}");
        for (verb, path) in [("POST", "/licenses"), ("PUT", &put), ("PATCH", &patch)] {
            if only_patched && verb == "PATCH" {
                continue;
            }
            let case = format!("{verb} {fields}");
            let reply = server.ask(verb, path).json(&fields).send();
            check(&case, &reply, 400, &violation(&wrong));
        }
    }
}

#[test]
fn a_bad_id_in_the_body_matters_on_post_alone() {
    let server = started();
    let document = server.document("K");
    for (id, reason) in [
        (json!("x"), "expected a valid UUID"),
        (
            json!("30b4edb708474f65af90efbed8b0161f"),
            "expected a valid UUID",
        ),
        (
            json!("{30b4edb7-0847-4f65-af90-efbed8b0161f}"),
            "expected a valid UUID",
        ),
        (
            json!("30b4edb7-0847-4f65-af90-efbed8b0161g"),
            "expected a valid UUID",
        ),
        (
            json!("30b4edb7-0847-4f65-af90-efbed8b0161f "),
            "expected a valid UUID",
        ),
        (json!(5), "expected a string"),
        (json!([]), "expected a string"),
    ] {
        let fields = json!({"id": id, "payload": document});
        let reply = server.ask("POST", "/licenses").json(&fields).send();
        check(
            &fields.to_string(),
            &reply,
            400,
            &violation(&[("id", reason)]),
        );
        for verb in ["PUT", "PATCH"] {
            let reply = server
                .ask(verb, &format!("/licenses/{ID}"))
                .json(&fields)
                .send();
            assert_eq!(
                (reply.status, &reply.json_of_kong()["id"]),
                (200, &json!(ID)),
                "{verb} {id}"
            );
        }
    }
    let fields = json!({"id": "", "payload": document});
    let reply = server.ask("POST", "/licenses").json(&fields).send();
    check("an empty id", &reply, 400, &violation(&[NO_UUID]));
}

#[test]
fn unknown_fields_that_are_null_and_absent_ones_are_the_same() {
    let server = started();
    let fields = json!({
        "payload": server.document("K"),
        "id": null,
        "created_at": null,
        "updated_at": null,
        "color": null,
        "tags": null,
    });
    let license = json!({
        "id": UUID,
        "payload": fields["payload"],
        "created_at": INTEGER,
        "updated_at": INTEGER,
    });
    let patch = format!("/licenses/{ID}");
    let put = format!("/licenses/{OTHER}");
    for (verb, path, status) in [
        ("POST", "/licenses", 201),
        ("PUT", &put, 200),
        ("PATCH", &patch, 200),
    ] {
        for (encoding, content_type, body) in encodings(&fields) {
            let reply = server.ask(verb, path).body(&content_type, body).send();
            check(&format!("{verb} {encoding}"), &reply, status, &license);
        }
    }
}

#[test]
fn the_documents_fault_comes_before_those_of_the_fields() {
    let server = started();
    let patch = format!("/licenses/{ID}");
    let put = format!("/licenses/{OTHER}");
    let fields = json!({"payload": "{", "zebra": "x", "color": "red"});
    for (verb, path) in [
        ("POST", "/licenses"),
        ("PUT", put.as_str()),
        ("PATCH", patch.as_str()),
    ] {
        for (encoding, content_type, body) in encodings(&fields) {
            let reply = server.ask(verb, path).body(&content_type, body).send();
            let case = format!("{verb} {encoding}");
            let expected = json!({
                "code": 2,
                "name": "schema violation",
                "message": format!("{PREFIX}3 schema violations (could not decode license json: "),
                "fields": {
                    "@entity": [format!("{PREFIX}could not decode license json: ")],
                    "color": "unknown field",
                    "zebra": "unknown field",
                },
            });
            check(&case, &reply, 400, &expected);
            let message = reply.json_of_kong()["message"].as_str().map(str::to_owned);
            let end = "; color: unknown field; zebra: unknown field)";
            assert!(
                message.is_some_and(|message| message.ends_with(end)),
                "{case}"
            );
        }
    }
}

#[test]
fn times_are_whole_numbers_however_they_are_sent() {
    let server = started();
    let document = server.document("K");
    for time in [
        "1500508800",
        "1500508800.0",
        "1.5005088e9",
        "253402300799",
        "1",
    ] {
        let body = format!("{{\"payload\":{},\"created_at\":{time}}}", json!(document));
        let reply = server
            .ask("POST", "/licenses")
            .body("application/json", body)
            .send();
        assert_eq!(reply.status, 201, "{time}: {}", reply.text());
        let created_at = reply.json_of_kong()["created_at"].as_i64();
        assert_eq!(
            created_at,
            time.parse::<f64>().ok().map(|time| time as i64),
            "{time}"
        );
    }
}
