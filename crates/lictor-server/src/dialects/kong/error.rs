//! What a request is refused with: Kong's status and words for each of our reasons. It refuses
//! nothing itself.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use lictor_core::access::Actor;
use lictor_core::error::{Class, Kind};
use lictor_core::{DocumentError, Error};

use super::headers;
use super::schema::Violations;
use super::wire::{self, Fields, Problem};
use crate::http::budget::{self, NO_ROOM};
use crate::http::status;

/// Why a request gets no answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A path that nothing stands at, or an entity that is not there.
    NotFound,
    /// A verb that the path does not serve.
    MethodNotAllowed,
    /// A verb that would change the organizations.
    WorkspacesAreRead,
    /// A body of a type that is not read.
    UnsupportedType,
    /// Two Content-Type headers.
    TwoContentTypes,
    /// A body that cannot be read; the word says as what.
    CannotParse(&'static str),
    /// More fields than are read.
    TooManyArguments,
    /// A body larger than is read.
    BodyTooLarge,
    /// There is no memory left for the request.
    Busy,
    /// There is no memory left for the answer to what was done.
    AnswerLost,
    /// The id of the path is no UUID.
    InvalidKey,
    /// The offset of a page; what is wrong with it.
    InvalidOffset(String, &'static str),
    /// The size of a page; what is wrong with it.
    InvalidSize(&'static str),
    /// A shape of the report that does not exist.
    UnknownFormat,
    /// Arguments that do not fit the entity.
    Schema(Violations),
    /// The caller may not do this; the message says who and what.
    NoPermission(String),
    /// A condition, of which nothing here has a tag to meet it.
    NoEntityTags,
    /// What the domain refuses.
    Domain(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Domain(error)
    }
}

impl Refusal {
    /// Names the caller and the deed in a refusal for want of rights.
    pub(super) fn for_actor(self, actor: &Actor, verb: &Method) -> Self {
        let Self::Domain(Error::Forbidden(_) | Error::OutOfScope(_)) = self else {
            return self;
        };
        let deed = match *verb {
            Method::POST => "create",
            Method::PUT | Method::PATCH => "update",
            Method::DELETE => "delete",
            _ => "read",
        };
        Self::NoPermission(format!(
            "{}, you do not have permissions to {deed} this resource",
            actor.display_name()
        ))
    }

    /// The answer.
    pub(super) fn into_response(self) -> Response {
        match self {
            Self::NotFound => message(StatusCode::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => message(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Self::WorkspacesAreRead => message(
                StatusCode::METHOD_NOT_ALLOWED,
                "Method not allowed: workspaces are organizations of Lictor, which are read here; \
                 use `lictor organization create` and `lictor organization remove`",
            ),
            Self::UnsupportedType => message(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Unsupported content type; send application/json, \
                 application/x-www-form-urlencoded or multipart/form-data",
            ),
            Self::TwoContentTypes => plain("Bad request: two Content-Type headers\n"),
            Self::CannotParse(kind) => message(
                StatusCode::BAD_REQUEST,
                &format!("Cannot parse {kind} body"),
            ),
            Self::TooManyArguments => message(StatusCode::BAD_REQUEST, "Too many arguments"),
            Self::BodyTooLarge => message(
                StatusCode::PAYLOAD_TOO_LARGE,
                "Request body is larger than 10 MB",
            ),
            Self::Busy => busy(NO_ROOM),
            // Without `Retry-After`: a repeated POST would add another.
            Self::AnswerLost => message(
                StatusCode::SERVICE_UNAVAILABLE,
                "the server has no memory left for the answer now; what was asked for is done, and \
                 stays",
            ),
            Self::InvalidKey => problem(&Problem {
                code: 1,
                name: "invalid primary key",
                message: "invalid primary key: '{id=\"expected a valid UUID\"}'".to_owned(),
                fields: Some(Fields::One("id", "expected a valid UUID")),
            }),
            Self::InvalidOffset(offset, reason) => problem(&Problem {
                code: 7,
                name: "invalid offset",
                message: format!("'{offset}' is not a valid offset: {reason}"),
                fields: None,
            }),
            Self::InvalidSize(reason) => problem(&Problem {
                code: 9,
                name: "invalid size",
                message: reason.to_owned(),
                fields: None,
            }),
            Self::UnknownFormat => message(StatusCode::BAD_REQUEST, "format must be 2.7 or 3.4"),
            Self::Schema(violations) => schema_violation(&violations),
            Self::NoPermission(text) => message(StatusCode::FORBIDDEN, &text),
            Self::NoEntityTags => message(
                StatusCode::PRECONDITION_FAILED,
                "Precondition failed: nothing here has an entity tag; leave If-Match and \
                 If-None-Match out, or write through /v1, where licenses have one",
            ),
            Self::Domain(error) => of_domain(error),
        }
    }
}

fn of_domain(error: Error) -> Response {
    match error {
        Error::Unauthenticated => message(StatusCode::UNAUTHORIZED, "Invalid RBAC credentials"),
        Error::OwnerInactive(_) => message(
            StatusCode::UNAUTHORIZED,
            &format!("Invalid RBAC credentials: {error}"),
        ),
        Error::Forbidden(right) | Error::OutOfScope(right) => message(
            StatusCode::FORBIDDEN,
            &format!("you do not have permissions to {right}"),
        ),
        Error::NotFound { kind, name } => not_found(kind, &name),
        Error::InvalidInput { field, reason } => {
            schema_violation(&Violations::of_field(field, reason))
        }
        Error::InvalidDocument(reason) => {
            schema_violation(&Violations::of_entity(license_reason(&reason)))
        }
        Error::AlreadyExists { kind: _, name } => problem(&Problem {
            code: 3,
            name: "primary key violation",
            message: format!("primary key violation on key '{{id=\"{name}\"}}'"),
            fields: Some(Fields::One("id", &name)),
        }),
        Error::Busy(_) => busy(&error.to_string()),
        Error::Internal(cause) => {
            tracing::error!(%cause, "a request failed");
            internal()
        }
        error => {
            let class = error.class();
            let mut response = message(status::of(class), &error.to_string());
            if let Class::TooMany { retry_after } = class {
                let headers = response.headers_mut();
                headers.insert(RETRY_AFTER, retry_after.into());
            }
            response
        }
    }
}

fn not_found(kind: Kind, name: &str) -> Response {
    match kind {
        Kind::License => wire::json(
            StatusCode::NOT_FOUND,
            &Problem {
                code: 6,
                name: "not found",
                message: format!("could not find the entity with primary key '{{id=\"{name}\"}}'"),
                fields: Some(Fields::One("id", name)),
            },
        ),
        Kind::Application
        | Kind::Organization
        | Kind::Key
        | Kind::Token
        | Kind::Account
        | Kind::Client
        | Kind::Node
        | Kind::NodePool
        | Kind::Seat
        | Kind::Lease
        | Kind::Usage
        | Kind::Route => message(StatusCode::NOT_FOUND, "Not found"),
    }
}

/// Kong's documented reason for refusing a license, followed by ours.
pub(super) fn license_reason(reason: &DocumentError) -> String {
    match reason {
        DocumentError::NotJson(detail) => format!("could not decode license json: {detail}"),
        DocumentError::WrongShape(detail) => format!("invalid license format: {detail}"),
        DocumentError::BadClaim { .. } => format!("invalid license format: {reason}"),
        DocumentError::UnknownKey(_)
        | DocumentError::RevokedKey(_)
        | DocumentError::RetiredKey(_)
        | DocumentError::BadSignature
        | DocumentError::WrongAudience(_) => format!("validation failed: {reason}"),
        DocumentError::BadExpirationDate(_) => {
            format!("invalid license expiration date: {reason}")
        }
    }
}

fn schema_violation(violations: &Violations) -> Response {
    problem(&Problem {
        code: 2,
        name: "schema violation",
        message: violations.message(),
        fields: Some(Fields::All(violations)),
    })
}

fn message(status: StatusCode, text: &str) -> Response {
    wire::json(status, &wire::Message { message: text })
}

/// The answer to a fault of ours; its cause is for the log.
pub(super) fn internal() -> Response {
    message(
        StatusCode::INTERNAL_SERVER_ERROR,
        "An unexpected error occurred",
    )
}

/// Too many requests.
pub(super) fn too_many() -> Response {
    message(StatusCode::TOO_MANY_REQUESTS, "API rate limit exceeded")
}

fn busy(said: &str) -> Response {
    let mut response = message(StatusCode::SERVICE_UNAVAILABLE, said);
    let soon = HeaderValue::from_static(budget::RETRY_AFTER);
    response.headers_mut().insert(RETRY_AFTER, soon);
    response
}

fn plain(text: &'static str) -> Response {
    let mut response = headers::json(StatusCode::BAD_REQUEST, text.into());
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

fn problem(problem: &Problem<'_>) -> Response {
    wire::json(StatusCode::BAD_REQUEST, problem)
}
