//! A connection that stays open from request to request, over TCP or a Unix socket.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::answer::Answer;
use super::request::Request;
use crate::OPERATOR;

/// How long an answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection of the operator's.
pub struct Connection {
    stream: BufReader<Stream>,
    address: String,
    /// The organization that the operator acts in. `None` for the default one.
    organization: Option<String>,
}

impl Connection {
    /// Connects to a host and port, or to `unix:` and the path of a socket.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn open(address: &str) -> io::Result<Self> {
        Ok(Self {
            stream: BufReader::new(Stream::connect(address)?),
            address: address.to_owned(),
            organization: None,
        })
    }

    /// Acts in this organization from now on.
    pub fn act_in(&mut self, organization: &str) {
        self.organization = Some(organization.to_owned());
    }

    /// As [`Self::send`].
    ///
    /// # Errors
    /// As there.
    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send("GET", path, "")
    }

    /// As [`Self::send`].
    ///
    /// # Errors
    /// As there.
    pub fn post_json(&mut self, path: &str, body: &str) -> io::Result<Answer> {
        self.send("POST", path, body)
    }

    /// Sends a request of the operator's, with any verb; no body where `body` is empty.
    ///
    /// # Errors
    /// The connection is broken, or no answer came within 30 seconds.
    pub fn send(&mut self, verb: &str, path: &str, body: &str) -> io::Result<Answer> {
        // One for each dialect.
        let mut request = Request::to(&self.address, verb, path)
            .header("Kong-Admin-Token", OPERATOR)
            .token(OPERATOR);
        if let Some(organization) = &self.organization {
            request = request.organization(organization);
        }
        if !body.is_empty() {
            request = request.body("application/json", body);
        }
        let bytes = [request.head("").as_bytes(), &request.body].concat();
        self.stream.get_mut().write_all(&bytes)?;
        Answer::next(&mut self.stream, &request.asked())
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
