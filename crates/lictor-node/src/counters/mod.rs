//! Counting: a counter for each service, cheap to raise from many threads, and the sums by epoch,
//! month and service that are journaled and then reported.

pub(crate) mod flush;
pub(crate) mod journal;
mod slot;
mod start;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use lictor_core::facts::usage::{MAX_COUNT, MAX_NAME_LENGTH};
use lictor_core::feed::{NodeCount, OTHER_SERVICES as OTHER};
use lictor_core::names::label;

use crate::error::Reason;
use crate::planted;
pub(crate) use slot::Slot;
pub(crate) use start::{Start, Verdict, Whole};

/// The most services that are counted by their names.
pub(crate) const MAX_SERVICES: usize = 1_000;

/// More than this at once is added up under the lock, so that no shard ever goes round.
const LARGE: u64 = 1 << 32;

/// What a count belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The journal that counts.
    pub epoch: Arc<str>,
    /// The month, such as `2026-11`.
    pub month: Arc<str>,
    /// The service.
    pub service: Arc<str>,
}

impl Key {
    fn of(count: &NodeCount) -> Self {
        Self {
            epoch: Arc::from(count.epoch.as_str()),
            month: Arc::from(count.month.as_str()),
            service: Arc::from(count.service.as_str()),
        }
    }

    /// That of all other services of its epoch and month.
    fn others(&self) -> Self {
        Self {
            service: Arc::from(OTHER),
            ..self.clone()
        }
    }
}

/// What is on disk of a count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The requests so far.
    pub count: u64,
    /// Whether they are told among [`OTHER`], as the control plane has no room for the service.
    pub as_other: bool,
}

/// How far a count has come; each is at most the one before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Value {
    counted: u64,
    journaled: u64,
    /// What of it the journal has in another epoch, until that is written anew.
    journaled_elsewhere: u64,
    reported: u64,
    /// How much of it was ever told, or may have been before this start.
    told: u64,
    /// The control plane does not take it now.
    held: bool,
    /// It is to be told among [`OTHER`], for ever.
    as_other: bool,
    /// That is on disk.
    as_other_journaled: bool,
}

impl Value {
    fn entry(&self) -> Entry {
        Entry {
            count: self.counted,
            as_other: self.as_other,
        }
    }

    fn is_unjournaled(&self) -> bool {
        self.journaled < self.counted || self.as_other != self.as_other_journaled
    }

    /// How many requests may be told.
    fn tellable(&self) -> u64 {
        match planted::is("node-reports-unjournaled") {
            true => self.counted,
            false => self.journaled,
        }
    }
}

/// All counts of a node.
pub(crate) struct Counters {
    slots: RwLock<HashMap<Arc<str>, Arc<Slot>>>,
    sums: Mutex<Sums>,
    denied: [AtomicU64; Reason::ALL.len()],
}

struct Sums {
    /// The journal's.
    epoch: Arc<str>,
    /// What is counted into now: that, or one of the start's own until it is judged.
    counting: Arc<str>,
    /// Whether nothing more of the journal's is told until the start is judged anew.
    held_back: bool,
    /// The epochs of starts that nobody has judged.
    unjudged: Vec<Arc<str>>,
    /// The start that counts.
    start: Start,
    /// Whether the journal on disk names it: where none does, who goes on from it would not follow it.
    start_journaled: bool,
    /// How it was judged, until that holds.
    verdict: Option<Verdict>,
    month: Arc<str>,
    values: BTreeMap<Key, Value>,
}

/// What the counts amount to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// The requests of this month by service, as far as they are on disk.
    pub this_month: BTreeMap<String, u64>,
    /// How many counts have not been reported as they are on disk.
    pub unsent: usize,
    /// How many requests are not on disk yet.
    pub unjournaled: u64,
    /// The name of the journal.
    pub epoch: String,
}

impl Counters {
    /// Goes on from what the journal holds.
    pub(crate) fn new(epoch: &str, month: &str, journaled: BTreeMap<Key, Entry>) -> Self {
        let (epoch, month) = (Arc::<str>::from(epoch), Arc::<str>::from(month));
        let known = journaled.keys();
        let known = known.filter(|key| key.month == month);
        let slots = known
            .map(|key| (Arc::clone(&key.service), Slot::new(&key.service)))
            .collect();
        // Nothing is journaled of others that have no requests of their own.
        let others = journaled.iter().filter(|(_, entry)| entry.as_other);
        let others = others.map(|(key, _)| (key.others(), Value::default()));
        let mut values: BTreeMap<_, _> = others.collect();
        values.extend(journaled.into_iter().map(|(key, entry)| {
            let value = Value {
                counted: entry.count,
                journaled: entry.count,
                told: entry.count,
                as_other: entry.as_other,
                as_other_journaled: entry.as_other,
                ..Value::default()
            };
            (key, value)
        }));
        Self {
            slots: RwLock::new(slots),
            sums: Mutex::new(Sums {
                counting: Arc::clone(&epoch),
                held_back: false,
                unjudged: Vec::new(),
                epoch,
                start: Start::default(),
                start_journaled: false,
                verdict: None,
                month,
                values,
            }),
            denied: Default::default(),
        }
    }

