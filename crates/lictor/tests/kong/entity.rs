//! One license, verb by verb: ids, times, what is kept and what is replaced.

use serde_json::{Value, json};

use crate::encodings::encodings;
use crate::expect::{INTEGER, Kong as _, UUID, check};
use crate::harness::Harness;

const ID: &str = "30b4edb7-0847-4f65-af90-efbed8b0161f";
const OTHER_ID: &str = "40b4edb7-0847-4f65-af90-efbed8b0161f";
const OTHER: &str = "e8201120-4ee3-43ca-9e92-3fed08b1a15d";
const LONG_AGO: i64 = 1_500_508_800;

fn path(id: &str) -> String {
    format!("/licenses/{id}")
}

fn license(id: &str, payload: &str, created_at: Value) -> Value {
    json!({"id": id, "payload": payload, "created_at": created_at, "updated_at": INTEGER})
}

fn time(of: &Value, field: &str) -> i64 {
    of[field].as_i64().expect("a time")
}

#[test]
fn post_adds_under_a_new_id() {
    let server = Harness::start();
    let document = server.document("K");
    let fields = json!({"payload": document});
    for path in ["/licenses", "/licenses/"] {
        for (encoding, content_type, body) in encodings(&fields) {
            let reply = server.ask("POST", path).body(&content_type, body).send();
            check(
                encoding,
                &reply,
                201,
                &license(UUID, &document, json!(INTEGER)),
            );
            let added = reply.json_of_kong();
            assert_eq!(added["created_at"], added["updated_at"]);
            let id = added["id"].as_str().expect("an id");
            assert_eq!(
                server.get(&self::path(id)).json_of_kong(),
                added,
                "{encoding}"
            );
        }
    }
    assert_eq!(server.stored()["data"].as_array().map(Vec::len), Some(6));
}

#[test]
fn post_takes_an_id_and_a_creation_time() {
    let server = Harness::start();
    for (index, encoding) in ["JSON", "form", "multipart"].into_iter().enumerate() {
        let document = server.document(encoding);
        let id = format!("00000000-0000-0000-0000-00000000000{index}");
        let fields =
            json!({"id": id, "payload": document, "created_at": LONG_AGO, "updated_at": 7});
        let (_, content_type, body) = &encodings(&fields)[index];
        let reply = server
            .ask("POST", "/licenses")
            .body(content_type, body.clone())
            .send();
        check(
            encoding,
            &reply,
            201,
            &license(&id, &document, json!(LONG_AGO)),
        );
        assert!(
            time(&reply.json_of_kong(), "updated_at") > LONG_AGO,
            "{encoding}"
        );
    }
}

#[test]
fn post_under_a_taken_id_changes_nothing() {
    let server = Harness::start();
    let stored = server.put(ID, &server.document("K"));
    let expected = json!({
        "code": 3,
        "name": "primary key violation",
        "message": format!("primary key violation on key '{{id=\"{ID}\"}}'"),
        "fields": {"id": ID},
    });
    for id in [ID.to_owned(), ID.to_uppercase()] {
        let fields = json!({"id": id, "payload": server.document("L")});
        for (encoding, content_type, body) in encodings(&fields) {
            let reply = server
                .ask("POST", "/licenses")
                .body(&content_type, body)
                .send();
            check(encoding, &reply, 400, &expected);
            assert_eq!(server.get(&path(ID)).json_of_kong(), stored, "{encoding}");
        }
    }
    // What is wrong with the license comes first.
    let fields = json!({"id": ID, "payload": "x"});
    let reply = server.ask("POST", "/licenses").json(&fields).send();
    assert_eq!(reply.json_of_kong()["code"], 2);
}

