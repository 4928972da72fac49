//! Which column of a file is which: by its name in any spelling, or by `--map`.

use std::collections::BTreeMap;

use crate::output::printable;

/// The columns that are known, and in small letters without blanks and hyphens what else they are
/// called.
const COLUMNS: [(&str, &[&str]); 7] = [
    ("email", &["emailaddress", "mail"]),
    ("name", &["fullname", "displayname"]),
    ("kind", &["type"]),
    ("status", &["active", "state"]),
    ("language", &["locale"]),
    ("administrator", &["admin", "isadmin"]),
    ("seats", &["applications"]),
];

/// One `--map COLUMN=HEADER`; without a column, the header's is left out.
#[derive(Debug, Clone)]
pub(crate) struct Mapped {
    column: Option<&'static str>,
    header: String,
}

/// Reads a `--map`.
///
/// # Errors
/// It has no `=`, no header, or names a column that is not known.
pub(crate) fn mapped(text: &str) -> Result<Mapped, String> {
    let (name, header) = text
        .split_once('=')
        .ok_or_else(|| "write COLUMN=HEADER, such as 'email=User Email'".to_owned())?;
    let mut known = COLUMNS.iter().map(|(column, _)| *column);
    let column = match folded(name) {
        none if none.is_empty() => None,
        name => Some(known.find(|column| *column == name).ok_or_else(|| {
            let all = list();
            format!("no column is called so; before the `=` stands one of {all}, or nothing")
        })?),
    };
    if header.trim().is_empty() {
        return Err("behind the `=` stands the name that the file's first line has".to_owned());
    }
    Ok(Mapped {
        column,
        header: header.trim().to_owned(),
    })
}

/// The column that each of a file's headers is; none for those that are left out.
///
/// # Errors
/// A header that is not known, a column that is there twice, no column of e-mails, and a `--map` whose
/// header is not there, in words.
pub(super) fn of<'a>(
    headers: impl Iterator<Item = &'a str>,
    maps: &[Mapped],
) -> Result<Vec<Option<&'static str>>, String> {
    let mut headers: Vec<&str> = headers.collect();
    // Spreadsheets write separators for empty columns at the end.
    while headers.len() > 1
        && headers
            .last()
            .is_some_and(|header| header.trim().is_empty())
    {
        headers.pop();
    }
    for map in maps {
        if !headers.iter().any(|header| is(header, map)) {
            let all: Vec<String> = headers
                .iter()
                .map(|header| format!("`{}`", printable(header)))
                .collect();
            return Err(format!(
                "there is no column `{}` for --map; there are {}",
                printable(&map.header),
                all.join(", ")
            ));
        }
    }
    let mut found: BTreeMap<&str, &str> = BTreeMap::new();
    let mut columns = Vec::new();
    for header in &headers {
        let map = maps.iter().find(|map| is(header, map));
        let column = match map {
            Some(map) => map.column,
            None => Some(by_name(header).ok_or_else(|| unknown(&headers, maps))?),
        };
        if let Some(column) = column
            && let Some(before) = found.insert(column, header)
        {
            return Err(twice(column, before, header));
        }
        columns.push(column);
    }
    if !found.contains_key("email") {
        return Err("there is no column `email`; name yours by --map 'email=HEADER'".to_owned());
    }
    Ok(columns)
}

fn by_name(header: &str) -> Option<&'static str> {
    let name = folded(header);
    let mut all = COLUMNS.iter();
    let found = all.find(|(column, others)| *column == name || others.contains(&name.as_str()));
    found.map(|(column, _)| *column)
}

/// In small letters, without blanks, hyphens and the like: `E-mail` is `email`.
fn folded(name: &str) -> String {
    let letters = name
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '-' | '_' | '.'));
    letters.flat_map(char::to_lowercase).collect()
}

fn is(header: &str, map: &Mapped) -> bool {
    map.header.to_lowercase() == header.to_lowercase()
}

/// Names all that are not known, so that one answer is enough.
fn unknown(headers: &[&str], maps: &[Mapped]) -> String {
    let mut unknown = headers
        .iter()
        .filter(|header| by_name(header).is_none() && !maps.iter().any(|map| is(header, map)));
    let first = printable(unknown.next().unwrap_or(&""));
    let more: Vec<String> = unknown
        .map(|header| format!("`{}`", printable(header)))
        .collect();
    let more = match more.as_slice() {
        [] => String::new(),
        more => format!(" (and {})", more.join(", ")),
    };
    format!(
        "unknown column `{first}`{more}; the columns are {}. Say which it is by \
         --map 'COLUMN={first}', or leave it out by --map '={first}'",
        list()
    )
}

fn twice(column: &str, before: &str, header: &str) -> String {
    let (before, header) = (printable(before), printable(header));
    format!("there is a column `{column}` twice: `{before}` and `{header}`")
}

fn list() -> String {
    COLUMNS.map(|(column, _)| column).join(", ")
}
