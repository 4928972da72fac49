//! Refusals in Jira's words: error collections where its clients look for them, problem details for
//! paths and methods that are none.

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use lictor_core::Error;
use lictor_core::error::Class;

use super::{METHODS, wire};
use crate::http::budget::{self, NO_ROOM};
use crate::http::status;

/// Why a request is not answered with what it asked for.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The path leads nowhere, or to an organization that the caller may not see.
    NoEndpoint,
    /// The path is there, the method is not.
    WrongMethod,
    /// No product has this key.
    UnknownProduct(String),
    /// The permissions asked for are none, or unknown.
    UnknownPermission(String),
    /// There is no memory left for the answer.
    Busy,
    /// The domain refuses.
    Domain(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Domain(error)
    }
}

impl Refusal {
    /// The answer to a request for this path.
    pub(super) fn into_response(self, method: &Method, path: &str) -> Response {
        match self {
            Self::NoEndpoint => problem(
                StatusCode::NOT_FOUND,
                &format!("No endpoint {method} {path}."),
                path,
            ),
            Self::WrongMethod => {
                let detail = format!("Method '{method}' is not supported.");
                let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, &detail, path);
                let allowed = HeaderValue::from_static(METHODS);
                response.headers_mut().insert(ALLOW, allowed);
                response
            }
            Self::UnknownProduct(key) => collection(
                StatusCode::BAD_REQUEST,
                &format!("There is no application with the key '{key}'."),
            ),
            Self::UnknownPermission(key) if key.is_empty() => collection(
                StatusCode::BAD_REQUEST,
                "The 'permissions' query parameter is required.",
            ),
            Self::UnknownPermission(key) => collection(
                StatusCode::BAD_REQUEST,
                &format!("Unrecognized permission: '{key}'."),
            ),
            Self::Busy => busy(NO_ROOM),
            Self::Domain(error) => of_domain(error),
        }
    }
}

fn of_domain(error: Error) -> Response {
    match error {
        Error::Unauthenticated => collection(
            StatusCode::UNAUTHORIZED,
            "Client must be authenticated to access this resource.",
        ),
        Error::OwnerInactive(_) => collection(StatusCode::UNAUTHORIZED, &error.to_string()),
        Error::OutOfScope(_) => wire::json(
            StatusCode::UNAUTHORIZED,
            &wire::ErrorCollection::in_both_forms(
                StatusCode::UNAUTHORIZED,
                "Unauthorized; scope does not match",
            ),
        ),
        Error::Forbidden(_) => collection(
            StatusCode::FORBIDDEN,
            "Only Jira administrators can access license details.",
        ),
        Error::Busy(_) => busy(&error.to_string()),
        Error::StorageFull | Error::ReadOnly(_) => {
            collection(StatusCode::SERVICE_UNAVAILABLE, "The store cannot be used.")
        }
        Error::Internal(cause) => {
            tracing::error!(%cause, "a request failed");
            collection(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
        }
        error => {
            let class = error.class();
            let mut response = collection(status::of(class), &error.to_string());
            if let Class::TooMany { retry_after } = class {
                let headers = response.headers_mut();
                headers.insert(RETRY_AFTER, retry_after.into());
            }
            response
        }
    }
}

/// Too many requests.
pub(super) fn too_many() -> Response {
    collection(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded.")
}

fn busy(said: &str) -> Response {
    let mut response = collection(StatusCode::SERVICE_UNAVAILABLE, said);
    let soon = HeaderValue::from_static(budget::RETRY_AFTER);
    response.headers_mut().insert(RETRY_AFTER, soon);
    response
}

fn collection(status: StatusCode, message: &str) -> Response {
    wire::json(status, &wire::ErrorCollection::of(message))
}

fn problem(status: StatusCode, detail: &str, path: &str) -> Response {
    let mut response = wire::json(status, &wire::Problem::of(status, detail, path));
    let media_type = HeaderValue::from_static("application/problem+json;charset=UTF-8");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

#[cfg(test)]
mod tests {
    use lictor_core::facts::quota::Quota;

    use super::*;

    #[test]
    fn what_may_be_asked_again_says_when() {
        let quota = Error::QuotaReached {
            quota: Quota::EntriesPerDay,
            limit: 1,
            of: None,
            retry_after: Some(7),
        };
        for (error, status, again) in [(quota, 429, "7"), (Error::Busy("later"), 503, "1")] {
            let response = of_domain(error);
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()[RETRY_AFTER], again);
        }
    }
}
