//! E-mail addresses, and when two spellings are the same address.

use idna::AsciiDenyList;
use unicode_normalization::UnicodeNormalization as _;

use crate::invalid::InvalidInput;
use crate::names;

/// The longest e-mail, in characters (RFC 5321 allows no longer path).
pub const MAX_EMAIL_LENGTH: usize = 254;

/// An e-mail address and its key, by which spellings of the same address are recognized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// As it was given, in NFC.
    pub shown: String,
    /// The part before the `@` as [`fold`](crate::names::fold) has it, the domain in ASCII as UTS 46
    /// has it, without a dot at its end: two spellings of one address are the same here.
    pub key: String,
}

impl Email {
    /// Reads an e-mail: one `@` with text on both sides, no white space, no control characters, and
    /// a domain that has a form in ASCII, or an address in brackets.
    /// Whether mail arrives there is not for a license server to say.
    ///
    /// # Errors
    /// [`InvalidInput`].
    pub fn parse(text: &str) -> Result<Self, InvalidInput> {
        let shown = Self::spelled(text);
        let (local, domain) = shown.split_once('@').unwrap_or_default();
        if !fits(&shown) {
            return Err(invalid(format!(
                "use one address such as ada@example.com, of at most {MAX_EMAIL_LENGTH} \
                 characters, without white space and control characters"
            )));
        }
        let key = domain_key(domain)
            .map(|domain| format!("{}@{domain}", names::fold(local)))
            .filter(|key| fits(key));
        match key {
            Some(key) => Ok(Self { shown, key }),
            None => Err(invalid(
                "its domain is invalid: use one such as example.com, bücher.example or \
                 xn--bcher-kva.example"
                    .to_owned(),
            )),
        }
    }

    /// The text as an e-mail of this spelling is stored: in NFC.
    pub fn spelled(text: &str) -> String {
        // ASCII is normalized already; almost all e-mails are.
        match text.is_ascii() {
            true => text.to_owned(),
            false => text.nfc().collect(),
        }
    }
}

fn invalid(reason: String) -> InvalidInput {
    InvalidInput {
        field: "email",
        reason,
    }
}

fn fits(text: &str) -> bool {
    let (local, domain) = text.split_once('@').unwrap_or_default();
    let plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    let visible = match text.is_ascii() {
        true => text.bytes().all(|byte| byte.is_ascii_graphic()),
        false => text
            .chars()
            .all(|letter| plain(letter) && !is_invisible(letter)),
    };
    !local.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && visible
        && text.chars().count() <= MAX_EMAIL_LENGTH
}

/// A domain in the form in which its spellings are the same. `None` for one that UTS 46 refuses, or
/// that has an empty label.
fn domain_key(domain: &str) -> Option<String> {
    if domain.is_ascii() && domain.starts_with('[') && domain.ends_with(']') {
        return Some(domain.to_ascii_lowercase());
    }
    let ascii = idna::domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::EMPTY).ok()?;
    let key = ascii.strip_suffix('.').unwrap_or(&ascii);
    let whole = key.split('.').all(|label| !label.is_empty());
    whole.then(|| key.to_owned())
}

/// Characters that change nothing that can be seen, and so would make two addresses that look the
/// same: format characters in the general punctuation block, the byte-order mark, soft hyphens.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}
