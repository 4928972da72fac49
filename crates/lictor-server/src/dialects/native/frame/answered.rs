//! An answer as a response: its status, its body, and the headers that its row has.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use lictor_api::answer::{Answer, File, MediaType, Rendered, ShownIfChanged};
use lictor_api::row::{Facts, Header};
use lictor_authority::Answer as Stored;
use lictor_core::Error;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::value::RawValue;

use super::super::conditions::tag;
use super::super::error::PROBLEM_JSON;
use crate::dialects::pages::PageTurn;
use crate::http::answers::MadeAsTaken;

const JSON: &str = "application/json";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What stands in a segment of a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a handler answers. It can be made of an `A` alone, so that nobody answers what the row does not say.
pub(in super::super) struct Answered<A> {
    status: StatusCode,
    body: Sent,
    /// The entity tag, where it is known before the body is sent.
    tag: Option<String>,
    /// What a long page waited for.
    turn: Option<PageTurn>,
    of: PhantomData<fn() -> A>,
}

/// The body of an answer.
enum Sent {
    Whole(Vec<u8>),
    /// As it is read, with its length.
    Stream(Body, Option<u64>),
}

impl<A: Answer> Answered<A> {
    pub(in super::super) fn of(answer: &A) -> Result<Self, Error> {
        Self::written(Rendered::of(answer).map_err(Error::internal)?)
    }

    /// An answer that is text already.
    pub(in super::super) fn written(rendered: Rendered<A>) -> Result<Self, Error> {
        let status = StatusCode::from_u16(rendered.status()).map_err(Error::internal)?;
        Ok(Self::new(status, Sent::Whole(rendered.into_body())))
    }

    fn new(status: StatusCode, body: Sent) -> Self {
        Self {
            status,
            body,
            tag: None,
            turn: None,
            of: PhantomData,
        }
    }

    /// The same, which keeps until it has left what it waited for.
    pub(in super::super) fn in_turn(self, turn: PageTurn) -> Self {
        let turn = Some(turn);
        Self { turn, ..self }
    }

    pub(super) fn into_response(self, facts: &Facts) -> Response {
        let media_type = HeaderValue::from_static(A::MEDIA_TYPE);
        let mut response = match self.body {
            Sent::Whole(body) => response(facts, self.status, body, media_type, self.tag),
            Sent::Stream(body, length) => stream(body, length, media_type),
        };
        if let Some(turn) = self.turn {
            turn.end(&mut response);
        }
        response
    }
}

impl<T> Answered<ShownIfChanged<T>> {
    /// An object as text, or none where it is known already.
    pub(super) fn if_changed(body: Option<Vec<u8>>, tag: String) -> Self {
        let status = match body {
            Some(_) => StatusCode::OK,
            None => StatusCode::NOT_MODIFIED,
        };
        Self {
            status,
            body: Sent::Whole(body.unwrap_or_default()),
            tag: Some(tag),
            turn: None,
            of: PhantomData,
        }
    }
}

impl<M: MediaType> Answered<File<M>> {
    /// A file that is sent as it is read.
    pub(in super::super) fn stream(body: Body, length: Option<u64>) -> Self {
        Self::new(StatusCode::OK, Sent::Stream(body, length))
    }
}

fn stream(body: Body, length: Option<u64>, media_type: HeaderValue) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = HeaderValue::from_static("attachment; filename=\"lictor.backup\"");
    headers.insert(CONTENT_DISPOSITION, name);
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, length.into());
        response.extensions_mut().insert(MadeAsTaken);
    }
    response
}

/// The answer to a repeated request: the first one, with the names that are kept nowhere.
pub(super) fn again<A: Answer>(
    facts: &Facts,
    kept: Stored,
    naming: Option<impl FnOnce(A) -> A>,
) -> Result<Response, super::Problem> {
    let Stored { status, body } = kept;
    let status = StatusCode::from_u16(status).map_err(Error::internal)?;
    let mut response = match naming {
        _ if !status.is_success() => response(facts, status, body.into_bytes(), PROBLEM_JSON, None),
        Some(naming) => {
            let answer = A::read(status.as_u16(), body.as_bytes()).map_err(Error::internal)?;
            Answered::of(&naming(answer))?.into_response(facts)
        }
        None => {
            let media_type = HeaderValue::from_static(A::MEDIA_TYPE);
            response(facts, status, body.into_bytes(), media_type, None)
        }
    };
    let headers = response.headers_mut();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn response(
    facts: &Facts,
    status: StatusCode,
    body: Vec<u8>,
    media_type: HeaderValue,
    tag: Option<String>,
) -> Response {
    let is_file = media_type != JSON && status.is_success();
    let mut headers = HeaderMap::new();
    if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
        headers.insert(CONTENT_TYPE, media_type);
    }
    if status == StatusCode::CREATED || is_file {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(tag) = tag.and_then(|tag| tag.try_into().ok()) {
        headers.insert(ETAG, tag);
    } else if status.is_success() {
        add_headers_of_body(facts, status, &body, &mut headers);
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// `Location` and `ETag` are what the body says, so that they need not be kept beside it.
fn add_headers_of_body(facts: &Facts, status: StatusCode, body: &[u8], headers: &mut HeaderMap) {
    let has_tag = facts.headers.contains(&Header::ETag);
    let location = facts.headers.iter().find_map(|header| match header {
        Header::Location { path, member } if status == StatusCode::CREATED => Some((path, member)),
        _ => None,
    });
    if !has_tag && location.is_none() {
        return;
    }
    let members: BTreeMap<&str, &RawValue> = serde_json::from_slice(body).unwrap_or_default();
    let member = |name: &str| members.get(name).map(|raw| raw.get());
    let mut insert = |header, text: Option<String>| {
        if let Some(value) = text.and_then(|text| text.try_into().ok()) {
            headers.insert(header, value);
        }
    };
    if let Some((path, name)) = location {
        let made = member(name).and_then(|raw| serde_json::from_str::<String>(raw).ok());
        insert(LOCATION, made.map(|made| place(path, &made)));
    }
    if has_tag {
        let revision = member("revision").and_then(|raw| raw.parse().ok());
        insert(
            ETAG,
            revision.map(|revision| tag(revision, object_of(body).as_ref())),
        );
    }
}

/// The path of what was made, whose name is its variable.
fn place(path: &str, made: &str) -> String {
    let made = utf8_percent_encode(made, SEGMENT);
    let above = path.rsplit_once('/').map_or("", |(above, _)| above);
    format!("/v1{above}/{made}")
}

/// The object that this body is about, as it is shown by itself: the answer to an added license has its place behind it.
fn object_of(body: &[u8]) -> Cow<'_, [u8]> {
    // In no text can quotes stand so.
    let place = br#","place":{"#;
    match body.windows(place.len()).rposition(|text| text == place) {
        Some(end) => Cow::Owned([&body[..end], b"}"].concat()),
        None => Cow::Borrowed(body),
    }
}
