//! Every refusal as a problem (RFC 9457): the authority's errors and those of this format itself.
//! What is refused is decided elsewhere.

use axum::http::Uri;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use lictor_authority::Answer;
use lictor_core::error::Kind;
use lictor_core::facts::quota::Quota;
use lictor_core::facts::seats::SeatRefusal;
use lictor_core::invalid::InvalidInput;
use lictor_core::{DocumentError, Error};
use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::conditions::mismatch;
use crate::http::budget::{self, NO_ROOM};

/// The media type of problems.
pub(super) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The fact that says in how many seconds a request may come again.
const AGAIN: &str = "retry_after";

/// The fact that says that a request was carried out, and only its answer is lost.
const DONE: &str = "done";

/// The facts that are figures of what there is.
const FIGURES: [&str; 6] = ["limit", "used", "enrolled", "seats", "leases", "nodes"];

/// One refusal.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// The last word of its type.
    name: &'static str,
    title: &'static str,
    detail: String,
    /// What a program may want to know of the case.
    facts: Map<String, Value>,
}

impl Problem {
    /// A problem without facts.
    pub(super) fn new(
        status: StatusCode,
        name: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            name,
            title,
            detail: detail.into(),
            facts: Map::new(),
        }
    }

    /// Adds a fact.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// The same with another text, and without the figures that it was decided by.
    pub(super) fn without_figures(mut self, detail: String) -> Self {
        self.detail = detail;
        for name in FIGURES {
            self.facts.remove(name);
        }
        self
    }

    /// The problem as an answer that can be stored.
    pub(super) fn into_answer(self) -> Answer {
        let mut body = self.facts;
        body.insert(
            "type".into(),
            format!("urn:lictor:problem:{}", self.name).into(),
        );
        body.insert("title".into(), self.title.into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("detail".into(), self.detail.into());
        Answer {
            status: self.status.as_u16(),
            body: Value::Object(body).to_string(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, name) = (self.status, self.name);
        let again = self.facts.get(AGAIN).and_then(Value::as_u64);
        // What was done is not to be sent again by itself.
        let is_done = self.facts.get(DONE) == Some(&Value::Bool(true));
        let mut response = (status, self.into_answer().body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = again {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if name == BUSY && !is_done {
            let soon = HeaderValue::from_static(budget::RETRY_AFTER);
            headers.insert(RETRY_AFTER, soon);
        }
        response
    }
}

impl From<InvalidInput> for Problem {
    fn from(error: InvalidInput) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        let problem = |status, name, title| Self::new(status, name, title, detail.clone());
        let (bad, conflict) = (StatusCode::BAD_REQUEST, StatusCode::CONFLICT);
        match error {
            Error::Unauthenticated => problem(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "A valid bearer token is required",
            ),
            Error::OwnerInactive(_) => problem(
                StatusCode::UNAUTHORIZED,
                "owner-inactive",
                "The token's owner is not active",
            ),
            Error::LastAdministrator(_) => problem(
                conflict,
                "last-administrator",
                "The last administrator or operator token must stay",
            ),
            Error::Forbidden(right) | Error::OutOfScope(right) => {
                let title = "The token may not do this";
                problem(StatusCode::FORBIDDEN, "forbidden", title).with("right", right.to_string())
            }
            Error::NotFound { kind, name } => {
                let title = "Not found";
                problem(StatusCode::NOT_FOUND, "not-found", title)
                    .with("kind", kind.as_str())
                    .with("name", name)
            }
            Error::InvalidInput { field, .. } => {
                problem(bad, "invalid-input", "Invalid input").with("field", field)
            }
            Error::InvalidDocument(cause) => of_document(&cause),
            Error::AlreadyExists { kind, name } => {
                problem(conflict, "already-exists", "Already exists")
                    .with("kind", kind.as_str())
                    .with("name", name)
            }
            Error::KeyRevoked(key) => problem(conflict, "key-revoked", "The key was revoked")
                .with("key_id", key.to_string()),
            Error::RevisionMismatch { current } => of_revision(current),
            Error::FenceMismatch { current } => {
                let title = "The lease was checked out again";
                problem(conflict, "fence-mismatch", title).with("fence", current)
            }
            Error::SeatRefused(refusal) => of_seat(&refusal),
            Error::GrantRefused(_) => problem(bad, "grant-refused", "The client gets no token"),
            Error::ApplicationInUse {
                key,
                seats,
                leases,
                nodes,
            } => {
                let title = "The application is still in use";
                problem(conflict, "application-in-use", title)
                    .with("key", key)
                    .with("seats", seats)
                    .with("leases", leases)
                    .with("nodes", nodes)
            }
            Error::HolderHasLeases { leases } => {
                let leases: Vec<_> = leases.iter().map(ToString::to_string).collect();
                let title = "The holder still has leases";
                problem(conflict, "holder-has-leases", title).with("leases", leases)
            }
            Error::NodeLimit {
                application,
                limit,
                enrolled,
            } => {
                let title = "No more nodes are licensed";
                problem(conflict, "node-limit", title)
                    .with("application", application)
                    .with("limit", limit)
                    .with("enrolled", enrolled)
            }
            Error::QuotaReached {
                quota,
                limit,
                of,
                retry_after,
            } => {
                let title = "A quota is reached";
                let status = match retry_after {
                    Some(_) if quota != Quota::Codes => StatusCode::TOO_MANY_REQUESTS,
                    Some(_) | None => conflict,
                };
                problem(status, "quota-reached", title)
                    .with("quota", quota.name())
                    .with("limit", limit)
                    .with("application", of)
                    .with(AGAIN, retry_after)
            }
            Error::JoinRefused(_) => problem(conflict, "join-refused", "The node cannot join"),
            Error::Outdated => problem(conflict, "outdated", "The licenses changed meanwhile"),
            Error::OrganizationNotEmpty { key } => {
                let title = "The organization still has licenses";
                problem(conflict, "organization-not-empty", title).with("key", key)
            }
            Error::DefaultOrganization => problem(
                conflict,
                "default-organization",
                "The organization `default` cannot be removed",
            ),
            Error::IdempotencyTwin => problem(
                conflict,
                "idempotency-in-progress",
                "The same request is still running",
            ),
            Error::IdempotencyMismatch => problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-mismatch",
                "The idempotency key was used for another request",
            ),
            Error::Busy(_) => problem(StatusCode::SERVICE_UNAVAILABLE, BUSY, BUSY_TITLE),
            Error::StorageFull => problem(
                StatusCode::INSUFFICIENT_STORAGE,
                "storage-full",
                "The disk is full",
            ),
            Error::ReadOnly(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "read-only",
                "The store is read-only",
                "the store is read-only since a write to the disk failed; the log says more",
            ),
            Error::StoredInPart { stored, of, cause } => {
                let why = Self::from(*cause);
                Self { detail, ..why }
                    .with("stored", stored)
                    .with("rows", of)
            }
            Error::Internal(cause) => of_fault(cause.as_ref()),
        }
    }
}

/// A seat or lease that is refused; the figures are those that the decision saw.
fn of_seat(refusal: &SeatRefusal) -> Problem {
    let limit = refusal.limit.map_or(Value::Null, Value::from);
    Problem::new(
        StatusCode::CONFLICT,
        "seat-refused",
        "No seat is available for this holder",
        refusal.to_string(),
    )
    .with("application", refusal.application.clone())
    .with("reason", refusal.reason.as_str())
    .with("limit", limit)
    .with("used", refusal.used)
    .with("position", refusal.position)
}

/// The word for a reason that a document is refused for; stable, as it is part of answers.
pub(super) fn document_reason(error: &DocumentError) -> &'static str {
    match error {
        DocumentError::NotJson(_) => "not-json",
        DocumentError::WrongShape(_) => "wrong-shape",
        DocumentError::UnknownKey(_) => "unknown-key",
        DocumentError::RevokedKey(_) => "revoked-key",
        DocumentError::RetiredKey(_) => "retired-key",
        DocumentError::BadSignature => "bad-signature",
        DocumentError::WrongAudience(_) => "wrong-audience",
        DocumentError::BadExpirationDate(_) => "bad-expiration-date",
        DocumentError::BadClaim { .. } => "bad-claim",
    }
}

