//! A client that sends what the tests say, byte for byte, and asserts nothing but what it is told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A request in the making.
#[derive(Clone)]
pub(crate) struct Call {
    address: SocketAddr,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    pub(crate) fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        Self {
            address,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Signs in with this token.
    pub(crate) fn token(self, token: &str) -> Self {
        self.without("Authorization")
            .header("Authorization", &format!("Bearer {token}"))
    }

    /// Leaves a header out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn organization(self, key: &str) -> Self {
        self.header("Lictor-Organization", key)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string().as_bytes())
    }

    /// Any bytes, said to be JSON.
    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.header("Content-Type", "application/json")
    }

    pub(crate) fn send(&self) -> Answer {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        let patience = Some(Duration::from_secs(30));
        stream.set_read_timeout(patience).expect("a timeout");
        let (method, path) = (&self.method, &self.path);
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: lictor\r\nConnection: close\r\n");
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).expect("the head is sent");
        // A server that refuses a body need not read it.
        let _ = stream.write_all(&self.body);
        let mut bytes = Vec::new();
        let mut chunk = [0; 65_536];
        while let Ok(read @ 1..) = stream.read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..read]);
        }
        Answer::parse(&bytes, self)
    }

    /// Sends, and asserts the status.
    pub(crate) fn expect(&self, status: u16) -> Answer {
        let answer = self.send();
        assert_eq!(answer.status, status, "{answer:?}");
        answer
    }

    /// Sends, and asserts a problem of this type; the `detail` must be there.
    pub(crate) fn expect_problem(&self, status: u16, name: &str) -> Value {
        self.expect(status).problem(name)
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    asked: String,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{}\n{}\n\n{body}", self.asked, self.head)
    }
}

impl Answer {
    fn parse(bytes: &[u8], call: &Call) -> Self {
        let asked = format!("{} {}", call.method, call.path);
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer to {asked}"));
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head of text");
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
        let answer = Self {
            status: status.expect("a status"),
            body: bytes[end + 4..].to_vec(),
            head,
            asked,
        };
        let length = answer.header("content-length");
        if let (Some(length), false) = (length, call.method == "HEAD") {
            assert_eq!(length, answer.body.len().to_string(), "{answer:?}");
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{self:?}"
        );
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn problem(&self, name: &str) -> Value {
        let media_type = self.header("content-type");
        assert_eq!(media_type, Some("application/problem+json"), "{self:?}");
        let problem: Value = serde_json::from_slice(&self.body).expect("JSON");
        let expected = format!("urn:lictor:problem:{name}");
        assert_eq!(problem["type"], expected.as_str(), "{self:?}");
        assert_eq!(problem["status"], self.status, "{self:?}");
        for member in ["title", "detail"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{member}: {self:?}");
        }
        problem
    }
}
