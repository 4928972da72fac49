//! What a program asks before it serves a request: one service's decisions and its counter.

use std::sync::Arc;

use crate::counters::Slot;
use crate::error::{Denial, NotCounted, Reason};
use crate::options::CountDurability;
use crate::shared::Shared;

/// Decides and counts for one service. Cheap to clone; it may be used from any thread.
#[derive(Clone)]
pub struct Meter {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
}

impl Meter {
    pub(crate) fn new(shared: &Arc<Shared>, service: &str) -> Self {
        Self {
            shared: Arc::clone(shared),
            slot: shared.counters.slot(service),
        }
    }

    /// Decides on one request, and counts it if it is allowed. Under
    /// [`CountDurability::Request`] it blocks until the count is on disk.
    ///
    /// # Errors
    /// The request is not to be served.
    #[inline]
    pub fn check(&self) -> Result<(), Denial> {
        match self.shared.judge.decide() {
            Ok(()) => Ok(self.count(1)?),
            Err(reason) => Err(self.denied(reason)),
        }
    }

    /// As [`Meter::check`], for a request that needs a feature of the license.
    ///
    /// # Errors
    /// The request is not to be served.
    pub fn check_feature(&self, feature: &str) -> Result<(), Denial> {
        match self.shared.judge.decide_on(None, Some(feature)) {
            Ok(()) => Ok(self.count(1)?),
            Err(reason) => Err(self.denied(reason)),
        }
    }

    /// Counts so many requests that were served already; nothing is decided. More than
    /// [`MAX_COUNT`](lictor_core::facts::usage::MAX_COUNT) in all are not counted. Under
    /// [`CountDurability::Request`] it blocks until the count is on disk.
    ///
    /// # Errors
    /// It could not be written.
    #[inline]
    pub fn count(&self, count: u64) -> Result<(), NotCounted> {
        self.shared.counters.add(&self.slot, count);
        match self.shared.durability {
            CountDurability::Interval => Ok(()),
            CountDurability::Request => self.shared.flusher.wait(),
        }
    }

    /// As [`Meter::check`] with all that can be asked for, without blocking.
    pub(crate) async fn ask(
        &self,
        application: Option<&str>,
        feature: Option<&str>,
    ) -> Result<(), Denial> {
        let decided = if application.is_none() && feature.is_none() {
            self.shared.judge.decide()
        } else {
            self.shared.judge.decide_on(application, feature)
        };
        decided.map_err(|reason| self.denied(reason))?;
        self.shared.counters.add(&self.slot, 1);
        Ok(written(&self.shared).await?)
    }

    #[cold]
    fn denied(&self, reason: Reason) -> Denial {
        self.shared.counters.deny(reason);
        Denial::Refused(reason)
    }
}

/// Waits, if counts are to be on disk, until those are that were counted before.
pub(crate) async fn written(shared: &Shared) -> Result<(), NotCounted> {
    match shared.durability {
        CountDurability::Interval => Ok(()),
        CountDurability::Request => shared.flusher.written().await,
    }
}
