//! A running node: how it starts, its tasks, and how it stops.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lictor_core::Date;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::client::Client;
use crate::counters::flush::{self, Flusher};
use crate::counters::journal::{self, Journal};
use crate::counters::{Counters, JournalStart};
use crate::error::StartError;
use crate::evaluator::Evaluator;
use crate::folder::{DAMAGED, Folder, JOURNAL, with_advice};
use crate::identity::Identity;
use crate::link::Link;
use crate::meter::Meter;
use crate::options::Options;
use crate::problems::{Kind, Problems};
use crate::report::{self, Reporter};
use crate::shared::{Enforcement, Shared};
use crate::state_store::{Loaded, StateStore};
use crate::status::Status;
use crate::trusted_time::TrustedTime;
use crate::{feed, join, random};

/// The timeout of the last report.
const LAST_REPORT: Duration = Duration::from_secs(2);

/// How long a node that leaves its pool may take to report its counts, and how long it waits between attempts.
const LAST_COUNTS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_millis(100));

/// The same for saying goodbye. Both are well within the 30 seconds that Kubernetes allows.
const GOODBYE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_millis(500));

/// A running node. If it is dropped without [`Node::stop`], it ends without a last report.
pub struct Node {
    pub(crate) shared: Arc<Shared>,
    reporter: Arc<tokio::sync::Mutex<Reporter>>,
    feeds: Mutex<Vec<JoinHandle<()>>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    leave_on_stop: bool,
    flusher: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Node {
    /// Starts the node of a folder, within a Tokio runtime. The first time, it joins. Later it starts even if its
    /// control plane cannot be reached.
    ///
    /// # Errors
    /// Why it does not start.
    pub async fn start(options: Options) -> Result<Arc<Self>, StartError> {
        let folder = Arc::new(Folder::open(&options.folder)?);
        let (identity, client, rejoin) = join::identity(&options, &folder).await?;
        if options.leave_on_stop && identity.pool.is_none() {
            let node = &identity.name;
            tracing::warn!(%node, "keeps its place when it stops, because it is not in a pool");
        }
        let (mut shared, journal) = assemble(&options, folder, identity, client)?;
        shared.rejoin = rejoin;
        let shared = Arc::new(shared);
        let noted = Arc::clone(&shared);
        let flusher = flush::spawn(
            &shared.flusher,
            &shared.counters,
            journal,
            options.pace.flush,
            move |outcome| note_flush(&noted, outcome),
        );
        let flusher = flusher.map_err(|error| StartError::System(error.to_string()))?;
        let reporter = Arc::default();
        let feeds = vec![
            tokio::spawn(feed::follow(Arc::clone(&shared))),
            tokio::spawn(feed::poll(Arc::clone(&shared))),
        ];
        let tasks = vec![
            tokio::spawn(tick(Arc::clone(&shared))),
            tokio::spawn(report::run(Arc::clone(&shared), Arc::clone(&reporter))),
        ];
        Ok(Arc::new(Self {
            shared,
            reporter,
            feeds: Mutex::new(feeds),
            tasks: Mutex::new(tasks),
            leave_on_stop: options.leave_on_stop,
            flusher: Mutex::new(Some(flusher)),
        }))
    }

    /// A meter for a service. `None`, or a name that no service may have, stands for the application itself.
    pub fn meter(&self, service: Option<&str>) -> Meter {
        let named = service.filter(|name| self.shared.counters.takes(name));
        let service = named.unwrap_or(&self.shared.identity.application);
        Meter::new(&self.shared, service)
    }

    /// The node's status.
    pub fn status(&self) -> Status {
        Status::of(&self.shared)
    }

    /// Closes the feed for good, so that the control plane knows at once that the node is stopping. Until then
    /// the node decides, counts and reports as before.
    pub fn leave(&self) {
        end(&self.feeds);
    }

    /// Stops the node: closes the feed, writes the counts, tries for two seconds to report them, and unlocks the
    /// folder. Meters that are left decide as before, but what they count is lost.
    ///
    /// A node that leaves its pool first tries for five seconds to report everything, because it gives up its
    /// place only then, and afterwards for ten seconds to get that acknowledged.
    ///
    /// Returns whether it left its pool. Then everything that it counted is reported and its place is free, so
    /// that its folder can be removed. A node without a pool or without [`Options::leave_on_stop`] never leaves.
    pub async fn stop(&self) -> bool {
        self.leave();
        end(&self.tasks);
        let gives_back = self.leave_on_stop && self.shared.identity.pool.is_some();
        let reported = gives_back && self.report_all().await;
        self.shared.flusher.stop();
        let flusher = {
            let mut flusher = self.flusher.lock().unwrap_or_else(PoisonError::into_inner);
            flusher.take()
        };
        let shared = Arc::clone(&self.shared);
        let written = tokio::task::spawn_blocking(move || {
            if let Some(Err(_)) = flusher.map(std::thread::JoinHandle::join) {
                tracing::error!("the thread that writes counts failed");
            }
            shared.save();
        });
        if let Err(error) = written.await {
            tracing::error!(%error, "what was counted last could not be written");
        }
        let gave_back = match reported {
            true => self.say_goodbye().await,
            false => self.last_report(false).await.unwrap_or_else(|| {
                tracing::info!("the last report was not answered");
                false
            }),
        };
        if gave_back {
            tracing::info!("gave its place in the pool back");
        } else if gives_back {
            tracing::warn!(
                reported,
                "did not leave its pool: its place is free once it has been silent for the pool's \
                 --forget-after; what it has not reported yet stays in its folder, and is reported when \
                 it starts again"
            );
        }
        self.shared.folder.unlock();
        gave_back
    }

    /// Tries for a while to report everything that was counted. Returns whether all of it was accepted.
    async fn report_all(&self) -> bool {
        let reporting = async {
            loop {
                let written = self.shared.flusher.written().await.is_ok();
                let mut reporter = self.reporter.lock().await;
                if written && reporter.report_counts(&self.shared).await {
                    return;
                }
                drop(reporter);
                sleep(LAST_COUNTS.1).await;
            }
        };
        timeout(LAST_COUNTS.0, reporting).await.is_ok()
    }

    /// Gives up the place in the pool, and tries again until that is answered. Returns whether the place is free.
    async fn say_goodbye(&self) -> bool {
        let saying = async {
            loop {
                if let Some(gave_back) = self.last_report(true).await {
                    return gave_back;
                }
                sleep(GOODBYE.1).await;
            }
        };
        timeout(GOODBYE.0, saying).await.unwrap_or_default()
    }

    /// Sends the last report. Returns whether the place was given up, or `None` without an answer.
    async fn last_report(&self, gives_back: bool) -> Option<bool> {
        let mut reporter = self.reporter.lock().await;
        let last = reporter.finish(&self.shared, gives_back);
        timeout(LAST_REPORT, last).await.ok()?
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        end(&self.feeds);
        end(&self.tasks);
        self.shared.flusher.stop();
    }
}

fn end(tasks: &Mutex<Vec<JoinHandle<()>>>) {
    let tasks = std::mem::take(&mut *tasks.lock().unwrap_or_else(PoisonError::into_inner));
    tasks.iter().for_each(JoinHandle::abort);
}

/// Loads what is on disk and assembles the parts of the node.
fn assemble(
    options: &Options,
    folder: Arc<Folder>,
    identity: Identity,
    client: Client,
) -> Result<(Shared, Journal), StartError> {
    let loaded = StateStore::load(Arc::clone(&folder), identity.clone(), &options.trust);
    let problems = Problems::default();
    note_loaded(&problems, &loaded);
    let mut time = TrustedTime::from_saved(loaded.time, options.clock.read());
    if let Some(state) = &loaded.state {
        time.advance_to(state.ratchet.issued_at);
    }
    let lock_location = folder.lock_location(options.clock.read().boot_id);
    let (counters, journal) = counters(&folder, lock_location, &time, &problems)?;
    let evaluator = Evaluator::new(
        identity.application.clone(),
        options.clock.clone(),
        Arc::clone(&counters),
        time,
        loaded.state,
        loaded.revoked,
    );
    let enforcement = Mutex::new(Enforcement::of(&evaluator));
    let shared = Shared {
        identity,
        folder,
        client,
        rejoin: None,
        evaluator,
        store: loaded.store,
        counters,
        flusher: Arc::new(Flusher::default()),
        problems,
        changed: tokio::sync::Notify::new(),
        link: Link::default(),
        unknown_there: Mutex::default(),
        lives: AtomicU64::new(1),
        is_copy: AtomicBool::new(false),
        refused: Mutex::default(),
        enforcement,
        durability: options.durability,
        pace: options.pace,
        host: options.host.clone(),
        version: options.version.clone(),
        more_metrics: options.more_metrics.clone(),
    };
    shared.note_revoked();
    shared.note_untrusted();
    shared.save();
    shared.refresh();
    Ok((shared, journal))
}

fn note_loaded(problems: &Problems, loaded: &Loaded) {
    let lost = "ratchet.json was damaged or missing and was made anew from the stored states; until \
                the control plane sends another state, an older one could be taken for the newest";
    let none = "no stored state can be read; the node is restricted until its control plane sends \
                one";
    let older = "the newest stored state cannot be read; an older one is in force until the control \
                 plane sends another";
    let state = if loaded.state.is_none() {
        Some(none)
    } else {
        loaded.newest_lost.then_some(older)
    };
    problems.set(Kind::StateLost, state.map(str::to_owned));
    let ratchet = loaded.ratchet_lost.then(|| lost.to_owned());
    problems.set(Kind::RatchetLost, ratchet);
}

/// The counters from the journal. A damaged journal is replaced by a new one with another epoch, so that what was
/// reported of the old one is never counted again.
fn counters(
    folder: &Arc<Folder>,
    lock_location: Option<String>,
    time: &TrustedTime,
    problems: &Problems,
) -> Result<(Arc<Counters>, Journal), StartError> {
    let read = match folder.read(JOURNAL) {
        Ok(Some(bytes)) => journal::read(&bytes),
        Ok(None) => journal::JournalContents::default(),
        Err(error) => {
            tracing::warn!(%error, "the journal cannot be read");
            journal::JournalContents {
                damaged: true,
                ..journal::JournalContents::default()
            }
        }
    };
    problems.set(
        Kind::JournalDamaged,
        read.damaged.then(|| keep_damaged(folder)),
    );
    let start = JournalStart::on(read.start.as_ref(), random::start()?, lock_location);
    let (epoch, start) = match read.epoch {
        Some(epoch) => (epoch.to_string(), start),
        None => (random::epoch()?, start.anew()),
    };
    let month = Date::of(time.now()).month();
    let counters = Counters::new(&epoch, &month, read.counts).started(start);
    let counters = Arc::new(counters);
    let mut journal = Journal::new(Arc::clone(folder));
    if let Err(error) = flush::flush(&counters, &mut journal) {
        note_unwritten(problems, Some(&error));
    }
    Ok((counters, journal))
}

/// Keeps a damaged journal for inspection. Returns the problem.
fn keep_damaged(folder: &Folder) -> String {
    let lost = "counters.log was damaged; what could be read counts, and what was counted last before \
                the damage may be missing";
    match folder.keep_as(JOURNAL, DAMAGED) {
        Ok(()) => format!("{lost}; the damaged file is kept as {DAMAGED}"),
        Err(error) => format!("{lost}; the damaged file cannot be kept: {error}"),
    }
}

fn note_flush(shared: &Shared, outcome: Result<bool, std::io::Error>) {
    if note_unwritten(&shared.problems, outcome.as_ref().err()) {
        shared.changed.notify_one();
    }
}

fn note_unwritten(problems: &Problems, error: Option<&std::io::Error>) -> bool {
    let text = error.map(|error| {
        format!(
            "counts cannot be written: {}; they are kept in memory and lost if the node ends",
            with_advice(error)
        )
    });
    problems.set(Kind::CountsUnwritten, text)
}

/// Reads the clocks regularly, and saves from time to time.
async fn tick(shared: Arc<Shared>) {
    let mut saved = Instant::now();
    loop {
        sleep(shared.pace.tick).await;
        shared.refresh();
        shared.note_services();
        if saved.elapsed() >= shared.pace.save {
            saved = Instant::now();
            let shared = Arc::clone(&shared);
            // It fails only if the runtime ends.
            let _ = tokio::task::spawn_blocking(move || shared.save()).await;
        }
    }
}
