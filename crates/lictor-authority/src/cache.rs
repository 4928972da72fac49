//! What the authority keeps in memory: trust, organizations, licenses, tokens, entitlements. It forgets
//! what one of the server's own writes made untrue before any write is answered that rests on it.

use std::convert::Infallible;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use lictor_core::digest::Digest;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::license::License;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::token::Token;
use lictor_core::rules::in_force::Candidate;
use lictor_core::{Document, DocumentError, Error, Signer};
use lictor_store::Store;
use quick_cache::Weighter;
use quick_cache::sync::Cache as Bounded;
use uuid::Uuid;

use super::cached_license::CachedLicense;
use super::directory::Directory;
use super::entitlements::CachedEntitlement;
use super::known::KnownCache;
use super::reactions::Reactions;
use super::token_cache::TokenCache;
use super::trust::Trust;

/// How many licenses are expected in memory, and how many bytes they may take there.
const LICENSES: usize = 16_384;
const LICENSE_BYTES: u64 = 32 << 20;

/// How many entitlements, and how many verdicts on signatures, are kept in memory.
const DECISIONS: usize = 16_384;

/// How many licenses all entitlements in memory may be derived from.
const CANDIDATES: u64 = 65_536;

/// The caches of one installation.
pub(super) struct Cache {
    /// How often this server wrote licenses of an application; some applications share a number.
    license_writes: Box<[AtomicU64]>,
    numbering: RandomState,
    installation: ArcSwap<Installation>,
    /// How often the installation has changed, and which of the changes are in what was read.
    changes: AtomicU64,
    read_changes: AtomicU64,
    refreshing: tokio::sync::Mutex<()>,
    licenses: Bounded<(Uuid, Uuid), Arc<CachedLicense>, BySize>,
    tokens: TokenCache,
    /// Whether no other server can revoke a token.
    exclusive: bool,
    pub(super) entitlements: Bounded<(Uuid, String), CachedEntitlement, BySize>,
    /// Locks of those who find out what an application is entitled to.
    deriving: Bounded<(Uuid, String), Arc<tokio::sync::Mutex<()>>>,
    /// The applications of organizations.
    pub(super) known: KnownCache,
    /// What a trust set said of a document's signature, by the document and when trust changed last.
    pub(super) verdicts: Bounded<(Digest, u64), Result<Signer, DocumentError>>,
    /// How often a stored license was looked at.
    pub(super) looked_at: AtomicU64,
}

/// What is small and needed by every request.
#[derive(Default)]
pub(super) struct Installation {
    /// When keys or policy had changed last when they were read, or before: a position of the
    /// installation's stream. Changes to organizations and operators leave it.
    pub(super) trust_changed: u64,
    pub(super) trust: Arc<Trust>,
    pub(super) organizations: Directory,
}

/// Licenses differ in size by a factor of a hundred, applications in how many licenses they have.
#[derive(Clone)]
pub(super) struct BySize;

impl Weighter<(Uuid, Uuid), Arc<CachedLicense>> for BySize {
    fn weight(&self, _: &(Uuid, Uuid), license: &Arc<CachedLicense>) -> u64 {
        license.weight()
    }
}

impl Weighter<(Uuid, String), CachedEntitlement> for BySize {
    fn weight(&self, _: &(Uuid, String), entitlement: &CachedEntitlement) -> u64 {
        entitlement.weight()
    }
}

impl Cache {
    /// Empty, and so to be read. `exclusive`: no other server can revoke a token.
    pub(super) fn new(exclusive: bool) -> Self {
        Self {
            license_writes: (0..DECISIONS).map(|_| AtomicU64::new(0)).collect(),
            numbering: RandomState::new(),
            installation: ArcSwap::default(),
            changes: AtomicU64::new(1),
            read_changes: AtomicU64::new(0),
            refreshing: tokio::sync::Mutex::default(),
            licenses: Bounded::with_weighter(LICENSES, LICENSE_BYTES, BySize),
            tokens: TokenCache::new(),
            exclusive,
            entitlements: Bounded::with_weighter(DECISIONS, CANDIDATES, BySize),
            deriving: Bounded::new(DECISIONS),
            known: KnownCache::new(),
            verdicts: Bounded::new(DECISIONS),
            looked_at: AtomicU64::new(0),
        }
    }

