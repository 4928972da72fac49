//! Counting requests: one cheap counter per service, and sums by epoch, month and service, which are
//! journaled and then reported.

pub(crate) mod flush;
pub(crate) mod journal;
mod service_counter;
mod start;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use lictor_core::facts::usage::{MAX_COUNT, MAX_NAME_LENGTH};
use lictor_core::feed::{NodeCount, OTHER_SERVICES as OTHER};
use lictor_core::names::label;

use crate::error::Reason;
use crate::planted;
pub(crate) use service_counter::ServiceCounter;
pub(crate) use start::{EpochAssignment, JournalSnapshot, JournalStart};

/// The most services that are counted under their own names.
pub(crate) const MAX_SERVICES: usize = 1_000;

/// Larger counts are added under the lock, so that no shard ever wraps.
const LARGE: u64 = 1 << 32;

/// What a count belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The journal's epoch.
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

    /// The key of all other services of its epoch and month.
    fn others(&self) -> Self {
        Self {
            service: Arc::from(OTHER),
            ..self.clone()
        }
    }
}

/// A count on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The requests so far.
    pub count: u64,
    /// Whether they are reported as [`OTHER`], because the control plane has no room for the service.
    pub as_other: bool,
}

/// How far a count has come. Each number is at most the one before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct CountProgress {
    counted: u64,
    journaled: u64,
    /// How much of it the journal has in another epoch, until the journal is rewritten.
    journaled_elsewhere: u64,
    reported: u64,
    /// How much of it was ever reported, or may have been before this start.
    ever_reported: u64,
    /// The control plane rejected it the last time.
    rejected: bool,
    /// It is reported as [`OTHER`] from now on.
    as_other: bool,
    /// Whether `as_other` is on disk.
    as_other_journaled: bool,
}

impl CountProgress {
    fn entry(&self) -> Entry {
        Entry {
            count: self.counted,
            as_other: self.as_other,
        }
    }

    fn is_unjournaled(&self) -> bool {
        self.journaled < self.counted || self.as_other != self.as_other_journaled
    }

    /// How many requests may be reported.
    fn reportable(&self) -> u64 {
        match planted::is("node-reports-unjournaled") {
            true => self.counted,
            false => self.journaled,
        }
    }
}

/// All counts of a node.
pub(crate) struct Counters {
    services: RwLock<HashMap<Arc<str>, Arc<ServiceCounter>>>,
    sums: Mutex<Sums>,
    denied: [AtomicU64; Reason::ALL.len()],
}

struct Sums {
    /// The journal's epoch.
    epoch: Arc<str>,
    /// The epoch that counts go to now: the journal's, or the start's own while it is undecided.
    counting: Arc<str>,
    /// Whether the journal's epoch is not reported until the start is decided again.
    reporting_paused: bool,
    /// The epochs of undecided starts.
    unjudged: Vec<Arc<str>>,
    /// The running start.
    start: JournalStart,
    /// Whether the journal on disk names it. Otherwise a later start would not continue from it.
    start_journaled: bool,
    /// What was decided about it, until that is applied.
    assignment: Option<EpochAssignment>,
    month: Arc<str>,
    values: BTreeMap<Key, CountProgress>,
}

/// Totals of the counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// This month's requests by service that are on disk.
    pub this_month: BTreeMap<String, u64>,
    /// How many counts on disk have not been reported.
    pub unsent: usize,
    /// How many requests are not yet on disk.
    pub unjournaled: u64,
    /// The journal's epoch.
    pub epoch: String,
}

impl Counters {
    /// Continues from the journal.
    pub(crate) fn new(epoch: &str, month: &str, journaled: BTreeMap<Key, Entry>) -> Self {
        let (epoch, month) = (Arc::<str>::from(epoch), Arc::<str>::from(month));
        let known = journaled.keys();
        let known = known.filter(|key| key.month == month);
        let services = known
            .map(|key| (Arc::clone(&key.service), ServiceCounter::new(&key.service)))
            .collect();
        // The journal has no entry for other services that have no requests of their own.
        let others = journaled.iter().filter(|(_, entry)| entry.as_other);
        let others = others.map(|(key, _)| (key.others(), CountProgress::default()));
        let mut values: BTreeMap<_, _> = others.collect();
        values.extend(journaled.into_iter().map(|(key, entry)| {
            let value = CountProgress {
                counted: entry.count,
                journaled: entry.count,
                ever_reported: entry.count,
                as_other: entry.as_other,
                as_other_journaled: entry.as_other,
                ..CountProgress::default()
            };
            (key, value)
        }));
        Self {
            services: RwLock::new(services),
            sums: Mutex::new(Sums {
                counting: Arc::clone(&epoch),
                reporting_paused: false,
                unjudged: Vec::new(),
                epoch,
                start: JournalStart::default(),
                start_journaled: false,
                assignment: None,
                month,
                values,
            }),
            denied: Default::default(),
        }
    }

