//! The queue between those who write and the one thread that does: it is served in turn, stream by
//! stream, and wakes the thread only when it sleeps.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::turns::Turns;

/// A queue that one thread serves. It has no bound of its own: whoever waits for an item bounds how
/// many there are.
pub(crate) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    filled: Condvar,
}

/// Why a wait has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// There is something to take.
    Filled,
    /// The moment has come.
    TimeIsUp,
    /// The queue is closed and all was taken.
    Closed,
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

    /// Waits until there is something to take, or until this moment.
    pub(crate) fn wait(&self, until: Option<Instant>) -> Waited {
        let mut inner = self.lock();
        loop {
            if inner.turns.streams() > 0 {
                return Waited::Filled;
            }
            if inner.closed {
                return Waited::Closed;
            }
            inner.sleeps = true;
            inner = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => {
                    let woken = self.filled.wait(inner);
                    woken.unwrap_or_else(PoisonError::into_inner)
                }
                Some(Duration::ZERO) => {
                    inner.sleeps = false;
                    return Waited::TimeIsUp;
                }
                Some(left) => {
                    let woken = self.filled.wait_timeout(inner, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
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
