//! Files that should be a license or a public key. If one is something else, the message says what, as its
//! cause and what helps.

use std::path::Path;

use lictor_core::Document;
use lictor_core::secret::{self, Secret};

use crate::exit::{Failure, Outcome};
use crate::files;

/// Reads a license document. A byte-order mark at its start is no part of it.
///
/// # Errors
/// The file cannot be read, or is surely something else: [`Failure::Usage`] where it is a secret,
/// which is not to be sent, else [`Failure::Refused`] with the cause.
pub(crate) fn read_license(path: &Path) -> Outcome<String> {
    let bytes = files::read_bytes(path)?;
    refuse_secret(path, &bytes, "a license document")?;
    let text = text_of(path, bytes)?;
    let cause = match Document::parse(&text) {
        Ok(_) => None,
        Err(_) => cause(&text),
    };
    match cause {
        Some(cause) => Err(Failure::Refused(format!(
            "{} is not a license: {cause}",
            files::shown(path)
        ))),
        None => Ok(text),
    }
}

/// Reads text that is not secret.
///
/// # Errors
/// As [`read_license`], but the text may be anything.
pub(crate) fn read_public(path: &Path, wanted: &str) -> Outcome<String> {
    let bytes = files::read_bytes(path)?;
    refuse_secret(path, &bytes, wanted)?;
    text_of(path, bytes)
}

/// What a text is instead, in words that say what helps. `None` if nothing is known.
pub(crate) fn cause(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let begins = |words: &[&str]| {
        let start: String = text.chars().take(32).collect::<String>().to_lowercase();
        words.iter().any(|word| start.starts_with(word))
    };
    if text.is_empty() {
        return Some("it is empty");
    }
    if begins(&["<!doctype", "<html", "<head", "<body"]) {
        return Some("it is a web page (HTML); download the file itself, signed in if need be");
    }
    if begins(&["<?xml", "{\\rtf"]) {
        return Some("it is a document of another program; ask for the license as it was issued");
    }
    if begins(&["-----begin public key"]) {
        return Some("it is a public key; `lictor trust add` takes that");
    }
    if begins(&["-----begin"]) {
        return Some("it is a certificate or another file in PEM form");
    }
    wrapped(text)
}

/// A license with something around it, or changed on its way.
fn wrapped(text: &str) -> Option<&'static str> {
    let is_license = |text: &str| Document::parse(text.trim()).is_ok();
    if is_license(text) {
        return Some("it is a license; `lictor license add` takes that");
    }
    let without_lines: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let within = without_lines.trim_matches(['"', '\'', '`', '\u{201c}', '\u{201d}', '\u{201e}']);
    let unescaped = serde_json::from_str::<String>(&format!("\"{within}\"")).unwrap_or_default();
    if within.len() < without_lines.len() && (is_license(within) || is_license(&unescaped)) {
        return Some(
            "it is in quotes; remove the quotes around it, and the backslashes before others",
        );
    }
    if is_license(&unescaped) {
        return Some("its quotes have backslashes before them; remove these");
    }
    if from_base64(&without_lines).is_some_and(|inner| is_license(&inner)) {
        return Some("it is base64 of a license; decode it first: `base64 -d FILE > license.json`");
    }
    if is_license(&without_lines) || is_license(&text.replace(['\r', '\n'], " ")) {
        return Some(
            "its lines were wrapped, as mail does; ask for it as an attachment, or join them",
        );
    }
    let lines = text.lines().map(|line| line.trim_start_matches(['>', ' ']));
    let unquoted: String = lines.collect();
    if text.starts_with('>') && is_license(&unquoted) {
        return Some("it was quoted in a mail (`>`); ask for it as an attachment");
    }
    if text.contains("=22") || text.contains("=3D") || text.lines().any(|line| line.ends_with('='))
    {
        return Some("it is as mail encodes it (quoted-printable); save the attachment instead");
    }
    if text.contains(['\u{201c}', '\u{201d}', '\u{201e}']) {
        return Some("a word processor has changed its quotes; ask for it as it was issued");
    }
    let members = serde_json::from_str::<serde_json::Value>(text).ok()?;
    if members
        .get("payload")
        .is_some_and(serde_json::Value::is_string)
    {
        return Some("it is an answer of a server that holds one; take the text of its `payload`");
    }
    None
}

/// The text that is encoded here, in either alphabet.
fn from_base64(text: &str) -> Option<String> {
    use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine as _};

    let plain: String = text.split_whitespace().collect();
    let plain = plain.trim_end_matches('=');
    let bytes = BASE64_STANDARD_NO_PAD.decode(plain);
    let bytes = bytes
        .or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(plain))
        .ok()?;
    String::from_utf8(bytes).ok()
}

/// Whatever the file is called, a secret in it is not sent.
fn refuse_secret(path: &Path, bytes: &[u8], wanted: &str) -> Outcome {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    // A license may hold what a vendor calls a key of it.
    let found = match secret::find(text) {
        Some(found @ (Secret::PrivateKey | Secret::EnrollmentToken)) => Some(found),
        Some(found) => Document::parse(text).is_err().then_some(found),
        None => None,
    };
    found.map_or(Ok(()), |found| Err(misplaced(path, found, wanted)))
}

/// The refusal of a file with a secret in the place of what is wanted.
pub(crate) fn misplaced(path: &Path, found: Secret, wanted: &str) -> Failure {
    Failure::Usage(format!(
        "{} holds {} in the wrong place: {wanted} belongs there. It was not sent; replace it if \
         others may have seen it",
        files::shown(path),
        found.words()
    ))
}

/// The text of a file, without a byte-order mark and blanks around that JSON does not know.
pub(crate) fn text_of(path: &Path, bytes: Vec<u8>) -> Outcome<String> {
    let kinds: [(&[u8], &str); 6] = [
        (b"PK\x03\x04", "a zip archive; extract the file first"),
        (
            b"\x1f\x8b",
            "a gzip archive; unpack it first: `gunzip FILE`",
        ),
        (b"%PDF", "a PDF; ask for the file as it was issued"),
        (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
        (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
        (b"SQLite format 3", "a database"),
    ];
    let begins = kinds
        .iter()
        .find(|(bytes_of, _)| bytes.starts_with(bytes_of));
    let zeros = bytes.iter().take(64).filter(|byte| **byte == 0).count();
    let what = match begins {
        Some((_, what)) => Some(*what),
        None if zeros >= 8 => Some("UTF-16 text or no text at all; save it as UTF-8"),
        None => None,
    };
    let refused = |what: &str| Failure::Refused(format!("{} is {what}", files::shown(path)));
    if let Some(what) = what {
        return Err(refused(what));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| refused("not UTF-8 text; was it saved in another encoding, or damaged?"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let known = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let odd = |c: char| (c.is_whitespace() && !known(c)) || matches!(c, '\u{feff}' | '\u{200b}');
    let inner = text.trim_matches(known);
    if inner.starts_with(odd) || inner.ends_with(odd) {
        return Ok(inner.trim_matches(|c| odd(c) || known(c)).to_owned());
    }
    Ok(text.to_owned())
}
