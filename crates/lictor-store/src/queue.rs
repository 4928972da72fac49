//! The queue between those who write and the one thread that does: it is served in turn, stream by
//! stream, and wakes the thread only when it sleeps.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::turns::Turns;

/// A queue that one thread serves. It has no bound of its own: whoever waits for an item bounds how
/// many there are.
pub(crate) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    filled: Condvar,
}

struct Inner<T> {
    turns: Turns<T>,
    /// Whether the thread sleeps.
    sleeps: bool,
    closed: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let inner = Inner {
            turns: Turns::default(),
            sleeps: false,
            closed: false,
        };
        Self {
            inner: Mutex::new(inner),
            filled: Condvar::new(),
        }
    }
}

impl<T> Queue<T> {
    /// Puts an item at the end of its stream's line; gives it back when the queue is closed.
    pub(crate) fn push(&self, stream: Uuid, item: T) -> Result<(), T> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(item);
        }
        inner.turns.push(stream, item);
        let sleeps = std::mem::take(&mut inner.sleeps);
        drop(inner);
        if sleeps {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Takes no more; what waits is still served.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.sleeps = false;
        drop(inner);
        self.filled.notify_all();
    }

    /// Takes no more, and drops what waits.
    pub(crate) fn abandon(&self) {
        let dropped = {
            let mut inner = self.lock();
            inner.closed = true;
            std::mem::take(&mut inner.turns)
        };
        drop(dropped);
    }

    /// Waits until there is something to take; false: the queue is closed and all was taken.
    pub(crate) fn wait(&self) -> bool {
        let mut inner = self.lock();
        loop {
            if inner.turns.streams() > 0 {
                return true;
            }
            if inner.closed {
                return false;
            }
            inner.sleeps = true;
            let woken = self.filled.wait(inner);
            inner = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes items in turn, up to the first that `fits` says has to wait; it is told how many
    /// streams wait.
    pub(crate) fn take(&self, mut fits: impl FnMut(&T, usize) -> bool) -> Vec<T> {
        let mut inner = self.lock();
        let next = || {
            let streams = inner.turns.streams();
            inner.turns.next_if(|item| fits(item, streams))
        };
        std::iter::from_fn(next).collect()
    }

    /// Counts how long the work of these streams took.
    pub(crate) fn charge(&self, work: impl IntoIterator<Item = (Uuid, Duration)>) {
        let mut inner = self.lock();
        for (stream, took) in work {
            inner.turns.charge(stream, took);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
