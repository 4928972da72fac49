//! Which start of the node counts, what its journal goes on from, and what becomes of its counts once
//! the control plane has judged it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lictor_core::facts::usage::MAX_COUNT;
use lictor_core::feed::{MAX_PARTS, Part, epoch_of};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Counters, Entry, Key, OTHER, Sums, Value};
use crate::planted;

/// The most starts that a journal tells from each other which nobody has judged, beside the one that counts.
const MAX_UNJUDGED: usize = MAX_PARTS / 2;

/// The most starts before those that a journal names.
const MAX_AFTER: usize = 32;

/// A start of the node, as its journal names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// Drawn anew at each start.
    pub id: Uuid,
    /// The starts that its epoch goes on from, the last that was judged at the end. Before it those that
    /// went before it for certain, of which a control plane knows one that was put back from a backup, or
    /// whose last answers were lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Uuid>,
    /// Those since that nobody has judged, in order: what each of them counted is in an epoch of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unjudged: Vec<Unjudged>,
    /// Whether the one before it has ended for certain.
    #[serde(default)]
    pub ended: bool,
    /// Whether it was not judged yet: what was counted since it began is told to nobody.
    #[serde(default)]
    pub pending: bool,
    /// Where its lock is; whoever has the same one knows that this start has ended.
    #[serde(default)]
    pub place: Option<String>,
}

/// A start that ended before anybody judged it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unjudged {
    pub start: Uuid,
    /// Whether the one before it had ended for certain.
    #[serde(default)]
    pub ended: bool,
}

impl Start {
    /// The start that goes on from a journal in which `before` counted last; none: a version that did
    /// not say so.
    pub(crate) fn on(before: Option<&Self>, id: Uuid, place: Option<String>) -> Self {
        let mut start = Self {
            id,
            pending: true,
            ended: true,
            ..Self::default()
        };
        if let Some(before) = before {
            start.ended = place.is_some() && place == before.place;
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
        start.place = place;
        start
    }

    fn bound_after(&mut self) {
        let beyond = self.after.len().saturating_sub(MAX_AFTER);
        self.after.drain(..beyond);
    }

    /// One with a journal of its own, which nobody else can have counted in.
    pub(crate) fn anew(self) -> Self {
        // It makes place for those before it alone.
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

    /// Whether each of those before it has ended for certain.
    fn have_ended(&self) -> bool {
        self.ended && self.unjudged.iter().all(|unjudged| unjudged.ended)
    }

    /// The epoch in which it counts what is not judged; none: in that of the journal.
    pub(super) fn own_epoch(&self) -> Option<Arc<str>> {
        self.pending.then(|| epoch_of(self.id).into())
    }

    /// The epochs of what nobody has judged, in order, and the starts that counted it.
    pub(super) fn untold(&self) -> Vec<(Uuid, Arc<str>)> {
        let unjudged = self.unjudged.iter().map(|unjudged| unjudged.start);
        let all = unjudged.chain(self.pending.then_some(self.id));
        all.map(|start| (start, epoch_of(start).into())).collect()
    }
}

/// What the control plane says of the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The starts that begin epochs of their own; each other one goes on in that of the one before it.
    pub own: Vec<Uuid>,
    /// The epoch of what was counted and not told, where another one goes on in that of the journal.
    pub rest: Option<Arc<str>>,
}

/// What a journal is written anew from.
pub(crate) struct Whole {
    /// The epoch that it counts in, or goes on from.
    pub epoch: Arc<str>,
    /// The start that counts.
    pub start: Start,
    /// All counts.
    pub all: Vec<(Key, Entry)>,
}

/// What is said of the start in a report.
pub(crate) struct Claim {
    /// The epoch that it counts in, or goes on from.
    pub epoch: Arc<str>,
    /// The start.
    pub id: Uuid,
    /// Those that it goes on from, in order.
    pub after: Vec<Uuid>,
    /// Whether each of them has ended for certain.
    pub ended: bool,
    /// How many requests of the epoch may be told, whatever the answer is.
    pub counted: u64,
    /// What was counted since by starts that nobody has judged.
    pub parts: Vec<Part>,
}

impl Counters {
    /// The same, where this start counts.
    pub(crate) fn started(self, mut start: Start) -> Self {
        let mut sums = self.sums();
        // Of that many a copy of the first ones is not told from what went on from them.
        while start.unjudged.len() > MAX_UNJUDGED {
            let first = start.unjudged.remove(0);
            let next = start.unjudged.first_mut();
            let next = next.map(|next| {
                next.ended &= first.ended;
                next.start
            });
            if let Some(next) = next {
                sums.put_to(&epoch_of(first.start), &epoch_of(next).into());
            }
            // It may be the one that was judged last, if nobody heard the answer.
            if let Some(last) = start.after.len().checked_sub(1) {
                start.after.insert(last, first.start);
            }
        }
        start.bound_after();
        sums.count_for(start);
        drop(sums);
        self
    }