#[test]
fn get_tells_what_is_stored() {
    let server = Harness::start();
    let stored = server.put(ID, &server.document("K"));
    for path in [
        path(ID),
        format!("/licenses/{ID}/"),
        path(&ID.to_uppercase()),
    ] {
        check(&path, &server.get(&path), 200, &stored);
    }
    check(
        "missing",
        &server.get(&path(OTHER)),
        404,
        &json!({"message": "Not found"}),
    );
}

#[test]
fn put_adds_and_replaces() {
    let server = Harness::start();
    let documents = [
        server.document("K"),
        server.document("L"),
        server.document("M"),
    ];
    for (document, index) in documents.iter().zip(0..) {
        let fields = json!({"payload": document});
        for (encoding, content_type, body) in encodings(&fields) {
            let reply = server
                .ask("PUT", &path(ID))
                .body(&content_type, body)
                .send();
            let case = format!("{index} {encoding}");
            check(&case, &reply, 200, &license(ID, document, json!(INTEGER)));
            assert_eq!(
                server.stored()["data"],
                json!([reply.json_of_kong()]),
                "{case}"
            );
        }
    }
}

#[test]
fn put_resets_the_creation_time_unless_it_is_sent_or_nothing_changes() {
    let server = Harness::start();
    let put = |fields: Value| {
        let replies = encodings(&fields).map(|(_, content_type, body)| {
            server
                .ask("PUT", &path(ID))
                .body(&content_type, body)
                .send()
                .json_of_kong()
        });
        replies.map(|reply| time(&reply, "created_at"))
    };
    let (document, other) = (server.document("K"), server.document("L"));
    let sent = json!({"payload": document, "created_at": LONG_AGO});
    for absent in [
        json!({"payload": other}),
        json!({"payload": other, "created_at": null}),
    ] {
        assert_eq!(put(sent.clone()), [LONG_AGO; 3]);
        assert_eq!(put(json!({"payload": document})), [LONG_AGO; 3]);
        assert!(put(absent).iter().all(|time| *time > LONG_AGO));
    }
}

#[test]
fn a_hundred_unchanged_puts_and_patches_write_nothing() {
    let server = Harness::start();
    let document = server.document("K");
    server.put(ID, &document);
    let entity: Value = server.get(&path(ID)).json_of_kong();
    let entries = || server.entries();
    let before = entries();
    let same = [
        json!({"payload": document}),
        json!({"payload": document, "created_at": null}),
        json!({"payload": document, "created_at": entity["created_at"]}),
        entity.clone(),
    ];
    for number in 0..100 {
        let verb = ["PUT", "PATCH"][number % 2];
        for (encoding, content_type, body) in encodings(&same[number / 2 % 4]) {
            let ask = server.ask(verb, &path(ID)).body(&content_type, body);
            check(&format!("{verb} {encoding}"), &ask.send(), 200, &entity);
        }
    }
    assert_eq!(entries(), before);
    // What says something else is written: a touch, another time, another document.
    let mut position = before.as_array().map(Vec::len);
    for (verb, fields) in [
        ("PATCH", json!({})),
        ("PATCH", json!({"created_at": LONG_AGO})),
        (
            "PUT",
            json!({"payload": document, "created_at": LONG_AGO + 1}),
        ),
        ("PUT", json!({"payload": server.document("L")})),
    ] {
        let ask = server.ask(verb, &path(ID));
        let ask = ask.body("application/json", fields.to_string());
        assert_eq!(ask.send().status, 200, "{verb} {fields}");
        let now = entries().as_array().map(Vec::len);
        assert!(now > position, "{verb} {fields}");
        position = now;
    }
}

#[test]
fn an_unchanged_put_of_an_older_license_that_would_take_over_writes() {
    let server = Harness::start();
    let (older, newer) = (server.document("K"), server.document("K"));
    server.put(ID, &older);
    server.put(OTHER_ID, &newer);
    let updated_at = |id| server.get(&path(id)).json_of_kong()["updated_at"].clone();
    let entries = || server.entries().as_array().map(Vec::len);
    let before = entries();
    server.put(ID, &older);
    assert!(entries() > before, "it takes over");
    let after = (entries(), updated_at(ID));
    server.put(ID, &older);
    assert_eq!((entries(), updated_at(ID)), after, "it has taken over");
    server.put(OTHER_ID, &newer);
    assert!(entries() > after.0, "and back");
}

