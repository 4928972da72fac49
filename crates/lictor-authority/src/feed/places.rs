//! How many nodes take a place, and where these are more than the license in force grants: shown, and
//! logged when it changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lictor_core::Error;
use lictor_core::elapsed::Elapsed;
use lictor_core::feed::NodeOverage;
use quick_cache::sync::Cache as Bounded;
use uuid::Uuid;

use super::super::expiry::itself;
use super::super::permits::Permit;
use super::super::reactions::Reactions;
use super::super::right::{Applications, Read};
use super::super::{Authority, Call};

/// Of how many organizations the places are kept in memory.
const ORGANIZATIONS: usize = 16_384;

/// For how many seconds they are: an enrollment token that ends gives its place back by itself.
const HOLDS: i64 = 5;

/// How often it is looked whether there are more nodes than are granted.
const TICK: Duration = Duration::from_secs(5);

/// How many nodes take a place, by application.
pub type Enrolled = BTreeMap<String, u64>;

/// How many nodes of an application there are, and how many the license in force grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodesOf {
    /// The organization's key.
    pub organization: String,
    /// The application's key.
    pub application: String,
    /// How many take a place.
    pub enrolled: u64,
    /// How many are granted; none: without a limit, or no license is in force.
    pub granted: Option<u32>,
}

/// The nodes of an application, as they were found.
struct Found {
    organization: Uuid,
    nodes: NodesOf,
    /// Whether a license is in force.
    is_licensed: bool,
}

/// What is remembered of places.
pub(super) struct Places {
    /// By organization, with when it was read.
    kept: Bounded<Uuid, (Elapsed, Arc<Enrolled>)>,
    /// Where there are more nodes than are granted, as it was logged last.
    beyond: Mutex<BTreeMap<(Uuid, String), NodeOverage>>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            kept: Bounded::new(ORGANIZATIONS),
            beyond: Mutex::default(),
        }
    }
}

impl Places {
    /// Forgets what a write made untrue.
    pub(super) fn invalidate(&self, reactions: &Reactions<'_>) {
        if reactions.each().any(|one| one.node_places) {
            self.kept.remove(&reactions.stream);
        }
    }

    /// Those of an organization, from memory or read. A write that happens meanwhile removes the
    /// placeholder, so that what was read before it is never kept.
    async fn enrolled(
        &self,
        organization: Uuid,
        now: Elapsed,
        read: impl Future<Output = Result<Enrolled, Error>>,
    ) -> Result<Arc<Enrolled>, Error> {
        self.kept
            .remove_if(&organization, |(at, _)| now.since(*at) >= HOLDS);
        match self.kept.get_value_or_guard_async(&organization).await {
            Ok((_, enrolled)) => Ok(enrolled),
            Err(place) => {
                let enrolled = Arc::new(read.await?);
                // Refused where a write came between; the next reader asks the store again.
                let _ = place.insert((now, Arc::clone(&enrolled)));
                Ok(enrolled)
            }
        }
    }

    fn beyond(&self, organization: Uuid, application: &str) -> Option<NodeOverage> {
        let beyond = self.beyond.lock().unwrap_or_else(PoisonError::into_inner);
        if beyond.is_empty() {
            return None;
        }
        beyond.get(&(organization, application.to_owned())).copied()
    }

    /// Notes where there are more than are granted now, and logs what is new of it.
    fn note(&self, found: &[Found]) {
        let place = |found: &Found| (found.organization, found.nodes.application.clone());
        let all: BTreeMap<_, _> = found.iter().map(|found| (place(found), found)).collect();
        let beyond = all.iter().filter_map(|(place, found)| {
            let beyond = NodeOverage::of(found.nodes.enrolled, found.nodes.granted)?;
            Some((place.clone(), beyond))
        });
        let now: BTreeMap<_, _> = beyond.collect();
        let mut known = self.beyond.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, beyond) in &now {
            if known.get(place) != Some(beyond) {
                let (organization, application) = place;
                tracing::warn!(%organization, application, "{beyond}");
            }
        }
        for place in known.keys().filter(|place| !now.contains_key(*place)) {
            let (organization, application) = place;
            let why = why_no_more(all.get(place).copied());
            tracing::info!(%organization, application, "{why}");
        }
        *known = now;
    }
}

/// Why there are no more nodes than are granted where there were.
fn why_no_more(found: Option<&Found>) -> &'static str {
    match found {
        Some(found) if found.is_licensed => "no more nodes than the license grants",
        Some(_) => "more nodes than the last license granted; none is in force now",
        None => "no node takes a place any more; there were more than the license granted",
    }
}

