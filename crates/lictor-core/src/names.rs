//! Names of all kinds: which characters they may contain, when two are the same, and how text from
//! elsewhere is shown where its characters could do more than be read.

use std::borrow::Cow;

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization as _;

use crate::invalid::InvalidInput;

/// The longest name of an organization or a token, in characters.
pub const MAX_NAME_LENGTH: usize = 200;

/// A name as [`label`] stores it.
///
/// # Errors
/// [`InvalidInput`].
pub fn clean_name(text: &str) -> Result<String, InvalidInput> {
    label("name", text, MAX_NAME_LENGTH)
}

/// A name as it is stored: in NFC, without blanks around it, upper and lower case as given.
///
/// # Errors
/// As [`check`].
pub fn label(field: &'static str, text: &str, longest: usize) -> Result<String, InvalidInput> {
    let name: String = trimmed(text).nfc().collect();
    check(field, &name, longest)?;
    Ok(name)
}

/// The text without blanks around it. Line ends and tabs do not count as blanks, so that they are refused.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter| sort(letter) == Sort::Blank)
}

/// The form in which two spellings of a name are the same: NFKC and lower case, in which both small
/// sigmas are one, without what cannot be seen. What is folded stays as it is when folded again.
pub fn fold(text: &str) -> String {
    // ASCII is normalized already, in every form; almost all names are.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // What falls away, and lower case, may undo a normalization: it is normalized once more.
    let seen: String = text.nfkc().filter(|letter| !is_unseen(*letter)).collect();
    let lower = seen.nfkc().collect::<String>().to_lowercase();
    lower.nfkc().collect::<String>().replace('ς', "σ")
}

/// Refuses a name that has not 1 to `longest` characters or shows nothing; one with a control
/// character, a line break or a character that turns text around (U+202A to U+202E, U+2066 to
/// U+2069); and one in which an invisible character or a mark does not stand between or after
/// characters that are seen.
///
/// # Errors
/// [`InvalidInput`] for `field`.
pub fn check(field: &'static str, name: &str, longest: usize) -> Result<(), InvalidInput> {
    let fits = (1..=longest).contains(&name.chars().count());
    let reason = if !fits || name.contains(char::is_control) {
        format!("use 1 to {longest} characters without control characters")
    } else if let Some(letter) = misplaced(name) {
        let code = u32::from(letter);
        match sort(letter) {
            Sort::Turner => format!("leave out U+{code:04X}: it changes how text is shown"),
            _ => format!("U+{code:04X} is only allowed among visible characters"),
        }
    } else if !name.chars().any(|letter| sort(letter) == Sort::Visible) {
        "use at least one visible character".to_owned()
    } else {
        return Ok(());
    };
    Err(InvalidInput { field, reason })
}

/// The first character that is not allowed in its position in a name.
fn misplaced(name: &str) -> Option<char> {
    let mut before = Preceding::default();
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if !before.allows(letter, letters.peek().copied()) {
            return Some(letter);
        }
    }
    // A hint about direction is one about what follows.
    let last = name.trim_end().chars().next_back();
    last.filter(|letter| sort(*letter) == Sort::Hint)
}

/// Text from elsewhere in one line, as a terminal or a log may show it: control characters, line
/// breaks, what turns text around and what cannot be seen are written as in `\u{202e}`. Joiners and
/// marks stay where they belong, within words and emoji.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut before = Preceding::default();
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let holds = before.allows(letter, letters.peek().copied());
        if holds && !matches!(sort(letter), Sort::Hint | Sort::Unseen) {
            shown.push(letter);
        } else {
            shown.extend(letter.escape_default());
        }
    }
    Cow::Owned(shown)
}

/// Whether a terminal could do more with this character than show it, wherever it stands: what
/// [`escaped`] always escapes.
pub fn is_active(letter: char) -> bool {
    matches!(sort(letter), Sort::Turner | Sort::Hint | Sort::Unseen)
}

/// What a character does to the text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// It is seen.
    Visible,
    /// White space within a line.
    Blank,
    /// It marks the character before it.
    Mark,
    /// It joins or parts its neighbors, as in Persian, Hindi and emoji.
    Joiner,
    /// It says in which direction blanks and punctuation beside it go.
    Hint,
    /// It has no width and no look.
    Unseen,
    /// It turns the order of a text, ends a line, or controls a device.
    Turner,
}

fn sort(letter: char) -> Sort {
    match letter {
        ' ' | '\u{2800}' => return Sort::Blank,
        '!'..='~' => return Sort::Visible,
        '\u{200c}' | '\u{200d}' => return Sort::Joiner,
        '\u{200e}' | '\u{200f}' | '\u{61c}' => return Sort::Hint,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => return Sort::Turner,
        '\u{fff9}'..='\u{fffb}' => return Sort::Unseen,
        _ => {}
    }
    match CodePointMapData::<GeneralCategory>::new().get(letter) {
        GeneralCategory::Control
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator => Sort::Turner,
        GeneralCategory::SpaceSeparator => Sort::Blank,
        GeneralCategory::NonspacingMark
        | GeneralCategory::SpacingMark
        | GeneralCategory::EnclosingMark => Sort::Mark,
        _ if is_tag(letter) => Sort::Mark,
        _ if is_ignorable(letter) => Sort::Unseen,
        _ => Sort::Visible,
    }
}

/// Tags spell out which flag the one before them is.
fn is_tag(letter: char) -> bool {
    matches!(letter, '\u{e0020}'..='\u{e007f}')
}

fn is_ignorable(letter: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(letter)
}

/// Whether a name looks the same without this character.
fn is_unseen(letter: char) -> bool {
    !letter.is_ascii()
        && !is_tag(letter)
        && (is_ignorable(letter) || matches!(sort(letter), Sort::Hint | Sort::Unseen))
}

/// What precedes a character in a text.
#[derive(Default)]
struct Preceding {
    /// Whether any visible character does.
    seen: bool,
    /// Whether one is directly before it, or with only marks and joiners between.
    beside: bool,
}

impl Preceding {
    /// Whether `letter` is allowed here, before `next`. Moves past it.
    fn allows(&mut self, letter: char, next: Option<char>) -> bool {
        let sort_of = sort(letter);
        let holds = match sort_of {
            Sort::Visible | Sort::Blank => true,
            Sort::Mark => self.beside,
            Sort::Joiner | Sort::Unseen => {
                let next = next.map(sort);
                self.beside && matches!(next, Some(Sort::Visible | Sort::Mark))
            }
            Sort::Hint => self.seen,
            Sort::Turner => false,
        };
        self.beside = match sort_of {
            Sort::Visible => true,
            Sort::Mark | Sort::Joiner | Sort::Unseen => self.beside,
            Sort::Blank | Sort::Hint | Sort::Turner => false,
        };
        self.seen |= self.beside;
        holds
    }
}
