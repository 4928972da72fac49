//! Documents: every bit counts, and the policies differ only where they should.

use lictor_core::{Document, DocumentError, KeyStatus, Signer, TrustPolicy, TrustSet};

use crate::fixtures::{PAYLOAD, key, trust};

#[test]
fn no_bit_of_a_signed_document_can_be_flipped() {
    let trust = trust(&[(1, KeyStatus::Active), (2, KeyStatus::Active)]);
    let ascii = r#"{"license_expiration_date":"2027-01-01"}"#;
    let unicode = "{ \"\u{fc}\" :\n\t\"\u{1f980}\\u00e9\"}";
    for payload in [ascii, unicode] {
        let document = key(1).sign(payload);
        assert!(
            Document::parse(&document)
                .expect("whole")
                .verify(&trust)
                .is_ok()
        );
        for at in 0..document.len() * 8 {
            let mut bytes = document.clone().into_bytes();
            bytes[at / 8] ^= 1 << (at % 8);
            let Ok(flipped) = String::from_utf8(bytes) else {
                continue;
            };
            let verified = Document::parse(&flipped).and_then(|parsed| parsed.verify(&trust));
            assert!(verified.is_err(), "bit {at}: {flipped}");
        }
    }
}

#[test]
fn no_byte_of_a_signed_document_can_be_left_out_or_doubled() {
    let trust = trust(&[(1, KeyStatus::Active)]);
    let document = key(1).sign(PAYLOAD);
    for at in 0..document.len() {
        let (head, tail) = document.split_at(at);
        for changed in [
            format!("{head}{}", &tail[1..]),
            format!("{head}{}{tail}", &tail[..1]),
        ] {
            let verified = Document::parse(&changed).and_then(|parsed| parsed.verify(&trust));
            assert!(verified.is_err(), "byte {at}: {changed}");
        }
    }
}

#[test]
fn the_payload_is_the_source_text_to_the_byte() {
    for payload in [
        "{ }",
        "{\n\t\"a\" : \"\\u0062\"\r\n}",
        "{\"\u{1f980}\":\"\"}",
    ] {
        let text = format!(
            "{{\"license\":{{\"version\":\"1\",\"payload\" : \n{payload} \t,\"signature\":\"\"}}}}"
        );
        assert_eq!(
            Document::parse(&text).expect("a document").payload(),
            payload
        );
    }
}

/// What both policies say of a document, with key 1 trusted as `status`.
fn both(text: &str, status: KeyStatus) -> [Result<Signer, DocumentError>; 2] {
    let trust = trust(&[(1, status), (2, KeyStatus::Active)]);
    let document = Document::parse(text).expect("a document");
    [TrustPolicy::Verified, TrustPolicy::Structural].map(|policy| document.signer(&trust, policy))
}

#[test]
fn a_document_signed_with_a_key_follows_the_key_under_both_policies() {
    let id = key(1).public_key().id();
    let named = key(1).sign(PAYLOAD);
    let unnamed = named.replace(&format!("\"key_id\":\"{id}\","), "");
    for document in [&named, &unnamed] {
        for status in [KeyStatus::Active, KeyStatus::Retired] {
            for signer in both(document, status) {
                assert_eq!(signer, Ok(Signer::Verified(id)));
            }
        }
        for signer in both(document, KeyStatus::Revoked) {
            assert_eq!(signer, Err(DocumentError::RevokedKey(id)));
        }
    }
}

#[test]
fn nothing_around_the_payload_brings_a_revoked_key_back() {
    let id = key(1).public_key().id();
    let good = key(1).sign(PAYLOAD);
    let version = "\"version\":\"1\"";
    for changed in [
        good.replace(version, "\"version\":1"),
        good.replace(version, "\"version\":\"2\""),
        good.replace(version, "\"version\":\"1\",\"x\":1"),
        good.replace(&id.to_string(), "0000000000000000"),
        good.replace(&id.to_string(), "none"),
        good.replace(&format!("\"key_id\":\"{id}\","), "")
            .replace(version, "\"version\":1"),
    ] {
        let [verified, structural] = both(&changed, KeyStatus::Revoked);
        assert!(verified.is_err(), "{changed}");
        assert_eq!(structural, Err(DocumentError::RevokedKey(id)), "{changed}");
    }
}

#[test]
fn a_document_that_names_a_known_key_carries_its_signature_or_counts_for_nothing() {
    let good = key(1).sign(PAYLOAD);
    let tampered = good.replace("\"25\"", "\"26\"");
    for changed in [
        tampered.clone(),
        tampered.replace("\"version\":\"1\"", "\"version\":1"),
        tampered.replace("{\"license\"", "{\"x\":1,\"license\""),
        good.replace("\"signature\":\"", "\"signature\":\"x"),
    ] {
        for status in [KeyStatus::Active, KeyStatus::Retired, KeyStatus::Revoked] {
            let [verified, structural] = both(&changed, status);
            assert!(verified.is_err() && structural.is_err(), "{changed}");
        }
    }
}

#[test]
fn what_no_key_can_speak_for_is_unverified_under_structural_alone() {
    let foreign = key(3).sign(PAYLOAD);
    let id = key(3).public_key().id();
    let unnamed = foreign.replace(&format!("\"key_id\":\"{id}\","), "");
    for document in [
        foreign.clone(),
        unnamed,
        foreign.replace("\"signature\":\"", "\"signature\":\"x"),
    ] {
        let [verified, structural] = both(&document, KeyStatus::Active);
        assert!(verified.is_err(), "{document}");
        assert_eq!(structural, Ok(Signer::Unverified), "{document}");
    }
    let empty = TrustSet::default();
    let parsed = Document::parse(&foreign).expect("a document");
    assert_eq!(parsed.verify(&empty), Err(DocumentError::UnknownKey(id)));
}
