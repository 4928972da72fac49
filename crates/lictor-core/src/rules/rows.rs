//! Requests with many rows: each row is decided on the state after the rows before it.

use crate::decision::Decision;
use crate::error::Error;
use crate::facts::application::ApplicationState;
use crate::facts::seats::SeatRefusal;
use crate::record::Record;
use crate::rules::quota;
use crate::state::State;
use crate::words::words;

/// Whether a request with many rows is all or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// One refused row refuses them all.
    AllOrNothing,
    /// Each row is decided by itself.
    Each,
}

words!(
    Rows, "a mode of requests with many rows", {
        AllOrNothing => "all",
        Each => "each",
    }
);

/// A decision made in steps, each based on the state after the steps before it.
pub struct Steps {
    after: State,
    all: Decision,
}

impl Steps {
    /// The state after the steps so far, as far as it can be foreseen.
    pub fn state(&self) -> &State {
        &self.after
    }

    /// Takes the next step, unless it goes beyond a quota.
    ///
    /// # Errors
    /// [`Error::QuotaReached`].
    pub fn take(&mut self, decided: Decision) -> Result<(), Error> {
        quota::admit(&self.after, &decided.changes)?;
        self.after.absorb(&decided);
        self.all.append(decided);
        Ok(())
    }

    /// Refuses a part of the row; what was taken of it before stays.
    pub fn refuse(&mut self, error: Error) {
        self.all.refused.push((0, error));
    }
}

/// Decides row after row, each in steps of its own.
///
/// # Errors
/// [`Error::Outdated`]. What refuses a row stands in the decision, with the row's number.
pub fn each_row<T>(
    state: &State,
    rows: &[T],
    mode: Rows,
    decide: impl Fn(&mut Steps, &T) -> Result<(), Error>,
) -> Result<Decision, Error> {
    // Copied once, and not for each step: a request may have a thousand accounts loaded.
    let mut steps = Steps {
        after: state.clone(),
        all: Decision::nothing(),
    };
    for (number, row) in rows.iter().enumerate() {
        let before = steps.all.refused.len();
        match decide(&mut steps, row) {
            Ok(()) => {}
            Err(Error::Outdated) => return Err(Error::Outdated),
            Err(error) => steps.refuse(error),
        }
        for (row, _) in &mut steps.all.refused[before..] {
            *row = number;
        }
    }
    let mut all = steps.all;
    if mode == Rows::AllOrNothing && !all.refused.is_empty() {
        refuse_all(state, &mut all);
    }
    Ok(all)
}

/// Drops all changes; the refusals then show the figures of the state before the request.
fn refuse_all(state: &State, all: &mut Decision) {
    let before = |refusal: &mut SeatRefusal| {
        let stored = state.applications.get(&refusal.application);
        refusal.used = stored.map_or(0, ApplicationState::used);
        refusal.position = state.position;
    };
    all.changes.clear();
    all.records.retain_mut(|record| match record {
        Record::Refusal(refusal) => {
            before(refusal);
            true
        }
        _ => false,
    });
    for (_, error) in &mut all.refused {
        if let Error::SeatRefused(refusal) = error {
            before(refusal);
        }
    }
}
