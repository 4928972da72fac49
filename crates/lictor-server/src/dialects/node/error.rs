//! Refusals in the form that nodes read: a code for the program, a sentence for people.

use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use lictor_core::Error;
use lictor_core::error::Class;
use lictor_core::facts::node::JoinRefusal;
use lictor_core::facts::quota::Quota;
use lictor_core::feed::{Failure, FailureCode};
use uuid::Uuid;

use super::wire;
use crate::http::budget::{self, NO_ROOM};

/// How long failures are remembered, in seconds.
const A_MINUTE: HeaderValue = HeaderValue::from_static("60");

/// Why a request is not answered as asked.
pub(super) struct Refusal {
    status: StatusCode,
    failure: Box<Failure>,
    allow: Option<HeaderValue>,
    retry_after: Option<HeaderValue>,
}

impl Refusal {
    /// A refusal with the status that goes with its code.
    pub(super) fn new(code: FailureCode, message: impl Into<String>) -> Self {
        let status = match code {
            FailureCode::Unauthorized
            | FailureCode::NoCredential
            | FailureCode::EnrollmentRefused => StatusCode::UNAUTHORIZED,
            FailureCode::Revoked | FailureCode::Left | FailureCode::CertificateRequired => {
                StatusCode::FORBIDDEN
            }
            FailureCode::NoPlace => StatusCode::CONFLICT,
            FailureCode::UnsupportedFormat => StatusCode::NOT_ACCEPTABLE,
            FailureCode::Invalid | FailureCode::Other => StatusCode::BAD_REQUEST,
            FailureCode::NoRoute => StatusCode::NOT_FOUND,
            FailureCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        let failure = Box::new(Failure {
            code,
            message: message.into(),
            state: None,
            instance: None,
        });
        Self {
            status,
            failure,
            allow: None,
            retry_after: None,
        }
    }

    /// Nothing came that a node signs in with.
    pub(super) fn no_credential() -> Self {
        Self::new(
            FailureCode::NoCredential,
            "no node credential came with the request: a proxy in between drops or replaces the \
             header Authorization; have it pass on what the node sends",
        )
    }

    /// The same, as this start of the control plane says it.
    pub(super) fn said_by(mut self, instance: Uuid) -> Self {
        self.failure.instance = Some(instance);
        self
    }

    /// What a node is told that was revoked.
    pub(super) fn revoked(state: String) -> Self {
        let mut refusal = Self::new(
            FailureCode::Revoked,
            "this node was revoked; enroll another with `lictor node enroll`",
        );
        refusal.failure.state = Some(state);
        refusal
    }

    /// What a node is told that gave its place in a pool back.
    pub(super) fn left() -> Self {
        Self::new(
            FailureCode::Left,
            "this node gave its place in its pool back: it left, or was silent for longer than \
             the pool's --forget-after; it takes one again with the pool's token",
        )
    }

    /// There is no memory left for the request.
    pub(super) fn busy() -> Self {
        Self::soon(NO_ROOM)
    }

    fn soon(said: impl Into<String>) -> Self {
        Self {
            retry_after: Some(HeaderValue::from_static(budget::RETRY_AFTER)),
            ..Self::new(FailureCode::Unavailable, said)
        }
    }

    /// Too many requests.
    pub(super) fn too_many() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            ..Self::new(FailureCode::Unavailable, "the node asks too often")
        }
    }

    /// Too many unknown enrollment tokens from one address.
    pub(super) fn too_many_failures() -> Self {
        let message = "too many unknown enrollment tokens came from this address; wait a minute";
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(A_MINUTE),
            ..Self::new(FailureCode::Unavailable, message)
        }
    }

    /// The method is not the path's.
    pub(super) fn wrong_method(allowed: &Method) -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            allow: HeaderValue::from_str(allowed.as_str()).ok(),
            ..Self::new(FailureCode::NoRoute, format!("this path takes {allowed}"))
        }
    }

    pub(super) fn into_response(self) -> Response {
        let mut response = wire::json(self.status, &self.failure);
        let headers = response.headers_mut();
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, allow);
        }
        if let Some(soon) = self.retry_after {
            headers.insert(RETRY_AFTER, soon);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let said = error.to_string();
        match error {
            Error::Unauthenticated => Self::new(
                FailureCode::Unauthorized,
                "this control plane does not know the node; enroll it with `lictor node enroll`",
            ),
            Error::JoinRefused(JoinRefusal::Full(_)) | Error::NodeLimit { .. } => {
                Self::new(FailureCode::NoPlace, said)
            }
            Error::QuotaReached {
                quota: Quota::Nodes,
                ..
            } => Self::new(FailureCode::NoPlace, said),
            Error::JoinRefused(_) => Self::new(FailureCode::EnrollmentRefused, said),
            Error::Busy(_) => Self::soon(said),
            Error::StorageFull | Error::ReadOnly(_) | Error::Outdated => Self::new(
                FailureCode::Unavailable,
                "the control plane cannot write now; its log says why",
            ),
            Error::Internal(cause) => {
                tracing::error!(%cause, "a request of a node failed");
                let message = "the control plane could not do this; its log says why";
                Self {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    ..Self::new(FailureCode::Unavailable, message)
                }
            }
            error => match error.class() {
                Class::TooMany { retry_after } => Self {
                    status: StatusCode::TOO_MANY_REQUESTS,
                    retry_after: Some(retry_after.into()),
                    ..Self::new(FailureCode::Unavailable, said)
                },
                _ => Self::new(FailureCode::Invalid, said),
            },
        }
    }
}
