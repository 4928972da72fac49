//! Who decides: the state that is held, the time that is trusted, and the gate that a request passes
//! with one look as long as nothing changes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use lictor_core::Timestamp;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::decision::{Verdict, judge};
use crate::error::Reason;
use crate::held::Held;
use crate::trusted::{Difference, KeptTime, TrustedTime};

/// No verdict is passed on for longer without being looked at anew.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Who decides.
pub(crate) struct Judge {
    application: String,
    clock: Clock,
    counters: Arc<Counters>,
    base: Instant,
    inner: Mutex<Inner>,
    verdict: ArcSwap<Verdict>,
    /// Until when the verdict holds, in nanoseconds since `base`, times 2; and 1 if it allows.
    gate: AtomicU64,
}

struct Inner {
    time: TrustedTime,
    held: Option<Arc<Held>>,
    revoked: bool,
}

/// What the node's time is, and how far the machine's differs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Trusted time.
    pub now: Timestamp,
    /// By how many seconds the machine's clock is ahead.
    pub wall_difference: i64,
    /// Whether that is too much.
    pub difference: Option<Difference>,
}

impl Judge {
    /// Decides by what was held before.
    pub(crate) fn new(
        application: String,
        clock: Clock,
        counters: Arc<Counters>,
        time: TrustedTime,
        held: Option<Arc<Held>>,
        revoked: bool,
    ) -> Self {
        let verdict = judge(&application, held.as_deref(), revoked, time.now());
        let new = Self {
            application,
            clock,
            counters,
            base: Instant::now(),
            inner: Mutex::new(Inner {
                time,
                held,
                revoked,
            }),
            verdict: ArcSwap::from_pointee(verdict),
            gate: AtomicU64::new(0),
        };
        new.look();
        new
    }

    /// Whether a request is allowed that asks for nothing in particular.
    #[inline]
    pub(crate) fn decide(&self) -> Result<(), Reason> {
        let gate = self.gate.load(Ordering::Acquire);
        if gate & 1 == 1 && self.elapsed() < gate >> 1 {
            return Ok(());
        }
        self.current()
            .standing
            .as_ref()
            .map(|_| ())
            .map_err(|reason| *reason)
    }

    /// Whether a request is allowed that asks for an application and a feature.
    pub(crate) fn decide_on(
        &self,
        application: Option<&str>,
        feature: Option<&str>,
    ) -> Result<(), Reason> {
        self.current()
            .allows(&self.application, application, feature)
    }

    /// The verdict that holds now.
    pub(crate) fn current(&self) -> Arc<Verdict> {
        if self.elapsed() < self.gate.load(Ordering::Acquire) >> 1 {
            return self.verdict.load_full();
        }
        self.look()
    }

    /// Looks at the clocks and decides anew.
    pub(crate) fn look(&self) -> Arc<Verdict> {
        let mut inner = self.inner();
        self.publish(&mut inner)
    }

    /// Holds another state from now on.
    pub(crate) fn hold(&self, held: Arc<Held>, revoked: bool) {
        let mut inner = self.inner();
        inner.held = Some(held);
        inner.revoked = revoked;
        self.publish(&mut inner);
    }

    /// Allows nothing from now on.
    pub(crate) fn revoke(&self) {
        let mut inner = self.inner();
        inner.revoked = true;
        self.publish(&mut inner);
    }

    /// Takes up a time that the control plane signed.
    pub(crate) fn raise_to(&self, issued_at: Timestamp) {
        let mut inner = self.inner();
        inner.time.read(self.clock.read());
        inner.time.raise_to(issued_at);
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

    /// Trusted time as it is to be kept on disk.
    pub(crate) fn kept_time(&self) -> KeptTime {
        let mut inner = self.inner();
        inner.time.read(self.clock.read());
        inner.time.kept()
    }

    /// The same once a time that the control plane signed is taken up.
    pub(crate) fn kept_time_from(&self, issued_at: Timestamp) -> KeptTime {
        let mut time = self.inner().time.clone();
        time.read(self.clock.read());
        time.raise_to(issued_at);
        time.kept()
    }

    /// The state that is held, and whether the node was revoked.
    pub(crate) fn held(&self) -> (Option<Arc<Held>>, bool) {
        let inner = self.inner();
        (inner.held.clone(), inner.revoked)
    }

    fn publish(&self, inner: &mut Inner) -> Arc<Verdict> {
        let elapsed = self.elapsed();
        let now = inner.time.read(self.clock.read());
        let verdict = judge(&self.application, inner.held.as_deref(), inner.revoked, now);
        // Before anything is let through that belongs to the new month.
        self.counters.follow(&verdict.month);
        let ahead = verdict
            .until
            .saturating_mul(1_000)
            .saturating_sub(inner.time.milliseconds());
        let ahead = Duration::from_millis(u64::try_from(ahead).unwrap_or(0)).min(LONGEST);
        let until = elapsed.saturating_add(nanoseconds(ahead));
        let allows = u64::from(verdict.standing.is_ok());
        let verdict = Arc::new(verdict);
        self.verdict.store(Arc::clone(&verdict));
        self.gate.store((until << 1) | allows, Ordering::Release);
        verdict
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
