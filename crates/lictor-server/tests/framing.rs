//! What the accept loop does with the bytes of a connection, seen from raw sockets; no route of Lictor is involved.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, Request};
use axum::routing::{get, post};
use axum::{Router, body::Body};
use lictor_server::http::accept::serve;
use lictor_server::http::body::BodyLimit;
use lictor_server::http::limits::ConnectionLimits;
use lictor_server::http::{PeerAddress, tls};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
    /// Told when `/wait` was entered.
    entered: Arc<Notify>,
    /// Lets `/wait` answer.
    release: Arc<Notify>,
}

impl Server {
    async fn start(limits: ConnectionLimits) -> Self {
        Self::start_with(limits, None).await
    }

    async fn start_with(limits: ConnectionLimits, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let app = app(Arc::clone(&entered), Arc::clone(&release));
        let task = tokio::spawn(async move {
            serve(listener, tls, app, limits, async move {
                let _ = stopped.await;
            })
            .await
        });
        Self {
            address,
            stop: Some(stop),
            task,
            entered,
            release,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `bytes` on a connection of their own and reads what comes until the server closes it.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may answer and close before it took everything.
        let _ = stream.write_all(bytes).await;
        read_to_close(&mut stream).await
    }
}

fn app(entered: Arc<Notify>, release: Arc<Notify>) -> Router {
    let wait = move || async move {
        entered.notify_one();
        release.notified().await;
        "released"
    };
    let short_body = BodyLimit {
        max_bytes: 10,
        read_timeout: Duration::from_millis(300),
    };
    Router::new()
        .route("/", get(|| async { "fine" }))
        .route("/wait", get(wait))
        .route(
            "/panic",
            get(|| async { panic!("planted") as &'static str }),
        )
        .route("/never", get(pending::<&'static str>))
        .route("/large", get(|| async { vec![0_u8; 64 * 1024 * 1024] }))
        .route(
            "/peer",
            get(|Extension(PeerAddress(peer))| async move { SocketAddr::to_string(&peer) }),
        )
        .route("/echo", post(|body: Bytes| async { body }))
        .route(
            "/short",
            post(|body: Bytes| async { body }).layer(short_body),
        )
        .route(
            "/stubborn",
            post(ignore_the_end_of_the_body).layer(short_body),
        )
        .layer(DefaultBodyLimit::disable())
}

/// A handler that makes a success of a body it could not read.
async fn ignore_the_end_of_the_body(request: Request) -> Body {
    let _ = axum::body::to_bytes(request.into_body(), usize::MAX).await;
    Body::from("fine")
}

async fn read_to_close(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut answer = Vec::new();
    timeout(PATIENCE, async {
        let mut part = [0; 4096];
        // A reset after an early answer ends the reading as well.
        while let Ok(read @ 1..) = stream.read(&mut part).await {
            answer.extend_from_slice(&part[..read]);
        }
    })
    .await
    .expect("the server closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn read_until(stream: &mut (impl AsyncReadExt + Unpin), end: &str) -> String {
    let mut answer = Vec::new();
    timeout(PATIENCE, async {
        while !answer.ends_with(end.as_bytes()) {
            answer.push(stream.read_u8().await.expect("the connection is open"));
        }
    })
    .await
    .unwrap_or_else(|_| panic!("no {end:?} in {:?}", String::from_utf8_lossy(&answer)));
    String::from_utf8(answer).unwrap()
}

fn statuses(answers: &str) -> Vec<&str> {
    answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect()
}

#[tokio::test]
async fn odd_framing_is_refused_and_the_connection_closed() {
    let server = Server::start(ConnectionLimits::default()).await;
    let long = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(1024 * 1024)
    );
    let longish = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(40 * 1024)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X: y\r\n".repeat(200)
    );
    let uri = format!(
        "GET /?{} HTTP/1.1\r\nHost: a\r\n\r\n",
        "x".repeat(17 * 1024)
    );
    let after_post = |rest: &str| format!("POST /echo HTTP/1.1\r\nHost: a\r\n{rest}");
    let cases: Vec<(&str, &str, String)> = vec![
        ("length, then chunked", "400", after_post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        ("chunked, then length", "400", after_post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n")),
        ("length 0 and chunked", "400", after_post("content-length:0\r\nTRANSFER-ENCODING:chunked\r\n\r\n0\r\n\r\n")),
        ("length and chunked after bare line feeds", "400", "POST /echo HTTP/1.1\nHost: a\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\r\n\r\n".into()),
        ("two different lengths", "400", after_post("Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc")),
        ("the same length twice", "400", after_post("Content-Length: 2\r\nContent-Length: 2\r\n\r\nab")),
        ("a signed length", "400", after_post("Content-Length: +2\r\n\r\nab")),
        ("a list of lengths", "400", after_post("Content-Length: 2, 2\r\n\r\nab")),
        ("an unknown coding", "400", after_post("Transfer-Encoding: gzip\r\n\r\nab")),
        ("an unknown coding before chunked", "400", after_post("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")),
        ("chunked twice", "400", after_post("Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n")),
        ("chunked in two fields", "400", after_post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        ("chunked after identity", "400", after_post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        ("chunked on HTTP/1.0", "400", "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into()),
        ("a folded field", "400", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n".into()),
        ("space before the colon", "400", after_post("Content-Length : 2\r\n\r\nab")),
        ("NUL in a value", "400", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n".into()),
        ("no host", "400", "GET / HTTP/1.1\r\n\r\n".into()),
        ("two hosts", "400", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".into()),
        ("two hosts on HTTP/1.0", "400", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n".into()),
        ("two hosts in one field", "400", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n".into()),
        ("a header of 1 MB", "431", long),
        ("a header of 40 kB", "431", longish),
        ("200 headers", "431", many),
        ("a target of 17 kB", "414", uri),
    ];
    for (name, status, request) in cases {
        let answer = server.exchange(request.as_bytes()).await;
        assert_eq!(
            statuses(&answer.replace("HTTP/1.0", "HTTP/1.1")),
            [status],
            "{name}: {answer}"
        );
    }
}

#[tokio::test]
async fn the_refusals_of_our_own_say_in_json_what_to_do() {
    let server = Server::start(ConnectionLimits::default()).await;
    let both =
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (request, advice) in [
        (both, "Send one Content-Length"),
        ("GET / HTTP/1.1\r\n\r\n", "Send one Host"),
    ] {
        let answer = server.exchange(request.as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains("application/json") && head.contains("connection: close"),
            "{head}"
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert!(body["message"].as_str().unwrap().contains(advice), "{body}");
    }
}

#[tokio::test]
async fn a_smuggled_request_is_found_behind_others_and_across_any_cut() {
    let server = Server::start(ConnectionLimits::default()).await;
    let fine = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let decoy = "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let with_body = format!(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{decoy}",
        decoy.len()
    );
    let chunked = format!(
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x};ext=1\r\n{decoy}\r\n0\r\nTrailer: x\r\n\r\n",
        decoy.len()
    );
    let smuggled = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let whole = format!("{fine}{with_body}{chunked}{fine}{smuggled}");
    let start_of_last = whole.len() - smuggled.len();
    let cuts = (1..start_of_last)
        .step_by(37)
        .chain(start_of_last..whole.len() - 5);
    for cut in cuts {
        let mut stream = server.connect().await;
        stream.set_nodelay(true).unwrap();
        stream.write_all(&whole.as_bytes()[..cut]).await.unwrap();
        // The server has to read up to the cut first.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let _ = stream.write_all(&whole.as_bytes()[cut..]).await;
        let answers = read_to_close(&mut stream).await;
        assert_eq!(
            statuses(&answers),
            ["200", "200", "200", "200", "400"],
            "cut at {cut}: {answers}"
        );
    }
}

#[tokio::test]
async fn valid_requests_are_answered() {
    let server = Server::start(ConnectionLimits::default()).await;
    let close = "Connection: close\r\n\r\n";
    let cases: Vec<(&str, usize, String)> = vec![
        ("one", 1, format!("GET / HTTP/1.1\r\nHost: a\r\n{close}")),
        (
            "an empty host",
            1,
            format!("GET / HTTP/1.1\r\nHost:\r\n{close}"),
        ),
        (
            "a host with a port",
            1,
            format!("GET / HTTP/1.1\r\nHost: [::1]:8001\r\n{close}"),
        ),
        (
            "an absolute target",
            1,
            format!("GET http://b/ HTTP/1.1\r\nHost: a\r\n{close}"),
        ),
        (
            "a pipelined pair",
            2,
            format!("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n{close}"),
        ),
        (
            "an empty line before",
            1,
            format!("\r\nGET / HTTP/1.1\r\nHost: a\r\n{close}"),
        ),
        (
            "an empty line between",
            2,
            format!(
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab\r\nGET / HTTP/1.1\r\nHost: a\r\n{close}"
            ),
        ),
        (
            "chunked",
            1,
            format!(
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n{close}2\r\nab\r\n0\r\n\r\n"
            ),
        ),
        (
            "90 headers",
            1,
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\n{}{close}",
                "X: y\r\n".repeat(90)
            ),
        ),
        (
            "a header of 20 kB",
            1,
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n{close}",
                "x".repeat(20 * 1024)
            ),
        ),
    ];
    for (name, count, request) in cases {
        let answer = server.exchange(request.as_bytes()).await;
        assert_eq!(statuses(&answer), vec!["200"; count], "{name}: {answer}");
    }
    let old = server.exchange(b"GET / HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200"), "{old}");
}

#[tokio::test]
async fn an_answer_does_not_wait_for_the_requests_behind_it() {
    let server = Server::start(ConnectionLimits::default()).await;
    let fine = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let malformed = format!("{fine}{fine}GET / HTTP/1.1\r\nA b\r\n\r\n");
    let answers = server.exchange(malformed.as_bytes()).await;
    assert_eq!(statuses(&answers), ["200", "200", "400"]);
    let ended = format!("{fine}GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n{fine}");
    let answers = server.exchange(ended.as_bytes()).await;
    assert_eq!(statuses(&answers), ["200", "200"]);

    for behind in ["GET / HT", "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut stream = server.connect().await;
        stream
            .write_all(format!("{fine}{fine}{behind}").as_bytes())
            .await
            .unwrap();
        read_until(&mut stream, "fine").await;
        read_until(&mut stream, "fine").await;
    }
}

#[tokio::test]
async fn many_pipelined_answers_come_whole_and_in_order() {
    let server = Server::start(ConnectionLimits::default()).await;
    let requests: String = (0..500)
        .map(|number| {
            let body = format!("{number}.").repeat(500);
            let length = body.len();
            format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
        })
        .collect();
    let (mut read, mut write) = server.connect().await.into_split();
    let sending = tokio::spawn(async move {
        write.write_all(requests.as_bytes()).await.unwrap();
        write
    });
    for number in 0..500 {
        let body = format!("{number}.").repeat(500);
        read_until(&mut read, &format!("\r\n\r\n{body}")).await;
    }
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let server = Server::start(ConnectionLimits::default()).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream
            .write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        let own = stream.local_addr().unwrap().to_string();
        let answer = read_until(&mut stream, &own).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

fn quick() -> ConnectionLimits {
    ConnectionLimits {
        first_byte_timeout: Duration::from_millis(300),
        header_timeout: Duration::from_millis(300),
        shutdown_grace: Duration::from_millis(300),
        ..ConnectionLimits::default()
    }
}

/// Only idle connections are closed soon.
fn quick_when_idle() -> ConnectionLimits {
    ConnectionLimits {
        idle_timeout: Duration::from_millis(400),
        ..ConnectionLimits::default()
    }
}

#[tokio::test]
async fn silent_slow_and_idle_connections_are_closed_each_by_its_own_limit() {
    let slow = Server::start(quick()).await;
    let idle = Server::start(quick_when_idle()).await;
    for (server, name, sent, at_least, at_most) in [
        (&slow, "silent", "", 300, 900),
        (&slow, "half a header", "GET / HTTP/1.1\r\nHo", 300, 900),
        (&slow, "half a preface", "PRI * HT", 300, 900),
        (
            &slow,
            "half a second header",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET",
            300,
            900,
        ),
        (
            &idle,
            "idle",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            400,
            1100,
        ),
        (
            &idle,
            "HTTP/2 without a request",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            400,
            1500,
        ),
    ] {
        let begun = Instant::now();
        server.exchange(sent.as_bytes()).await;
        let held = begun.elapsed().as_millis();
        assert!(
            (at_least..at_most).contains(&held),
            "{name}: held for {held} ms"
        );
    }
}

#[tokio::test]
async fn dripping_a_header_does_not_buy_time() {
    let server = Server::start(quick()).await;
    let mut stream = server.connect().await;
    let begun = Instant::now();
    while stream.write_all(b"X").await.is_ok() {
        assert!(begun.elapsed() < Duration::from_millis(1500), "still held");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_request_in_flight_is_not_idle() {
    let server = Server::start(ConnectionLimits {
        idle_timeout: Duration::from_millis(400),
        ..quick()
    })
    .await;
    let mut stream = server.connect().await;
    // Half of the next request is there as well, which must not count while the first is answered.
    stream
        .write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET")
        .await
        .unwrap();
    server.entered.notified().await;
    tokio::time::sleep(Duration::from_millis(1000)).await;
    server.release.notify_one();
    read_until(&mut stream, "released").await;
}

#[tokio::test]
async fn a_peer_that_takes_no_answer_is_cut_off() {
    let server = Server::start(quick_when_idle()).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let mut taken = 0;
    let mut part = vec![0; 1024 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut part).await {
        taken += read;
    }
    assert!(taken < 64 * 1024 * 1024, "all of it came");
}

#[tokio::test]
async fn shutdown_lets_the_request_in_flight_end() {
    let mut server = Server::start(ConnectionLimits::default()).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    read_until(&mut idle, "fine").await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    server.entered.notified().await;

    server.stop.take().unwrap().send(()).unwrap();
    assert_eq!(
        read_to_close(&mut idle).await,
        "",
        "an idle connection is closed at once"
    );
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "no new connection is taken"
    );
    server.release.notify_one();
    let answer = read_to_close(&mut busy).await;
    assert!(answer.ends_with("released"), "{answer}");
    timeout(PATIENCE, server.task)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn shutdown_cuts_off_what_does_not_end() {
    let mut server = Server::start(quick()).await;
    let mut stream = server.connect().await;
    let mut waiting = server.connect().await;
    stream
        .write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    waiting
        .write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    server.entered.notified().await;
    server.stop.take().unwrap().send(()).unwrap();
    timeout(PATIENCE, server.task)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(read_to_close(&mut stream).await, "");
}

#[tokio::test]
async fn a_panic_ends_its_connection_and_nothing_else() {
    let server = Server::start(ConnectionLimits::default()).await;
    let panicked = server
        .exchange(b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!(panicked, "");
    let fine = server
        .exchange(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(statuses(&fine), ["200"]);
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_until_one_ends() {
    let limits = ConnectionLimits {
        max_connections: 2,
        ..ConnectionLimits::default()
    };
    let server = Server::start(limits).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        read_until(&mut stream, "fine").await;
        held.push(stream);
    }
    let mut third = server.connect().await;
    third
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let early = timeout(Duration::from_millis(200), third.read_u8()).await;
    assert!(early.is_err(), "answered beyond the cap");
    drop(held.pop());
    read_until(&mut third, "fine").await;
}

#[tokio::test]
async fn a_body_is_bounded_in_size_and_time() {
    let server = Server::start(ConnectionLimits::default()).await;
    for path in ["/short", "/stubborn"] {
        let post =
            |rest: &str| format!("POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{rest}");
        for (name, status, request) in [
            (
                "within",
                "200",
                post("Content-Length: 10\r\n\r\n0123456789"),
            ),
            (
                "within, chunked",
                "200",
                post("Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n"),
            ),
            (
                "announced too large",
                "413",
                post("Content-Length: 11\r\n\r\n"),
            ),
            (
                "chunked too large",
                "413",
                post("Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n5\r\n01234\r\n"),
            ),
            ("too slow", "408", post("Content-Length: 5\r\n\r\n01")),
        ] {
            let answer = server.exchange(request.as_bytes()).await;
            assert_eq!(statuses(&answer), [status], "{name} {path}: {answer}");
        }
    }
}

/// A certificate for `localhost` in files, as the server reads them, and a client that trusts it.
struct Certificate {
    folder: tempfile::TempDir,
    der: rustls::pki_types::CertificateDer<'static>,
}

impl Certificate {
    fn make() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(
            folder.path().join("key.pem"),
            made.signing_key.serialize_pem(),
        )
        .unwrap();
        let certificate = Self {
            folder,
            der: made.cert.der().clone(),
        };
        certificate.set_mode(0o600);
        certificate
    }

    fn set_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.folder.path().join("key.pem"), mode).unwrap();
    }

    fn load(&self, certificate: &str, key: &str) -> Result<Arc<rustls::ServerConfig>, String> {
        let folder = self.folder.path();
        tls::load(&folder.join(certificate), &folder.join(key)).map_err(|error| error.to_string())
    }

    async fn connect(
        &self,
        server: &Server,
        protocol: &[u8],
    ) -> tokio_rustls::client::TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        tokio_rustls::TlsConnector::from(Arc::new(config))
            .connect(
                ServerName::try_from("localhost").unwrap(),
                server.connect().await,
            )
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn tls_works_and_plain_http_on_its_port_is_told_so() {
    let certificate = Certificate::make();
    let config = certificate.load("cert.pem", "key.pem").unwrap();
    let server = Server::start_with(quick(), Some(config)).await;

    let mut stream = certificate.connect(&server, b"http/1.1").await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(statuses(&read_to_close(&mut stream).await), ["200"]);

    let plain = server.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(
        plain.starts_with("HTTP/1.1 400") && plain.contains("https://"),
        "{plain}"
    );

    let begun = Instant::now();
    assert_eq!(
        server.exchange(b"").await,
        "",
        "a silent connection is closed"
    );
    assert_eq!(
        server.exchange(b"\x16\x03\x01").await,
        "",
        "so is half a handshake"
    );
    assert!(begun.elapsed() < Duration::from_millis(1800));
}

#[tokio::test]
async fn http2_is_spoken_when_it_was_agreed_on() {
    let certificate = Certificate::make();
    let config = certificate.load("cert.pem", "key.pem").unwrap();
    let server = Server::start_with(ConnectionLimits::default(), Some(config)).await;
    let stream = certificate.connect(&server, b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));

    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    tokio::spawn(connection);
    for (path, status) in [("/", 200), ("/peer", 200), ("/absent", 404)] {
        let request = Request::get(format!("https://localhost{path}"))
            .body(Body::empty())
            .unwrap();
        assert_eq!(
            sender.send_request(request).await.unwrap().status(),
            status,
            "{path}"
        );
    }
}

#[test]
fn unusable_certificates_and_keys_are_named_with_what_is_wrong() {
    let certificate = Certificate::make();
    let other = Certificate::make();
    let folder = certificate.folder.path();
    std::fs::copy(
        other.folder.path().join("key.pem"),
        folder.join("other.pem"),
    )
    .unwrap();
    std::fs::write(folder.join("cut.pem"), "-----BEGIN CERTIFICATE-----\nMIIB").unwrap();
    for (cert, key, said) in [
        ("absent.pem", "key.pem", "absent.pem: No such file"),
        ("cut.pem", "key.pem", "cut.pem is not valid PEM"),
        ("key.pem", "key.pem", "key.pem holds no certificate"),
        ("cert.pem", "other.pem", "cannot be used together"),
    ] {
        let error = certificate.load(cert, key).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    certificate.set_mode(0o640);
    let error = certificate.load("cert.pem", "key.pem").unwrap_err();
    assert!(
        error.contains("chmod 600 ") && error.contains("key.pem"),
        "{error}"
    );
}
