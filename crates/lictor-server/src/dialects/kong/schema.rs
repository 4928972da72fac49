//! The schema of a license: which arguments there are, and what is wrong with those given. Whether
//! the document itself is good is for the authority.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::Method;
use lictor_core::time::LAST_TIMESTAMP;
use lictor_core::{Timestamp, whole_number};
use uuid::Uuid;

use super::body::{Argument, Arguments};

const REQUIRED: &str = "required field missing";
const EXPECTED_STRING: &str = "expected a string";

/// What a body says of a license.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// The id, on POST alone; elsewhere the path decides.
    pub(super) id: Option<Uuid>,
    /// The document.
    pub(super) payload: Option<Arc<str>>,
    /// The creation time.
    pub(super) created_at: Option<Timestamp>,
}

/// What is done with the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// POST: add.
    Add,
    /// PUT: add or replace.
    Put,
    /// PATCH: change what is given.
    Patch,
}

impl Deed {
    /// That of a verb; none: it has no fields.
    pub(super) fn of(verb: &Method) -> Option<Self> {
        match *verb {
            Method::POST => Some(Self::Add),
            Method::PUT => Some(Self::Put),
            Method::PATCH => Some(Self::Patch),
            _ => None,
        }
    }
}

/// What is wrong with the arguments: of the entity as a whole, and by field.
#[derive(Debug, Default)]
pub(super) struct Violations {
    /// Rules about the entity.
    pub(super) entity: Vec<String>,
    /// Rules about one field.
    pub(super) fields: BTreeMap<String, String>,
}

impl Violations {
    /// The entity breaks a rule.
    pub(super) fn of_entity(reason: String) -> Self {
        Self {
            entity: vec![reason],
            fields: BTreeMap::new(),
        }
    }

    /// One field breaks a rule.
    pub(super) fn of_field(field: &str, reason: String) -> Self {
        Self {
            entity: Vec::new(),
            fields: BTreeMap::from([(field.to_owned(), reason)]),
        }
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.entity.is_empty() && self.fields.is_empty()
    }

    /// Everything in one line: the entity's rules first, then the fields by name.
    pub(super) fn message(&self) -> String {
        let fields = self
            .fields
            .iter()
            .map(|(field, reason)| format!("{field}: {reason}"));
        let all: Vec<String> = self.entity.iter().cloned().chain(fields).collect();
        match all.as_slice() {
            [one] => format!("schema violation ({one})"),
            _ => format!("{} schema violations ({})", all.len(), all.join("; ")),
        }
    }
}

/// Reads the fields of a license, and what is wrong with them.
pub(super) fn read(arguments: Arguments, deed: Deed) -> (Fields, Violations) {
    let (mut fields, mut violations) = (Fields::default(), Violations::default());
    let mut payload = None;
    for (name, argument) in arguments {
        let read = match name.as_str() {
            "payload" => {
                payload = Some(argument);
                continue;
            }
            "created_at" => created_at(&argument).map(|time| fields.created_at = time),
            "id" if deed == Deed::Add => id(&argument).map(|id| fields.id = id),
            // The path's id decides, and the server's clock.
            "id" | "updated_at" => Ok(()),
            _ if argument == Argument::Null => Ok(()),
            _ => Err("unknown field"),
        };
        if let Err(reason) = read {
            violations.fields.insert(name, reason.to_owned());
        }
    }
    match text(payload, deed) {
        Ok(payload) => fields.payload = payload,
        Err(reason) => {
            violations
                .fields
                .insert("payload".to_owned(), reason.to_owned());
        }
    }
    (fields, violations)
}

fn text(payload: Option<Argument>, deed: Deed) -> Result<Option<Arc<str>>, &'static str> {
    match payload {
        None if deed == Deed::Patch => Ok(None),
        None | Some(Argument::Null) => Err(REQUIRED),
        Some(Argument::Text(text) | Argument::Untyped(text)) if text.is_empty() => {
            Err("length must be at least 1")
        }
        Some(Argument::Text(text) | Argument::Untyped(text)) => Ok(Some(text.into())),
        Some(Argument::Integer(_) | Argument::Other) => Err(EXPECTED_STRING),
    }
}

fn created_at(argument: &Argument) -> Result<Option<Timestamp>, &'static str> {
    let time = match argument {
        Argument::Null => return Ok(None),
        Argument::Integer(time) => Some(*time),
        Argument::Untyped(text) => {
            let whole = || whole_number::of_text(text).and_then(|time| time.try_into().ok());
            text.parse().ok().or_else(whole)
        }
        Argument::Text(_) | Argument::Other => None,
    };
    match time {
        Some(time) if (1..=LAST_TIMESTAMP).contains(&time) => Ok(Some(time)),
        Some(_) => Err("expected a valid timestamp"),
        None => Err("expected an integer"),
    }
}

fn id(argument: &Argument) -> Result<Option<Uuid>, &'static str> {
    match argument {
        Argument::Null => Ok(None),
        Argument::Text(text) | Argument::Untyped(text) => {
            parse_id(text).map(Some).ok_or("expected a valid UUID")
        }
        Argument::Integer(_) | Argument::Other => Err(EXPECTED_STRING),
    }
}

/// A UUID of any version in its usual form: 36 characters, either case.
pub(super) fn parse_id(text: &str) -> Option<Uuid> {
    let usual = text.len() == 36;
    usual.then(|| Uuid::try_parse(text).ok()).flatten()
}
