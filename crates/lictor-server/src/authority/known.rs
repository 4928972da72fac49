//! What is known of each organization's applications: how their rows stand, and what they are entitled
//! to. It is kept in memory and forgotten application by application, so that a write to one of many
//! makes nobody look at the others again.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use lictor_core::change::Change;
use lictor_core::facts::account::AccountCounts;
use lictor_core::facts::application::Application;
use lictor_core::facts::entitlement::Entitlement;
use lictor_core::facts::figures::{ApplicationFigures, OrganizationFigures};
use lictor_core::record::Record;
use lictor_core::{Error, Timestamp};
use lictor_store::{Figures, Store, Written};
use quick_cache::sync::Cache as Bounded;
use uuid::Uuid;

/// Of how many organizations something is known, and how many bytes all of it may take.
const ORGANIZATIONS: usize = 16_384;
const BYTES: usize = 128 << 20;

/// Where more applications than these were touched, all are read at once.
const MANY: usize = 1_000;

/// How many touched applications are noted before all is forgotten: an organization that nobody reads.
const NOTED: usize = 4_096;

/// How much earlier a request may have come than the one that an entitlement was derived for, in
/// seconds.
const LATE: i64 = 10;

/// What an application is entitled to, and for how long that holds.
#[derive(Clone)]
pub(super) struct Granted {
    pub(super) entitlement: Arc<Entitlement>,
    /// When trust had changed last; none: it does not matter.
    pub(super) trust: Option<u64>,
    /// When it was decided.
    pub(super) decided_at: Timestamp,
    /// When it changes by itself.
    pub(super) changes_at: Option<Timestamp>,
}

impl Granted {
    /// What an application is entitled to of which no license is stored.
    pub(super) fn nothing(application: &str) -> Self {
        Self {
            entitlement: Arc::new(Entitlement::of(application, &[], 0)),
            trust: None,
            decided_at: Timestamp::MIN,
            changes_at: None,
        }
    }

    fn holds(&self, trust: u64, now: Timestamp) -> bool {
        self.trust.is_none_or(|known| known == trust)
            && self.decided_at <= now.saturating_add(LATE)
            && self.changes_at.is_none_or(|instant| now < instant)
    }
}

/// An application as it is known.
pub(super) struct Row {
    pub(super) application: Application,
    /// Which of the noted writes was the last to its licenses.
    licenses: u64,
    /// What it is entitled to, and the figures that this makes; none: nobody asked yet.
    granted: Option<(Granted, Arc<ApplicationFigures>)>,
}

impl Row {
    fn new(application: Application, licenses: u64, granted: Option<Granted>) -> Arc<Self> {
        let granted = granted.map(|granted| {
            let figures = ApplicationFigures::of(&application, &granted.entitlement);
            (granted, Arc::new(figures))
        });
        Arc::new(Self {
            application,
            licenses,
            granted,
        })
    }

    /// What was found out of it.
    pub(super) fn found(self: Arc<Self>, granted: Granted) -> Found {
        let row = Self::new(self.application.clone(), self.licenses, Some(granted));
        Found { before: self, row }
    }

    fn bytes(&self) -> usize {
        let name = self.application.name.as_ref().map_or(0, String::len);
        let license = self.granted.as_ref();
        let license = license.and_then(|(granted, _)| granted.entitlement.license.as_ref());
        let features = license.map_or(0, |license| license.features.iter().map(String::len).sum());
        512 + 2 * (self.application.key.len() + name) + features
    }
}

/// An application before and after it was found out what it is entitled to.
pub(super) struct Found {
    before: Arc<Row>,
    row: Arc<Row>,
}

/// The applications of an organization with what they are entitled to, in order of their keys.
#[derive(Default)]
pub struct Applications {
    /// The figures.
    pub figures: OrganizationFigures,
    /// What each of them is entitled to.
    entitlements: Vec<Arc<Entitlement>>,
    features: OnceLock<BTreeSet<String>>,
}

impl Applications {
    /// Those behind this key.
    pub fn behind(
        &self,
        key: Option<&str>,
    ) -> impl Iterator<Item = (&Arc<ApplicationFigures>, &Arc<Entitlement>)> {
        let rows = &self.figures.applications;
        let first = key.map_or(0, |key| {
            rows.partition_point(|row| row.application.as_str() <= key)
        });
        rows[first..].iter().zip(&self.entitlements[first..])
    }

