//! Decisions: what a rule returns.

use std::fmt;

use crate::change::Change;
use crate::error::Error;
use crate::facts::quota::Quota;
use crate::record::Record;
use crate::state::State;

/// What a rule decided: changes and records that are stored together, if any, and an outcome for the caller.
pub struct Decision<T = ()> {
    /// The ledger entries to append, in order.
    pub changes: Vec<Change>,
    /// What is stored with them.
    pub records: Vec<Record>,
    /// The quotas that parts of it would have exceeded. These parts are left out.
    pub over_quota: Vec<Quota>,
    outcome: Outcome<T>,
}

/// Makes the outcome for the caller from the state after a decision.
pub type Outcome<T> = Box<dyn FnOnce(&State) -> Result<T, Error> + Send>;

impl Decision {
    /// Nothing needs to change.
    pub fn nothing() -> Self {
        Self {
            changes: Vec::new(),
            records: Vec::new(),
            over_quota: Vec::new(),
            outcome: Box::new(|_| Ok(())),
        }
    }

    /// The same with an outcome, which is made from the state after it.
    pub fn with<T>(
        self,
        outcome: impl FnOnce(&State) -> Result<T, Error> + Send + 'static,
    ) -> Decision<T> {
        Decision {
            changes: self.changes,
            records: self.records,
            over_quota: self.over_quota,
            outcome: Box::new(outcome),
        }
    }

    /// Appends a further decision.
    pub fn append(&mut self, next: Self) {
        self.changes.extend(next.changes);
        self.records.extend(next.records);
        self.over_quota.extend(next.over_quota);
    }
}

impl<T> Decision<T> {
    /// Whether it stores nothing.
    pub fn is_nothing(&self) -> bool {
        self.changes.is_empty() && self.records.is_empty()
    }

    /// Notes that a part of it is left out, if that is because of a quota.
    pub(crate) fn note_quota(&mut self, refused: &Error) {
        if let Error::QuotaReached { quota, .. } = refused {
            self.over_quota.push(*quota);
        }
    }

    /// Applies it in advance: a rule that decides in steps continues from there. Times are left out.
    pub fn apply_to(&self, state: &mut State) {
        for change in &self.changes {
            state.apply(state.position + 1, 0, change);
        }
        for record in &self.records {
            state.note(record);
        }
    }

    /// The outcome, made from the state after it.
    ///
    /// # Errors
    /// The state is not the one after this decision.
    pub fn outcome(self, after: &State) -> Result<T, Error> {
        (self.outcome)(after)
    }

    /// What is stored, and what makes the outcome.
    pub fn split(self) -> (Decision, Outcome<T>) {
        let stored = Decision {
            changes: self.changes,
            records: self.records,
            over_quota: self.over_quota,
            outcome: Box::new(|_| Ok(())),
        };
        (stored, self.outcome)
    }

    /// The same with another outcome, which is made from this one.
    pub fn map<U>(self, made: impl FnOnce(T) -> U + Send + 'static) -> Decision<U>
    where
        T: 'static,
    {
        let (stored, outcome) = self.split();
        stored.with(|after| outcome(after).map(made))
    }
}

impl<T> fmt::Debug for Decision<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("changes", &self.changes)
            .field("records", &self.records)
            .field("over_quota", &self.over_quota)
            .finish_non_exhaustive()
    }
}

impl FromIterator<Change> for Decision {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        let mut decision = Self::nothing();
        decision.changes.extend(changes);
        decision
    }
}

impl From<Change> for Decision {
    fn from(change: Change) -> Self {
        Self::from_iter([change])
    }
}
