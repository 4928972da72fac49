//! Error messages for texts that should be JSON or a key in PEM form. They name the position and the cause, and
//! never repeat the text itself.

use serde_json::error::Category;
use serde_json::value::RawValue;

/// Why `text` is not the expected JSON, with line and column if they help.
pub fn of_json(text: &str, error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    let reason = match error.classify() {
        _ if text.trim().is_empty() => "it is empty".to_owned(),
        Category::Syntax | Category::Eof if text.starts_with('\u{feff}') => {
            "it begins with a byte-order mark; remove that".to_owned()
        }
        Category::Eof => return format!("it is cut short: it ends in {place}"),
        Category::Syntax if has_more(text) => {
            return format!("something follows its end: {place}");
        }
        Category::Syntax => return format!("no JSON can go on as it does in {place}"),
        Category::Io => return "it could not be read".to_owned(),
        Category::Data => of_shape(error),
    };
    match error.line() {
        0 => reason,
        _ => format!("{reason} ({place})"),
    }
}

/// Why JSON does not have the expected members or values, without a position.
pub(crate) fn of_shape(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let said = said
        .rsplit_once(" at line ")
        .map_or(said.as_str(), |(said, _)| said);
    if error.classify() == Category::Syntax {
        return "a text in it is not Unicode".to_owned();
    }
    of_reader(said).unwrap_or_else(|| said.to_owned())
}

/// Rewords the error of a derived deserializer. `None` if it is another kind of error.
pub fn of_reader(said: &str) -> Option<String> {
    let named = |begin: &str| {
        let (name, rest) = said.strip_prefix(begin)?.split_once('`')?;
        Some((name.escape_debug().to_string(), rest))
    };
    if let Some((name, rest)) = named("unknown field `") {
        return Some(match listed(rest) {
            known if known.is_empty() => format!("there is no member `{name}`"),
            known => format!("there is no member `{name}`; there are {known}"),
        });
    }
    // Two members, of which one has to be there, are named so as well.
    let missing = said.strip_prefix("missing field ");
    if let Some(name) = missing {
        return Some(format!("the member {} is missing", name.escape_debug()));
    }
    if let Some((name, _)) = named("duplicate field `") {
        return Some(format!("the member `{name}` appears twice"));
    }
    if let Some((name, rest)) = named("unknown variant `") {
        return Some(format!("`{name}` is not one of {}", listed(rest)));
    }
    let wrong = ["invalid type: ", "invalid value: ", "invalid length "];
    let found = wrong.iter().find_map(|begin| said.strip_prefix(begin));
    let (got, wanted) = found?.rsplit_once(", expected ")?;
    let (got, wanted) = (got_kind(got), wanted_kind(wanted));
    Some(format!("{wanted} is wanted, not {got}"))
}

/// Whether the text begins with a complete value.
fn has_more(text: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    matches!(values.next(), Some(Ok(_)))
}

/// The names in backticks, with commas between.
fn listed(text: &str) -> String {
    let names: Vec<String> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|name| format!("`{name}`"))
        .collect();
    names.join(", ")
}

fn wanted_kind(words: &str) -> &str {
    match words.split(' ').next().unwrap_or_default() {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more,",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "struct" | "map" => "an object",
        _ => match words {
            "a string" | "string" | "a borrowed string" => "text",
            "a boolean" => "a boolean (true or false)",
            "a sequence" => "a list",
            "a map" => "an object",
            "unit" => "null",
            own => own,
        },
    }
}

/// The kind of the value that was found, without the value.
fn got_kind(words: &str) -> &str {
    match words.split([' ', ',']).next().unwrap_or_default() {
        "string" | "character" => "text",
        "integer" | "floating" => "this number",
        "boolean" => "a boolean",
        "sequence" => "a list",
        "map" => "an object",
        "null" | "unit" | "Option" => "null",
        _ => "this",
    }
}

