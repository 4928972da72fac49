//! Writes that are decided by what the licenses in force grant: by what is known of that first, and
//! where the licenses changed meanwhile by what is read while they cannot.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use lictor_core::decision::Decision;
use lictor_core::facts::entitlement::{ApplicationBasis, Entitlement, SeatTerms};
use lictor_core::facts::license::FIRST;
use lictor_core::rules::in_force::{self, FoundBefore};
use lictor_core::state::State;
use lictor_core::{Error, Timestamp};
use lictor_planted as planted;
use lictor_store::{Fact, Rule, Written};
use uuid::Uuid;

use super::cache::{Cache, Installation};
use super::entitlements::CachedEntitlement;
use super::{Authority, Call};

/// How often a decision is made anew because licenses or keys changed meanwhile.
const ATTEMPTS: usize = 16;

/// How many of an application's licenses are read under the lock, and how many bytes of them. More than
/// that can be written between the look and the lock only where a look takes long: the more are read then.
const FEW: Reach = Reach {
    licenses: 256,
    bytes: 256 * 1024,
};
const MORE: usize = 4;
const MOST: Reach = Reach {
    licenses: 8_192,
    bytes: 4 * 1024 * 1024,
};

/// How far back licenses are read under the lock.
#[derive(Clone, Copy)]
struct Reach {
    licenses: usize,
    bytes: usize,
}

impl Reach {
    fn further(self) -> Self {
        Self {
            licenses: (self.licenses * MORE).min(MOST.licenses),
            bytes: (self.bytes * MORE).min(MOST.bytes),
        }
    }
}

/// The seats that the licenses in force grant, by application.
pub(super) type Terms = BTreeMap<String, SeatTerms>;

/// What applications are entitled to, and what that was derived from.
pub(super) type Granted = BTreeMap<String, (Arc<Entitlement>, ApplicationBasis)>;

impl Authority {
    /// Runs a rule that decides by the seats that the licenses in force grant.
    ///
    /// # Errors
    /// What the rule refuses with, or a fault of the store.
    pub(super) async fn write_by_terms(
        &self,
        call: &Call,
        applications: Vec<String>,
        facts: Vec<Fact>,
        rule: impl Fn(Terms) -> Rule + Send + Sync + 'static,
    ) -> Result<Written, Error> {
        let mut early = BTreeMap::new();
        if planted::is("seats-checked-early") {
            early = self.checked_early(call, &applications).await?;
        }
        self.write_by_entitlements(call, applications, facts, move |granted| {
            let terms = granted.into_iter().map(|(key, (entitlement, basis))| {
                let mut terms = SeatTerms::of(&entitlement, basis);
                if let Some(used) = early.get(&key) {
                    terms.limit = terms.limit.filter(|limit| *used >= u64::from(*limit));
                }
                (key, terms)
            });
            rule(terms.collect())
        })
        .await
    }

    /// The same, and gives what it decided.
    ///
    /// # Errors
    /// As [`Self::write_by_terms`].
    pub(super) async fn decide_by_terms<T: Any + Send + Sync>(
        &self,
        call: &Call,
        applications: Vec<String>,
        facts: Vec<Fact>,
        decide: impl Fn(&State, &Terms) -> Result<Decision<T>, Error> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        let decide = Arc::new(decide);
        let written = self.write_by_terms(call, applications, facts, move |terms| {
            let decide = Arc::clone(&decide);
            Rule::new(move |state| decide(state, &terms))
        });
        written.await?.outcome.take()
    }