#[test]
fn patch_merges_and_keeps_the_creation_time() {
    let server = Harness::start();
    let old = server.document("OLD");
    let create = json!({"payload": old, "created_at": LONG_AGO});
    let document = server.document("NEW");
    for (fields, payload, created_at) in [
        (json!({}), &old, LONG_AGO),
        (json!({"payload": document}), &document, LONG_AGO),
        (
            json!({"payload": document, "created_at": null}),
            &document,
            LONG_AGO,
        ),
        (json!({"created_at": LONG_AGO + 1}), &old, LONG_AGO + 1),
        (json!({"updated_at": 5}), &old, LONG_AGO),
        (json!({"color": null}), &old, LONG_AGO),
        (
            json!({"id": OTHER, "payload": document, "created_at": 9, "updated_at": 9}),
            &document,
            9,
        ),
    ] {
        for (encoding, content_type, body) in encodings(&fields) {
            let case = format!("{encoding} {fields}");
            let before = server
                .ask("PUT", &path(ID))
                .json(&create)
                .send()
                .json_of_kong();
            let reply = server
                .ask("PATCH", &path(ID))
                .body(&content_type, body)
                .send();
            check(&case, &reply, 200, &license(ID, payload, json!(created_at)));
            let after = reply.json_of_kong();
            assert!(
                time(&after, "updated_at") >= time(&before, "updated_at"),
                "{case}"
            );
            assert_eq!(server.stored()["data"], json!([after]), "{case}");
        }
    }
}

#[test]
fn patch_of_a_missing_id_says_so_before_anything_else() {
    let server = Harness::start();
    server.put(ID, &server.document("K"));
    let expected = json!({
        "code": 6,
        "name": "not found",
        "message": format!("could not find the entity with primary key '{{id=\"{OTHER}\"}}'"),
        "fields": {"id": OTHER},
    });
    for fields in [
        json!({}),
        json!({"payload": server.document("L")}),
        json!({"payload": "no license"}),
        json!({"payload": null}),
        json!({"payload": "", "color": 1}),
        json!({"created_at": "soon"}),
        json!({"payload": "x".repeat(70_000)}),
        json!({"id": ID}),
    ] {
        for (encoding, content_type, body) in encodings(&fields) {
            let reply = server
                .ask("PATCH", &path(OTHER))
                .body(&content_type, body)
                .send();
            let mut case = format!("{encoding} {fields}");
            case.truncate(200);
            check(&case, &reply, 404, &expected);
        }
    }
    assert_eq!(server.stored()["data"].as_array().map(Vec::len), Some(1));
}

