//! A meter decides and counts the requests of one service.

use std::sync::Arc;

use crate::counters::ServiceCounter;
use crate::error::{Denial, NotCounted, Reason};
use crate::options::CountDurability;
use crate::shared::Shared;

/// Decides and counts for one service. It is cheap to clone and can be used from any thread.
#[derive(Clone)]
pub struct Meter {
    shared: Arc<Shared>,
    counter: Arc<ServiceCounter>,
}

impl Meter {
    pub(crate) fn new(shared: &Arc<Shared>, service: &str) -> Self {
        Self {
            shared: Arc::clone(shared),
            counter: shared.counters.counter(service),
        }
    }

    /// Decides one request, and counts it if it is allowed. With [`CountDurability::Request`] it blocks until
    /// the count is on disk.
    ///
    /// # Errors
    /// The request must not be served.
    #[inline]
    pub fn check(&self) -> Result<(), Denial> {
        match self.shared.evaluator.decide() {
            Ok(()) => Ok(self.count(1)?),
            Err(reason) => Err(self.denied(reason)),
        }
    }

    /// Like [`Meter::check`], for a request that needs a feature of the license.
    ///
    /// # Errors
    /// The request must not be served.
    pub fn check_feature(&self, feature: &str) -> Result<(), Denial> {
        match self.shared.evaluator.decide_on(None, Some(feature)) {
            Ok(()) => Ok(self.count(1)?),
            Err(reason) => Err(self.denied(reason)),
        }
    }

    /// Counts requests that were already served, without a decision. The total ends at
    /// [`MAX_COUNT`](lictor_core::facts::usage::MAX_COUNT). With [`CountDurability::Request`] it blocks until
    /// the count is on disk.
    ///
    /// # Errors
    /// It could not be written.
    #[inline]
    pub fn count(&self, count: u64) -> Result<(), NotCounted> {
        self.shared.counters.add(&self.counter, count);
        match self.shared.durability {
            CountDurability::Interval => Ok(()),
            CountDurability::Request => self.shared.flusher.wait(),
        }
    }

    /// Like [`Meter::check`], without blocking, for a request that may need an application and a feature.
    pub(crate) async fn ask(
        &self,
        application: Option<&str>,
        feature: Option<&str>,
    ) -> Result<(), Denial> {
        let decided = if application.is_none() && feature.is_none() {
            self.shared.evaluator.decide()
        } else {
            self.shared.evaluator.decide_on(application, feature)
        };
        decided.map_err(|reason| self.denied(reason))?;
        self.shared.counters.add(&self.counter, 1);
        Ok(written(&self.shared).await?)
    }

    #[cold]
    fn denied(&self, reason: Reason) -> Denial {
        self.shared.counters.deny(reason);
        Denial::Refused(reason)
    }
}

/// Waits until everything counted before is on disk, if requests must wait for that.
pub(crate) async fn written(shared: &Shared) -> Result<(), NotCounted> {
    match shared.durability {
        CountDurability::Interval => Ok(()),
        CountDurability::Request => shared.flusher.written().await,
    }
}
