//! Counting: a counter for each service, cheap to raise from many threads, and the sums by epoch,
//! month and service that are journaled and then reported.

pub(crate) mod flush;
pub(crate) mod journal;
mod slot;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use lictor_core::feed::NodeCount;
use lictor_core::names::label;
use lictor_core::usage::{MAX_COUNT, MAX_NAME_LENGTH};
use lictor_planted as planted;

use crate::error::Reason;
pub(crate) use slot::Slot;

/// The most services that are counted by their names.
pub(crate) const MAX_SERVICES: usize = 1_000;

/// What all others are counted as.
pub(crate) const OTHER: &str = "(other)";

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
}

/// How far a count has come; each is at most the one before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Value {
    counted: u64,
    journaled: u64,
    reported: u64,
    /// The control plane does not take it now.
    held: bool,
}

/// All counts of a node.
pub(crate) struct Counters {
    slots: RwLock<HashMap<Arc<str>, Arc<Slot>>>,
    sums: Mutex<Sums>,
    denied: [AtomicU64; Reason::ALL.len()],
}

struct Sums {
    epoch: Arc<str>,
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
    pub(crate) fn new(epoch: &str, month: &str, journaled: BTreeMap<Key, u64>) -> Self {
        let (epoch, month) = (Arc::<str>::from(epoch), Arc::<str>::from(month));
        let known = journaled.keys();
        let known = known.filter(|key| key.epoch == epoch && key.month == month);
        let slots = known
            .map(|key| (Arc::clone(&key.service), Slot::new(&key.service)))
            .collect();
        let values = journaled.into_iter().map(|(key, count)| {
            let value = Value {
                counted: count,
                journaled: count,
                ..Value::default()
            };
            (key, value)
        });
        Self {
            slots: RwLock::new(slots),
            sums: Mutex::new(Sums {
                epoch,
                month,
                values: values.collect(),
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
    pub(crate) fn unjournaled(&self) -> Vec<(Key, u64)> {
        let mut sums = self.sums();
        self.collect(&mut sums);
        let changed = sums
            .values
            .iter()
            .filter(|(_, value)| value.journaled < value.counted);
        changed
            .map(|(key, value)| (key.clone(), value.counted))
            .collect()
    }

    /// All counts, for a new journal, and the name of the epoch.
    pub(crate) fn all(&self) -> (Arc<str>, Vec<(Key, u64)>) {
        let mut sums = self.sums();
        self.collect(&mut sums);
        let all = sums.values.iter();
        let all = all.map(|(key, value)| (key.clone(), value.counted));
        (Arc::clone(&sums.epoch), all.collect())
    }

    /// Notes that these are on disk.
    pub(crate) fn note_journaled(&self, written: &[(Key, u64)]) {
        let mut sums = self.sums();
        for (key, count) in written {
            if let Some(value) = sums.values.get_mut(key) {
                value.journaled = value.journaled.max(*count);
            }
        }
    }

    /// Counts that are on disk and were not reported so, at most `most`; behind them, if asked for,
    /// those that the control plane did not take.
    pub(crate) fn unsent(&self, most: usize, held: bool) -> Vec<NodeCount> {
        let sums = self.sums();
        let count = |value: &Value| {
            if planted::is("node-reports-unjournaled") {
                value.counted
            } else {
                value.journaled
            }
        };
        let changed = |held| {
            let values = sums.values.iter();
            values.filter(move |(_, value)| value.held == held && value.reported < count(value))
        };
        let held = held.then(|| changed(true)).into_iter().flatten();
        let counts = changed(false)
            .chain(held)
            .take(most)
            .map(|(key, value)| NodeCount {
                epoch: key.epoch.to_string(),
                service: key.service.to_string(),
                month: key.month.to_string(),
                count: count(value),
            });
        counts.collect()
    }

    /// Notes that these were reported and acknowledged.
    pub(crate) fn note_reported(&self, sent: &[NodeCount]) {
        let mut sums = self.sums();
        for count in sent {
            if let Some(value) = sums.values.get_mut(&Key::of(count)) {
                value.reported = value.reported.max(count.count);
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
        for (key, value) in &sums.values {
            if key.month == sums.month && value.journaled > 0 {
                let sum = totals
                    .this_month
                    .entry(key.service.to_string())
                    .or_default();
                *sum = sum.saturating_add(value.journaled);
            }
            totals.unsent += usize::from(value.reported < value.journaled);
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
    fn add(&mut self, service: &Arc<str>, count: u64) {
        let key = Key {
            epoch: Arc::clone(&self.epoch),
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
mod tests {
    use super::*;

    fn counters() -> Counters {
        Counters::new("00000000000000aa", "2026-11", BTreeMap::new())
    }

    fn flush(counters: &Counters) {
        let written = counters.unjournaled();
        counters.note_journaled(&written);
    }

    #[test]
    fn nothing_is_reported_before_it_is_on_disk() {
        let counters = counters();
        counters.add(&counters.slot("a"), 3);
        assert_eq!(counters.unsent(9, false), []);
        let written = counters.unjournaled();
        counters.add(&counters.slot("a"), 2);
        assert_eq!(counters.totals().unjournaled, 5);
        counters.note_journaled(&written);
        let sent = counters.unsent(9, false);
        assert_eq!((sent.len(), sent[0].count), (1, 3));
        counters.note_reported(&sent);
        assert_eq!(counters.unsent(9, false), []);
        flush(&counters);
        assert_eq!(counters.unsent(9, false)[0].count, 5);
        counters.note_reported(&counters.unsent(9, false));
        counters.report_all_again();
        assert_eq!(counters.unsent(9, false)[0].count, 5);
        assert_eq!(counters.totals().unsent, 1);
    }

    #[test]
    fn what_is_not_taken_stays_and_holds_up_nothing_else() {
        let counters = counters();
        for service in ["a", "b"] {
            counters.add(&counters.slot(service), 3);
        }
        flush(&counters);
        let sent = counters.unsent(9, false);
        counters.note_reported(&sent[1..]);
        counters.note_held(&sent[..1]);
        assert_eq!((counters.held(), counters.totals().unsent), (1, 1));
        assert_eq!(counters.unsent(9, false), []);
        counters.add(&counters.slot("b"), 1);
        counters.add(&counters.slot("a"), 1);
        flush(&counters);
        let services = |most, held| {
            let unsent = counters.unsent(most, held).into_iter();
            unsent
                .map(|count| (count.service, count.count))
                .collect::<Vec<_>>()
        };
        let (a, b) = (("a".to_owned(), 4), ("b".to_owned(), 4));
        assert_eq!(services(1, true), std::slice::from_ref(&b));
        assert_eq!(services(9, true), [b, a]);
        counters.note_reported(&counters.unsent(9, true));
        assert_eq!((counters.held(), counters.totals().unsent), (0, 0));
    }

    #[test]
    fn a_month_is_closed_with_what_was_counted_in_it() {
        let counters = counters();
        let slot = counters.slot("a");
        counters.add(&slot, 1);
        counters.follow("2026-11");
        counters.follow("2026-12");
        counters.add(&slot, 5);
        flush(&counters);
        let sent = counters.unsent(9, false);
        let sent: Vec<_> = sent
            .iter()
            .map(|count| (count.month.as_str(), count.count))
            .collect();
        assert_eq!(sent, [("2026-11", 1), ("2026-12", 5)]);
        assert_eq!(counters.totals().this_month["a"], 5);
    }

    #[test]
    fn services_beyond_a_thousand_are_counted_together() {
        let counters = counters();
        for number in 0..1_500 {
            counters.add(&counters.slot(&number.to_string()), 1);
        }
        flush(&counters);
        let totals = counters.totals().this_month;
        assert_eq!((totals.len(), totals[OTHER]), (1_001, 500));
        assert_eq!(counters.unsent(1_000, false).len(), 1_000);
        assert_eq!(counters.slot("7").service.as_ref(), "7");
    }

    #[test]
    fn counts_of_many_threads_add_up_and_end_at_the_largest() {
        let counters = counters();
        let slot = counters.slot("a");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..10_000).for_each(|_| counters.add(&slot, 1)));
            }
            for _ in 0..50 {
                flush(&counters);
            }
        });
        flush(&counters);
        assert_eq!(counters.totals().this_month["a"], 80_000);
        for _ in 0..5_000 {
            counters.add(&slot, MAX_COUNT);
        }
        flush(&counters);
        assert_eq!(counters.totals().this_month["a"], MAX_COUNT);
    }

    #[test]
    fn a_service_has_a_name() {
        let counters = counters();
        assert!(counters.takes("a") && counters.takes(&"ü".repeat(128)));
        for bad in ["", " ", "a\n", "a\u{202e}", "\u{200b}", &"ü".repeat(129)] {
            assert!(!counters.takes(bad), "{bad:?}");
        }
    }

    #[test]
    fn spellings_of_one_service_are_counted_as_one_and_what_is_counted_keeps_its_name() {
        let (old, epoch, month) = ("cafe\u{301} \u{202e}", "00000000000000aa", "2026-11");
        let key = Key {
            epoch: epoch.into(),
            month: month.into(),
            service: old.into(),
        };
        let counters = Counters::new(epoch, month, BTreeMap::from([(key, 7)]));
        assert!(counters.takes(old));
        for service in [old, "cafe\u{301}", " caf\u{e9} ", "Caf\u{e9}"] {
            counters.add(&counters.slot(service), 1);
        }
        flush(&counters);
        let counted = [(old, 8), ("caf\u{e9}", 2), ("Caf\u{e9}", 1)];
        let counted = counted.map(|(service, count)| (service.to_owned(), count));
        assert_eq!(counters.totals().this_month, BTreeMap::from(counted));
    }
}
