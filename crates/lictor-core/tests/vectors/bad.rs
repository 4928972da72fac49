//! Documents that are refused, each with the reason: the name of a `DocumentError`.

use std::sync::Arc;

use lictor_core::rules::license::examine;
use lictor_core::{DocumentError, PublicKey, TrustPolicy};
use serde_json::Value;

use crate::format::{Object, render};
use crate::good::PAYLOAD;
use crate::keys::{ALPHA, BETA, DELTA, EPSILON, PURPOSE, trust_set};
use crate::{claims, forgeries, shapes};

/// A name, a document and the reason.
pub(crate) type Bad = (String, String, &'static str);

pub(crate) fn bad(name: &str, document: impl Into<String>, reason: &'static str) -> Bad {
    (name.to_owned(), document.into(), reason)
}

fn keys() -> Vec<Bad> {
    let good = ALPHA.sign(PAYLOAD);
    let named = |id: &str| good.replace(&ALPHA.id(), id);
    let elsewhere = PAYLOAD.replacen(
        '{',
        r#"{"organization":"00000000-0000-0000-0000-000000000001","#,
        1,
    );
    vec![
        bad(
            "a key that is not trusted",
            EPSILON.sign(PAYLOAD),
            "UnknownKey",
        ),
        bad(
            "a trusted key's signature, a key_id that is not trusted",
            named(&EPSILON.id()),
            "UnknownKey",
        ),
        bad(
            "a key_id of nobody",
            named("0000000000000000"),
            "UnknownKey",
        ),
        bad(
            "a key that is not trusted, another organization",
            EPSILON.sign(&elsewhere),
            "UnknownKey",
        ),
        bad("a revoked key", DELTA.sign(PAYLOAD), "RevokedKey"),
        bad(
            "a revoked key, not named",
            DELTA.sign_unnamed(PAYLOAD),
            "RevokedKey",
        ),
        bad(
            "a trusted key's signature, a revoked key_id",
            named(&DELTA.id()),
            "RevokedKey",
        ),
        bad(
            "a revoked key, and a bad signature",
            DELTA.envelope(PAYLOAD, &"00".repeat(64)),
            "RevokedKey",
        ),
        bad(
            "key_id of another trusted key",
            named(&BETA.id()),
            "BadSignature",
        ),
        bad(
            "the other trusted key's signature",
            ALPHA.envelope(PAYLOAD, &BETA.signature(PAYLOAD)),
            "BadSignature",
        ),
        bad(
            "a key that is not trusted, not named",
            EPSILON.sign_unnamed(PAYLOAD),
            "BadSignature",
        ),
    ]
}

fn bad_signatures() -> Vec<Bad> {
    let good = ALPHA.sign(PAYLOAD);
    let over = |message: String| ALPHA.envelope(PAYLOAD, &ALPHA.signature_over(message.as_bytes()));
    let sorted: Value = serde_json::from_str(PAYLOAD).expect("JSON");
    let escaped = r#"{"customer":"caf\u00e9","license_expiration_date":"2027-01-01"}"#;
    let composed = "{\"customer\":\"caf\u{e9}\",\"license_expiration_date\":\"2027-01-01\"}";
    let decomposed = composed.replace('\u{e9}', "e\u{301}");
    let mut all: Vec<Bad> = vec![
        (
            "more seats than were signed",
            good.replace("\"25\"", "\"26\""),
        ),
        (
            "a claim more than was signed",
            good.replacen("{\"customer\"", "{\"x\":\"\",\"customer\"", 1),
        ),
        (
            "white space added to the payload",
            good.replacen("{\"customer\"", "{ \"customer\"", 1),
        ),
        (
            "white space taken from the payload",
            ALPHA.envelope(PAYLOAD, &ALPHA.signature(&PAYLOAD.replace(':', ": "))),
        ),
        (
            "the payload serialized again with sorted names",
            ALPHA.envelope(PAYLOAD, &ALPHA.signature(&sorted.to_string())),
        ),
        (
            "an escape written out",
            ALPHA.envelope(composed, &ALPHA.signature(escaped)),
        ),
        (
            "a character escaped",
            ALPHA.envelope(escaped, &ALPHA.signature(composed)),
        ),
        (
            "a character decomposed",
            ALPHA.envelope(&decomposed, &ALPHA.signature(composed)),
        ),
        ("signed without the purpose", over(PAYLOAD.to_owned())),
        (
            "signed for another purpose",
            over(format!("LICTOR-REPORT-V1\n{PAYLOAD}")),
        ),
        (
            "signed for another version",
            over(format!("LICTOR-LICENSE-V2\n{PAYLOAD}")),
        ),
        (
            "signed with the purpose without its line break",
            over(format!("LICTOR-LICENSE-V1{PAYLOAD}")),
        ),
        (
            "signed with a carriage return in the purpose",
            over(format!("LICTOR-LICENSE-V1\r\n{PAYLOAD}")),
        ),
        (
            "signed with white space after the payload",
            over(format!("{PURPOSE}{PAYLOAD}\n")),
        ),
        (
            "signed with white space before the payload",
            over(format!("{PURPOSE} {PAYLOAD}")),
        ),
        (
            "a signature of zeros",
            ALPHA.envelope(PAYLOAD, &"00".repeat(64)),
        ),
        (
            "the signature of another document",
            ALPHA.envelope(PAYLOAD, &ALPHA.signature("{}")),
        ),
        ("R and S swapped", {
            let hex = ALPHA.signature(PAYLOAD);
            ALPHA.envelope(PAYLOAD, &format!("{}{}", &hex[64..], &hex[..64]))
        }),
    ]
    .into_iter()
    .map(|(name, document)| bad(name, document, "BadSignature"))
    .collect();
    for (name, signature) in forgeries::of(ALPHA, PAYLOAD) {
        all.push(bad(
            name,
            ALPHA.envelope(PAYLOAD, &signature),
            "BadSignature",
        ));
    }
    all
}

fn expected() -> String {
    let all = [
        shapes::not_json(),
        shapes::wrong_members(),
        shapes::wrong_signature_text(),
        shapes::wrong_claims(),
        keys(),
        bad_signatures(),
        claims::audience_and_dates(),
        claims::bad_claims(),
    ];
    let vectors = all.into_iter().flatten().map(|(name, document, reason)| {
        Object::new([
            ("name", name.into()),
            ("document", document.into()),
            ("reason", reason.into()),
        ])
    });
    let bad_keys = forgeries::bad_keys().into_iter().map(|(name, bytes)| {
        Object::new([
            ("name", name.into()),
            ("public_key", hex::encode(bytes).into()),
        ])
    });
    let lists = [
        ("bad_keys", bad_keys.collect()),
        ("vectors", vectors.collect()),
    ];
    render(
        &crate::head("documents and public keys that are refused, and why"),
        &lists,
    )
}

fn reason(error: &DocumentError) -> &'static str {
    match error {
        DocumentError::NotJson(_) => "NotJson",
        DocumentError::WrongShape(_) => "WrongShape",
        DocumentError::UnknownKey(_) => "UnknownKey",
        DocumentError::RevokedKey(_) => "RevokedKey",
        DocumentError::BadSignature => "BadSignature",
        DocumentError::WrongAudience(_) => "WrongAudience",
        DocumentError::BadExpirationDate(_) => "BadExpirationDate",
        DocumentError::BadClaim { .. } => "BadClaim",
        DocumentError::RetiredKey(_) => "RetiredKey",
    }
}

#[test]
fn bad_documents_are_refused_for_the_first_reason_that_holds() {
    let file = crate::file("bad.json", &expected());
    let (trust, organization) = (trust_set(&file, &Value::Null), crate::organization(&file));
    let mut names = std::collections::BTreeSet::new();
    for vector in crate::list(&file, "vectors") {
        let name = crate::text(vector, "name");
        assert!(names.insert(name), "{name} stands twice");
        let document = Arc::from(crate::text(vector, "document"));
        let refused = examine(document, organization, &trust, TrustPolicy::Verified);
        let error = refused.map(|_| ()).expect_err(name);
        assert_eq!(vector["reason"], reason(&error), "{name}: {error}");
    }
    bad_keys_are_never_trusted(&file);
}

fn bad_keys_are_never_trusted(file: &Value) {
    for vector in crate::list(file, "bad_keys") {
        let name = crate::text(vector, "name");
        let mut bytes = [0; 32];
        hex::decode_to_slice(crate::text(vector, "public_key"), &mut bytes).expect(name);
        assert!(PublicKey::from_bytes(&bytes).is_err(), "{name}");
        assert!(PublicKey::try_from(hex::encode(bytes)).is_err(), "{name}");
    }
}
