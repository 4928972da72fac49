//! The headers that every answer of the dialect carries, and the answer to a preflight; no bodies.

use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ALLOW, CONTENT_LENGTH, ORIGIN,
    SERVER, VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;

use crate::http::request_id::request_id;

const LATENCY: HeaderName = HeaderName::from_static("x-kong-admin-latency");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-kong-admin-request-id");
const PRODUCT: &str = concat!("lictor/", env!("CARGO_PKG_VERSION"));

/// Puts on the headers, and takes the body away from answers to HEAD.
pub(super) fn dress(
    mut response: Response,
    parts: &Parts,
    origins: &[String],
    started: Instant,
) -> Response {
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static(PRODUCT));
    let at_root = parts.uri.path() == "/";
    let vary = if at_root { "Accept, Origin" } else { "Origin" };
    headers.insert(VARY, HeaderValue::from_static(vary));
    headers.insert(
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
    headers.insert(
        ACCESS_CONTROL_ALLOW_ORIGIN,
        allowed_origin(parts.headers.get(ORIGIN), origins),
    );
    headers.insert(REQUEST_ID, request_id());
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    headers.insert(LATENCY, HeaderValue::from(milliseconds));
    if parts.method == Method::HEAD {
        without_body(response)
    } else {
        response
    }
}

/// The answer to OPTIONS on a path that serves these verbs.
pub(super) fn preflight(verbs: &[&str], asked: &HeaderMap) -> Response {
    let mut response = super::empty(StatusCode::NO_CONTENT);
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

fn allowed_origin(origin: Option<&HeaderValue>, origins: &[String]) -> HeaderValue {
    let listed = |origin: &HeaderValue| origins.iter().any(|listed| listed == origin);
    let any = HeaderValue::from_static("*");
    match (origin, origins.first()) {
        (Some(origin), None) => origin.clone(),
        (None, None) => any,
        (Some(origin), Some(_)) if listed(origin) => origin.clone(),
        (_, Some(first)) => HeaderValue::from_str(first).unwrap_or(any),
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
