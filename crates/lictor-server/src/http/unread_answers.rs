//! Answers that are not taken, requests whose client has gone, and floods: none lasts.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use axum::routing::get;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use super::connection::{self, Answers, Shared};
use super::connection_state::ConnectionState;
use super::http2_test_client::{
    Client, DATA, HEADERS, LONG, RST_STREAM, frame, get as h2_get, window_update,
};
use super::limits::ConnectionLimits;
use super::peer::Peer;
use super::stream::Reset;
use super::traffic::{Connections, Cut};

/// Nothing taken for so long, or less than 1 kB a second over it, is too slow.
const WINDOW: Duration = Duration::from_secs(60);

/// By when that is found: it is looked at four times a window, and a stream has one more.
const FOUND: Duration = Duration::from_secs(90);

/// The bytes of an answer that no buffer holds.
const LARGE: usize = 4 * 1024 * 1024;

/// What a socket holds between two looks of its peer.
const SOCKET_BYTES: usize = 4_096;

/// Connections of one small application, by a clock that stands still while something happens.
struct Server {
    shared: Arc<Shared<Counted>>,
    traffic: Arc<Connections>,
    stop: watch::Sender<bool>,
    /// Told when `/work` was entered, and when that ended.
    entered: Arc<Notify>,
    dropped: Arc<Notify>,
    /// Lets a feed say its last.
    release: Arc<Notify>,
}

#[derive(Clone)]
struct Counted(Router, Arc<Connections>);

impl Answers for Counted {
    fn answer(
        self,
        peer: Peer,
        request: Request<Body>,
    ) -> impl Future<Output = Response<Body>> + Send + 'static {
        self.0.answer(peer, request)
    }

    fn traffic(&self) -> Option<Arc<Connections>> {
        Some(Arc::clone(&self.1))
    }
}

/// Tells of its end.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Server {
    fn start() -> Self {
        let limits = ConnectionLimits {
            // Most peers here do not look at what they are sent while they wait.
            http2_ping_interval: LONG,
            ..ConnectionLimits::default()
        };
        Self::with(limits)
    }

    fn with(limits: ConnectionLimits) -> Self {
        let notify = || Arc::new(Notify::new());
        let (entered, dropped, release) = (notify(), notify(), notify());
        let traffic = Arc::new(Connections::default());
        let app = Counted(app(&entered, &dropped, &release), Arc::clone(&traffic));
        let shared = Arc::new(Shared::new(app, limits));
        Self {
            shared,
            traffic,
            stop: watch::Sender::new(false),
            entered,
            dropped,
            release,
        }
    }

    fn connect(&self) -> DuplexStream {
        let (client, served) = duplex(SOCKET_BYTES);
        let (shared, stopping) = (Arc::clone(&self.shared), self.stop.subscribe());
        let peer = Peer {
            address: [192, 0, 2, 1].into(),
            certified: false,
        };
        tokio::spawn(async move {
            let first_byte_by = Instant::now() + shared.limits.first_byte_timeout;
            let state = Arc::new(ConnectionState::new(shared.app.traffic()));
            connection::serve(served, peer, &state, &shared, first_byte_by, stopping).await;
        });
        client
    }

    async fn client(&self, window: u32) -> Client {
        Client::begin(self.connect(), window).await
    }

    async fn until_cut(&self, cut: Cut) {
        let found = async {
            while self.traffic.cut(cut) == 0 {
                sleep(Duration::from_millis(100)).await;
            }
        };
        let found = timeout(LONG, found).await;
        assert!(found.is_ok(), "nothing was cut off as {cut:?}");
    }
}

fn app(entered: &Arc<Notify>, dropped: &Arc<Notify>, release: &Arc<Notify>) -> Router {
    let (entered, dropped) = (Arc::clone(entered), Arc::clone(dropped));
    let work = move || async move {
        let _guard = Dropped(dropped);
        entered.notify_one();
        std::future::pending::<()>().await;
    };
    let release = Arc::clone(release);
    let feed = move || async move {
        let first = stream::iter([Ok::<_, std::convert::Infallible>("first")]);
        let last = stream::once(async move {
            release.notified().await;
            Ok("last")
        });
        Body::from_stream(first.chain(last))
    };
    let zeros = |count| move || async move { Bytes::from(vec![0; count]) };
    Router::new()
        .route("/", get(|| async { "fine" }))
        .route(
            "/member",
            get(|| async { lictor_authority::answering::signed_in() }),
        )
        .route("/work", get(work))
        .route("/feed", get(feed))
        .route("/kilobytes", get(zeros(8 * 1024)))
        .route("/large", get(zeros(LARGE)))
}

