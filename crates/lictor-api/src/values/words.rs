//! Words: closed in what is sent, open in what is answered, so that an old client reads what a newer server says.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use lictor_core::KeyStatus;
use lictor_core::TrustPolicy;
use lictor_core::facts::account::{AccountKind, AccountStatus};
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::lease::LeaseEnd;
use lictor_core::facts::right::{Resource, Right};
use lictor_core::facts::role::Role;
use lictor_core::facts::scope::Scope;
use lictor_core::facts::seats::SeatReason;
use lictor_core::feed::Mode;
use lictor_core::rules::batch::BatchMode;
use lictor_core::rules::outlook::Reason as OutlookReason;
use lictor_core::words::listed;
use schemars::generate::Contract;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The extension of a schema that lists the words known so far.
pub const KNOWN_WORDS: &str = "x-known-words";

/// An enum that is answered and sent as one of some words.
pub trait Words: Copy + PartialEq + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// The word for it.
    fn word(self) -> &'static str;
}

/// What a text stands for.
pub trait Meaning: Sized {
    /// What this text stands for.
    ///
    /// # Errors
    /// What to write instead.
    fn read(text: &str) -> Result<Self, String>;

    /// The schema of such a text.
    fn schema(contract: &Contract) -> Schema;
}

impl<T: Words> Meaning for T {
    fn read(text: &str) -> Result<Self, String> {
        let known = T::ALL.iter().copied().find(|one| one.word() == text);
        known.ok_or_else(|| format!("use {}", listed(T::ALL.iter().map(|one| one.word()))))
    }

    fn schema(contract: &Contract) -> Schema {
        let words: Vec<&str> = T::ALL.iter().map(|one| one.word()).collect();
        match contract.is_deserialize() {
            true => json_schema!({ "type": "string", "enum": words }),
            false => json_schema!({ "type": "string", KNOWN_WORDS: words }),
        }
    }
}

impl Meaning for Scope {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn schema(_: &Contract) -> Schema {
        let example = Self::of(Right::read(Resource::Licenses)).to_string();
        json_schema!({ "type": "string", "examples": [example] })
    }
}

/// Narrows the schema of a member that is sent to some of its words.
pub fn only<T: Words>(schema: &mut Schema, words: &[T]) {
    let words: Vec<&str> = words.iter().map(|one| one.word()).collect();
    // What is answered stays open.
    if schema.get("enum").is_some() {
        schema.insert("enum".to_owned(), words.into());
    }
}

/// A text that stands for a `T`. It is read by whoever uses it, so that a request that is refused learns which
/// member was wrong, and an answer with a word that is not known here is read all the same.
pub struct Text<T> {
    text: Cow<'static, str>,
    of: PhantomData<fn() -> T>,
}

impl<T> Text<T> {
    /// This text, whatever it says.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        Self {
            text,
            of: PhantomData,
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<T: Meaning> Text<T> {
    /// What it stands for.
    ///
    /// # Errors
    /// What to write instead.
    pub fn read(&self) -> Result<T, String> {
        T::read(&self.text)
    }

    /// What it stands for, if that is known here.
    pub fn known(&self) -> Option<T> {
        self.read().ok()
    }
}

impl<T: Words> Text<T> {
    /// Whether it is this word.
    pub fn is(&self, word: T) -> bool {
        self.text == word.word()
    }
}

impl<T: Words> From<T> for Text<T> {
    fn from(word: T) -> Self {
        Self::new(word.word())
    }
}

impl From<&Scope> for Text<Scope> {
    fn from(scope: &Scope) -> Self {
        Self::new(scope.to_string())
    }
}

impl<T> Clone for Text<T> {
    fn clone(&self) -> Self {
        Self::new(self.text.clone())
    }
}

impl<T> fmt::Debug for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl<T> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl<T> PartialEq for Text<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T> Eq for Text<T> {}

impl<T> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, T> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl<T: Meaning> JsonSchema for Text<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Text").into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator.contract())
    }
}

impl Words for AccountKind {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Words for AccountStatus {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Words for KeyStatus {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Words for LeaseEnd {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Words for Mode {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Words for OutlookReason {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Words for OverLimit {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Words for Role {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Words for BatchMode {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Words for SeatReason {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Words for TrustPolicy {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_not_known_is_kept_and_a_known_one_is_read() {
        let read = |text: &str| serde_json::from_str::<Text<OverLimit>>(text).expect("text");
        assert_eq!(read("\"allow\"").known(), Some(OverLimit::Allow));
        let newer = read("\"queue\"");
        assert_eq!((newer.known(), newer.as_str()), (None, "queue"));
        assert_eq!(newer.read(), Err("use refuse or allow".to_owned()));
        assert_eq!(serde_json::to_string(&newer).expect("text"), "\"queue\"");
    }
}
