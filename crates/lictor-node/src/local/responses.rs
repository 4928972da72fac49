//! The responses of the local API.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, VARY};
use hyper::{Response, StatusCode};
use lictor_core::exposition::Format;
use serde::Serialize;
use serde_json::json;

use crate::error::{Denial, Reason};
use crate::shared::Shared;
use crate::status::Status;

pub(super) type LocalResponse = Response<Full<Bytes>>;

const REASON: HeaderName = HeaderName::from_static("lictor-reason");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The request is allowed.
pub(super) fn allowed() -> LocalResponse {
    let mut answer = LocalResponse::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// Why a request must not be served.
pub(super) fn denied(denial: Denial) -> LocalResponse {
    match denial {
        Denial::Refused(reason) => refused(reason),
        Denial::NotCounted(failed) => failure(
            StatusCode::SERVICE_UNAVAILABLE,
            "not-counted",
            &failed.to_string(),
        ),
    }
}

/// Whether requests that need no particular feature are allowed. Nothing is counted.
pub(super) fn ready(decided: Result<(), Reason>) -> LocalResponse {
    match decided {
        Ok(()) => text("text/plain", "ok\n".to_owned()),
        Err(reason) => {
            let mut answer = refused(reason);
            *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            answer
        }
    }
}

/// There is no node yet, so nothing is allowed. `decides` is whether the client asked if a request is.
pub(super) fn waiting(decides: bool, why: &str) -> LocalResponse {
    let reason = Reason::Restricted;
    let status = match decides {
        true => StatusCode::FORBIDDEN,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut answer = json(status, &json!({"reason": reason.as_str(), "message": why}));
    let headers = answer.headers_mut();
    headers.insert(REASON, HeaderValue::from_static(reason.as_str()));
    answer
}

fn refused(reason: Reason) -> LocalResponse {
    let mut answer = with(StatusCode::FORBIDDEN, JSON, body_of(reason));
    let headers = answer.headers_mut();
    headers.insert(REASON, HeaderValue::from_static(reason.as_str()));
    answer
}

fn body_of(reason: Reason) -> String {
    format!(
        "{{\"reason\":\"{}\",\"message\":\"{}\"}}\n",
        reason.as_str(),
        reason.message()
    )
}

/// A request that cannot be answered.
pub(super) fn failure(status: StatusCode, code: &str, message: &str) -> LocalResponse {
    json(status, &json!({"code": code, "message": message}))
}

/// A request with the wrong method.
pub(super) fn method_not_allowed(allowed: &'static str) -> LocalResponse {
    let mut answer = failure(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        &format!("use {allowed}"),
    );
    let headers = answer.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// A text.
pub(super) fn text(kind: &'static str, text: String) -> LocalResponse {
    with(StatusCode::OK, HeaderValue::from_static(kind), text)
}

/// Metrics in the requested format.
pub(super) fn metrics(format: Format, metrics: String) -> LocalResponse {
    let mut answer = text(format.content_type(), metrics);
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept"));
    answer
}

/// The node's status.
pub(super) fn status(shared: &Shared) -> LocalResponse {
    json(StatusCode::OK, &Status::of(shared))
}

/// The license in force.
pub(super) fn license(shared: &Shared) -> LocalResponse {
    let status = Status::of(shared);
    let body = match (status.license, status.denied) {
        (Some(license), None) => json!({"license": license}),
        (license, reason) => json!({"license": license, "reason": reason}),
    };
    json(StatusCode::OK, &body)
}

fn json(status: StatusCode, value: &impl Serialize) -> LocalResponse {
    match serde_json::to_string(value) {
        Ok(text) => with(status, JSON, text + "\n"),
        Err(error) => with(
            StatusCode::INTERNAL_SERVER_ERROR,
            HeaderValue::from_static("text/plain"),
            error.to_string(),
        ),
    }
}

fn with(status: StatusCode, kind: HeaderValue, text: String) -> LocalResponse {
    let mut answer = LocalResponse::new(Full::from(text));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