impl Authority {
    /// How many nodes of the organization take a place, by application.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn enrolled_nodes(
        &self,
        permit: Permit<'_, Applications, Read>,
    ) -> Result<Arc<Enrolled>, Error> {
        self.enrolled_nodes_now(permit.call()).await
    }

    /// The same, for a use case of another right.
    pub(crate) async fn enrolled_nodes_now(&self, call: &Call) -> Result<Arc<Enrolled>, Error> {
        let (id, now) = (call.organization.id, self.clock.now().elapsed());
        let read = async {
            let rows = self.store.node_places(Some(id), now).await?;
            let rows = rows.into_iter().map(|row| (row.application, row.enrolled));
            Ok(rows.collect())
        };
        if !self.store.is_exclusive() {
            return read.await.map(Arc::new);
        }
        self.feed.places.enrolled(id, now, read).await
    }

    /// Whether more nodes of this application are enrolled than are granted, as it was seen last.
    pub(super) fn seen_beyond(&self, organization: Uuid, application: &str) -> Option<NodeOverage> {
        self.feed.places.beyond(organization, application)
    }

    /// How many nodes each application has and is granted, of those that have any. For the server's
    /// own metrics and log: no caller's rights are asked.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn nodes_of_all(&self) -> Result<Vec<NodesOf>, Error> {
        let found = self.places_of_all().await?;
        Ok(found.into_iter().map(|found| found.nodes).collect())
    }

    async fn places_of_all(&self) -> Result<Vec<Found>, Error> {
        let now = self.clock.now();
        let mut found = Vec::new();
        for row in self.store.node_places(None, now.elapsed()).await? {
            let organizations = &self.cache.installation().organizations;
            let Some(organization) = organizations.by_id(row.organization) else {
                continue;
            };
            let call = Call {
                actor: itself(),
                organization: organization.clone(),
                now,
                idempotent: None,
            };
            let entitlement = self.entitlement_now(&call, &row.application).await?;
            let nodes = NodesOf {
                organization: organization.key.clone(),
                application: row.application,
                enrolled: row.enrolled,
                granted: entitlement.granted_nodes(),
            };
            found.push(Found {
                organization: row.organization,
                nodes,
                is_licensed: entitlement.license.is_some(),
            });
        }
        Ok(found)
    }

    /// Looks at once and then every few seconds where there are more nodes than are granted, for as long
    /// as it is polled.
    pub(crate) async fn watch_node_places(self: Arc<Self>) {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tick.tick().await;
            match self.places_of_all().await {
                Ok(found) => self.feed.places.note(&found),
                Err(error) => tracing::error!(%error, "nodes could not be counted"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lictor_core::change::Change;

    use super::*;
    use crate::reactions::tests::written;

    #[tokio::test]
    async fn what_was_read_before_a_write_is_not_kept_after_it() {
        let (places, organization) = (Places::default(), Uuid::from_u128(1));
        let joined = || {
            let written = written(organization, Change::NodeJoined { id: Uuid::nil() });
            places.invalidate(&Reactions::to(organization, &written));
        };
        let count = |count: u64| Ok(BTreeMap::from([("gateway".to_owned(), count)]));
        let now = Elapsed::from_seconds(1);
        let reading = async {
            joined();
            count(1)
        };
        let asked = async |read: u64| {
            let enrolled = places.enrolled(organization, now, async { count(read) });
            enrolled.await.expect("read")["gateway"]
        };
        let before = places.enrolled(organization, now, reading).await;
        assert_eq!(before.expect("read")["gateway"], 1);
        assert_eq!(asked(2).await, 2, "what was read before it");
        assert_eq!(asked(3).await, 2, "nothing has changed");
        joined();
        assert_eq!(asked(4).await, 4);
        let later = now.plus(HOLDS);
        let late = places.enrolled(organization, later, async { count(5) });
        assert_eq!(late.await.expect("read")["gateway"], 5);
    }

    #[test]
    fn why_there_are_no_more_nodes_than_granted_is_said_as_it_is() {
        let found = |is_licensed: bool| Found {
            organization: Uuid::nil(),
            nodes: NodesOf {
                organization: "acme".to_owned(),
                application: "gateway".to_owned(),
                enrolled: 10,
                granted: is_licensed.then_some(10),
            },
            is_licensed,
        };
        let said = |found: Option<Found>| why_no_more(found.as_ref());
        assert_eq!(
            said(Some(found(true))),
            "no more nodes than the license grants"
        );
        assert!(said(Some(found(false))).contains("none is in force now"));
        assert!(said(None).contains("no node takes a place"));
    }
}