/// What is dropped is gone as it is.
impl Reset for DuplexStream {
    fn reset_when_dropped(&self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn read_until(stream: &mut DuplexStream, end: &str) {
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        answer.push(stream.read_u8().await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_streams_all_stand_still_is_closed_though_pings_are_answered() {
    let server = Server::with(ConnectionLimits::default());
    let mut client = server.client(0).await;
    let begun = Instant::now();
    for stream in [1, 3, 5] {
        client.send(&h2_get(stream, "/")).await;
    }
    let closed = async {
        while let Some(frame) = client.next().await {
            assert_ne!(frame.kind, DATA, "beyond the window");
        }
    };
    assert!(timeout(FOUND, closed).await.is_ok(), "still held");
    assert!(begun.elapsed() >= WINDOW);
    assert_eq!(server.traffic.cut(Cut::Untaken), 1);
}

#[tokio::test(start_paused = true)]
async fn a_small_answer_of_which_one_byte_was_taken_does_not_hold_a_connection() {
    let server = Server::start();
    let mut client = server.client(1).await;
    let begun = Instant::now();
    client.send(&h2_get(1, "/")).await;
    let data = client.next_of(DATA).await.unwrap();
    assert_eq!(data.payload.len(), 1);
    assert!(client.next_of(DATA).await.is_none());
    assert!(begun.elapsed() < FOUND, "{:?}", begun.elapsed());
}

/// The peer takes all of other streams meanwhile.
#[tokio::test(start_paused = true)]
async fn a_stream_that_stands_still_ends_alone() {
    for (path, window) in [("/large", 0), ("/large", 1), ("/large", 20_000), ("/", 0)] {
        let server = Server::start();
        let mut client = server.client(window).await;
        client.send(&h2_get(1, path)).await;
        let begun = Instant::now();
        let mut other = 1;
        let ended = loop {
            assert!(begun.elapsed() < FOUND, "{path} of {window} is still held");
            other += 2;
            client.send(&h2_get(other, "/kilobytes")).await;
            client.send(&window_update(other, 16_384)).await;
            client.send(&window_update(0, 16_384)).await;
            let frame = loop {
                let frame = client.next().await.expect("the connection stays");
                if frame.kind == RST_STREAM || (frame.stream == other && frame.ends_stream()) {
                    break frame;
                }
            };
            if frame.kind == RST_STREAM {
                break frame;
            }
            sleep(Duration::from_secs(1)).await;
        };
        assert_eq!(ended.stream, 1);
        assert!(begun.elapsed() >= WINDOW, "{path} of {window}");
        assert_eq!(server.traffic.cut(Cut::UntakenStream), 1);
        assert_eq!(server.traffic.cut(Cut::Untaken), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_a_few_bytes_now_and_then_ends() {
    let server = Server::start();
    let mut client = server.client(1).await;
    client.send(&h2_get(1, "/large")).await;
    let begun = Instant::now();
    let held = async {
        loop {
            sleep(Duration::from_secs(1)).await;
            if client.0.write_all(&window_update(1, 1)).await.is_err() {
                return;
            }
            let mut part = [0; 1024];
            match timeout(Duration::from_millis(1), client.0.read(&mut part)).await {
                Ok(Ok(1..)) | Err(_) => {}
                Ok(Ok(0) | Err(_)) => return,
            }
        }
    };
    timeout(LONG, held).await.expect("an end");
    assert!(begun.elapsed() >= WINDOW);
    assert!(begun.elapsed() < FOUND, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_enough_gets_all_of_a_long_answer() {
    let server = Server::start();
    let mut client = server.client(0).await;
    client.send(&h2_get(1, "/large")).await;
    let begun = Instant::now();
    let mut taken = 0;
    while taken < LARGE {
        for stream in [0, 1] {
            client.send(&window_update(stream, 16_384)).await;
        }
        let data = client.next_of(DATA).await.expect("the connection stays");
        taken += data.payload.len();
        sleep(Duration::from_secs(1)).await;
    }
    assert!(begun.elapsed() > WINDOW * 4, "{:?}", begun.elapsed());
    assert_eq!(server.traffic.cut(Cut::UntakenStream), 0);

    // Over HTTP/1 hyper holds all of it from the beginning.
    let mut stream = server.connect();
    let request = b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut part = vec![0; 16_384];
    let mut taken = 0;
    while let Ok(read @ 1..) = stream.read(&mut part).await {
        taken += read;
        sleep(Duration::from_millis(300)).await;
    }
    assert!(taken > LARGE, "cut off after {taken}");
    assert_eq!(server.traffic.cut(Cut::Untaken), 0);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_has_nothing_to_say_stays() {
    let server = Server::start();
    let mut old = server.connect();
    old.write_all(b"GET /feed HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    read_until(&mut old, "first\r\n").await;
    let mut new = server.client(65_535).await;
    new.send(&h2_get(1, "/feed")).await;
    assert_eq!(new.next_of(DATA).await.unwrap().payload, b"first");
    sleep(WINDOW * 3).await;
    server.release.notify_one();
    server.release.notify_one();
    read_until(&mut old, "last\r\n0\r\n\r\n").await;
    assert_eq!(new.next_of(DATA).await.unwrap().payload, b"last");
}

#[tokio::test(start_paused = true)]
async fn half_of_a_next_request_does_not_hold_a_connection_that_takes_nothing() {
    let server = Server::start();
    let mut stream = server.connect();
    let begun = Instant::now();
    stream
        .write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET")
        .await
        .unwrap();
    server.until_cut(Cut::Untaken).await;
    assert!(begun.elapsed() < FOUND, "{:?}", begun.elapsed());
    drop(stream);
}

/// What the kernel holds back does not count as taken.
#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_a_little_now_and_then_is_cut_off() {
    let server = Server::start();
    let mut stream = server.connect();
    stream
        .write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let begun = Instant::now();
    let mut part = [0; 32];
    let cut = server.until_cut(Cut::Untaken);
    let dripping = async {
        loop {
            stream.read_exact(&mut part).await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        () = cut => {}
        () = dripping => {}
    }
    assert!(begun.elapsed() < FOUND, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_client_has_gone_is_dropped() {
    let server = Server::start();

    let mut stream = server.connect();
    let request = b"GET /work HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(request).await.unwrap();
    server.entered.notified().await;
    drop(stream);
    timeout(LONG, server.dropped.notified())
        .await
        .expect("closed");

    let mut client = server.client(65_535).await;
    client.send(&h2_get(1, "/work")).await;
    server.entered.notified().await;
    client.send(&frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])).await;
    timeout(LONG, server.dropped.notified())
        .await
        .expect("stream reset");

    client.send(&h2_get(3, "/work")).await;
    server.entered.notified().await;
    drop(client);
    timeout(LONG, server.dropped.notified())
        .await
        .expect("closed with HTTP/2");
}

#[tokio::test(start_paused = true)]
async fn frames_that_carry_nothing_are_cut_off() {
    let server = Server::start();
    let mut client = server.client(65_535).await;
    let mut priorities = Vec::new();
    for _ in 0..2_000 {
        priorities.extend(frame(2, 0, 1, &[0, 0, 0, 0, 16]));
    }
    // It may be cut off before it has said all.
    let _ = client.0.write_all(&priorities).await;
    assert!(client.next_of(HEADERS).await.is_none());
    assert_eq!(server.traffic.cut(Cut::Frames), 1);
}

#[tokio::test(start_paused = true)]
async fn empty_lines_before_a_request_do_not_buy_time() {
    for drip in ["\r\n", "\n", "\r"] {
        let server = Server::start();
        let mut stream = server.connect();
        let begun = Instant::now();
        while stream.write_all(drip.as_bytes()).await.is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(10), "still held");
            sleep(Duration::from_secs(1)).await;
        }
        assert!(begun.elapsed() >= Duration::from_secs(5), "{drip:?}");
        assert_eq!(server.traffic.cut(Cut::SlowHead), 1, "{drip:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_have_not_signed_in_have_a_sum_of_streams() {
    let server = Server::with(ConnectionLimits {
        max_anonymous_streams: 10,
        http2_ping_interval: LONG,
        ..ConnectionLimits::default()
    });
    let mut client = server.client(65_535).await;
    for stream in 0..16 {
        client.send(&h2_get(2 * stream + 1, "/work")).await;
    }
    for stream in [29, 31] {
        let refused = client.next_of(RST_STREAM).await.unwrap();
        assert_eq!(
            (refused.stream, refused.payload),
            (stream, vec![0, 0, 0, 7])
        );
    }
    client.send(&frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])).await;
    server.dropped.notified().await;
    client.send(&h2_get(33, "/")).await;
    assert_eq!(client.next_of(DATA).await.unwrap().payload, b"fine");
    for stream in 17..40 {
        let asked = client.0.write_all(&h2_get(2 * stream + 1, "/work")).await;
        if asked.is_err() {
            break;
        }
    }
    while client.next().await.is_some() {}
    assert_eq!(server.traffic.cut(Cut::NoRoom), 1);
}

/// One byte is taken of each, and the rest stays where nobody else sees it.
#[tokio::test(start_paused = true)]
async fn an_answer_counts_among_the_streams_until_it_is_taken() {
    for first in ["/", "/member"] {
        let server = Server::with(ConnectionLimits {
            max_anonymous_streams: 10,
            max_signed_in_streams: 10,
            http2_ping_interval: LONG,
            ..ConnectionLimits::default()
        });
        let mut client = server.client(1).await;
        if first == "/member" {
            client.send(&h2_get(1, first)).await;
            client.next_of(HEADERS).await.expect("an answer");
        }
        for stream in 1..15 {
            client.send(&h2_get(2 * stream + 1, "/")).await;
            let data = client.next_of(DATA).await.expect("an answer");
            assert_eq!((data.stream, data.payload.len()), (2 * stream + 1, 1));
        }
        client.send(&h2_get(31, "/")).await;
        let refused = client.next_of(RST_STREAM).await.expect("a refusal");
        assert_eq!(
            (refused.stream, refused.payload),
            (31, vec![0, 0, 0, 7]),
            "{first}"
        );
        client.send(&window_update(29, 100)).await;
        assert!(client.next_of(DATA).await.expect("the rest").ends_stream());
        client.send(&h2_get(33, "/")).await;
        assert_eq!(client.next_of(DATA).await.expect("an answer").stream, 33);
    }
}
