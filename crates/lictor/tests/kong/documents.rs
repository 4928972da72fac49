//! Which documents are stored, and the reason that each other one is refused with.

use lictor_core::SigningKey;
use serde_json::{Value, json};

use crate::encodings::encodings;
use crate::expect::{Kong as _, PREFIX, check};
use crate::harness::{Harness, Options, claims};

const ID: &str = "30b4edb7-0847-4f65-af90-efbed8b0161f";
const OTHER: &str = "e8201120-4ee3-43ca-9e92-3fed08b1a15d";

/// What is answered to a document that is refused for a reason that begins so.
fn rejected(reason: &str) -> Value {
    json!({
        "code": 2,
        "name": "schema violation",
        "message": format!("{PREFIX}schema violation ({reason}"),
        "fields": {"@entity": [format!("{PREFIX}{reason}")]},
    })
}

/// The document is refused by every write in every content type, and nothing changes.
fn refused(server: &Harness, case: &str, document: &str, reason: &str) {
    let before = server.stored();
    let put = format!("/licenses/{OTHER}");
    let patch = format!("/licenses/{ID}");
    for (verb, path) in [
        ("POST", "/licenses"),
        ("PUT", &put),
        ("PUT", &patch),
        ("PATCH", &patch),
    ] {
        for (encoding, content_type, body) in encodings(&json!({"payload": document})) {
            let reply = server.ask(verb, path).body(&content_type, body).send();
            check(
                &format!("{case}: {verb} {encoding}"),
                &reply,
                400,
                &rejected(reason),
            );
        }
    }
    assert_eq!(server.stored(), before, "{case}");
}

fn started() -> Harness {
    let server = Harness::start();
    server.put(ID, &server.document("STORED"));
    server
}

/// The sample of Kong's documentation, signed by a key that nobody here has.
const SAMPLE: &str = r#"{"license":{"payload":{"admin_seats":"1","customer":"Example Company, Inc","dataplanes":"1","license_creation_date":"2017-07-20","license_expiration_date":"2017-07-20","license_key":"00141000017ODj3AAG_a1V41000004wT0OEAU","product_subscription":"Konnect Enterprise","support_plan":"None"},"signature":"6985968131533a967fcc721244a979948b1066967f1e9cd65dbd8eeabe060fc32d894a2945f5e4a03c1cd2198c74e058ac63d28b045c2f1fcec95877bd790e1b","version":"1"}}"#;

