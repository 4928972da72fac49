//! Texts that are no JSON, and JSON that has not the shape of a license.

use serde_json::Value;

use crate::bad::{Bad, bad};
use crate::good::PAYLOAD;
use crate::keys::{ALPHA, DELTA};

pub(crate) fn not_json() -> Vec<Bad> {
    let good = ALPHA.sign(PAYLOAD);
    let cut = |at: usize| good[..at].to_owned();
    let raw = |text: &str| ALPHA.sign(&PAYLOAD.replace("GmbH", text));
    [
        ("empty", String::new()),
        ("white space only", " \n".to_owned()),
        ("cut short by one brace", cut(good.len() - 1)),
        ("cut short in the payload", cut(60)),
        ("a byte-order mark", format!("\u{feff}{good}")),
        ("a no-break space before it", format!("\u{a0}{good}")),
        ("trailing data", format!("{good}x")),
        ("a trailing NUL", format!("{good}\0")),
        ("two documents", format!("{good}{good}")),
        ("two documents on two lines", format!("{good}\n{good}")),
        ("a comment", format!("{good}// signed")),
        (
            "a trailing comma",
            good.replace("\"version\":\"1\"", "\"version\":\"1\","),
        ),
        ("single quotes", good.replace('"', "'")),
        (
            "a name without quotes",
            good.replace("\"version\"", "version"),
        ),
        ("a raw NUL in a claim", raw("\0")),
        ("a raw line break in a claim", raw("\n")),
        ("an escape that JSON has not", raw(r"\x41")),
        ("a short escape", raw(r"\u00")),
        (
            "not a number",
            good.replace("\"version\":\"1\"", "\"version\":NaN"),
        ),
        (
            "a number with a leading zero",
            good.replace("\"version\":\"1\"", "\"version\":01"),
        ),
        ("an array that is cut short", "[1,".to_owned()),
        (
            "a member twice, then cut short",
            r#"{"license":1,"license":"#.to_owned(),
        ),
    ]
    .map(|(name, document)| bad(name, document, "NotJson"))
    .into()
}

