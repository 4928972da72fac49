//! Attackers that make the server hold bodies in memory: unauthenticated requests, slow requests, and answers that nobody reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use anyhow::{Result, anyhow};

use lictor_testkit::limits::give_way;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::http2;
use crate::operator::Operator;

/// The tenant that they have a token of.
const TENANT: &str = "crowd";

/// How soon who is not known has to be told so.
const TOLD: Duration = Duration::from_secs(5);

/// Between two attempts of one attacker, and between two of its drops.
const PAUSE: Duration = Duration::from_millis(200);

const KIBIBYTE: usize = 1024;
const MEBIBYTE: usize = 1024 * KIBIBYTE;

/// Streams that an attacker opens on one connection.
const STREAMS: u32 = 100;

/// Large licenses of the tenant, of which a list is made.
const LARGE: usize = 40;

/// All attackers, ended at the latest when dropped.
pub(super) struct Crowd {
    shared: Arc<Shared>,
    runner: Option<JoinHandle<()>>,
}

struct Shared {
    address: String,
    token: String,
    ended: AtomicBool,
    attempts: AtomicUsize,
    /// Strangers whose bodies were waited for.
    waited_for: AtomicUsize,
}

impl Crowd {
    /// Lets `each` attackers begin in every way.
    pub(super) fn begin(address: &str, token: &str, each: usize) -> Self {
        let shared = Arc::new(Shared {
            address: address.to_owned(),
            token: token.to_owned(),
            ended: AtomicBool::new(false),
            attempts: AtomicUsize::new(0),
            waited_for: AtomicUsize::new(0),
        });
        let own = Arc::clone(&shared);
        let runner = spawn(move || {
            if let Err(error) = attack(&own, each) {
                println!("the attackers with bodies did not begin: {error:#}");
            }
        });
        Self {
            shared,
            runner: Some(runner),
        }
    }

    /// Ends them; how often they came, and how often the body of a stranger was waited for.
    pub(super) fn end(mut self) -> (usize, usize) {
        self.stop();
        let Shared {
            attempts,
            waited_for,
            ..
        } = &*self.shared;
        let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
        (count(attempts), count(waited_for))
    }

    fn stop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(runner) = self.runner.take() {
            runner.join().ok();
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes an organization with large licenses, and its administrator's token.
pub(super) fn tenant(address: &str, document: &str) -> Result<String> {
    let mut operator = Operator::of_new(address, TENANT)?;
    for number in 0..LARGE {
        let payload = format!("{document}{}", " ".repeat(60_000 + number));
        let body = json!({ "payload": payload });
        operator.post(&format!("/{TENANT}/licenses"), &body)?;
    }
    operator.send(
        "GET",
        &format!("/{TENANT}/licenses?size=1000"),
        &Value::Null,
    )?;
    operator.token()
}

fn attack(shared: &Arc<Shared>, each: usize) -> Result<()> {
    give_way()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut attackers = JoinSet::new();
        for _ in 0..each {
            attackers.spawn(again(Arc::clone(shared), stranger));
            attackers.spawn(again(Arc::clone(shared), stranger_in_chunks));
            attackers.spawn(again(Arc::clone(shared), slow_credential));
            // Together far more than there is room for.
            for _ in 0..3 {
                attackers.spawn(again(Arc::clone(shared), large_body));
            }
        }
        // These are many on each connection, or cost the server more than they cost them.
        for _ in 0..each.div_ceil(10) {
            attackers.spawn(again(Arc::clone(shared), credentials_on_streams));
            attackers.spawn(again(Arc::clone(shared), strangers_on_streams));
            attackers.spawn(again(Arc::clone(shared), tiny_chunks));
            attackers.spawn(again(Arc::clone(shared), untaken_lists));
        }
        while !shared.ended.load(Ordering::Relaxed) {
            sleep(PAUSE).await;
        }
        attackers.shutdown().await;
    });
    Ok(())
}

/// Comes again whenever it is cut off.
async fn again<F: Future<Output = Result<()>> + Send>(
    shared: Arc<Shared>,
    once: fn(Arc<Shared>) -> F,
) {
    loop {
        shared.attempts.fetch_add(1, Ordering::Relaxed);
        // That it is cut off is what is expected.
        once(Arc::clone(&shared)).await.ok();
        sleep(PAUSE).await;
    }
}

/// A node that nobody enrolled, with the largest body that a node may send.
async fn stranger(shared: Arc<Shared>) -> Result<()> {
    let mut stream = TcpStream::connect(&shared.address).await?;
    let head = head(&shared, "/v1/feed/join", "nobody's", MEBIBYTE);
    stream.write_all(head.as_bytes()).await?;
    // Nothing but the head has to be there for an answer.
    until_told(&shared, stream.read_u8()).await;
    Ok(())
}

