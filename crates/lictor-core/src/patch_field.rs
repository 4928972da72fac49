//! What a request that changes something says of a member that may be absent (RFC 7396): nothing, none, or a value.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::invalid::InvalidInput;

/// What is said of a member. Read it with `#[serde(default)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Given<T> {
    /// Nothing: it stays.
    #[default]
    Nothing,
    /// `null`: it is taken away.
    Null,
    /// A value: it is set.
    Value(T),
}

impl<T> Given<T> {
    /// Whether nothing is said.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// The same of the value that is made of this one.
    ///
    /// # Errors
    /// What making it says.
    pub fn try_map<U, E>(self, make: impl FnOnce(T) -> Result<U, E>) -> Result<Given<U>, E> {
        Ok(match self {
            Self::Nothing => Given::Nothing,
            Self::Null => Given::Null,
            Self::Value(value) => Given::Value(make(value)?),
        })
    }

    /// The same of a reference.
    pub fn as_ref(&self) -> Given<&T> {
        match self {
            Self::Nothing => Given::Nothing,
            Self::Null => Given::Null,
            Self::Value(value) => Given::Value(value),
        }
    }

    /// What is to be there afterwards, if it changes.
    pub fn said(self) -> Option<Option<T>> {
        match self {
            Self::Nothing => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    /// The value of a member that is always there.
    ///
    /// # Errors
    /// [`InvalidInput`] for `null`.
    pub fn of_what_stays(self, field: &'static str) -> Result<Option<T>, InvalidInput> {
        match self {
            Self::Nothing => Ok(None),
            Self::Value(value) => Ok(Some(value)),
            Self::Null => Err(InvalidInput {
                field,
                reason: "it cannot be null, because it always has a value; leave it out to keep \
                         it"
                .to_owned(),
            }),
        }
    }
}

impl<T> From<Option<T>> for Given<T> {
    /// What is none stays.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Self::Value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Option::deserialize(deserializer)?;
        Ok(read.map_or(Self::Null, Self::Value))
    }
}

impl<T: Serialize> Serialize for Given<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing | Self::Null => serializer.serialize_none(),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Patch {
        #[serde(default)]
        name: Given<String>,
    }

    #[test]
    fn a_member_that_is_absent_null_or_there_is_told_apart() {
        for (text, given) in [
            ("{}", Given::Nothing),
            (r#"{"name":null}"#, Given::Null),
            (r#"{"name":"N"}"#, Given::Value("N".to_owned())),
        ] {
            let patch: Patch = serde_json::from_str(text).expect("a patch");
            let kept = patch.name.clone().of_what_stays("name");
            assert_eq!(kept.is_err(), given == Given::Null, "{text}");
            assert_eq!(patch.name, given, "{text}");
        }
    }
}
