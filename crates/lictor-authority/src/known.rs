//! What is known of each organization's applications: how their rows stand, and what they are entitled
//! to. It is kept in memory and forgotten application by application, so that a write to one of many
//! makes nobody look at the others again.

mod cache;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use lictor_core::Timestamp;
use lictor_core::facts::account::AccountCounts;
use lictor_core::facts::application::Application;
use lictor_core::facts::entitlement::Entitlement;
use lictor_core::facts::figures::{ApplicationFigures, OrganizationFigures};
use lictor_store::Figures;
use uuid::Uuid;

pub(super) use cache::KnownCache;
use cache::Touched;

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
    /// The number of the last noted write to its licenses; at least that of the last one before it was
    /// first read.
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
    /// Those after this key.
    pub fn after(
        &self,
        key: Option<&str>,
    ) -> impl Iterator<Item = (&Arc<ApplicationFigures>, &Arc<Entitlement>)> {
        let rows = &self.figures.applications;
        let first = key.map_or(0, |key| {
            rows.partition_point(|row| row.application.key.as_str() <= key)
        });
        rows[first..].iter().zip(&self.entitlements[first..])
    }

    /// The one with this key.
    pub fn one(&self, key: &str) -> Option<(&Arc<ApplicationFigures>, &Arc<Entitlement>)> {
        let rows = &self.figures.applications;
        let found = rows.binary_search_by(|row| row.application.key.as_str().cmp(key));
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
    /// The position of the organization's stream when it was read.
    pub(super) position: u64,
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
    pub(super) fn new(
        rows: Vec<Arc<Row>>,
        counts: AccountCounts,
        position: u64,
        bytes: &Arc<AtomicUsize>,
    ) -> Arc<Self> {
        let own = rows.iter().map(|row| row.bytes()).sum();
        bytes.fetch_add(own, Ordering::Relaxed);
        Arc::new(Self {
            rows,
            counts,
            position,
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
        Self::new(rows, self.counts, self.position, &self._weight.0)
    }

    /// The same as it was read now, after so many writes: those of its applications that were touched since,
    /// or all. What an application is entitled to is forgotten with a write to its licenses. One that was
    /// not known begins with the number of writes, so that what was found out of it before all was
    /// forgotten, under a lower number, is never kept.
    fn read_again(
        &self,
        read: Figures,
        touched: &HashMap<String, Touched>,
        all: bool,
        writes: u64,
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
            let licenses = licenses.max(known.map_or(writes, |row| row.licenses));
            Row::new(application, licenses, granted)
        }));
        rows.sort_by(|one, other| one.application.key.cmp(&other.application.key));
        Self::new(rows, read.counts, read.position, &self._weight.0)
    }
}
