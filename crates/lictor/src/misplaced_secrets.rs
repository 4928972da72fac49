//! Secrets in the wrong place: they are refused before anything is read, printed, sent or written.
//! What an option wants stands here once, for the command line, the environment and the
//! configuration file.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use lictor_core::facts::node::MAX_NAME_LENGTH;
use lictor_core::secret::{self, Secret};

use crate::exit::{Failure, Outcome};

/// What an argument may contain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// A token of a client of the server.
    Token,
    /// The token that a node joins with.
    Enrollment,
    /// Words of other people's that may be a hash, a serial number or the id of a machine, and
    /// that are refused only where they are surely a secret.
    Words,
    /// The name of a node, for which the id of a container is too long.
    Node,
    /// The name of a file or folder.
    Path,
    /// A name or an id of Lictor's, a number, an address.
    Name,
}

impl Expected {
    /// What an option or argument wants, by its id.
    fn of(id: &str) -> Self {
        match id {
            "token" => Self::Token,
            "enroll" => Self::Enrollment,
            "claim" | "epoch" | "holder" | "license_key" | "map" | "source" => Self::Words,
            "node" => Self::Node,
            _ => Self::Name,
        }
    }

    fn of_argument(argument: &Arg) -> Self {
        let is_path = argument.get_value_parser().type_id() == TypeId::of::<PathBuf>();
        match Self::of(argument.get_id().as_str()) {
            Self::Name if is_path => Self::Path,
            wants => wants,
        }
    }

    /// The secret in `text` that does not belong where this is wanted.
    fn misplaced(self, text: &str) -> Option<Secret> {
        match (self, secret::find(text)) {
            (
                Self::Token,
                Some(found @ (Secret::PrivateKey | Secret::EnrollmentToken | Secret::ClientSecret)),
            ) => Some(found),
            (Self::Enrollment, Some(found @ Secret::PrivateKey)) => Some(found),
            (Self::Token | Self::Enrollment, _) => None,
            (Self::Words, found) => found,
            // The name of a file that is there is no secret, however random.
            (Self::Path, None) if Path::new(text).exists() => None,
            (Self::Path | Self::Node | Self::Name, _) => secret::looks_like(text),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Token => "the token that gives access to a server",
            Self::Enrollment => "the token of `lictor node enroll`",
            Self::Path => "the name of a file or folder",
            Self::Words | Self::Node | Self::Name => "a name, an id or a number",
        }
    }
}

/// Refuses a command line, and the environment as far as its command reads it, with a secret in the
/// wrong place.
///
/// # Errors
/// [`Failure::Usage`], which names the place and does not hold the secret.
pub(crate) fn check(root: &Command, given: impl Iterator<Item = OsString>) -> Outcome {
    let (mut command, mut open, mut position) = (root, None::<&Arg>, 0);
    for word in given {
        let text = word.to_string_lossy();
        if let Some(argument) = open.take().filter(|_| !is_option(command, &text)) {
            check_argument(argument, &text)?;
        } else if let Some(option) = text.strip_prefix("--").filter(|_| !is_pem(&text)) {
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (option, None),
            };
            match (long(command, name), value) {
                (Some(argument), Some(value)) => check_argument(argument, value)?,
                (Some(argument), None) => {
                    open = Some(argument).filter(|argument| argument.get_action().takes_values());
                }
                (None, _) => {
                    check_text("an option", Expected::Name, name)?;
                    check_text("an option", Expected::Name, value.unwrap_or_default())?;
                }
            }
        } else if let Some(inner) = command.find_subcommand(&*text).filter(|_| position == 0) {
            command = inner;
        } else {
            match command.get_positionals().nth(position) {
                Some(argument) => check_argument(argument, &text)?,
                None => check_text("an argument", Expected::Name, &text)?,
            }
            position += 1;
        }
    }
    for argument in command.get_arguments() {
        let Some(name) = argument.get_env() else {
            continue;
        };
        if let Some(value) = std::env::var_os(name) {
            let wants = Expected::of_argument(argument);
            check_text(&name.to_string_lossy(), wants, &value.to_string_lossy())?;
        }
    }
    Ok(())
}

/// Refuses the value of a configuration file's member, or with no name that of a member itself, that
/// is a secret in the wrong place.
///
/// # Errors
/// What is wrong, without the secret.
pub(crate) fn check_member(name: Option<&str>, text: &str) -> Result<(), String> {
    let place = name.map_or_else(|| "an option".to_owned(), |name| format!("`{name}`"));
    let wants = Expected::of(&name.unwrap_or_default().replace('-', "_"));
    match wants.misplaced(text) {
        Some(found) => Err(wrong_place(&place, wants, found)),
        None => Ok(()),
    }
}

fn check_argument(argument: &Arg, text: &str) -> Outcome {
    let value = argument.get_value_names().unwrap_or_default();
    let place = match (argument.get_long(), value) {
        (Some(name), _) => format!("--{name}"),
        (None, [value, ..]) => format!("<{value}>"),
        (None, []) => format!("<{}>", argument.get_id().as_str().to_uppercase()),
    };
    check_text(&place, Expected::of_argument(argument), text)
}

fn check_text(place: &str, wants: Expected, text: &str) -> Outcome {
    if wants == Expected::Node && is_container_id(text) {
        return Err(Failure::Usage(format!(
            "{place} holds 64 hex digits, and the name of a node has {MAX_NAME_LENGTH} characters at \
             most. If they are the id of a container, the first 12 are enough, as in its host name; \
             they were not sent"
        )));
    }
    if let Some(found) = wants.misplaced(text) {
        return Err(Failure::Usage(wrong_place(place, wants, found)));
    }
    let document = text.trim_start();
    let is_document = document.starts_with('{') || is_pem(document);
    if wants == Expected::Path && is_document && !Path::new(text).exists() {
        return Err(Failure::Usage(format!(
            "{place} holds the text of a document where the name of its file belongs; give the \
             file's name, or `-` for standard input where the help says so"
        )));
    }
    Ok(())
}

fn wrong_place(place: &str, wants: Expected, found: Secret) -> String {
    let advice = match (found, wants) {
        (Secret::PrivateKey, Expected::Path) => {
            "keep the key in a file of mode 0600 and give that file's name"
        }
        (Secret::PrivateKey, _) => "keep the key in a file of mode 0600",
        (Secret::EnrollmentToken, _) => "`lictor node run` takes it in LICTOR_ENROLL",
        (Secret::ClientSecret, _) => "a client sends it to `/oauth/v2/token` by itself",
        (Secret::Token | Secret::Random, _) => "a token belongs in LICTOR_TOKEN",
    };
    format!(
        "{place} holds {} in the wrong place: {} belongs there. It was neither sent nor written; \
         {advice}, and replace it if others may have seen it",
        found.words(),
        wants.words()
    )
}

/// Whether a word that follows an option is the next one rather than its value.
fn is_option(command: &Command, text: &str) -> bool {
    let name = text
        .strip_prefix("--")
        .and_then(|name| name.split('=').next());
    name.is_some_and(|name| matches!(name, "help" | "json") || long(command, name).is_some())
}

fn is_container_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_pem(text: &str) -> bool {
    text.starts_with("-----BEGIN")
}

fn long<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command
        .get_arguments()
        .find(|argument| argument.get_long() == Some(name))
}