pub(crate) fn wrong_members() -> Vec<Bad> {
    let signature = ALPHA.signature(PAYLOAD);
    let id = ALPHA.id();
    let good = ALPHA.sign(PAYLOAD);
    let outer =
        |members: &str| good.replacen("{\"license\"", &format!("{{{members},\"license\""), 1);
    let inner =
        |members: &str| good.replacen("{\"payload\"", &format!("{{{members},\"payload\""), 1);
    let without = |member: &str| good.replacen(member, "", 1);
    [
        ("null", "null".to_owned()),
        ("a text", "\"license\"".to_owned()),
        ("an empty object", "{}".to_owned()),
        (
            "an array in place of the document",
            format!(r#"[[{PAYLOAD},"{signature}","{id}","1"]]"#),
        ),
        (
            "an array in place of the license",
            format!(r#"{{"license":[{PAYLOAD},"{signature}","{id}","1"]}}"#),
        ),
        (
            "the license without its wrapping",
            good[11..good.len() - 1].to_owned(),
        ),
        (
            "the license as text",
            format!(
                r#"{{"license":{}}}"#,
                Value::from(&good[11..good.len() - 1])
            ),
        ),
        (
            "a member's name in another case",
            good.replacen("license", "License", 1),
        ),
        (
            "an unknown member of the document",
            outer(r#""issued_by":"x""#),
        ),
        ("an unknown member of the license", inner(r#""alg":"none""#)),
        ("an unknown member with an empty name", inner(r#""":null"#)),
        ("`license` twice", outer(r#""license":{}"#)),
        (
            "`license` twice, once escaped",
            outer(r#""licens\u0065":{}"#),
        ),
        ("`payload` twice", inner(&format!("\"payload\":{PAYLOAD}"))),
        (
            "`payload` twice, once escaped",
            inner(&format!("\"p\\u0061yload\":{PAYLOAD}")),
        ),
        (
            "`signature` twice",
            inner(&format!("\"signature\":\"{signature}\"")),
        ),
        ("`key_id` twice", inner(&format!("\"key_id\":\"{id}\""))),
        ("`version` twice", inner("\"version\":\"1\"")),
        ("no payload", without(&format!("\"payload\":{PAYLOAD},"))),
        (
            "no signature",
            without(&format!("\"signature\":\"{signature}\",")),
        ),
        ("no version", without(",\"version\":\"1\"")),
        (
            "version as a number",
            good.replace("\"version\":\"1\"", "\"version\":1"),
        ),
        (
            "version 2",
            good.replace("\"version\":\"1\"", "\"version\":\"2\""),
        ),
        (
            "version 1.0",
            good.replace("\"version\":\"1\"", "\"version\":\"1.0\""),
        ),
        (
            "version with a space",
            good.replace("\"version\":\"1\"", "\"version\":\"1 \""),
        ),
        (
            "version null",
            good.replace("\"version\":\"1\"", "\"version\":null"),
        ),
    ]
    .map(|(name, document)| bad(name, document, "WrongShape"))
    .into()
}

pub(crate) fn wrong_signature_text() -> Vec<Bad> {
    let hex = ALPHA.signature(PAYLOAD);
    let good = ALPHA.sign(PAYLOAD);
    let id = ALPHA.id();
    let quoted = format!("\"{hex}\"");
    let signatures = [
        (
            "signature in upper case",
            format!("\"{}\"", hex.to_uppercase()),
        ),
        ("signature of 127 digits", format!("\"{}\"", &hex[1..])),
        ("signature of 129 digits", format!("\"{hex}0\"")),
        ("signature of 126 digits", format!("\"{}\"", &hex[2..])),
        ("signature of 130 digits", format!("\"{hex}00\"")),
        (
            "signature with 0x before it",
            format!("\"0x{}\"", &hex[2..]),
        ),
        ("signature with a space", format!("\"{} \"", &hex[1..])),
        (
            "signature with a digit that is not ASCII",
            format!("\"{}\u{0661}\"", &hex[1..]),
        ),
        ("signature empty", "\"\"".to_owned()),
        ("signature null", "null".to_owned()),
        ("signature a number", "1".to_owned()),
        (
            "signature with half a surrogate pair",
            r#""\ud800""#.to_owned(),
        ),
    ]
    .map(|(name, text)| bad(name, good.replace(&quoted, &text), "WrongShape"));
    let quoted = format!("\"{id}\"");
    let key_ids = [
        ("key_id in upper case", format!("\"{}\"", id.to_uppercase())),
        ("key_id of 15 digits", format!("\"{}\"", &id[1..])),
        ("key_id of 17 digits", format!("\"{id}0\"")),
        ("key_id empty", "\"\"".to_owned()),
        ("key_id null", "null".to_owned()),
        ("key_id a number", "1234567890123456".to_owned()),
    ]
    .map(|(name, text)| bad(name, good.replace(&quoted, &text), "WrongShape"));
    signatures.into_iter().chain(key_ids).collect()
}

pub(crate) fn wrong_claims() -> Vec<Bad> {
    let with = |member: &str| ALPHA.sign(&PAYLOAD.replacen('{', &format!("{{{member},"), 1));
    let many: Vec<String> = (0..257).map(|at| format!("\"{at}\":\"\"")).collect();
    [
        ("claim a number", with(r#""seats":1"#)),
        ("claim null", with(r#""seats":null"#)),
        ("claim true", with(r#""seats":true"#)),
        ("claim an object", with(r#""seats":{"a":"b"}"#)),
        ("claim an array", with(r#""seats":["a"]"#)),
        (
            "claim with half a surrogate pair",
            with(r#""seats":"\ud83e""#),
        ),
        (
            "claim with a surrogate pair in the wrong order",
            with(r#""seats":"\udd80\ud83e""#),
        ),
        (
            "claim's name with half a surrogate pair",
            with(r#""\ud83e":"1""#),
        ),
        ("a claim twice", with(r#""customer":"Mallory""#)),
        (
            "a claim twice with the same value",
            with(r#""customer":"Example GmbH""#),
        ),
        (
            "a claim twice, once escaped",
            with(r#""custome\u0072":"Mallory""#),
        ),
        ("an unknown claim twice", with(r#""x":"1","x":"2""#)),
        ("payload an array", ALPHA.sign(r#"["2027-01-01"]"#)),
        (
            "payload a text that holds the claims",
            ALPHA.sign(&Value::from(PAYLOAD).to_string()),
        ),
        ("payload null", ALPHA.sign("null")),
        (
            "payload with more than 256 claims",
            ALPHA.sign(&format!("{{{}}}", many.join(","))),
        ),
        (
            "claim a number, and a bad signature",
            ALPHA.envelope(r#"{"seats":1}"#, &"00".repeat(64)),
        ),
        (
            "claim a number, signed with a revoked key",
            DELTA.sign(r#"{"seats":1}"#),
        ),
    ]
    .map(|(name, document)| bad(name, document, "WrongShape"))
    .into()
}
