//! Detects a change that breaks the limit of seats.

use crate::change::Change;
use crate::facts::application::OverLimit;
use crate::state::State;

impl State {
    /// What is wrong with a change that was just applied, if it breaks the one rule that must never
    /// be broken: used seats exceed the limit only where the application allows it.
    pub fn breach(&self, change: &Change) -> Option<String> {
        let (Change::SeatAssigned {
            application,
            limit,
            used,
            ..
        }
        | Change::LeaseCheckedOut {
            application,
            limit,
            used,
            ..
        }) = change
        else {
            return None;
        };
        let stored = self.applications.get(application)?;
        let over = limit.is_some_and(|limit| stored.used() > u64::from(limit));
        if stored.used() != *used {
            let counted = stored.used();
            return Some(format!(
                "{application} has {counted} seats in use, not {used}"
            ));
        }
        (over && stored.over_limit == OverLimit::Refuse)
            .then(|| format!("{application} has {used} seats in use, more than its limit"))
    }
}
