//! The feed: states as they come, the way back to it when it ends, and the net behind it, which asks
//! for the newest state by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lictor_core::feed::{LONGEST_WAIT, MAX_STATE_BYTES, Mode, STATE_EVENT};
use reqwest::header::CONTENT_TYPE;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::client::{Newest, Trouble, unreachable};
use crate::problems::Kind;
use crate::random;
use crate::shared::Shared;
use crate::sse::Parser;

/// So often in a row the feed brings nothing while requests are answered, until it is held back.
const HELD_BACK_AFTER: u32 = 2;

/// Follows the feed for ever.
pub(crate) async fn follow(shared: Arc<Shared>) {
    let mut in_vain = 0;
    loop {
        let (begun, mut heard) = (Instant::now(), false);
        let trouble = tokio::select! {
            trouble = read_feed(&shared, &mut heard) => trouble,
            () = shared.link.healed() => Trouble::Unreachable("the link was cut".to_owned()),
        };
        shared.link.note_closed();
        tracing::debug!(%trouble, "the feed ended");
        let waited = !heard && begun.elapsed() >= shared.pace.begin;
        let (shortest, longest) = shared.pace.reconnect;
        let wait = match shared.link.is_held_back() {
            // Requests tell what else is wrong.
            true => shared.pace.unreachable,
            false => {
                shared
                    .after(&trouble, random::span(shortest, longest))
                    .await
            }
        };
        if waited {
            // What the feed does not bring, and whether anything does.
            shared.link.ask();
        }
        // It ends early once the link is known to be whole.
        let _ = timeout(wait, shared.link.healed()).await;
        // A node that has nothing to report is answered what it asked for just now, and nothing else.
        in_vain = if waited && shared.link.was_reached_since(begun) {
            in_vain + 1
        } else {
            0
        };
        if in_vain >= HELD_BACK_AFTER {
            shared.note_held_back(true);
        }
    }
}

/// Reads the feed to its end; `heard` turns true once it brought a whole event. A part of one comes through
/// a proxy that passes on what is more than its buffer holds.
async fn read_feed(shared: &Arc<Shared>, heard: &mut bool) -> Trouble {
    // A node whose state has aged wants the newest signing too, not only another revision.
    let fresh = shared.judge.current().mode == Mode::Fresh;
    let (held, _) = shared.judge.held();
    let revision = held.filter(|_| fresh).map(|held| held.ratchet.revision);
    let mut response = match shared.client.feed(revision, shared.pace.begin).await {
        Ok(response) => response,
        Err(trouble) => return trouble,
    };
    let kind = response.headers().get(CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return Trouble::Unreachable("it sends something else than its feed".to_owned());
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
            Ok(Ok(None)) => return Trouble::Unreachable("it closed the feed".to_owned()),
            Ok(Err(error)) => return unreachable(error),
            Err(_) => return Trouble::Unreachable("it says nothing".to_owned()),
        };
        shared.link.note_heard();
        let Ok(events) = parser.push(&chunk) else {
            return Trouble::Unreachable("its feed cannot be read".to_owned());
        };
        if !events.is_empty() {
            *heard = true;
            shared.note_held_back(false);
        }
        for event in events {
            if event.name == STATE_EVENT {
                // A refusal is noted there, and the next state may be good.
                let _ = shared.take(event.data).await;
            }
        }
    }
}

/// Asks for the newest state from time to time, whatever the feed does, and when the feed missed one.
pub(crate) async fn poll(shared: Arc<Shared>) {
    let mut etag = None;
    let mut wait = interval(&shared);
    let mut announced = shared.link.announced();
    // What was asked for, whether it was taken or refused.
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
            // It may be taken now.
            (etag, refused) = (None, None);
        }
        wait = match shared
            .client
            .newest(etag.clone(), held_back_for(&shared))
            .await
        {
            Ok(Newest::Same) => {
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
                // What was refused is sent again, but not with every answer that is asked for.
                let taken = shared.take(text).await;
                (etag, refused) = (new, taken.is_err().then(Instant::now));
                next(&shared, begun)
            }
            Err(trouble) => shared.after(&trouble, next(&shared, begun)).await,
        };
    }
}

/// For how long an answer may be held back that brings nothing new: where the feed does not come
/// through, such answers are in its place.
fn held_back_for(shared: &Shared) -> Duration {
    match shared.link.is_held_back() {
        true => Duration::from_secs(LONGEST_WAIT),
        false => Duration::ZERO,
    }
}

/// How long to wait before the newest state is asked for again.
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
    let (held, _) = shared.judge.held();
    let half = held.and_then(|held| u64::try_from(held.policy.stale_after / 2).ok());
    let half = half.map_or(shared.pace.poll, Duration::from_secs);
    half.min(shared.pace.poll)
}