    /// Keys, policy and organizations as they were read last.
    pub(super) fn installation(&self) -> Arc<Installation> {
        self.installation.load_full()
    }

    /// The same, borrowed for a moment without touching its reference count, for which processors would contend.
    /// Do not hold it across an await.
    pub(super) fn installation_ref(&self) -> Guard<Arc<Installation>> {
        self.installation.load()
    }

    /// A number that rises whenever this server has written licenses of an application: what was
    /// derived since it was asked for holds for as long as it stays.
    pub(super) fn license_writes(&self, organization: Uuid, application: &str) -> u64 {
        self.writes_of(organization, application)
            .load(Ordering::SeqCst)
    }

    fn writes_of(&self, organization: Uuid, application: &str) -> &AtomicU64 {
        let hash = self.numbering.hash_one((organization, application));
        let count = self.license_writes.len() as u64;
        &self.license_writes[usize::try_from(hash % count).unwrap_or_default()]
    }

    /// The lock of who finds out what an application is entitled to. Of two who ask both may go on, if
    /// very many others asked between them.
    pub(super) fn deriving(&self, key: &(Uuid, String)) -> Arc<tokio::sync::Mutex<()>> {
        let made = self
            .deriving
            .get_or_insert_with(key, || Ok::<_, Infallible>(Arc::default()));
        made.unwrap_or_else(|never| match never {})
    }

    /// Forgets entitlements, and reads the installation again: they were derived from what is not
    /// stored any more.
    pub(super) async fn forget_entitlements(
        &self,
        store: &dyn Store,
        organization: Uuid,
        applications: &[String],
    ) -> Result<(), Error> {
        for application in applications {
            self.entitlements
                .remove(&(organization, application.clone()));
        }
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.refresh_if_stale(store).await
    }

