//! Entitlements: which license is in force for an application, kept until a write or a date
//! changes it.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use lictor_core::document::claims::is_application_key;
use lictor_core::error::Kind;
use lictor_core::facts::application::Application;
use lictor_core::facts::entitlement::{ApplicationBasis, Entitlement};
use lictor_core::facts::license::License;
use lictor_core::rules::in_force::{self, Candidate, FoundBefore};
use lictor_core::rules::license::Repetition;
use lictor_core::rules::outlook::{Outlook, outlook};
use lictor_core::time::SECONDS_PER_DAY;
use lictor_core::{Error, Timestamp, Validity};
use lictor_store::{Dates, Licenses};
use tokio::time::timeout;
use uuid::Uuid;

use super::cache::Installation;
use super::candidates::{Candidates, Search, Signed};
use super::known::{Applications, Granted, Known, Row};
use super::permits::Permit;
use super::{Authority, Call, right};

/// Of how many applications it is found out what they are entitled to before it is kept.
const AT_ONCE: usize = 256;

/// Of how many applications it is found out while whoever asks waits, and for how long they wait where
/// there are more.
const MANY: usize = 256;
const SOON: Duration = Duration::from_millis(50);

const NOT_YET: &str = "the entitlements of many applications are still being computed; ask again \
                       in a second";

/// How many segments an outlook has at most.
const SEGMENTS: usize = 256;

/// An entitlement and what it was derived from.
#[derive(Clone)]
pub(super) struct CachedEntitlement {
    pub(super) basis: ApplicationBasis,
    /// How often licenses of the application had been written when it was derived, or before.
    writes: u64,
    decided_at: Timestamp,
    changes_at: Option<Timestamp>,
    pub(super) entitlement: Arc<Entitlement>,
    /// The licenses that can be in force from then on, the newest first.
    candidates: Arc<[Candidate]>,
    /// When the newest was written, by the read that came first.
    pub(super) newest: Option<(Timestamp, u64)>,
    /// Of those that were written then or later none is missing that runs.
    whole_from: (Timestamp, u64),
    /// Who signed the others.
    signed: Option<Signed>,
    /// Some are missing that can be in force when the candidates have ended or begun.
    cut: bool,
}

impl CachedEntitlement {
    /// How many licenses it keeps in memory, and one for the rest.
    pub(super) fn weight(&self) -> u64 {
        self.candidates.len() as u64 + 1
    }

    /// What it tells of the licenses that were written before it was derived, for a decision at `now`,
    /// with at most `most` of them; none: there was no license.
    pub(super) fn found_before(&self, now: Timestamp, most: usize) -> Option<FoundBefore<'_>> {
        let (newest, whole_from) = (self.newest?, self.whole_from);
        Some(FoundBefore::of(
            &self.candidates,
            newest,
            whole_from,
            now,
            most,
        ))
    }
}

