//! A small control plane: one node, real signatures, and what the tests need to go wrong.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use lictor_core::digest::Digest;
use lictor_core::feed::{
    Audience, Content, EnrollmentToken, Failure, FailureCode, Join, Joined, NodeCount, NodeReport,
    OTHER_SERVICES, RejectedCount, Reported, SplitReason, StartReply, StateTerms, sign,
};
use lictor_core::{SigningKey, Timestamp};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use crate::setting::{NODE, NOW, ORGANIZATION, content, key};

type Answer = Response<Either<Full<Bytes>, Stream>>;

pub(crate) struct ControlPlane {
    pub(crate) address: SocketAddr,
    shared: Arc<Mutex<Inside>>,
    tls: Option<TlsAcceptor>,
    running: Option<tokio::task::JoinHandle<()>>,
}

pub(crate) struct Inside {
    pub(crate) key: SigningKey,
    pub(crate) state: String,
    /// The credentials that joined, in their order.
    pub(crate) joined: Vec<Digest>,
    /// How many answers to a join are lost.
    pub(crate) lose_joins: u32,
    /// How many answers to a report are lost.
    pub(crate) lose_reports: u32,
    /// The service whose counts are not taken.
    pub(crate) holds: Option<String>,
    /// How many services there is room for beside the others; none: for all.
    pub(crate) room: Option<usize>,
    pub(crate) reports: Vec<NodeReport>,
    pub(crate) instance: Uuid,
    /// The revision that reports are answered with.
    pub(crate) announced: u64,
    /// Within which time it wants to hear of the node.
    pub(crate) within: Option<u64>,
    /// The pool that nodes join.
    pub(crate) pool: Option<String>,
    /// How many answers to a goodbye are lost.
    pub(crate) lose_goodbyes: u32,
    /// Whether all places of the pool are taken.
    pub(crate) no_place: bool,
    /// Whether the node gave its place back.
    pub(crate) left: bool,
    pub(crate) refusal: Option<(StatusCode, Failure)>,
    /// Whether it tells every start apart, as a version does that does not know their parts.
    pub(crate) tells_apart: bool,
    /// How many reports add nothing, as their epoch was counted when the node was removed.
    pub(crate) removed: u32,
    /// How many requests were refused by it.
    pub(crate) refused: usize,
    /// Whether there is no stream of events.
    pub(crate) no_events: bool,
    /// Whether something between holds streams back.
    pub(crate) holds_back: bool,
    /// Whether it holds back their heads too.
    pub(crate) holds_heads: bool,
    /// How often the newest state was answered as a whole.
    pub(crate) fetched: usize,
    /// What nodes said that opened a stream.
    pub(crate) opened: Vec<HeaderMap>,
    pub(crate) asked: u32,
    /// What nodes said that may wait for the newest state.
    pub(crate) preferred: Vec<HeaderMap>,
    streams: Vec<UnboundedSender<Bytes>>,
}

impl ControlPlane {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    pub(crate) async fn start_with(tls: Option<TlsAcceptor>) -> Self {
        let key = key(90);
        let inside = Inside {
            state: signed(&key, 5, NOW, false, &content()),
            key,
            joined: Vec::new(),
            lose_joins: 0,
            lose_reports: 0,
            holds: None,
            room: None,
            reports: Vec::new(),
            instance: Uuid::from_u128(1),
            announced: 5,
            within: None,
            pool: None,
            lose_goodbyes: 0,
            no_place: false,
            left: false,
            refusal: None,
            tells_apart: false,
            removed: 0,
            refused: 0,
            no_events: false,
            holds_back: false,
            holds_heads: false,
            fetched: 0,
            opened: Vec::new(),
            asked: 0,
            preferred: Vec::new(),
            streams: Vec::new(),
        };
        let mut new = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            shared: Arc::new(Mutex::new(inside)),
            tls,
            running: None,
        };
        new.resume().await;
        new
    }

    /// Goes on at the same address.
    pub(crate) async fn resume(&mut self) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("set");
        socket.bind(self.address).expect("the address is free");
        let listener = socket.listen(64).expect("it listens");
        self.address = listener.local_addr().expect("an address");
        self.running = Some(tokio::spawn(serve(
            listener,
            self.tls.clone(),
            Arc::clone(&self.shared),
        )));
    }

    /// Is gone, connections and all.
    pub(crate) async fn stop(&mut self) {
        self.inside().streams.clear();
        if let Some(running) = self.running.take() {
            running.abort();
            // Until its address is free again.
            let _ = running.await;
        }
    }

    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.shared.lock().expect("no test failed in between")
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    pub(crate) fn token(&self) -> EnrollmentToken {
        let inside = self.inside();
        token(&inside, &inside.key)
    }

    /// Signs a content, and sends it.
    pub(crate) fn push(&self, revision: u64, issued_at: Timestamp, content: &Content) -> String {
        let text = signed(&self.inside().key, revision, issued_at, false, content);
        self.send(&text);
        text
    }

    /// Sends a state, whatever it is.
    pub(crate) fn send(&self, text: &str) {
        let mut inside = self.inside();
        text.clone_into(&mut inside.state);
        let event = format!(": one\r\nevent: state\nid: 1\ndata: {text}\n\n");
        // In pieces, as a network may.
        let middle = event.len() / 2;
        for piece in [&event.as_bytes()[..middle], &event.as_bytes()[middle..]] {
            let piece = Bytes::copy_from_slice(piece);
            inside
                .streams
                .retain(|stream| stream.send(piece.clone()).is_ok());
        }
    }

    /// Has a state, and announces it as this revision, but sends it only to those who ask.
    pub(crate) fn hold_back(&self, revision: u64, text: &str) {
        let mut inside = self.inside();
        text.clone_into(&mut inside.state);
        inside.announced = revision;
    }

    /// Refuses everything from now on, with the state that says that the node was revoked.
    pub(crate) fn revoke(&self, issued_at: Timestamp) {
        let mut inside = self.inside();
        let state = signed(&inside.key, 5, issued_at, true, &content());
        let failure = Failure {
            code: FailureCode::Revoked,
            message: "this node was revoked".to_owned(),
            state: Some(state),
            instance: None,
        };
        inside.refusal = Some((StatusCode::FORBIDDEN, failure));
        inside.streams.clear();
    }

    /// Ends the streams that are open.
    pub(crate) fn cut(&self) {
        self.inside().streams.clear();
    }

    pub(crate) fn last_report(&self) -> Option<NodeReport> {
        self.inside().reports.last().cloned()
    }

    /// The greatest count that was reported for each epoch, service and month, and how many
    /// reports carried counts.
    pub(crate) fn counted(&self, service: &str) -> u64 {
        let inside = self.inside();
        let counts = inside.reports.iter().flat_map(|report| &report.counts);
        let mut greatest = std::collections::BTreeMap::new();
        for count in counts.filter(|count| count.service == service) {
            let known: &mut u64 = greatest
                .entry((count.epoch.clone(), count.month.clone()))
                .or_default();
            *known = count.count.max(*known);
        }
        greatest.values().sum()
    }
}

