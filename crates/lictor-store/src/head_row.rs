//! Head rows: where a stream ends, and what every write of it sees and alters without an effect of its own: how
//! much there is of each kind of thing, and how much there may be.

use lictor_core::Timestamp;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::quota::{Quota, Quotas, Used};
use lictor_core::ledger::Head;
use lictor_core::rules::quota;
use lictor_core::state::State;

use crate::Grown;

/// What the head row holds.
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
    /// How much there may be of each kind of thing.
    pub(crate) quotas: Quotas,
    /// How much there is.
    pub(crate) used: Used,
    /// The day that the entries of a day are counted of.
    pub(crate) day: i64,
    /// What only grows.
    pub(crate) grown: Grown,
}

impl HeadRow {
    /// Begins to count the entries of another day.
    pub(crate) fn begin_day(&mut self, now: Elapsed) {
        let today = quota::day(now);
        if today > self.day {
            self.day = today;
            self.used.put(Quota::EntriesPerDay, 0);
        }
    }

    /// Takes up what a write has made of it.
    pub(crate) fn take_up(&mut self, state: &State) {
        self.newest_updated_at = state.newest_updated_at;
        self.removed = state.removed;
        self.basis_changed = state.basis_changed;
        self.quotas = state.quotas;
        self.used = state.used;
    }

    /// Gives a state what it holds.
    pub(crate) fn give(&self, state: &mut State) {
        state.newest_updated_at = self.newest_updated_at;
        state.removed = self.removed;
        state.basis_changed = self.basis_changed;
        state.position = self.head.position;
        state.quotas = self.quotas;
        state.used = self.used;
    }
}
