//! What one connection holds of the memory for bodies, and for whom; what all of them may hold together is `http::shares`'.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use uuid::Uuid;

/// How much a connection may hold, in bytes, while a long list is read for it, and for how many of its
/// streams such lists are read at once.
pub(crate) const MUCH: usize = 1_000_000;
const READ_AT_ONCE: usize = 2;

/// Who memory is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Somebody who has not signed in.
    Anonymous,
    /// The organization that a request is about.
    Organization(Uuid),
}

/// What one connection holds.
#[derive(Debug)]
pub(crate) struct Holding {
    held: Mutex<Held>,
    reading: Arc<Semaphore>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    /// Of them, those of a request that its peer has not sent, or of an answer that it has not taken.
    with_peer: usize,
    /// Who they are held for.
    owner: Option<Owner>,
    /// When the peer last sent or took some.
    moved: Option<Instant>,
}

/// What a connection holds of which its peer sends and takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Still {
    pub(crate) since: Instant,
    pub(crate) owner: Owner,
    /// All that the connection holds.
    pub(crate) bytes: usize,
}

/// The turn of a stream to have a list read, which ends when its answer begins to leave. It is an
/// extension of the answer.
#[derive(Debug, Clone)]
pub(crate) struct Turn(#[expect(dead_code, reason = "it is held")] Arc<OwnedSemaphorePermit>);

impl Default for Holding {
    fn default() -> Self {
        Self {
            held: Mutex::default(),
            reading: Arc::new(Semaphore::new(READ_AT_ONCE)),
            freed: Notify::new(),
        }
    }
}

impl Holding {
    /// Always the last lock that is taken: nothing else is locked meanwhile.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much is held, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Counts so many bytes more.
    pub(crate) fn add(&self, bytes: usize) {
        self.lock().bytes += bytes;
    }

    /// Counts so many bytes less, which may let a list be read.
    pub(crate) fn give_back(&self, bytes: usize) {
        let mut held = self.lock();
        held.bytes = held.bytes.saturating_sub(bytes);
        drop(held);
        self.freed.notify_waiters();
    }

    /// Waits until the peer has taken what was read for its other streams, so that nothing large is
    /// read for somebody who takes nothing.
    pub(crate) async fn turn_to_read(&self) -> Option<Turn> {
        // It is never closed.
        let turn = Arc::clone(&self.reading).acquire_owned().await.ok()?;
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            if self.bytes() <= MUCH {
                return Some(Turn(Arc::new(turn)));
            }
            freed.await;
        }
    }

    /// What is held, if the peer has sent and taken nothing for that long.
    pub(crate) fn still(&self, now: Instant, least: Duration) -> Option<Still> {
        let held = self.lock();
        let (since, owner) = held.moved.zip(held.owner)?;
        let still = Still {
            since,
            owner,
            bytes: held.bytes,
        };
        (held.with_peer > 0 && now - since >= least).then_some(still)
    }

    /// The peer has sent or taken some.
    pub(crate) fn note_moved(&self) {
        self.lock().moved = Some(Instant::now());
    }

    /// So many bytes now wait for the peer.
    pub(crate) fn add_with_peer(&self, owner: Owner, bytes: usize) {
        let mut held = self.lock();
        held.with_peer += bytes;
        held.owner = Some(owner);
        held.moved = Some(Instant::now());
    }

    /// So many bytes no longer do.
    pub(crate) fn take_from_peer(&self, bytes: usize) {
        let mut held = self.lock();
        held.with_peer = held.with_peer.saturating_sub(bytes);
        held.moved = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_neither_sends_nor_takes_what_is_held_for_it_stands_still() {
        let holding = Holding::default();
        let (now, least) = (Instant::now(), Duration::from_secs(1));
        assert_eq!(holding.still(now + least, least), None);
        holding.add_with_peer(Owner::Anonymous, 5);
        assert_eq!(holding.still(now + least / 2, least), None);
        assert!(holding.still(now + least, least).is_some());
        tokio::time::advance(least).await;
        holding.note_moved();
        assert_eq!(holding.still(now + least, least), None);
        holding.take_from_peer(5);
        assert_eq!(
            holding.still(now + 3 * least, least),
            None,
            "it waits for the server"
        );
    }
}
