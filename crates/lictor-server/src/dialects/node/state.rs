//! `GET /v1/feed`: the states of a node, as events as they come, or the newest by itself.

use axum::extract::Request;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use lictor_core::Error;

use super::error::Refusal;
use super::{auth, events, wire};
use crate::http::budget::{NoRoom, Owner};
use crate::http::peer::WhileListening;
use crate::settings::Server;

const EVENTS: &str = "text/event-stream";

/// Tells proxies to pass every event on at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) async fn handle(server: Server, request: Request) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let node = auth::node(&server, &parts.headers).await?;
    let no_store = HeaderValue::from_static("no-store");
    if wants_events(&parts.headers) {
        let mut response = Response::new(events::body(&server, node));
        response.extensions_mut().insert(WhileListening);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENTS));
        headers.insert(CACHE_CONTROL, no_store);
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
        return Ok(response);
    }
    // The tag first: the state behind it is then not older.
    let tag = format!("\"{}\"", server.authority.state_tag(&node).await?);
    let known = parts.headers.get(IF_NONE_MATCH);
    let mut response = if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        wire::of_text(StatusCode::NOT_MODIFIED, "")
    } else {
        let state = server.authority.signed_state(&node).await?;
        wire::of_text(StatusCode::OK, state.into_bytes())
    };
    let headers = response.headers_mut();
    let tag = HeaderValue::from_str(&tag).map_err(Error::internal)?;
    headers.insert(ETAG, tag);
    headers.insert(CACHE_CONTROL, no_store);
    let owner = Owner::Organization(node.organization);
    let handed_over = server.budgets.hand_over(owner, response).await;
    handed_over.map_err(|NoRoom| Refusal::busy())
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains(EVENTS))
}
