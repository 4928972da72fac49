//! The head row of a stream: where its ledger ends, and what every write reads and may change without an effect of
//! its own, such as the quotas and how much of each is used.

use lictor_core::Timestamp;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::quota::{Quota, Quotas, Used};
use lictor_core::ledger::Head;
use lictor_core::rules::quota;
use lictor_core::state::State;

use crate::Grown;

/// From which share of its quota on, one half, the usage series of a month leave no room for those of nodes
/// that left.
const SHARE: u64 = 2;

/// A head row.
#[derive(Clone, Copy)]
pub(crate) struct HeadRow {
    /// Where the stream ends.
    pub(crate) head: Head,
    /// The greatest `updated_at` that any license of the stream ever had.
    pub(crate) newest_updated_at: Timestamp,
    /// Whether the stream's organization was removed.
    pub(crate) removed: bool,
    /// The position of the last change that the state of nodes rests on.
    pub(crate) basis_changed: u64,
    /// How many there may be of each kind of thing.
    pub(crate) quotas: Quotas,
    /// How many there are.
    pub(crate) used: Used,
    /// The day whose entries are counted, in days of elapsed time.
    pub(crate) day: i64,
    /// Totals that only grow.
    pub(crate) grown: Grown,
}

impl HeadRow {
    /// Counts the entries of the day from zero if it is another day than before.
    pub(crate) fn begin_day(&mut self, now: Elapsed) {
        let today = quota::day(now);
        if today > self.day {
            self.day = today;
            self.used.put(Quota::EntriesPerDay, 0);
        }
    }

    /// Takes the values that a write has left in the state.
    pub(crate) fn take_up(&mut self, state: &State) {
        self.newest_updated_at = state.newest_updated_at;
        self.removed = state.removed;
        self.basis_changed = state.basis_changed;
        self.quotas = state.quotas;
        self.used = state.used;
    }

    /// Whether so many usage series of a month are too many to keep those of nodes that left.
    pub(crate) fn is_crowded_by(&self, series: u64) -> bool {
        series > self.quotas.limit(Quota::UsageSeries) / SHARE
    }

    /// Gives its values to a state.
    pub(crate) fn give(&self, state: &mut State) {
        state.newest_updated_at = self.newest_updated_at;
        state.removed = self.removed;
        state.basis_changed = self.basis_changed;
        state.position = self.head.position;
        state.quotas = self.quotas;
        state.used = self.used;
    }
}
