//! Raw bytes to a socket and answers back: nothing is validated before it is sent, and every answer on the connection is seen.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Between two bytes that are sent one by one.
const DRIP: Duration = Duration::from_millis(2);

/// How the bytes go out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    AtOnce,
    ByteByByte,
    /// In two writes, cut after so many bytes, as of two packets.
    Cut(usize),
}

/// One answer, informational ones left out.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    /// 0 for bytes without a head, as HTTP/0.9 has them.
    pub(super) status: u16,
    pub(super) body: String,
}

/// All that came back on one connection.
pub(super) struct Heard {
    pub(super) answers: Vec<Answer>,
    /// The other side ended the connection.
    pub(super) closed: bool,
}

/// Sends `bytes` on a connection of their own and listens to its end, or for
/// so long. `to_head` says that the first
/// answer is to a HEAD, and so has no body whatever its fields say.
pub(super) fn exchange(
    address: &str,
    bytes: &[u8],
    pace: Pace,
    to_head: bool,
    patience: Duration,
) -> Result<Heard> {
    let mut stream = TcpStream::connect(address).context("connecting")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut reading = stream.try_clone()?;
    let listener = std::thread::spawn(move || listen(&mut reading, patience));
    // The other side may refuse and close before it took everything.
    match pace {
        Pace::AtOnce => stream.write_all(bytes).ok(),
        Pace::ByteByByte => bytes.chunks(1).try_for_each(|byte| {
            std::thread::sleep(DRIP);
            stream.write_all(byte).ok()
        }),
        Pace::Cut(at) => stream.write_all(&bytes[..at]).ok().and_then(|()| {
            std::thread::sleep(Duration::from_millis(20));
            stream.write_all(&bytes[at..]).ok()
        }),
    };
    let (heard, closed) = listener.join().unwrap_or_default();
    stream.shutdown(Shutdown::Both).ok();
    Ok(Heard {
        answers: answers(&heard, to_head),
        closed,
    })
}

/// Everything up to the end of the connection, and whether there was one.
fn listen(stream: &mut TcpStream, patience: Duration) -> (Vec<u8>, bool) {
    let (mut heard, mut part, begun) = (Vec::new(), [0; 16 * 1024], Instant::now());
    while begun.elapsed() < patience {
        match stream.read(&mut part) {
            Ok(0) => return (heard, true),
            Ok(read) => heard.extend_from_slice(&part[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return (heard, false),
            Err(_) => return (heard, true),
        }
    }
    (heard, false)
}

fn answers(mut heard: &[u8], mut to_head: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !heard.is_empty() {
        let Some((status, head, rest)) = head(heard) else {
            answers.push(Answer {
                status: 0,
                body: String::from_utf8_lossy(heard).into_owned(),
            });
            break;
        };
        if (100..200).contains(&status) && status != 101 {
            heard = rest;
            continue;
        }
        let none = to_head || status == 204 || status == 304;
        let (body, rest) = if none {
            (&[][..], rest)
        } else {
            body(&head, rest)
        };
        to_head = false;
        answers.push(Answer {
            status,
            body: String::from_utf8_lossy(body).into_owned(),
        });
        heard = rest;
    }
    answers
}

/// Status and fields of the answer that the bytes begin with, and what follows its head.
fn head(bytes: &[u8]) -> Option<(u16, String, &[u8])> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    Some((status, head.to_lowercase(), &bytes[end + 4..]))
}

/// An answer that does not say how long it is goes to the end of the connection.
fn body<'b>(head: &str, rest: &'b [u8]) -> (&'b [u8], &'b [u8]) {
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or(rest.len());
    rest.split_at(length.min(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_on_a_connection_is_seen() {
        let wire = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\
            HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}HTTP/1.0 502 x\r\n\r\nrest";
        let seen: Vec<(u16, String)> = answers(wire, true)
            .into_iter()
            .map(|answer| (answer.status, answer.body))
            .collect();
        let seen: Vec<(u16, &str)> = seen.iter().map(|(s, b)| (*s, b.as_str())).collect();
        assert_eq!(seen, [(200, ""), (400, "{}"), (502, "rest")]);
        assert_eq!(answers(b"{}", false)[0].status, 0);
    }
}
