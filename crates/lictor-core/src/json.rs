//! Reading a JSON object member by member: exact source text, no member twice, nothing dropped.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::DocumentError;

/// The members of `raw`, which is `what`.
pub(crate) fn members<'a>(raw: &'a RawValue, what: &str) -> Result<Members<'a>, DocumentError> {
    serde_json::from_str(raw.get())
        .map_err(|error| DocumentError::WrongShape(format!("{what}: {error}")))
}

/// The text that `raw`, which is `what`, stands for. JSON text that is no Unicode text, as a lone
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
