//! What all POST routes share: sign in, read the body, and answer a repeated request with the
//! first answer. What a route does is its own file's.

use std::any::Any;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use lictor_authority::permits::{Permit, PermittedCall};
use lictor_authority::right::{OnResource, Write};
use lictor_authority::{Answer, IdempotencyKey, kept_answer};
use lictor_core::Error;
use lictor_core::digest::Digest;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::auth;
use super::conditions::{self, tag};
use super::error::{PROBLEM_JSON, Problem};
use super::frame::{Guard, Running, given_key};
use super::json;
use super::page::no_query;
use super::told::Told;
use super::wire::added::object_of;
use crate::settings::Server;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A POST request that may be carried out.
pub(super) struct Post<T, R> {
    /// The call, with the idempotency record once the answer is known.
    pub(super) call: PermittedCall<R, Write>,
    /// The body.
    pub(super) request: T,
    /// How much may be told of what it does.
    pub(super) told: Told,
    path: String,
    name: &'static str,
    key: Option<IdempotencyKey>,
    _guard: Option<Guard>,
    /// Its memory is held for as long as what was made of it is there.
    body: Bytes,
}

/// How a POST request begins.
pub(super) enum Begun<T, R> {
    /// It is to be carried out.
    First(Box<Post<T, R>>),
    /// It was carried out before: its answer.
    Answered(Response),
}

impl<T: DeserializeOwned + Send + 'static, R: OnResource> Post<T, R> {
    /// Signs in, refuses who lacks the right before looking at the body, reads the body, and looks
    /// for an earlier answer. `name` is the member by which an object is found under the path.
    pub(super) async fn begin(
        server: &Server,
        name: &'static str,
        request: Request,
    ) -> Result<Begun<T, R>, Problem> {
        Self::begin_naming(server, name, request, |_, answer| answer).await
    }

    /// The same where what is kept of an answer lacks the names that the request holds: `naming` puts
    /// those of a repeated one, which is the same, into it again.
    pub(super) async fn begin_naming(
        server: &Server,
        name: &'static str,
        request: Request,
        naming: fn(T, Answer) -> Answer,
    ) -> Result<Begun<T, R>, Problem> {
        let (parts, body) = request.into_parts();
        let call = auth::call(&server.authority, &parts.headers).await?;
        let call = call.permitted()?;
        conditions::refuse(&parts.headers)?;
        let path = parts.uri.path().to_owned();
        no_query(&parts.uri)?;
        let key = given_key(&parts.headers)?;
        let (request, bytes) = json::object(server, &call, &parts, body).await?;
        let key = key.map(|key| IdempotencyKey {
            token: call.actor.token,
            // An operator's requests about two organizations are no twins.
            route: format!("POST {path} {}", call.organization.id),
            key: key.to_owned(),
            request_sha256: Digest::of(&bytes).0,
        });
        let mut guard = None;
        if let Some(key) = &key {
            let running = parts
                .extensions
                .get::<Arc<Running>>()
                .ok_or_else(|| Error::internal("the router lacks the set of running requests"))?;
            guard = Some(running.enter(key)?);
            let organization = call.organization.id;
            if let Some(answer) = server.authority.answered(organization, key).await? {
                let mut response = respond(naming(request, answer), &path, name);
                response
                    .headers_mut()
                    .insert(REPLAYED, HeaderValue::from_static("true"));
                return Ok(Begun::Answered(response));
            }
        }
        Ok(Begun::First(Box::new(Self {
            told: Told::of::<R>(server, &call, &bytes).await?,
            call,
            request,
            path,
            name,
            key,
            _guard: guard,
            body: bytes,
        })))
    }
}

impl<T, R> Post<T, R> {
    /// The permit that was asked for before the body was read.
    pub(super) fn permit(&self) -> Permit<'_, R, Write> {
        self.call.as_permit()
    }

    /// Does what is to be done with each row of a large body.
    pub(super) async fn long_work<W: Send + 'static>(
        &self,
        server: &Server,
        work: impl FnOnce() -> W + Send + 'static,
    ) -> Result<W, Problem> {
        let (organization, bytes) = (self.call.organization.id, self.body.len());
        Ok(server
            .authority
            .long_work(organization, bytes, work)
            .await?)
    }

    /// The request without its body, and the body.
    pub(super) fn split(self) -> (Post<(), R>, T) {
        let post = Post {
            call: self.call,
            request: (),
            told: self.told,
            path: self.path,
            name: self.name,
            key: self.key,
            _guard: self._guard,
            body: self.body,
        };
        (post, self.request)
    }

    /// Keeps the answer, which `render` makes of what was decided, for a repeated request.
    pub(super) fn keep<O: Any>(&mut self, render: impl Fn(&O) -> Answer + Send + Sync + 'static) {
        self.keep_if(move |outcome| Some(render(outcome)));
    }

    /// The same where `render` gives none for what is not to be kept: a refusal, because the next request may
    /// find room.
    pub(super) fn keep_if<O: Any>(
        &mut self,
        render: impl Fn(&O) -> Option<Answer> + Send + Sync + 'static,
    ) {
        self.keep_of_parts_if(move |outcomes| match outcomes {
            [outcome] => render(outcome),
            _ => None,
        });
    }

    /// The same of a request that is written in parts, of the outcomes of all.
    pub(super) fn keep_of_parts_if<O: Any>(
        &mut self,
        render: impl Fn(&[&O]) -> Option<Answer> + Send + Sync + 'static,
    ) {
        let key = self.key.clone();
        self.call
            .keep_answer(key.map(|key| kept_answer(key, render)));
    }

    /// The response that this answer is sent as, now or when it is repeated.
    pub(super) fn respond(&self, answer: Answer) -> Response {
        respond(answer, &self.path, self.name)
    }
}

/// `Location` and `ETag` are what the body says, so that they need not be kept beside it.
fn respond(answer: Answer, path: &str, name: &str) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut found = HeaderMap::new();
    let is_problem = status.is_client_error() || status.is_server_error();
    let json = HeaderValue::from_static("application/json");
    found.insert(CONTENT_TYPE, if is_problem { PROBLEM_JSON } else { json });
    if status == StatusCode::CREATED {
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let location = body[name].as_str().map(|name| format!("{path}/{name}"));
        let revision = body["revision"].as_u64();
        let etag =
            revision.map(|revision| tag(revision, object_of(answer.body.as_bytes()).as_ref()));
        let mut insert = |header, text: Option<String>| {
            if let Some(value) = text.and_then(|text| text.try_into().ok()) {
                found.insert(header, value);
            }
        };
        insert(LOCATION, location);
        insert(ETAG, etag);
        found.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    (status, found, answer.body).into_response()
}
