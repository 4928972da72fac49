//! Where what is known of each organization is kept, and what writes did to it since it was read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lictor_core::Error;
use lictor_core::change::Change;
use lictor_core::facts::account::AccountCounts;
use lictor_core::record::Record;
use lictor_store::{Store, Written};
use quick_cache::sync::Cache as Bounded;
use uuid::Uuid;

use super::{Found, Known};

/// Of how many organizations something is known, and how many bytes all of it may take.
const ORGANIZATIONS: usize = 16_384;
const BYTES: usize = 128 << 20;

/// Where more applications than these were touched, all are read at once.
const MANY: usize = 1_000;

/// How many touched applications are noted before all is forgotten: an organization that nobody reads.
pub(super) const NOTED: usize = 4_096;

/// What writes did to an application since it was read.
#[derive(Clone, Copy, Default)]
pub(super) struct Touched {
    /// The number of the last of them.
    write: u64,
    /// The number of the last one to its licenses, or that made or removed it; 0: there was none.
    pub(super) licenses: u64,
}

#[derive(Default)]
pub(super) struct Held {
    pub(super) known: Option<Arc<Known>>,
    /// How many writes were noted.
    writes: u64,
    /// How many of them are in what is known.
    read: u64,
    /// The applications that the others touched.
    touched: HashMap<String, Touched>,
    /// How often all was forgotten.
    forgotten: u64,
}

/// Where what is known of one organization is held.
#[derive(Default)]
pub(in crate::authority) struct Place {
    pub(super) held: Mutex<Held>,
    /// One reads at a time, and the others wait for what it finds.
    reading: tokio::sync::Mutex<()>,
    /// The same of what applications are entitled to.
    pub(in crate::authority) deriving: Arc<tokio::sync::Mutex<()>>,
}

impl Place {
    pub(super) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, if no write was noted since it was read.
    fn fresh(&self) -> Option<Arc<Known>> {
        let held = self.held();
        let known = held.known.as_ref()?;
        (held.read == held.writes).then(|| Arc::clone(known))
    }

    /// Whether it is sure that there is an application with this key.
    fn has(&self, key: &str) -> bool {
        let held = self.held();
        let known = held.known.as_ref();
        known.is_some_and(|known| known.row(key).is_some())
            && held.touched.get(key).is_none_or(|one| one.licenses == 0)
    }

    /// Notes what a write has touched. It is called when whoever derives entitlements anew finds what
    /// was written.
    fn note(&self, written: &Written) {
        let named = |record: &Record| match record {
            Record::ApplicationName { key, .. } => Some(key.clone()),
            _ => None,
        };
        let names = written.records.iter().filter_map(named);
        let mut licensed = false;
        let mut made = Vec::new();
        for entry in &written.entries {
            match &entry.change {
                Change::LicenseWritten { .. } | Change::LicenseRemoved { .. } => licensed = true,
                Change::ApplicationCreated { key } | Change::ApplicationRemoved { key } => {
                    made.push(key.clone());
                }
                _ => {}
            }
        }
        // A rule changes no application but those that it was shown, and those that it makes.
        let shown = written.applications.iter().cloned();
        let shown: Vec<_> = match written.entries.is_empty() {
            true => names.collect(),
            false => names.chain(shown).collect(),
        };
        if written.entries.is_empty() && shown.is_empty() {
            return;
        }
        let mut held = self.held();
        held.writes += 1;
        let write = held.writes;
        let mut forgotten = None;
        for (key, licensed) in (shown.into_iter().map(|key| (key, licensed)))
            .chain(made.into_iter().map(|key| (key, true)))
        {
            let touched = held.touched.entry(key).or_default();
            touched.write = write;
            if licensed {
                touched.licenses = write;
            }
        }
        if held.touched.len() > NOTED {
            forgotten = held.known.take();
            held.touched.clear();
            held.forgotten += 1;
        }
        // It may be large, and others wait for the lock.
        drop(held);
        drop(forgotten);
    }

    /// Keeps what was found out of some applications.
    pub(in crate::authority) fn keep(&self, found: &[Found]) {
        self.replace(|known| known.granting(found));
    }

    /// Puts another in the place of what is known, unless nothing is. There may be thousands of rows, and
    /// whoever writes waits for the lock: it is made before the lock, again if something changed meanwhile,
    /// and what it replaces is dropped after.
    pub(super) fn replace(&self, make: impl Fn(&Known) -> Arc<Known>) {
        loop {
            let Some(before) = self.held().known.clone() else {
                return;
            };
            let after = make(&before);
            let mut held = self.held();
            if let Some(known) = &mut held.known
                && Arc::ptr_eq(known, &before)
            {
                *known = after;
                return;
            }
        }
    }
}

/// What is known of all organizations.
pub(in crate::authority) struct AllKnown {
    places: Bounded<Uuid, Arc<Place>>,
    bytes: Arc<AtomicUsize>,
}

impl AllKnown {
    pub(in crate::authority) fn new() -> Self {
        Self {
            places: Bounded::new(ORGANIZATIONS),
            bytes: Arc::default(),
        }
    }

    /// Where what is known of an organization is held.
    pub(in crate::authority) fn place(&self, organization: Uuid) -> Arc<Place> {
        let new = || Ok::<_, std::convert::Infallible>(Arc::default());
        let place = self.places.get_or_insert_with(&organization, new);
        place.unwrap_or_else(|never| match never {})
    }

    /// Notes what a write has touched.
    pub(in crate::authority) fn note(&self, organization: Uuid, written: &Written) {
        if let Some(place) = self.places.get(&organization) {
            place.note(written);
        }
    }

    /// Whether it is sure that the organization has an application with this key, without a read.
    pub(in crate::authority) fn has(&self, organization: Uuid, key: &str) -> bool {
        self.places
            .get(&organization)
            .is_some_and(|place| place.has(key))
    }

    /// What is known of an organization, with all that was written before this was asked.
    pub(in crate::authority) async fn read(
        &self,
        store: &dyn Store,
        organization: Uuid,
    ) -> Result<Arc<Known>, Error> {
        let place = self.place(organization);
        if let Some(known) = place.fresh() {
            return Ok(known);
        }
        let _one_at_a_time = place.reading.lock().await;
        if let Some(known) = place.fresh() {
            return Ok(known);
        }
        let (before, touched, writes, forgotten) = {
            let held = place.held();
            let known = held.known.clone();
            (known, held.touched.clone(), held.writes, held.forgotten)
        };
        let few = touched.len() <= MANY;
        let known = match before {
            Some(before) if few => {
                let keys = touched.keys().cloned().collect();
                let read = store.figures_of(organization, keys).await?;
                before.read_again(read, &touched, false, writes)
            }
            before => {
                let before = before.unwrap_or_else(|| {
                    Known::new(Vec::new(), AccountCounts::default(), 0, &self.bytes)
                });
                let read = store.figures(organization).await?;
                before.read_again(read, &touched, true, writes)
            }
        };
        let mut held = place.held();
        let mut replaced = None;
        if held.forgotten == forgotten {
            replaced = held.known.replace(Arc::clone(&known));
            held.read = writes;
            held.touched.retain(|_, touched| touched.write > writes);
        }
        drop(held);
        drop(replaced);
        if self.bytes.load(Ordering::Relaxed) > BYTES {
            self.places.clear();
        }
        Ok(known)
    }
}
