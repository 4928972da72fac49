//! The authority: the use cases, by noun, shared by every dialect, and the background loops. It contains no SQL, no
//! vendor's words and nothing of HTTP.

mod accounts;
mod actor_names;
pub mod answering;
mod applications;
mod attempts;
mod cache;
mod cached_license;
mod candidates;
pub mod census;
mod clients;
pub mod clock;
mod directory;
pub mod ended;
mod entitlements;
mod expiry;
mod faults;
pub mod feed;
mod grants;
mod jobs;
mod known;
mod leases;
mod ledger;
mod left_nodes;
mod licenses;
mod lines;
mod long_work;
mod network;
mod nodes;
mod opened;
mod organizations;
mod parts;
pub mod permits;
mod pools;
pub mod random;
mod reactions;
mod refused;
mod report;
mod seats;
mod standings;
pub mod start;
mod terms;
mod token_cache;
mod tokens;
mod trust;
mod usage;

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lictor_core::Error;
use lictor_core::access::Actor;
use lictor_core::decision::Decision;
use lictor_core::elapsed::Now;
use lictor_core::facts::organization::Organization;
use lictor_core::facts::right::{Resource, Right};
use lictor_core::state::State;
use lictor_planted as planted;
use lictor_store::{Fact, Idempotent, Rule, Store, Write, Written};
use uuid::Uuid;

use clock::Timeline;
use permits::InstallationPermit;
use right::{Backup, Read};

pub use accounts::{
    AccountImport, AccountRequest, ImportRows, NamesAccounts, Preconditions, TriedBefore,
};
pub use actor_names::ActorName;
pub use applications::ShowsFigures;
pub use cached_license::{CachedLicense, Render};
pub use census::Census;
pub use clients::{ClientRequest, IssuedClient, IssuedCode};
pub use ended::ForgottenHolder;
pub use expiry::LicenseEnd;
pub use feed::{Enrolled, Feed, NodesOf, SignedState, Signing};
pub use grants::{Credentials, Grant, HandedOut};
pub use jobs::{JOB_BYTES, JOBS, Job};
pub use known::Applications;
pub use ledger::{ListedChange, ListedEntry};
pub use licenses::{NewLicense, Patch, is_long_page, payload_bytes};
pub use lictor_core::facts::right::typed as right;
pub use lictor_core::rules::account::AccountPatch;
pub use lictor_core::rules::batch::{BatchMode, Row};
pub use lictor_core::rules::import::Imported;
pub use lictor_core::rules::in_force::{Candidate, Succession};
pub use lictor_core::rules::lease::CheckedOut;
pub use lictor_core::rules::license::WrittenLicense;
pub use lictor_core::rules::outlook::{Outlook, Segment};
pub use lictor_core::rules::seats::Assigned;
pub use lictor_core::rules::usage::{Corrected, Recorded};
pub use lictor_store::{
    Answer, Bounds, Breather, DatabaseCopy, EndedFilter, EndedKey, IdempotencyKey, RefusalSum,
    Refused, RefusedKey, Sizes, SumKey,
};
pub use long_work::{Turn, written_in_place};
pub use network::counted_as;
pub use nodes::{EnrollRequest, EnrolledNode, NodeStanding, NodeStatus};
pub use opened::Opened;
pub use parts::{Parts, kept_answer};
pub use pools::{IssuedPool, PoolRequest, PoolStanding};
pub use report::{CurrentLicense, Report, System};
pub use seats::{SeatRow, Who};
pub use standings::{Entitlements, Standing, StandingLicense};
pub use start::{Start, StartError};
pub use tokens::{IssuedToken, SignedIn, TokenRequest};
pub use trust::Trust;
pub use usage::CorrectionRequest;

/// Where the rows of a list end in an answer, in bytes. It is less than what the store reads, so that
/// of rows that are not all of them at least one is left over, which tells that there are more.
pub const LIST_BYTES: usize = lictor_store::PAGE_BYTES / 8 * 7;

/// How long it is waited for another backup to be fetched, and how often it is looked.
const COPY_PATIENCE: Duration = Duration::from_secs(10);
const COPY_AGAIN: Duration = Duration::from_millis(100);

/// All use cases of one installation.
pub struct Authority {
    store: Arc<dyn Store>,
    clock: Timeline,
    cache: Arc<cache::Cache>,
    /// How old a census may become, in seconds.
    census_max_age: i64,
    /// How long ended leases are kept, in seconds.
    keep_holders: i64,
    censuses: census::Censuses,
    attempts: attempts::Attempts,
    feed: Arc<Feed>,
    quota_refusals: Arc<refused::QuotaRefusals>,
    lines: lines::Lines,
    long_work: long_work::LongWork,
    /// Those who read long pages of licenses.
    long_pages: long_work::Turns,
    jobs: Arc<jobs::Jobs>,
    /// Those who are written in parts: one ends before the next begins, so that none waits for all.
    parts: long_work::Turns,
    /// Those who join a pool.
    joins: long_work::Turns,
    silence: tokio::sync::Mutex<pools::Silence>,
}

