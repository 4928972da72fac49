//! The socket as hyper sees it, with what goes through it noted down and pipelined answers gathered; no deadline is kept here.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::connection_state::ConnectionState;
use super::framing::{Follower, Reading};
use super::traffic::Cut;

/// The most that is gathered of answers to pipelined requests for one write, in bytes: where somebody has
/// signed in, and where nobody has.
const GATHERED_BYTES: usize = 32 * 1024;
const GATHERED_BYTES_ANONYMOUS: usize = 16 * 1024;

/// How much of a next request is read at most while an answer lasts, in bytes.
const AHEAD_BYTES: usize = 256;

/// A stream that can be ended at once.
pub(crate) trait Reset {
    /// Lets the stream end by a reset when it is dropped. Otherwise the kernel goes on sending what
    /// it has taken, for as long as the peer takes a byte of it now and then.
    ///
    /// # Errors
    /// As the system says; the stream then ends as any other.
    fn reset_when_dropped(&self) -> io::Result<()>;
}

impl Reset for TcpStream {
    fn reset_when_dropped(&self) -> io::Result<()> {
        self.set_zero_linger()
    }
}

impl Reset for TlsStream<TcpStream> {
    fn reset_when_dropped(&self) -> io::Result<()> {
        self.get_ref().0.reset_when_dropped()
    }
}

/// A stream whose bytes are followed.
///
/// It also gathers the answers to pipelined requests into one write: while hyper has a whole
/// request left that it did not begin, answers are held back. hyper's own `pipeline_flush` holds
/// them back while it has any byte left, which keeps an answer from a peer that sent half of its
/// next request, and never sends the 400 to a malformed one (hyper 1.12, November 2026).
#[derive(Debug)]
pub(crate) struct Followed<S: Reset> {
    inner: S,
    follower: Follower,
    state: Arc<ConnectionState>,
    /// What is held back for one write.
    gathered: Vec<u8>,
    /// Bytes of it that are written already.
    written: usize,
    /// What came while the stream was read to find its end.
    ahead: Vec<u8>,
}

impl<S: Reset> Followed<S> {
    pub(crate) fn new(inner: S, state: Arc<ConnectionState>) -> Self {
        Self {
            inner,
            follower: Follower::new(),
            state,
            gathered: Vec::new(),
            written: 0,
            ahead: Vec::new(),
        }
    }

    fn note_write(&mut self, outcome: &Poll<io::Result<usize>>) {
        match outcome {
            Poll::Ready(Ok(written)) => {
                self.state.note_written(*written);
                self.follower.note_written(*written);
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.state.note_blocked(),
        }
    }

    /// hyper begins the next request by itself, or shuts the stream down.
    fn more_to_begin(&self) -> bool {
        self.follower.heads() > self.state.begun()
    }

    /// Whether `bytes` bytes of answers are held back, to go out with others.
    fn gathers(&self, bytes: usize) -> bool {
        (!self.gathered.is_empty() || self.more_to_begin())
            && self.gathered.len() + bytes <= self.room()
    }

    fn room(&self) -> usize {
        if self.state.standing.has_signed_in() {
            GATHERED_BYTES
        } else {
            GATHERED_BYTES_ANONYMOUS
        }
    }

    fn gather(&mut self, bytes: &[u8]) {
        if self.gathered.capacity() == 0 {
            // At once, as growing would copy what is there.
            self.gathered.reserve_exact(self.room());
        }
        self.gathered.extend_from_slice(bytes);
    }
}

impl<S: AsyncWrite + Reset + Unpin> Followed<S> {
    fn poll_write_gathered(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.gathered.len() {
            let left = &self.gathered[self.written..];
            let outcome = Pin::new(&mut self.inner).poll_write(cx, left);
            self.note_write(&outcome);
            match ready!(outcome)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        self.written = 0;
        self.gathered = Vec::new();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Reset + Unpin> AsyncRead for Followed<S> {
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
            if reading == Reading::Flooded {
                self.state.note_cut(Cut::Frames);
                return Poll::Ready(Err(io::Error::other("too many frames that carry nothing")));
            }
            self.state.note_reading(reading);
        }
        outcome
    }
}

impl<S: AsyncRead + Reset + Unpin> Followed<S> {
    /// Notes that the peer has closed its side before its request was answered. It is an error at
    /// once if the connection is gone, or if the answer lasts only while the peer listens. hyper
    /// does not read while it answers, as other answers are worth sending then.
    fn poll_listener(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.state.is_busy() || !self.follower.is_between() || !self.ahead.is_empty() {
            return Ok(());
        }
        if !self.state.has_left() {
            let mut bytes = [0; AHEAD_BYTES];
            let mut buffer = ReadBuf::new(&mut bytes);
            if Pin::new(&mut self.inner)
                .poll_read(cx, &mut buffer)?
                .is_pending()
            {
                return Ok(());
            }
            if !buffer.filled().is_empty() {
                self.ahead.extend_from_slice(buffer.filled());
                return Ok(());
            }
            self.state.note_left();
        }
        if self.state.is_while_listening() {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the peer has left",
            ));
        }
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Reset + Unpin> AsyncWrite for Followed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.gathers(bytes.len()) {
            self.gather(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_write_gathered(cx))?;
        let outcome = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.note_write(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = slices.iter().map(|slice| slice.len()).sum();
        if self.gathers(bytes) {
            for slice in slices {
                self.gather(slice);
            }
            return Poll::Ready(Ok(bytes));
        }
        ready!(self.poll_write_gathered(cx))?;
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.note_write(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.more_to_begin() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_write_gathered(cx))?;
        self.state.note_flushed();
        self.poll_listener(cx)?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_gathered(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: Reset> Drop for Followed<S> {
    fn drop(&mut self) {
        if self.state.ends_by_reset()
            && let Err(error) = self.inner.reset_when_dropped()
        {
            tracing::debug!(%error, "a connection could not be reset");
        }
    }
}