    /// The one with this key.
    pub fn one(&self, key: &str) -> Option<(&Arc<ApplicationFigures>, &Arc<Entitlement>)> {
        let rows = &self.figures.applications;
        let found = rows.binary_search_by(|row| row.application.as_str().cmp(key));
        found.ok().map(|at| (&rows[at], &self.entitlements[at]))
    }

    /// The features that the licenses in force grant, of all of them.
    pub fn features(&self) -> &BTreeSet<String> {
        self.features.get_or_init(|| {
            let licenses = self.entitlements.iter();
            let licenses = licenses.filter_map(|entitlement| entitlement.license.as_ref());
            licenses.flat_map(|one| &one.features).cloned().collect()
        })
    }

    /// The one of them alone; none where it is not there.
    pub(super) fn only(&self, key: &str) -> Self {
        let found = self.one(key).into_iter();
        let (applications, entitlements) = found
            .map(|(figures, entitlement)| (figures.clone(), entitlement.clone()))
            .unzip();
        Self {
            figures: OrganizationFigures {
                applications,
                counts: self.figures.counts,
            },
            entitlements,
            features: OnceLock::new(),
        }
    }

    /// The license in force that was written last.
    pub(super) fn newest(&self) -> Option<Uuid> {
        let licenses = self.entitlements.iter();
        let licenses = licenses.filter_map(|entitlement| entitlement.license.as_ref());
        let newest = licenses.max_by_key(|license| license.written);
        newest.map(|license| license.license)
    }
}

/// What is known of one organization; never changed, but replaced.
pub(super) struct Known {
    rows: Vec<Arc<Row>>,
    pub(super) counts: AccountCounts,
    /// All of them with what they are entitled to, and for how long that holds.
    applications: OnceLock<Option<(Granted, Arc<Applications>)>>,
    _weight: Weight,
}

/// Bytes that are counted while something is in memory.
struct Weight(Arc<AtomicUsize>, usize);

impl Drop for Weight {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

impl Known {
    fn new(rows: Vec<Arc<Row>>, counts: AccountCounts, bytes: &Arc<AtomicUsize>) -> Arc<Self> {
        let own = rows.iter().map(|row| row.bytes()).sum();
        bytes.fetch_add(own, Ordering::Relaxed);
        Arc::new(Self {
            rows,
            counts,
            applications: OnceLock::new(),
            _weight: Weight(Arc::clone(bytes), own),
        })
    }

    /// The applications, in order of their keys.
    pub(super) fn rows(&self) -> &[Arc<Row>] {
        &self.rows
    }

    /// One application.
    pub(super) fn row(&self, key: &str) -> Option<&Arc<Row>> {
        self.place(key).ok().map(|at| &self.rows[at])
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.rows
            .binary_search_by(|row| row.application.key.as_str().cmp(key))
    }

    /// The applications of which it must be found out anew what they are entitled to.
    pub(super) fn ungranted(&self, trust: u64, now: Timestamp) -> Vec<Arc<Row>> {
        let holds = |row: &&Arc<Row>| {
            let granted = row.granted.as_ref();
            !granted.is_some_and(|(granted, _)| granted.holds(trust, now))
        };
        self.rows.iter().filter(holds).cloned().collect()
    }

    /// All of them with what they are entitled to, if that is known and holds.
    pub(super) fn all(&self, trust: u64, now: Timestamp) -> Option<Arc<Applications>> {
        let (span, all) = self.together()?;
        span.holds(trust, now).then(|| Arc::clone(all))
    }

    /// The same, whether it holds or not.
    pub(super) fn together(&self) -> Option<&(Granted, Arc<Applications>)> {
        let made = self.applications.get_or_init(|| self.put_together());
        made.as_ref()
    }

    fn put_together(&self) -> Option<(Granted, Arc<Applications>)> {
        let mut span = Granted::nothing("");
        let mut all = Applications::default();
        all.figures.counts = self.counts;
        for row in &self.rows {
            let (granted, figures) = row.granted.as_ref()?;
            span.decided_at = span.decided_at.max(granted.decided_at);
            span.changes_at = [span.changes_at, granted.changes_at]
                .into_iter()
                .flatten()
                .min();
            // The oldest: what rests on older trust makes all to be looked at.
            span.trust = [span.trust, granted.trust].into_iter().flatten().min();
            all.figures.applications.push(Arc::clone(figures));
            all.entitlements.push(Arc::clone(&granted.entitlement));
        }
        Some((span, Arc::new(all)))
    }

