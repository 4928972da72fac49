//! A client over one kept connection, of which only the status and the length of an answer matter.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer that takes longer is an error.
const PATIENCE: Duration = Duration::from_secs(30);

const KIBIBYTE: usize = 1024;

/// A client that has a token.
pub(crate) struct Peer {
    pub(crate) address: String,
    pub(crate) token: String,
    connection: Option<TcpStream>,
    heard: Vec<u8>,
}

/// What was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Of the body, in bytes.
    pub(crate) length: usize,
}

impl Peer {
    pub(crate) fn new(address: &str, token: &str) -> Self {
        Self {
            address: address.to_owned(),
            token: token.to_owned(),
            connection: None,
            heard: Vec::new(),
        }
    }

    /// Asks, and takes the whole answer. A connection that is lost is opened again by the next.
    pub(crate) async fn ask(&mut self, line: &str, fields: &str, body: &[u8]) -> Result<Answer> {
        let mut stream = match self.connection.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        let head = self.head(line, fields, body.len());
        let exchanged = timeout(PATIENCE, async {
            stream.write_all(&[head.as_bytes(), body].concat()).await?;
            read_answer(&mut stream, &mut self.heard).await
        });
        let answer = exchanged
            .await
            .map_err(|_| anyhow!("{line}: no answer in time"))?
            .with_context(|| line.to_owned())?;
        self.connection = Some(stream);
        Ok(answer)
    }

    /// The head of a request that has a body of such a length.
    pub(crate) fn head(&self, line: &str, fields: &str, length: usize) -> String {
        let Self { address, token, .. } = self;
        format!(
            "{line} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n{fields}\r\n"
        )
    }

    /// The body of the last answer.
    pub(crate) fn said(&self) -> &[u8] {
        let end = end_of_head(&self.heard).unwrap_or_default();
        &self.heard[end..]
    }
}

/// Reads one whole answer, with its head, into `heard`.
pub(crate) async fn read_answer(stream: &mut TcpStream, heard: &mut Vec<u8>) -> Result<Answer> {
    heard.clear();
    let (status, start, length) = loop {
        heard.reserve(16 * KIBIBYTE);
        let read = stream.read_buf(heard).await?;
        ensure!(read > 0, "the connection was closed");
        if let Some(start) = end_of_head(heard) {
            let (status, length) = figures(&heard[..start]).context("not an answer")?;
            break (status, start, length);
        }
    };
    while heard.len() < start + length {
        heard.reserve(64 * KIBIBYTE);
        let read = stream.read_buf(heard).await?;
        ensure!(read > 0, "the answer is cut off");
    }
    ensure!(heard.len() == start + length, "more than one answer");
    Ok(Answer { status, length })
}

fn end_of_head(heard: &[u8]) -> Option<usize> {
    let end = heard.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

/// The status and the length that a head names; one without a length has no body.
fn figures(head: &[u8]) -> Option<(u16, usize)> {
    let head = std::str::from_utf8(head).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    Some((
        status,
        length.map_or(Some(0), |length| length.parse().ok())?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_an_answer_stand_in_its_head() {
        let head = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 12\r\n\r\n";
        assert_eq!(figures(head), Some((429, 12)));
        assert_eq!(figures(b"HTTP/1.1 204 No Content\r\n\r\n"), Some((204, 0)));
        assert_eq!(figures(b"garbage"), None);
        assert_eq!(end_of_head(head), Some(head.len()));
    }
}