fn of_document(error: &DocumentError) -> Problem {
    let problem = Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid-document",
        "The license document is refused",
        error.to_string(),
    )
    .with("reason", document_reason(error));
    match error {
        DocumentError::UnknownKey(key)
        | DocumentError::RevokedKey(key)
        | DocumentError::RetiredKey(key) => problem.with("key_id", key.to_string()),
        DocumentError::WrongAudience(audience) => {
            problem.with("organization", audience.to_string())
        }
        DocumentError::BadClaim { name, .. } => problem.with("claim", *name),
        DocumentError::BadExpirationDate(_) => problem.with("claim", "license_expiration_date"),
        DocumentError::NotJson(_) | DocumentError::WrongShape(_) | DocumentError::BadSignature => {
            problem
        }
    }
}

fn of_revision(current: u64) -> Problem {
    let (detail, current) = match current {
        0 => ("it does not exist".to_owned(), Value::Null),
        revision => (format!("its revision is {revision}"), revision.into()),
    };
    mismatch(detail).with("revision", current)
}

/// The details go to the log, for whoever runs the server; never to the client.
fn of_fault(cause: &(dyn std::error::Error + Send + Sync)) -> Problem {
    tracing::error!(error = %cause, "a request failed");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Internal error",
        "the server could not do this; its log says why",
    )
}

