//! The words of enums. Each word is written once, beside its enum; storage, the API and commands print and parse
//! it through that.

use std::fmt::Display;

/// Gives an enum its words: `ALL`, `as_str`, `Display`, and a `FromStr` whose error lists them.
macro_rules! words {
    ($enum:ident, $what:literal, { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $enum {
            /// All of them, in order.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word for it, as it is stored, sent and shown.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $enum {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let known = Self::ALL.into_iter().find(|one| one.as_str() == text);
                known.ok_or_else(|| {
                    let words = $crate::words::listed(Self::ALL);
                    format!("`{text}` is not {}; use {words}", $what)
                })
            }
        }
    };
}

pub(crate) use words;

/// Lists words for people: `a, b or c`.
pub fn listed(words: impl IntoIterator<Item = impl Display>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    let last = words.pop().unwrap_or_default();
    match words.is_empty() {
        true => last,
        false => format!("{} or {last}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::str::FromStr;

    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::document::claims::Plan;
    use crate::document::trust::{KeyStatus, TrustPolicy};
    use crate::facts::account::{AccountKind, AccountStatus};
    use crate::facts::application::OverLimit;
    use crate::facts::lease::LeaseEnd;
    use crate::facts::node::Leave;
    use crate::facts::right::{Action, Resource};
    use crate::facts::role::Role;
    use crate::facts::seats::SeatReason;
    use crate::feed::Mode;
    use crate::rules::batch::BatchMode;

    fn are_read<T>(all: &[T])
    where
        T: FromStr<Err = String> + Display + Copy + PartialEq + Debug,
    {
        for one in all {
            assert_eq!(one.to_string().parse::<T>(), Ok(*one));
        }
        let unknown = "x".parse::<T>().expect_err("no word");
        let words = listed(all.iter().copied());
        assert!(unknown.ends_with(&format!("; use {words}")), "{unknown}");
    }

    /// The ledger and the feed have the words as serde writes them.
    fn are_those_of_json<T>(all: &[T])
    where
        T: FromStr<Err = String> + Display + Copy + PartialEq + Debug,
        T: Serialize + DeserializeOwned,
    {
        are_read(all);
        for one in all {
            let json = serde_json::to_string(one).expect("a word");
            assert_eq!(json, format!("\"{one}\""));
            assert_eq!(serde_json::from_str::<T>(&json).ok(), Some(*one));
        }
    }

    #[test]
    fn every_word_is_read_as_it_is_shown_and_as_json_has_it() {
        are_those_of_json(&AccountKind::ALL);
        are_those_of_json(&AccountStatus::ALL);
        are_those_of_json(&KeyStatus::ALL);
        are_those_of_json(&LeaseEnd::ALL);
        are_those_of_json(&Leave::ALL);
        are_those_of_json(&Mode::ALL);
        are_those_of_json(&OverLimit::ALL);
        are_those_of_json(&Role::ALL);
        are_those_of_json(&TrustPolicy::ALL);
        are_read(&Action::ALL);
        are_read(&Plan::ALL);
        are_read(&Resource::ALL);
        are_read(&BatchMode::ALL);
        are_read(&SeatReason::ALL);
    }

    #[test]
    fn words_are_listed_as_people_say_them() {
        assert_eq!(listed(["a"]), "a");
        assert_eq!(listed(["a", "b"]), "a or b");
        assert_eq!(listed(["a", "b", "c"]), "a, b or c");
    }
}
