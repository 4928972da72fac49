//! Which start of a node counts in which of its epochs, so that a copied folder, or an older one put
//! back, is known, and each request is counted once.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::gone::is_removed;
use super::reports::{is_epoch, merged};
use crate::change::{Decision, Record};
use crate::error::Error;
use crate::feed::{Apart, Start, source};
use crate::state::State;

/// The most epochs of a node of which it is remembered who counts in them.
pub const MAX_COUNTED: usize = 16;

/// Who counts in an epoch of a node: the start that was last let go on in it, and did not take its leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counting {
    /// The epoch.
    pub epoch: String,
    /// The start.
    pub start: Uuid,
}

/// Lets a start go on in the epoch of its journal, or tells it apart. `state` holds who counts in the
/// epochs of the node, what is stored of this one, and whether it was put together with others: what is
/// told of it then adds nothing. One that takes its leave makes place for any other that has all of its
/// counts.
///
/// A start tells no more of its epoch than was there when it began, until it was let go on. So
/// whatever is decided, nothing is told twice, and nothing overlays anything else.
///
/// # Errors
/// [`Error::InvalidInput`] for an epoch that is none.
pub fn begin(
    state: &State,
    id: Uuid,
    name: &str,
    start: &Start,
    leaving: bool,
) -> Result<Decision, Error> {
    if !is_epoch(&start.epoch) {
        return Err(Error::InvalidInput {
            field: "epoch",
            reason: "use 16 lower-case hex digits".to_owned(),
        });
    }
    let mut counting = state.node_starts.get(&id).cloned().unwrap_or_default();
    let own = |known: &Counting| known.epoch == start.epoch;
    let before = counting.iter().find(|known| own(known));
    let stored = state.usage_by_source.get(&source(name, &start.epoch));
    let merged = state.usage_epochs.get(&merged(name));
    let merged = merged.and_then(|merged| merged.get(&start.epoch));
    let stored = match merged {
        Some(_) => u64::MAX,
        None => stored.copied().unwrap_or_default(),
    };
    let apart = match merged.is_some_and(is_removed) {
        // Nothing that it tells of this epoch is counted any more.
        true => Some(Apart::Removed),
        false => apart(start, before.map(|known| known.start), stored),
    };
    if start.ended {
        // Of a journal that was damaged another one is the next.
        counting.retain(|known| own(known) || !start.after.contains(&known.start));
    }
    if apart.is_none() {
        counting.retain(|known| !own(known));
        if !leaving {
            counting.push(Counting {
                epoch: start.epoch.clone(),
                start: start.id,
            });
        }
        let beyond = counting.len().saturating_sub(MAX_COUNTED);
        counting.drain(..beyond);
    }
    let mut decision = Decision::nothing();
    decision.records.push(Record::NodeStarts {
        id,
        counting,
        apart,
    });
    Ok(decision)
}

fn apart(start: &Start, before: Option<Uuid>, stored: u64) -> Option<Apart> {
    let follows = |before| start.after.contains(&before);
    match before {
        Some(before) if before == start.id => None,
        Some(before) if !follows(before) => Some(Apart::Followed),
        // The first start of an epoch tells all that it counts, also before it was heard of: where it
        // may still run, a copy of its folder that is heard of first does not take its place.
        None if stored == 0 && !start.after.is_empty() && !start.ended => Some(Apart::Unsure),
        _ if start.counted < stored => Some(Apart::Behind),
        Some(_) if !start.ended => Some(Apart::Unsure),
        Some(_) | None => None,
    }
}

/// Whether somebody may still count in an epoch of a node. `state` holds who does.
pub(super) fn is_counted_in(state: &State, id: Uuid, epoch: &str) -> bool {
    let known = state.node_starts.get(&id);
    known.is_some_and(|known| known.iter().any(|known| known.epoch == epoch))
}

/// Whether another start goes on in the epoch of this one. `state` holds who does.
pub(super) fn is_followed(state: &State, id: Uuid, start: &Start) -> bool {
    let known = state.node_starts.get(&id);
    let other = |known: &Counting| known.epoch == start.epoch && known.start != start.id;
    known.is_some_and(|known| known.iter().any(other))
}

#[cfg(test)]
mod tests;
