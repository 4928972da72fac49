//! The socket as hyper sees it, with what goes through it noted down, pipelined answers gathered, and hyper's bare refusals put into words; no deadline is kept here.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use lictor_planted as planted;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framing::{Follower, Reading};
use super::refusal::Refusal;

/// What the stream, the requests and the keeper of one connection tell each other.
///
/// HTTP/2 answers requests on other threads than the connection's, so these are atomics. They are
/// notes, and order no other memory: `Relaxed` everywhere.
#[derive(Debug)]
pub(crate) struct Notes {
    /// 0 before the first byte, 1 when settled, `2 + n` in the middle of the n-th head.
    reading: AtomicU64,
    ambiguous_from: AtomicU64,
    begun: AtomicU64,
    ended: AtomicU64,
    /// How many requests had begun with the last that is answered while its peer listens.
    while_listening: AtomicU64,
    write_blocked: AtomicBool,
    writes: AtomicU64,
}

const UNTOUCHED: u64 = 0;
const SETTLED: u64 = 1;
const FIRST_HEAD: u64 = 2;

/// A request from its head to the last byte of its answer.
#[derive(Debug)]
pub(crate) struct InFlight {
    notes: Arc<Notes>,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self {
            reading: AtomicU64::new(UNTOUCHED),
            ambiguous_from: AtomicU64::new(u64::MAX),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            while_listening: AtomicU64::new(0),
            write_blocked: AtomicBool::new(false),
            writes: AtomicU64::new(0),
        }
    }

    /// Begins a request, and says whether its framing can be trusted.
    pub(crate) fn begin(self: &Arc<Self>) -> (InFlight, bool) {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let trusted = number < self.ambiguous_from.load(Ordering::Relaxed)
            || planted::is("framing-unchecked");
        (
            InFlight {
                notes: Arc::clone(self),
            },
            trusted,
        )
    }

    /// No byte came yet.
    pub(crate) fn is_untouched(&self) -> bool {
        self.reading.load(Ordering::Relaxed) == UNTOUCHED
    }

    /// The number of the head that is being read, if one is.
    pub(crate) fn head(&self) -> Option<u64> {
        self.reading.load(Ordering::Relaxed).checked_sub(FIRST_HEAD)
    }

    /// Requests begun so far.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether a request is in flight.
    pub(crate) fn is_busy(&self) -> bool {
        self.ended.load(Ordering::Relaxed) != self.begun.load(Ordering::Relaxed)
    }

    /// Whether the request in flight is answered only while its peer listens.
    fn is_while_listening(&self) -> bool {
        let number = self.while_listening.load(Ordering::Relaxed);
        number != 0 && number == self.begun() && self.is_busy()
    }

    /// Whether the next request to begin is not to be trusted.
    fn is_ambiguous(&self) -> bool {
        self.begun() >= self.ambiguous_from.load(Ordering::Relaxed)
    }

    /// The number of writes so far, if the peer takes no more for now.
    pub(crate) fn blocked_at(&self) -> Option<u64> {
        let blocked = self.write_blocked.load(Ordering::Relaxed);
        blocked.then(|| self.writes.load(Ordering::Relaxed))
    }

    fn note_reading(&self, reading: Reading) {
        let state = match reading {
            Reading::Settled => SETTLED,
            Reading::InHead(number) => FIRST_HEAD + number,
            Reading::Ambiguous(from) => {
                self.ambiguous_from.store(from, Ordering::Relaxed);
                SETTLED
            }
        };
        self.reading.store(state, Ordering::Relaxed);
    }

    fn note_write<T>(&self, outcome: &Poll<io::Result<T>>) {
        self.write_blocked
            .store(outcome.is_pending(), Ordering::Relaxed);
        if outcome.is_ready() {
            // Only the connection's own task writes.
            let writes = self.writes.load(Ordering::Relaxed).wrapping_add(1);
            self.writes.store(writes, Ordering::Relaxed);
        }
    }
}

