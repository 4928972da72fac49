//! Which requests are refused because two readers could disagree on where they end or whom they address; no socket, no clock and no answer.
//!
//! A request with both Content-Length and Transfer-Encoding reaches a service without its
//! Content-Length: hyper 1.12 drops the field and lets chunked win. So the bytes themselves are
//! followed here, as they are read. `Follower` only finds line ends, two header fields and the ends
//! of bodies; hyper stays the parser and refuses everything else that is malformed. Where the two
//! could ever disagree, `Follower` stops and every later request of the connection is refused.

use axum::http::header::HOST;
use axum::http::{Method, Request, Version};
use memchr::memchr;

use super::frames::Frames;
use super::refusal::Refusal;

/// How much of a line is looked at. A length or a coding in a longer line is refused.
const LINE_BYTES: usize = 64;

/// What `Follower` found out so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Between two requests, in a body, or on a connection that is not followed.
    Settled,
    /// In the middle of a head, which is the connection's n-th, counted from 0.
    InHead(u64),
    /// The n-th request, counted from 0, and all after it are not to be trusted.
    Ambiguous(u64),
    /// Too many frames of HTTP/2 carried nothing.
    Flooded,
}

/// Follows the requests of one HTTP/1 connection through its bytes.
#[derive(Debug)]
pub(crate) struct Follower {
    place: Place,
    head: Head,
    /// Heads read to their end.
    heads: u64,
    line: Line,
    frames: Frames,
}

/// A line that has ended.
struct Ended<'l> {
    /// As much of it as is looked at.
    start: &'l [u8],
    /// It is longer.
    is_cut: bool,
    /// It ends with a carriage return and a line feed.
    is_by_both: bool,
}

/// What is known of a line that comes in several reads.
#[derive(Debug)]
struct Line {
    start: [u8; LINE_BYTES],
    /// The length so far, which may be more than is kept.
    length: usize,
    last: [u8; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Head,
    Body {
        left: u64,
        chunk: bool,
    },
    ChunkSize {
        size: u64,
        digits: bool,
    },
    ChunkExtension {
        size: u64,
    },
    Trailers,
    /// HTTP/2, which frames by itself.
    Frames,
    Flooded,
    Ambiguous,
}

#[derive(Debug, Default)]
struct Head {
    /// The request line was seen.
    begun: bool,
    length: Option<u64>,
    chunked: bool,
    odd: bool,
}

impl Follower {
    pub(crate) fn new() -> Self {
        Self {
            place: Place::Head,
            head: Head::default(),
            heads: 0,
            line: Line::new(),
            frames: Frames::new(),
        }
    }

    /// Whether all that was read is whole requests of HTTP/1.
    pub(crate) fn is_between(&self) -> bool {
        self.place == Place::Head && !self.head.begun && self.line.length == 0
    }

    /// Notes what was written to the peer.
    pub(crate) fn note_written(&mut self, bytes: usize) {
        if self.place == Place::Frames {
            self.frames.note_written(bytes);
        }
    }

    /// Requests whose heads were read to their end.
    pub(crate) fn heads(&self) -> u64 {
        self.heads
    }

    /// Takes the bytes of one read and says where the connection stands after them.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> Reading {
        while !bytes.is_empty() {
            bytes = match self.place {
                Place::Flooded | Place::Ambiguous => break,
                Place::Frames => {
                    if !self.frames.read(bytes) {
                        self.place = Place::Flooded;
                    }
                    break;
                }
                Place::Head | Place::Trailers => self.read_line(bytes),
                Place::Body { left, chunk } => self.skip_body(left, chunk, bytes),
                Place::ChunkSize { size, digits } => self.read_chunk_size(size, digits, bytes),
                Place::ChunkExtension { size } => self.skip_extension(size, bytes),
            };
        }
        match self.place {
            Place::Ambiguous => Reading::Ambiguous(self.heads),
            Place::Flooded => Reading::Flooded,
            // Empty lines before the first request are the beginning of its head, which has its time.
            Place::Head if self.heads == 0 || !self.is_between() => Reading::InHead(self.heads),
            _ => Reading::Settled,
        }
    }

