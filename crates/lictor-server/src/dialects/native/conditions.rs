//! Conditional requests (RFC 9110, section 13): the entity tag of what is shown, `If-Match` and `If-None-Match`.

use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use lictor_core::Error;
use lictor_core::digest::Digest;
use serde::Serialize;
use serde_json::Value;

use super::auth::single;
use super::error::{Problem, invalid};
use crate::http::if_none_match;

/// How many hex digits of its digest stand for a body.
const DIGITS: usize = 16;

/// The entity tag of an object that is shown so: its revision, and a digest of the body, which also tells of
/// what changes without the revision.
pub(super) fn tag(revision: u64, body: &[u8]) -> String {
    let digest = Digest::of(body).to_string();
    format!("\"{revision}-{}\"", digest.get(..DIGITS).unwrap_or(&digest))
}

/// An object as JSON, and its tag.
pub(super) struct Shown {
    revision: u64,
    body: Vec<u8>,
    tag: String,
}

impl Shown {
    /// How the object is shown that has this revision.
    ///
    /// # Errors
    /// A fault of ours.
    pub(super) fn of(revision: u64, view: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(view).map_err(Error::internal)?;
        let tag = tag(revision, &body);
        Ok(Self {
            revision,
            body,
            tag,
        })
    }

    /// What it is for who reads it under these conditions: its body, none where it is known already, and its tag.
    pub(super) fn read(self, headers: &HeaderMap) -> Result<(Option<Vec<u8>>, String), Problem> {
        if let Some(condition) = Condition::of(headers)? {
            condition.expect(Some(&self))?;
        }
        let is_known = if_none_match::names(headers, &self.tag);
        Ok(((!is_known).then_some(self.body), self.tag))
    }
}

/// What `If-Match` says.
pub(super) enum Condition {
    /// `*`: anything that is there.
    Any,
    /// A revision alone, such as `"42"`.
    Revision(u64),
    /// Another strong tag.
    Tag(String),
    /// A weak tag, which matches nothing here.
    Weak,
}

impl Condition {
    /// The condition of a request, if it has one.
    ///
    /// # Errors
    /// A problem for what is no entity tag.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let Some(text) = single(headers, &IF_MATCH)? else {
            return Ok(None);
        };
        if text == "*" {
            return Ok(Some(Self::Any));
        }
        let strong = text.strip_prefix("W/").unwrap_or(text);
        let opaque = strong
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .filter(|text| !text.contains('"'));
        let Some(opaque) = opaque else {
            let reason = "give `*` or one entity tag, as `ETag` shows it";
            return Err(invalid("If-Match", reason));
        };
        let revision = opaque.parse::<u64>().ok();
        let revision = revision.filter(|revision| *revision > 0 && revision.to_string() == opaque);
        Ok(Some(match revision {
            _ if strong != text => Self::Weak,
            Some(revision) => Self::Revision(revision),
            None => Self::Tag(text.to_owned()),
        }))
    }

    /// The revision that the write must find, where the condition holds for what is shown now; none: nothing
    /// is there.
    ///
    /// # Errors
    /// A problem where it does not hold.
    pub(super) fn expect(&self, shown: Option<&Shown>) -> Result<u64, Problem> {
        let holds = |shown: &&Shown| match self {
            Self::Any => true,
            Self::Revision(revision) => shown.revision == *revision,
            Self::Tag(tag) => shown.tag == *tag,
            Self::Weak => false,
        };
        match shown.filter(holds) {
            Some(shown) => Ok(shown.revision),
            None => Err(self.failed(shown)),
        }
    }

    /// The same for a write: what is there is for whoever may read it.
    ///
    /// # Errors
    /// A problem where it does not hold.
    pub(super) fn expect_to_write(
        &self,
        shown: Option<&Shown>,
        may_read: bool,
    ) -> Result<u64, Problem> {
        self.expect(shown).map_err(|problem| match may_read {
            true => problem,
            false => untold(),
        })
    }

    fn failed(&self, shown: Option<&Shown>) -> Problem {
        let found = match shown {
            None => "it does not exist".to_owned(),
            Some(shown) => format!("its entity tag is {}", shown.tag),
        };
        let detail = match self {
            Self::Weak => format!(
                "a weak tag (`W/\"…\"`) never matches in `If-Match`: send the tag as `ETag` shows it; {found}"
            ),
            Self::Any | Self::Revision(_) | Self::Tag(_) => found,
        };
        let revision = shown.map_or(Value::Null, |shown| shown.revision.into());
        mismatch(detail).with("revision", revision)
    }
}

/// What a conditional request is told whose condition does not hold.
pub(super) fn mismatch(detail: impl Into<String>) -> Problem {
    let title = "The object is not in the expected state";
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "revision-mismatch",
        title,
        detail,
    )
}

/// The same for who may not read what the condition is about: not even its tag is told.
fn untold() -> Problem {
    mismatch(
        "the condition does not hold; read the object with a token that may read it, and send \
         its `ETag`",
    )
}

/// Why a conditional write was refused, to who may or may not read what it is about.
pub(super) fn told(error: Error, may_read: bool) -> Problem {
    match error {
        Error::RevisionMismatch { .. } if !may_read => untold(),
        error => error.into(),
    }
}

/// Refuses the conditions of a write that takes none: left out without a word they would seem to hold.
pub(super) fn refuse(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(IF_MATCH) {
        let reason = "this write takes no condition; leave the header out";
        return Err(invalid("If-Match", reason));
    }
    refuse_none_match(headers)
}

/// Refuses `If-None-Match` where it is not taken.
pub(super) fn refuse_none_match(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(IF_NONE_MATCH) {
        let reason = "this write does not take it; leave the header out";
        return Err(invalid("If-None-Match", reason));
    }
    Ok(())
}