impl InFlight {
    /// Notes that this request, the last that began, is answered only while its peer listens.
    pub(crate) fn note_while_listening(&self) {
        let number = self.notes.begun();
        self.notes.while_listening.store(number, Ordering::Relaxed);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.notes.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// Answers to pipelined requests that are held back for one write, in bytes.
const HELD_BYTES: usize = 64 * 1024;

/// Room for held answers that a connection keeps when nothing is held, in bytes.
const KEPT_BYTES: usize = 8 * 1024;

/// How much of a next request is read at most while an answer lasts, in bytes.
const AHEAD_BYTES: usize = 256;

/// A stream whose bytes are followed.
///
/// It also gathers the answers to pipelined requests into one write: while hyper has a whole
/// request left that it did not begin, answers are held back. hyper's own `pipeline_flush` holds
/// them back while it has any byte left, which keeps an answer from a peer that sent half of its
/// next request, and never sends the 400 to a malformed one (hyper 1.12, November 2026).
#[derive(Debug)]
pub(crate) struct Followed<S> {
    inner: S,
    follower: Follower,
    notes: Arc<Notes>,
    held: Vec<u8>,
    /// Bytes of `held` that are written already.
    written: usize,
    /// What came while the stream was read to find its end.
    ahead: Vec<u8>,
}

impl<S> Followed<S> {
    pub(crate) fn new(inner: S, notes: Arc<Notes>) -> Self {
        Self {
            inner,
            follower: Follower::new(),
            notes,
            held: Vec::new(),
            written: 0,
            ahead: Vec::new(),
        }
    }

    /// hyper begins the next request by itself, or shuts the stream down.
    fn more_to_begin(&self) -> bool {
        self.follower.heads() > self.notes.begun()
    }

    /// Holds back what is to be said in the place of `bytes`, if hyper refuses a request with them.
    /// It does so alone, after all other answers were written and before it shuts the stream down.
    fn reword(&mut self, bytes: &[u8]) -> bool {
        let refusal = Refusal::behind(bytes, self.notes.is_ambiguous());
        let Some(refusal) = refusal.filter(|_| !self.notes.is_busy()) else {
            return false;
        };
        self.held.extend_from_slice(&refusal.in_place_of(bytes));
        true
    }

    /// Whether answers of `bytes` bytes are to be held back, to go out with others.
    fn holds(&self, bytes: usize) -> bool {
        (!self.held.is_empty() || self.more_to_begin()) && self.held.len() + bytes <= HELD_BYTES
    }
}

impl<S: AsyncWrite + Unpin> Followed<S> {
    fn poll_write_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.held.len() {
            let left = &self.held[self.written..];
            let outcome = Pin::new(&mut self.inner).poll_write(cx, left);
            self.notes.note_write(&outcome);
            match ready!(outcome)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        self.written = 0;
        self.held.clear();
        self.held.shrink_to(KEPT_BYTES);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Followed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = if self.ahead.is_empty() {
            Pin::new(&mut self.inner).poll_read(cx, buffer)
        } else {
            let fitting = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead[..fitting]);
            self.ahead.drain(..fitting);
            Poll::Ready(Ok(()))
        };
        let read = &buffer.filled()[before..];
        if !read.is_empty() {
            let reading = self.follower.read(read);
            self.notes.note_reading(reading);
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> Followed<S> {
    /// An error once the peer of an answer that lasts while it listens has closed its side. hyper
    /// does not read while it answers, as other answers are worth sending then.
    fn poll_listener(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.notes.is_while_listening() || !self.ahead.is_empty() {
            return Ok(());
        }
        let mut bytes = [0; AHEAD_BYTES];
        let mut buffer = ReadBuf::new(&mut bytes);
        match Pin::new(&mut self.inner).poll_read(cx, &mut buffer)? {
            Poll::Pending => Ok(()),
            Poll::Ready(()) if buffer.filled().is_empty() => Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the peer has left",
            )),
            Poll::Ready(()) => {
                self.ahead.extend_from_slice(buffer.filled());
                Ok(())
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Followed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.reword(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        if self.holds(bytes.len()) {
            self.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_write_held(cx))?;
        let outcome = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.notes.note_write(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = slices
            && self.reword(only)
        {
            return Poll::Ready(Ok(only.len()));
        }
        let bytes = slices.iter().map(|slice| slice.len()).sum();
        if self.holds(bytes) {
            for slice in slices {
                self.held.extend_from_slice(slice);
            }
            return Poll::Ready(Ok(bytes));
        }
        ready!(self.poll_write_held(cx))?;
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.notes.note_write(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.more_to_begin() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_write_held(cx))?;
        self.poll_listener(cx)?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_held(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
