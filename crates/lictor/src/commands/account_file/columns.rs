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

/// What a column of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// This one.
    Known(&'static str),
    /// One that nobody wants.
    LeftOut,
    /// One without a name in the first line: nobody knows what a value in it means.
    Unnamed,
}

/// One `--map COLUMN=HEADER`; without a column, the header's is left out.
#[derive(Debug, Clone)]
pub(crate) struct ColumnMapping {
    column: Option<&'static str>,
    header: String,
}

/// Reads a `--map`.
///
/// # Errors
/// It has no `=`, no header, or names a column that is not known.
pub(crate) fn mapped(text: &str) -> Result<ColumnMapping, String> {
    let (name, header) = text
        .split_once('=')
        .ok_or_else(|| "write COLUMN=HEADER, such as 'email=User Email'".to_owned())?;
    let mut known = COLUMNS.iter().map(|(column, _)| *column);
    let column = match folded(name) {
        none if none.is_empty() => None,
        name => Some(known.find(|column| *column == name).ok_or_else(|| {
            let all = list();
            format!("no column has this name; before the `=` write one of {all}, or nothing")
        })?),
    };
    if header.trim().is_empty() {
        return Err(
            "after the `=` write the name in the file's first line; ignore a column without a \
             name by its number, as in --ignore 3"
                .to_owned(),
        );
    }
    Ok(ColumnMapping {
        column,
        header: header.trim().to_owned(),
    })
}

/// Reads an `--ignore`: the place of a column, from 0 on.
///
/// # Errors
/// It is neither a number from 1 on nor a letter or two.
pub(crate) fn ignored(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let letters = |place: usize, letter: u8| place * 26 + usize::from(letter & 0x1f);
    let is_letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let number = match text.len() {
        1 | 2 if is_letters(text) => text.bytes().fold(0, letters),
        _ => text.parse().unwrap_or_default(),
    };
    number.checked_sub(1).ok_or_else(|| {
        "write the column's number or letter, such as 3 or C; ignore one with a name by --map \
         '=NAME'"
            .to_owned()
    })
}

/// The refusal of a value in a column without a name.
pub(super) fn unnamed(at: usize) -> String {
    format!(
        "{} has no name in the first line and a value here; name it there, or ignore it with \
         --ignore {}",
        place(at),
        at + 1
    )
}

/// What people call a column: its number, and its letters in a spreadsheet.
fn place(at: usize) -> String {
    let (mut letters, mut left) = (Vec::new(), at + 1);
    while left > 0 {
        left -= 1;
        letters.insert(
            0,
            char::from(b'A' + u8::try_from(left % 26).unwrap_or_default()),
        );
        left /= 26;
    }
    let letters: String = letters.into_iter().collect();
    format!("column {} ({letters})", at + 1)
}

/// What each of a file's columns is.
///
/// # Errors
/// A header that is not known, a column that is there twice, no column of e-mails, and a `--map` whose
/// header is not there, in words.
pub(super) fn of<'a>(
    headers: impl Iterator<Item = &'a str>,
    maps: &[ColumnMapping],
    ignored: &[usize],
) -> Result<Vec<Column>, String> {
    let headers: Vec<&str> = headers.collect();
    if let Some(beyond) = ignored.iter().find(|at| **at >= headers.len()) {
        let count = headers.len();
        return Err(format!(
            "there is no {} for --ignore; there are {count}",
            place(*beyond)
        ));
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
    let (mut columns, mut unknown) = (Vec::new(), Vec::new());
    for (at, header) in headers.iter().enumerate() {
        let column = match maps.iter().find(|map| is(header, map)) {
            _ if ignored.contains(&at) => Column::LeftOut,
            _ if header.trim().is_empty() => Column::Unnamed,
            Some(map) => map.column.map_or(Column::LeftOut, Column::Known),
            None => by_name(header).map_or_else(
                || {
                    unknown.push(printable(header));
                    Column::LeftOut
                },
                Column::Known,
            ),
        };
        if let Column::Known(name) = column
            && let Some(before) = found.insert(name, header)
        {
            return Err(twice(name, before, header));
        }
        columns.push(column);
    }
    if let [first, more @ ..] = unknown.as_slice() {
        return Err(not_known(first, more));
    }
    if !found.contains_key("email") {
        return Err("there is no column `email`; name yours with --map 'email=HEADER'".to_owned());
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

fn is(header: &str, map: &ColumnMapping) -> bool {
    map.header.to_lowercase() == header.to_lowercase()
}

/// Names all that are not known, so that one answer is enough.
fn not_known(first: &str, more: &[String]) -> String {
    let more: Vec<String> = more.iter().map(|header| format!("`{header}`")).collect();
    let more = match more.as_slice() {
        [] => String::new(),
        more => format!(" (and {})", more.join(", ")),
    };
    format!(
        "unknown column `{first}`{more}; the columns are {}. Say which it is with --map \
         'COLUMN={first}', or ignore it with --map '={first}'",
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
