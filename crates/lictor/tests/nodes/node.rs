//! A node as the control plane sees one: it joins, reads its feed event by event, and reports. It
//! takes nothing that its pinned key did not sign for it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use lictor_core::change::Digest;
use lictor_core::feed::{
    Applied, Audience, EnrollmentToken, FEED_PATH, JOIN_PATH, Joined, REPORT_PATH, StateDocument,
};
use lictor_core::{PublicKey, Timestamp};
use serde_json::{Value, json};

use crate::http::{Answer, Request};

/// How long is waited for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A node that has joined.
pub(crate) struct Node {
    pub(crate) url: String,
    pub(crate) credential: String,
    pub(crate) audience: Audience,
    pub(crate) key: PublicKey,
    /// The state that it was given when it joined.
    pub(crate) first: State,
}

/// What a verified state says.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) revision: u64,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) revoked: bool,
    pub(crate) content: lictor_core::feed::Content,
    pub(crate) content_sha256: Digest,
}

impl State {
    /// Verifies a document.
    #[track_caller]
    pub(crate) fn verified(document: &str, key: &PublicKey, audience: Audience) -> Self {
        let state = StateDocument::verify(document, key, audience);
        let state = state.unwrap_or_else(|error| panic!("{error}: {document}"));
        Self {
            revision: state.revision(),
            issued_at: state.issued_at(),
            expires_at: state.expires_at(),
            revoked: state.is_revoked(),
            content: state.content().clone(),
            content_sha256: state.content_sha256(),
        }
    }

    /// The ids of the licenses in it.
    pub(crate) fn licenses(&self) -> Vec<String> {
        let licenses = self.content.licenses.iter();
        licenses.map(|license| license.id.to_string()).collect()
    }

    /// What a node says that applies it.
    pub(crate) fn applied(&self) -> Applied {
        Applied {
            revision: self.revision,
            issued_at: self.issued_at,
            content_sha256: self.content_sha256,
        }
    }
}

/// A credential that no other node has.
pub(crate) fn new_credential() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("credential-of-a-node-of-the-tests-{number}")
}

/// The request to join with this token and credential.
pub(crate) fn join(url: &str, token: &str, credential: &str) -> Request {
    let body = json!({
        "credential_sha256": Digest::of(credential.as_bytes()), "host": "h", "version": "0.1.0",
        "formats": [1],
    });
    let call = Request::new(url, "POST", JOIN_PATH).token(token);
    call.json(&body)
}

impl Node {
    /// Joins with a credential of its own.
    pub(crate) fn join(url: &str, token: &EnrollmentToken) -> Self {
        let credential = new_credential();
        let joined = join(url, token.as_str(), &credential).expect(201);
        let joined: Joined = serde_json::from_slice(&joined.body).expect("what was promised");
        let key = joined.control_plane_key;
        assert_eq!(key.sha256(), token.pin(), "the token names the key");
        let audience = Audience {
            organization: joined.organization,
            node: joined.node,
        };
        Self {
            url: url.to_owned(),
            credential,
            audience,
            first: State::verified(&joined.state, &key, audience),
            key,
        }
    }

    /// The same node, whose control plane is at another address now.
    pub(crate) fn at(self, url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ..self
        }
    }

    /// A request with its credential.
    pub(crate) fn call(&self, method: &str, path: &str) -> Request {
        Request::new(&self.url, method, path).token(&self.credential)
    }

    /// Verifies a document that is for it.
    #[track_caller]
    pub(crate) fn verify(&self, document: &str) -> State {
        State::verified(document, &self.key, self.audience)
    }

    /// The newest state.
    #[track_caller]
    pub(crate) fn poll(&self) -> State {
        self.verify(self.call("GET", FEED_PATH).expect(200).text())
    }

    /// A report that is in order, to change what a test is about.
    pub(crate) fn report_of(&self, state: &State) -> Value {
        json!({
            "host": "rack-7", "version": "0.1.0", "mode": "fresh", "applied": state.applied(),
            "license": null, "requests": 0, "problems": [], "counts": [],
        })
    }

    /// Sends a report, whatever comes of it.
    pub(crate) fn report(&self, report: &Value) -> Answer {
        self.call("POST", REPORT_PATH).json(report).send()
    }

    /// Reports counts, which must be taken.
    #[track_caller]
    pub(crate) fn count(&self, counts: &Value) {
        let mut report = self.report_of(&self.first);
        report["counts"] = counts.clone();
        let answer = self.report(&report);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Opens its feed.
    pub(crate) fn feed(&self) -> Feed<'_> {
        Feed::open(self)
    }
}

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
    fn open(node: &'a Node) -> Self {
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
