//! A small HTTP/1.1 client over one kept connection: enough to write and read licenses, and nothing else.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::process::TOKEN;

/// The status of an answer that has no body, and says no length.
const NO_CONTENT: u16 = 204;

const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that stays open from request to request.
pub(crate) struct Connection {
    stream: BufReader<Stream>,
    address: String,
    /// The organization that the operator acts in; none: the default one.
    organization: Option<String>,
}

/// Status and body of an answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    /// Connects to a host and port, or to `unix:` and the path of a socket.
    pub(crate) fn open(address: &str) -> io::Result<Self> {
        Ok(Self {
            stream: BufReader::new(Stream::connect(address)?),
            address: address.to_owned(),
            organization: None,
        })
    }

    /// Acts in this organization from now on.
    pub(crate) fn act_in(&mut self, organization: &str) {
        self.organization = Some(organization.to_owned());
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send("GET", path, "")
    }

    pub(crate) fn post_json(&mut self, path: &str, body: &str) -> io::Result<Answer> {
        self.send("POST", path, body)
    }

    /// Any verb; no body where `body` is empty.
    pub(crate) fn send(&mut self, verb: &str, path: &str, body: &str) -> io::Result<Answer> {
        let host = match self.address.starts_with("unix:") {
            true => "localhost",
            false => &self.address,
        };
        let mut request = format!("{verb} {path} HTTP/1.1\r\nHost: {host}\r\n");
        // One for each dialect.
        request += &format!("Kong-Admin-Token: {TOKEN}\r\nAuthorization: Bearer {TOKEN}\r\n");
        if let Some(organization) = &self.organization {
            request += &format!("Lictor-Organization: {organization}\r\n");
        }
        if !body.is_empty() {
            let length = body.len();
            request += &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
        }
        request += "\r\n";
        request += body;
        self.stream.get_mut().write_all(request.as_bytes())?;
        read_answer(&mut self.stream)
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn connect(address: &str) -> io::Result<Self> {
        if let Some(path) = address.strip_prefix("unix:") {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            return Ok(Self::Unix(stream));
        }
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self::Tcp(stream))
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            Self::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads an answer that says how long it is. The server never sends these answers in chunks.
fn read_answer(stream: &mut impl BufRead) -> io::Result<Answer> {
    let first = read_line(stream)?;
    let status = first
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| invalid(&first))?;
    let mut length = None;
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(invalid(&line));
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse().map_err(|_| invalid(&line))?);
        }
    }
    if status == NO_CONTENT {
        length = Some(0);
    }
    let mut body = vec![0; length.ok_or_else(|| invalid("no Content-Length"))?];
    stream.read_exact(&mut body)?;
    Ok(Answer { status, body })
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
        let answer = read_answer(&mut wire).unwrap();
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
            assert!(read_answer(&mut wire.as_bytes()).is_err(), "{wire}");
        }
    }
}
