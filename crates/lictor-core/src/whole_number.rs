//! Whole numbers in JSON and in queries, in any notation: `60`, `60.0` and `6e1` are the same number.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// The greatest float that is accepted, 2^52. A JSON reader may be off by the last digit of a float, and up to here
/// that cannot yield another whole number.
const MAX_EXACT: f64 = 4_503_599_627_370_496.0;

/// The whole number that a float represents. `None` if it has a fraction, or is so large that it may be inexact.
pub fn of_float(number: f64) -> Option<i64> {
    let is_whole = number.fract() == 0.0 && number.abs() <= MAX_EXACT;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is whole and below 2^53"
    )]
    is_whole.then_some(number as i64)
}

/// The whole number, 0 or more, in a query parameter. `None` if it is not one.
pub fn of_text(text: &str) -> Option<u64> {
    let begins = |byte: &u8| byte.is_ascii_digit();
    if !text.as_bytes().first().is_some_and(begins) {
        return None;
    }
    let float = || text.parse().ok().and_then(of_float);
    let whole = || float().and_then(|number| number.try_into().ok());
    text.parse().ok().or_else(whole)
}

/// A type of whole numbers.
pub trait Number: TryFrom<u64> + TryFrom<i64> {
    /// The words for an error message: what is wanted.
    const WANTED: &'static str;
}

impl Number for u64 {
    const WANTED: &'static str = "a whole number, 0 or more,";
}

impl Number for u32 {
    const WANTED: &'static str = <u64 as Number>::WANTED;
}

impl Number for i64 {
    const WANTED: &'static str = "a whole number";
}

/// A whole number in JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct WholeNumber<T>(pub T);

impl<'de, T: Number> Deserialize<'de> for WholeNumber<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Unlike a reader of integers, this also accepts floats.
        deserializer.deserialize_any(WholeNumberVisitor(PhantomData))
    }
}

struct WholeNumberVisitor<T>(PhantomData<T>);

impl<T: Number> Visitor<'_> for WholeNumberVisitor<T> {
    type Value = WholeNumber<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WANTED)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        let refused = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
        T::try_from(number).map(WholeNumber).map_err(refused)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        let refused = |_| E::invalid_value(Unexpected::Signed(number), &self);
        T::try_from(number).map(WholeNumber).map_err(refused)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        let whole = of_float(number).and_then(|whole| T::try_from(whole).ok());
        whole
            .map(WholeNumber)
            .ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
}

/// Reads a whole number, for `deserialize_with`.
///
/// # Errors
/// The deserializer's error.
pub fn read<'de, T: Number, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    WholeNumber::deserialize(deserializer).map(|WholeNumber(number)| number)
}

/// Reads a whole number that may be absent or `null`, for `deserialize_with`.
///
/// # Errors
/// The deserializer's error.
pub fn read_some<'de, T: Number, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let read = Option::<WholeNumber<T>>::deserialize(deserializer)?;
    Ok(read.map(|WholeNumber(number)| number))
}

/// Reads a list of whole numbers, for `deserialize_with`.
///
/// # Errors
/// The deserializer's error.
pub fn read_each<'de, T: Number, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let read = Vec::<WholeNumber<T>>::deserialize(deserializer)?;
    Ok(read.into_iter().map(|WholeNumber(number)| number).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_error;

    #[test]
    fn a_whole_number_is_read_however_it_is_written() {
        for (text, number) in [
            ("0", Some(0)),
            ("60", Some(60)),
            ("60.0", Some(60)),
            ("6e1", Some(60)),
            ("1E+2", Some(100)),
            ("-0.0", Some(0)),
            ("1e-400", Some(0)),
            ("100000000000000.0", Some(100_000_000_000_000)),
            ("9007199254740991.0", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9007199254740992.0", None),
            ("9223372036854775808", None),
            ("60.5", None),
            ("1e300", None),
            ("\"60\"", None),
            ("null", None),
            ("[60]", None),
            ("true", None),
        ] {
            let read = serde_json::from_str::<WholeNumber<i64>>(text);
            assert_eq!(read.ok(), number.map(WholeNumber), "{text}");
            let unsigned = serde_json::from_str::<WholeNumber<u64>>(text).ok();
            let expected = number.and_then(|number| u64::try_from(number).ok());
            if text != "9223372036854775808" {
                assert_eq!(unsigned, expected.map(WholeNumber), "{text}");
            }
        }
        for negative in ["-1", "-1.0"] {
            assert!(serde_json::from_str::<WholeNumber<u64>>(negative).is_err());
            assert_eq!(
                serde_json::from_str(negative).ok(),
                Some(WholeNumber(-1_i64))
            );
        }
    }

    #[test]
    fn what_is_no_whole_number_is_said_without_the_words_of_types() {
        for (text, said) in [
            (
                "1.5",
                "a whole number, 0 or more, is wanted, not this number (line 1, column 3)",
            ),
            (
                "-1",
                "a whole number, 0 or more, is wanted, not this number (line 1, column 2)",
            ),
            (
                "true",
                "a whole number, 0 or more, is wanted, not a boolean (line 1, column 4)",
            ),
        ] {
            let error = serde_json::from_str::<WholeNumber<u64>>(text).expect_err(text);
            assert_eq!(parse_error::of_json(text, &error), said);
        }
    }

    #[test]
    fn a_query_takes_the_same_numbers() {
        for (text, number) in [
            ("60", Some(60)),
            ("60.0", Some(60)),
            ("1e2", Some(100)),
            ("18446744073709551615", Some(u64::MAX)),
            ("007", Some(7)),
            ("+60", None),
            ("-1", None),
            (".5e1", None),
            ("60.5", None),
            ("1e400", None),
            ("inf", None),
            ("", None),
        ] {
            assert_eq!(of_text(text), number, "{text}");
        }
    }
}
