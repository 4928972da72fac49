//! An event as one line: without secrets, without what could change how a terminal shows it, and with
//! long values cut.

use std::io::{self, IsTerminal as _, Write};

use lictor_core::secret::masked;

use crate::config::LogFormat;
use crate::output;

/// The longest line of text, and the longest value in a line of JSON, in bytes.
const LONGEST: usize = 2_048;

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Text.
    Plain,
    /// Text with colors, the only escape sequences in it: those in values come escaped.
    Colored,
    /// JSON.
    Json,
}

impl Line {
    /// What they are on this standard error.
    pub(super) fn of(form: LogFormat) -> Self {
        let colors = || io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        match form {
            LogFormat::Json => Self::Json,
            LogFormat::Text if colors() => Self::Colored,
            LogFormat::Text => Self::Plain,
        }
    }
}

/// Writes each event, which comes as a whole, as one line.
pub(super) struct OneLine<W>(pub(super) Line, pub(super) W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let event_text = String::from_utf8_lossy(event);
        let shown = masked(&event_text);
        let text = shown.strip_suffix('\n').unwrap_or(&shown);
        let text = text.replace(['\n', '\r'], " ");
        let mut line = match self.0 {
            Line::Plain => cut(output::printable(&text)),
            Line::Colored => {
                let parts: Vec<_> = text.split('\u{1b}').map(output::printable).collect();
                cut(parts.join("\u{1b}"))
            }
            Line::Json => output::inert_json(&cut_json(&text)),
        };
        line.push('\n');
        self.1.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1.flush()
    }
}

/// The replacement for bytes that were cut off.
fn cut_off(bytes: usize) -> String {
    format!("… ({bytes} more bytes)")
}

fn cut(mut line: String) -> String {
    if line.len() > LONGEST {
        let end = line.floor_char_boundary(LONGEST);
        let more = cut_off(line.len() - end);
        line.truncate(end);
        if line.contains('\u{1b}') {
            // Colors end with the line.
            line.push_str("\u{1b}[0m");
        }
        line.push_str(&more);
    }
    line
}

/// The same JSON with its long texts cut.
fn cut_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find('"') {
        let (before, quoted) = rest.split_at(begin + 1);
        out.push_str(before);
        let (shown, length) = within_quotes(quoted);
        out.push_str(&quoted[..shown]);
        if shown < length {
            out.push_str(&cut_off(length - shown));
        }
        rest = &quoted[length..];
        if let Some(following) = rest.strip_prefix('"') {
            out.push('"');
            rest = following;
        }
    }
    out.push_str(rest);
    out
}

/// How much of a text that begins here is shown, and where it ends, in bytes.
fn within_quotes(text: &str) -> (usize, usize) {
    let (mut shown, mut at) = (0, 0);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let mut length = letter.len_utf8();
        match letter {
            '"' => break,
            // What is escaped stays whole.
            '\\' => match letters.next() {
                Some('u') => {
                    length += 1 + letters.by_ref().take(4).map(char::len_utf8).sum::<usize>();
                }
                Some(other) => length += other.len_utf8(),
                None => {}
            },
            _ => {}
        }
        at += length;
        if at <= LONGEST {
            shown = at;
        }
    }
    (shown, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        let mut log = OneLine(Line::Plain, Vec::new());
        log.write_all(b"INFO two\nlines\r\n").expect("writes");
        assert_eq!(log.1, b"INFO two lines \n");
        log.1.clear();
        let event = b"INFO no answer from https://me:word@example.com/\n";
        assert_eq!(log.write(event).expect("writes"), event.len());
        assert_eq!(log.1, b"INFO no answer from https://***@example.com/\n");
    }

    #[test]
    fn an_event_changes_nothing_about_how_a_terminal_shows_it() {
        let event = "\u{1b}[32mINFO\u{1b}[0m of \"a\u{202e}b\u{9b}c\u{200f}\"\n";
        for (form, shown) in [
            (
                Line::Plain,
                "\\u{1b}[32mINFO\\u{1b}[0m of \"a\\u{202e}b\\u{9b}c\\u{200f}\"\n",
            ),
            (
                Line::Colored,
                "\u{1b}[32mINFO\u{1b}[0m of \"a\\u{202e}b\\u{9b}c\\u{200f}\"\n",
            ),
            (
                Line::Json,
                "\\u001b[32mINFO\\u001b[0m of \"a\\u202eb\\u009bc\\u200f\"\n",
            ),
        ] {
            let mut log = OneLine(form, Vec::new());
            log.write_all(event.as_bytes()).expect("writes");
            assert_eq!(String::from_utf8_lossy(&log.1), shown);
        }
    }

    #[test]
    fn long_values_are_cut_and_json_stays_json() {
        for filling in ["x", "é", "\\", "\"", "\u{1}", "\u{202e}", "👩"] {
            let long = filling.repeat(100_000);
            let json = serde_json::json!({ "level": "INFO", "path": long, "n": 7 }).to_string();
            let mut log = OneLine(Line::Json, Vec::new());
            log.write_all(json.as_bytes()).expect("writes");
            assert!(log.1.len() < 16 * LONGEST, "{filling:?}: {}", log.1.len());
            let line = String::from_utf8(log.1).expect("text");
            let read: serde_json::Value = serde_json::from_str(&line).expect(&line);
            assert_eq!((&read["level"], &read["n"]), (&"INFO".into(), &7.into()));
            let path = read["path"].as_str().expect("text");
            assert!(path.starts_with(filling) && path.ends_with(" more bytes)"));

            let mut log = OneLine(Line::Colored, Vec::new());
            let event = format!("\u{1b}[32mINFO\u{1b}[0m path={long}\n");
            log.write_all(event.as_bytes()).expect("writes");
            let line = String::from_utf8(log.1).expect("text");
            assert!(line.len() < 2 * LONGEST, "{filling:?}: {}", line.len());
            assert!(line.ends_with(" more bytes)\n"), "{line}");
        }
        let short = r#"{"a":"x\"\\\u0001","b":["c",{}]}"#;
        assert_eq!(cut_json(short), short);
    }
}
