//! An answer with all its headers, however it came.

#![expect(
    clippy::expect_used,
    reason = "what a test cannot go on without ends it"
)]

use std::fmt;
use std::io::{self, BufRead, Error, ErrorKind, Read as _};

/// The status of an answer that has no body, and says no length.
const NO_CONTENT: u16 = 204;

/// What came back.
#[derive(Default)]
pub struct Answer {
    /// Three digits.
    pub status: u16,
    /// The names in lower case.
    pub headers: Vec<(String, String)>,
    /// All that follows the head.
    pub body: Vec<u8>,
    /// Method and path of the request.
    pub asked: String,
}

impl Answer {
    /// Reads an answer of a connection that goes on: it says how long it is. The server never sends
    /// these answers in chunks.
    pub(super) fn next(stream: &mut impl BufRead, asked: &str) -> io::Result<Self> {
        let mut answer = Self::read_head(stream, asked)?;
        let length = match answer.status {
            NO_CONTENT => 0,
            _ => answer
                .length()?
                .ok_or_else(|| invalid("no Content-Length"))?,
        };
        answer.body = vec![0; length];
        stream.read_exact(&mut answer.body)?;
        Ok(answer)
    }

    /// Reads all that came on a connection that ends with it.
    ///
    /// # Panics
    /// It came in chunks, or is not as long as it says.
    pub(super) fn last(mut bytes: &[u8], asked: &str, is_head: bool) -> io::Result<Self> {
        let mut answer = Self::read_head(&mut bytes, asked)?;
        answer.body = bytes.to_vec();
        let chunked = answer.header("transfer-encoding");
        assert_eq!(chunked, None, "answers have a length: {answer:?}");
        let length = answer.header("content-length");
        if let (Some(length), false) = (length, is_head) {
            assert_eq!(length, answer.body.len().to_string(), "{answer:?}");
        }
        Ok(answer)
    }

    fn read_head(stream: &mut impl BufRead, asked: &str) -> io::Result<Self> {
        let first = read_line(stream)?;
        let status = first.split(' ').nth(1);
        let status = status.and_then(|status| status.parse().ok());
        let mut answer = Self {
            status: status.ok_or_else(|| invalid(&first))?,
            asked: asked.to_owned(),
            ..Self::default()
        };
        loop {
            let line = read_line(stream)?;
            if line.is_empty() {
                return Ok(answer);
            }
            let (name, value) = line.split_once(':').ok_or_else(|| invalid(&line))?;
            let header = (name.to_ascii_lowercase(), value.trim().to_owned());
            answer.headers.push(header);
        }
    }

    fn length(&self) -> io::Result<Option<usize>> {
        let mut all = self.headers.iter();
        let found = all.find(|(name, _)| name == "content-length");
        let length = found.map(|(_, value)| value.parse().map_err(|_| invalid(value)));
        length.transpose()
    }

    /// The value of a header that appears at most once.
    ///
    /// # Panics
    /// It appears twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} stands there twice");
        first
    }

    /// The body as text.
    ///
    /// # Panics
    /// It is none.
    pub fn text(&self) -> &str {
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

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.take(64 * 1024).read_line(&mut line)?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("not an answer: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_to_its_length() {
        let mut wire = &b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}HTTP"[..];
        let answer = Answer::next(&mut wire, "").unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (201, &b"{}"[..]));
        assert_eq!(wire, b"HTTP");
    }

    #[test]
    fn half_an_answer_is_none() {
        for wire in [
            "",
            "HTTP/1.1 201",
            "HTTP/1.1 201 Created\r\ncontent-length: 3\r\n\r\n{}",
        ] {
            assert!(Answer::next(&mut wire.as_bytes(), "").is_err(), "{wire}");
        }
    }

    #[test]
    #[should_panic(expected = "left: \"3\"")]
    fn an_answer_that_ends_early_is_told() {
        let wire = b"HTTP/1.1 201 Created\r\ncontent-length: 3\r\n\r\n{}";
        let _ = Answer::last(wire, "GET /", false);
    }
}
