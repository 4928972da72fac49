//! Decisions: what a rule returns.

use crate::change::Change;
use crate::error::Error;
use crate::record::Record;

/// What a rule decided: nothing at all, or changes and records that are stored together.
#[derive(Debug, Default)]
pub struct Decision {
    /// The ledger entries to append, in order.
    pub changes: Vec<Change>,
    /// What is stored with them.
    pub records: Vec<Record>,
    /// What was refused although the rest is stored: the number of the row, 0 where there is but
    /// one, and why.
    pub refused: Vec<(usize, Error)>,
}

impl Decision {
    /// All is already as it was asked to be.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Adds what was decided next.
    pub fn append(&mut self, next: Self) {
        self.changes.extend(next.changes);
        self.records.extend(next.records);
        self.refused.extend(next.refused);
    }

    /// Whether it stores nothing and refuses nothing.
    pub fn is_nothing(&self) -> bool {
        self.changes.is_empty() && self.records.is_empty() && self.refused.is_empty()
    }
}

impl FromIterator<Change> for Decision {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        Self {
            changes: changes.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl From<Change> for Decision {
    fn from(change: Change) -> Self {
        Self {
            changes: vec![change],
            ..Self::default()
        }
    }
}
