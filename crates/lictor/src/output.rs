//! The output of commands: results on standard output, everything else on standard error.

mod table;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use lictor_api::values::Instant;
use lictor_core::Plan;
use lictor_core::feed::NodeOverage;
use lictor_core::names::{escaped, is_active};
use lictor_core::secret::masked;
use unicode_width::UnicodeWidthStr as _;

pub(crate) use self::table::{Rows, Widths};
use crate::exit::{Failure, Outcome};
use crate::log;

/// Prints something that is not the result.
pub(crate) fn note(text: &str) {
    let shown = format!("{}\n", lines(&masked(text)));
    if !log::say(&shown) {
        // Nothing can be done if standard error is closed.
        let _ = io::stderr().write_all(shown.as_bytes());
    }
}

/// Prints a line of the result, to the byte: what is not our own goes through [`printable`] first.
pub(crate) fn line(text: &str) -> Outcome {
    raw(format!("{text}\n").as_bytes())
}

/// Prints these bytes and nothing else.
pub(crate) fn raw(bytes: &[u8]) -> Outcome {
    more(bytes).map(drop)
}

/// The same. Returns whether somebody still reads.
pub(crate) fn more(bytes: &[u8]) -> Outcome<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        // Whoever reads has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            NOBODY_READS.store(true, Ordering::Relaxed);
            Ok(false)
        }
        Err(error) => Err(unwritten(&error)),
    }
}

/// Prints a secret that is shown only once, as one word or as JSON. If nobody can have seen it, says so and what
/// to do.
pub(crate) fn secret(answer: &str, word: &str, as_json: bool, unseen: &str) -> Outcome {
    shown_once(unseen, || result(answer, word, as_json))
}

/// Prints something that is shown only once.
pub(crate) fn shown_once(unseen: &str, print: impl FnOnce() -> Outcome) -> Outcome {
    let unseen = format!("nobody can have seen the secret: {unseen}");
    match print() {
        Err(Failure::Refused(why)) => Err(Failure::Refused(format!("{why}; {unseen}"))),
        Ok(()) if NOBODY_READS.load(Ordering::Relaxed) || goes_nowhere() => {
            note(&unseen);
            Ok(())
        }
        other => other,
    }
}

/// Whether the reader of the result has gone away.
static NOBODY_READS: AtomicBool = AtomicBool::new(false);

/// Whether standard output was closed, or is `/dev/null`, which is opened in its place.
pub(crate) fn goes_nowhere() -> bool {
    let out = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let number = |file: io::Result<Metadata>| file.map(|file| file.rdev()).ok();
    let nowhere = number(std::fs::metadata("/dev/null"));
    nowhere.is_some() && number(out.and_then(|out| out.metadata())) == nowhere
}

/// A result that nobody got.
pub(crate) fn unwritten(error: &io::Error) -> Failure {
    Failure::Refused(format!(
        "the result could not be written to standard output: {error}; what was done stays done"
    ))
}

/// Prints JSON, spread over lines; names, their order and figures stay as they are.
pub(crate) fn json(text: &str) -> Outcome {
    line(&spread(text))
}

/// Prints the one word that scripts want of an answer, or all of it as JSON.
pub(crate) fn result(answer: &str, word: &str, as_json: bool) -> Outcome {
    if as_json {
        json(answer)
    } else {
        line(&printable(word))
    }
}

/// Says what was done to the object `id`; as JSON with `done`, one word, as its name.
pub(crate) fn done(done: &str, id: &str, text: &str, as_json: bool) -> Outcome {
    if as_json {
        return json(&serde_json::json!({ done: id }).to_string());
    }
    note(text);
    Ok(())
}

/// Prints names and values, a line each, the values aligned.
pub(crate) fn details(pairs: &[(&str, String)]) -> Outcome {
    let names: Vec<String> = pairs.iter().map(|(name, _)| printable(name)).collect();
    let width = names.iter().map(|name| name.width()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, (_, value)) in names.iter().zip(pairs) {
        let value = if value.is_empty() { "-" } else { value };
        let apart = " ".repeat(width.saturating_sub(name.width()) + 2);
        text.push_str(&format!("{name}{apart}{}\n", printable(value)));
    }
    raw(text.as_bytes())
}

/// A text from elsewhere in one line, without what could change how a terminal shows it.
pub(crate) fn printable(text: &str) -> String {
    escaped(text).into_owned()
}

/// A text of several lines, each without what could change how a terminal shows it.
pub(crate) fn lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(escaped).collect();
    lines.join("\n")
}

/// JSON in which what could change how a terminal shows it is escaped: it says the same.
pub(crate) fn inert_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|letter| push_json(&mut out, letter));
    out
}

/// The same, in visible ASCII alone.
pub(crate) fn ascii_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            ' '..='~' => out.push(letter),
            _ => push_units(&mut out, letter),
        }
    }
    out
}

fn push_json(out: &mut String, letter: char) {
    match is_active(letter) {
        true => push_units(out, letter),
        false => out.push(letter),
    }
}

