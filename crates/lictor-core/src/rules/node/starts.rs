//! Which start of a node counts in which of its epochs. This detects folders that were copied or restored from
//! an older copy, and makes sure that each request is counted once.

use uuid::Uuid;

use crate::decision::Decision;
use crate::error::Error;
use crate::facts::node::{Counting, MAX_BEFORE, MAX_COUNTED};
use crate::facts::usage::EpochState;
use crate::feed::{MAX_PARTS, NodeStart, SplitReason, StartPart, epoch_of, source};
use crate::record::Record;
use crate::rules::node::epochs::{is_epoch, is_removed, merged};
use crate::state::State;

/// Decides whether a start continues the epoch of its journal or begins a new one, and the same for each of its
/// parts. Every folder with counts of a start then reports them in the same epoch, where the greatest counts.
///
/// `state` contains which starts count in the epochs of the node, and for each of [`epochs_of`] what is stored
/// and whether it was merged; reports for a merged epoch add nothing. A start that is leaving and has reported
/// everything makes room for any other start that has all of its counts.
///
/// An undecided start reports nothing that was counted since the last decided one. So whatever is decided,
/// nothing is reported twice, and no count hides another.
///
/// # Errors
/// [`Error::InvalidInput`] if an epoch is malformed or the parts are out of bounds.
pub fn begin(
    state: &State,
    id: Uuid,
    name: &str,
    start: &NodeStart,
    leaving: bool,
) -> Result<Decision<StartDecision>, Error> {
    check(start)?;
    let mut assigner = EpochAssigner {
        state,
        name,
        counting: state.node_starts.get(&id).cloned().unwrap_or_default(),
    };
    let (apart, own) = match start.parts.is_empty() {
        true => (assigner.assign(start), Vec::new()),
        false => assigner.assign_parts(start),
    };
    // While it has more to report, a start with fewer counts must not continue its epoch.
    let is_reported = assigner.stored(&start.epoch) >= start.counted;
    let leaves = leaving && start.parts.is_empty() && is_reported;
    let mut counting = assigner.counting;
    if leaves && let Some(left) = counting.iter_mut().find(|known| known.start == start.id) {
        left.left = true;
    }
    if start.ended {
        // A damaged journal is followed by one with another epoch.
        let own: Vec<_> = epochs_of(start).collect();
        counting.retain(|known| own.contains(&known.epoch) || !start.after.contains(&known.start));
    }
    let beyond = counting.len().saturating_sub(MAX_COUNTED);
    counting.drain(..beyond);
    let decided = StartDecision {
        apart,
        own: own.clone(),
    };
    let mut decision = Decision::nothing();
    decision.records.push(Record::NodeStarts {
        id,
        counting,
        apart,
        own,
    });
    Ok(decision.with(|_| Ok(decided)))
}

/// What was decided about a start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartDecision {
    /// Why it does not continue the epoch of its journal. `None` if it does.
    pub apart: Option<SplitReason>,
    /// Its parts that begin epochs of their own.
    pub own: Vec<Uuid>,
}

/// The epochs that a start may report counts of: its journal's, and one for each of its parts.
pub fn epochs_of(start: &NodeStart) -> impl Iterator<Item = String> {
    let parts = start.parts.iter().take(MAX_PARTS);
    std::iter::once(start.epoch.clone()).chain(parts.map(|part| epoch_of(part.start)))
}

fn check(start: &NodeStart) -> Result<(), Error> {
    if !is_epoch(&start.epoch) {
        return Err(Error::InvalidInput {
            field: "epoch",
            reason: "use 16 lower-case hex digits".to_owned(),
        });
    }
    let is_last = |part: &StartPart| part.start == start.id;
    if start.parts.len() > MAX_PARTS || !start.parts.last().is_none_or(is_last) {
        return Err(Error::InvalidInput {
            field: "parts",
            reason: format!("name the start that reports last, and at most {MAX_PARTS}"),
        });
    }
    Ok(())
}

/// Assigns starts to epochs.
struct EpochAssigner<'a> {
    state: &'a State,
    name: &'a str,
    counting: Vec<Counting>,
}

