//! The way back into a pool, for a node that gave its place back: by the pool's token, under the name
//! that it has, with whatever it counted since.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lictor_core::feed::{EnrollmentToken, FailureCode, Join, KnownNode};

use crate::client::Trouble;
use crate::random;
use crate::shared::Shared;

/// The shortest and the longest wait between two tries.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// How a node takes a place again. It has no `Debug`: it holds the token.
pub(crate) struct Returning {
    token: EnrollmentToken,
    join: Join,
    /// One try at a time, and how many were in vain.
    trying: tokio::sync::Mutex<()>,
    in_vain: AtomicU32,
}

impl Returning {
    pub(crate) fn new(token: EnrollmentToken, join: Join) -> Self {
        Self {
            token,
            join,
            trying: tokio::sync::Mutex::default(),
            in_vain: AtomicU32::new(0),
        }
    }

    /// Tries to take a place again. None: the node has one. Else why it has none, and how long to wait.
    pub(crate) async fn take(&self, shared: &Arc<Shared>) -> Option<(String, Duration)> {
        let _one = self.trying.lock().await;
        // Before anything else is told: it may be counted by whoever removed the node meanwhile.
        shared.counters.hold_back();
        let join = Join {
            known: Some(KnownNode {
                node: shared.identity.node,
                name: shared.identity.name.clone(),
                application: shared.identity.application.clone(),
                epochs: shared.counters.epochs(),
            }),
            ..self.join.clone()
        };
        let refused = match shared.client.join(self.token.as_str(), &join).await {
            Ok(joined) if joined.node != shared.identity.node => {
                "the pool's token is for another node than this folder's".to_owned()
            }
            Ok(joined) => {
                self.in_vain.store(0, Ordering::Relaxed);
                tracing::info!(node = %joined.name, "has a place in its pool again");
                // What it says is noted there, whether it is taken or refused.
                let _ = shared.take(joined.state).await;
                shared.changed.notify_one();
                return None;
            }
            Err(Trouble::Refused(failure)) if failure.code == FailureCode::NoPlace => {
                format!("this node waits for a place: {}", failure.message)
            }
            Err(Trouble::Refused(failure)) => {
                let message = failure.message;
                format!("this node gave its place back, and gets no new one: {message}")
            }
            Err(Trouble::Unreachable(reason)) => {
                let reason = shared.client.by_its_way(&reason);
                format!("this node gave its place back, and cannot ask for one: {reason}")
            }
        };
        let tries = self.in_vain.fetch_add(1, Ordering::Relaxed);
        Some((refused, back_off(tries)))
    }
}

/// How long to wait after so many tries in vain: ever longer, and not as long as others.
pub fn back_off(tries: u32) -> Duration {
    let most = SHORTEST.saturating_mul(2_u32.saturating_pow(tries.min(16)));
    let most = most.min(LONGEST);
    random::span(most / 2, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_a_place_asks_ever_more_seldom_and_not_with_all_others() {
        for (tries, most) in [(0, 1), (1, 2), (2, 4), (3, 8), (5, 30), (1_000, 30)] {
            let most = Duration::from_secs(most);
            let waits: Vec<_> = (0..20).map(|_| back_off(tries)).collect();
            assert!(waits.iter().all(|wait| (most / 2..=most).contains(wait)));
            assert!(waits.iter().any(|wait| *wait != waits[0]));
        }
    }
}
