//! What comes and goes with records and is counted by quotas, of any organization.

use std::collections::BTreeMap;

use lictor_core::facts::quota::Quota;
use uuid::Uuid;

/// What comes and goes with records, of any organization.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    by_organization: BTreeMap<Uuid, BTreeMap<Quota, i64>>,
    /// The bytes of payloads that were stored.
    pub(crate) payload_bytes: u64,
    /// Whether something that named somebody was erased, of which nothing may be left.
    pub(crate) has_erased: bool,
}

impl Counted {
    /// Counts more, or fewer where it is negative.
    pub(super) fn add(&mut self, organization: Uuid, quota: Quota, by: i64) {
        let own = self.by_organization.entry(organization).or_default();
        let sum = own.entry(quota).or_default();
        *sum = sum.saturating_add(by);
    }

    /// Counts those that are gone.
    pub(super) fn fewer(&mut self, organization: Uuid, quota: Quota, gone: usize) {
        self.add(
            organization,
            quota,
            i64::try_from(gone).map_or(0, i64::wrapping_neg),
        );
    }

    /// Takes what was counted of one organization.
    pub(crate) fn take(&mut self, organization: Uuid) -> BTreeMap<Quota, i64> {
        self.by_organization
            .remove(&organization)
            .unwrap_or_default()
    }

    /// What was counted of each organization and not taken, in their order.
    pub(crate) fn rest(self) -> impl Iterator<Item = (Uuid, Quota, i64)> {
        let all = self.by_organization.into_iter();
        all.flat_map(|(organization, sums)| {
            let sums = sums.into_iter();
            sums.map(move |(quota, by)| (organization, quota, by))
        })
    }
}