    /// Whether a service may have this name: one that is counted already, or one that [`label`] accepts.
    pub(crate) fn takes(&self, service: &str) -> bool {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        services.contains_key(service) || service_name(service).is_some()
    }

    /// The counter of a service, or that of all other services once there are too many. A service that is
    /// counted already keeps its name; a new one is counted under the name that [`label`] returns.
    pub(crate) fn counter(&self, service: &str) -> Arc<ServiceCounter> {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = services.get(service) {
            return Arc::clone(counter);
        }
        drop(services);
        let labeled = service_name(service);
        let service = labeled.as_deref().unwrap_or(service);
        let mut services = self
            .services
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let named = services.len() - usize::from(services.contains_key(OTHER));
        let full = named >= MAX_SERVICES && !services.contains_key(service);
        let name = if full { OTHER } else { service };
        let counter = services
            .entry(Arc::from(name))
            .or_insert_with_key(ServiceCounter::new);
        Arc::clone(counter)
    }

    /// Whether there are more services than are counted under their own names.
    pub(crate) fn has_too_many_services(&self) -> bool {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        services.len() > MAX_SERVICES
    }

    /// Counts requests.
    #[inline]
    pub(crate) fn add(&self, counter: &ServiceCounter, count: u64) {
        if count < LARGE {
            counter.add(count);
        } else {
            self.sums().add(&counter.service, count);
        }
    }

    /// Counts a denied request, only for the metrics.
    pub(crate) fn deny(&self, reason: Reason) {
        self.denied[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests were denied for each reason since the start.
    pub(crate) fn denied(&self) -> [(Reason, u64); Reason::ALL.len()] {
        Reason::ALL.map(|reason| (reason, self.denied[reason as usize].load(Ordering::Relaxed)))
    }

    /// Begins a new month if the old one is over.
    pub(crate) fn set_month(&self, month: &str) {
        let mut sums = self.sums();
        if *sums.month != *month {
            self.collect(&mut sums);
            sums.month = Arc::from(month);
        }
    }

    /// The counts that are not on disk as they are now.
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

    /// The full content for a new journal.
    pub(crate) fn snapshot(&self) -> JournalSnapshot {
        let mut sums = self.sums();
        self.collect(&mut sums);
        let all = sums.values.iter();
        let all = all.map(|(key, value)| (key.clone(), value.entry()));
        JournalSnapshot {
            epoch: Arc::clone(&sums.epoch),
            start: sums.start.clone(),
            all: all.collect(),
        }
    }

    /// Notes that these counts are on disk.
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

    /// At most `most` counts that are on disk and not reported. If `rejected`, they are followed by those that
    /// the control plane rejected.
    pub(crate) fn unsent(&self, most: usize, rejected: bool) -> Vec<NodeCount> {
        let sums = self.sums();
        let changed = |rejected| {
            sums.unreported()
                .filter(move |(_, value, _)| value.rejected == rejected)
        };
        let rejected = rejected.then(|| changed(true)).into_iter().flatten();
        let counts = changed(false).chain(rejected).take(most);
        let counts = counts.map(|(key, _, count)| NodeCount {
            epoch: key.epoch.to_string(),
            service: key.service.to_string(),
            month: key.month.to_string(),
            count,
        });
        counts.collect()
    }

    /// Notes that these counts were reported and acknowledged.
    pub(crate) fn note_reported(&self, sent: &[NodeCount]) {
        let mut sums = self.sums();
        for count in sent {
            if let Some(value) = sums.values.get_mut(&Key::of(count)) {
                value.reported = value.reported.max(count.count);
                value.ever_reported = value.ever_reported.max(count.count);
                value.rejected = false;
            }
        }
    }

    /// Notes which reported counts the control plane rejected.
    pub(crate) fn note_rejected<'a>(&self, rejected: impl IntoIterator<Item = &'a NodeCount>) {
        let mut sums = self.sums();
        for count in rejected {
            if let Some(value) = sums.values.get_mut(&Key::of(count)) {
                value.rejected = true;
            }
        }
    }

    /// Notes for which reported counts the control plane has no room. It has never stored them; they are
    /// reported as [`OTHER`] once that is on disk, together with all that they grow by.
    pub(crate) fn note_no_room<'a>(&self, counts: impl IntoIterator<Item = &'a NodeCount>) {
        let mut sums = self.sums();
        for count in counts {
            let key = Key::of(count);
            // The count of all other services has no other.
            let value = sums.values.get_mut(&key);
            if let Some(value) = value.filter(|_| *key.service != *OTHER) {
                (value.as_other, value.rejected) = (true, false);
                sums.values.entry(key.others()).or_default();
            }
        }
    }

