//! The starts of a node in its journal, and which epoch each start's counts belong to once the control
//! plane has decided that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lictor_core::facts::usage::MAX_COUNT;
use lictor_core::feed::{MAX_PARTS, StartPart, epoch_of};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CountProgress, Counters, Entry, Key, OTHER, Sums};
use crate::planted;

/// The most undecided starts that a journal keeps apart, besides the running one.
const MAX_UNJUDGED: usize = MAX_PARTS / 2;

/// The most decided starts that a journal names.
const MAX_AFTER: usize = 32;

/// A start of the node as its journal records it. A start is *undecided* until the control plane has said in
/// which epoch it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JournalStart {
    /// Random, new at each start.
    pub id: Uuid,
    /// The starts that its epoch continues from; the last decided one is at the end. A control plane that was
    /// restored from a backup, or whose last answers were lost, may know only one of the earlier ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Uuid>,
    /// The undecided starts since then, in order. Each of them counted in an epoch of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unjudged: Vec<Unjudged>,
    /// Whether the start before it has certainly ended.
    #[serde(default)]
    pub ended: bool,
    /// Whether it is undecided. Until it is decided, what it counted is not reported.
    #[serde(default)]
    pub pending: bool,
    /// Where its lock is. A later start that holds the same lock knows that this one has ended.
    #[serde(default, rename = "place")]
    pub lock_location: Option<String>,
}

/// A start that ended before it was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unjudged {
    pub start: Uuid,
    /// Whether the start before it had certainly ended.
    #[serde(default)]
    pub ended: bool,
}

impl JournalStart {
    /// The start that continues a journal in which `before` counted last. `None` if the journal is from a
    /// version that did not record starts.
    pub(crate) fn on(before: Option<&Self>, id: Uuid, lock_location: Option<String>) -> Self {
        let mut start = Self {
            id,
            pending: true,
            ended: true,
            ..Self::default()
        };
        if let Some(before) = before {
            start.ended = lock_location.is_some() && lock_location == before.lock_location;
            if before.pending {
                start.after.clone_from(&before.after);
                start.unjudged.clone_from(&before.unjudged);
                start.unjudged.push(Unjudged {
                    start: before.id,
                    ended: before.ended,
                });
            } else {
                if before.ended {
                    start.after.clone_from(&before.after);
                }
                start.after.push(before.id);
                start.bound_after();
            }
        }
        start.lock_location = lock_location;
        start
    }

    fn bound_after(&mut self) {
        let beyond = self.after.len().saturating_sub(MAX_AFTER);
        self.after.drain(..beyond);
    }

    /// The start of a new journal, in which no other start can have counted.
    pub(crate) fn anew(self) -> Self {
        // It replaces the starts before it only if they have all ended.
        let ended = self.have_ended();
        let unjudged = self.unjudged.iter().map(|unjudged| unjudged.start);
        let after = self.after.iter().copied().chain(unjudged);
        Self {
            after: if ended { after.collect() } else { Vec::new() },
            ended,
            unjudged: Vec::new(),
            pending: false,
            ..self
        }
    }

    /// Whether each start before it has certainly ended.
    fn have_ended(&self) -> bool {
        self.ended && self.unjudged.iter().all(|unjudged| unjudged.ended)
    }

    /// The epoch in which it counts while it is undecided. `None` if it counts in the journal's epoch.
    pub(super) fn own_epoch(&self) -> Option<Arc<str>> {
        self.pending.then(|| epoch_of(self.id).into())
    }

    /// The undecided starts with their epochs, in order.
    pub(super) fn unreported(&self) -> Vec<(Uuid, Arc<str>)> {
        let unjudged = self.unjudged.iter().map(|unjudged| unjudged.start);
        let all = unjudged.chain(self.pending.then_some(self.id));
        all.map(|start| (start, epoch_of(start).into())).collect()
    }
}

/// Which epochs the counts of undecided starts go to, as the control plane decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EpochAssignment {
    /// The starts that begin an epoch of their own. Each other start continues the epoch before it.
    pub own: Vec<Uuid>,
    /// A new epoch for what was counted but not reported, if another start continues the journal's epoch.
    pub rest: Option<Arc<str>>,
}

/// The full content of a journal.
pub(crate) struct JournalSnapshot {
    /// The epoch that it counts in, or continues from.
    pub epoch: Arc<str>,
    /// The running start.
    pub start: JournalStart,
    /// All counts.
    pub all: Vec<(Key, Entry)>,
}

