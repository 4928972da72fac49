//! The one thread that writes: it gathers waiting writes into a batch, commits once, and then
//! acknowledges each. What a write does is in `batch.rs`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use lictor_core::{Elapsed, Error};
use lictor_planted as planted;
use rusqlite::{Connection, ErrorCode, ffi};
use tokio::sync::{mpsc, oneshot};

use super::batch::{Batch, BatchError, Fault};
use super::clock;
use crate::{Write, Written};

/// How many writes may wait for the writer.
const QUEUE: usize = 4_096;

/// How many writes share a commit at most.
const BATCH: usize = 512;

/// How long a busy writer waits for the next batch to gather.
const GATHER: Duration = Duration::from_micros(100);

/// How far group commit went since the start, for the metrics.
#[derive(Debug, Default)]
pub struct WriterStats {
    commits: AtomicU64,
    writes: AtomicU64,
}

impl WriterStats {
    /// How many transactions were committed.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// How many writes were stored in them; refused ones are not counted.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }
}

struct Job {
    write: Write,
    done: oneshot::Sender<Result<Written, Error>>,
}

/// The queue to the writer's thread, and what the thread lets be known.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    stats: Arc<WriterStats>,
    failed: Arc<OnceLock<String>>,
    full: Arc<AtomicBool>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(database: Connection) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (stats, failed, full) = (Arc::default(), Arc::default(), Arc::default());
        let work = Thread {
            database,
            stats: Arc::clone(&stats),
            failed: Arc::clone(&failed),
            full: Arc::clone(&full),
            saved: Elapsed::MIN,
        };
        let thread = std::thread::Builder::new()
            .name("lictor-writer".to_owned())
            .spawn(move || work.run(jobs))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            stats,
            failed,
            full,
        })
    }

    /// Hands a write to the thread and waits until it is durable or refused.
    pub(super) async fn write(&self, write: Write) -> Result<Written, Error> {
        self.ready()?;
        let (done, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send(Job { write, done }).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
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

    /// There is room again.
    pub(super) fn found_room(&self) {
        self.full.store(false, Ordering::SeqCst);
    }

    /// The counts of commits and writes.
    pub(super) fn stats(&self) -> &WriterStats {
        &self.stats
    }
}

impl Drop for Writer {
    /// Waits until what was queued is written and the database is closed.
    fn drop(&mut self) {
        drop(self.queue.take());
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

struct Thread {
    database: Connection,
    stats: Arc<WriterStats>,
    failed: Arc<OnceLock<String>>,
    full: Arc<AtomicBool>,
    /// The moment that was saved last, since the start.
    saved: Elapsed,
}

type Outcomes = Vec<Result<Written, Error>>;

impl Thread {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        // The planted fault is the design that group commit is measured against.
        let most = if planted::is("one-commit-per-write") {
            1
        } else {
            BATCH
        };
        let mut batch = Vec::with_capacity(most);
        while jobs.blocking_recv_many(&mut batch, most) > 0 {
            let crowded = batch.len() > 1;
            self.handle(std::mem::take(&mut batch));
            if crowded {
                // Those who were just answered come back at once. Without this pause the first of
                // them would have the next commit to itself, and the rest would wait for two.
                std::thread::sleep(GATHER);
            }
        }
    }

    fn handle(&mut self, jobs: Vec<Job>) {
        let (writes, mut waiting): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .map(|job| (job.write, Some(job.done)))
            .unzip();
        match self.together(&writes, &mut waiting) {
            Ok(outcomes) => acknowledge(&mut waiting, outcomes),
            Err(error) if writes.len() > 1 && concerns_one_write(&error) => {
                let reason = error.reason();
                tracing::error!(reason, "a batch failed; its writes run one by one");
                for (write, done) in writes.iter().zip(&mut waiting) {
                    let (one, done) = (std::slice::from_ref(write), std::slice::from_mut(done));
                    let outcomes = match self.together(one, done) {
                        Ok(outcomes) => outcomes,
                        Err(error) => vec![Err(self.failure(&error))],
                    };
                    acknowledge(done, outcomes);
                }
            }
            Err(error) => {
                let outcomes = writes.iter().map(|_| Err(self.failure(&error))).collect();
                acknowledge(&mut waiting, outcomes);
            }
        }
    }

    /// Runs the writes in one transaction. After an error nothing of them is stored.
    fn together(
        &mut self,
        writes: &[Write],
        waiting: &mut [Waiting],
    ) -> Result<Outcomes, BatchError> {
        if let Some(reason) = self.failed.get() {
            return Ok(writes
                .iter()
                .map(|_| Err(Error::ReadOnly(reason.clone())))
                .collect());
        }
        self.database
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        planted::point("write.begun");
        let result = self.fill(writes).and_then(|mut outcomes| {
            acknowledge_early(writes, waiting, &mut outcomes);
            planted::point("write.filled");
            self.database.prepare_cached("COMMIT")?.execute([])?;
            planted::point("write.committed");
            Ok(outcomes)
        });
        match &result {
            Ok(outcomes) => {
                let stored = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
                if stored > 0 {
                    self.full.store(false, Ordering::SeqCst);
                    let latest = writes.iter().map(|write| write.now.elapsed()).max();
                    self.saved = latest.map_or(self.saved, |latest| latest.max(self.saved));
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

    fn fill(&mut self, writes: &[Write]) -> Result<Outcomes, BatchError> {
        let mut batch = Batch::new(&self.database);
        let mut outcomes = Vec::with_capacity(writes.len());
        for write in writes {
            outcomes.push(match batch.run(write) {
                Ok(written) => Ok(written),
                Err(Fault::Refused(error)) => Err(error),
                Err(Fault::Batch(error)) => return Err(error),
            });
        }
        batch.store_heads()?;
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

enum Severity {
    /// The disk is full; room may be made.
    Full,
    /// The disk or the file cannot be trusted any more.
    Disk,
    /// A fault of ours, or another process that holds the database.
    Other,
}

fn severity(error: &rusqlite::Error) -> Severity {
    let Some(error) = error.sqlite_error() else {
        return Severity::Other;
    };
    match (error.code, error.extended_code) {
        // The index of the log could not grow: the same full disk by another name.
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Severity::Full,
        (
            ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ReadOnly,
            _,
        ) => Severity::Disk,
        _ => Severity::Other,
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

type Waiting = Option<oneshot::Sender<Result<Written, Error>>>;

fn acknowledge(waiting: &mut [Waiting], outcomes: Outcomes) {
    for (done, outcome) in waiting.iter_mut().zip(outcomes) {
        if let Some(done) = done.take() {
            // Whoever asked may have gone away; the write counts all the same.
            let _ = done.send(outcome);
        }
    }
}

/// The fault `early-ack`: acknowledges before the commit, which the test that kills the server must
/// find. The installation's own writes are spared, or no server would start.
fn acknowledge_early(writes: &[Write], waiting: &mut [Waiting], outcomes: &mut Outcomes) {
    let own = |write: &Write| write.stream == lictor_core::INSTALLATION;
    if planted::is("early-ack") && !writes.iter().any(own) {
        let done = outcomes.iter().map(|_| Ok(Default::default())).collect();
        acknowledge(waiting, std::mem::replace(outcomes, done));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use lictor_core::Now;

    use super::*;

    #[test]
    fn after_a_batch_that_could_not_be_rolled_back_nothing_is_written() {
        let mut thread = Thread {
            database: Connection::open_in_memory().expect("opens"),
            stats: Arc::default(),
            failed: Arc::default(),
            full: Arc::default(),
            saved: Elapsed::MIN,
        };
        // There is no transaction, so that SQLite refuses.
        thread.roll_back();
        let write = Write {
            stream: lictor_core::INSTALLATION,
            actor: None,
            now: Now::at(0),
            facts: Vec::new(),
            rule: Arc::new(|_| Ok(lictor_core::Decision::nothing())),
            idempotent: None,
        };
        let outcomes = thread.together(&[write], &mut [None]);
        assert!(
            matches!(outcomes.as_deref(), Ok([Err(Error::ReadOnly(_))])),
            "{outcomes:?}"
        );
        let (queue, _jobs) = mpsc::channel(1);
        let writer = Writer {
            queue: Some(queue),
            thread: None,
            stats: thread.stats,
            failed: thread.failed,
            full: thread.full,
        };
        assert!(matches!(writer.ready(), Err(Error::ReadOnly(_))));
    }
}
