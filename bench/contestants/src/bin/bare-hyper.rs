//! The least that hyper can do: one fixed answer to every request. `bare-hyper ADDRESS FILE`, where the file
//! holds the answer as it goes over the wire.

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The server's own allocator, so that only what is built on hyper differs.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().context("which address?")?.parse()?;
    let file = arguments.next().context("which file?")?;
    let answer = parse(&std::fs::read(file)?)?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(serve(address, answer))
}

async fn serve(address: SocketAddr, answer: Response<Bytes>) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    // Spawned, so that accepting happens on the worker too.
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(move |_| {
                    let answer = answer.clone().map(Full::new);
                    async move { Ok::<_, Infallible>(answer) }
                });
                // How a connection ends is the load's own business.
                let _ = http1::Builder::new()
                    .pipeline_flush(true)
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    })
    .await?
}

/// Reads the answer. hyper writes a date of its own, which takes the place of the one in the file.
fn parse(wire: &[u8]) -> Result<Response<Bytes>> {
    let end = wire.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.context("an answer has a head and a body")?;
    let (head, body) = (str::from_utf8(&wire[..end])?, &wire[end + 4..]);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let mut answer = Response::new(Bytes::copy_from_slice(body));
    *answer.status_mut() = StatusCode::from_bytes(status.context("no status")?.as_bytes())?;
    for line in lines {
        let (name, value) = line.split_once(": ").with_context(|| line.to_owned())?;
        if name != "date" {
            let value = HeaderValue::from_str(value)?;
            answer
                .headers_mut()
                .append(HeaderName::from_bytes(name.as_bytes())?, value);
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_was_sent() {
        let wire =
            b"HTTP/1.1 201 Created\r\nserver: x\r\nvary: a\r\nvary: b\r\ndate: now\r\n\r\n{}";
        let answer = parse(wire).unwrap();
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.body().as_ref(), b"{}");
        assert_eq!(answer.headers()["server"], "x");
        assert_eq!(answer.headers().get_all("vary").iter().count(), 2);
        assert!(!answer.headers().contains_key("date"));
    }

    #[test]
    fn half_an_answer_is_none() {
        for wire in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1\r\n\r\n"] {
            assert!(parse(wire).is_err());
        }
    }
}