/// Why a text is not the PEM of an Ed25519 key with this label, such as `PUBLIC KEY`.
pub(crate) fn of_pem(text: &str, label: &str) -> String {
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let text = text.trim();
    if text.is_empty() {
        return "it is empty".to_owned();
    }
    if !text.contains("-----BEGIN") {
        return format!("it is not in PEM form, which begins with {begin}");
    }
    if !text.starts_with(&begin) {
        return format!("it is PEM of something else; an Ed25519 key begins with {begin}");
    }
    let Some(body) = text
        .strip_prefix(&begin)
        .and_then(|rest| rest.strip_suffix(&end))
    else {
        return format!("it is cut short, or changed at its end: it ends with {end}");
    };
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(&byte);
    if !body.bytes().all(base64) || body.len() < 40 {
        return "it is damaged between its first and last line; copy the file again".to_owned();
    }
    "it is damaged, or a key of another kind than Ed25519, such as RSA; copy the file again, or make a \
     key with `lictor key generate`"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only how it is refused counts")]
    struct Wanted {
        name: String,
        count: Option<u32>,
        flag: Option<bool>,
        list: Option<Vec<String>>,
        map: Option<BTreeMap<String, i64>>,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        One,
        Two,
    }

    #[test]
    fn the_cause_and_the_place_are_said_in_our_words_and_nothing_that_stands_there() {
        for (text, said) in [
            ("", "it is empty (line 1, column 0)"),
            (" \n", "it is empty (line 2, column 0)"),
            (
                "\u{feff}{}",
                "it begins with a byte-order mark; remove that (line 1, column 1)",
            ),
            ("{\"name\":", "it is cut short: it ends in line 1, column 8"),
            (
                "{\n\"name\": \"s",
                "it is cut short: it ends in line 2, column 10",
            ),
            ("{name}", "no JSON can go on as it does in line 1, column 2"),
            ("secret", "no JSON can go on as it does in line 1, column 1"),
            (
                "{\"name\":\"a\"} x",
                "something follows its end: line 1, column 14",
            ),
            ("{}", "the member `name` is missing (line 1, column 2)"),
            (
                "{\"nam\":1}",
                "there is no member `nam`; there are `name`, `count`, `flag`, `list`, `map`, `kind` (line 1, column 6)",
            ),
            (
                "{\"name\":1}",
                "text is wanted, not this number (line 1, column 9)",
            ),
            (
                "{\"name\":null}",
                "text is wanted, not null (line 1, column 12)",
            ),
            (
                "{\"name\":\"a\",\"name\":\"a\"}",
                "the member `name` appears twice (line 1, column 18)",
            ),
            (
                "{\"count\":\"secret\"}",
                "a whole number, 0 or more, is wanted, not text (line 1, column 17)",
            ),
            (
                "{\"count\":-1}",
                "a whole number, 0 or more, is wanted, not this number (line 1, column 11)",
            ),
            (
                "{\"flag\":\"secret\"}",
                "a boolean (true or false) is wanted, not text (line 1, column 16)",
            ),
            (
                "{\"list\":{}}",
                "a list is wanted, not an object (line 1, column 8)",
            ),
            (
                "{\"map\":[]}",
                "an object is wanted, not a list (line 1, column 7)",
            ),
            (
                "{\"kind\":\"three\"}",
                "`three` is not one of `one`, `two` (line 1, column 15)",
            ),
            (
                "1",
                "an object is wanted, not this number (line 1, column 1)",
            ),
        ] {
            let error = serde_json::from_str::<Wanted>(text).expect_err(text);
            assert_eq!(of_json(text, &error), said, "{text}");
        }
    }

    #[test]
    fn a_key_that_is_none_is_refused_with_the_cause() {
        let whole = crate::SigningKey::from_seed([7; 32]).public_key().to_pem();
        let (begin, rest) = whole.split_at(whole.len() / 2);
        for (text, said) in [
            (String::new(), "it is empty"),
            ("AAAA".to_owned(), "not in PEM form"),
            (
                whole.replace("PUBLIC", "RSA PUBLIC"),
                "PEM of something else",
            ),
            (begin.to_owned(), "cut short"),
            (format!("{begin}?{rest}"), "damaged between"),
            (format!("{}{}", begin.trim_end(), &rest[4..]), "damaged"),
            (whole.replace("MCow", "MCox"), "another kind than Ed25519"),
        ] {
            let refused = crate::PublicKey::from_pem(&text).expect_err(&text);
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }
}
