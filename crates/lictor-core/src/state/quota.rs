//! Counts what each change adds to a quota or takes from it.

use crate::change::{Change, Step};
use crate::facts::quota::Used;

impl Used {
    /// Counts what a change adds or takes away.
    pub fn count(&mut self, change: &Change) {
        let (subject, step) = change.about();
        let Some(quota) = subject.quota() else { return };
        match step {
            Step::Begins | Step::Returns => self.more(quota),
            Step::Ends => self.less(quota),
            Step::Alters => {}
        }
    }
}
