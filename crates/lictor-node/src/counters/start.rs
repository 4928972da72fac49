//! Which start of the node counts, what its journal goes on from, and what becomes of its counts once
//! the control plane has judged it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Counters, Entry, Key, OTHER, Sums, Value};

/// The most starts that a journal remembers which nobody has judged.
const MAX_UNJUDGED: usize = 32;

/// A start of the node, as its journal names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// Drawn anew at each start.
    pub id: Uuid,
    /// The starts that it goes on from: the last that was let go on, and those since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Uuid>,
    /// Whether each of them has ended for certain.
    #[serde(default)]
    pub ended: bool,
    /// Whether it was not let go on yet: what was counted since it began is told to nobody.
    #[serde(default)]
    pub pending: bool,
    /// Where its lock is; whoever has the same one knows that this start has ended.
    #[serde(default)]
    pub place: Option<String>,
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
                start.ended &= before.ended;
                start.after.clone_from(&before.after);
                if start.after.len() > MAX_UNJUDGED {
                    start.after.remove(1);
                }
            }
            start.after.push(before.id);
        }
        start.place = place;
        start
    }

    /// The epoch of what it counts by itself.
    pub(crate) fn own_epoch(&self) -> Arc<str> {
        let (high, low) = self.id.as_u64_pair();
        format!("{:016x}", high ^ low).into()
    }

    /// One with a journal of its own, which nobody else can have counted in.
    pub(crate) fn anew(self) -> Self {
        Self {
            pending: false,
            ..self
        }
    }
}

/// What the control plane says of the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on in the epoch of its journal.
    GoesOn,
    /// What was counted since it began is of this new epoch.
    Apart(Arc<str>),
}

/// What a journal is written anew from.
pub(crate) struct Whole {
    /// The epoch that is counted in.
    pub epoch: Arc<str>,
    /// The start that counts.
    pub start: Start,
    /// What its epoch held when it began, where it was not let go on yet.
    pub base: Vec<(Arc<str>, Arc<str>, u64)>,
    /// All counts.
    pub all: Vec<(Key, Entry)>,
}

/// What is said of the start in a report.
pub(crate) struct Claim {
    /// The epoch that is counted in.
    pub epoch: Arc<str>,
    /// The start.
    pub start: Start,
    /// How many requests of the epoch may be told, whatever the answer is.
    pub counted: u64,
}

impl Counters {
    /// The same, where this start counts. `base`: what its epoch held when the first start began that
    /// was not let go on yet.
    pub(crate) fn started(self, start: Start, base: &BTreeMap<Key, u64>) -> Self {
        let mut sums = self.sums();
        sums.bounded = start.pending;
        sums.start = start;
        for (key, value) in &mut sums.values {
            value.base = base.get(key).copied().unwrap_or_default();
        }
        drop(sums);
        self
    }

    /// What is said of the start; none, until the journal on disk names it.
    pub(crate) fn claim(&self) -> Option<Claim> {
        let sums = self.sums();
        if !sums.start_journaled {
            return None;
        }
        let own = sums
            .values
            .iter()
            .filter(|(key, _)| key.epoch == sums.epoch);
        let counted = own.map(|(_, value)| match sums.bounded {
            true => value.base,
            false => value.journaled,
        });
        Some(Claim {
            epoch: Arc::clone(&sums.epoch),
            start: sums.start.clone(),
            counted: counted.fold(0, u64::saturating_add),
        })
    }

    /// Takes up how the start was judged for an epoch: it holds with the next flush. Whether that
    /// changes anything.
    pub(crate) fn judge(&self, epoch: &str, verdict: Verdict) -> bool {
        let mut sums = self.sums();
        let news = verdict != Verdict::GoesOn || sums.bounded;
        if *sums.epoch == *epoch && news && sums.verdict.is_none() {
            sums.verdict = Some(verdict);
            return true;
        }
        false
    }

