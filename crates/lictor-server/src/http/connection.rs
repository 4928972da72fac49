//! One connection from its first byte to its end: hyper, the checks before the router, and the deadlines; which connections there are is `accept`'s.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, Version};
use futures_util::FutureExt;
use futures_util::future::{self, Either};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulConnection;
use lictor_authority::clock;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, sleep_until};
use tower::Service;

use super::anonymous_turns::{AnonymousTurns, Turn};
use super::budget::Budgets;
use super::connection_slots::{StreamLimit, StreamLimits};
use super::connection_state::{ConnectionState, InFlight};
use super::deadlines::{DeadlineAction, Deadlines};
use super::framing;
use super::limits::ConnectionLimits;
use super::merge_slashes;
use super::outgoing::{self, Piece, Stream};
use super::peer::{Peer, WhileListening};
use super::refusal::Refusal;
use super::stream::{Followed, Reset};
use super::streams::Streams;
use super::traffic::{Connections, Cut};

/// hyper with our limits, made once for all connections.
pub(crate) fn builder(limits: &ConnectionLimits) -> auto::Builder<Streams> {
    let mut builder = auto::Builder::new(Streams {
        window: limits.idle_timeout,
    });
    let mut http1 = builder.http1();
    // hyper's own header timeout also closes idle connections, and costs an allocation and a timer
    // per request; `Deadlines` does both jobs.
    http1.timer(TokioTimer::new()).header_read_timeout(None);
    // A peer that has sent its last request may say so before it reads the answers.
    http1.half_close(true);
    http1.max_buf_size(limits.max_header_bytes);
    if limits.max_headers != HYPER_MAX_HEADERS {
        http1.max_headers(limits.max_headers);
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_http2_streams)
        .initial_stream_window_size(limits.http2_window)
        .initial_connection_window_size(limits.http2_window)
        .max_send_buf_size(limits.http2_window as usize)
        .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(64)
        .keep_alive_interval(limits.http2_ping_interval)
        .keep_alive_timeout(limits.http2_ping_interval);
    builder
}

/// hyper's default, for which it has a faster path than for the same figure when set.
const HYPER_MAX_HEADERS: usize = 100;

/// What answers the requests of all connections. A clone is made for each request.
pub trait Answers: Clone + Send + Sync + 'static {
    /// Answers one request of this peer.
    fn answer(
        self,
        peer: Peer,
        request: Request<Body>,
    ) -> impl Future<Output = Response<Body>> + Send + 'static;

    /// A copy with reference counts of its own, made once for each connection; each request clones it.
    fn for_connection(&self) -> Self {
        self.clone()
    }

    /// What the connections are counted by, if they are.
    fn traffic(&self) -> Option<Arc<Connections>> {
        None
    }

    /// The memory that their requests hold, if it is bounded.
    fn budgets(&self) -> Option<Budgets> {
        None
    }
}

impl Answers for Router {
    async fn answer(mut self, _: Peer, request: Request<Body>) -> Response<Body> {
        let answered = self.call(request).await;
        answered.unwrap_or_else(|never: Infallible| match never {})
    }
}

/// What all connections of a listener share.
pub(crate) struct Shared<A> {
    pub(crate) app: A,
    pub(crate) builder: auto::Builder<Streams>,
    pub(crate) limits: ConnectionLimits,
    pub(crate) stream_limits: StreamLimits,
    anonymous_turns: Arc<AnonymousTurns>,
}

impl<A> Shared<A> {
    pub(crate) fn new(app: A, limits: ConnectionLimits) -> Self {
        Self {
            app,
            builder: builder(&limits),
            stream_limits: StreamLimits {
                anonymous: StreamLimit::new(limits.max_anonymous_streams),
                signed_in: StreamLimit::new(limits.max_signed_in_streams),
            },
            anonymous_turns: Arc::default(),
            limits,
        }
    }
}