    fn read_line<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(end) = memchr(b'\n', bytes) else {
            self.line.grow(bytes);
            return &[];
        };
        let (part, rest) = bytes.split_at(end + 1);
        if self.line.length == 0 {
            // Most lines come in one read, and are not copied.
            self.take_line(Ended::of(part));
        } else {
            self.line.grow(part);
            let line = std::mem::replace(&mut self.line, Line::new());
            self.take_line(line.ended());
        }
        rest
    }

    fn take_line(&mut self, ended: Ended<'_>) {
        let line = ended.start;
        if self.place == Place::Trailers {
            // hyper takes a line feed without a carriage return for a part of the trailer.
            self.place = match line {
                b"\r\n" => Place::Head,
                _ if ended.is_by_both => Place::Trailers,
                _ => Place::Ambiguous,
            };
            return;
        }
        match line {
            b"\n" | b"\r\n" if self.head.begun => self.end_head(),
            // Empty lines before a request are allowed, and skipped by hyper too.
            b"\n" | b"\r\n" => {}
            _ if self.head.begun => self.head.take_field(line, ended.is_cut),
            _ => {
                self.head.begun = true;
                if self.heads == 0 && line.starts_with(b"PRI * HTTP/2.0") {
                    self.place = Place::Frames;
                }
            }
        }
    }

    fn end_head(&mut self) {
        let head = std::mem::take(&mut self.head);
        self.place = match head.length {
            _ if head.odd => Place::Ambiguous,
            Some(_) if head.chunked => Place::Ambiguous,
            None if head.chunked => START_OF_CHUNK,
            Some(left) if left > 0 => Place::Body { left, chunk: false },
            Some(_) | None => Place::Head,
        };
        if self.place != Place::Ambiguous {
            self.heads += 1;
        }
    }

    fn skip_body<'b>(&mut self, left: u64, chunk: bool, bytes: &'b [u8]) -> &'b [u8] {
        let skipped = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left - skipped as u64;
        self.place = match (left, chunk) {
            (0, true) => START_OF_CHUNK,
            (0, false) => Place::Head,
            _ => Place::Body { left, chunk },
        };
        &bytes[skipped..]
    }

    fn read_chunk_size<'b>(&mut self, size: u64, digits: bool, bytes: &'b [u8]) -> &'b [u8] {
        let Some((&first, rest)) = bytes.split_first() else {
            return bytes;
        };
        let digit = char::from(first).to_digit(16).map(u64::from);
        let grown = digit.and_then(|digit| size.checked_mul(16)?.checked_add(digit));
        self.place = match (digit, grown) {
            (Some(_), Some(size)) => Place::ChunkSize { size, digits: true },
            (None, _) if digits => {
                // The byte after the digits may be the end of the line: it is looked at again.
                self.place = Place::ChunkExtension { size };
                return bytes;
            }
            _ => Place::Ambiguous,
        };
        rest
    }

    fn skip_extension<'b>(&mut self, size: u64, bytes: &'b [u8]) -> &'b [u8] {
        let Some(end) = memchr(b'\n', bytes) else {
            return &[];
        };
        self.place = match size.checked_add(CHUNK_END_BYTES) {
            _ if size == 0 => Place::Trailers,
            Some(left) => Place::Body { left, chunk: true },
            None => Place::Ambiguous,
        };
        &bytes[end + 1..]
    }
}

const CRLF: &[u8; 2] = b"\r\n";

/// The CR and LF after a chunk's data.
const CHUNK_END_BYTES: u64 = 2;

const START_OF_CHUNK: Place = Place::ChunkSize {
    size: 0,
    digits: false,
};

impl<'l> Ended<'l> {
    /// One that came in one read.
    fn of(line: &'l [u8]) -> Self {
        Self {
            start: &line[..line.len().min(LINE_BYTES)],
            is_cut: line.len() > LINE_BYTES,
            is_by_both: line.ends_with(CRLF),
        }
    }
}

impl Line {
    fn new() -> Self {
        Self {
            start: [0; LINE_BYTES],
            length: 0,
            last: [0; 2],
        }
    }

    /// `part` is not empty.
    fn grow(&mut self, part: &[u8]) {
        if let Some(free) = self.start.get_mut(self.length..) {
            let kept = part.len().min(free.len());
            free[..kept].copy_from_slice(&part[..kept]);
        }
        self.length += part.len();
        self.last = match part {
            [last] => [self.last[1], *last],
            [.., before, last] => [*before, *last],
            [] => self.last,
        };
    }

