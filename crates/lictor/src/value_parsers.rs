//! Numbers and lists as people write them: taken where they can be read in one way only, else refused
//! with the form that is meant.

use std::ffi::OsString;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use lictor_core::facts::usage::MAX_COUNT;
use lictor_core::patch_field::PatchField;
use serde_json::Value;

/// Reads one of the core's words; help lists them with what they mean.
pub(crate) fn word<T, const N: usize>(
    meanings: [(T, &'static str); N],
    as_str: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = String> + Clone + Send + Sync + 'static,
{
    let values = meanings.map(|(word, help)| PossibleValue::new(as_str(word)).help(help));
    PossibleValuesParser::new(values).try_map(|text| text.parse::<T>())
}

/// Reads a whole number from 0 to `most`.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn number(text: &str, most: u64) -> Result<u64, String> {
    let text = text.trim();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(text) {
        let number = text.parse().ok().filter(|number| *number <= most);
        return number.ok_or_else(|| format!("more than {most}, the most there can be"));
    }
    let groups: Vec<&str> = text
        .split([',', '.', '_', ' ', '\'', '\u{a0}', '\u{202f}'])
        .collect();
    let threes = groups[1..]
        .iter()
        .all(|group| group.len() == 3 && is_number(group));
    if groups.len() > 1 && threes && is_number(groups[0]) && groups[0].len() <= 3 {
        return Err(format!("write it without separators: {}", groups.concat()));
    }
    let last = text
        .chars()
        .next_back()
        .map(|unit| unit.to_ascii_lowercase());
    let zeros = match last {
        Some('k') => "000",
        Some('m') => "000000",
        _ => "",
    };
    let digits = text.trim_end_matches(char::is_alphabetic);
    if !zeros.is_empty() && is_number(digits) && digits.len() + 1 == text.len() {
        return Err(format!("write it out: {digits}{zeros}"));
    }
    if matches!(text.to_lowercase().as_str(), "unlimited" | "any" | "none") {
        return Err("leave the option out for no limit".to_owned());
    }
    Err(format!("not a whole number from 0 to {most}"))
}

/// The new name of something; an empty one takes the name away.
pub(crate) fn new_name(name: Option<String>) -> PatchField<String> {
    match name {
        None => PatchField::Absent,
        Some(name) if name.is_empty() => PatchField::Null,
        Some(name) => PatchField::Value(name),
    }
}

/// What is to change of an object: the members that are given, and its name, which an empty one takes
/// away.
pub(crate) fn changes(name: Option<String>, mut members: Value) -> Value {
    if let Some(members) = members.as_object_mut() {
        members.retain(|_, value| !value.is_null());
        let name = name.map(|name| match name.is_empty() {
            true => Value::Null,
            false => name.into(),
        });
        members.extend(name.map(|name| ("name".to_owned(), name)));
    }
    members
}

/// Reads a count of requests or a fence.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    number(text, MAX_COUNT)
}

/// Reads a difference between two counts.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn difference(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    Ok(sign * i64::try_from(count(digits)?).unwrap_or(i64::MAX))
}

/// Reads one of several values that commas separate, without the blanks around it.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn listed<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    match text.trim() {
        "" => Err(NOTHING_LISTED.to_owned()),
        value => value.parse().map_err(|error: T::Err| error.to_string()),
    }
}

/// Reads one of several files that commas separate, without the blanks around its name.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn listed_file(name: OsString) -> Result<PathBuf, &'static str> {
    match name.to_str().map(str::trim) {
        Some("") => Err(NOTHING_LISTED),
        Some(text) => Ok(PathBuf::from(text)),
        None => Ok(PathBuf::from(name)),
    }
}

const NOTHING_LISTED: &str = "there is nothing before or after a comma; remove that comma, or \
                              leave the option out if there is nothing to list";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_digits_alone() {
        assert_eq!(number(" 1000 ", 2_000), Ok(1_000));
        for (text, said) in [
            ("1,000", "1000"),
            ("1.000", "1000"),
            ("1_000", "1000"),
            ("1 000 000", "1000000"),
            ("1'000", "1000"),
            ("1k", "1000"),
            ("2M", "2000000"),
            ("2001", "more than 2000"),
            ("99999999999999999999999", "more than"),
            ("unlimited", "leave the option out"),
            ("1.5", "not a whole number"),
            ("-1", "not a whole number"),
            ("", "not a whole number"),
            ("k", "not a whole number"),
        ] {
            let refused = number(text, 2_000).expect_err(text);
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }

    #[test]
    fn blanks_around_commas_are_none_of_a_list_and_nothing_between_them_is_refused() {
        assert_eq!(listed::<String>(" a b\t").as_deref(), Ok("a b"));
        assert_eq!(listed_file(" a b.pub ".into()), Ok("a b.pub".into()));
        for empty in ["", " ", "\t\n"] {
            let refused = listed::<String>(empty).expect_err(empty);
            assert!(refused.contains("remove that comma"), "{refused}");
            assert!(listed_file(empty.into()).is_err(), "{empty:?}");
        }
    }
}
