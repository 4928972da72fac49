//! How often something was refused since the start as it would have gone beyond a quota.

use std::sync::atomic::{AtomicU64, Ordering};

use lictor_core::Error;
use lictor_core::facts::quota::Quota;
use lictor_store::Written;

/// A counter for each quota.
#[derive(Default)]
pub(super) struct QuotaRefusals([AtomicU64; Quota::COUNT]);

impl QuotaRefusals {
    /// Counts what a write was refused for, as a whole or in part.
    pub(super) fn note(&self, outcome: &Result<Written, Error>) {
        match outcome {
            Err(Error::QuotaReached { quota, .. }) => self.count(*quota),
            Err(_) => {}
            Ok(written) => written
                .over_quota
                .iter()
                .for_each(|quota| self.count(*quota)),
        }
    }

    fn count(&self, quota: Quota) {
        self.0[quota as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The name of each quota, and how often it was met.
    pub(super) fn figures(&self) -> Vec<(&'static str, u64)> {
        let count = |quota: Quota| self.0[quota as usize].load(Ordering::Relaxed);
        Quota::all()
            .map(|quota| (quota.name(), count(quota)))
            .collect()
    }
}