#[test]
fn delete_answers_the_same_however_often() {
    let server = Harness::start();
    server.put(ID, &server.document("K"));
    for round in 0..3 {
        for id in [ID.to_owned(), ID.to_uppercase(), OTHER.to_owned()] {
            let reply = server.ask("DELETE", &path(&id)).send();
            assert_eq!((reply.status, reply.body.len()), (204, 0), "{round} {id}");
            assert_eq!(reply.header("content-type"), None);
        }
        check(
            "gone",
            &server.get(&path(ID)),
            404,
            &json!({"message": "Not found"}),
        );
    }
    assert_eq!(server.get("/licenses").text(), r#"{"data":[],"next":null}"#);
}

#[test]
fn an_id_that_is_no_uuid_is_refused_by_every_verb() {
    let server = Harness::start();
    let expected = json!({
        "code": 1,
        "name": "invalid primary key",
        "message": "invalid primary key: '{id=\"expected a valid UUID\"}'",
        "fields": {"id": "expected a valid UUID"},
    });
    let good = json!({"payload": server.document("K")});
    for id in [
        "x",
        "30b4edb7-0847-4f65-af90-efbed8b0161",
        "30b4edb7-0847-4f65-af90-efbed8b0161f0",
        "30b4edb7-0847-4f65-af90-efbed8b0161g",
        "30b4edb708474f65af90efbed8b0161f",
        "30b4edb7084-7-4f65-af90-efbed8b0161f",
        "%7B30b4edb7-0847-4f65-af90-efbed8b0161f%7D",
        "urn:uuid:30b4edb7-0847-4f65-af90-efbed8b0161f",
        "%FF%FE",
        "%00",
        "..",
        "null",
        "report",
    ] {
        for verb in ["GET", "PUT", "PATCH", "DELETE"] {
            for (encoding, content_type, body) in encodings(&good) {
                let ask = server.ask(verb, &path(id)).body(&content_type, body);
                check(
                    &format!("{verb} {id} {encoding}"),
                    &ask.send(),
                    400,
                    &expected,
                );
            }
        }
    }
    assert_eq!(server.stored()["data"], json!([]));
}

#[test]
fn any_uuid_is_an_id_and_is_told_in_lower_case() {
    let server = Harness::start();
    let document = server.document("K");
    for id in [
        "00000000-0000-0000-0000-000000000000",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "C232AB00-9414-11EC-B3C8-9F6BDECED846",
        "30B4EDB7-0847-4F65-AF90-EFBED8B0161F",
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
    ] {
        let lower = id.to_lowercase();
        let expected = license(&lower, &document, json!(INTEGER));
        let put = server
            .ask("PUT", &path(id))
            .json(&json!({"payload": document}))
            .send();
        check(id, &put, 200, &expected);
        check(id, &server.get(&path(&lower)), 200, &expected);
        check(
            id,
            &server.ask("PATCH", &path(id)).json(&json!({})).send(),
            200,
            &expected,
        );
        assert_eq!(server.ask("DELETE", &path(id)).send().status, 204);
        let fields = json!({"id": id, "payload": document});
        check(
            id,
            &server.ask("POST", "/licenses").json(&fields).send(),
            201,
            &expected,
        );
    }
}

#[test]
fn the_id_in_the_body_does_not_move_a_license() {
    let server = Harness::start();
    let (document, other) = (server.document("K"), server.document("OTHER"));
    server.put(OTHER, &other);
    for verb in ["PUT", "PATCH"] {
        let fields = json!({"id": OTHER, "payload": document, "created_at": LONG_AGO, "updated_at": LONG_AGO});
        for (encoding, content_type, body) in encodings(&fields) {
            let reply = server.ask(verb, &path(ID)).body(&content_type, body).send();
            check(
                encoding,
                &reply,
                200,
                &license(ID, &document, json!(LONG_AGO)),
            );
            assert_eq!(
                server.get(&path(OTHER)).json_of_kong()["payload"],
                other,
                "{verb} {encoding}"
            );
        }
    }
}

#[test]
fn a_second_identical_pass_finds_the_payload_unchanged() {
    let server = Harness::start();
    let spaced = server
        .vendor
        .sign("{ \"license_expiration_date\" : \"2099-1-1\",\n\t\"customer\":\"\\u00e9é\" }");
    let document = format!("  {spaced}\n");
    for (encoding, content_type, body) in encodings(&json!({"payload": document})) {
        for _ in 0..2 {
            let reply = server
                .ask("PUT", &path(ID))
                .body(&content_type, body.clone())
                .send();
            assert_eq!(reply.json_of_kong()["payload"], document, "{encoding}");
            assert_eq!(
                server.get(&path(ID)).json_of_kong()["payload"],
                document,
                "{encoding}"
            );
            assert_eq!(
                server.stored()["data"][0]["payload"],
                document,
                "{encoding}"
            );
        }
    }
}
