//! The feed: states as they come, the way back to it when it ends, and the net behind it, which asks
//! for the newest state by itself.

use std::sync::Arc;
use std::time::Duration;

use lictor_core::feed::{MAX_STATE_BYTES, Mode, STATE_EVENT};
use reqwest::header::CONTENT_TYPE;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::client::{Newest, Trouble, unreachable};
use crate::problems::Kind;
use crate::random;
use crate::shared::Shared;
use crate::sse::Parser;

/// Follows the feed for ever.
pub(crate) async fn follow(shared: Arc<Shared>) {
    loop {
        let trouble = tokio::select! {
            trouble = read_feed(&shared) => trouble,
            () = shared.link.healed() => Trouble::Unreachable("the link was cut".to_owned()),
        };
        shared.link.note_closed();
        tracing::debug!(%trouble, "the feed ended");
        let (shortest, longest) = shared.pace.reconnect;
        let wait = random::span(shortest, longest);
        let wait = shared.after(&trouble, wait).await;
        // It ends early once the link is known to be whole.
        let _ = timeout(wait, shared.link.healed()).await;
    }
}

/// Reads the feed to its end.
async fn read_feed(shared: &Arc<Shared>) -> Trouble {
    // A node whose state has aged wants the newest signing too, not only another revision.
    let fresh = shared.judge.current().mode == Mode::Fresh;
    let (held, _) = shared.judge.held();
    let revision = held.filter(|_| fresh).map(|held| held.ratchet.revision);
    let mut response = match shared.client.feed(revision).await {
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
        let chunk = match timeout(shared.pace.silence, response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => return Trouble::Unreachable("it closed the feed".to_owned()),
            Ok(Err(error)) => return unreachable(error),
            Err(_) => return Trouble::Unreachable("it says nothing".to_owned()),
        };
        shared.link.note_heard();
        let Ok(events) = parser.push(&chunk) else {
            return Trouble::Unreachable("its feed cannot be read".to_owned());
        };
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
    loop {
        tokio::select! {
            () = sleep(wait) => {}
            () = missed(&shared, &mut announced, known) => {}
        }
        let asked = *announced.borrow();
        wait = match shared.client.newest(etag.clone()).await {
            Ok(Newest::Same) => {
                known = asked;
                shared.note_let_in();
                shared.problems.set(Kind::StateRefused, None);
                interval(&shared)
            }
            Ok(Newest::State(text, new)) => {
                known = asked;
                shared.note_let_in();
                // Only what is held is not to be sent again.
                etag = shared.take(text).await.ok().and(new);
                interval(&shared)
            }
            Err(trouble) => shared.after(&trouble, interval(&shared)).await,
        };
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