    /// Forgets what a write has made untrue.
    pub(super) fn invalidate(&self, reactions: &Reactions<'_>) {
        let stream = reactions.stream;
        for license in reactions.each().filter_map(|one| one.license) {
            self.licenses.remove(&(stream, license));
        }
        if reactions.has_licenses() {
            // A rule writes no license of an application that it was not shown, or that it makes.
            for application in &reactions.applications {
                self.writes_of(stream, application)
                    .fetch_add(1, Ordering::SeqCst);
            }
        }
        self.tokens.invalidate(reactions);
        // Whoever derives entitlements anew must find the number risen.
        self.known.note(reactions);
        if reactions.has_installation() {
            self.changes.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Reads the installation again if a write has changed it. The write is done: a fault here is no fault
    /// of it, but nobody signs in until it is mended.
    pub(super) async fn refresh_after_write(&self, store: &dyn Store) {
        if let Err(error) = self.refresh_if_stale(store).await {
            tracing::error!(%error, "keys, policy and organizations could not be read after a change");
        }
    }

    /// A license with what is said of its signature now.
    pub(super) fn judged(
        &self,
        organization: Uuid,
        license: &License,
        installation: &Installation,
    ) -> Result<Candidate, Error> {
        self.looked_at.fetch_add(1, Ordering::Relaxed);
        let key = (license.state.payload_sha256, installation.trust_changed);
        let trust = &installation.trust;
        let judge = |document: &Document<'_>| {
            let verify = || Ok::<_, Infallible>(document.signer(&trust.keys, trust.policy));
            let verdict = self.verdicts.get_or_insert_with(&key, verify);
            verdict.unwrap_or_else(|never| match never {})
        };
        Candidate::judged(license, organization, judge).map_err(Error::internal)
    }

    /// Reads the installation again if it has changed since it was read, or could not be read then.
    pub(super) async fn refresh_if_stale(&self, store: &dyn Store) -> Result<(), Error> {
        if self.is_stale() {
            // In a box, so that the many requests that find nothing to do stay small.
            Box::pin(self.refresh_installation(store)).await?;
        }
        Ok(())
    }

    fn is_stale(&self) -> bool {
        self.has_not_read(self.changes.load(Ordering::SeqCst))
    }

    fn has_not_read(&self, changes: u64) -> bool {
        self.read_changes.load(Ordering::SeqCst) < changes
    }

    /// One at a time, so that what is kept was read after the last write that asked for it. The
    /// basis is read first: what is derived from older keys must never pass for newer.
    async fn refresh_installation(&self, store: &dyn Store) -> Result<(), Error> {
        let wanted = self.changes.load(Ordering::SeqCst);
        let _one_at_a_time = self.refreshing.lock().await;
        // Whoever had the lock before may have begun to read before the write that asks for it here. What
        // changed since then is for those who ask since, else each of many would read all again.
        if !self.has_not_read(wanted) {
            return Ok(());
        }
        let changes = self.changes.load(Ordering::SeqCst);
        let fresh = Self::read_installation(store).await?;
        self.installation.store(Arc::new(fresh));
        self.read_changes.store(changes, Ordering::SeqCst);
        Ok(())
    }

    async fn read_installation(store: &dyn Store) -> Result<Installation, Error> {
        let basis = store.basis(INSTALLATION).await?;
        let trust = Trust {
            keys: store.trust().await?,
            policy: store.policy().await?.unwrap_or_default(),
        };
        let organizations = store.organizations().await?;
        Ok(Installation {
            trust_changed: basis.trust,
            trust: Arc::new(trust),
            organizations: Directory::of(organizations),
        })
    }

    /// One license, from memory or from the store. A write that happens meanwhile removes the
    /// placeholder, so that what was read before it is never kept.
    pub(super) async fn license(
        &self,
        store: &dyn Store,
        organization: Uuid,
        id: Uuid,
    ) -> Result<Option<Arc<CachedLicense>>, Error> {
        let key = (organization, id);
        if let Some(license) = self.licenses.get(&key) {
            return Ok(Some(license));
        }
        // In a box, so that the reads that find it, which are many more, do not carry the room for it.
        Box::pin(self.read_license(store, key)).await
    }

    async fn read_license(
        &self,
        store: &dyn Store,
        key: (Uuid, Uuid),
    ) -> Result<Option<Arc<CachedLicense>>, Error> {
        let place = match self.licenses.get_value_or_guard_async(&key).await {
            Ok(license) => return Ok(Some(license)),
            Err(place) => place,
        };
        let (organization, id) = key;
        let Some(license) = store.license(organization, id).await? else {
            return Ok(None);
        };
        let license = Arc::new(CachedLicense::from(license));
        // Refused where a write came between; the next reader asks the store again.
        let _ = place.insert(license.clone());
        Ok(Some(license))
    }

    /// The token of a secret, from memory if nothing can have changed it: where there are other
    /// servers, only if it was read within this second, so that one that is revoked through them is
    /// dead here after it. What this server changes removes even the placeholders.
    pub(super) async fn token(
        &self,
        store: &dyn Store,
        sha256: [u8; 32],
        now: Elapsed,
    ) -> Result<Option<Arc<Token>>, Error> {
        let is_fresh = |read_at| self.exclusive || read_at == now;
        if let Some(token) = self.tokens.get(&sha256, is_fresh) {
            return Ok(Some(token));
        }
        let read = store.token_by_secret(sha256);
        Box::pin(self.tokens.read(sha256, now, read)).await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn who_waited_reads_nothing_for_a_change_that_came_after() {
        let store = lictor_store::open_temporary().expect("a store");
        let cache = Cache::new(true);
        let reading = cache.refreshing.lock().await;
        let mut asked = Box::pin(cache.refresh_if_stale(store.as_ref()));
        assert!((&mut asked).now_or_never().is_none());
        // Whoever reads has all that changed up to then, and there is another change.
        cache.read_changes.store(1, Ordering::SeqCst);
        cache.changes.store(2, Ordering::SeqCst);
        drop(reading);
        let before = cache.installation();
        asked.await.expect("nothing to do");
        assert!(Arc::ptr_eq(&before, &cache.installation()), "it was read");
        cache.refresh_if_stale(store.as_ref()).await.expect("read");
        assert!(!Arc::ptr_eq(&before, &cache.installation()));
        assert!(!cache.is_stale());
    }
}
