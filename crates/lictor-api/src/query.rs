//! Query strings: which parameters there are, and how they are read and written.

mod lists;

use std::collections::BTreeMap;

use lictor_core::invalid::InvalidInput;
use lictor_core::whole_number;
use lictor_core::words::listed;

pub use self::lists::{
    Accounts, EndedLeases, Force, Ledger, NoQuery, OfApplication, Page, Stream, Tokens,
};
use crate::values::Instant;

/// The most rows of a page.
pub const MAX_ROWS: u64 = 1_000;

/// The rows of a page if nothing else is asked for.
pub const DEFAULT_ROWS: u64 = 100;

/// The greatest position that can be asked for: 2^53 - 1.
pub const MAX_POSITION: u64 = (1 << 53) - 1;

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Any text.
    Text,
    /// A whole number within bounds.
    Whole {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
        /// What holds if it is left out.
        default: u64,
    },
    /// `true` or `false`; left out: false.
    Flag,
    /// An instant.
    Instant,
    /// One of these words; left out: the first.
    Word(&'static [&'static str]),
}

/// One parameter.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What it holds.
    pub value: Value,
}

const fn parameter(name: &'static str, value: Value, about: &'static str) -> Parameter {
    Parameter { name, about, value }
}

/// The parameters of an operation, as a type that both sides read and write.
pub trait Query: Sized {
    /// Which there are.
    const PARAMETERS: &'static [Parameter];

    /// Takes them from what was given.
    ///
    /// # Errors
    /// [`InvalidInput`] with the name of the parameter.
    fn read(given: &mut Given) -> Result<Self, InvalidInput>;

    /// Writes them.
    fn write(&self, out: &mut Pairs);
}

/// The parameters of a request, each of which must be taken.
#[derive(Debug)]
pub struct Given(Vec<(String, String)>);

impl Given {
    /// Reads the part after the question mark.
    pub fn parse(query: &str) -> Self {
        let parameters = form_urlencoded::parse(query.as_bytes());
        Self(parameters.into_owned().collect())
    }

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses what was not taken: a misspelled filter would otherwise show everything.
    ///
    /// # Errors
    /// [`InvalidInput`].
    pub fn finish(self) -> Result<(), InvalidInput> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(invalid("query", format!("there is no parameter {name:?}"))),
        }
    }

    fn take(&mut self, parameter: &Parameter) -> Result<Option<String>, InvalidInput> {
        let name = parameter.name;
        let mut values = self.0.extract_if(.., |(known, _)| known == name);
        let first = values.next().map(|(_, value)| value);
        match values.next() {
            None => Ok(first),
            Some(_) => Err(invalid(name, "give it once")),
        }
    }

    fn whole(&mut self, parameter: &Parameter) -> Result<Option<u64>, InvalidInput> {
        let Some(text) = self.take(parameter)? else {
            return Ok(None);
        };
        let Value::Whole { min, max, .. } = parameter.value else {
            return Err(invalid(parameter.name, "it is no whole number"));
        };
        let number = whole_number::of_text(&text).filter(|number| (min..=max).contains(number));
        let reason = || format!("use a whole number from {min} to {max}");
        number
            .map(Some)
            .ok_or_else(|| invalid(parameter.name, reason()))
    }

    fn flag(&mut self, parameter: &Parameter) -> Result<bool, InvalidInput> {
        match self.take(parameter)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(invalid(parameter.name, "use true or false")),
        }
    }

    fn instant(&mut self, parameter: &Parameter) -> Result<Option<Instant>, InvalidInput> {
        let text = self.take(parameter)?;
        let instant = text.map(|text| text.parse()).transpose();
        instant.map_err(|reason: String| invalid(parameter.name, reason))
    }

    fn word(&mut self, parameter: &Parameter) -> Result<usize, InvalidInput> {
        let (text, Value::Word(words)) = (self.take(parameter)?, parameter.value) else {
            return Err(invalid(parameter.name, "it is no word"));
        };
        let Some(text) = text else { return Ok(0) };
        let index = words.iter().position(|word| *word == text);
        index.ok_or_else(|| invalid(parameter.name, format!("use {}", listed(words))))
    }
}

fn invalid(field: &'static str, reason: impl Into<String>) -> InvalidInput {
    let reason = reason.into();
    InvalidInput { field, reason }
}

/// Parameters that are sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pairs(pub BTreeMap<&'static str, String>);

impl Pairs {
    fn put(&mut self, parameter: &Parameter, value: Option<&impl ToString>) {
        let value = value.map(ToString::to_string);
        self.0.extend(value.map(|value| (parameter.name, value)));
    }
}