/// What a report says about the start.
pub(crate) struct Claim {
    /// The epoch that it counts in, or continues from.
    pub epoch: Arc<str>,
    /// The start.
    pub id: Uuid,
    /// The starts that it continues from, in order.
    pub after: Vec<Uuid>,
    /// Whether each of them has certainly ended.
    pub ended: bool,
    /// How many requests of the epoch may be reported, whatever the answer is.
    pub counted: u64,
    /// What undecided starts have counted since.
    pub parts: Vec<StartPart>,
}

impl Counters {
    /// The same counters, counting for this start.
    pub(crate) fn started(self, mut start: JournalStart) -> Self {
        let mut sums = self.sums();
        // With this many, a copy of the first ones cannot be told from a continuation of them.
        while start.unjudged.len() > MAX_UNJUDGED {
            let first = start.unjudged.remove(0);
            let next = start.unjudged.first_mut();
            let next = next.map(|next| {
                next.ended &= first.ended;
                next.start
            });
            if let Some(next) = next {
                sums.move_counts(&epoch_of(first.start), &epoch_of(next).into());
            }
            // It may be the one that was decided last, if the answer was lost.
            if let Some(last) = start.after.len().checked_sub(1) {
                start.after.insert(last, first.start);
            }
        }
        start.bound_after();
        sums.count_for(start);
        drop(sums);
        self
    }

    /// What to report about the start. `None` until the journal on disk names it.
    pub(crate) fn claim(&self) -> Option<Claim> {
        let sums = self.sums();
        if !sums.start_journaled {
            return None;
        }
        let start = &sums.start;
        let of_unjudged = start.unjudged.iter().map(|unjudged| StartPart {
            start: unjudged.start,
            ended: unjudged.ended,
            counted: sums.journaled(&epoch_of(unjudged.start)),
        });
        let own = start.pending.then_some(StartPart {
            start: start.id,
            ended: start.ended,
            counted: 0,
        });
        let unjudged = start.unjudged.iter().map(|unjudged| unjudged.start);
        Some(Claim {
            epoch: Arc::clone(&sums.epoch),
            id: start.id,
            after: start.after.iter().copied().chain(unjudged).collect(),
            ended: start.have_ended(),
            counted: sums.journaled(&sums.epoch),
            parts: of_unjudged.chain(own).collect(),
        })
    }

    /// Notes what was decided about the start for an epoch. It takes effect at the next flush. Returns whether
    /// it changes anything.
    pub(crate) fn assign(&self, epoch: &str, assignment: EpochAssignment) -> bool {
        let mut sums = self.sums();
        let news = sums.start.pending || sums.reporting_paused || assignment.rest.is_some();
        if *sums.epoch == *epoch && news && sums.assignment.is_none() {
            sums.assignment = Some(assignment);
            return true;
        }
        false
    }

    /// Stops reporting the journal's epoch until the start is decided again. While the node had no place, its
    /// counts may have been moved to those of its pool.
    pub(crate) fn pause_reporting(&self) {
        self.sums().reporting_paused = true;
    }

    /// All epochs of which something may have been reported.
    pub(crate) fn epochs(&self) -> Vec<String> {
        let sums = self.sums();
        let mut epochs: BTreeSet<_> = sums.values.keys().map(|key| &key.epoch).collect();
        epochs.insert(&sums.epoch);
        epochs.retain(|epoch| !sums.unjudged.contains(epoch));
        epochs.into_iter().map(ToString::to_string).collect()
    }

    /// Applies what was decided about the start, if anything. Returns whether it did; then the journal must be
    /// rewritten. Only the writer of the journal may call this.
    pub(crate) fn apply_assignment(&self) -> bool {
        let mut sums = self.sums();
        let Some(assignment) = sums.assignment.take() else {
            return false;
        };
        self.collect(&mut sums);
        sums.apply(assignment);
        true
    }

    /// Notes that this journal is on disk.
    pub(crate) fn note_snapshot(&self, snapshot: &JournalSnapshot) {
        self.note_journaled(&snapshot.all);
        let mut sums = self.sums();
        sums.start_journaled |= snapshot.start.id == sums.start.id;
    }
}

impl Sums {
    fn count_for(&mut self, start: JournalStart) {
        self.counting = start.own_epoch().unwrap_or_else(|| Arc::clone(&self.epoch));
        let unreported = start.unreported().into_iter();
        self.unjudged = unreported.map(|(_, epoch)| epoch).collect();
        self.start = start;
    }