    /// How many services of this month are reported as [`OTHER`] for lack of room.
    pub(crate) fn without_room(&self) -> usize {
        let sums = self.sums();
        let values = sums.values.iter();
        values
            .filter(|(key, value)| value.as_other && key.month == sums.month)
            .count()
    }

    /// The earlier epochs of which everything was reported and accepted.
    pub(crate) fn settled(&self) -> Vec<String> {
        let sums = self.sums();
        let mut epochs: BTreeSet<_> = sums.values.keys().map(|key| &key.epoch).collect();
        epochs.remove(&sums.epoch);
        for unjudged in &sums.unjudged {
            epochs.remove(unjudged);
        }
        for (key, ..) in sums.unreported() {
            epochs.remove(&key.epoch);
        }
        let waits =
            |(_, value): &(&Key, &CountProgress)| value.as_other != value.as_other_journaled;
        for (key, _) in sums.values.iter().filter(waits) {
            epochs.remove(&key.epoch);
        }
        epochs.into_iter().map(ToString::to_string).collect()
    }

    /// Whether everything that was ever counted is on disk, reported and accepted.
    pub(crate) fn all_reported(&self) -> bool {
        let totals = self.totals();
        totals.unjournaled == 0 && totals.unsent == 0 && self.rejected() == 0
    }

    /// How many counts the control plane rejects.
    pub(crate) fn rejected(&self) -> usize {
        let sums = self.sums();
        sums.values.values().filter(|value| value.rejected).count()
    }

    /// Forgets what was reported, for example after the control plane was restored from a backup.
    pub(crate) fn report_all_again(&self) {
        let mut sums = self.sums();
        sums.values
            .values_mut()
            .for_each(|value| (value.reported, value.rejected) = (0, false));
    }

    /// Totals of the counts.
    pub(crate) fn totals(&self) -> Totals {
        let mut sums = self.sums();
        self.collect(&mut sums);
        let mut totals = Totals {
            epoch: sums.epoch.to_string(),
            ..Totals::default()
        };
        let waits = |value: &&CountProgress| value.as_other != value.as_other_journaled;
        totals.unsent = sums.unreported().count() + sums.values.values().filter(waits).count();
        totals.unsent += sums.paused();
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
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        for counter in services.values() {
            let more = counter.take();
            if more > 0 {
                sums.add(&counter.service, more);
            }
        }
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sums {
    /// The counts that are to be reported and were not, and how far they may be reported.
    fn unreported(&self) -> impl Iterator<Item = (&Key, &CountProgress, u64)> {
        let values = self.values.iter().filter(|(_, value)| !value.as_other);
        let told = values.map(|(key, value)| (key, value, self.reportable(key, value)));
        told.filter(|(_, value, count)| value.reported < *count)
    }

    /// How many requests of a count may be reported. [`OTHER`] includes those of services without room.
    fn reportable(&self, key: &Key, value: &CountProgress) -> u64 {
        if self.is_paused(&key.epoch) {
            return 0;
        }
        let own = value.reportable();
        if *key.service != *OTHER {
            return own;
        }
        // The keys are in order of epoch, then month.
        let first = Key {
            service: Arc::from(""),
            ..key.clone()
        };
        let same = |(other, _): &(&Key, &CountProgress)| {
            (&other.epoch, &other.month) == (&key.epoch, &key.month)
        };
        let others = self.values.range(first..).take_while(same);
        let others = others.filter(|(_, value)| value.as_other_journaled);
        let sum = others.fold(own, |sum, (_, value)| {
            sum.saturating_add(value.reportable())
        });
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
mod copied_folders;
#[cfg(test)]
mod tests;