    /// Runs a rule that decides by what the licenses in force grant. Nobody who writes licenses makes
    /// it fail: what they changed since it was looked at is read under the lock.
    ///
    /// # Errors
    /// What the rule refuses with, or a fault of the store.
    pub(super) async fn write_by_entitlements(
        &self,
        call: &Call,
        applications: Vec<String>,
        mut facts: Vec<Fact>,
        rule: impl Fn(Granted) -> Rule + Send + Sync + 'static,
    ) -> Result<Written, Error> {
        facts.push(Fact::Trust);
        let (organization, rule) = (call.organization.id, Arc::new(rule));
        let mut reach = FEW;
        for attempt in 0..ATTEMPTS {
            let installation = self.cache.installation();
            let mut known = BTreeMap::new();
            for key in &applications {
                known.insert(key.clone(), self.derived(call, key).await?);
            }
            let granted = known.iter().map(|(key, known)| {
                let granted = (Arc::clone(&known.entitlement), known.basis);
                (key.clone(), granted)
            });
            let decided = rule(granted.collect());
            match self.write(call, organization, facts.clone(), decided).await {
                Err(Error::Outdated) => {}
                other => return other,
            }
            let locked = Locked {
                cache: Arc::clone(&self.cache),
                installation,
                organization,
                now: call.now.wall(),
                reach,
                // Where what was in force is gone, what was written before tells what is.
                since: attempt == 0,
                known,
            };
            let more = locked.facts();
            let facts = facts.iter().cloned().chain(more).collect();
            let rule = Arc::clone(&rule);
            let decided = Rule::chosen(move |state| Ok(rule(locked.granted(state)?)));
            match self.write(call, organization, facts, decided).await {
                Err(Error::Outdated) => {}
                other => return other,
            }
            self.cache
                .forget_entitlements(self.store.as_ref(), organization, &applications)
                .await?;
            reach = reach.further();
        }
        Err(Error::Outdated)
    }
}

/// What was known before the lock was held.
struct Locked {
    cache: Arc<Cache>,
    installation: Arc<Installation>,
    organization: Uuid,
    now: Timestamp,
    /// How much is read of each application.
    reach: Reach,
    /// Whether that alone is read which was written since what was known.
    since: bool,
    known: BTreeMap<String, CachedEntitlement>,
}

impl Locked {
    /// What is to be read under the lock.
    fn facts(&self) -> Vec<Fact> {
        let newest = self.known.iter().map(|(key, known)| Fact::NewestLicenses {
            application: key.clone(),
            after: known.newest.filter(|_| self.since).unwrap_or(FIRST),
            limit: self.reach.licenses,
            bytes: self.reach.bytes,
        });
        let before = self.known.values().flat_map(|known| self.before(known));
        let before = before.flat_map(|before| before.in_force);
        let in_force = before.map(|one| Fact::License(one.id));
        newest.chain(in_force).collect()
    }

    fn before<'a>(&self, known: &'a CachedEntitlement) -> Option<FoundBefore<'a>> {
        known.found_before(self.now, self.reach.licenses)
    }

    /// What the applications are entitled to by what was read.
    ///
    /// # Errors
    /// [`Error::Outdated`] where that does not tell.
    fn granted(&self, state: &State) -> Result<Granted, Error> {
        if state.trust_changed != self.installation.trust_changed {
            return Err(Error::Outdated);
        }
        let mut granted = Granted::new();
        for (key, known) in &self.known {
            let newest = state.newest_licenses.get(key).ok_or(Error::Outdated)?;
            let judged = |license| {
                self.cache
                    .judged(self.organization, license, &self.installation)
            };
            let candidates: Vec<_> = newest
                .licenses
                .iter()
                .map(judged)
                .collect::<Result<_, _>>()?;
            let before = self.before(known);
            let stored = &state.licenses;
            let chosen = in_force::in_force_since(
                &candidates,
                newest.all_after,
                before.as_ref(),
                stored,
                self.now,
            )?;
            // Until when it is covered is nothing that a rule decides by.
            let entitlement = Entitlement::of(key, chosen.as_slice(), self.now);
            let application = state.applications.get(key).cloned().unwrap_or_default();
            let basis = state.basis_of(&application);
            granted.insert(key.clone(), (Arc::new(entitlement), basis));
        }
        Ok(granted)
    }
}
