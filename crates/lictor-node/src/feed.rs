//! The feed: it receives states, reconnects when it ends, and falls back on polling for the newest state.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lictor_core::feed::{LONGEST_WAIT, MAX_STATE_BYTES, Mode, STATE_EVENT};
use reqwest::header::CONTENT_TYPE;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::client::{Newest, RequestError, unreachable};
use crate::problems::Kind;
use crate::random;
use crate::shared::Shared;
use crate::sse::Parser;

/// The feed counts as held back once it brings nothing this many times in a row while requests are answered.
const HELD_BACK_AFTER: u32 = 2;

/// Follows the feed for ever.
pub(crate) async fn follow(shared: Arc<Shared>) {
    let mut failures = 0;
    loop {
        let (begun, mut heard) = (Instant::now(), false);
        let error = tokio::select! {
            error = read_feed(&shared, &mut heard) => error,
            () = shared.link.healed() => RequestError::Unreachable("the link was cut".to_owned()),
        };
        shared.link.note_closed();
        tracing::debug!(%error, "the feed ended");
        let waited = !heard && begun.elapsed() >= shared.pace.begin;
        let (shortest, longest) = shared.pace.reconnect;
        let wait = match shared.link.is_held_back() {
            // Other requests show what else is wrong.
            true => shared.pace.unreachable,
            false => {
                shared
                    .handle_failure(&error, random::span(shortest, longest))
                    .await
            }
        };
        if waited {
            // Requests what the feed does not bring, and shows whether requests get through.
            shared.link.ask();
        }
        // The wait ends early once the link is known to work.
        let _ = timeout(wait, shared.link.healed()).await;
        // A node with nothing to report gets no answer but to the request made just above.
        failures = if waited && shared.link.was_reached_since(begun) {
            failures + 1
        } else {
            0
        };
        if failures >= HELD_BACK_AFTER {
            shared.note_held_back(true);
        }
    }
}

/// Reads the feed until it ends. `heard` becomes true once it has brought a complete event. A part of an event
/// is not enough: it can come through a proxy that passes on only what does not fit its buffer.
async fn read_feed(shared: &Arc<Shared>, heard: &mut bool) -> RequestError {
    // A node whose state is no longer fresh also wants the same revision signed anew.
    let fresh = shared.evaluator.decision().mode == Mode::Fresh;
    let (state, _) = shared.evaluator.state();
    let revision = state.filter(|_| fresh).map(|state| state.ratchet.revision);
    let mut response = match shared.client.feed(revision, shared.pace.begin).await {
        Ok(response) => response,
        Err(error) => return error,
    };
    let kind = response.headers().get(CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return RequestError::Unreachable("it sends something else than its feed".to_owned());
    }
    shared.note_let_in();
    shared.link.note_heard();
    let mut parser = Parser::new(MAX_STATE_BYTES);
    loop {
        let silence = if *heard {
            shared.pace.silence
        } else {
            shared.pace.begin
        };
        let chunk = match timeout(silence, response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => return RequestError::Unreachable("it closed the feed".to_owned()),
            Ok(Err(error)) => return unreachable(error),
            Err(_) => return RequestError::Unreachable("it says nothing".to_owned()),
        };
        shared.link.note_heard();
        let Ok(events) = parser.push(&chunk) else {
            return RequestError::Unreachable("its feed cannot be read".to_owned());
        };
        if !events.is_empty() {
            *heard = true;
            shared.note_held_back(false);
        }
        for event in events {
            if event.name == STATE_EVENT {
                // A refusal is noted there. The next state may be accepted.
                let _ = shared.accept_state(event.data).await;
            }
        }
    }
}

/// Requests the newest state from time to time, and when the feed missed one.
pub(crate) async fn poll(shared: Arc<Shared>) {
    let mut etag = None;
    let mut wait = interval(&shared);
    let mut announced = shared.link.announced();
    // The last revision that was received, whether it was accepted or refused.
    let mut known = 0;
    let mut refused: Option<Instant> = None;
    loop {
        tokio::select! {
            () = sleep(wait) => {}
            () = missed(&shared, &mut announced, known) => {}
            () = shared.link.asked() => {}
        }
        let (asked, begun) = (*announced.borrow(), Instant::now());
        if refused.is_some_and(|at| at.elapsed() >= interval(&shared)) {
            // It may be accepted now.
            (etag, refused) = (None, None);
        }
        wait = match shared
            .client
            .newest(etag.clone(), held_back_for(&shared))
            .await
        {
            Ok(Newest::Unchanged) => {
                known = asked;
                shared.note_let_in();
                if refused.is_none() {
                    shared.problems.set(Kind::StateRefused, None);
                }
                next(&shared, begun)
            }
            Ok(Newest::State(text, new)) => {
                known = asked;
                shared.note_let_in();
                // A refused state is requested again, but not every time.
                let accepted = shared.accept_state(text).await;
                (etag, refused) = (new, accepted.is_err().then(Instant::now));
                next(&shared, begun)
            }
            Err(error) => shared.handle_failure(&error, next(&shared, begun)).await,
        };
    }
}

/// How long the control plane may hold back an answer that brings nothing new. Such long polls replace a feed
/// that does not get through.
fn held_back_for(shared: &Shared) -> Duration {
    match shared.link.is_held_back() {
        true => Duration::from_secs(LONGEST_WAIT),
        false => Duration::ZERO,
    }
}

/// How long to wait before the newest state is requested again.
fn next(shared: &Shared, begun: Instant) -> Duration {
    match shared.link.is_held_back() {
        true => shared.pace.between_polls.saturating_sub(begun.elapsed()),
        false => interval(shared),
    }
}

/// Waits until the control plane is known to have a newer state that the feed does not bring.
async fn missed(shared: &Shared, announced: &mut watch::Receiver<u64>, known: u64) {
    // It fails only where the node ends.
    while announced.changed().await.is_ok() {
        let revision = *announced.borrow_and_update();
        if revision > known && shared.revision() < Some(revision) {
            sleep(shared.pace.missed).await;
            if shared.revision() < Some(revision) {
                return;
            }
        }
    }
}

fn interval(shared: &Shared) -> Duration {
    let (state, _) = shared.evaluator.state();
    let half = state.and_then(|state| u64::try_from(state.policy.stale_after / 2).ok());
    let half = half.map_or(shared.pace.poll, Duration::from_secs);
    half.min(shared.pace.poll)
}