/// The same with a body in chunks of one byte, as fast as they are taken.
async fn stranger_in_chunks(shared: Arc<Shared>) -> Result<()> {
    let mut stream = TcpStream::connect(&shared.address).await?;
    let head = "POST /v1/feed/join HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer nobody's\r\n\
        Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let (mut heard, mut said) = stream.split();
    let chunks = "1\r\nx\r\n".repeat(KIBIBYTE);
    let saying = async { while said.write_all(chunks.as_bytes()).await.is_ok() {} };
    tokio::select! {
        () = until_told(&shared, heard.read_u8()) => {}
        // It is cut off, which tells as much.
        () = saying => {}
    }
    Ok(())
}

/// The same on as many streams as fit on one connection, each byte in a frame.
async fn strangers_on_streams(shared: Arc<Shared>) -> Result<()> {
    let mut stream = TcpStream::connect(&shared.address).await?;
    let mut bytes = http2::opening(64 * KIBIBYTE);
    for number in 0..STREAMS {
        let head = http2::Head {
            method: "POST",
            path: "/v1/feed/join",
            token: "nobody's",
        };
        bytes.extend(head.frame(number, false));
        bytes.extend(http2::data(number, b"x").repeat(32));
    }
    stream.write_all(&bytes).await?;
    let answered = async {
        while let Ok((kind, ..)) = http2::read(&mut stream).await {
            if kind == http2::HEADERS {
                break;
            }
        }
    };
    until_told(&shared, answered).await;
    Ok(())
}

/// Counts a stranger who is told nothing in time.
async fn until_told(shared: &Shared, told: impl Future) {
    if timeout(TOLD, told).await.is_err() {
        shared.waited_for.fetch_add(1, Ordering::Relaxed);
    }
}

/// A client whose credential comes byte by byte, each in a chunk.
async fn slow_credential(shared: Arc<Shared>) -> Result<()> {
    let mut stream = TcpStream::connect(&shared.address).await?;
    let head = "POST /oauth/v2/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    loop {
        stream.write_all(b"1\r\nx\r\n").await?;
        sleep(PAUSE).await;
    }
}

/// An administrator with a body of 10 MiB that lacks its last byte.
async fn large_body(shared: Arc<Shared>) -> Result<()> {
    let mut stream = TcpStream::connect(&shared.address).await?;
    let length = 10 * MEBIBYTE;
    let head = head(&shared, "/licenses", &shared.token, length);
    stream.write_all(head.as_bytes()).await?;
    let (part, mut left) = ([b' '; 16 * KIBIBYTE], length - 1);
    while left > 0 {
        let said = stream.write(&part[..left.min(part.len())]).await?;
        left -= said;
    }
    wait_for_the_end(&mut stream).await
}

/// An administrator with a body in chunks of one byte.
async fn tiny_chunks(shared: Arc<Shared>) -> Result<()> {
    let mut stream = TcpStream::connect(&shared.address).await?;
    let token = &shared.token;
    let head = format!(
        "POST /licenses HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let chunks = "1\r\n \r\n".repeat(4 * KIBIBYTE);
    for _ in 0..MEBIBYTE / (4 * KIBIBYTE) {
        stream.write_all(chunks.as_bytes()).await?;
        sleep(PAUSE).await;
    }
    wait_for_the_end(&mut stream).await
}

/// Clients whose credentials lack their ends, as many as fit on one connection.
async fn credentials_on_streams(shared: Arc<Shared>) -> Result<()> {
    let mut stream = TcpStream::connect(&shared.address).await?;
    let mut bytes = http2::opening(64 * KIBIBYTE);
    for number in 0..STREAMS {
        let head = http2::Head {
            method: "POST",
            path: "/oauth/v2/token",
            token: "nobody's",
        };
        bytes.extend(head.frame(number, false));
        bytes.extend(http2::data(number, &[b'x'; 600]));
    }
    stream.write_all(&bytes).await?;
    wait_for_the_end(&mut stream).await
}

/// A reader that asks for the longest list on each of its streams and takes nothing.
async fn untaken_lists(shared: Arc<Shared>) -> Result<()> {
    let mut stream = TcpStream::connect(&shared.address).await?;
    let mut bytes = http2::opening(0);
    for number in 0..STREAMS {
        let head = http2::Head {
            method: "GET",
            path: "/licenses?size=1000",
            token: &shared.token,
        };
        bytes.extend(head.frame(number, true));
    }
    stream.write_all(&bytes).await?;
    wait_for_the_end(&mut stream).await
}

fn head(shared: &Shared, path: &str, token: &str, length: usize) -> String {
    let host = &shared.address;
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// Takes what comes until the server closes the connection.
async fn wait_for_the_end(stream: &mut TcpStream) -> Result<()> {
    let mut part = [0; KIBIBYTE];
    while stream.read(&mut part).await? > 0 {}
    Err(anyhow!("cut off"))
}
