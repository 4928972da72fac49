//! A reader as they are often written, and what it accepts: proof of the warning in the vectors'
//! README. It is wrong on purpose.

use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use lictor_core::SigningKey;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The claims of a document, by a reader that takes the signed bytes from the first `"payload"` that
/// it finds in the text, and all else from its JSON library, where the last of two members wins.
fn careless(document: &str, keys: &[VerifyingKey]) -> Option<Value> {
    let parsed: Value = serde_json::from_str(document).ok()?;
    let license = parsed.get("license")?;
    let (_, rest) = document.split_once("\"payload\"")?;
    let rest = rest.trim_start().strip_prefix(':')?;
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
    let payload = values.next()?.ok()?.get();
    let signature = hex::decode(license["signature"].as_str()?).ok()?;
    let signature = Signature::from_slice(&signature).ok()?;
    let signed = format!("LICTOR-LICENSE-V1\n{payload}");
    let known = keys
        .iter()
        .any(|key| key.verify(signed.as_bytes(), &signature).is_ok());
    known.then(|| license["payload"].clone())
}

/// The keys of a file of vectors that a reader knows.
fn known(file: &Value) -> Vec<VerifyingKey> {
    let keys = crate::list(file, "keys").iter();
    let good = keys.filter(|key| key["status"] == "active" || key["status"] == "retired");
    good.map(|key| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(crate::text(key, "public_key"), &mut bytes).expect("hex");
        VerifyingKey::from_bytes(&bytes).expect("a key")
    })
    .collect()
}

#[test]
fn a_reader_by_search_takes_a_forgery_and_the_documents_that_the_readme_counts() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/");
    let read = |name: &str| std::fs::read_to_string(format!("{path}{name}")).expect("a file");
    let file: Value = serde_json::from_str(&read("bad.json")).expect("JSON");
    let keys = known(&file);
    let bad = crate::list(&file, "vectors");
    let taken = bad
        .iter()
        .filter(|vector| careless(crate::text(vector, "document"), &keys).is_some());
    let figure = format!("{} of the {} bad documents", taken.count(), bad.len());
    let readme = read("README.md").replace('\n', " ");
    assert!(readme.contains(&figure), "it takes {figure}");

    let bought = json!({ "admin_seats": "5", "license_expiration_date": "2027-01-01" });
    let signed = SigningKey::from_seed([1; 32]).sign(&bought.to_string());
    assert_eq!(careless(&signed, &keys), Some(bought));
    let wished = json!({ "admin_seats": "5000", "license_expiration_date": "2099-01-01" });
    let forged = signed.replacen(
        ",\"signature\"",
        &format!(",\"payload\":{wished},\"signature\""),
        1,
    );
    assert_eq!(careless(&forged, &keys), Some(wished), "{forged}");
    assert!(lictor_core::Document::parse(&forged).is_err());
}