    /// The same with what was found out of some applications, unless their licenses were written since.
    pub(super) fn granting(&self, found: &[Found]) -> Arc<Self> {
        let mut rows = self.rows.clone();
        for Found { before, row } in found {
            if let Ok(at) = self.place(&row.application.key)
                && rows[at].licenses == row.licenses
            {
                let is_same = Arc::ptr_eq(&rows[at], before);
                let granted = row.granted.as_ref().map(|(granted, _)| granted.clone());
                rows[at] = match is_same {
                    true => Arc::clone(row),
                    false => Row::new(rows[at].application.clone(), row.licenses, granted),
                };
            }
        }
        Self::new(rows, self.counts, &self._weight.0)
    }

    /// The same as it was read now: those of its applications that were touched since, or all. What
    /// an application is entitled to is forgotten with a write to its licenses.
    fn read_again(
        &self,
        read: Figures,
        touched: &HashMap<String, Touched>,
        all: bool,
    ) -> Arc<Self> {
        let mut rows = self.rows.clone();
        match all {
            true => rows.clear(),
            false => rows.retain(|row| !touched.contains_key(&row.application.key)),
        }
        rows.extend(read.applications.into_iter().map(|application| {
            let licenses = touched.get(&application.key).map_or(0, |one| one.licenses);
            let known = self.row(&application.key);
            let granted = known.filter(|_| licenses == 0);
            let granted = granted.and_then(|row| row.granted.as_ref());
            let granted = granted.map(|(granted, _)| granted.clone());
            let licenses = licenses.max(known.map_or(0, |row| row.licenses));
            Row::new(application, licenses, granted)
        }));
        rows.sort_by(|one, other| one.application.key.cmp(&other.application.key));
        Self::new(rows, read.counts, &self._weight.0)
    }
}

/// What writes did to an application since it was read.
#[derive(Clone, Copy, Default)]
struct Touched {
    /// The number of the last of them.
    write: u64,
    /// The number of the last one to its licenses, or that made or removed it; 0: there was none.
    licenses: u64,
}

#[derive(Default)]
struct Held {
    known: Option<Arc<Known>>,
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
pub(super) struct Place {
    held: Mutex<Held>,
    /// One reads at a time, and the others wait for what it finds.
    reading: tokio::sync::Mutex<()>,
    /// The same of what applications are entitled to.
    pub(super) deriving: Arc<tokio::sync::Mutex<()>>,
}

impl Place {
    fn held(&self) -> MutexGuard<'_, Held> {
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
        let shown = written.state.applications.keys().cloned();
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
            held.known = None;
            held.touched.clear();
            held.forgotten += 1;
        }
    }

    /// Keeps what was found out of some applications.
    pub(super) fn keep(&self, found: &[Found]) {
        let mut held = self.held();
        if let Some(known) = &held.known {
            held.known = Some(known.granting(found));
        }
    }
}

/// What is known of all organizations.
pub(super) struct AllKnown {
    places: Bounded<Uuid, Arc<Place>>,
    bytes: Arc<AtomicUsize>,
}

impl AllKnown {
    pub(super) fn new() -> Self {
        Self {
            places: Bounded::new(ORGANIZATIONS),
            bytes: Arc::default(),
        }
    }

    /// Where what is known of an organization is held.
    pub(super) fn place(&self, organization: Uuid) -> Arc<Place> {
        let new = || Ok::<_, std::convert::Infallible>(Arc::default());
        let place = self.places.get_or_insert_with(&organization, new);
        place.unwrap_or_else(|never| match never {})
    }

    /// Notes what a write has touched.
    pub(super) fn note(&self, organization: Uuid, written: &Written) {
        if let Some(place) = self.places.get(&organization) {
            place.note(written);
        }
    }

    /// Whether it is sure that the organization has an application with this key, without a read.
    pub(super) fn has(&self, organization: Uuid, key: &str) -> bool {
        self.places
            .get(&organization)
            .is_some_and(|place| place.has(key))
    }

    /// What is known of an organization, with all that was written before this was asked.
    pub(super) async fn read(
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
                before.read_again(read, &touched, false)
            }
            before => {
                let before = before.unwrap_or_else(|| {
                    Known::new(Vec::new(), AccountCounts::default(), &self.bytes)
                });
                let read = store.figures(organization).await?;
                before.read_again(read, &touched, true)
            }
        };
        let mut held = place.held();
        if held.forgotten == forgotten {
            held.known = Some(Arc::clone(&known));
            held.read = writes;
            held.touched.retain(|_, touched| touched.write > writes);
        }
        drop(held);
        if self.bytes.load(Ordering::Relaxed) > BYTES {
            self.places.clear();
        }
        Ok(known)
    }
}
