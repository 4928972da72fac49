//! A request in the making, which can be sent more than once.

#![expect(
    clippy::expect_used,
    reason = "what a test cannot go on without ends it"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::ScopedJoinHandle;

use serde_json::Value;

use super::answer::Answer;
use super::connection::PATIENCE;

/// A request to one server.
#[derive(Clone)]
pub struct Request {
    host: String,
    method: String,
    /// Path and query, as they are sent.
    pub path: String,
    headers: Vec<(String, String)>,
    /// What is sent after the head.
    pub body: Vec<u8>,
}

impl Request {
    /// A request to the server at this URL, which ends with its port.
    ///
    /// # Panics
    /// The URL is not one of plain HTTP.
    pub fn new(url: &str, method: &str, path: &str) -> Self {
        Self::to(
            url.strip_prefix("http://").expect("plain HTTP"),
            method,
            path,
        )
    }

    /// A request to the server at this host and port.
    pub(super) fn to(host: &str, method: &str, path: &str) -> Self {
        Self {
            host: host.to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds a header, even one that is already there; one that frames the body replaces what
    /// would be sent for it.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a header out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Signs in with this token and no other.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.without("Authorization")
            .header("Authorization", &format!("Bearer {token}"))
    }

    /// Acts in the organization of this key or id.
    #[must_use]
    pub fn organization(self, key: &str) -> Self {
        self.header("Lictor-Organization", key)
    }

    /// Gives it a body without a type.
    #[must_use]
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Gives it a body and says of what type it is.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.header("Content-Type", content_type).bytes(body)
    }

    /// Gives it a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends it on a connection of its own, which ends with the answer.
    ///
    /// # Panics
    /// There is no answer, or one whose length is not what it says.
    pub fn send(&self) -> Answer {
        let mut stream = TcpStream::connect(&self.host).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let request = [self.head("Connection: close\r\n").as_bytes(), &self.body].concat();
        // A server that refuses early closes before it has read all; what it said still counts.
        let _ = stream.write_all(&request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let (asked, is_head) = (self.asked(), self.method == "HEAD");
        Answer::last(&answer, &asked, is_head).unwrap_or_else(|error| {
            let said = String::from_utf8_lossy(&answer);
            panic!("no answer to {asked}: {error}: {said:?}")
        })
    }

    /// Sends it so many times at once.
    ///
    /// # Panics
    /// As [`Self::send`].
    pub fn at_once(&self, times: usize) -> Vec<Answer> {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..times).map(|_| scope.spawn(|| self.send())).collect();
            let joined = threads.into_iter().map(ScopedJoinHandle::join);
            joined.map(|answer| answer.expect("an answer")).collect()
        })
    }

    /// Method and path.
    pub(super) fn asked(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The head with more lines at its beginning, each with its end.
    pub(super) fn head(&self, lines: &str) -> String {
        let (asked, host) = (self.asked(), &self.host);
        let host = match host.starts_with("unix:") {
            true => "localhost",
            false => host,
        };
        let mut head = format!("{asked} HTTP/1.1\r\nHost: {host}\r\n{lines}");
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let frames = ["content-length", "transfer-encoding"];
        let mut names = self.headers.iter().map(|(name, _)| name.to_lowercase());
        if !self.body.is_empty() && !names.any(|name| frames.contains(&name.as_str())) {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        head
    }
}
