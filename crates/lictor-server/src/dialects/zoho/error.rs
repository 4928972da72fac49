//! Refusals in Zoho CRM's words: always the same four keys, since clients fail on fewer.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use lictor_core::Error;
use lictor_core::error::Class;
use serde_json::{Value, json};

use super::wire;
use crate::http::budget::{self, NO_ROOM};

/// Why a request is not answered with what it asked for.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The path leads nowhere.
    NoSuchPath,
    /// The path is there, the method is not.
    WrongMethod,
    /// The version does not have this; the nearest that has.
    Version(u32),
    /// The request carries no token.
    NoToken,
    /// The module is none.
    InvalidModule,
    /// A parameter is not allowed; its name.
    InvalidData(&'static str),
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
    /// The answer.
    pub(super) fn into_response(self) -> Response {
        let bad = StatusCode::BAD_REQUEST;
        match self {
            Self::NoSuchPath => no_such_path(),
            Self::WrongMethod => plain(
                bad,
                "INVALID_REQUEST_METHOD",
                "The http request method type is not a valid one",
            ),
            Self::Version(nearest) => error(
                bad,
                "API_NOT_SUPPORTED",
                "api not supported in this version",
                json!({ "supported_version": nearest }),
            ),
            Self::NoToken => plain(
                StatusCode::UNAUTHORIZED,
                "AUTHENTICATION_FAILURE",
                "Authentication failed",
            ),
            Self::InvalidModule => plain(
                bad,
                "INVALID_MODULE",
                "the module name given seems to be invalid",
            ),
            Self::InvalidData(name) => error(
                bad,
                "INVALID_DATA",
                &format!("the value of {name} is not allowed"),
                json!({ "param_name": name }),
            ),
            Self::Busy => busy(NO_ROOM),
            Self::Domain(error) => of_domain(error),
        }
    }
}

fn of_domain(refused: Error) -> Response {
    match refused {
        // The vendor has these words alone for all of them.
        Error::Unauthenticated | Error::OwnerInactive(_) => plain(
            StatusCode::UNAUTHORIZED,
            "INVALID_TOKEN",
            "invalid oauth token",
        ),
        Error::OutOfScope(_) => plain(
            StatusCode::UNAUTHORIZED,
            "OAUTH_SCOPE_MISMATCH",
            "invalid oauth scope to access this URL",
        ),
        Error::Forbidden(_) => error(
            StatusCode::FORBIDDEN,
            "NO_PERMISSION",
            "permission denied",
            json!({ "permissions": [] }),
        ),
        Error::NotFound { .. } => no_such_path(),
        Error::Busy(_) => busy(&refused.to_string()),
        Error::StorageFull | Error::ReadOnly(_) => internal(),
        Error::Internal(cause) => {
            tracing::error!(%cause, "a request failed");
            internal()
        }
        refused => {
            let text = refused.to_string();
            let Class::TooMany { retry_after } = refused.class() else {
                return plain(StatusCode::BAD_REQUEST, "INVALID_DATA", &text);
            };
            let mut response = plain(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", &text);
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, retry_after.into());
            response
        }
    }
}

fn no_such_path() -> Response {
    plain(
        StatusCode::NOT_FOUND,
        "INVALID_URL_PATTERN",
        "Please check if the URL trying to access is a correct one",
    )
}

/// Too many requests.
pub(super) fn too_many() -> Response {
    plain(
        StatusCode::TOO_MANY_REQUESTS,
        "TOO_MANY_REQUESTS",
        "Too many requests were made within a second. Please try again after some time.",
    )
}

fn busy(said: &str) -> Response {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, "INTERNAL_ERROR", said);
    let soon = HeaderValue::from_static(budget::RETRY_AFTER);
    response.headers_mut().insert(RETRY_AFTER, soon);
    response
}

fn internal() -> Response {
    plain(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL_ERROR",
        "Internal Server Error",
    )
}

fn plain(status: StatusCode, code: &str, message: &str) -> Response {
    error(status, code, message, json!({}))
}

fn error(status: StatusCode, code: &str, message: &str, details: Value) -> Response {
    wire::json(status, &wire::Failure::of(code, details, message))
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