    /// Moves the counts of each undecided start to the epoch that they belong to.
    fn apply(&mut self, assignment: EpochAssignment) {
        let mut start = std::mem::take(&mut self.start);
        self.reporting_paused = false;
        let (mut epoch, mut ended) = (Arc::clone(&self.epoch), true);
        let takes_all = planted::is("start-takes-all") && !assignment.own.is_empty();
        if takes_all {
            epoch = epoch_of(start.id).into();
        }
        let links = start.unjudged.iter().map(|unjudged| unjudged.ended);
        let links: Vec<_> = links.chain([start.ended]).collect();
        for ((part, own), link) in start.unreported().into_iter().zip(links) {
            if assignment.own.contains(&part) && !takes_all {
                (epoch, ended) = (own, true);
                start.after.clear();
            } else {
                ended &= link;
                self.move_counts(&own, &epoch);
            }
            start.after.push(part);
        }
        if start.pending {
            start.after.retain(|after| *after != start.id);
            start.ended = ended;
        }
        start.unjudged.clear();
        start.pending = false;
        self.epoch = epoch;
        if let Some(rest) = assignment.rest {
            self.split_off(rest);
            start.after.clear();
        }
        self.count_for(start);
    }

    /// Adds all counts of an epoch to those of another.
    fn move_counts(&mut self, from: &str, into: &Arc<str>) {
        if *from == **into {
            return;
        }
        let of = self.values.keys().filter(|key| *key.epoch == *from);
        let of: Vec<_> = of.cloned().collect();
        for key in of {
            let Some(moved) = self.values.remove(&key) else {
                continue;
            };
            let epoch = Arc::clone(into);
            let value = self.values.entry(Key { epoch, ..key }).or_default();
            value.counted = value.counted.saturating_add(moved.counted).min(MAX_COUNT);
            value.journaled_elsewhere += moved.journaled + moved.journaled_elsewhere;
        }
    }

    /// Moves what was counted, but not reported, to another epoch.
    fn split_off(&mut self, epoch: Arc<str>) {
        let mut apart = Vec::new();
        let mut others = self.reported_among_others();
        for (key, value) in &mut self.values {
            if key.epoch != self.epoch {
                continue;
            }
            let among = others.get_mut(&key.month).filter(|_| value.as_other);
            let more = among.map_or(0, |rest| {
                let more = value.counted.saturating_sub(value.ever_reported).min(*rest);
                *rest -= more;
                more
            });
            let stays = value.ever_reported.saturating_add(more).min(value.counted);
            let key = Key {
                epoch: Arc::clone(&epoch),
                ..key.clone()
            };
            let counted = value.counted - stays;
            let on_disk = value.journaled + value.journaled_elsewhere;
            if counted > 0 {
                apart.push((
                    key,
                    CountProgress {
                        counted,
                        journaled_elsewhere: on_disk.saturating_sub(stays),
                        ..CountProgress::default()
                    },
                ));
            }
            (value.counted, value.journaled, value.journaled_elsewhere) = (stays, stays, 0);
        }
        self.values.extend(apart);
        self.epoch = epoch;
    }

    /// How much of the services that are reported as [`OTHER`] was reported beyond what was counted when the
    /// start began, by month.
    fn reported_among_others(&self) -> BTreeMap<Arc<str>, u64> {
        let mut told = BTreeMap::new();
        let own = self
            .values
            .iter()
            .filter(|(key, _)| key.epoch == self.epoch);
        for (key, value) in own.clone().filter(|(key, _)| *key.service == *OTHER) {
            let rest = value.ever_reported.saturating_sub(value.counted);
            told.insert(Arc::clone(&key.month), rest);
        }
        for (key, value) in own.filter(|(_, value)| value.as_other) {
            if let Some(rest) = told.get_mut(&key.month) {
                *rest = rest.saturating_sub(value.ever_reported);
            }
        }
        told
    }

    /// Whether an epoch may not be reported now, because it is undecided or about to be split.
    pub(super) fn is_paused(&self, epoch: &Arc<str>) -> bool {
        let parts = |assignment: &EpochAssignment| assignment.rest.is_some();
        let waits = self.reporting_paused || self.assignment.as_ref().is_some_and(parts);
        self.unjudged.contains(epoch) || (waits && *epoch == self.epoch)
    }

    /// How many counts may not be reported now.
    pub(super) fn paused(&self) -> usize {
        let kept = self
            .values
            .iter()
            .filter(|(key, value)| value.counted > value.reported && self.is_paused(&key.epoch));
        kept.count()
    }

    fn journaled(&self, epoch: &str) -> u64 {
        let of = self.values.iter().filter(|(key, _)| *key.epoch == *epoch);
        of.fold(0, |sum: u64, (_, value)| {
            sum.saturating_add(value.journaled)
        })
    }
}
