//! Documents that are accepted, and what each one says.

use std::sync::Arc;

use lictor_core::document::claims::slug;
use lictor_core::rules::license::examine;
use lictor_core::{Claims, Document, TrustPolicy};
use serde_json::{Value, json};

use crate::format::{Object, render};
use crate::keys::{ALPHA, BETA, GAMMA, Key, ORGANIZATION, trust_set};

/// The payload that most vectors vary.
pub(crate) const PAYLOAD: &str = r#"{"customer":"Example GmbH","product_subscription":"Konnect Enterprise","license_key":"L-0001","license_creation_date":"2026-01-01","license_expiration_date":"2027-01-01","admin_seats":"25","dataplanes":"5","support_plan":"Platinum"}"#;

struct Good {
    name: &'static str,
    key: Key,
    document: String,
    claims: Value,
}

/// `said` over the claims of a license that says nothing but its end.
fn claims(said: Value) -> Value {
    let mut claims = json!({
        "customer": null,
        "product_subscription": null,
        "license_key": null,
        "license_creation_date": null,
        "license_expiration_date": "2027-01-01",
        "valid_from": null,
        "valid_until": 1_798_761_600,
        "admin_seats": null,
        "dataplanes": null,
        "support_plan": null,
        "application": "license",
        "plan": "PAID",
        "organization": null,
        "features": [],
        "unknown": {},
    });
    let Value::Object(said) = said else {
        panic!("an object")
    };
    claims.as_object_mut().expect("an object").extend(said);
    claims
}

fn full_claims() -> Value {
    claims(json!({
        "customer": "Example GmbH",
        "product_subscription": "Konnect Enterprise",
        "license_key": "L-0001",
        "license_creation_date": "2026-01-01",
        "valid_from": 1_767_225_600,
        "admin_seats": 25,
        "dataplanes": 5,
        "support_plan": "Platinum",
        "application": "konnect-enterprise",
    }))
}

fn good(name: &'static str, key: Key, document: String, claims: Value) -> Good {
    Good {
        name,
        key,
        document,
        claims,
    }
}

