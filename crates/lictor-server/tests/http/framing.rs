//! Which bytes are one request, and what is refused because readers could differ about it.

use std::time::Duration;

use lictor_server::http::limits::ConnectionLimits;
use tokio::io::AsyncWriteExt;

use crate::server::{Server, read_to_close, read_until, statuses};

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
        ("a target that is no path", "400", "GET licenses HTTP/1.1\r\nHost: a\r\n\r\n".into()),
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
async fn a_refusal_says_in_json_what_to_do() {
    let server = Server::start(ConnectionLimits::default()).await;
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\n";
    let both = format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n");
    let twice = format!("{post}Content-Length: 2\r\nContent-Length: 2\r\n\r\nab");
    for (request, advice) in [
        (both.as_str(), "Send one Content-Length"),
        (&twice, "Send one Content-Length"),
        ("GET / HTTP/1.1\r\n\r\n", "Send one Host"),
        (
            "GET licenses HTTP/1.1\r\nHost: a\r\n\r\n",
            "Begin it with a slash",
        ),
    ] {
        let answer = server.exchange(request.as_bytes()).await;
        assert_is_refusal(&answer, "400 Bad Request", advice);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_without_a_body() {
    let server = Server::start(ConnectionLimits::default()).await;
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\n";
    let two = format!("{post}Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc");
    let large = format!("{post}X: {}\r\n\r\n", "x".repeat(40 * 1024));
    for (request, status) in [
        (two.as_str(), "400 Bad Request"),
        ("\x16\x03\x01\x02\x00\x01\x00", "400 Bad Request"),
        ("GET /\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/1.1\r\nA b\r\n\r\n", "400 Bad Request"),
        (&large, "431 Request Header Fields Too Large"),
    ] {
        let answer = server.exchange(request.as_bytes()).await;
        assert_is_bare_refusal(&answer, status);
    }
}

fn assert_is_bare_refusal(answer: &str, status: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    let begins = format!("HTTP/1.1 {status}\r\n");
    assert!(head.starts_with(&begins), "{head}");
    for line in ["content-length: 0", "connection: close"] {
        assert!(head.lines().any(|l| l == line), "{answer}");
    }
    assert_eq!(body, "");
}

fn assert_is_refusal(answer: &str, status: &str, advice: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    assert!(
        head.starts_with(&format!("HTTP/1.1 {status}\r\n")),
        "{head}"
    );
    let length = format!("content-length: {}", body.len());
    for line in [
        "content-type: application/json",
        "connection: close",
        &length,
    ] {
        assert_eq!(head.lines().filter(|l| *l == line).count(), 1, "{answer}");
    }
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert!(body["message"].as_str().unwrap().contains(advice), "{body}");
}

#[tokio::test]
async fn a_refusal_comes_after_the_answers_before_it() {
    let server = Server::start(ConnectionLimits::default()).await;
    let mut stream = server.connect().await;
    // The answer fills the socket, so that the refusal is ready before the peer took all of it.
    let requests = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n\0\r\n\r\n";
    stream.write_all(requests.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let answers = read_to_close(&mut stream).await;
    let (head, rest) = answers.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-length: 67108864"), "{head}");
    let (body, refusal) = rest.split_at(64 * 1024 * 1024);
    assert!(body.bytes().all(|byte| byte == 0), "an answer within");
    assert_is_bare_refusal(refusal, "400 Bad Request");
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

    for following in ["GET / HT", "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut stream = server.connect().await;
        stream
            .write_all(format!("{fine}{fine}{following}").as_bytes())
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
async fn what_was_asked_before_the_peer_stopped_sending_is_answered() {
    let server = Server::start(ConnectionLimits::default()).await;
    let fine = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let wait = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
    for (requests, count) in [
        (fine.repeat(3), 3),
        (format!("{fine}GET / HT"), 1),
        (String::new(), 0),
        (wait.to_owned(), 1),
        (format!("{fine}{fine}{wait}"), 3),
        (format!("{wait}{fine}{fine}"), 3),
    ] {
        let mut stream = server.connect().await;
        stream.write_all(requests.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        if requests.contains("/wait") {
            server.entered.notified().await;
            // The server has to read to the end first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            server.release.notify_one();
        }
        let answers = read_to_close(&mut stream).await;
        assert_eq!(
            statuses(&answers),
            vec!["200"; count],
            "{requests}: {answers}"
        );
    }
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let server = Server::start(ConnectionLimits::default()).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        let answer = read_until(&mut stream, "fine").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