/// What a repeated request is told that created a secret: it is shown once and not kept.
pub(super) fn shown_already(detail: &str, id: Option<String>) -> Problem {
    let title = "The secret was already shown";
    Problem::new(StatusCode::CONFLICT, "secret-already-shown", title, detail)
        .with("id", id.map_or(Value::Null, Value::String))
}

/// Too many requests.
pub(super) fn too_many() -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-requests",
        "Too many requests",
        "ask less often; the operator sets how often with `--rate-limit`",
    )
}

/// The name of the problem [`busy`].
const BUSY: &str = "busy";
const BUSY_TITLE: &str = "The server is busy";

/// There is no memory left for the request.
pub(super) fn busy() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, BUSY, BUSY_TITLE, NO_ROOM)
}

/// There is no memory left for the answer to a request that was carried out.
pub(super) fn answer_lost() -> Problem {
    let detail = "the server has no memory left for the answer now; the request was carried out, \
                  and its result stays";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, BUSY, BUSY_TITLE, detail).with(DONE, true)
}

/// An input outside of what is allowed.
pub(super) fn invalid(field: &'static str, reason: impl Into<String>) -> Problem {
    let reason = reason.into();
    Error::InvalidInput { field, reason }.into()
}

/// Something that is not there.
pub(super) fn missing(kind: Kind, name: impl Into<String>) -> Problem {
    let name = name.into();
    Error::NotFound { kind, name }.into()
}

/// Answers paths that are no route.
pub(super) async fn no_such_route(_: Caller, uri: Uri) -> Problem {
    missing(Kind::Route, uri.path())
}

/// Answers methods that a route does not have; the router adds `Allow`.
pub(super) async fn wrong_method(_: Caller, method: Method) -> Problem {
    let detail = format!("this route has no method {method}; see `Allow`");
    let title = "Method not allowed";
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        title,
        detail,
    )
    .with("method", json!(method.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All kinds, one after the other.
    fn following(kind: Kind) -> Option<Kind> {
        Some(match kind {
            Kind::License => Kind::Application,
            Kind::Application => Kind::Organization,
            Kind::Organization => Kind::Key,
            Kind::Key => Kind::Token,
            Kind::Token => Kind::Account,
            Kind::Account => Kind::Seat,
            Kind::Seat => Kind::Lease,
            Kind::Lease => Kind::Client,
            Kind::Client => Kind::Node,
            Kind::Node => Kind::NodePool,
            Kind::NodePool => Kind::Usage,
            Kind::Usage => Kind::Route,
            Kind::Route => return None,
        })
    }

    #[test]
    fn what_was_done_is_not_asked_for_again() {
        assert!(busy().into_response().headers().contains_key(RETRY_AFTER));
        let lost = answer_lost().into_response();
        assert!(!lost.headers().contains_key(RETRY_AFTER));
    }

    #[test]
    fn the_page_names_each_kind_of_thing_that_may_not_be_there() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/native.md");
        let page = std::fs::read_to_string(page).expect("the page");
        let row = page
            .lines()
            .find(|line| line.starts_with("| `not-found` |"));
        let row = row.expect("a row").split(['(', ')']).nth(1);
        let kinds = std::iter::successors(Some(Kind::License), |kind| following(*kind));
        let kinds = kinds.map(|kind| format!("`{}`", kind.as_str()));
        assert_eq!(row, Some(kinds.collect::<Vec<_>>().join(", ").as_str()));
    }

    #[test]
    fn faults_of_the_store_are_told_apart_and_keep_their_details() {
        let path = "/var/lib/lictor: input/output error";
        for (error, status, name) in [
            (Error::Busy("later"), 503, "busy"),
            (Error::StorageFull, 507, "storage-full"),
            (Error::ReadOnly(path.to_owned()), 503, "read-only"),
            (Error::internal(path), 500, "internal"),
        ] {
            let answer = Problem::from(error).into_answer();
            assert_eq!(answer.status, status);
            let body: Value = serde_json::from_str(&answer.body).expect("JSON");
            assert_eq!(body["type"], format!("urn:lictor:problem:{name}").as_str());
            assert!(!answer.body.contains("/var/lib"), "{}", answer.body);
        }
    }
}
