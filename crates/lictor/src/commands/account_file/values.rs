//! What the words in a file's fields mean, in any case, as spreadsheets and people write them.

use lictor_core::facts::account::{AccountKind, AccountStatus};
use lictor_core::words::listed;
use serde_json::Value;

/// The value of a column's field that has something in it.
///
/// # Errors
/// The known words, if it is not one of them.
pub(super) fn read(column: &str, text: &str) -> Result<Value, String> {
    let word = text.to_ascii_lowercase();
    match column {
        "administrator" => flag(&word)
            .map(Value::from)
            .ok_or_else(|| "administrator: use true or false".to_owned()),
        "kind" => match word.parse::<AccountKind>() {
            Ok(kind) => Ok(kind.as_str().into()),
            Err(_) => Err(format!("kind: use {}", listed(AccountKind::ALL))),
        },
        "status" => status(&word).map(Value::from),
        "language" => Ok(language(text).into()),
        _ => Ok(text.into()),
    }
}

fn flag(word: &str) -> Option<bool> {
    match word {
        "true" | "yes" | "y" | "1" => Some(true),
        "false" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// A column `Active` says yes or no, a column `Status` which.
fn status(word: &str) -> Result<&'static str, String> {
    let (active, invited) = (AccountStatus::Active, AccountStatus::Invited);
    match (word.parse(), flag(word)) {
        (Ok(AccountStatus::Active), _) | (_, Some(true)) => Ok(active.as_str()),
        (Ok(AccountStatus::Invited), _) => Ok(invited.as_str()),
        (_, Some(false)) => Err(format!(
            "status: an account is created {active} or {invited}; leave out rows that are not {active}"
        )),
        _ => Err(format!("status: use {active} or {invited}")),
    }
}

/// `de-de` is `de_DE`; what has another form, the server judges.
fn language(text: &str) -> String {
    match text.split_once(['_', '-']) {
        Some((language, country)) if text.is_ascii() && text.len() == 5 => {
            format!("{}_{}", language.to_lowercase(), country.to_uppercase())
        }
        _ => text.to_owned(),
    }
}
