//! How long the body of a request may take to arrive, as a layer for the routes; how large it may be is each dialect's.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{Request, Response, Version};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use lictor_planted as planted;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};

use super::limits::BODY_READ_TIMEOUT;
use super::refusal::Refusal;

/// Bounds how long the bodies of the requests it is laid around may take: from the first time the
/// service waits for the peer to the end of the body.
///
/// A body that does not arrive in time is answered 408, whatever the service made of the failing
/// read. A request without a body passes untouched and costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct BodyDeadline(pub Duration);

impl Default for BodyDeadline {
    /// [`BODY_READ_TIMEOUT`].
    fn default() -> Self {
        Self(BODY_READ_TIMEOUT)
    }
}

impl<S> Layer<S> for BodyDeadline {
    type Service = TimedBodies<S>;

    fn layer(&self, inner: S) -> TimedBodies<S> {
        TimedBodies {
            inner,
            timeout: self.0,
        }
    }
}

/// A service whose requests have bodies within a [`BodyDeadline`].
#[derive(Clone, Debug)]
pub struct TimedBodies<S> {
    inner: S,
    timeout: Duration,
}

impl<S> Service<Request<Body>> for TimedBodies<S>
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
        if request.body().is_end_stream() {
            let routed = self.inner.call(request);
            return Answering {
                routed,
                watch: None,
            };
        }
        let (timeout, version) = (self.timeout, request.version());
        let missed = Arc::new(AtomicBool::new(false));
        let watch = Some(Watch {
            missed: Arc::clone(&missed),
            timeout,
            version,
        });
        let request = request.map(|inner| {
            Body::new(TimedBody {
                inner,
                timeout,
                deadline: None,
                missed,
            })
        });
        Answering {
            routed: self.inner.call(request),
            watch,
        }
    }
}

/// Whether one request's body missed its deadline.
struct Watch {
    missed: Arc<AtomicBool>,
    timeout: Duration,
    version: Version,
}

impl Watch {
    fn refused(&self) -> Option<Response<Body>> {
        let refusal = Refusal::BodyTooSlow {
            seconds: self.timeout.as_secs(),
        };
        let missed = self.missed.load(Ordering::Relaxed);
        missed.then(|| refusal.into_response(self.version))
    }
}

pin_project! {
    /// The answer of [`TimedBodies`], underway.
    pub struct Answering<F> {
        #[pin]
        routed: F,
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
        let response = ready!(this.routed.poll(cx))?;
        let refused = this.watch.as_ref().and_then(Watch::refused);
        Poll::Ready(Ok(refused.unwrap_or(response)))
    }
}

/// The body did not arrive in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body did not arrive within {0:?}")]
pub struct BodyTooSlow(pub Duration);

struct TimedBody {
    inner: Body,
    timeout: Duration,
    /// Set when the service first waits for the peer, which a body that came with its head never
    /// makes it do.
    deadline: Option<Pin<Box<Sleep>>>,
    missed: Arc<AtomicBool>,
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let timeout = this.timeout;
        let deadline = this
            .deadline
            .get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(deadline.as_mut().poll(cx));
        if planted::is("no-deadlines") {
            return Poll::Pending;
        }
        this.missed.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new(BodyTooSlow(timeout)))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