fn push_units(out: &mut String, letter: char) {
    for unit in letter.encode_utf16(&mut [0; 2]) {
        out.push_str(&format!("\\u{unit:04x}"));
    }
}

/// A member of an answer as people read it. Empty if there is none.
pub(crate) fn text_of(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}

/// Something of an answer as people read it.
pub(crate) fn shown(value: impl Display) -> String {
    printable(&value.to_string())
}

/// The same. Empty if there is none.
pub(crate) fn shown_if(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, shown)
}

/// The date of an instant. Empty if there is none.
pub(crate) fn day(at: Option<Instant>) -> String {
    let at = shown_if(at);
    at.split('T').next().unwrap_or_default().to_owned()
}

/// A limit; none: there is none.
pub(crate) fn limit(limit: Option<impl Into<u64>>) -> String {
    limit.map_or_else(|| "unlimited".to_owned(), |limit| figure(limit.into()))
}

/// The date of a time in an answer. Empty if there is none.
pub(crate) fn date_of(value: &serde_json::Value) -> String {
    let time = text_of(value);
    time.split('T').next().unwrap_or_default().to_owned()
}

/// A limit of an answer; `null` there means that there is none.
pub(crate) fn limit_of(value: &serde_json::Value) -> String {
    value
        .as_u64()
        .map_or_else(|| "unlimited".to_owned(), figure)
}

/// The applications with more nodes than the license in force grants, as rows name them, which may have been
/// read one after the other. Each is shown once.
#[derive(Default)]
pub(crate) struct Exceeded(BTreeMap<String, NodeOverage>);

impl Exceeded {
    /// Takes note of the application that a row names.
    pub(crate) fn see(&mut self, key: String, beyond: Option<NodeOverage>) {
        if let Some(beyond) = beyond {
            self.0.insert(key, beyond);
        }
    }

    /// Says it below a table.
    pub(crate) fn tell(&self, rows: &mut Rows) {
        for (key, beyond) in &self.0 {
            rows.at_end(&format!("{key}: {beyond}"));
        }
    }
}

/// By how many nodes an application is beyond what its license grants.
pub(crate) fn beyond_of(shown: &serde_json::Value) -> Option<NodeOverage> {
    // Without one it shows none that it grants, and no node decides anything.
    if shown["plan"] == Plan::UNLICENSED {
        return None;
    }
    let granted = shown["node_limit"].as_u64()?;
    NodeOverage::of(shown["nodes"].as_u64()?, u32::try_from(granted).ok())
}

/// A count with its thousands apart.
pub(crate) fn figure(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A count of things that have an `s` when there are several: `1 row`, `2 rows`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {what}{ending}", figure(count))
}

/// JSON spread over lines; names, their order and figures stay as they are.
pub(crate) fn spread(text: &str) -> String {
    let (mut out, mut depth, mut quoted, mut escaped) = (String::new(), 0, false, false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if quoted {
            push_json(&mut out, c);
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                while characters.peek().is_some_and(|next| next.is_whitespace()) {
                    characters.next();
                }
                if matches!(characters.peek(), Some('}' | ']')) {
                    out.extend(characters.next());
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = usize::saturating_sub(depth, 1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_whitespace() => {}
            c => {
                quoted = c == '"';
                out.push(c);
            }
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_spread_over_lines_and_stays_the_same() {
        let text = r#"{"b":[1,{"a:":"x, {\"}"}],"a":{},"c":[ ],"d":1e400}"#;
        let lines = "{\n  \"b\": [\n    1,\n    {\n      \"a:\": \"x, {\\\"}\"\n    }\n  ],\n  \
                     \"a\": {},\n  \"c\": [],\n  \"d\": 1e400\n}";
        assert_eq!(spread(text), lines);
        assert_eq!(spread(lines), lines);
    }

    #[test]
    fn what_could_change_a_terminal_is_escaped_in_json_which_says_the_same() {
        let text = "{\"a\u{202e}\": \"\u{200f}\u{9b}\u{7f}\u{e0001}x\u{feff}é👩\u{200d}💻\"}";
        for shown in [spread(text), inert_json(text)] {
            for active in [
                '\u{202e}',
                '\u{200f}',
                '\u{9b}',
                '\u{7f}',
                '\u{e0001}',
                '\u{feff}',
            ] {
                assert!(!shown.contains(active), "{shown}");
            }
            assert!(shown.contains("é👩\u{200d}💻"), "{shown}");
            let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
            assert_eq!(read(&shown), read(text));
            assert!(read(text).is_some());
        }
    }

    #[test]
    fn text_of_several_lines_keeps_them_and_nothing_else_that_moves() {
        let shown = lines("a\u{1b}[2J\nb\u{202e}c\r\n");
        assert_eq!(shown, "a\\u{1b}[2J\nb\\u{202e}c\\r\n");
    }

    #[test]
    fn figures_are_read_in_threes() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1 000"),
            (1_234_567, "1 234 567"),
        ] {
            assert_eq!(figure(count), text);
        }
    }
}
