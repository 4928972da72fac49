//! The statements as they stand in the source, so that none is forgotten: texts that begin as one does,
//! with the constants in them put in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::accounts::{ACTIVE, REMOVED};
use super::super::facts::OPERATOR;

/// What a statement begins with.
const VERBS: [&str; 5] = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];

/// Parts that add columns or conditions, and are no part of how rows are found.
const ADDED: [&str; 2] = ["{used}", "{condition}"];

/// The words of enums that statements name.
const WORDS: [(&str, &str); 3] = [
    ("{REMOVED}", REMOVED),
    ("{ACTIVE}", ACTIVE),
    ("{OPERATOR}", OPERATOR),
];

/// All statements but those of the check and the tests, which read everything.
pub(super) fn statements() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sqlite");
    let files = files(&root).into_iter();
    let texts: Vec<_> = files.map(|file| (literals(&read(&file)), file)).collect();
    let words = WORDS.map(|(name, word)| (name.to_owned(), word.to_owned()));
    let named = texts.iter().flat_map(|(texts, _)| constants(texts));
    let all: BTreeMap<_, _> = named.chain(words).collect();
    let of_others = |file: &Path| {
        let name = file.strip_prefix(&root).unwrap_or(file).to_string_lossy();
        ["check.rs", "check/", "query_plans.rs", "query_plans/"]
            .iter()
            .any(|other| name.starts_with(other))
    };
    let mut found = Vec::new();
    for (texts, _) in texts.iter().filter(|(_, file)| !of_others(file)) {
        let own: BTreeMap<_, _> = constants(texts).collect();
        for (_, text) in texts {
            if VERBS.iter().any(|verb| text.starts_with(verb)) {
                found.push(put_in(&put_in(text, &own), &all));
            }
        }
    }
    found
}

/// Whether a statement is asked with parts that only running code knows.
pub(super) fn is_open(statement: &str) -> bool {
    statement.contains('{')
}

/// Whether a statement that was asked is this open one.
pub(super) fn is_of(asked: &str, open: &str) -> bool {
    let mut rest = asked;
    let mut parts = open.split('{').enumerate();
    parts.all(|(at, part)| {
        let part = if at == 0 {
            part
        } else {
            part.split_once('}').map_or("", |(_, part)| part)
        };
        let found = rest.find(part).filter(|found| at > 0 || *found == 0);
        found.is_some_and(|found| {
            rest = &rest[found + part.len()..];
            true
        })
    })
}

/// A statement on one line.
pub(super) fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the source");
    let paths = entries.map(|entry| entry.expect("a file").path());
    let (folders, mut found): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    found.extend(folders.iter().flat_map(|folder| files(folder)));
    found.sort();
    found
}

/// What stands before the tests, without comments.
fn read(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("reads");
    let text = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n").replace("'\"'", "' '")
}

/// The texts between quotes, each with the constant that it is.
fn literals(code: &str) -> Vec<(Option<String>, String)> {
    let (mut found, mut rest) = (Vec::new(), code);
    while let Some((before, from)) = rest.split_once('"') {
        let mut end = 0;
        while let Some(byte) = from.as_bytes().get(end) {
            match byte {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        let raw = from.get(..end).unwrap_or_default();
        let text = raw
            .replace("\\\n", " ")
            .replace("\\\"", "\"")
            .replace("\\\\", "\\");
        found.push((constant(before), on_one_line(&text)));
        rest = from.get(end + 1..).unwrap_or_default();
    }
    found
}

/// The name in `const NAME: &str =` where that is what a text ends with.
fn constant(before: &str) -> Option<String> {
    let (_, name) = before
        .trim_end()
        .strip_suffix(": &str =")?
        .rsplit_once(' ')?;
    Some(name.to_owned())
}

fn constants(texts: &[(Option<String>, String)]) -> impl Iterator<Item = (String, String)> + '_ {
    let named = texts.iter();
    named.filter_map(|(name, text)| Some((format!("{{{}}}", name.as_ref()?), text.clone())))
}

fn put_in(text: &str, constants: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in constants {
        text = text.replace(name, value);
    }
    ADDED.iter().fold(text, |text, part| text.replace(part, ""))
}
