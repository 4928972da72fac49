//! Rejoining a pool: a node that gave up its place takes one again with the pool's token. It keeps its name
//! and everything it has counted since.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lictor_core::feed::{EnrollmentToken, FailureCode, Join, KnownNode};

use crate::client::RequestError;
use crate::random;
use crate::shared::Shared;

/// The shortest and the longest wait between two attempts.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// What a node needs to rejoin its pool. It has no `Debug`, because it contains the token.
pub(crate) struct Rejoin {
    token: EnrollmentToken,
    join: Join,
    /// One attempt at a time, and how many failed.
    trying: tokio::sync::Mutex<()>,
    failures: AtomicU32,
}

impl Rejoin {
    pub(crate) fn new(token: EnrollmentToken, join: Join) -> Self {
        Self {
            token,
            join,
            trying: tokio::sync::Mutex::default(),
            failures: AtomicU32::new(0),
        }
    }

    /// Tries to take a place again. Returns `None` if the node has one now; otherwise why it has none, and how
    /// long to wait.
    pub(crate) async fn attempt(&self, shared: &Arc<Shared>) -> Option<(String, Duration)> {
        let _one = self.trying.lock().await;
        // If the node was removed meanwhile, its counts may be in the pool's already.
        shared.counters.pause_reporting();
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
                self.failures.store(0, Ordering::Relaxed);
                tracing::info!(node = %joined.name, "has a place in its pool again");
                // The outcome is noted there.
                let _ = shared.accept_state(joined.state).await;
                shared.changed.notify_one();
                return None;
            }
            Err(RequestError::Refused(failure)) if failure.code == FailureCode::NoPlace => {
                format!("this node waits for a place: {}", failure.message)
            }
            Err(RequestError::Refused(failure)) => {
                let message = failure.message;
                format!("this node gave its place back, and gets no new one: {message}")
            }
            Err(RequestError::Unreachable(reason)) => {
                let reason = shared.client.with_proxy(&reason);
                format!("this node gave its place back, and cannot ask for one: {reason}")
            }
        };
        let tries = self.failures.fetch_add(1, Ordering::Relaxed);
        Some((refused, back_off(tries)))
    }
}

/// How long to wait after this many failed attempts. The wait doubles up to a limit and has jitter.
pub fn back_off(tries: u32) -> Duration {
    let most = SHORTEST.saturating_mul(2_u32.saturating_pow(tries.min(16)));
    let most = most.min(LONGEST);
    random::span(most / 2, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_for_a_place_grows_and_has_jitter() {
        for (tries, most) in [(0, 1), (1, 2), (2, 4), (3, 8), (5, 30), (1_000, 30)] {
            let most = Duration::from_secs(most);
            let waits: Vec<_> = (0..20).map(|_| back_off(tries)).collect();
            assert!(waits.iter().all(|wait| (most / 2..=most).contains(wait)));
            assert!(waits.iter().any(|wait| *wait != waits[0]));
        }
    }
}