impl EpochAssigner<'_> {
    /// Decides about a start that was decided before, or that has no parts.
    fn assign(&mut self, start: &NodeStart) -> Option<SplitReason> {
        let known = self.known(&start.epoch);
        let counts = known.is_some_and(|known| known.start == start.id);
        if !counts || self.is_removed(&start.epoch) {
            let apart = self.apart(&start.epoch, &start.after, start.ended, start.counted);
            if apart.is_some() {
                return apart;
            }
        }
        self.assign_epoch(&start.epoch, start.id);
        None
    }

    /// Why a start does not continue the epoch of its journal, and which of its parts begin a new one.
    fn assign_parts(&mut self, start: &NodeStart) -> (Option<SplitReason>, Vec<Uuid>) {
        let (mut apart, mut own) = (None, Vec::new());
        let decided = (start.after.len() + 1).saturating_sub(start.parts.len());
        let mut before = &start.after[..decided.min(start.after.len())];
        let (mut epoch, mut counted) = (start.epoch.clone(), start.counted);
        for part in &start.parts {
            if !self
                .known(&epoch)
                .is_some_and(|known| known.holds(part.start))
            {
                let (refused, by_itself) = (
                    self.apart(&epoch, before, part.ended, counted),
                    epoch_of(part.start),
                );
                let is_reported = self.known(&by_itself).is_some() || self.stored(&by_itself) > 0;
                if refused.is_some() || is_reported {
                    apart = more_serious(apart, refused.unwrap_or(SplitReason::Unsure));
                    own.push(part.start);
                    (epoch, counted) = (by_itself, 0);
                }
                if !is_reported {
                    self.assign_epoch(&epoch, part.start);
                }
            }
            counted = counted.saturating_add(part.counted);
            before = std::slice::from_ref(&part.start);
        }
        // Its counts belong to that epoch, but another start continued it.
        let known = self.known(&epoch);
        if known.is_some_and(|known| known.start != start.id && known.holds(start.id)) {
            apart = Some(SplitReason::Followed);
        }
        (apart, own)
    }

    /// Why a start must not continue an epoch after one of the starts in `before`. `None` if it may.
    fn apart(
        &self,
        epoch: &str,
        before: &[Uuid],
        ended: bool,
        counted: u64,
    ) -> Option<SplitReason> {
        let known = self.known(epoch);
        let running = known.filter(|known| !known.left);
        // The first start of an epoch reports everything that it counts, even what it counted before its first
        // report. While it may still run, a copy of its folder that reports first must not replace it.
        let may_run = running.is_some() || (known.is_none() && !before.is_empty());
        match running {
            // Reports for this epoch no longer count.
            _ if self.is_removed(epoch) => Some(SplitReason::Removed),
            Some(running) if !before.contains(&running.start) => Some(SplitReason::Followed),
            _ if counted < self.stored(epoch) => Some(SplitReason::Behind),
            _ if may_run && !ended => Some(SplitReason::Unsure),
            _ => None,
        }
    }

    fn known(&self, epoch: &str) -> Option<&Counting> {
        self.counting.iter().find(|known| known.epoch == epoch)
    }

    fn merged(&self, epoch: &str) -> Option<&EpochState> {
        let merged = self.state.usage_epochs.get(&merged(self.name))?;
        merged.get(epoch)
    }

    fn is_removed(&self, epoch: &str) -> bool {
        self.merged(epoch).is_some_and(is_removed)
    }

    /// How many requests of an epoch are stored. A merged epoch counts as complete.
    fn stored(&self, epoch: &str) -> u64 {
        if self.merged(epoch).is_some() {
            return u64::MAX;
        }
        let stored = self.state.usage_by_source.get(&source(self.name, epoch));
        stored.copied().unwrap_or_default()
    }

    fn assign_epoch(&mut self, epoch: &str, start: Uuid) {
        let at = self.counting.iter().position(|known| known.epoch == epoch);
        let known = at.map(|at| self.counting.remove(at));
        let mut before = Vec::new();
        if let Some(known) = known {
            before = known.before;
            if known.start != start {
                before.push(known.start);
            }
            let beyond = before.len().saturating_sub(MAX_BEFORE);
            before.drain(..beyond);
        }
        self.counting.push(Counting {
            epoch: epoch.to_owned(),
            start,
            before,
            left: false,
        });
    }
}

/// The reason that indicates a copy, if one of them does.
fn more_serious(one: Option<SplitReason>, other: SplitReason) -> Option<SplitReason> {
    match one {
        Some(SplitReason::Followed | SplitReason::Behind) => one,
        _ => Some(other),
    }
}

/// Whether a start may still count in an epoch of a node. `state` contains which starts count.
pub(super) fn is_counted_in(state: &State, id: Uuid, epoch: &str) -> bool {
    let counts = |known: &Counting| known.epoch == epoch && !known.left;
    let known = state.node_starts.get(&id);
    known.is_some_and(|known| known.iter().any(counts))
}

/// Whether another start continues the epoch of this one. `state` contains which starts count.
pub(super) fn is_followed(state: &State, id: Uuid, start: &NodeStart) -> bool {
    let known = state.node_starts.get(&id);
    let other =
        |known: &Counting| known.epoch == start.epoch && known.start != start.id && !known.left;
    known.is_some_and(|known| known.iter().any(other))
}

#[cfg(test)]
mod tests;
