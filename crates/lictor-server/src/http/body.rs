//! How long the body of a request may take to arrive; how large it may be is each dialect's.

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

use super::limits::BODY_READ_TIMEOUT;
use super::refusal::Refusal;

/// Bounds how long the body of a request may take: from the first time that whoever answers it waits
/// for the peer to the end of the body.
///
/// A body that does not arrive in time is answered 408, whatever was made of the failing read. A
/// request without a body passes untouched and costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct BodyDeadline(pub Duration);

impl Default for BodyDeadline {
    /// [`BODY_READ_TIMEOUT`].
    fn default() -> Self {
        Self(BODY_READ_TIMEOUT)
    }
}

impl BodyDeadline {
    /// Lets `answer` have the request, whose body is bounded.
    pub fn around<F>(
        self,
        request: Request<Body>,
        answer: impl FnOnce(Request<Body>) -> F,
    ) -> Answering<F>
    where
        F: Future<Output = Response<Body>>,
    {
        if request.body().is_end_stream() {
            let answering = answer(request);
            return Answering {
                answering,
                watch: None,
            };
        }
        let (timeout, version) = (self.0, request.version());
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
        let answering = answer(request);
        Answering { answering, watch }
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
    /// The answer to a request whose body is bounded, underway.
    pub struct Answering<F> {
        #[pin]
        answering: F,
        watch: Option<Watch>,
    }
}

impl<F> Future for Answering<F>
where
    F: Future<Output = Response<Body>>,
{
    type Output = Response<Body>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.answering.poll(cx));
        let refused = this.watch.as_ref().and_then(Watch::refused);
        Poll::Ready(refused.unwrap_or(response))
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
