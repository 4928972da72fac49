//! A client of HTTP/1.1 that sends what it is told, byte for byte, and hides nothing of the answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A request to be sent.
pub(crate) struct Ask {
    address: SocketAddr,
    head: String,
    framed: bool,
    body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Ask {
    pub(crate) fn new(address: SocketAddr, verb: &str, path: &str) -> Self {
        Self {
            address,
            head: format!("{verb} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n"),
            framed: false,
            body: Vec::new(),
        }
    }

    /// Adds a header; one that frames the body replaces what would be sent for it.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.framed |= ["Content-Length", "Transfer-Encoding"].contains(&name);
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Adds a body with its type.
    pub(crate) fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.header("Content-Type", content_type).bytes(body)
    }

    /// Adds a body without a type.
    pub(crate) fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a JSON body.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn send(mut self) -> Reply {
        if !self.framed && !self.body.is_empty() {
            let length = self.body.len();
            self.head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        let mut stream = TcpStream::connect(self.address).expect("the server listens");
        let timeout = Some(Duration::from_secs(30));
        stream.set_read_timeout(timeout).expect("a timeout");
        let request = [self.head.as_bytes(), b"\r\n", &self.body].concat();
        // A server that refuses early closes before it has read all; what it said still counts.
        let _ = stream.write_all(&request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Reply::parse(&answer)
    }
}

impl Reply {
    fn parse(answer: &[u8]) -> Self {
        let end = answer
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(answer)));
        let head = std::str::from_utf8(&answer[..end]).expect("a head of text");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            (name.to_ascii_lowercase(), value.to_owned())
        };
        let reply = Self {
            status: status.and_then(|text| text.parse().ok()).expect("a status"),
            headers: lines.map(header).collect(),
            body: answer[end + 4..].to_vec(),
        };
        assert_eq!(
            reply.header("transfer-encoding"),
            None,
            "answers have a length"
        );
        reply
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

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
    }
}

/// Percent-encodes everything but letters and digits.
pub(crate) fn escape(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// The same fields as JSON, as a form and as multipart: name, content type, body.
pub(crate) fn encodings(fields: &Value) -> [(&'static str, String, Vec<u8>); 3] {
    let plain = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let fields_of = || fields.as_object().expect("fields").iter();
    let form: Vec<String> = fields_of()
        .map(|(name, value)| format!("{}={}", escape(name), escape(&plain(value))))
        .collect();
    let boundary = "XbX";
    let part = |(name, value): (&String, &Value)| {
        let value = plain(value);
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n{value}\r\n"
        )
    };
    let parts: String = fields_of().map(part).collect();
    let multipart = if parts.is_empty() {
        parts
    } else {
        format!("{parts}--{boundary}--\r\n")
    };
    [
        (
            "JSON",
            "application/json".to_owned(),
            fields.to_string().into_bytes(),
        ),
        (
            "form",
            "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
            form.join("&").into_bytes(),
        ),
        (
            "multipart",
            format!("multipart/form-data; boundary={boundary}"),
            multipart.into_bytes(),
        ),
    ]
}
