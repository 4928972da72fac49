//! The answers of the local API.

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

pub(super) type Answer = Response<Full<Bytes>>;

const REASON: HeaderName = HeaderName::from_static("lictor-reason");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Nothing but that it is allowed.
pub(super) fn allowed() -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// Why a request is not to be served.
pub(super) fn denied(denial: Denial) -> Answer {
    match denial {
        Denial::Refused(reason) => refused(reason),
        Denial::NotCounted(failed) => failure(
            StatusCode::SERVICE_UNAVAILABLE,
            "not-counted",
            &failed.to_string(),
        ),
    }
}

/// Whether requests are allowed that ask for nothing in particular; nothing is counted.
pub(super) fn ready(decided: Result<(), Reason>) -> Answer {
    match decided {
        Ok(()) => text("text/plain", "ok\n".to_owned()),
        Err(reason) => {
            let mut answer = refused(reason);
            *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            answer
        }
    }
}

/// There is no node yet, and so nothing is allowed; who asks whether a request is gets the word for it.
pub(super) fn waiting(decides: bool, why: &str) -> Answer {
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

fn refused(reason: Reason) -> Answer {
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
pub(super) fn failure(status: StatusCode, code: &str, message: &str) -> Answer {
    json(status, &json!({"code": code, "message": message}))
}

/// A request by the wrong method.
pub(super) fn method_not_allowed(allowed: &'static str) -> Answer {
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
pub(super) fn text(kind: &'static str, text: String) -> Answer {
    with(StatusCode::OK, HeaderValue::from_static(kind), text)
}

/// Metrics in the format that was asked for.
pub(super) fn metrics(format: Format, metrics: String) -> Answer {
    let mut answer = text(format.content_type(), metrics);
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept"));
    answer
}

/// How the node stands.
pub(super) fn status(shared: &Shared) -> Answer {
    json(StatusCode::OK, &Status::of(shared))
}

/// What is in force.
pub(super) fn license(shared: &Shared) -> Answer {
    let status = Status::of(shared);
    let body = match (status.license, status.denied) {
        (Some(license), None) => json!({"license": license}),
        (license, reason) => json!({"license": license, "reason": reason}),
    };
    json(StatusCode::OK, &body)
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    match serde_json::to_string(value) {
        Ok(text) => with(status, JSON, text + "\n"),
        Err(error) => with(
            StatusCode::INTERNAL_SERVER_ERROR,
            HeaderValue::from_static("text/plain"),
            error.to_string(),
        ),
    }
}

fn with(status: StatusCode, kind: HeaderValue, text: String) -> Answer {
    let mut answer = Answer::new(Full::from(text));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