    /// Whether a service may have this name: one that is counted, or one that [`label`] takes.
    pub(crate) fn takes(&self, service: &str) -> bool {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.contains_key(service) || service_name(service).is_some()
    }

    /// The counter of a service; that of all others once there are too many. What is counted goes on
    /// under the name that it has; a new one is counted as [`label`] has it.
    pub(crate) fn slot(&self, service: &str) -> Arc<Slot> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(service) {
            return Arc::clone(slot);
        }
        drop(slots);
        let labeled = service_name(service);
        let service = labeled.as_deref().unwrap_or(service);
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let named = slots.len() - usize::from(slots.contains_key(OTHER));
        let full = named >= MAX_SERVICES && !slots.contains_key(service);
        let name = if full { OTHER } else { service };
        let slot = slots.entry(Arc::from(name)).or_insert_with_key(Slot::new);
        Arc::clone(slot)
    }

    /// Whether there are more services than are counted apart.
    pub(crate) fn are_too_many(&self) -> bool {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.len() > MAX_SERVICES
    }

    /// Counts so many requests.
    #[inline]
    pub(crate) fn add(&self, slot: &Slot, count: u64) {
        if count < LARGE {
            slot.add(count);
        } else {
            self.sums().add(&slot.service, count);
        }
    }

    /// Counts a denied request, for the metrics alone.
    pub(crate) fn deny(&self, reason: Reason) {
        self.denied[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests were denied for each reason since the start.
    pub(crate) fn denied(&self) -> [(Reason, u64); Reason::ALL.len()] {
        Reason::ALL.map(|reason| (reason, self.denied[reason as usize].load(Ordering::Relaxed)))
    }

    /// Closes the month that was, if it is over.
    pub(crate) fn follow(&self, month: &str) {
        let mut sums = self.sums();
        if *sums.month != *month {
            self.collect(&mut sums);
            sums.month = Arc::from(month);
        }
    }

    /// What is not on disk as it is now.
    pub(crate) fn unjournaled(&self) -> Vec<(Key, Entry)> {
        let mut sums = self.sums();
        self.collect(&mut sums);
        let changed = sums
            .values
            .iter()
            .filter(|(_, value)| value.is_unjournaled());
        changed
            .map(|(key, value)| (key.clone(), value.entry()))
            .collect()
    }

    /// All that a new journal is to hold.
    pub(crate) fn whole(&self) -> Whole {
        let mut sums = self.sums();
        self.collect(&mut sums);
        let all = sums.values.iter();
        let all = all.map(|(key, value)| (key.clone(), value.entry()));
        Whole {
            epoch: Arc::clone(&sums.epoch),
            start: sums.start.clone(),
            all: all.collect(),
        }
    }

    /// Notes that these are on disk.
    pub(crate) fn note_journaled(&self, written: &[(Key, Entry)]) {
        let mut sums = self.sums();
        for (key, entry) in written {
            if let Some(value) = sums.values.get_mut(key) {
                value.journaled = value.journaled.max(entry.count);
                value.journaled_elsewhere = 0;
                value.as_other_journaled |= entry.as_other;
            }
        }
    }

    /// Counts that are on disk and were not reported so, at most `most`; after them, if asked for,
    /// those that the control plane did not take.
    pub(crate) fn unsent(&self, most: usize, held: bool) -> Vec<NodeCount> {
        let sums = self.sums();
        let changed = |held| {
            sums.untold()
                .filter(move |(_, value, _)| value.held == held)
        };
        let held = held.then(|| changed(true)).into_iter().flatten();
        let counts = changed(false).chain(held).take(most);
        let counts = counts.map(|(key, _, count)| NodeCount {
            epoch: key.epoch.to_string(),
            service: key.service.to_string(),
            month: key.month.to_string(),
            count,
        });
        counts.collect()
    }

    /// Notes that these were reported and acknowledged.
    pub(crate) fn note_reported(&self, sent: &[NodeCount]) {
        let mut sums = self.sums();
        for count in sent {
            if let Some(value) = sums.values.get_mut(&Key::of(count)) {
                value.reported = value.reported.max(count.count);
                value.told = value.told.max(count.count);
                value.held = false;
            }
        }
    }

    /// Notes which of those that were reported the control plane did not take.
    pub(crate) fn note_held<'a>(&self, held: impl IntoIterator<Item = &'a NodeCount>) {
        let mut sums = self.sums();
        for count in held {
            if let Some(value) = sums.values.get_mut(&Key::of(count)) {
                value.held = true;
            }
        }
    }

    /// Notes which of those that were reported the control plane has no room for, and never stored:
    /// they are told among [`OTHER`] once that is on disk, with all that comes to them.
    pub(crate) fn note_no_room<'a>(&self, counts: impl IntoIterator<Item = &'a NodeCount>) {
        let mut sums = self.sums();
        for count in counts {
            let key = Key::of(count);
            // What all others come to has no others.
            let value = sums.values.get_mut(&key);
            if let Some(value) = value.filter(|_| *key.service != *OTHER) {
                (value.as_other, value.held) = (true, false);
                sums.values.entry(key.others()).or_default();
            }
        }
    }

    /// How many services of this month are told among [`OTHER`] for want of room.
    pub(crate) fn without_room(&self) -> usize {
        let sums = self.sums();
        let values = sums.values.iter();
        values
            .filter(|(key, value)| value.as_other && key.month == sums.month)
            .count()
    }

    /// The epochs before this one of which everything was told and taken.
    pub(crate) fn settled(&self) -> Vec<String> {
        let sums = self.sums();
        let mut epochs: BTreeSet<_> = sums.values.keys().map(|key| &key.epoch).collect();
        epochs.remove(&sums.epoch);
        for unjudged in &sums.unjudged {
            epochs.remove(unjudged);
        }
        for (key, ..) in sums.untold() {
            epochs.remove(&key.epoch);
        }
        let waits = |(_, value): &(&Key, &Value)| value.as_other != value.as_other_journaled;
        for (key, _) in sums.values.iter().filter(waits) {
            epochs.remove(&key.epoch);
        }
        epochs.into_iter().map(ToString::to_string).collect()
    }

    /// Whether all that was ever counted is on disk, told and taken.
    pub(crate) fn are_told(&self) -> bool {
        let totals = self.totals();
        totals.unjournaled == 0 && totals.unsent == 0 && self.held() == 0
    }

    /// How many counts the control plane does not take.
    pub(crate) fn held(&self) -> usize {
        let sums = self.sums();
        sums.values.values().filter(|value| value.held).count()
    }

    /// Forgets what was reported, as after the control plane was restored from a backup.
    pub(crate) fn report_all_again(&self) {
        let mut sums = self.sums();
        sums.values
            .values_mut()
            .for_each(|value| (value.reported, value.held) = (0, false));
    }

    /// What they amount to.
    pub(crate) fn totals(&self) -> Totals {
        let mut sums = self.sums();
        self.collect(&mut sums);
        let mut totals = Totals {
            epoch: sums.epoch.to_string(),
            ..Totals::default()
        };
        let waits = |value: &&Value| value.as_other != value.as_other_journaled;
        totals.unsent = sums.untold().count() + sums.values.values().filter(waits).count();
        totals.unsent += sums.kept_back();
        for (key, value) in &sums.values {
            let on_disk = value.journaled + value.journaled_elsewhere;
            if key.month == sums.month && on_disk > 0 {
                let sum = totals
                    .this_month
                    .entry(key.service.to_string())
                    .or_default();
                *sum = sum.saturating_add(on_disk);
            }
            let more = value.counted - value.journaled;
            totals.unjournaled = totals.unjournaled.saturating_add(more);
        }
        totals
    }

    fn collect(&self, sums: &mut Sums) {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        for slot in slots.values() {
            let more = slot.take();
            if more > 0 {
                sums.add(&slot.service, more);
            }
        }
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sums {
    /// What is to be told and was not told so: the counts, and how far they may be told.
    fn untold(&self) -> impl Iterator<Item = (&Key, &Value, u64)> {
        let values = self.values.iter().filter(|(_, value)| !value.as_other);
        let told = values.map(|(key, value)| (key, value, self.tellable(key, value)));
        told.filter(|(_, value, count)| value.reported < *count)
    }

    /// How many requests may be told of a count: of [`OTHER`] also those of services without room.
    fn tellable(&self, key: &Key, value: &Value) -> u64 {
        if self.is_kept_back(&key.epoch) {
            return 0;
        }
        let own = value.tellable();
        if *key.service != *OTHER {
            return own;
        }
        // In order of their epochs, then months.
        let first = Key {
            service: Arc::from(""),
            ..key.clone()
        };
        let same =
            |(other, _): &(&Key, &Value)| (&other.epoch, &other.month) == (&key.epoch, &key.month);
        let others = self.values.range(first..).take_while(same);
        let others = others.filter(|(_, value)| value.as_other_journaled);
        let sum = others.fold(own, |sum, (_, value)| sum.saturating_add(value.tellable()));
        sum.min(MAX_COUNT)
    }

    fn add(&mut self, service: &Arc<str>, count: u64) {
        let key = Key {
            epoch: Arc::clone(&self.counting),
            month: Arc::clone(&self.month),
            service: Arc::clone(service),
        };
        let value = self.values.entry(key).or_default();
        value.counted = value.counted.saturating_add(count).min(MAX_COUNT);
    }
}

fn service_name(text: &str) -> Option<String> {
    label("service", text, MAX_NAME_LENGTH).ok()
}

#[cfg(test)]
mod copies;
#[cfg(test)]
mod tests;
