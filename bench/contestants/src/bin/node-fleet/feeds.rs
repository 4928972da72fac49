//! Open feeds that are only read: each joined and is let in as a node of its own, but verifies, writes and reports
//! nothing, so that many more of them fit into one process.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use lictor_core::digest::Digest;
use lictor_core::feed::{FEED_PATH, FORMAT, FORMATS_HEADER, JOIN_PATH, Join};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::{PATIENCE, Plan, http, side_by_side};

/// What stands before the revision of a state, which is all that is read of one.
const ID: &[u8] = b"\nid: ";

/// A revision that came, and when.
type Heard = (u64, Instant);

pub(crate) struct Feeds {
    count: usize,
    heard: UnboundedReceiver<Heard>,
    newest: u64,
}

impl Feeds {
    /// Opens a feed for each token, and waits until all have had their first state.
    pub(crate) async fn join(plan: &Arc<Plan>) -> Result<Self> {
        let (tell, heard) = unbounded_channel();
        let count = plan.tokens.len();
        let open = |number| open(Arc::clone(plan), number, tell.clone());
        side_by_side(count, open).await?;
        let mut feeds = Self {
            count,
            heard,
            newest: 0,
        };
        feeds.hear().await?;
        Ok(feeds)
    }

    /// When each of them heard of a state that is newer than all before it.
    pub(crate) async fn hear(&mut self) -> Result<Vec<Instant>> {
        let (newest, mut times) = (self.newest, Vec::with_capacity(self.count));
        while times.len() < self.count {
            let heard = timeout(PATIENCE, self.heard.recv()).await?;
            let (revision, at) = heard.context("no feed is open")?;
            // The same one comes again when it is signed anew.
            if revision > newest {
                times.push(at);
                self.newest = self.newest.max(revision);
            }
        }
        Ok(times)
    }
}

/// Joins as one node and opens its feed, which is read until it ends.
async fn open(plan: Arc<Plan>, number: usize, tell: UnboundedSender<Heard>) -> Result<()> {
    let (address, credential) = (&plan.address, format!("{number:064x}"));
    let join = serde_json::to_string(&Join {
        credential_sha256: Digest::of(credential.as_bytes()),
        host: String::new(),
        version: String::new(),
        formats: vec![FORMAT],
        known: None,
    })?;
    http::post(address, JOIN_PATH, &plan.tokens[number], &join).await?;
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET {FEED_PATH} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {credential}\r\n\
         Accept: text/event-stream\r\n{FORMATS_HEADER}: {FORMAT}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    tokio::spawn(async move {
        if let Err(error) = read(stream, &tell).await {
            eprintln!("feed {number}: {error:#}");
        }
    });
    Ok(())
}

async fn read(mut stream: TcpStream, tell: &UnboundedSender<Heard>) -> Result<()> {
    let mut text = Vec::with_capacity(8_192);
    loop {
        let read = stream.read_buf(&mut text).await?;
        ensure!(read > 0, "the server closed the feed");
        let at = Instant::now();
        while let Some((revision, end)) = revision(&text) {
            text.drain(..end);
            tell.send((revision, at))?;
        }
        // What could be the beginning of an id stays.
        let kept = text.len().min(ID.len() + 20);
        text.drain(..text.len() - kept);
    }
}

/// The first revision in what was read, and where it ends.
fn revision(text: &[u8]) -> Option<(u64, usize)> {
    let begin = text.windows(ID.len()).position(|part| part == ID)? + ID.len();
    let length = text[begin..].iter().position(|byte| *byte == b'\n')?;
    let digits = str::from_utf8(&text[begin..begin + length]).ok()?;
    Some((digits.parse().ok()?, begin + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_read_once_it_is_whole() {
        assert_eq!(revision(b"1a\r\nid: 12\nevent: x\n"), Some((12, 10)));
        assert_eq!(revision(b"1a\r\nid: 12"), None);
        assert_eq!(revision(b":\n\n"), None);
    }
}
