//! A client of HTTP/1.1 that sends what it is told, byte for byte, and hides nothing of the answer.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request in the making; it can be sent more than once.
#[derive(Clone)]
pub(crate) struct Request {
    host: String,
    method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A request to the server at this URL, which ends with its port.
    pub(crate) fn new(url: &str, method: &str, path: &str) -> Self {
        Self {
            host: url.strip_prefix("http://").expect("plain HTTP").to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds a header, also one that stands there already; one that frames the body replaces what
    /// would be sent for it.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a header out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Signs in with this token and no other.
    pub(crate) fn token(self, token: &str) -> Self {
        self.without("Authorization")
            .header("Authorization", &format!("Bearer {token}"))
    }

    /// Sends it on a connection of its own.
    pub(crate) fn send(&self) -> Answer {
        let mut stream = TcpStream::connect(&self.host).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let request = [self.head().as_bytes(), &self.body].concat();
        // A server that refuses early closes before it has read all; what it said still counts.
        let _ = stream.write_all(&request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Answer::parse(&answer, self)
    }

    fn head(&self) -> String {
        let (method, path, host) = (&self.method, &self.path, &self.host);
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
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

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    asked: String,
}

impl Answer {
    fn parse(bytes: &[u8], request: &Request) -> Self {
        let asked = format!("{} {}", request.method, request.path);
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| {
            panic!("no answer to {asked}: {:?}", String::from_utf8_lossy(bytes))
        });
        let head = std::str::from_utf8(&bytes[..end]).expect("a head of text");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let header = |line: &str| {
            let (name, value) = line.split_once(':').expect("a name and a value");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        let answer = Self {
            status: status.and_then(|text| text.parse().ok()).expect("a status"),
            headers: lines.map(header).collect(),
            body: bytes[end + 4..].to_vec(),
            asked,
        };
        let chunked = answer.header("transfer-encoding");
        assert_eq!(chunked, None, "answers have a length: {answer:?}");
        let length = answer.header("content-length");
        if let (Some(length), false) = (length, request.method == "HEAD") {
            assert_eq!(length, answer.body.len().to_string(), "{answer:?}");
        }
        answer
    }

    /// The value of a header that stands there once at most.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} stands there twice");
        first
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of text")
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        writeln!(f, "{}\n{}", self.asked, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        write!(f, "\n{body}")
    }
}