#[test]
fn each_kind_of_bad_document_has_its_reason() {
    let server = started();
    let good = server.document("K");
    let sign = |payload: &str| server.vendor.sign(payload);
    let with = |name: &str, value: &str| {
        sign(&format!(
            r#"{{"license_expiration_date":"2099-01-01","{name}":"{value}"}}"#
        ))
    };
    let stranger = SigningKey::from_seed([9; 32]);
    let strangers = stranger.sign(&claims("K", "2099-01-01").to_json());
    let unnamed = strangers.replace(
        &format!("\"key_id\":\"{}\",", stranger.public_key().id()),
        "",
    );
    for (case, document, reason) in [
        ("no JSON", "x".to_owned(), "could not decode license json: "),
        (
            "cut",
            good[..good.len() - 1].to_owned(),
            "could not decode license json: ",
        ),
        (
            "trailing data",
            format!("{good}x"),
            "could not decode license json: ",
        ),
        (
            "a byte-order mark",
            format!("\u{feff}{good}"),
            "could not decode license json: ",
        ),
        ("no object", "[]".to_owned(), "invalid license format: "),
        ("null", "null".to_owned(), "invalid license format: "),
        ("empty", "{}".to_owned(), "invalid license format: "),
        (
            "the inner part alone",
            "{\"license\":{}}".to_owned(),
            "invalid license format: ",
        ),
        (
            "a license that is text",
            "{\"license\":\"x\"}".to_owned(),
            "invalid license format: ",
        ),
        (
            "no signature",
            r#"{"license":{"payload":{},"version":"1"}}"#.to_owned(),
            "invalid license format: ",
        ),
        (
            "a short signature",
            SAMPLE.replace("790e1b\"", "\""),
            "invalid license format: ",
        ),
        (
            "a version of 2",
            good.replace(r#""version":"1""#, r#""version":"2""#),
            "invalid license format: ",
        ),
        (
            "an unknown member",
            good.replacen("{\"license\"", "{\"x\":1,\"license\"", 1),
            "invalid license format: ",
        ),
        (
            "a member twice",
            good.replacen("{\"license\":", "{\"license\":1,\"license\":", 1),
            "invalid license format: ",
        ),
        (
            "another's signature",
            SAMPLE.to_owned(),
            "validation failed: ",
        ),
        ("an unknown key", strangers, "validation failed: "),
        ("an unknown key, unnamed", unnamed, "validation failed: "),
        (
            "a changed payload",
            good.replace("Example", "Sample"),
            "validation failed: ",
        ),
        (
            "another's audience",
            with("organization", OTHER),
            "validation failed: ",
        ),
        (
            "no end",
            sign(r#"{"customer":"C"}"#),
            "invalid license expiration date: ",
        ),
        (
            "an end that is no date",
            sign(r#"{"license_expiration_date":"soon"}"#),
            "invalid license expiration date: ",
        ),
        (
            "a day that is none",
            sign(r#"{"license_expiration_date":"2027-02-30"}"#),
            "invalid license expiration date: ",
        ),
        (
            "a beginning that is no date",
            with("license_creation_date", "soon"),
            "invalid license format: ",
        ),
        (
            "seats that are no number",
            with("admin_seats", "-1"),
            "invalid license format: ",
        ),
        (
            "a plan that is none",
            with("plan", "GOLD"),
            "invalid license format: ",
        ),
        (
            "a claim that is no text",
            sign(r#"{"license_expiration_date":20990101}"#),
            "invalid license format: ",
        ),
    ] {
        refused(&server, case, &document, reason);
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let server = started();
    let document = server.document("K");
    let before = server.stored();
    let (mut flipped, mut told) = (0, 0);
    // Every bit of every seventh byte, so that each member of the document is hit.
    for at in (0..document.len()).step_by(7) {
        for bit in 0..7 {
            let mut bytes = document.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            let fields = json!({"payload": changed});
            let reply = server.ask("POST", "/licenses").json(&fields).send();
            assert_eq!(
                reply.status,
                400,
                "bit {bit} of byte {at}: {}",
                reply.text()
            );
            flipped += 1;
            told += usize::from(reply.json_of_kong()["code"] == 2);
        }
    }
    assert!(flipped > 300, "{flipped}");
    assert_eq!(flipped, told);
    assert_eq!(server.stored(), before);
}

#[test]
fn an_expired_license_is_stored_by_every_write() {
    let server = started();
    let expired = server.document_until("EXPIRED", "2017-7-21");
    let put = format!("/licenses/{OTHER}");
    let patch = format!("/licenses/{ID}");
    for (verb, path, status) in [
        ("POST", "/licenses", 201),
        ("PUT", &put, 200),
        ("PATCH", &patch, 200),
    ] {
        for (encoding, content_type, body) in encodings(&json!({"payload": expired})) {
            let reply = server.ask(verb, path).body(&content_type, body).send();
            let case = format!("{verb} {encoding}: {}", reply.text());
            assert_eq!(
                (reply.status, &reply.json_of_kong()["payload"]),
                (status, &json!(expired)),
                "{case}"
            );
        }
    }
}

#[test]
fn licenses_stay_writable_without_one_and_with_an_expired_one() {
    let server = Harness::start();
    let path = format!("/licenses/{ID}");
    let expired = json!({"payload": server.document_until("EXPIRED", "2017-07-21")});
    let good = json!({"payload": server.document("GOOD")});
    // Nothing is stored, then an expired one alone, and both can be replaced.
    assert_eq!(server.ask("PUT", &path).json(&expired).send().status, 200);
    assert_eq!(server.ask("PATCH", &path).json(&expired).send().status, 200);
    assert_eq!(
        server.ask("POST", "/licenses").json(&expired).send().status,
        201
    );
    assert_eq!(server.ask("PUT", &path).json(&good).send().status, 200);
    assert_eq!(server.ask("DELETE", &path).send().status, 204);
    assert_eq!(
        server.ask("POST", "/licenses").json(&good).send().status,
        201
    );
}

#[test]
fn a_document_for_this_organization_is_stored_and_for_no_other() {
    let server = started();
    let acme = server.create_organization("acme");
    let mut claims = claims("K", "2099-01-01");
    claims.organization = Some(acme);
    let document = server.vendor.sign(&claims.to_json());
    refused(&server, "acme's", &document, "validation failed: ");
    let reply = server
        .ask("POST", "/acme/licenses")
        .json(&json!({"payload": document}))
        .send();
    assert_eq!(reply.status, 201, "{}", reply.text());
}

#[test]
fn a_retired_key_repeats_what_is_stored_and_signs_nothing_new() {
    let server = Harness::start();
    let stored = server.document("STORED");
    server.put(ID, &stored);
    server.retire_key(server.vendor.public_key().id());
    assert_eq!(server.put(ID, &stored)["payload"], stored);
    refused(
        &server,
        "retired",
        &server.document("NEW"),
        "validation failed: ",
    );
    server.touch(ID);
}

#[test]
fn a_revoked_key_signs_nothing_but_what_is_stored_can_be_read() {
    let server = Harness::start();
    let stored = server.put(ID, &server.document("STORED"));
    server.revoke_key(server.vendor.public_key().id());
    refused(
        &server,
        "revoked",
        &server.document("NEW"),
        "validation failed: ",
    );
    assert_eq!(
        server.get(&format!("/licenses/{ID}")).json_of_kong(),
        stored
    );
    server.delete(ID);
}

#[test]
fn a_vendors_sample_is_stored_under_the_structural_policy() {
    let server = Harness::with(Options {
        structural: true,
        ..Options::default()
    });
    for (encoding, content_type, body) in encodings(&json!({"payload": SAMPLE})) {
        let path = format!("/licenses/{ID}");
        let reply = server.ask("PUT", &path).body(&content_type, body).send();
        assert_eq!(
            (reply.status, &reply.json_of_kong()["payload"]),
            (200, &json!(SAMPLE)),
            "{encoding}"
        );
    }
    refused(&server, "no JSON", "x", "could not decode license json: ");
    refused(&server, "no license", "{}", "invalid license format: ");
}
