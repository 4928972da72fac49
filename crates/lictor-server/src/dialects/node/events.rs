//! One open feed: a state at once, another when it changes or is to be signed again, and heartbeats
//! between them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use lictor_authority::feed::Connection;
use lictor_authority::{Authority, SignedState, Signing};
use lictor_core::Error;
use lictor_core::facts::node::Node;
use lictor_core::feed::HEARTBEAT_SECONDS;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::wire;
use crate::http::budget::{Budgets, Owner};
use crate::settings::Server;

/// How soon, and after how long at the latest, it is looked whether a state is to be signed again.
const SOONEST: Duration = Duration::from_millis(100);
const LATEST: Duration = HEARTBEAT;

const HEARTBEAT: Duration = Duration::from_secs(HEARTBEAT_SECONDS);

/// A feed that is open for as long as its body is polled.
struct Open {
    authority: Arc<Authority>,
    budgets: Budgets,
    node: Arc<Node>,
    changes: watch::Receiver<()>,
    ending: watch::Receiver<bool>,
    /// The last tick that was looked at.
    tick: Option<u64>,
    sent: Option<Sent>,
    connection: Connection,
}

/// What is remembered of the state that was sent last.
struct Sent {
    revision: u64,
    signing: Signing,
    revoked: bool,
}

/// The body of an open feed. It ends when the node is revoked or leaves, its organization is removed,
/// newer feeds take its place or the server stops.
pub(super) fn body(server: &Server, node: Arc<Node>) -> Body {
    let authority = server.authority.clone();
    let feed = authority.feed().clone();
    let open = Open {
        changes: feed.changes(node.organization),
        ending: feed.ending(),
        tick: None,
        sent: None,
        connection: authority.connect_feed(&node),
        authority,
        budgets: server.budgets.clone(),
        node,
    };
    Body::from_stream(stream::unfold(open, async |mut open| {
        let bytes = open.next().await?;
        Some((Ok::<_, Infallible>(bytes), open))
    }))
}

impl Open {
    /// What is sent next; none: the feed is over.
    async fn next(&mut self) -> Option<Bytes> {
        let heartbeat_at = Instant::now() + HEARTBEAT;
        loop {
            if *self.ending.borrow() || self.sent.as_ref().is_some_and(|sent| sent.revoked) {
                return None;
            }
            if self.authority.has_left(&self.node) {
                return None;
            }
            match self.state_to_send().await {
                Ok(Some(state)) => return self.sent(&state).await,
                Ok(None) => {}
                Err(Error::Unauthenticated) => return None,
                Err(error) => {
                    tracing::warn!(%error, node = %self.node.id, "a feed ended");
                    return None;
                }
            }
            let seconds = u64::try_from(self.until_again()).unwrap_or(0);
            let wait = Duration::from_secs(seconds).clamp(SOONEST, LATEST);
            let look_at = heartbeat_at.min(Instant::now() + wait);
            tokio::select! {
                changed = self.changes.changed() => changed.ok()?,
                ended = self.ending.changed() => ended.ok()?,
                () = self.connection.superseded() => return None,
                () = sleep_until(look_at) => {
                    if look_at >= heartbeat_at {
                        return Some(Bytes::from_static(wire::HEARTBEAT.as_bytes()));
                    }
                }
            }
        }
    }

    /// The state, if it is news or is to be signed again.
    async fn state_to_send(&mut self) -> Result<Option<SignedState>, Error> {
        let tick = self.authority.feed().tick_of(self.node.organization);
        let due = self.until_again() <= 0;
        if !due && self.tick == Some(tick) {
            return Ok(None);
        }
        self.tick = Some(tick);
        let state = self.authority.signed_state_in_turn(&self.node).await?;
        let same = |sent: &Sent| sent.revision == state.revision && !state.revoked;
        if !due && self.sent.as_ref().is_some_and(same) {
            return Ok(None);
        }
        Ok(Some(state))
    }

    async fn sent(&mut self, state: &SignedState) -> Option<Bytes> {
        self.sent = Some(Sent {
            revision: state.revision,
            signing: state.signing,
            revoked: state.revoked,
        });
        match wire::event(state.revision, &state.document) {
            Ok(event) => {
                let owner = Owner::Organization(self.node.organization);
                let part = self.budgets.hand_over_part(owner, event.into()).await;
                if part.is_err() {
                    tracing::debug!(node = %self.node.id, "a feed ended: no memory for its state");
                }
                part.ok()
            }
            Err(error) => {
                tracing::error!(%error, "a state could not be sent");
                None
            }
        }
    }

    /// In how many seconds the state is to be signed again.
    fn until_again(&self) -> i64 {
        let now = self.authority.clock().now();
        let sent = self.sent.as_ref();
        sent.map_or(0, |sent| sent.signing.again_in(&now))
    }
}
