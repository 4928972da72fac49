//! How large and how slow the body of a request may be, as a layer for the routes; the figures are given to it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{Request, Response, Version};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};

use super::limits::BODY_READ_TIMEOUT;
use super::refusal::Refusal;

/// Bounds the bodies of the requests it is laid around.
///
/// A body whose announced length is beyond the limit is answered 413 before anything of it is read;
/// one that turns out larger, or does not arrive in time, is answered 413 or 408 whatever the
/// service made of the failing read. A request without a body passes untouched and costs nothing.
///
/// axum's extractors have a limit of 2 MB of their own: a route that reads more with them needs
/// `DefaultBodyLimit::disable()`.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit {
    /// Bytes.
    pub max_bytes: u64,
    /// From the first time the service waits for the peer to the end of the body.
    pub read_timeout: Duration,
}

impl BodyLimit {
    /// A limit of `max_bytes`, with [`BODY_READ_TIMEOUT`].
    #[must_use]
    pub const fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            read_timeout: BODY_READ_TIMEOUT,
        }
    }

    fn too_large(self) -> Refusal {
        Refusal::BodyTooLarge {
            max_bytes: self.max_bytes,
        }
    }

    fn too_slow(self) -> Refusal {
        Refusal::BodyTooSlow {
            seconds: self.read_timeout.as_secs(),
        }
    }
}

impl<S> Layer<S> for BodyLimit {
    type Service = BoundedBodies<S>;

    fn layer(&self, inner: S) -> BoundedBodies<S> {
        BoundedBodies {
            inner,
            limit: *self,
        }
    }
}

/// A service whose requests have bodies within a [`BodyLimit`].
#[derive(Clone, Debug)]
pub struct BoundedBodies<S> {
    inner: S,
    limit: BodyLimit,
}

impl<S> Service<Request<Body>> for BoundedBodies<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let version = request.version();
        if request.body().is_end_stream() {
            let routed = Some(self.inner.call(request));
            return Answering {
                refused: None,
                routed,
                watch: None,
            };
        }
        if request.body().size_hint().lower() > self.limit.max_bytes {
            let refused = Some(self.limit.too_large().into_response(version));
            return Answering {
                refused,
                routed: None,
                watch: None,
            };
        }
        let excess = Arc::new(AtomicU8::new(WITHIN));
        let watch = Some(Watch {
            excess: Arc::clone(&excess),
            limit: self.limit,
            version,
        });
        let request = request.map(|inner| {
            let left = self.limit.max_bytes;
            Body::new(BoundedBody {
                inner,
                left,
                limit: self.limit,
                deadline: None,
                excess,
            })
        });
        Answering {
            refused: None,
            routed: Some(self.inner.call(request)),
            watch,
        }
    }
}

const WITHIN: u8 = 0;
const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;

/// What became of one request's body.
struct Watch {
    excess: Arc<AtomicU8>,
    limit: BodyLimit,
    version: Version,
}

impl Watch {
    fn refusal(&self) -> Option<Refusal> {
        match self.excess.load(Ordering::Relaxed) {
            TOO_LARGE => Some(self.limit.too_large()),
            TOO_SLOW => Some(self.limit.too_slow()),
            _ => None,
        }
    }
}

pin_project! {
    /// The answer of [`BoundedBodies`], underway.
    pub struct Answering<F> {
        refused: Option<Response<Body>>,
        #[pin]
        routed: Option<F>,
        watch: Option<Watch>,
    }
}

impl<F> Future for Answering<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(routed) = this.routed.as_pin_mut() else {
            return Poll::Ready(Ok(this.refused.take().unwrap_or_default()));
        };
        let response = ready!(routed.poll(cx))?;
        let refused = this.watch.as_ref().and_then(|watch| {
            let refusal = watch.refusal()?;
            Some(refusal.into_response(watch.version))
        });
        Poll::Ready(Ok(refused.unwrap_or(response)))
    }
}

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is larger than the limit, in bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    /// It did not arrive within the limit.
    #[error("the body did not arrive within {0:?}")]
    TooSlow(Duration),
}

struct BoundedBody {
    inner: Body,
    left: u64,
    limit: BodyLimit,
    /// Set when the service first waits for the peer, which a body that came with its head never
    /// makes it do.
    deadline: Option<Pin<Box<Sleep>>>,
    excess: Arc<AtomicU8>,
}

impl BoundedBody {
    fn too_large(&mut self) -> axum::Error {
        self.excess.store(TOO_LARGE, Ordering::Relaxed);
        axum::Error::new(BodyError::TooLarge(self.limit.max_bytes))
    }
}

impl HttpBody for BoundedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            let Some(Ok(frame)) = frame else {
                return Poll::Ready(frame);
            };
            let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
            return Poll::Ready(Some(match this.left.checked_sub(bytes) {
                Some(left) => {
                    this.left = left;
                    Ok(frame)
                }
                None => Err(this.too_large()),
            }));
        }
        let timeout = this.limit.read_timeout;
        let deadline = this
            .deadline
            .get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(deadline.as_mut().poll(cx));
        this.excess.store(TOO_SLOW, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new(BodyError::TooSlow(timeout)))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
