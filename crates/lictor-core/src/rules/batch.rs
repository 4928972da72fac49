//! Requests with many rows. Each row is decided on the state after the rows before it.

use crate::decision::Decision;
use crate::error::Error;
use crate::facts::application::ApplicationState;
use crate::facts::seats::SeatRefusal;
use crate::record::Record;
use crate::rules::quota;
use crate::state::State;
use crate::words::words;

/// Whether a refused row refuses the whole request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchMode {
    /// One refused row refuses all rows.
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

/// The result of a row.
#[derive(Debug)]
pub struct Row<T> {
    /// Its outcome. `None` if the row was refused, or undone because another one was refused.
    pub done: Option<T>,
    /// Why it or parts of it were refused.
    pub refused: Vec<Error>,
}

/// A decision made in steps, each based on the state after the steps before it.
pub struct Steps {
    after: State,
    all: Decision,
    refused: Vec<Error>,
}

impl Steps {
    /// The expected state after the steps so far.
    pub fn state(&self) -> &State {
        &self.after
    }

    /// Takes the next step, unless it exceeds a quota, and returns its outcome.
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

    /// Refuses a part of the row. Its earlier steps stay.
    pub fn refuse(&mut self, error: Error) {
        self.all.note_quota(&error);
        self.refused.push(error);
    }
}

/// Decides each row in turn.
///
/// # Errors
/// [`Error::Outdated`]. Why rows are refused is part of the outcome.
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

/// Drops all changes. The refusals then show the figures from before the request.
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
