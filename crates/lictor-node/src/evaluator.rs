//! The evaluator decides requests by the current state and trusted time. A decision is cached until the next
//! instant at which it may change, so that most requests cost one atomic read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use lictor_core::Timestamp;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::decision::{Decision, evaluate};
use crate::error::Reason;
use crate::trusted_time::{Difference, SavedTime, TrustedTime};
use crate::verified_state::VerifiedState;

/// How long a decision is cached at most.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Decides requests.
pub(crate) struct Evaluator {
    application: String,
    clock: Clock,
    counters: Arc<Counters>,
    base: Instant,
    inner: Mutex<Inner>,
    decision: ArcSwap<Decision>,
    /// Until when the decision is valid, in nanoseconds since `base`, times 2; plus 1 if it allows
    /// requests.
    gate: AtomicU64,
}

struct Inner {
    time: TrustedTime,
    state: Option<Arc<VerifiedState>>,
    revoked: bool,
}

/// Trusted time, and how far the machine's clock differs from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Trusted time.
    pub now: Timestamp,
    /// How many seconds the machine's clock is ahead of it.
    pub wall_difference: i64,
    /// The difference, if it is too large.
    pub difference: Option<Difference>,
}

impl Evaluator {
    /// Starts with what was loaded from disk.
    pub(crate) fn new(
        application: String,
        clock: Clock,
        counters: Arc<Counters>,
        time: TrustedTime,
        state: Option<Arc<VerifiedState>>,
        revoked: bool,
    ) -> Self {
        let decision = evaluate(&application, state.as_deref(), revoked, time.now());
        let new = Self {
            application,
            clock,
            counters,
            base: Instant::now(),
            inner: Mutex::new(Inner {
                time,
                state,
                revoked,
            }),
            decision: ArcSwap::from_pointee(decision),
            gate: AtomicU64::new(0),
        };
        new.refresh();
        new
    }

    /// Whether requests that need no particular feature are allowed.
    #[inline]
    pub(crate) fn decide(&self) -> Result<(), Reason> {
        let gate = self.gate.load(Ordering::Acquire);
        if gate & 1 == 1 && self.elapsed() < gate >> 1 {
            return Ok(());
        }
        self.decision()
            .grant
            .as_ref()
            .map(|_| ())
            .map_err(|reason| *reason)
    }

    /// Whether a request that needs this application and this feature is allowed.
    pub(crate) fn decide_on(
        &self,
        application: Option<&str>,
        feature: Option<&str>,
    ) -> Result<(), Reason> {
        self.decision()
            .allows(&self.application, application, feature)
    }

    /// The current decision.
    pub(crate) fn decision(&self) -> Arc<Decision> {
        if self.elapsed() < self.gate.load(Ordering::Acquire) >> 1 {
            return self.decision.load_full();
        }
        self.refresh()
    }

    /// Reads the clocks and decides again.
    pub(crate) fn refresh(&self) -> Arc<Decision> {
        let mut inner = self.inner();
        self.publish(&mut inner)
    }

    /// Decides by another state from now on.
    pub(crate) fn set_state(&self, state: Arc<VerifiedState>, revoked: bool) {
        let mut inner = self.inner();
        inner.state = Some(state);
        inner.revoked = revoked;
        self.publish(&mut inner);
    }

    /// Denies every request from now on.
    pub(crate) fn revoke(&self) {
        let mut inner = self.inner();
        inner.revoked = true;
        self.publish(&mut inner);
    }

    /// Advances trusted time to one that the control plane signed.
    pub(crate) fn advance_time(&self, issued_at: Timestamp) {
        let mut inner = self.inner();
        inner.time.read(self.clock.read());
        inner.time.advance_to(issued_at);
        self.publish(&mut inner);
    }

    /// Trusted time now.
    pub(crate) fn times(&self) -> Times {
        let mut inner = self.inner();
        let now = inner.time.read(self.clock.read());
        Times {
            now,
            wall_difference: inner.time.wall_difference(),
            difference: inner.time.difference(),
        }
    }

    /// Trusted time in the form that is saved on disk.
    pub(crate) fn saved_time(&self) -> SavedTime {
        let mut inner = self.inner();
        inner.time.read(self.clock.read());
        inner.time.to_saved()
    }

    /// The same as if trusted time had been advanced to one that the control plane signed.
    pub(crate) fn saved_time_at(&self, issued_at: Timestamp) -> SavedTime {
        let mut time = self.inner().time.clone();
        time.read(self.clock.read());
        time.advance_to(issued_at);
        time.to_saved()
    }

    /// The current state, and whether the node was revoked.
    pub(crate) fn state(&self) -> (Option<Arc<VerifiedState>>, bool) {
        let inner = self.inner();
        (inner.state.clone(), inner.revoked)
    }

    fn publish(&self, inner: &mut Inner) -> Arc<Decision> {
        let elapsed = self.elapsed();
        let now = inner.time.read(self.clock.read());
        let state = inner.state.as_deref();
        let decision = evaluate(&self.application, state, inner.revoked, now);
        // Before any request of the new month is let through.
        self.counters.set_month(&decision.month);
        let ahead = decision
            .until
            .saturating_mul(1_000)
            .saturating_sub(inner.time.milliseconds());
        let ahead = Duration::from_millis(u64::try_from(ahead).unwrap_or(0)).min(LONGEST);
        let until = elapsed.saturating_add(nanoseconds(ahead));
        let allows = u64::from(decision.grant.is_ok());
        let decision = Arc::new(decision);
        self.decision.store(Arc::clone(&decision));
        self.gate.store((until << 1) | allows, Ordering::Release);
        decision
    }

    #[inline]
    fn elapsed(&self) -> u64 {
        nanoseconds(self.base.elapsed())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[inline]
fn nanoseconds(span: Duration) -> u64 {
    span.as_secs()
        .wrapping_mul(1_000_000_000)
        .wrapping_add(u64::from(span.subsec_nanos()))
}

#[cfg(test)]
mod tests;