impl Inside {
    /// Takes those counts out of a report that there is no room for.
    fn without_room(&self, counts: &mut Vec<NodeCount>) -> Vec<RejectedCount> {
        let told = self.reports.iter().flat_map(|report| &report.counts);
        let key = |count: &NodeCount| (count.epoch.clone(), count.service.clone());
        let mut known: BTreeSet<_> = told.map(key).collect();
        let mut rejected = Vec::new();
        counts.retain(|count| {
            let full = self.room.is_some_and(|room| known.len() >= room);
            let taken = !full || count.service == OTHER_SERVICES || known.contains(&key(count));
            if taken {
                known.insert(key(count));
            } else {
                rejected.push(RejectedCount {
                    count: count.clone(),
                    reason: "there is no room".to_owned(),
                    as_other: true,
                });
            }
            taken
        });
        rejected
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }
}

pub(crate) fn signed(
    key: &SigningKey,
    revision: u64,
    issued_at: Timestamp,
    revoked: bool,
    content: &Content,
) -> String {
    let terms = StateTerms {
        audience: Audience {
            organization: ORGANIZATION,
            node: NODE,
        },
        revision,
        issued_at,
        expires_at: issued_at + 86_400,
        revoked,
    };
    sign(key, &terms, &content.to_text().expect("a text")).expect("a text")
}

/// The body of a stream of events.
pub(crate) struct Stream(UnboundedReceiver<Bytes>);

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.poll_recv(context);
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Mutex<Inside>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        connections.spawn(async move {
            match tls {
                None => hold(stream, shared).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        hold(stream, shared).await;
                    }
                }
            }
        });
    }
}

async fn hold<S>(stream: S, shared: Arc<Mutex<Inside>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(move |request| answer(Arc::clone(&shared), request));
    let server = hyper::server::conn::http1::Builder::new();
    // A connection that ends is no fault here.
    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
}

