//! What an answer should be: a status and JSON in which some texts stand for any value.

use lictor_testkit::Answer;
use serde_json::Value;

/// Stands for any value.
pub(crate) const ANY: &str = "(any)";
/// Stands for any whole number.
pub(crate) const INTEGER: &str = "(integer)";
/// Stands for any lower-case UUID.
pub(crate) const UUID: &str = "(uuid)";
/// Begins a text of which only the beginning is compared.
pub(crate) const PREFIX: &str = "(begins) ";

/// The type that this dialect gives JSON.
pub(crate) trait Kong {
    fn json_of_kong(&self) -> Value;
}

impl Kong for Answer {
    #[track_caller]
    fn json_of_kong(&self) -> Value {
        self.json_as("application/json; charset=utf-8")
    }
}

/// Fails unless the answer has this status and this JSON.
pub(crate) fn check(case: &str, answer: &Answer, status: u16, expected: &Value) {
    assert_eq!(answer.status, status, "{case}: {answer:?}");
    let found = answer.json_of_kong();
    assert!(
        fits(expected, &found),
        "{case}\nexpected {expected}\n   found {found}"
    );
}

fn fits(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::String(text), _) if text == ANY => true,
        (Value::String(text), Value::Number(number)) if text == INTEGER => number.is_i64(),
        (Value::String(text), Value::String(found)) if text == UUID => {
            let parsed = uuid::Uuid::try_parse(found);
            parsed.is_ok_and(|id| id.to_string() == *found)
        }
        (Value::String(text), Value::String(found)) => match text.strip_prefix(PREFIX) {
            Some(beginning) => found.starts_with(beginning),
            None => text == found,
        },
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len()
                && expected
                    .iter()
                    .zip(found)
                    .all(|(expected, found)| fits(expected, found))
        }
        (Value::Object(expected), Value::Object(found)) => {
            let same =
                |(name, expected)| found.get(name).is_some_and(|value| fits(expected, value));
            expected.len() == found.len() && expected.iter().all(same)
        }
        _ => expected == found,
    }
}
