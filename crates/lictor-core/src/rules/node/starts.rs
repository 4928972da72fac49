//! Which start of a node counts in which of its epochs, so that a copied folder, or an older one put
//! back, is known, and each request is counted once.

use uuid::Uuid;

use crate::decision::Decision;
use crate::error::Error;
use crate::facts::node::{Counting, MAX_BEFORE, MAX_COUNTED};
use crate::facts::usage::EpochState;
use crate::feed::{Apart, MAX_PARTS, Part, Start, epoch_of, source};
use crate::record::Record;
use crate::rules::node::epochs::{is_epoch, is_removed, merged};
use crate::state::State;

/// Lets a start go on in the epoch of its journal, or tells it apart; the same for each of its parts, so
/// that every folder that has counts of a start tells them in one epoch, where the greatest counts.
/// `state` holds who counts in the epochs of the node, and of each of [`epochs_of`] what is stored and
/// whether it was put together with others: what is told of it then adds nothing. One that takes its leave
/// and has told all makes place for any other that has all of its counts.
///
/// A start tells nothing of what was counted since the last one that was judged, until it is itself. So
/// whatever is decided, nothing is told twice, and nothing overlays anything else.
///
/// # Errors
/// [`Error::InvalidInput`] for a malformed epoch, or parts that are out of bounds.
pub fn begin(
    state: &State,
    id: Uuid,
    name: &str,
    start: &Start,
    leaving: bool,
) -> Result<Decision<Judgment>, Error> {
    check(start)?;
    let mut judging = Judging {
        state,
        name,
        counting: state.node_starts.get(&id).cloned().unwrap_or_default(),
    };
    let (apart, own) = match start.parts.is_empty() {
        true => (judging.judge(start), Vec::new()),
        false => judging.judge_parts(start),
    };
    // Where it has more to tell, another one that has less would go on.
    let leaves = leaving && start.parts.is_empty() && judging.stored(&start.epoch) >= start.counted;
    let mut counting = judging.counting;
    if leaves && let Some(left) = counting.iter_mut().find(|known| known.start == start.id) {
        left.left = true;
    }
    if start.ended {
        // Of a journal that was damaged another one is the next.
        let told: Vec<_> = epochs_of(start).collect();
        counting.retain(|known| told.contains(&known.epoch) || !start.after.contains(&known.start));
    }
    let beyond = counting.len().saturating_sub(MAX_COUNTED);
    counting.drain(..beyond);
    let judgment = Judgment {
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
    Ok(decision.with(|_| Ok(judgment)))
}

/// How a start was judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgment {
    /// Why it does not go on in the epoch of its journal; none: it does.
    pub apart: Option<Apart>,
    /// Which of its parts begin epochs of their own.
    pub own: Vec<Uuid>,
}

/// The epochs that what a start reports may be of: that of its journal, and one for each of its parts.
pub fn epochs_of(start: &Start) -> impl Iterator<Item = String> {
    let parts = start.parts.iter().take(MAX_PARTS);
    std::iter::once(start.epoch.clone()).chain(parts.map(|part| epoch_of(part.start)))
}

fn check(start: &Start) -> Result<(), Error> {
    if !is_epoch(&start.epoch) {
        return Err(Error::InvalidInput {
            field: "epoch",
            reason: "use 16 lower-case hex digits".to_owned(),
        });
    }
    let is_last = |part: &Part| part.start == start.id;
    if start.parts.len() > MAX_PARTS || !start.parts.last().is_none_or(is_last) {
        return Err(Error::InvalidInput {
            field: "parts",
            reason: format!("name the start that reports last, and at most {MAX_PARTS}"),
        });
    }
    Ok(())
}

struct Judging<'a> {
    state: &'a State,
    name: &'a str,
    counting: Vec<Counting>,
}

impl Judging<'_> {
    /// A start that was judged before, or that does not tell its parts from each other.
    fn judge(&mut self, start: &Start) -> Option<Apart> {
        let known = self.known(&start.epoch);
        let counts = known.is_some_and(|known| known.start == start.id);
        if !counts || self.is_removed(&start.epoch) {
            let apart = self.apart(&start.epoch, &start.after, start.ended, start.counted);
            if apart.is_some() {
                return apart;
            }
        }
        self.let_go_on(&start.epoch, start.id);
        None
    }

    /// Why a start does not go on in the epoch of its journal, and which of its parts begin one.
    fn judge_parts(&mut self, start: &Start) -> (Option<Apart>, Vec<Uuid>) {
        let (mut apart, mut own) = (None, Vec::new());
        let judged = (start.after.len() + 1).saturating_sub(start.parts.len());
        let mut before = &start.after[..judged.min(start.after.len())];
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
                let is_told = self.known(&by_itself).is_some() || self.stored(&by_itself) > 0;
                if refused.is_some() || is_told {
                    apart = graver(apart, refused.unwrap_or(Apart::Unsure));
                    own.push(part.start);
                    (epoch, counted) = (by_itself, 0);
                }
                if !is_told {
                    self.let_go_on(&epoch, part.start);
                }
            }
            counted = counted.saturating_add(part.counted);
            before = std::slice::from_ref(&part.start);
        }
        // What it counted is of that epoch, but another one went on from it.
        let known = self.known(&epoch);
        if known.is_some_and(|known| known.start != start.id && known.holds(start.id)) {
            apart = Some(Apart::Followed);
        }
        (apart, own)
    }

    /// Why a start does not go on in an epoch from one of these before it; none: it may.
    fn apart(&self, epoch: &str, before: &[Uuid], ended: bool, counted: u64) -> Option<Apart> {
        let known = self.known(epoch);
        let running = known.filter(|known| !known.left);
        // The first start of an epoch tells all that it counts, also before it was heard of: where it may
        // still run, a copy of its folder that is heard of first does not take its place.
        let may_run = running.is_some() || (known.is_none() && !before.is_empty());
        match running {
            // Nothing that is told of this epoch is counted any more.
            _ if self.is_removed(epoch) => Some(Apart::Removed),
            Some(running) if !before.contains(&running.start) => Some(Apart::Followed),
            _ if counted < self.stored(epoch) => Some(Apart::Behind),
            _ if may_run && !ended => Some(Apart::Unsure),
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

    /// How many requests of an epoch are stored; what was put together with others counts as all.
    fn stored(&self, epoch: &str) -> u64 {
        if self.merged(epoch).is_some() {
            return u64::MAX;
        }
        let stored = self.state.usage_by_source.get(&source(self.name, epoch));
        stored.copied().unwrap_or_default()
    }

    fn let_go_on(&mut self, epoch: &str, start: Uuid) {
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

/// Of two reasons the one that indicates a copy.
fn graver(one: Option<Apart>, other: Apart) -> Option<Apart> {
    match one {
        Some(Apart::Followed | Apart::Behind) => one,
        _ => Some(other),
    }
}

/// Whether somebody may still count in an epoch of a node. `state` holds who does.
pub(super) fn is_counted_in(state: &State, id: Uuid, epoch: &str) -> bool {
    let counts = |known: &Counting| known.epoch == epoch && !known.left;
    let known = state.node_starts.get(&id);
    known.is_some_and(|known| known.iter().any(counts))
}

/// Whether another start goes on in the epoch of this one. `state` holds who does.
pub(super) fn is_followed(state: &State, id: Uuid, start: &Start) -> bool {
    let known = state.node_starts.get(&id);
    let other =
        |known: &Counting| known.epoch == start.epoch && known.start != start.id && !known.left;
    known.is_some_and(|known| known.iter().any(other))
}

#[cfg(test)]
mod tests;
