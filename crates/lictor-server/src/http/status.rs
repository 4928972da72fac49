//! HTTP's status for each class of errors, where a dialect has no other.

use axum::http::StatusCode;
use lictor_core::error::Class;

/// The status of a refusal of this class.
pub(crate) fn of(class: Class) -> StatusCode {
    match class {
        Class::Unauthenticated => StatusCode::UNAUTHORIZED,
        Class::OutOfScope | Class::Forbidden => StatusCode::FORBIDDEN,
        Class::Invalid => StatusCode::BAD_REQUEST,
        Class::Missing => StatusCode::NOT_FOUND,
        Class::Exists | Class::Changed | Class::Conflict | Class::LimitReached => {
            StatusCode::CONFLICT
        }
        Class::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        Class::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        Class::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Class::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
