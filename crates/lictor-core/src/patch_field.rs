//! A member of a merge patch (RFC 7396): absent, `null`, or a value.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::invalid::InvalidInput;

/// A member of a merge patch. Deserialize it with `#[serde(default)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PatchField<T> {
    /// The member is absent: the field stays as it is.
    #[default]
    Absent,
    /// The member is `null`: the field is removed.
    Null,
    /// The member has a value: the field is set.
    Value(T),
}

impl<T> PatchField<T> {
    /// Whether the member is absent.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Converts the value.
    ///
    /// # Errors
    /// The error of `make`.
    pub fn try_map<U, E>(self, make: impl FnOnce(T) -> Result<U, E>) -> Result<PatchField<U>, E> {
        Ok(match self {
            Self::Absent => PatchField::Absent,
            Self::Null => PatchField::Null,
            Self::Value(value) => PatchField::Value(make(value)?),
        })
    }

    /// The same with a reference to the value.
    pub fn as_ref(&self) -> PatchField<&T> {
        match self {
            Self::Absent => PatchField::Absent,
            Self::Null => PatchField::Null,
            Self::Value(value) => PatchField::Value(value),
        }
    }

    /// The field after the patch. The outer `None` means that it stays as it is.
    pub fn into_change(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    /// The value for a field that always has one.
    ///
    /// # Errors
    /// [`InvalidInput`] for `null`.
    pub fn required(self, field: &'static str) -> Result<Option<T>, InvalidInput> {
        match self {
            Self::Absent => Ok(None),
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

impl<T> From<Option<T>> for PatchField<T> {
    /// `None` becomes an absent member.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PatchField<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Option::deserialize(deserializer)?;
        Ok(read.map_or(Self::Null, Self::Value))
    }
}

impl<T: Serialize> Serialize for PatchField<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent | Self::Null => serializer.serialize_none(),
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
        name: PatchField<String>,
    }

    #[test]
    fn a_member_that_is_absent_null_or_there_is_told_apart() {
        for (text, given) in [
            ("{}", PatchField::Absent),
            (r#"{"name":null}"#, PatchField::Null),
            (r#"{"name":"N"}"#, PatchField::Value("N".to_owned())),
        ] {
            let patch: Patch = serde_json::from_str(text).expect("a patch");
            let kept = patch.name.clone().required("name");
            assert_eq!(kept.is_err(), given == PatchField::Null, "{text}");
            assert_eq!(patch.name, given, "{text}");
        }
    }
}