/// Answers; an error is an answer that is lost.
async fn answer(shared: Arc<Mutex<Inside>>, request: Request<Incoming>) -> std::io::Result<Answer> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?;
    let body = body.to_bytes();
    let streams = head.headers.get("accept");
    let streams = streams.is_some_and(|kind| kind == "text/event-stream");
    let holds_heads = shared
        .lock()
        .expect("no test failed in between")
        .holds_heads;
    if streams && holds_heads {
        return std::future::pending().await;
    }
    let mut inside = shared.lock().expect("no test failed in between");
    let lost = || std::io::Error::other("lost");
    let header = |name: &str| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    if let Some((status, failure)) = &inside.refusal {
        let refused = json(*status, failure);
        inside.refused += 1;
        return Ok(refused);
    }
    let bearer = header("authorization").replace("Bearer ", "");
    if head.uri.path() == "/v1/feed/join" {
        // Whatever key it has since.
        assert_eq!(bearer, token(&inside, &key(90)).as_str());
        let join: Join = serde_json::from_slice(&body).expect("a join");
        inside.joined.push(join.credential_sha256);
        if inside.lose_joins > 0 {
            inside.lose_joins -= 1;
            return Err(lost());
        }
        if inside.no_place {
            return Ok(refused(FailureCode::NoPlace));
        }
        inside.left = false;
        return Ok(json(StatusCode::OK, &joined(&inside)));
    }
    let known = inside.joined.contains(&Digest::of(bearer.as_bytes()));
    assert!(known, "the node signs in with what it joined with");
    match head.uri.path() {
        "/v1/feed/report" => {
            let mut report: NodeReport = serde_json::from_slice(&body).expect("a report");
            let refuses = |count: &&NodeCount| inside.holds.as_deref() == Some(&count.service);
            let rejected = report
                .counts
                .iter()
                .filter(refuses)
                .map(|count| RejectedCount {
                    count: count.clone(),
                    reason: "the sum is too large".to_owned(),
                    as_other: false,
                });
            let mut rejected: Vec<_> = rejected.collect();
            rejected.extend(inside.without_room(&mut report.counts));
            let goodbye = report.gives_back;
            let removed = inside.removed > 0 && !report.counts.is_empty();
            if removed {
                inside.removed -= 1;
                report.counts.clear();
            }
            let start = report.start.as_ref();
            let start = start.filter(|_| inside.tells_apart || removed);
            let start = start.map(|start| StartReply {
                epoch: start.epoch.clone(),
                apart: match removed {
                    true => Some(SplitReason::Removed),
                    false => (!start.after.is_empty()).then_some(SplitReason::Unsure),
                },
                own: None,
                lives: 1,
                again: false,
            });
            if inside.left {
                report.counts.clear();
                inside.reports.push(report);
                return Ok(refused(FailureCode::Left));
            }
            inside.reports.push(report);
            inside.left = goodbye;
            if goodbye && inside.lose_goodbyes > 0 {
                inside.lose_goodbyes -= 1;
                return Err(lost());
            }
            if inside.lose_reports > 0 {
                inside.lose_reports -= 1;
                return Err(lost());
            }
            let reported = Reported {
                instance: inside.instance,
                state_revision: inside.announced,
                start,
                rejected,
                beyond: None,
                within: inside.within,
                gave_back: goodbye,
            };
            Ok(json(StatusCode::OK, &reported))
        }
        "/v1/feed" if header("accept") == "text/event-stream" => {
            if inside.no_events {
                let mut answer = json(StatusCode::OK, &());
                *answer.status_mut() = StatusCode::NOT_IMPLEMENTED;
                return Ok(answer);
            }
            inside.opened.push(head.headers);
            let (sender, receiver) = unbounded_channel();
            if inside.holds_back {
                // The head comes through, and nothing else.
                inside.streams.push(sender);
                let answer = Response::builder().header("content-type", "text/event-stream");
                return Ok(answer
                    .body(Either::Right(Stream(receiver)))
                    .expect("an answer"));
            }
            let hello = format!("event: state\ndata: {}\n\n", inside.state);
            sender.send(Bytes::from(hello)).expect("open");
            inside.streams.push(sender);
            let answer = Response::builder().header("content-type", "text/event-stream");
            Ok(answer
                .body(Either::Right(Stream(receiver)))
                .expect("an answer"))
        }
        "/v1/feed" => {
            inside.asked += 1;
            if head.headers.contains_key("prefer") {
                inside.preferred.push(head.headers.clone());
            }
            let etag = format!("\"{}\"", Digest::of(inside.state.as_bytes()));
            if header("if-none-match") == etag {
                return Ok(json(StatusCode::NOT_MODIFIED, &()));
            }
            inside.fetched += 1;
            let body = Either::Left(Full::from(inside.state.clone()));
            let answer = Response::builder().header("etag", etag);
            Ok(answer.body(body).expect("an answer"))
        }
        path => panic!("no route {path}"),
    }
}

/// The token that nodes join by, of a control plane with this key.
fn token(inside: &Inside, key: &SigningKey) -> EnrollmentToken {
    let key = key.public_key();
    match &inside.pool {
        Some(_) => EnrollmentToken::of_pool(&[7; 32], &key),
        None => EnrollmentToken::new(&[7; 32], &key),
    }
}

fn joined(inside: &Inside) -> Joined {
    Joined {
        node: NODE,
        name: "edge".to_owned(),
        organization: ORGANIZATION,
        application: "editor".to_owned(),
        pool: inside.pool.clone(),
        control_plane_key: inside.key.public_key(),
        state: inside.state.clone(),
    }
}

fn refused(code: FailureCode) -> Answer {
    let failure = Failure {
        code,
        message: "refused".to_owned(),
        state: None,
        instance: None,
    };
    json(StatusCode::FORBIDDEN, &failure)
}

fn json(status: StatusCode, value: &impl serde::Serialize) -> Answer {
    let text = serde_json::to_string(value).expect("a text");
    let answer = Response::builder().status(status);
    let answer = answer.header("content-type", "application/json");
    answer
        .body(Either::Left(Full::from(text)))
        .expect("an answer")
}
