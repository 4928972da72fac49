//! The queue of lines to write. It is bounded in bytes, and loggers never wait for it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lictor_planted as planted;

use super::Log;

/// How much waits at most, in bytes.
const MOST: usize = 4 << 20;

/// What a line costs beside its text, in bytes.
const OVERHEAD: usize = 64;

/// Whole lines.
pub(super) struct Entry(Vec<u8>);

/// Why the queue yields nothing now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// The time is over.
    Late,
    /// It has ended.
    Ended,
}

/// There was no room.
pub(super) struct Full;

/// The queue.
#[derive(Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    has_come: Condvar,
    is_done: Condvar,
}

#[derive(Default)]
struct Inner {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// The thread that writes waits for more.
    #[cfg(test)]
    is_waiting: bool,
    ended: bool,
    done: bool,
}

impl Entry {
    /// Of this text, which ends with a line end.
    pub(super) fn of(text: Vec<u8>) -> Self {
        Self(text)
    }

    /// The text.
    pub(super) fn text(&self) -> &[u8] {
        &self.0
    }

    fn cost(&self) -> usize {
        self.0.len() + OVERHEAD
    }
}

impl Queue {
    /// Adds an entry, if there is room.
    ///
    /// # Errors
    /// [`Full`]; also after the end.
    pub(super) fn push(&self, entry: Entry) -> Result<(), Full> {
        let mut inner = self.lock();
        let bytes = inner.bytes + entry.cost();
        if bytes > MOST || inner.ended {
            return Err(Full);
        }
        inner.bytes = bytes;
        inner.entries.push_back(entry);
        drop(inner);
        self.has_come.notify_one();
        Ok(())
    }

    /// The oldest entry.
    ///
    /// # Errors
    /// [`Pause::Late`] if none came until `deadline`, [`Pause::Ended`] if none will.
    pub(super) fn next(&self, deadline: Instant) -> Result<Entry, Pause> {
        let mut inner = self.lock();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Pause::Late);
            }
            if let Some(entry) = inner.entries.pop_front() {
                inner.bytes -= entry.cost();
                return Ok(entry);
            }
            if inner.ended {
                return Err(Pause::Ended);
            }
            #[cfg(test)]
            {
                inner.is_waiting = true;
            }
            let waited = self.has_come.wait_timeout(inner, left);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
            #[cfg(test)]
            {
                inner.is_waiting = false;
            }
        }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().entries.is_empty()
    }

    /// Whether nothing waits, and nothing is being written.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        let inner = self.lock();
        inner.is_waiting && inner.entries.is_empty()
    }

    /// Takes nothing more, and waits so long at most until what is there is written.
    pub(super) fn end(&self, patience: Duration) {
        let mut inner = self.lock();
        inner.ended = true;
        self.has_come.notify_one();
        let waited = self
            .is_done
            .wait_timeout_while(inner, patience, |inner| !inner.done);
        drop(waited);
    }

    /// Says that all is written after the end.
    pub(super) fn set_done(&self) {
        self.lock().done = true;
        self.is_done.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes lines into the queue, and never fails. Lines without room are counted.
pub(super) struct Queued(pub(super) Arc<Log>);

impl io::Write for Queued {
    #[expect(
        clippy::panic,
        reason = "a planted fault: never in a build that is shipped"
    )]
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if planted::is("log-panics")
            && let Err(error) = io::stderr().write_all(line)
        {
            panic!("the log cannot be written: {error}");
        }
        self.0.offer(Entry::of(line.to_vec()));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
