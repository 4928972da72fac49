//! Reading a JSON object member by member: exact source text, no member twice, nothing dropped.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::document::error::DocumentError;
use crate::parse_error;

/// The members of `raw`, which is `what`.
pub(crate) fn members<'a>(raw: &'a RawValue, what: &str) -> Result<Members<'a>, DocumentError> {
    serde_json::from_str(raw.get()).map_err(|error| {
        DocumentError::WrongShape(format!("{what}: {}", parse_error::of_shape(&error)))
    })
}

/// The text of `raw`, which is called `what` in errors. JSON text that is no Unicode text, as a lone
/// surrogate, is not text here.
pub(crate) fn text(raw: &RawValue, what: &str) -> Result<String, DocumentError> {
    serde_json::from_str(raw.get())
        .map_err(|_| DocumentError::WrongShape(format!("{what} is not text")))
}

/// The members of a payload, all of which must be text.
pub(crate) fn text_members(payload: &RawValue) -> Result<Vec<(String, String)>, DocumentError> {
    let Members(members) = members(payload, "`payload`")?;
    let claim = |(name, raw): (String, &RawValue)| {
        let value = text(raw, &format!("claim {name:?}"))?;
        Ok((name, value))
    };
    members.into_iter().map(claim).collect()
}

/// The members of one JSON object in their order, each with the exact source text of its value.
/// A name that appears twice (compared after unescaping) and anything but an object are errors.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Takes the member called `name` out, if it is there.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let at = self.0.iter().position(|(member, _)| member == name)?;
        Some(self.0.remove(at).1)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, &'de RawValue)> = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if members.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(format_args!(
                            "member {name:?} appears twice"
                        )));
                    }
                    if members.len() == MAX_MEMBERS {
                        return Err(A::Error::custom(format_args!(
                            "more than {MAX_MEMBERS} members"
                        )));
                    }
                    members.push((name, map.next_value()?));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Object).map(Members)
    }
}

/// More members than any license has; it bounds the search for duplicates.
const MAX_MEMBERS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &str) -> Option<Vec<String>> {
        let raw: &RawValue = serde_json::from_str(source).expect("JSON");
        let Members(all) = members(raw, "it").ok()?;
        Some(all.into_iter().map(|(name, _)| name).collect())
    }

    #[test]
    fn only_an_object_has_members_and_each_once() {
        assert_eq!(names("{}"), Some(vec![]));
        assert_eq!(
            names(r#"{"b":1,"a":[{}]}"#),
            Some(vec!["b".to_owned(), "a".to_owned()])
        );
        for source in [
            "[]",
            "[[\"a\",1]]",
            "[1,2]",
            "null",
            "\"a\"",
            "1",
            "true",
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"\ud83e":1}"#,
            r#"{"é":1,"\u00e9":1}"#,
        ] {
            assert_eq!(names(source), None, "{source}");
        }
        assert!(
            names("{\"\u{e9}\":1,\"e\u{301}\":1}").is_some(),
            "names are not normalized"
        );
    }

    #[test]
    fn the_number_of_members_is_bounded() {
        let object = |size: usize| {
            let all: Vec<String> = (0..size).map(|at| format!("\"{at}\":0")).collect();
            format!("{{{}}}", all.join(","))
        };
        assert!(names(&object(MAX_MEMBERS)).is_some());
        assert!(names(&object(MAX_MEMBERS + 1)).is_none());
    }

    #[test]
    fn a_value_is_its_source_text_however_deep() {
        let deep = format!(
            "{{ \"a\" :\n{}{}\t}}",
            "[".repeat(20_000),
            "]".repeat(20_000)
        );
        let raw: &RawValue = serde_json::from_str(&deep).expect("JSON");
        let value = members(raw, "it")
            .expect("an object")
            .take("a")
            .expect("it is there");
        assert_eq!(value.get().len(), 40_000);
        assert!(text(value, "it").is_err());
    }

    #[test]
    fn only_text_is_text() {
        for source in [
            "1",
            "null",
            "true",
            "[]",
            "{}",
            "[\"a\"]",
            r#""\ud83e""#,
            r#""\udd80\ud83e""#,
        ] {
            let raw: &RawValue = serde_json::from_str(source).expect("JSON");
            assert!(text(raw, "it").is_err(), "{source}");
        }
        let raw: &RawValue = serde_json::from_str(r#""\u0061\u0000\ud83e\udd80""#).expect("JSON");
        assert_eq!(text(raw, "it").as_deref(), Ok("a\0\u{1f980}"));
    }
}
