//! The thread that writes counts to disk, at intervals and at once for callers who wait. One write serves
//! all of them.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Counters;
use super::journal::Journal;
use crate::error::NotCounted;

/// Called with whether the counts are on disk.
pub(crate) type Waiter = Box<dyn FnOnce(Result<(), NotCounted>) + Send>;

/// The queue of callers who wait for their counts to be on disk.
#[derive(Default)]
pub(crate) struct Flusher {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    waiters: Vec<Waiter>,
    stopping: bool,
}

impl Flusher {
    /// Calls `waiter` once everything counted before is on disk.
    pub(crate) fn ask(&self, waiter: Waiter) {
        let mut queue = self.queue();
        if queue.stopping {
            drop(queue);
            waiter(Err(NotCounted));
            return;
        }
        queue.waiters.push(waiter);
        self.wake.notify_one();
    }

    /// Blocks until everything counted before is on disk.
    ///
    /// # Errors
    /// It could not be written.
    pub(crate) fn wait(&self) -> Result<(), NotCounted> {
        let (done, told) = std::sync::mpsc::channel();
        self.ask(Box::new(move |outcome| {
            // It fails only if nobody waits any more.
            let _ = done.send(outcome);
        }));
        told.recv().unwrap_or(Err(NotCounted))
    }

    /// Waits until everything counted before is on disk.
    ///
    /// # Errors
    /// It could not be written.
    pub(crate) async fn written(&self) -> Result<(), NotCounted> {
        let (done, told) = tokio::sync::oneshot::channel();
        self.ask(Box::new(move |outcome| {
            let _ = done.send(outcome);
        }));
        told.await.unwrap_or(Err(NotCounted))
    }

    /// Stops [`Flusher::run`] after a last write.
    pub(crate) fn stop(&self) {
        self.queue().stopping = true;
        self.wake.notify_all();
    }

    /// Writes until it is stopped. `note` is called with each outcome and whether there was something to
    /// write.
    pub(crate) fn run(
        &self,
        counters: &Counters,
        mut journal: Journal,
        every: Duration,
        note: impl Fn(Result<bool, std::io::Error>),
    ) {
        loop {
            let (waiters, stopping) = self.gather(every);
            let outcome = flush(counters, &mut journal);
            let told = outcome.as_ref().map(|_| ()).map_err(|_| NotCounted);
            note(outcome);
            waiters.into_iter().for_each(|waiter| waiter(told));
            if stopping {
                // Later callers must not wait for ever.
                let late = std::mem::take(&mut self.queue().waiters);
                late.into_iter().for_each(|waiter| waiter(Err(NotCounted)));
                return;
            }
        }
    }

    fn gather(&self, every: Duration) -> (Vec<Waiter>, bool) {
        let idle = |queue: &mut Queue| queue.waiters.is_empty() && !queue.stopping;
        let waited = self.wake.wait_timeout_while(self.queue(), every, idle);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut queue.waiters), queue.stopping)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what is not yet on disk. Returns whether there was something.
///
/// # Errors
/// It cannot be written. The next flush tries again.
pub(crate) fn flush(counters: &Counters, journal: &mut Journal) -> std::io::Result<bool> {
    if counters.apply_assignment() || journal.is_due() {
        let snapshot = counters.snapshot();
        journal.rewrite(&snapshot)?;
        counters.note_snapshot(&snapshot);
        return Ok(true);
    }
    let changed = counters.unjournaled();
    if changed.is_empty() {
        return Ok(false);
    }
    journal.append(&changed)?;
    counters.note_journaled(&changed);
    Ok(true)
}

/// Starts the flusher's thread.
pub(crate) fn spawn(
    flusher: &Arc<Flusher>,
    counters: &Arc<Counters>,
    journal: Journal,
    every: Duration,
    note: impl Fn(Result<bool, std::io::Error>) + Send + 'static,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let (flusher, counters) = (Arc::clone(flusher), Arc::clone(counters));
    let thread = std::thread::Builder::new().name("lictor-flush".to_owned());
    thread.spawn(move || flusher.run(&counters, journal, every, note))
}
