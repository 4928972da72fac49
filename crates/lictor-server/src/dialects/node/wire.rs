//! Requests and answers of nodes as JSON. What is in them is the feed's own description, which nodes
//! are built on too.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use lictor_core::Error;
use lictor_core::feed::FailureCode;
use lictor_core::parse_error;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::error::Refusal;
use crate::http::budget::Owner;
use crate::http::intake::Unread;
use crate::settings::Server;

/// The largest request, in bytes: a report with as many counts as one may have.
const MAX_BYTES: usize = 1 << 20;

/// An answer with this body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => of_text(status, body),
        Err(error) => {
            tracing::error!(%error, "an answer to a node could not be written");
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

/// An answer with this text, which is JSON.
pub(super) fn of_text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// The body, read whoever sent it; only a planted fault asks for that.
pub(super) async fn read_first(body: Body) -> Body {
    let read = axum::body::to_bytes(body, MAX_BYTES).await;
    read.map(Body::from).unwrap_or_default()
}

/// Reads the body of a request about this organization; a large one beside the threads that answer.
pub(super) async fn read<T: DeserializeOwned + Send + 'static>(
    server: &Server,
    organization: Uuid,
    head: &Parts,
    body: Body,
) -> Result<T, Refusal> {
    let invalid = |reason: String| Refusal::new(FailureCode::Invalid, reason);
    let owner = Owner::Organization(organization);
    let read = server.budgets.read(owner, head, body, MAX_BYTES).await;
    let bytes = read.map_err(|unread| match unread {
        Unread::NoRoom => Refusal::busy(),
        Unread::Broken | Unread::TooLarge => invalid(format!(
            "the body ended early, or has more than {MAX_BYTES} bytes"
        )),
    })?;
    let length = bytes.len();
    let parsing = move || parse(&bytes);
    let parsed = server.authority.long_work(organization, length, parsing);
    parsed.await?.map_err(invalid)
}

/// What a body says, or what is wrong with it.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the body is not UTF-8".to_owned())?;
    serde_json::from_str(text)
        .map_err(|error| format!("the body: {}", parse_error::of_json(text, &error)))
}

/// One event of the feed: a state, which has no line ends.
pub(super) fn event(revision: u64, document: &str) -> Result<String, Error> {
    if document.contains(['\n', '\r']) {
        return Err(Error::internal("a state with a line end"));
    }
    let name = lictor_core::feed::STATE_EVENT;
    Ok(format!(
        "id: {revision}\nevent: {name}\ndata: {document}\n\n"
    ))
}

/// What a quiet feed says from time to time.
pub(super) const HEARTBEAT: &str = ":\n\n";
