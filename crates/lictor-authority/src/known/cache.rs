//! The cache of what is known of each organization, and what was written since it was read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lictor_core::Error;
use lictor_core::facts::account::AccountCounts;
use lictor_store::Store;
use quick_cache::sync::Cache as Bounded;
use uuid::Uuid;

use super::super::reactions::Reactions;
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
pub(super) struct Cached {
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

/// The slot of one organization.
#[derive(Default)]
pub(crate) struct Slot {
    pub(super) cached: Mutex<Cached>,
    /// One reads at a time, and the others wait for what it finds.
    reading: tokio::sync::Mutex<()>,
    /// The same of what applications are entitled to.
    pub(crate) deriving: Arc<tokio::sync::Mutex<()>>,
}

impl Slot {
    pub(super) fn cached(&self) -> MutexGuard<'_, Cached> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, if no write was noted since it was read.
    fn fresh(&self) -> Option<Arc<Known>> {
        let cached = self.cached();
        let known = cached.known.as_ref()?;
        (cached.read == cached.writes).then(|| Arc::clone(known))
    }

    /// Whether it is sure that there is an application with this key.
    fn has(&self, key: &str) -> bool {
        let cached = self.cached();
        let known = cached.known.as_ref();
        known.is_some_and(|known| known.row(key).is_some())
            && cached.touched.get(key).is_none_or(|one| one.licenses == 0)
    }

    /// Notes what a write has touched. It is called when whoever derives entitlements anew finds what
    /// was written.
    fn note(&self, reactions: &Reactions<'_>) {
        let licensed = reactions.has_licenses();
        let made = reactions.each().filter_map(|one| one.application);
        let renamed = reactions.each().filter_map(|one| one.renamed);
        // A rule changes no application but those that it was shown, and those that it makes.
        let shown = match reactions.entries.is_empty() {
            true => &[][..],
            false => &reactions.applications[..],
        };
        let shown: Vec<_> = renamed
            .chain(shown.iter().map(String::as_str))
            .map(|key| (key, licensed))
            .chain(made.map(|key| (key, true)))
            .collect();
        if reactions.entries.is_empty() && shown.is_empty() {
            return;
        }
        let mut cached = self.cached();
        cached.writes += 1;
        let write = cached.writes;
        let mut forgotten = None;
        for (key, licensed) in shown {
            let touched = cached.touched.entry(key.to_owned()).or_default();
            touched.write = write;
            if licensed {
                touched.licenses = write;
            }
        }
        if cached.touched.len() > NOTED {
            forgotten = cached.known.take();
            cached.touched.clear();
            cached.forgotten += 1;
        }
        // It may be large, and others wait for the lock.
        drop(cached);
        drop(forgotten);
    }

    /// Keeps what was found out of some applications.
    pub(crate) fn keep(&self, found: &[Found]) {
        self.replace(|known| known.granting(found));
    }

    /// Replaces what is known, unless nothing is. There may be thousands of rows, and
    /// whoever writes waits for the lock: it is made before the lock, again if something changed meanwhile,
    /// and what it replaces is dropped after.
    pub(super) fn replace(&self, make: impl Fn(&Known) -> Arc<Known>) {
        loop {
            let Some(before) = self.cached().known.clone() else {
                return;
            };
            let after = make(&before);
            let mut cached = self.cached();
            if let Some(known) = &mut cached.known
                && Arc::ptr_eq(known, &before)
            {
                *known = after;
                return;
            }
        }
    }
}

/// What is known of all organizations.
pub(crate) struct KnownCache {
    slots: Bounded<Uuid, Arc<Slot>>,
    bytes: Arc<AtomicUsize>,
}

impl KnownCache {
    pub(crate) fn new() -> Self {
        Self {
            slots: Bounded::new(ORGANIZATIONS),
            bytes: Arc::default(),
        }
    }

    /// The slot of an organization.
    pub(crate) fn slot(&self, organization: Uuid) -> Arc<Slot> {
        let new = || Ok::<_, std::convert::Infallible>(Arc::default());
        let slot = self.slots.get_or_insert_with(&organization, new);
        slot.unwrap_or_else(|never| match never {})
    }

    /// Notes what a write has touched.
    pub(crate) fn note(&self, reactions: &Reactions<'_>) {
        if let Some(slot) = self.slots.get(&reactions.stream) {
            slot.note(reactions);
        }
    }

    /// Whether it is sure that the organization has an application with this key, without a read.
    pub(crate) fn has(&self, organization: Uuid, key: &str) -> bool {
        self.slots
            .get(&organization)
            .is_some_and(|slot| slot.has(key))
    }

    /// What is known of an organization, with all that was written before this was asked.
    pub(crate) async fn read(
        &self,
        store: &dyn Store,
        organization: Uuid,
    ) -> Result<Arc<Known>, Error> {
        let slot = self.slot(organization);
        if let Some(known) = slot.fresh() {
            return Ok(known);
        }
        let _one_at_a_time = slot.reading.lock().await;
        if let Some(known) = slot.fresh() {
            return Ok(known);
        }
        let (before, touched, writes, forgotten) = {
            let cached = slot.cached();
            let known = cached.known.clone();
            (
                known,
                cached.touched.clone(),
                cached.writes,
                cached.forgotten,
            )
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
        let mut cached = slot.cached();
        let mut replaced = None;
        if cached.forgotten == forgotten {
            replaced = cached.known.replace(Arc::clone(&known));
            cached.read = writes;
            cached.touched.retain(|_, touched| touched.write > writes);
        }
        drop(cached);
        drop(replaced);
        if self.bytes.load(Ordering::Relaxed) > BYTES {
            self.slots.clear();
        }
        Ok(known)
    }
}
