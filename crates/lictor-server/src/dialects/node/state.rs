//! `GET /v1/feed`: the states of a node, as events as they come, or the newest by itself.

use std::time::Duration;

use axum::extract::Request;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use lictor_authority::feed::Connection;
use lictor_core::Error;
use lictor_core::facts::node::Node;
use lictor_core::feed::LONGEST_WAIT;
use tokio::time::{Instant, sleep_until};

use super::error::Refusal;
use super::{auth, events, wire};
use crate::http::budget::{NoRoom, Owner};
use crate::http::if_none_match;
use crate::http::peer::WhileListening;
use crate::settings::Server;

const EVENTS: &str = "text/event-stream";

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// How often it is looked whether a state is to be signed again while an answer is held back.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

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
    let tag = tag_of_news(&server, &node, &parts.headers).await?;
    let mut response = if if_none_match::names(&parts.headers, &tag) {
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

/// The tag of the newest state: at once, or once it is another than the one that is known, if so long a
/// wait is asked for.
async fn tag_of_news(server: &Server, node: &Node, headers: &HeaderMap) -> Result<String, Error> {
    let feed = server.authority.feed();
    let (mut changes, mut ending) = (feed.changes(node.organization), feed.ending());
    let until = Instant::now() + wait(headers);
    // An answer that is held back stands for a feed: the node is connected, and no more of them are open.
    let mut connection = None;
    loop {
        // Weak: what it stands for is signed anew for each answer, with other times.
        let tag = format!("W/\"{}\"", server.authority.state_tag(node).await?);
        // What stops the server or the node is told with the next answer.
        let known = if_none_match::names(headers, &tag);
        if !known || Instant::now() >= until || *ending.borrow() {
            return Ok(tag);
        }
        let look_at = until.min(Instant::now() + LOOK_AGAIN);
        let connect = || server.authority.connect_feed(node);
        let connection: &mut Connection = connection.get_or_insert_with(connect);
        tokio::select! {
            () = connection.superseded() => return Ok(tag),
            changed = changes.changed() => {
                if changed.is_err() {
                    return Ok(tag);
                }
            }
            _ = ending.changed() => {}
            () = sleep_until(look_at) => {}
        }
    }
}

/// How long an answer may be held back that brings nothing new, as `Prefer` (RFC 7240) says.
fn wait(headers: &HeaderMap) -> Duration {
    let preferred = headers.get_all(PREFER).iter();
    let preferred = preferred.filter_map(|value| value.to_str().ok());
    let mut preferences = preferred.flat_map(|value| value.split([',', ';']));
    let seconds = preferences.find_map(|one| one.trim().strip_prefix("wait=")?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0).min(LONGEST_WAIT))
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains(EVENTS))
}
