//! An answer as a response: its status, its body, and the headers that its row has.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use lictor_api::answer::{Answer, Rendered};
use lictor_api::row::{Facts, Header};
use lictor_authority::Answer as Stored;
use lictor_core::Error;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::value::RawValue;

use super::super::conditions::tag;
use super::super::error::PROBLEM_JSON;
use super::super::wire::added::object_of;

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
    body: Vec<u8>,
    of: PhantomData<fn() -> A>,
}

impl<A: Answer> Answered<A> {
    pub(super) fn of(answer: &A) -> Result<Self, Error> {
        Self::written(Rendered::of(answer).map_err(Error::internal)?)
    }

    /// An answer that is text already.
    pub(in super::super) fn written(rendered: Rendered<A>) -> Result<Self, Error> {
        let status = StatusCode::from_u16(rendered.status()).map_err(Error::internal)?;
        Ok(Self {
            status,
            body: rendered.into_body(),
            of: PhantomData,
        })
    }

    pub(super) fn into_response(self, facts: &Facts) -> Response {
        let media_type = HeaderValue::from_static(A::MEDIA_TYPE);
        response(facts, self.status, self.body, media_type)
    }
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
        _ if !status.is_success() => response(facts, status, body.into_bytes(), PROBLEM_JSON),
        Some(naming) => {
            let answer = A::read(status.as_u16(), body.as_bytes()).map_err(Error::internal)?;
            Answered::of(&naming(answer))?.into_response(facts)
        }
        None => {
            let media_type = HeaderValue::from_static(A::MEDIA_TYPE);
            response(facts, status, body.into_bytes(), media_type)
        }
    };
    let headers = response.headers_mut();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn response(facts: &Facts, status: StatusCode, body: Vec<u8>, media_type: HeaderValue) -> Response {
    let mut headers = HeaderMap::new();
    if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
        headers.insert(CONTENT_TYPE, media_type);
    }
    if status == StatusCode::CREATED {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if status.is_success() {
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