    fn ended(&self) -> Ended<'_> {
        Ended {
            start: &self.start[..self.length.min(LINE_BYTES)],
            is_cut: self.length > LINE_BYTES,
            is_by_both: self.last == *CRLF,
        }
    }
}

impl Head {
    fn take_field(&mut self, line: &[u8], cut: bool) {
        match line[0] {
            b'c' | b'C' => {
                if let Some(value) = value_of(line, b"content-length:") {
                    // Equal lengths sent twice are one length to some readers and an error to others.
                    self.odd |= self.length.is_some() || cut;
                    self.length = parse_length(value);
                    self.odd |= self.length.is_none();
                }
            }
            b't' | b'T' => {
                if let Some(value) = value_of(line, b"transfer-encoding:") {
                    let plain = value.eq_ignore_ascii_case(b"chunked");
                    self.odd |= self.chunked || cut || !plain;
                    self.chunked = true;
                }
            }
            _ => {}
        }
    }
}

fn value_of<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn parse_length(value: &[u8]) -> Option<u64> {
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Refuses a request that does not name one host or no path, and one whose path and query are too long.
pub(crate) fn check<B>(request: &Request<B>, max_uri_bytes: usize) -> Result<(), Refusal> {
    let uri = request.uri();
    if uri
        .path_and_query()
        .is_some_and(|target| target.as_str().len() > max_uri_bytes)
    {
        return Err(Refusal::UriTooLong {
            max_bytes: max_uri_bytes,
        });
    }
    // Only CONNECT names a host and no path; to others it would be the path of a lenient reader.
    if uri.path().is_empty() && request.method() != Method::CONNECT {
        return Err(Refusal::NoPath);
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    let named = match hosts.next() {
        Some(host) => is_host(host.as_bytes()),
        None => match request.version() {
            Version::HTTP_09 | Version::HTTP_10 => true,
            Version::HTTP_11 => false,
            _ => uri.authority().is_some(),
        },
    };
    if named && hosts.next().is_none() {
        Ok(())
    } else {
        Err(Refusal::Host)
    }
}

/// The characters of RFC 3986's `host [ ":" port ]`; empty is allowed by RFC 9110 §7.2.
fn is_host(value: &[u8]) -> bool {
    value.iter().all(|byte| match byte {
        b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$' | b'&' | b'\'' | b'(' => true,
        b')' | b'*' | b'+' | b';' | b'=' | b':' | b'[' | b']' => true,
        other => other.is_ascii_alphanumeric(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known after these bytes: whether they are trusted, and how many heads they have.
    fn followed(reads: &[&[u8]]) -> (Option<Reading>, u64) {
        let mut follower = Follower::new();
        let last = reads.iter().map(|read| follower.read(read)).last();
        (last, follower.heads())
    }

    #[test]
    fn bytes_mean_the_same_in_one_read_and_cut_anywhere() {
        let long = |length: usize| {
            let name = "Content-Length: 3";
            format!(
                "POST / HTTP/1.1\r\n{name}{}\r\n\r\nabc",
                " ".repeat(length - name.len() - 2)
            )
        };
        let chunked = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n0\r\n";
        let settled = (Some(Reading::Settled), 1);
        for (bytes, expected) in [
            ("\r\n\nGET / HTTP/1.1\nHost: a\n\n".to_owned(), settled),
            (long(64), settled),
            (long(65), (Some(Reading::Ambiguous(0)), 0)),
            (format!("{chunked}a: b\r\n\r\n"), settled),
            (format!("{chunked}\r\n"), settled),
            (
                format!("{chunked}a: b\n\r\n"),
                (Some(Reading::Ambiguous(1)), 1),
            ),
            (format!("{chunked}\n\r\n"), (Some(Reading::Ambiguous(1)), 1)),
            (
                format!("{chunked}\r\nGET / HT"),
                (Some(Reading::InHead(1)), 1),
            ),
        ] {
            let whole = bytes.as_bytes();
            assert_eq!(followed(&[whole]), expected, "{bytes:?}");
            for cut in 1..whole.len() {
                let (one, other) = whole.split_at(cut);
                assert_eq!(followed(&[one, other]), expected, "{bytes:?} cut at {cut}");
            }
            let single: Vec<&[u8]> = whole.chunks(1).collect();
            assert_eq!(followed(&single), expected, "{bytes:?} byte by byte");
        }
    }
}
