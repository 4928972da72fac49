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
pub enum BatchMode {
    /// One refused row refuses them all.
    AllOrNothing,
    /// Each row is decided by itself.
    Each,
}

words!(
    BatchMode, "a mode of requests with many rows", {
        AllOrNothing => "all",
        Each => "each",
    }
);

/// What became of a row.
#[derive(Debug)]
pub struct Row<T> {
    /// What it led to. `None` if it was refused as a whole, or undone as another was.
    pub done: Option<T>,
    /// Why it was refused, or parts of it.
    pub refused: Vec<Error>,
}

/// A decision made in steps, each based on the state after the steps before it.
pub struct Steps {
    after: State,
    all: Decision,
    refused: Vec<Error>,
}

impl Steps {
    /// The state after the steps so far, as far as it can be foreseen.
    pub fn state(&self) -> &State {
        &self.after
    }

    /// Takes the next step, unless it goes beyond a quota, and gives its outcome.
    ///
    /// # Errors
    /// [`Error::QuotaReached`].
    pub fn take<T>(&mut self, decided: Decision<T>) -> Result<T, Error> {
        let (decided, outcome) = decided.split();
        quota::admit(&self.after, &decided.changes)?;
        decided.apply_to(&mut self.after);
        self.all.append(decided);
        outcome(&self.after)
    }

    /// Refuses a part of the row; what was taken of it before stays.
    pub fn refuse(&mut self, error: Error) {
        self.all.note_quota(&error);
        self.refused.push(error);
    }
}

/// Decides row after row, each in steps of its own.
///
/// # Errors
/// [`Error::Outdated`]. What refuses a row is among its outcomes.
pub fn each_row<R, T: Send + 'static>(
    state: &State,
    rows: &[R],
    mode: BatchMode,
    decide: impl Fn(&mut Steps, &R) -> Result<T, Error>,
) -> Result<Decision<Vec<Row<T>>>, Error> {
    // Copied once, and not for each step: a request may have a thousand accounts loaded.
    let mut steps = Steps {
        after: state.clone(),
        all: Decision::nothing(),
        refused: Vec::new(),
    };
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in rows {
        let done = match decide(&mut steps, row) {
            Ok(done) => Some(done),
            Err(Error::Outdated) => return Err(Error::Outdated),
            Err(error) => {
                steps.refuse(error);
                None
            }
        };
        let refused = std::mem::take(&mut steps.refused);
        outcomes.push(Row { done, refused });
    }
    let mut all = steps.all;
    if mode == BatchMode::AllOrNothing && outcomes.iter().any(|row| !row.refused.is_empty()) {
        undo(state, &mut all, &mut outcomes);
    }
    Ok(all.with(|_| Ok(outcomes)))
}

/// Drops all changes; the refusals then show the figures of the state before the request.
fn undo<T>(state: &State, all: &mut Decision, outcomes: &mut [Row<T>]) {
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
    for row in outcomes {
        row.done = None;
        for error in &mut row.refused {
            if let Error::SeatRefused(refusal) = error {
                before(refusal);
            }
        }
    }
}