impl Authority {
    /// The entitlement of one application.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn entitlement(
        &self,
        permit: Permit<'_, right::Applications, right::Read>,
        key: &str,
    ) -> Result<Arc<Entitlement>, Error> {
        let call = permit.call();
        self.check_application(call, key).await?;
        self.entitlement_now(call, key).await
    }

    async fn check_application(&self, call: &Call, key: &str) -> Result<(), Error> {
        let known = self.known(call).await?;
        let found = known.row(key).map(drop);
        found.ok_or_else(|| Error::NotFound {
            kind: Kind::Application,
            name: key.to_owned(),
        })
    }

    /// Which license of an application is in force from when to when, from now on.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn outlook(
        &self,
        permit: Permit<'_, right::Applications, right::Read>,
        key: &str,
    ) -> Result<Outlook, Error> {
        let (call, from) = (permit.call(), permit.call().now.wall());
        self.check_application(call, key).await?;
        let known = self.derived(call, key).await?;
        if known.cut {
            let _turn = self.long_pages.take(call.organization.id).await?;
            let installation = self.cache.installation();
            let find = |search: Search<'_>| search.outlook(SEGMENTS);
            return Ok(self.search(call, key, installation, find).await?.0);
        }
        Ok(outlook(&known.candidates, from, SEGMENTS))
    }

    /// What is known of the organization's applications.
    pub(super) async fn known(&self, call: &Call) -> Result<Arc<Known>, Error> {
        let (store, organization) = (self.store.as_ref(), call.organization.id);
        self.cache.known.read(store, organization).await
    }

    /// The organization's applications with what they are entitled to. Where that is to be found out of
    /// many, it goes on when whoever asked is told to come again.
    ///
    /// # Errors
    /// [`Error::Busy`] where it takes long, or a fault of the store.
    pub(super) async fn applications_soon(
        self: &Arc<Self>,
        call: &Call,
    ) -> Result<Arc<Applications>, Error> {
        let (now, trust) = (call.now.wall(), self.cache.installation().trust_changed);
        let known = self.known(call).await?;
        if let Some(all) = known.all(trust, now) {
            return Ok(all);
        }
        let licensed = |row: &&Arc<Row>| row.application.state.licenses > 0;
        let ungranted = known.ungranted(trust, now);
        if ungranted.iter().filter(licensed).count() <= MANY {
            return self.applications_now(call).await;
        }
        // One finds it out, and the others wait for that one.
        let place = self.cache.known.slot(call.organization.id);
        let deriving = async {
            let one_at_a_time = Arc::clone(&place.deriving).lock_owned().await;
            let (authority, call) = (Arc::clone(self), call.clone());
            let derived = tokio::spawn(async move {
                let derived = authority.derive(&call).await;
                drop(one_at_a_time);
                derived
            });
            derived.await.map_err(Error::internal)?
        };
        let derived = timeout(SOON, deriving).await;
        derived.unwrap_or(Err(Error::Busy(NOT_YET)))
    }

    /// As [`Authority::applications_soon`], however long it takes.
    ///
    /// # Errors
    /// A fault of the store.
    pub(super) async fn applications_now(&self, call: &Call) -> Result<Arc<Applications>, Error> {
        let now = call.now.wall();
        let trust = self.cache.installation().trust_changed;
        if let Some(all) = self.known(call).await?.all(trust, now) {
            return Ok(all);
        }
        let place = self.cache.known.slot(call.organization.id);
        let _one_at_a_time = place.deriving.lock().await;
        self.derive(call).await
    }

    /// Finds out, application by application, what is not known of them. What was found stays known if
    /// the caller goes away meanwhile.
    async fn derive(&self, call: &Call) -> Result<Arc<Applications>, Error> {
        let (now, trust) = (call.now.wall(), self.cache.installation().trust_changed);
        let place = self.cache.known.slot(call.organization.id);
        let known = self.known(call).await?;
        let mut found = Vec::new();
        let mut kept = 0;
        for row in known.ungranted(trust, now) {
            let granted = self.granted(call, &row.application).await?;
            found.push(row.found(granted));
            if found.len() - kept == AT_ONCE {
                place.keep(&found[kept..]);
                kept = found.len();
                tokio::task::yield_now().await;
            }
        }
        place.keep(&found[kept..]);
        let known = known.granting(&found);
        let all = known.together().map(|(_, all)| Arc::clone(all));
        all.ok_or_else(|| Error::internal("an application has no entitlement"))
    }

    async fn granted(&self, call: &Call, application: &Application) -> Result<Granted, Error> {
        if application.state.licenses == 0 {
            return Ok(Granted::nothing(&application.key));
        }
        let known = self.derived(call, &application.key).await?;
        Ok(Granted {
            entitlement: known.entitlement,
            trust: Some(known.basis.trust),
            decided_at: known.decided_at,
            changes_at: known.changes_at,
        })
    }

    /// The licenses that a new one of this application comes to stand among, which is valid from when
    /// until when.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn licenses_around(
        &self,
        permit: Permit<'_, right::Licenses, right::Write>,
        application: &str,
        new: Validity,
    ) -> Result<Arc<[Candidate]>, Error> {
        let call = permit.call();
        let at = |instant| Dates {
            ends_after: Some(instant),
            begun_by: Some(instant),
            begins_after: None,
        };
        let dates = [call.now.wall().max(new.begins_at), new.expires_at].map(at);
        let known = self.derived(call, application).await?;
        self.and_newest_of(call, application, &known, &dates).await
    }

    /// What is known of, and the newest with each of these dates.
    async fn and_newest_of(
        &self,
        call: &Call,
        application: &str,
        known: &CachedEntitlement,
        dates: &[Dates],
    ) -> Result<Arc<[Candidate]>, Error> {
        if !known.cut {
            return Ok(Arc::clone(&known.candidates));
        }
        let (known, dates) = (Arc::clone(&known.candidates), dates.to_vec());
        let installation = self.cache.installation();
        let find = move |search: Search<'_>| search.and_newest_of(&known, &dates);
        let (found, _) = self.search(call, application, installation, find).await?;
        Ok(found.into())
    }

    /// Whether writing a stored license again would change which one is in force at some instant.
    pub(super) async fn repetition(
        &self,
        call: &Call,
        license: &License,
    ) -> Result<Repetition, Error> {
        let (application, now) = (&license.state.application, call.now.wall());
        let known = self.derived(call, application).await?;
        let mine = self.candidate(call, license, &self.cache.installation())?;
        let span = mine.claims.validity();
        // Of the same time the newest, which tells whether another goes before it.
        let beside = Dates {
            ends_after: Some(now.max(span.begins_at)),
            begun_by: Some(span.expires_at.saturating_sub(1)),
            begins_after: None,
        };
        let candidates = self
            .and_newest_of(call, application, &known, &[beside])
            .await?;
        Ok(Repetition {
            moves: in_force::moves(&candidates, &mine, now),
            basis: known.basis,
        })
    }

    /// The entitlement of an application that need not be known yet.
    pub(super) async fn entitlement_now(
        &self,
        call: &Call,
        application: &str,
    ) -> Result<Arc<Entitlement>, Error> {
        Ok(self.derived(call, application).await?.entitlement)
    }

    /// The entitlement of an application, from memory or derived from what is stored.
    pub(super) async fn derived(
        &self,
        call: &Call,
        application: &str,
    ) -> Result<CachedEntitlement, Error> {
        let key = (call.organization.id, application.to_owned());
        // What is derived from now on has all that was written before, also if more is written meanwhile.
        let writes = self.cache.license_writes(key.0, &key.1);
        if let Some(known) = self.known_to_hold(call, &key, writes) {
            return Ok(known);
        }
        // Anybody can ask for any word, however long: there is a lock for those alone that can be keys.
        if !is_application_key(application) {
            return self.derive_one(call, key).await;
        }
        // All who ask at once wait for the first of them, who most often finds it out for all.
        let one_at_a_time = self.cache.deriving(&key);
        let _one_at_a_time = one_at_a_time.lock().await;
        match self.known_to_hold(call, &key, writes) {
            Some(known) => Ok(known),
            None => self.derive_one(call, key).await,
        }
    }

    /// What is in memory of an application's entitlement, if it was derived after so many writes of its
    /// licenses, or after more.
    fn known_to_hold(
        &self,
        call: &Call,
        key: &(Uuid, String),
        writes: u64,
    ) -> Option<CachedEntitlement> {
        let (installation, now) = (self.cache.installation(), call.now.wall());
        let known = self.cache.entitlements.get(key)?;
        let holds = known.basis.trust == installation.trust_changed
            && known.writes >= writes
            && known.decided_at <= now
            && known.changes_at.is_none_or(|instant| now < instant);
        holds.then_some(known)
    }

    async fn derive_one(
        &self,
        call: &Call,
        key: (Uuid, String),
    ) -> Result<CachedEntitlement, Error> {
        // These are read before what is derived: that may be newer, never older.
        let writes = self.cache.license_writes(key.0, &key.1);
        let installation = self.cache.installation();
        let (trust, now) = (installation.trust_changed, call.now.wall());
        // Licenses end at midnight: a request that came a moment before another knows no more of them.
        let day = |instant: Timestamp| instant.div_euclid(SECONDS_PER_DAY);
        let known = self.cache.entitlements.get(&key);
        let known = known
            .filter(|known| known.basis.trust == trust && day(known.decided_at) <= day(now))
            .and_then(|known| known.signed);
        let find = move |search: Search<'_>| search.find(known.as_ref());
        let (found, stored) = self.search(call, &key.1, installation, find).await?;
        let Candidates {
            newest,
            whole_from,
            candidates,
            signed,
            cut,
            looked_at: _,
        } = found;
        let fresh = CachedEntitlement {
            basis: ApplicationBasis { trust, ..stored },
            writes,
            newest,
            whole_from,
            decided_at: now,
            changes_at: in_force::next_boundary(&candidates, now),
            entitlement: Arc::new(Entitlement::of(&key.1, &candidates, now)),
            candidates: candidates.into(),
            signed,
            cut,
        };
        // Only what is stored is kept: anybody can ask for any word.
        if !fresh.candidates.is_empty() {
            self.cache.entitlements.insert(key, fresh.clone());
        }
        Ok(fresh)
    }

    /// Searches an application's licenses as they are at one instant. With what is found comes what it
    /// rests on.
    async fn search<T: Send + 'static>(
        &self,
        call: &Call,
        application: &str,
        installation: Arc<Installation>,
        find: impl FnOnce(Search<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<(T, ApplicationBasis), Error> {
        let (organization, now) = (call.organization.id, call.now.wall());
        let (cache, (found, result)) = (Arc::clone(&self.cache), mpsc::channel());
        let asked = Arc::new(());
        let asks = Arc::downgrade(&asked);
        let look = move |licenses: &dyn Licenses| {
            let judge = (cache.as_ref(), installation.as_ref());
            let search = Search::new(licenses, judge, organization, now, asks);
            // Whoever went away meanwhile does not hear it.
            found.send(find(search)?).ok();
            Ok(())
        };
        let look = Box::new(look);
        let basis = self.store.look_through(organization, application, look);
        let basis = basis.await?;
        drop(asked);
        Ok((result.try_recv().map_err(Error::internal)?, basis))
    }

    pub(super) fn candidate(
        &self,
        call: &Call,
        license: &License,
        installation: &Installation,
    ) -> Result<Candidate, Error> {
        self.cache
            .judged(call.organization.id, license, installation)
    }
}
