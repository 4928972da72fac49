//! A running node: how it starts, what goes on inside, and how it stops.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lictor_core::Date;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::client::Client;
use crate::clock::Clock;
use crate::counters::flush::{self, Flusher};
use crate::counters::journal::{self, Journal};
use crate::counters::{Counters, Start};
use crate::error::StartError;
use crate::folder::{DAMAGED, Folder, JOURNAL, with_advice};
use crate::identity::Identity;
use crate::judge::Judge;
use crate::keeper::{Keeper, Loaded};
use crate::link::Link;
use crate::meter::Meter;
use crate::options::Options;
use crate::problems::{Kind, Problems};
use crate::report::{self, Reporter};
use crate::shared::{Shared, Standing};
use crate::status::Status;
use crate::trusted::TrustedTime;
use crate::{feed, join, random};

/// How long the last report may take.
const LAST_REPORT: Duration = Duration::from_secs(2);

/// How long a node that leaves its pool may take to tell what it counted, and then to say goodbye: together
/// well within the 30 seconds that Kubernetes leaves it. Beside each, how long it waits between two tries.
const TELLING: (Duration, Duration) = (Duration::from_secs(5), Duration::from_millis(100));
const GOODBYE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_millis(500));

/// A running node. Dropped without [`Node::stop`] it ends as well, without a last report.
pub struct Node {
    pub(crate) shared: Arc<Shared>,
    reporter: Arc<tokio::sync::Mutex<Reporter>>,
    feeds: Mutex<Vec<JoinHandle<()>>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    leave_on_stop: bool,
    flusher: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Node {
    /// Starts the node of a folder, within a Tokio runtime. It joins first if it has not yet; once it
    /// has, it starts whether or not its control plane can be reached.
    ///
    /// # Errors
    /// Why it does not start.
    pub async fn start(options: Options) -> Result<Arc<Self>, StartError> {
        let folder = Arc::new(Folder::open(&options.folder)?);
        let (identity, client, returning) = join::identity(&options, &folder).await?;
        if options.leave_on_stop && identity.pool.is_none() {
            let node = &identity.name;
            tracing::warn!(%node, "keeps its place when it stops, because it is not in a pool");
        }
        let (mut shared, journal) = assemble(&options, folder, identity, client)?;
        shared.returning = returning;
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

    /// Decides and counts for a service; none, or a name that no service may have: the application
    /// itself.
    pub fn meter(&self, service: Option<&str>) -> Meter {
        let named = service.filter(|name| self.shared.counters.takes(name));
        let service = named.unwrap_or(&self.shared.identity.application);
        Meter::new(&self.shared, service)
    }

    /// How the node stands.
    pub fn status(&self) -> Status {
        Status::of(&self.shared)
    }

    /// Closes the feed for good, so that the control plane knows at once that the node stops,
    /// however long it then takes. It decides, counts and reports as before.
    pub fn leave(&self) {
        end(&self.feeds);
    }

    /// Leaves, writes what was counted, tries for two seconds to report it, and gives the folder
    /// back. One that is to leave its pool tries for five seconds before that to tell all that it has
    /// counted, for it gives its place back only then; and for ten seconds to be answered that it did. Meters
    /// that are left decide as before, but what they count is lost.
    ///
    /// Returns whether it left its pool: all that it counted is told and its place is free, so that its folder
    /// can be removed. Of no pool, or without [`Options::leave_on_stop`], it never leaves.
    pub async fn stop(&self) -> bool {
        self.leave();
        end(&self.tasks);
        let gives_back = self.leave_on_stop && self.shared.identity.pool.is_some();
        let told = gives_back && self.tell_all().await;
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
        let gave_back = match told {
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
                told,
                "did not leave its pool: its place is free once it has been silent for the pool's \
                 --forget-after; what it has not reported yet stays in its folder, and is reported when \
                 it starts again"
            );
        }
        self.shared.folder.unlock();
        gave_back
    }

    /// Tries for a while to tell all that was counted; whether that was taken.
    async fn tell_all(&self) -> bool {
        let telling = async {
            loop {
                let written = self.shared.flusher.written().await.is_ok();
                let mut reporter = self.reporter.lock().await;
                if written && reporter.tell(&self.shared).await {
                    return;
                }
                drop(reporter);
                sleep(TELLING.1).await;
            }
        };
        timeout(TELLING.0, telling).await.is_ok()
    }

    /// Gives the place in the pool back, as often as nobody answers that; whether it is free.
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

    /// Whether the place was given back; none: nobody answered.
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

/// Reads what is on disk and puts the parts together.
fn assemble(
    options: &Options,
    folder: Arc<Folder>,
    identity: Identity,
    client: Client,
) -> Result<(Shared, Journal), StartError> {
    let loaded = Keeper::load(Arc::clone(&folder), identity.clone(), &options.trust);
    let problems = Problems::default();
    note_loaded(&problems, &loaded);
    let mut time = TrustedTime::from_kept(loaded.time, options.clock.read());
    if let Some(held) = &loaded.held {
        time.raise_to(held.ratchet.issued_at);
    }
    let place = folder.place(options.clock.read().boot_id);
    let (counters, journal) = counters(&folder, place, &time, &problems)?;
    let Loaded {
        keeper,
        held,
        revoked,
        ..
    } = loaded;
    let application = identity.application.clone();
    let clock: Clock = options.clock.clone();
    let judge = Judge::new(
        application,
        clock,
        Arc::clone(&counters),
        time,
        held,
        revoked,
    );
    let standing = Mutex::new(Standing::of(&judge));
    let shared = Shared {
        identity,
        folder,
        client,
        returning: None,
        judge,
        keeper,
        counters,
        flusher: Arc::new(Flusher::default()),
        problems,
        changed: tokio::sync::Notify::new(),
        link: Link::default(),
        unknown_there: Mutex::default(),
        lives: AtomicU64::new(1),
        is_copy: AtomicBool::new(false),
        refused: Mutex::default(),
        standing,
        durability: options.durability,
        pace: options.pace,
        host: options.host.clone(),
        version: options.version.clone(),
        more_metrics: options.more_metrics.clone(),
    };
    shared.note_revoked();
    shared.note_untrusted();
    shared.save();
    shared.look();
    Ok((shared, journal))
}

fn note_loaded(problems: &Problems, loaded: &Loaded) {
    let lost = "ratchet.json was damaged or missing and was made anew from the stored states; until \
                the control plane sends another state, an older one could be taken for the newest";
    let none = "no stored state can be read; the node is restricted until its control plane sends \
                one";
    let older = "the newest stored state cannot be read; an older one is in force until the control \
                 plane sends another";
    let state = if loaded.held.is_none() {
        Some(none)
    } else {
        loaded.newest_lost.then_some(older)
    };
    problems.set(Kind::StateLost, state.map(str::to_owned));
    let ratchet = loaded.ratchet_lost.then(|| lost.to_owned());
    problems.set(Kind::RatchetLost, ratchet);
}

/// The counters as the journal holds them. A damaged journal is replaced by a new one with another
/// epoch, so that what was reported of the old one is never counted again.
fn counters(
    folder: &Arc<Folder>,
    place: Option<String>,
    time: &TrustedTime,
    problems: &Problems,
) -> Result<(Arc<Counters>, Journal), StartError> {
    let read = match folder.read(JOURNAL) {
        Ok(Some(bytes)) => journal::read(&bytes),
        Ok(None) => journal::Read::default(),
        Err(error) => {
            tracing::warn!(%error, "the journal cannot be read");
            journal::Read {
                damaged: true,
                ..journal::Read::default()
            }
        }
    };
    problems.set(
        Kind::JournalDamaged,
        read.damaged.then(|| keep_damaged(folder)),
    );
    let start = Start::on(read.start.as_ref(), random::start()?, place);
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

/// Keeps a damaged journal for people, and says so.
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

/// Looks at the clocks, and saves from time to time.
async fn tick(shared: Arc<Shared>) {
    let mut saved = Instant::now();
    loop {
        sleep(shared.pace.tick).await;
        shared.look();
        shared.note_services();
        if saved.elapsed() >= shared.pace.save {
            saved = Instant::now();
            let shared = Arc::clone(&shared);
            // It fails only where the runtime ends.
            let _ = tokio::task::spawn_blocking(move || shared.save()).await;
        }
    }
}
