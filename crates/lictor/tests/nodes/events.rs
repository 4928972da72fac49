//! A node's feed, read event by event over a raw connection: what came, in which order, and how it
//! ended.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use lictor_core::feed::FEED_PATH;

use crate::node::{Node, State};

/// How long is waited for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a feed says.
#[derive(Debug)]
enum Said {
    State {
        id: String,
        document: String,
    },
    Heartbeat,
    /// The body ended as HTTP says, and was not cut off.
    End,
    Cut(String),
}

/// An open feed, read by a thread of its own.
pub(crate) struct Feed<'a> {
    node: &'a Node,
    said: Receiver<Said>,
    stream: TcpStream,
}

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

impl<'a> Feed<'a> {
    pub(crate) fn open(node: &'a Node) -> Self {
        let host = node.url.strip_prefix("http://").expect("plain HTTP");
        let mut stream = TcpStream::connect(host).expect("the server listens");
        let request = format!(
            "GET {FEED_PATH} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\
             Authorization: Bearer {}\r\n\r\n",
            node.credential
        );
        stream.write_all(request.as_bytes()).expect("writes");
        let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
        let head = head(&mut reader);
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        let (sender, said) = channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            loop {
                match chunk(&mut reader) {
                    Ok(more) if more.is_empty() => break drop(sender.send(Said::End)),
                    Ok(more) => text.push_str(&more),
                    Err(why) => break drop(sender.send(Said::Cut(why))),
                }
                while let Some((event, rest)) = text.split_once("\n\n") {
                    // Nobody listens once the feed is dropped.
                    let _ = sender.send(parsed(event));
                    text = rest.to_owned();
                }
            }
        });
        Self { node, said, stream }
    }

    #[track_caller]
    fn next(&self) -> Said {
        match self.said.recv_timeout(PATIENCE) {
            Ok(Said::Cut(why)) => panic!("the feed was cut off: {why}"),
            Ok(said) => said,
            Err(error) => panic!("the feed says nothing: {error}"),
        }
    }

    /// The next event, which must be a state for this node.
    #[track_caller]
    pub(crate) fn state(&self) -> State {
        loop {
            match self.next() {
                Said::State { id, document } => {
                    let state = self.node.verify(&document);
                    assert_eq!(id, state.revision.to_string());
                    return state;
                }
                Said::Heartbeat => {}
                other => panic!("no state: {other:?}"),
            }
        }
    }

    /// The next thing said must be a heartbeat.
    #[track_caller]
    pub(crate) fn heartbeat(&self) {
        let said = self.next();
        assert!(matches!(said, Said::Heartbeat), "{said:?}");
    }

    /// The feed must end now, in order.
    #[track_caller]
    pub(crate) fn end(&self) {
        let said = self.next();
        assert!(matches!(said, Said::End), "{said:?}");
    }

    /// Nothing was said that was not looked at yet.
    #[track_caller]
    pub(crate) fn is_quiet(&self) {
        match self.said.recv_timeout(Duration::ZERO) {
            Err(RecvTimeoutError::Timeout) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn parsed(event: &str) -> Said {
    if event == ":" {
        return Said::Heartbeat;
    }
    let mut lines = event.split('\n');
    let mut line = |name: &str| {
        let line = lines.next().unwrap_or_default();
        let value = line.strip_prefix(name);
        value
            .unwrap_or_else(|| panic!("{name:?} expected: {event}"))
            .to_owned()
    };
    let id = line("id: ");
    assert_eq!(line("event: "), "state");
    let document = line("data: ");
    assert_eq!(lines.next(), None, "{event}");
    Said::State { id, document }
}

/// The head of an answer, in lower case.
fn head(reader: &mut BufReader<TcpStream>) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = reader.read_line(&mut head).expect("a head");
        assert!(read > 0, "the head ended early: {head}");
    }
    head.to_ascii_lowercase()
}

/// The next chunk of a body; empty: the body is over.
fn chunk(reader: &mut BufReader<TcpStream>) -> Result<String, String> {
    let cut = |error: std::io::Error| error.to_string();
    let mut line = String::new();
    reader.read_line(&mut line).map_err(cut)?;
    let length = usize::from_str_radix(line.trim_end(), 16).map_err(|_| format!("cut: {line}"))?;
    let mut bytes = vec![0; length + 2];
    reader.read_exact(&mut bytes).map_err(cut)?;
    bytes.truncate(length);
    String::from_utf8(bytes).map_err(|error| error.to_string())
}