    /// What is said of the start; none, until the journal on disk names it.
    pub(crate) fn claim(&self) -> Option<Claim> {
        let sums = self.sums();
        if !sums.start_journaled {
            return None;
        }
        let start = &sums.start;
        let of_unjudged = start.unjudged.iter().map(|unjudged| Part {
            start: unjudged.start,
            ended: unjudged.ended,
            counted: sums.journaled(&epoch_of(unjudged.start)),
        });
        let own = start.pending.then_some(Part {
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

    /// Takes up how the start was judged for an epoch: it holds with the next flush. Whether that
    /// changes anything.
    pub(crate) fn judge(&self, epoch: &str, verdict: Verdict) -> bool {
        let mut sums = self.sums();
        let news = sums.start.pending || sums.held_back || verdict.rest.is_some();
        if *sums.epoch == *epoch && news && sums.verdict.is_none() {
            sums.verdict = Some(verdict);
            return true;
        }
        false
    }

    /// Tells no more of the epoch than was taken, until the start is judged: while the node had no place its
    /// counts may have been put to those of its pool.
    pub(crate) fn hold_back(&self) {
        self.sums().held_back = true;
    }

    /// All epochs of which anything may have been told.
    pub(crate) fn epochs(&self) -> Vec<String> {
        let sums = self.sums();
        let mut epochs: BTreeSet<_> = sums.values.keys().map(|key| &key.epoch).collect();
        epochs.insert(&sums.epoch);
        epochs.retain(|epoch| !sums.unjudged.contains(epoch));
        epochs.into_iter().map(ToString::to_string).collect()
    }

    /// Lets a verdict hold, if there is one; whether there is, so that the journal is to be written
    /// anew. To be called by who writes the journal alone.
    pub(crate) fn settle_start(&self) -> bool {
        let mut sums = self.sums();
        let Some(verdict) = sums.verdict.take() else {
            return false;
        };
        self.collect(&mut sums);
        sums.settle(verdict);
        true
    }

    /// Notes that the whole journal is on disk.
    pub(crate) fn note_whole(&self, whole: &Whole) {
        self.note_journaled(&whole.all);
        let mut sums = self.sums();
        sums.start_journaled |= whole.start.id == sums.start.id;
    }
}

impl Sums {
    fn count_for(&mut self, start: Start) {
        self.counting = start.own_epoch().unwrap_or_else(|| Arc::clone(&self.epoch));
        let untold = start.untold().into_iter();
        self.unjudged = untold.map(|(_, epoch)| epoch).collect();
        self.start = start;
    }

    /// Puts what each start counted that nobody had judged into the epoch that it is of.
    fn settle(&mut self, verdict: Verdict) {
        let mut start = std::mem::take(&mut self.start);
        self.held_back = false;
        let (mut epoch, mut ended) = (Arc::clone(&self.epoch), true);
        let takes_all = planted::is("start-takes-all") && !verdict.own.is_empty();
        if takes_all {
            epoch = epoch_of(start.id).into();
        }
        let links = start.unjudged.iter().map(|unjudged| unjudged.ended);
        let links: Vec<_> = links.chain([start.ended]).collect();
        for ((part, own), link) in start.untold().into_iter().zip(links) {
            if verdict.own.contains(&part) && !takes_all {
                (epoch, ended) = (own, true);
                start.after.clear();
            } else {
                ended &= link;
                self.put_to(&own, &epoch);
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
        if let Some(rest) = verdict.rest {
            self.part(rest);
            start.after.clear();
        }
        self.count_for(start);
    }

    /// Puts all counts of an epoch to those of another.
    fn put_to(&mut self, from: &str, into: &Arc<str>) {
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

    /// Puts what was counted, and was not told, into another epoch.
    fn part(&mut self, epoch: Arc<str>) {
        let mut apart = Vec::new();
        let mut others = self.told_among_others();
        for (key, value) in &mut self.values {
            if key.epoch != self.epoch {
                continue;
            }
            let among = others.get_mut(&key.month).filter(|_| value.as_other);
            let more = among.map_or(0, |rest| {
                let more = value.counted.saturating_sub(value.told).min(*rest);
                *rest -= more;
                more
            });
            let stays = value.told.saturating_add(more).min(value.counted);
            let key = Key {
                epoch: Arc::clone(&epoch),
                ..key.clone()
            };
            let counted = value.counted - stays;
            let on_disk = value.journaled + value.journaled_elsewhere;
            if counted > 0 {
                apart.push((
                    key,
                    Value {
                        counted,
                        journaled_elsewhere: on_disk.saturating_sub(stays),
                        ..Value::default()
                    },
                ));
            }
            (value.counted, value.journaled, value.journaled_elsewhere) = (stays, stays, 0);
        }
        self.values.extend(apart);
        self.epoch = epoch;
    }

    /// How much of services that are told among [`OTHER`] was told beyond what was there when the start
    /// began, by month.
    fn told_among_others(&self) -> BTreeMap<Arc<str>, u64> {
        let mut told = BTreeMap::new();
        let own = self
            .values
            .iter()
            .filter(|(key, _)| key.epoch == self.epoch);
        for (key, value) in own.clone().filter(|(key, _)| *key.service == *OTHER) {
            let rest = value.told.saturating_sub(value.counted);
            told.insert(Arc::clone(&key.month), rest);
        }
        for (key, value) in own.filter(|(_, value)| value.as_other) {
            if let Some(rest) = told.get_mut(&key.month) {
                *rest = rest.saturating_sub(value.told);
            }
        }
        told
    }

    /// Whether nothing more of an epoch may be told now: nobody has judged it, or it is being put apart.
    pub(super) fn is_kept_back(&self, epoch: &Arc<str>) -> bool {
        let parts = |verdict: &Verdict| verdict.rest.is_some();
        let waits = self.held_back || self.verdict.as_ref().is_some_and(parts);
        self.unjudged.contains(epoch) || (waits && *epoch == self.epoch)
    }

    /// How many counts are kept back.
    pub(super) fn kept_back(&self) -> usize {
        let kept = self
            .values
            .iter()
            .filter(|(key, value)| value.counted > value.reported && self.is_kept_back(&key.epoch));
        kept.count()
    }

    fn journaled(&self, epoch: &str) -> u64 {
        let of = self.values.iter().filter(|(key, _)| *key.epoch == *epoch);
        of.fold(0, |sum: u64, (_, value)| {
            sum.saturating_add(value.journaled)
        })
    }
}
