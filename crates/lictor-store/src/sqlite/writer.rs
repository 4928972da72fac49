//! The one thread that writes: it gathers waiting writes into a batch, commits once, and then
//! acknowledges each. `plan.rs` says what a write does.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lictor_core::Error;
use lictor_core::elapsed::Elapsed;
use lictor_planted as planted;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{Mutex, oneshot};

use super::clock;
use super::erased_log::ErasedLog;
use super::fault::{Severity, severity};
use super::folder::probe_room;
use super::gathered::{Gathered, Job, Outcomes};
use super::heads::Heads;
use super::pool::off_the_runtime;
use super::transaction::{BatchError, Transaction};
use crate::plan::{self, Fault};
use crate::queue::{Queue, Waited};
use crate::{Batches, Observer, RecentStreams, Write, Written};

/// How long a busy writer waits for the next batch to gather.
const GATHER: Duration = Duration::from_micros(100);

/// How far group commit went since the start.
#[derive(Debug, Default)]
struct WriterStats {
    commits: AtomicU64,
    writes: AtomicU64,
}

/// The queue to the writer's thread, and what the thread lets be known.
pub(super) struct Writer {
    queue: Arc<Queue<Job>>,
    thread: Option<JoinHandle<()>>,
    stats: Arc<WriterStats>,
    failed: Arc<OnceLock<String>>,
    full: Arc<AtomicBool>,
    observers: Arc<RwLock<Vec<Observer>>>,
    looking: Mutex<()>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(database: Connection) -> std::io::Result<Self> {
        let queue: Arc<Queue<Job>> = Arc::default();
        let (stats, failed, full) = (Arc::default(), Arc::default(), Arc::default());
        let observers: Arc<RwLock<Vec<Observer>>> = Arc::default();
        let log = ErasedLog::after_start(&database);
        let work = Thread {
            database,
            stats: Arc::clone(&stats),
            failed: Arc::clone(&failed),
            full: Arc::clone(&full),
            observers: Arc::clone(&observers),
            saved: Elapsed::MIN,
            commits: [Duration::ZERO; 2],
            streams: RecentStreams::default(),
            heads: Heads::default(),
            has_erased: false,
            log,
        };
        let jobs = Served(Arc::clone(&queue));
        let thread = std::thread::Builder::new()
            .name("lictor-writer".to_owned())
            .spawn(move || work.run(&jobs.0))?;
        Ok(Self {
            queue,
            thread: Some(thread),
            stats,
            failed,
            full,
            observers,
            looking: Mutex::default(),
        })
    }

    /// Hands a write to the thread and waits until it is durable or refused.
    pub(super) async fn write(&self, write: Write) -> Result<Written, Error> {
        self.ready()?;
        let (done, outcome) = oneshot::channel();
        let stream = write.stream;
        let queued = self.queue.push(stream, Job { write, done });
        queued.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }

    /// Tells `observer` of each write from now on.
    pub(super) fn observe(&self, observer: Observer) {
        let mut observers = self
            .observers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        observers.push(observer);
    }

    /// Whether writes would be taken.
    pub(super) fn ready(&self) -> Result<(), Error> {
        match self.failed.get() {
            Some(reason) => Err(Error::ReadOnly(reason.clone())),
            None if self
                .thread
                .as_ref()
                .is_some_and(|thread| !thread.is_finished()) =>
            {
                Ok(())
            }
            None => Err(gone()),
        }
    }

    /// Whether the last write found the disk full, unless there was room since.
    pub(super) fn found_full(&self) -> bool {
        self.full.load(Ordering::SeqCst)
    }

    /// Looks whether there is room again. One looks at a time: anybody may ask, and each look takes
    /// some room and a flush of the disk.
    pub(super) async fn look_for_room(&self, folder: &Path) -> Result<(), Error> {
        let _alone = self.looking.lock().await;
        if self.found_full() {
            let folder = folder.to_owned();
            off_the_runtime(move || probe_room(&folder)).await?;
            self.full.store(false, Ordering::SeqCst);
        }
        Ok(())
    }