/// A license that ends in 2027 and has `members` beside.
fn plain(name: &'static str, members: &str, said: Value) -> Good {
    let payload = format!(r#"{{"license_expiration_date":"2027-01-01",{members}}}"#);
    good(name, ALPHA, ALPHA.sign(&payload), claims(said))
}

fn envelopes() -> Vec<Good> {
    let signature = ALPHA.signature(PAYLOAD);
    let id = ALPHA.id();
    let other_order = format!(
        r#"{{"license":{{"version":"1","key_id":"{id}","signature":"{signature}","payload":{PAYLOAD}}}}}"#
    );
    let spaced = format!(
        "\r\n\t {{ \"license\" :\n{{\"payload\"\t: {PAYLOAD} ,\"signature\":\r\n\"{signature}\", \"key_id\":\"{id}\",\"version\" : \"1\"}} }}\n \t\r\n"
    );
    let escaped = format!(
        r#"{{"\u006cicense":{{"p\u0061yload":{PAYLOAD},"signature":"{}","\u006bey_id":"\u00{:x}{}","version":"\u0031"}}}}"#,
        signature.replace('a', r"\u0061"),
        id.as_bytes()[0],
        &id[1..],
    );
    vec![
        good(
            "as Lictor writes it",
            ALPHA,
            ALPHA.sign(PAYLOAD),
            full_claims(),
        ),
        good(
            "the members in another order",
            ALPHA,
            other_order,
            full_claims(),
        ),
        good(
            "white space around the members and the document",
            ALPHA,
            spaced,
            full_claims(),
        ),
        good("escapes in the members", ALPHA, escaped, full_claims()),
        good(
            "no key_id: each trusted key is tried",
            ALPHA,
            ALPHA.sign_unnamed(PAYLOAD),
            full_claims(),
        ),
        good(
            "no key_id: the other key",
            BETA,
            BETA.sign_unnamed(PAYLOAD),
            full_claims(),
        ),
        good(
            "signed with a retired key: it stays valid",
            GAMMA,
            GAMMA.sign(PAYLOAD),
            full_claims(),
        ),
        good(
            "no key_id, signed with a retired key",
            GAMMA,
            GAMMA.sign_unnamed(PAYLOAD),
            full_claims(),
        ),
    ]
}

fn payloads() -> Vec<Good> {
    let spaced = PAYLOAD
        .replace("\",\"", "\" ,\r\n\t\"")
        .replace("\":\"", "\" : \"")
        .replace('{', "{ ");
    let escaped = r#"{"\u0063ustomer":"Pr\u00fcf\/ung \"\\\b\f\n\r\t \ud83e\udd80","license_expiration_date":"2027\u002d01-01"}"#;
    let raw = r#"{"customer":"Prüf/ung 株式会社 🦀","license_expiration_date":"2027-01-01"}"#;
    vec![
        good(
            "white space inside the payload is signed too",
            ALPHA,
            ALPHA.sign(&spaced),
            full_claims(),
        ),
        good(
            "escapes in names and values",
            ALPHA,
            ALPHA.sign(escaped),
            claims(json!({"customer": "Prüf/ung \"\\\u{8}\u{c}\n\r\t 🦀"})),
        ),
        good(
            "characters beyond ASCII as they are",
            ALPHA,
            ALPHA.sign(raw),
            claims(json!({"customer": "Prüf/ung 株式会社 🦀"})),
        ),
        plain(
            "an escaped NUL is a character like others",
            r#""customer":"a\u0000b""#,
            json!({"customer": "a\u{0}b"}),
        ),
        plain(
            "claims are not normalized",
            "\"caf\u{e9}\":\"composed\",\"cafe\u{301}\":\"decomposed\"",
            json!({"unknown": {"caf\u{e9}": "composed", "cafe\u{301}": "decomposed"}}),
        ),
        plain(
            "names differ by case",
            r#""Customer":"x","customer":"y""#,
            json!({"customer": "y", "unknown": {"Customer": "x"}}),
        ),
        plain(
            "unknown claims are kept",
            r#""":"","__proto__":"p","nested":"{\"a\":1}""#,
            json!({"unknown": {"": "", "__proto__": "p", "nested": "{\"a\":1}"}}),
        ),
    ]
}

fn dates() -> Vec<Good> {
    let ends = |name, text: &str, date: &str, at: i64| {
        let payload = format!(r#"{{"license_expiration_date":"{text}"}}"#);
        let said = json!({"license_expiration_date": date, "valid_until": at});
        good(name, ALPHA, ALPHA.sign(&payload), claims(said))
    };
    vec![
        ends(
            "nothing but its end",
            "2027-01-01",
            "2027-01-01",
            1_798_761_600,
        ),
        ends(
            "long expired, and a date without zeros",
            "2017-7-20",
            "2017-07-20",
            1_500_508_800,
        ),
        ends("a leap day", "2028-2-29", "2028-02-29", 1_835_395_200),
        ends("the last date", "9999-12-31", "9999-12-31", 253_402_214_400),
        ends(
            "the first date",
            "0001-01-01",
            "0001-01-01",
            -62_135_596_800,
        ),
        plain(
            "a creation date without zeros",
            r#""license_creation_date":"2026-3-5""#,
            json!({"license_creation_date": "2026-03-05", "valid_from": 1_772_668_800}),
        ),
        plain(
            "begins after it ends: valid never, and read all the same",
            r#""license_creation_date":"2028-01-01""#,
            json!({"license_creation_date": "2028-01-01", "valid_from": 1_830_297_600}),
        ),
    ]
}

fn optional() -> Vec<Good> {
    let long = "x".repeat(63);
    let upper = ORGANIZATION.to_uppercase();
    let mut all = vec![
        plain(
            "no seats at all",
            r#""admin_seats":"0","dataplanes":"0""#,
            json!({"admin_seats": 0, "dataplanes": 0}),
        ),
        plain(
            "the most seats",
            r#""admin_seats":"2147483647","dataplanes":"2147483647""#,
            json!({"admin_seats": 2_147_483_647_u32, "dataplanes": 2_147_483_647_u32}),
        ),
        plain(
            "a count with leading zeros",
            r#""admin_seats":"00000000000000000007""#,
            json!({"admin_seats": 7}),
        ),
        plain(
            "an application of its own",
            r#""product_subscription":"Konnect","application":"editor-2""#,
            json!({"product_subscription": "Konnect", "application": "editor-2"}),
        ),
        plain(
            "a product without a letter or digit",
            r#""product_subscription":" – ñ""#,
            json!({"product_subscription": " – ñ"}),
        ),
        plain(
            "runs of other characters become one hyphen",
            r#""product_subscription":"  Ünï, Product -- 2!""#,
            json!({"product_subscription": "  Ünï, Product -- 2!", "application": "n-product-2"}),
        ),
        plain(
            "a long product is cut to 64, and no hyphen ends it",
            &format!(r#""product_subscription":"{long} Y""#),
            json!({"product_subscription": format!("{long} Y"), "application": long}),
        ),
        plain(
            "for this organization",
            &format!(r#""organization":"{ORGANIZATION}""#),
            json!({"organization": ORGANIZATION}),
        ),
        plain(
            "for this organization, in upper case",
            &format!(r#""organization":"{upper}""#),
            json!({"organization": ORGANIZATION}),
        ),
        plain(
            "features are trimmed, empty ones left out",
            r#""features":" sso, audit log ,,x\u00a0,""#,
            json!({"features": ["sso", "audit log", "x"]}),
        ),
        plain(
            "empty texts are texts",
            r#""customer":"","features":"","license_key":"","support_plan":"","product_subscription":"""#,
            json!({"customer": "", "license_key": "", "support_plan": "", "product_subscription": ""}),
        ),
    ];
    for (name, plan) in [
        ("plan PAID", "PAID"),
        ("plan FREE", "FREE"),
        ("plan TRIAL", "TRIAL"),
    ] {
        all.push(plain(
            name,
            &format!(r#""plan":"{plan}""#),
            json!({"plan": plan}),
        ));
    }
    all
}

fn expected() -> String {
    let all = [envelopes(), payloads(), dates(), optional()]
        .into_iter()
        .flatten();
    let vectors = all.map(|good| {
        Object::new([
            ("name", good.name.into()),
            ("document", good.document.into()),
            ("key_id", good.key.id().into()),
            ("claims", good.claims),
        ])
    });
    let head = crate::head("documents that are accepted");
    render(&head, &[("vectors", vectors.collect())])
}

fn to_value(claims: &Claims) -> Value {
    let unknown: serde_json::Map<String, Value> = claims
        .unknown
        .iter()
        .map(|(name, text)| (name.clone(), text.clone().into()))
        .collect();
    let validity = claims.validity();
    json!({
        "customer": claims.customer,
        "product_subscription": claims.product_subscription,
        "license_key": claims.license_key,
        "license_creation_date": claims.creation_date.map(String::from),
        "license_expiration_date": String::from(claims.expiration_date),
        "valid_from": claims.creation_date.map(|_| validity.begins_at),
        "valid_until": validity.expires_at,
        "admin_seats": claims.admin_seats,
        "dataplanes": claims.dataplanes,
        "support_plan": claims.support_plan,
        "application": claims.application,
        "plan": claims.plan.as_str(),
        "organization": claims.organization.map(|id| id.to_string()),
        "features": claims.features,
        "unknown": unknown,
    })
}

#[test]
fn good_documents_are_accepted_and_say_what_they_say() {
    let file = crate::file("good.json", &expected());
    let (trust, organization) = (trust_set(&file, &Value::Null), crate::organization(&file));
    for vector in crate::list(&file, "vectors") {
        let (name, text) = (crate::text(vector, "name"), crate::text(vector, "document"));
        let document = Document::parse(text).expect(name);
        let signer = document.verify(&trust).expect(name);
        assert_eq!(vector["key_id"], signer.to_string(), "{name}");
        let claims = document.claims().expect(name);
        assert_eq!(vector["claims"], to_value(&claims), "{name}");
        assert_eq!(slug(&claims.application), claims.application, "{name}");
        assert_eq!(
            Claims::read(document.payload()),
            Ok(claims.clone()),
            "{name}"
        );
        for policy in [TrustPolicy::Verified, TrustPolicy::Structural] {
            let admissible = examine(Arc::from(text), organization, &trust, policy).expect(name);
            assert_eq!(admissible.application(), claims.application, "{name}");
            assert_eq!(&**admissible.payload(), text, "{name}");
        }
    }
}