/// Serves one connection. It ends when the peer or a deadline ends it, or after `stopping` turned
/// true and the requests in flight were answered.
///
/// `first_byte_by` is when a request must have begun.
pub(crate) async fn serve<S, A>(
    stream: S,
    peer: Peer,
    state: &Arc<ConnectionState>,
    shared: &Arc<Shared<A>>,
    first_byte_by: Instant,
    stopping: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Reset + Unpin + Send + 'static,
    A: Answers,
{
    let traffic = shared.app.traffic();
    let _open = traffic.as_ref().map(Connections::open);
    let service = {
        let (shared, state) = (Arc::clone(shared), Arc::clone(state));
        let app = shared.app.for_connection();
        service_fn(move |request| answer(&shared, &app, peer, &state, request))
    };
    let stream = TokioIo::new(Followed::new(stream, Arc::clone(state)));
    let connection = pin!(shared.builder.serve_connection(stream, service));
    if let Err(error) = drive(connection, state, shared, first_byte_by, stopping).await {
        tracing::debug!(peer = %peer.address, %error, "a connection ended early");
    }
}

/// Polls a connection until it ends, and enforces its deadlines.
async fn drive<C: GracefulConnection, A>(
    mut connection: Pin<&mut C>,
    state: &Arc<ConnectionState>,
    shared: &Shared<A>,
    first_byte_by: Instant,
    stopping: watch::Receiver<bool>,
) -> Result<(), C::Error> {
    let mut deadlines = Deadlines::new(state, &shared.limits, first_byte_by);
    let first_look = first_byte_by.min(Instant::now() + shared.limits.idle_timeout / 4);
    let mut alarm = pin!(sleep_until(first_look));
    let mut stop = pin!(stopped(stopping.clone()));
    let (mut stopped, mut turn) = (false, Turn::default());
    let mut registered: Option<Waker> = None;

    poll_fn(|cx| {
        // Otherwise hyper would panic.
        if !clock::can_be_told() {
            return Poll::Ready(Ok(()));
        }
        // A timer and a signal that were polled once by this task wake it without being polled
        // again, which would cost every request two locks.
        let same = |waker: &Waker| waker.will_wake(cx.waker());
        let known = registered.as_ref().is_some_and(same);
        if !stopped && (!known || !matches!(stopping.has_changed(), Ok(false))) {
            stopped = stop.as_mut().poll(cx).is_ready();
            if stopped {
                connection.as_mut().graceful_shutdown();
            }
        }
        if !known || alarm.is_elapsed() {
            match deadlines.attend(alarm.as_mut(), cx) {
                DeadlineAction::Keep => {}
                DeadlineAction::Retire => connection.as_mut().graceful_shutdown(),
                DeadlineAction::Close(cut) => {
                    if let Some(cut) = cut {
                        state.note_cut(cut);
                    }
                    return Poll::Ready(Ok(()));
                }
            }
        }
        if !known && has_budget_remaining() {
            // Without budget tokio would have turned the two away unregistered.
            registered = Some(cx.waker().clone());
        }
        if !state.standing.has_signed_in() && !shared.anonymous_turns.go_on(&mut turn, cx) {
            return Poll::Pending;
        }
        if let Poll::Ready(outcome) = connection.as_mut().poll(cx) {
            return Poll::Ready(outcome);
        }
        if state.is_crowding_others() {
            state.note_cut(Cut::NoRoom);
            return Poll::Ready(Ok(()));
        }
        deadlines.note(alarm.as_mut(), cx);
        Poll::Pending
    })
    .await
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that the server is gone, which is a reason to stop as well.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// The way of one request to the router and of its answer back. An error is one of HTTP/2, by which
/// a stream is refused.
fn answer<A: Answers>(
    shared: &Shared<A>,
    app: &A,
    mut peer: Peer,
    state: &Arc<ConnectionState>,
    mut request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Answer>, h2::Error>> + use<A> {
    let version = request.version();
    let begun = if version == Version::HTTP_2 {
        state.begin_stream(&shared.stream_limits)
    } else {
        Some(state.begin())
    };
    let Some((in_flight, trusted)) = begun else {
        let refused = h2::Error::from(h2::Reason::REFUSED_STREAM);
        return Either::Right(future::ready(Err(refused)));
    };
    let limits = &shared.limits;
    let checked = if trusted {
        framing::check(&request, limits.max_uri_bytes)
    } else {
        Err(Refusal::AmbiguousFraming)
    };
    merge_slashes::merge(request.uri_mut());
    peer.address = limits
        .trusted_proxies
        .client(peer.address, request.headers());
    // Combinators and no async block, which would have room for what is routed twice.
    let routed = match checked {
        Ok(()) => {
            let answer = app.clone().answer(peer, request.map(body_of));
            Either::Left(state.standing.of(answer))
        }
        Err(refusal) => Either::Right(future::ready(refusal.into_response(version))),
    };
    Either::Left(routed.map(move |response| {
        // HTTP/2 reads on while it answers, and finds out by itself.
        if version < Version::HTTP_2 && response.extensions().get::<WhileListening>().is_some() {
            in_flight.note_while_listening();
        }
        Ok(response.map(|body| Answer::new(body, version, in_flight)))
    }))
}

/// A request without a body, as most are, costs no allocation for it.
fn body_of(incoming: Incoming) -> Body {
    if incoming.is_end_stream() {
        Body::empty()
    } else {
        Body::new(incoming)
    }
}

/// The body of an answer, which keeps its request in flight until it is sent or given up.
pub(crate) struct Answer {
    body: Body,
    /// Over HTTP/2, unless there is nothing to send.
    stream: Option<Arc<Stream>>,
    _in_flight: InFlight,
}

impl Answer {
    fn new(body: Body, version: Version, mut in_flight: InFlight) -> Self {
        let counted = version == Version::HTTP_2 && !body.is_end_stream();
        let stream = counted.then(|| Stream::new(in_flight.state(), in_flight.take_in_work()));
        if let Some(stream) = &stream {
            outgoing::tell(stream);
        }
        Self {
            body,
            stream,
            _in_flight: in_flight,
        }
    }
}

impl hyper::body::Body for Answer {
    type Data = Piece;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let stream = self.stream.as_ref();
        if let (None, Some(stream)) = (&frame, stream)
            && stream.holds_its_end()
        {
            ready!(stream.poll_empty(cx));
        }
        let pieces = |frame: Frame<_>| frame.map_data(|bytes| Piece::new(bytes, stream));
        Poll::Ready(frame.map(|frame| frame.map(pieces)))
    }

    fn is_end_stream(&self) -> bool {
        let held = self.stream.as_deref().is_some_and(Stream::holds_its_end);
        self.body.is_end_stream() && !held
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