    /// The counts of commits and writes.
    pub(super) fn batches(&self) -> Batches {
        Batches {
            commits: self.stats.commits.load(Ordering::Relaxed),
            writes: self.stats.writes.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Writer {
    /// Waits until what was queued is written and the database is closed.
    fn drop(&mut self) {
        self.queue.close();
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::error!("the writer's thread had panicked");
        }
    }
}

fn gone() -> Error {
    Error::internal("the writer's thread has ended")
}

/// The queue, in the hands of the thread: when it ends, however it ends, nobody waits on.
struct Served(Arc<Queue<Job>>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

struct Thread {
    database: Connection,
    stats: Arc<WriterStats>,
    failed: Arc<OnceLock<String>>,
    full: Arc<AtomicBool>,
    observers: Arc<RwLock<Vec<Observer>>>,
    /// The moment that was saved last, since the start.
    saved: Elapsed,
    /// How long the last two commits took.
    commits: [Duration; 2],
    /// Whose writes the last were.
    streams: RecentStreams,
    heads: Heads,
    /// Whether the last batch erased something.
    has_erased: bool,
    log: ErasedLog,
}

impl Thread {
    fn run(mut self, queue: &Queue<Job>) {
        loop {
            // What cannot be trusted any more is left as it is.
            let writes = self.failed.get().is_none();
            match queue.wait(self.log.due().filter(|_| writes)) {
                Waited::Closed => return,
                Waited::TimeIsUp => {}
                // Those who were just answered come back at once. Without this pause the first of
                // them would have the next commit to itself, and the rest would wait for two.
                Waited::Filled if self.handle(queue) > 1 => std::thread::sleep(GATHER),
                Waited::Filled => {}
            }
            if self.failed.get().is_none() {
                self.log.empty_if_due(&self.database);
            }
        }
    }

    /// Writes what waits, as far as it fits into one batch; gives how much that was.
    fn handle(&mut self, queue: &Queue<Job>) -> usize {
        // Now and then one takes longer, as it also puts the log into the database.
        let commit = self.commits[0].min(self.commits[1]);
        let mut gathered = Gathered::new(commit, self.streams.are_several(Instant::now()));
        gathered.grow(queue);
        let result = self.together(&mut gathered, Some(queue));
        let now = Instant::now();
        for write in &gathered.writes {
            self.streams.note(write.stream, now);
        }
        let count = gathered.writes.len();
        match result {
            Ok(outcomes) => {
                self.tell(&gathered.writes, &outcomes);
                gathered.acknowledge(outcomes);
            }
            Err(error) if count > 1 && concerns_one_write(&error) => {
                let reason = error.reason();
                tracing::error!(reason, "a batch failed; its writes run one by one");
                for mut one in gathered.one_by_one() {
                    let outcomes = match self.together(&mut one, None) {
                        Ok(outcomes) => outcomes,
                        Err(error) => vec![Err(self.failure(&error))],
                    };
                    self.tell(&one.writes, &outcomes);
                    one.acknowledge(outcomes);
                }
            }
            Err(error) => {
                let failed = |_| Err(self.failure(&error));
                let outcomes = gathered.writes.iter().map(failed).collect();
                gathered.acknowledge(outcomes);
            }
        }
        count
    }

    /// Tells the observers what was stored. Nobody is answered before all of a batch is told: a write rests
    /// on those before it.
    fn tell(&self, writes: &[Write], outcomes: &[Result<Written, Error>]) {
        let observers = self
            .observers
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for (write, outcome) in writes.iter().zip(outcomes) {
            if let Ok(written) = outcome {
                observers
                    .iter()
                    .for_each(|observer| observer(write, written));
            }
        }
    }

    /// Runs what is gathered, and what fits of the queue besides, in one transaction. After an
    /// error nothing of them is stored.
    fn together(
        &mut self,
        gathered: &mut Gathered,
        queue: Option<&Queue<Job>>,
    ) -> Result<Outcomes, BatchError> {
        if let Some(reason) = self.failed.get() {
            let refused = |_| Err(Error::ReadOnly(reason.clone()));
            return Ok(gathered.writes.iter().map(refused).collect());
        }
        self.database
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        planted::point("write.begun");
        let result = self.fill(gathered, queue).and_then(|mut outcomes| {
            gathered.acknowledge_early(&mut outcomes);
            planted::point("write.filled");
            let began = Instant::now();
            self.database.prepare_cached("COMMIT")?.execute([])?;
            self.commits = [self.commits[1], began.elapsed()];
            self.heads.committed();
            planted::point("write.committed");
            Ok(outcomes)
        });
        if result.is_err() {
            self.heads = Heads::default();
        }
        match &result {
            Ok(outcomes) => {
                if self.has_erased {
                    self.log.note_erased();
                }
                let stored = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
                if stored > 0 {
                    self.full.store(false, Ordering::SeqCst);
                    let moments = gathered.writes.iter().map(|write| write.now.elapsed());
                    self.saved = moments.fold(self.saved, Elapsed::max);
                }
                self.stats.commits.fetch_add(1, Ordering::Relaxed);
                self.stats
                    .writes
                    .fetch_add(stored as u64, Ordering::Relaxed);
            }
            // After some errors SQLite has rolled back by itself.
            Err(_) if self.database.is_autocommit() => {}
            Err(_) => self.roll_back(),
        }
        result
    }

    /// Ends the transaction. Where that fails no other can begin, so nothing is written any more.
    fn roll_back(&self) {
        if let Err(error) = self.database.execute_batch("ROLLBACK") {
            tracing::error!(%error, "a batch could not be rolled back");
            self.failed
                .get_or_init(|| format!("a batch could not be rolled back: {error}"));
        }
    }

    fn fill(
        &mut self,
        gathered: &mut Gathered,
        queue: Option<&Queue<Job>>,
    ) -> Result<Outcomes, BatchError> {
        let mut batch = Transaction::new(&self.database, &mut self.heads);
        let mut outcomes = Vec::with_capacity(gathered.writes.len());
        let mut work = Vec::with_capacity(gathered.writes.len());
        loop {
            for write in &gathered.writes[outcomes.len()..] {
                let began = Instant::now();
                outcomes.push(match plan::run(&mut batch, write) {
                    Ok(written) => Ok(written),
                    Err(Fault::Refused(error)) => Err(error),
                    Err(Fault::Batch(error)) => return Err(error),
                });
                work.push((write.stream, began.elapsed()));
            }
            let more = queue.is_some_and(|queue| gathered.grow(queue));
            if !more {
                break;
            }
        }
        if let Some(queue) = queue {
            queue.charge(work);
        }
        let writes = &gathered.writes;
        batch.store_heads()?;
        self.has_erased = batch.has_erased();
        let Some(now) = writes
            .iter()
            .map(|write| &write.now)
            .max_by_key(|now| now.elapsed)
        else {
            return Ok(outcomes);
        };
        if outcomes.iter().any(Result::is_ok) && now.elapsed() > self.saved {
            clock::save(&self.database, now)?;
        }
        Ok(outcomes)
    }

    /// Names the error for those whose write was not stored.
    fn failure(&self, error: &BatchError) -> Error {
        tracing::error!(reason = error.reason(), "a write was not stored");
        let error = match error {
            BatchError::Write(reason) => return Error::internal(reason.clone()),
            BatchError::Database(error) => error,
        };
        match severity(error) {
            Severity::Disk if planted::is("flush-ignored") => Error::internal(error.to_string()),
            Severity::Full if planted::is("full-is-final") => {
                let reason = self.failed.get_or_init(|| error.to_string());
                Error::ReadOnly(reason.clone())
            }
            Severity::Full => {
                self.full.store(true, Ordering::SeqCst);
                Error::StorageFull
            }
            Severity::Disk => {
                let reason = self.failed.get_or_init(|| error.to_string());
                Error::ReadOnly(reason.clone())
            }
            Severity::Other => Error::internal(error.to_string()),
        }
    }
}

/// Whether the other writes of the batch may still succeed.
fn concerns_one_write(error: &BatchError) -> bool {
    let BatchError::Database(error) = error else {
        return true;
    };
    let busy = error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
    !busy && matches!(severity(error), Severity::Other)
}

#[cfg(test)]
mod tests {
    use lictor_core::elapsed::Now;

    use super::*;

    #[test]
    fn after_a_batch_that_could_not_be_rolled_back_nothing_is_written() {
        let mut thread = Thread {
            database: Connection::open_in_memory().expect("opens"),
            stats: Arc::default(),
            failed: Arc::default(),
            full: Arc::default(),
            observers: Arc::default(),
            saved: Elapsed::MIN,
            commits: [Duration::ZERO; 2],
            streams: RecentStreams::default(),
            heads: Heads::default(),
            has_erased: false,
            log: ErasedLog::default(),
        };
        // There is no transaction, so that SQLite refuses.
        thread.roll_back();
        let write = Write {
            stream: lictor_core::facts::organization::INSTALLATION,
            actor: None,
            now: Now::at(0),
            facts: Vec::new(),
            rule: crate::Rule::new(|_| Ok(lictor_core::decision::Decision::nothing())),
            idempotent: None,
        };
        let outcomes = thread.together(&mut Gathered::of(write, None), None);
        assert!(
            matches!(outcomes.as_deref(), Ok([Err(Error::ReadOnly(_))])),
            "{outcomes:?}"
        );
        let writer = Writer {
            queue: Arc::default(),
            thread: None,
            stats: thread.stats,
            failed: thread.failed,
            full: thread.full,
            observers: thread.observers,
            looking: Mutex::default(),
        };
        assert!(matches!(writer.ready(), Err(Error::ReadOnly(_))));
    }
}
