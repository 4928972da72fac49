//! Deadlines, caps, bodies, shutdown: no peer can hold more than its share.

use std::io::ErrorKind;
use std::time::Duration;

use lictor_server::http::limits::ConnectionLimits;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::server::{PATIENCE, Server, read_to_close, read_until, statuses};
use crate::tls::Certificate;

pub(crate) fn quick() -> ConnectionLimits {
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
async fn a_peer_that_has_said_its_last_is_answered_but_for_what_lasts_while_it_listens() {
    let server = Server::start(ConnectionLimits::default()).await;
    let mut stream = server.connect().await;
    let request = b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(request).await.unwrap();
    server.entered.notified().await;
    stream.shutdown().await.unwrap();
    server.release.notify_one();
    let answer = read_to_close(&mut stream).await;
    assert!(answer.ends_with("released"), "{answer}");

    let mut stream = server.connect().await;
    let request = b"GET /feed HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(request).await.unwrap();
    read_until(&mut stream, "first\r\n").await;
    stream.shutdown().await.unwrap();
    let begun = Instant::now();
    assert_eq!(read_to_close(&mut stream).await, "");
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn what_comes_while_an_answer_lasts_is_answered_after_it() {
    let server = Server::start(ConnectionLimits::default()).await;
    let mut stream = server.connect().await;
    let request = b"GET /feed HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(request).await.unwrap();
    read_until(&mut stream, "first\r\n").await;
    // More than is read ahead at once.
    let padding = "x".repeat(700);
    let next = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {padding}\r\n\r\n");
    stream.write_all(next.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.release.notify_one();
    read_until(&mut stream, "last\r\n0\r\n\r\n").await;
    read_until(&mut stream, "fine").await;
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
    assert!(taken < 1024 * 1024, "the kernel took {taken} bytes");
}

/// Of what the kernel has taken for it by then, 32 KiB and more, nothing is sent any more.
#[tokio::test]
async fn a_peer_that_takes_no_answer_is_reset() {
    let server = Server::start(quick_when_idle()).await;
    let mut stream = server.connect_narrowly().await;
    until_reset(&mut stream, |stream| stream).await;

    let certificate = Certificate::make();
    let config = certificate.load("cert.pem", "key.pem").unwrap();
    let server = Server::start_with(quick_when_idle(), Some(config)).await;
    let stream = server.connect_narrowly().await;
    let mut stream = certificate.shake_hands(stream, b"http/1.1").await;
    until_reset(&mut stream, |stream| stream.get_ref().0).await;
}

/// Asks for a long answer and reads nothing of it.
async fn until_reset<S: AsyncWrite + Unpin>(stream: &mut S, tcp: fn(&S) -> &TcpStream) {
    let request = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let reset = timeout(PATIENCE, tcp(stream).ready(Interest::ERROR)).await;
    reset.expect("a reset").unwrap();
    let error = tcp(stream).take_error().unwrap().unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_peer_that_is_cut_off_for_anything_else_gets_what_was_answered_before() {
    let server = Server::start(quick()).await;
    let mut stream = server.connect().await;
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    let read = timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
    read.expect("the server closes the connection")
        .expect("no reset");
    assert!(answer.ends_with("fine"), "{answer}");
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
async fn the_longest_idle_connection_over_which_nobody_signed_in_gives_up_its_place() {
    let server = Server::start(ConnectionLimits {
        max_connections: 3,
        sign_in_grace: Duration::from_millis(100),
        ..ConnectionLimits::default()
    })
    .await;
    let ask = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut silent = server.connect().await;
    let mut first = server.connect().await;
    first.write_all(ask).await.unwrap();
    read_until(&mut first, "fine").await;
    let mut second = server.connect().await;
    second.write_all(ask).await.unwrap();
    read_until(&mut second, "fine").await;
    let mut third = server.connect().await;
    third.write_all(ask).await.unwrap();
    read_until(&mut third, "fine").await;
    assert_eq!(read_to_close(&mut silent).await, "");
    first.write_all(ask).await.unwrap();
    read_until(&mut first, "fine").await;
}

#[tokio::test]
async fn a_body_arrives_in_time_or_is_refused() {
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
            ("too slow", "408", post("Content-Length: 5\r\n\r\n01")),
            (
                "too slow, chunked",
                "408",
                post("Transfer-Encoding: chunked\r\n\r\n5\r\n01"),
            ),
        ] {
            let answer = server.exchange(request.as_bytes()).await;
            assert_eq!(statuses(&answer), [status], "{name} {path}: {answer}");
        }
    }
}
