//! The bytes of answers on their way out over HTTP/2, where a peer takes them stream by stream: how many wait, and how many were taken.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use futures_util::task::AtomicWaker;

use super::connection_state::{ConnectionState, InWork};

/// An answer of at most so many bytes is handed over with its end, so that it goes out in one
/// write. A longer one is not at its end before it is taken, so that its stream can be ended.
const AT_ONCE: u64 = 16 * 1024;

/// Counts of bytes, which order no other memory.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    handed: AtomicU64,
    /// Taken, or given up.
    gone: AtomicU64,
    taken: AtomicU64,
    /// How often nothing waited any more.
    emptied: AtomicU64,
}

impl Outgoing {
    /// A number that is the same for as long as bytes wait. `None` if none do.
    pub(crate) fn waiting(&self) -> Option<u64> {
        (self.left() > 0).then(|| self.emptied.load(Ordering::Relaxed))
    }

    /// Bytes that the peer took so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    fn left(&self) -> u64 {
        // Read in this order, it is never too little: what is gone was handed over before.
        let gone = self.gone.load(Ordering::Relaxed);
        self.handed.load(Ordering::Relaxed).saturating_sub(gone)
    }

    fn add(&self, bytes: usize) {
        self.handed.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn take(&self, bytes: usize) {
        self.taken.fetch_add(bytes as u64, Ordering::Relaxed);
        self.lose(bytes);
    }

    fn lose(&self, bytes: usize) {
        let bytes = bytes as u64;
        let gone = self.gone.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if gone == self.handed.load(Ordering::Relaxed) {
            self.emptied.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What is counted of one answer over HTTP/2.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) own: Outgoing,
    pub(crate) connection: Arc<ConnectionState>,
    emptied: AtomicWaker,
    _in_work: Option<InWork>,
}

impl Stream {
    pub(crate) fn new(connection: Arc<ConnectionState>, in_work: Option<InWork>) -> Arc<Self> {
        Arc::new(Self {
            own: Outgoing::default(),
            connection,
            emptied: AtomicWaker::new(),
            _in_work: in_work,
        })
    }

    /// Whether so much waits that the answer is not to end before it is taken.
    pub(crate) fn holds_its_end(&self) -> bool {
        self.own.left() > AT_ONCE
    }

    /// Ready when nothing waits.
    pub(crate) fn poll_empty(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.own.left() == 0 {
            return Poll::Ready(());
        }
        self.emptied.register(cx.waker());
        if self.own.left() == 0 {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

/// Bytes of an answer, of which it is noted how many the peer took if they go by HTTP/2. Over
/// HTTP/1 the socket tells as much.
#[derive(Debug)]
pub(crate) struct Piece {
    bytes: Bytes,
    stream: Option<Arc<Stream>>,
}

impl Piece {
    pub(crate) fn new(bytes: Bytes, stream: Option<&Arc<Stream>>) -> Self {
        if let Some(stream) = stream {
            stream.own.add(bytes.len());
            stream.connection.outgoing.add(bytes.len());
        }
        Self {
            bytes,
            stream: stream.map(Arc::clone),
        }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        if let Some(stream) = &self.stream {
            stream.own.take(count);
            stream.connection.outgoing.take(count);
            if self.bytes.is_empty() {
                stream.emptied.wake();
            }
        }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(stream) = &self.stream
            && !self.bytes.is_empty()
        {
            stream.own.lose(self.bytes.len());
            stream.connection.outgoing.lose(self.bytes.len());
            stream.emptied.wake();
        }
    }
}

thread_local! {
    /// The stream whose answer began in the poll that is going on.
    static ANSWERED: Cell<Option<Arc<Stream>>> = const { Cell::new(None) };
}

/// Tells the poll that is going on which stream is being answered in it.
pub(crate) fn tell(stream: &Arc<Stream>) {
    ANSWERED.set(Some(Arc::clone(stream)));
}

/// What was told in this poll.
pub(crate) fn told() -> Option<Arc<Stream>> {
    ANSWERED.take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_what_was_neither_taken_nor_given_up() {
        let state = Arc::new(ConnectionState::new(None));
        let stream = Stream::new(Arc::clone(&state), None);
        let mut piece = Piece::new(Bytes::from_static(b"0123456789"), Some(&stream));
        let other = Piece::new(Bytes::from_static(b"abc"), Some(&stream));
        assert_eq!(stream.own.waiting(), Some(0));
        piece.advance(4);
        assert_eq!((stream.own.left(), stream.own.taken()), (9, 4));
        drop(piece);
        assert_eq!((stream.own.left(), stream.own.taken()), (3, 4));
        drop(other);
        assert_eq!((stream.own.waiting(), stream.own.taken()), (None, 4));
        let _next = Piece::new(Bytes::from_static(b"d"), Some(&stream));
        assert_eq!(stream.own.waiting(), Some(1), "another wait");
        assert_eq!(state.outgoing.waiting(), Some(1));
    }
}
