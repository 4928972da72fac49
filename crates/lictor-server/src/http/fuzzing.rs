//! The door through which fuzz targets reach this folder's private parsers; no other build has it.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection_state::ConnectionState;
use super::framing::{self, Follower, Reading};
use super::limits::ConnectionLimits;
use super::refusal::Refusal;
use super::stream::{Followed, Reset};

/// Where a followed connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Between two requests, or in a body.
    Settled,
    /// In the head with this number.
    InHead(u64),
    /// Not to be trusted from this request on.
    Ambiguous(u64),
    /// Cut off, for frames that carry nothing.
    Flooded,
}

/// The follower of one connection.
#[derive(Debug)]
pub struct Trace(Follower);

impl Default for Trace {
    fn default() -> Self {
        Self(Follower::new())
    }
}

impl Trace {
    /// Takes the bytes of one read.
    pub fn read(&mut self, bytes: &[u8]) -> Place {
        match self.0.read(bytes) {
            Reading::Settled => Place::Settled,
            Reading::InHead(number) => Place::InHead(number),
            Reading::Ambiguous(from) => Place::Ambiguous(from),
            Reading::Flooded => Place::Flooded,
        }
    }

    /// Heads read to their end.
    pub fn heads(&self) -> u64 {
        self.0.heads()
    }
}

/// One request that hyper handed to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handed {
    /// How many bytes of the connection had been read by then.
    pub after: usize,
    /// Whether its framing was trusted, and its host and target were in order.
    pub accepted: bool,
    /// The length of its body, if it was read to its end.
    pub body: Option<usize>,
}

/// A request's target with its runs of slashes made one. `None` if it is no target.
pub fn merged(target: &str) -> Option<axum::http::Uri> {
    let mut uri = target.parse().ok()?;
    super::merge_slashes::merge(&mut uri);
    Some(uri)
}

/// Sends bytes through hyper as the server is set up with it, at most `step` of them a read, and
/// says which requests came out.
pub fn connection(bytes: &[u8], step: usize) -> Vec<Handed> {
    let state = Arc::new(ConnectionState::new(None));
    let read = Arc::new(AtomicUsize::new(0));
    let handed = Arc::new(Mutex::new(Vec::new()));
    let limits = ConnectionLimits::default();
    let wire = Wire {
        bytes: bytes.to_vec(),
        read: Arc::clone(&read),
        step,
    };
    let (heard, begun) = (Arc::clone(&handed), Arc::clone(&state));
    let max_uri_bytes = limits.max_uri_bytes;
    let service = service_fn(move |request: Request<Incoming>| {
        let handed = Arc::clone(&heard);
        let (in_flight, trusted) = begun.begin();
        let checked = if trusted {
            framing::check(&request, max_uri_bytes)
        } else {
            Err(Refusal::AmbiguousFraming)
        };
        let number = note(&handed, |all| {
            all.push(Handed {
                after: read.load(Ordering::Relaxed),
                accepted: checked.is_ok(),
                body: None,
            });
            all.len() - 1
        });
        let version = request.version();
        async move {
            let _in_flight = in_flight;
            if let Err(refusal) = checked {
                return Ok::<_, Infallible>(refusal.into_response(version));
            }
            if let Ok(body) = request.into_body().collect().await {
                note(&handed, |all| {
                    all[number].body = Some(body.to_bytes().len());
                });
            }
            Ok(Response::new(Body::empty()))
        }
    });
    let builder = super::connection::builder(&limits).http1_only();
    let io = TokioIo::new(Followed::new(wire, Arc::clone(&state)));
    {
        let mut connection = pin!(builder.serve_connection(io, service));
        let mut cx = Context::from_waker(Waker::noop());
        // Reads and writes are always ready: what is pending now stays so, but for hyper's yielding
        // to other tasks.
        for _ in 0..=bytes.len() {
            if connection.as_mut().poll(&mut cx).is_ready() {
                break;
            }
        }
    }
    note(&handed, std::mem::take)
}

fn note<T>(handed: &Mutex<Vec<Handed>>, change: impl FnOnce(&mut Vec<Handed>) -> T) -> T {
    change(&mut handed.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A peer that has sent everything, closes its side, and takes any answer.
struct Wire {
    bytes: Vec<u8>,
    read: Arc<AtomicUsize>,
    step: usize,
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let at = self.read.load(Ordering::Relaxed);
        let left = &self.bytes[at..];
        let count = left.len().min(self.step).min(buffer.remaining());
        buffer.put_slice(&left[..count]);
        self.read.store(at + count, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Reset for Wire {
    fn reset_when_dropped(&self) -> std::io::Result<()> {
        Ok(())
    }
}
