//! Bodies: which content types are read, and how JSON, forms and multipart become the same
//! arguments. What the arguments mean is for `schema`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use bytes::Bytes;

use super::error::Refusal;
use super::{escape, wire};
use crate::http::intake::Unread;
use crate::http::multipart::{self, Unusable};

/// The most fields of a body, or arguments of a query.
pub(super) const MAX_ARGUMENTS: usize = 1_000;

/// The largest body, in bytes: 10 MiB.
pub(super) const MAX_BYTES: usize = 10 * 1024 * 1024;

/// The arguments of a request by name, whatever they were written in.
pub(super) type Arguments = BTreeMap<String, Argument>;

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument {
    /// JSON's null, and a form's empty value.
    Null,
    /// A form's value: text that may stand for a number.
    Untyped(String),
    /// JSON text.
    Text(String),
    /// A whole number of JSON, also when written `1.0`.
    Integer(i64),
    /// Anything else: other numbers, booleans, lists, objects.
    Other,
}

/// What a body is written in.
#[derive(Debug, Clone)]
pub(super) enum ContentType {
    /// Nothing to read.
    None,
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data`, with the whole header for its boundary.
    Multipart(String),
}

/// Whether a verb changes something.
pub(super) fn is_write(verb: &Method) -> bool {
    matches!(
        *verb,
        Method::POST | Method::PUT | Method::PATCH | Method::DELETE
    )
}

fn has_body(verb: &Method) -> bool {
    matches!(*verb, Method::POST | Method::PUT | Method::PATCH)
}

/// Refuses the content types that are not read. Bodies of other verbs than POST, PUT and PATCH are
/// ignored, and so are their types.
pub(super) fn gate(
    verb: &Method,
    headers: &HeaderMap,
    no_body: bool,
) -> Result<ContentType, Refusal> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (first, second) = (types.next(), types.next());
    if second.is_some() {
        return Err(Refusal::TwoContentTypes);
    }
    if !has_body(verb) {
        return Ok(ContentType::None);
    }
    let Some(value) = first else {
        return if no_body {
            Ok(ContentType::None)
        } else {
            Err(Refusal::UnsupportedType)
        };
    };
    match value.to_str().unwrap_or_default() {
        text if text.starts_with("application/json") => Ok(ContentType::Json),
        text if text.starts_with("application/x-www-form-urlencoded") => Ok(ContentType::Form),
        text if text.starts_with("multipart/form-data") => {
            Ok(ContentType::Multipart(text.to_owned()))
        }
        _ => Err(Refusal::UnsupportedType),
    }
}

impl ContentType {
    /// The refusal of a body of this type that was not read.
    pub(super) fn refuse(&self, unread: Unread) -> Refusal {
        match unread {
            Unread::TooLarge => Refusal::BodyTooLarge,
            Unread::NoRoom => Refusal::Busy,
            Unread::Broken => Refusal::CannotParse(self.word()),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::None | Self::Json => "JSON",
            Self::Form => "form",
            Self::Multipart(_) => "multipart",
        }
    }
}

/// Reads the arguments in a body.
pub(super) fn read(content_type: &ContentType, text: Bytes) -> Result<Arguments, Refusal> {
    match content_type {
        ContentType::None => Ok(Arguments::new()),
        ContentType::Json => {
            let arguments = wire::read_arguments(&text);
            let arguments = arguments.ok_or(Refusal::CannotParse(content_type.word()))?;
            if arguments.len() > MAX_ARGUMENTS {
                return Err(Refusal::TooManyArguments);
            }
            Ok(arguments)
        }
        ContentType::Form => form(&text, content_type.word()),
        ContentType::Multipart(header) => multipart(header, text, content_type.word()),
    }
}

fn form(text: &[u8], word: &'static str) -> Result<Arguments, Refusal> {
    if escape::count(text) > MAX_ARGUMENTS {
        return Err(Refusal::TooManyArguments);
    }
    let mut arguments = Arguments::new();
    for (name, value) in escape::pairs(text) {
        let (Ok(name), Ok(value)) = (String::from_utf8(name), String::from_utf8(value)) else {
            return Err(Refusal::CannotParse(word));
        };
        add(&mut arguments, name, value);
    }
    Ok(arguments)
}

fn multipart(header: &str, text: Bytes, word: &'static str) -> Result<Arguments, Refusal> {
    let fields = multipart::fields(header, text, MAX_ARGUMENTS);
    let fields = fields.map_err(|unusable| match unusable {
        Unusable::TooManyFields => Refusal::TooManyArguments,
        Unusable::Malformed => Refusal::CannotParse(word),
    })?;
    let mut arguments = Arguments::new();
    for (name, value) in fields {
        add(&mut arguments, name, value);
    }
    Ok(arguments)
}

/// Adds a form's field. A name with dots or brackets nests, and one that comes twice is a list; no
/// field of ours takes either, so their contents are not kept.
fn add(arguments: &mut Arguments, name: String, value: String) {
    let end = name.find(['.', '[']).filter(|end| *end > 0);
    let (name, argument) = match end {
        Some(end) => (name[..end].to_owned(), Argument::Other),
        None if value.is_empty() => (name, Argument::Null),
        None => (name, Argument::Untyped(value)),
    };
    match arguments.entry(name) {
        Entry::Vacant(place) => {
            place.insert(argument);
        }
        Entry::Occupied(mut place) => {
            place.insert(Argument::Other);
        }
    }
}