/// One request, as the use cases see it: who asks, when, and about which organization.
#[derive(Clone)]
pub struct Call {
    /// Who asks.
    pub actor: Actor,
    /// The organization that the call is about.
    pub organization: Arc<Organization>,
    /// When it arrived.
    pub now: Now,
    /// The idempotency record to store with what the call writes.
    pub idempotent: Option<Idempotent>,
}

impl Authority {
    /// The time that decisions go by.
    pub fn clock(&self) -> &Timeline {
        &self.clock
    }

    /// The engine and its version, such as `sqlite 3.54.1`.
    pub fn engine(&self) -> String {
        self.store.engine()
    }

    /// How often something was refused since the start as it would have gone beyond a quota, by the
    /// quota's name.
    pub fn quota_refusals(&self) -> Vec<(&'static str, u64)> {
        self.quota_refusals.figures()
    }

    /// How often a stored license was looked at since the start, to find out which one is in force.
    pub fn licenses_looked_at(&self) -> u64 {
        self.cache.looked_at.load(Ordering::Relaxed)
    }

    /// How many nodes run more than once at a time, as their folders were copied, or in an older folder that
    /// was put back.
    pub fn copied_nodes(&self) -> usize {
        self.feed.copied(self.clock.now().elapsed())
    }

    /// Begins a request of this caller that has so large a body, if it is known. It is none of its
    /// jobs unless that is more than [`JOB_BYTES`].
    ///
    /// # Errors
    /// [`Error::Busy`].
    pub async fn begin_job(&self, call: &Call, bytes: Option<u64>) -> Result<Option<Job>, Error> {
        if bytes.is_some_and(|bytes| bytes <= JOB_BYTES) {
            return Ok(None);
        }
        // In a box, so that requests that are no jobs stay small.
        Box::pin(self.jobs.begin(call.actor.token)).await.map(Some)
    }

    /// Does work on so many bytes for an organization, which keeps a processor busy for long if they are
    /// many: beside other organizations' and after its own.
    ///
    /// # Errors
    /// [`Error::Internal`] if it panicked, or the server stops.
    pub async fn long_work<T: Send + 'static>(
        &self,
        organization: Uuid,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.long_work.done(organization, bytes, work).await
    }

    /// Whether writes would be taken now.
    ///
    /// # Errors
    /// Why not.
    pub async fn ready(&self) -> Result<(), Error> {
        self.store.ready().await
    }

    /// The answer that was given to this idempotent request about an organization before, if it was.
    ///
    /// # Errors
    /// [`Error::IdempotencyMismatch`], or a fault of the store.
    pub async fn answered(
        &self,
        organization: Uuid,
        key: &IdempotencyKey,
    ) -> Result<Option<Answer>, Error> {
        let now = self.clock.now().elapsed();
        self.store.answered(organization, key, now).await
    }

    /// A consistent copy of the database, gone when it is closed.
    ///
    /// # Errors
    /// [`Error::Busy`] while there is another for long, or a fault of the store.
    pub async fn backup(
        &self,
        _: InstallationPermit<'_, Backup, Read>,
    ) -> Result<DatabaseCopy, Error> {
        let patience = Instant::now() + COPY_PATIENCE;
        loop {
            match self.store.backup().await {
                Err(Error::Busy(_)) if Instant::now() < patience => {
                    tokio::time::sleep(COPY_AGAIN).await;
                }
                copied => return copied,
            }
        }
    }

    /// How large what is stored is.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn sizes(&self) -> Result<Sizes, Error> {
        self.store.sizes().await
    }

    /// Refuses unless the caller may read the server's metrics.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn may_read_metrics(&self, actor: &Actor) -> Result<(), Error> {
        actor.may(Right::read(Resource::Metrics), None)
    }

    /// Runs a rule on behalf of a call.
    async fn write(
        &self,
        call: &Call,
        stream: Uuid,
        facts: Vec<Fact>,
        rule: Rule,
    ) -> Result<Written, Error> {
        let write = Write {
            stream,
            actor: Some(call.actor.token),
            now: call.now,
            facts,
            rule,
            idempotent: call.idempotent.clone(),
        };
        self.run(write).await
    }

    /// Runs a rule on the call's organization, and gives what it decided.
    async fn decide<T: Any + Send + Sync>(
        &self,
        call: &Call,
        facts: Vec<Fact>,
        decide: impl Fn(&State) -> Result<Decision<T>, Error> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        let rule = Rule::new(decide);
        let written = self.write(call, call.organization.id, facts, rule).await?;
        written.outcome.take()
    }

    /// A caller who goes away drops this future at any point. The write and what follows from it are a task
    /// of their own, so that nothing can come between them.
    async fn run(&self, write: Write) -> Result<Written, Error> {
        let place = self.lines.enter(write.stream).await?;
        let (store, cache) = (self.store.clone(), self.cache.clone());
        let (feed, refusals) = (self.feed.clone(), self.quota_refusals.clone());
        let task = tokio::spawn(async move {
            let (_place, stream) = (place, write.stream);
            let written = store.write(write).await;
            refusals.note(&written);
            let written = written?;
            planted::point("write.stored");
            cache.refresh_after_write(store.as_ref()).await;
            feed.wake(&reactions::Reactions::to(stream, &written));
            planted::point("write.woken");
            Ok(written)
        });
        task.await.map_err(Error::internal)?
    }
}