    /// Tells no more of the epoch than was taken, until the start is judged: while the node had no place its
    /// counts may have been put to those of its pool.
    pub(crate) fn hold_back(&self) {
        let mut sums = self.sums();
        sums.keep_told();
        sums.bounded = true;
    }

    /// All epochs that anything is known of.
    pub(crate) fn epochs(&self) -> Vec<String> {
        let sums = self.sums();
        let mut epochs: BTreeSet<_> = sums.values.keys().map(|key| &key.epoch).collect();
        epochs.insert(&sums.epoch);
        epochs.into_iter().map(ToString::to_string).collect()
    }

    /// The epoch of what this start counts by itself; none: it counts in that already.
    pub(crate) fn own_epoch(&self) -> Option<Arc<str>> {
        let sums = self.sums();
        let own = sums.start.own_epoch();
        (own != sums.epoch).then_some(own)
    }

    /// Lets a verdict hold, if there is one; whether there is, so that the journal is to be written
    /// anew. To be called by who writes the journal alone.
    pub(crate) fn settle_start(&self) -> bool {
        let mut sums = self.sums();
        let Some(verdict) = sums.verdict.take() else {
            return false;
        };
        // It is told beyond its base once that it may be is on disk.
        sums.start.pending = false;
        if let Verdict::Apart(epoch) = verdict {
            self.collect(&mut sums);
            sums.part(epoch);
        }
        true
    }

    /// Notes that the whole journal is on disk.
    pub(crate) fn note_whole(&self, whole: &Whole) {
        self.note_journaled(&whole.all);
        let mut sums = self.sums();
        sums.bounded &= whole.start.pending;
        sums.start_journaled |= whole.start.id == sums.start.id;
    }
}

impl Sums {
    /// What was told of the epoch stays in it, as does what was there when the start began.
    fn keep_told(&mut self) {
        let mut others = self.told_among_others();
        for (key, value) in &mut self.values {
            if key.epoch != self.epoch {
                continue;
            }
            let told = match others.get_mut(&key.month).filter(|_| value.as_other) {
                Some(rest) => {
                    let more = value.counted.saturating_sub(value.base).min(*rest);
                    *rest -= more;
                    value.base.saturating_add(more)
                }
                None => value.reported,
            };
            value.base = value.base.max(told).min(value.counted);
        }
    }

    /// Puts what was counted since the start began, and was not told, into an epoch of its own.
    fn part(&mut self, epoch: Arc<str>) {
        self.keep_told();
        let mut apart = Vec::new();
        for (key, value) in &mut self.values {
            if key.epoch != self.epoch {
                continue;
            }
            let stays = value.base;
            let key = Key {
                epoch: Arc::clone(&epoch),
                ..key.clone()
            };
            let counted = value.counted - stays;
            if counted > 0 {
                apart.push((
                    key,
                    Value {
                        counted,
                        ..Value::default()
                    },
                ));
            }
            (value.counted, value.journaled) = (stays, stays);
        }
        self.values.extend(apart);
        self.bounded = false;
        self.start = Start {
            after: Vec::new(),
            ended: false,
            ..std::mem::take(&mut self.start)
        };
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
            let rest = value.reported.saturating_sub(value.counted);
            told.insert(Arc::clone(&key.month), rest);
        }
        for (key, value) in own.filter(|(_, value)| value.as_other) {
            if let Some(rest) = told.get_mut(&key.month) {
                *rest = rest.saturating_sub(value.base);
            }
        }
        told
    }

    /// Whether no more of the epoch may be told than was there when the start began.
    pub(super) fn is_bounded(&self) -> bool {
        // What is told while it is put apart would count there too.
        self.bounded || matches!(self.verdict, Some(Verdict::Apart(_)))
    }

    /// How many counts wait for the start to be judged, or to be put apart.
    pub(super) fn unjudged(&self) -> usize {
        let own = |(key, value): &(&Key, &Value)| {
            key.epoch == self.epoch && value.journaled > value.base.max(value.reported)
        };
        if self.is_bounded() {
            self.values.iter().filter(own).count()
        } else {
            0
        }
    }
}
