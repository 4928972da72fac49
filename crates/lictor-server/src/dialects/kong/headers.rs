//! The headers that every answer of the dialect carries, and the answer to a preflight; no bodies.

use std::sync::LazyLock;
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ALLOW, CONTENT_LENGTH,
    CONTENT_TYPE, ORIGIN, SERVER, VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;

use crate::http::request_id::request_id;

const LATENCY: HeaderName = HeaderName::from_static("x-kong-admin-latency");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-kong-admin-request-id");
const PRODUCT: &str = concat!("lictor/", env!("CARGO_PKG_VERSION"));

/// The headers of an answer in JSON to a request that names no origin, made once and copied.
static COMMON: LazyLock<HeaderMap> = LazyLock::new(|| {
    HeaderMap::from_iter([
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        ),
        (SERVER, HeaderValue::from_static(PRODUCT)),
        (VARY, HeaderValue::from_static("Origin")),
        (
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        ),
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (REQUEST_ID, HeaderValue::from_static("")),
        (LATENCY, HeaderValue::from_static("0")),
    ])
});

/// An answer with a body in JSON and the headers that are the same for every request; [`dress`] adds
/// the others.
pub(super) fn json(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = COMMON.clone();
    response
}

/// Likewise, without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = json(status, Body::empty());
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

/// Puts the headers of this request on an answer that [`json`] or [`empty`] made, and takes the body
/// away from answers to HEAD.
pub(super) fn dress(
    mut response: Response,
    parts: &Parts,
    origins: &[String],
    started: Instant,
) -> Response {
    let headers = response.headers_mut();
    if parts.uri.path() == "/" {
        headers.insert(VARY, HeaderValue::from_static("Accept, Origin"));
    }
    if let Some(origin) = allowed_origin(parts.headers.get(ORIGIN), origins) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    headers.insert(REQUEST_ID, request_id());
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if milliseconds > 0 {
        headers.insert(LATENCY, HeaderValue::from(milliseconds));
    }
    if parts.method == Method::HEAD {
        without_body(response)
    } else {
        response
    }
}

/// The answer to OPTIONS on a path that serves these verbs.
pub(super) fn preflight(verbs: &[&str], asked: &HeaderMap) -> Response {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    if let Ok(verbs) = HeaderValue::try_from(verbs.join(", ")) {
        headers.insert(ALLOW, verbs.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, verbs);
    }
    let wanted = asked.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let allowed = wanted.unwrap_or(HeaderValue::from_static("Content-Type"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    response
}

/// None for any origin.
fn allowed_origin(origin: Option<&HeaderValue>, origins: &[String]) -> Option<HeaderValue> {
    let listed = |origin: &&HeaderValue| origins.iter().any(|listed| listed == *origin);
    match (origin, origins.first()) {
        (origin, None) => origin.cloned(),
        (origin, Some(first)) => {
            let listed = origin.filter(listed).cloned();
            listed.or_else(|| HeaderValue::from_str(first).ok())
        }
    }
}

/// GET's answer with its length but not its bytes.
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}
