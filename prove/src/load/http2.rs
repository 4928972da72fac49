//! The part of HTTP/2 that an attacker needs: frames to write, and the frames of the answers.

use anyhow::Result;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const SETTINGS: u8 = 4;
const PING: u8 = 6;

const ACK: u8 = 0x1;

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// How a connection begins whose streams take so many bytes at first.
pub(super) fn opening(window: usize) -> Vec<u8> {
    let window = u32::try_from(window).unwrap_or(u32::MAX >> 1);
    let mut settings = vec![0, 4];
    settings.extend(window.to_be_bytes());
    [PREFACE, &frame(SETTINGS, 0, 0, &settings)].concat()
}

/// The head of a request.
pub(super) struct Head<'h> {
    pub(super) method: &'h str,
    pub(super) path: &'h str,
    pub(super) token: &'h str,
}

impl Head<'_> {
    /// The frame with it, for the connection's n-th stream.
    pub(super) fn frame(&self, number: u32, is_all: bool) -> Vec<u8> {
        // Literals that are not indexed: `:method`, `:scheme`, `:path`, `:authority`, and the
        // credential, whose name is the 23rd of the static table.
        let mut block = vec![0x02];
        literal(&mut block, self.method);
        block.extend([0x86, 0x04]);
        literal(&mut block, self.path);
        block.push(0x01);
        literal(&mut block, "a");
        block.extend([0x0f, 0x08]);
        literal(&mut block, &format!("Bearer {}", self.token));
        let end = if is_all { END_STREAM } else { 0 };
        frame(HEADERS, END_HEADERS | end, stream(number), &block)
    }
}

/// A piece of a body that goes on, for the connection's n-th stream.
pub(super) fn data(number: u32, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, 0, stream(number), bytes)
}

/// A frame that says nothing of use.
pub(super) fn priority() -> Vec<u8> {
    frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 16])
}

/// The kind, the flags and the payload of the next frame.
pub(super) async fn read(from: &mut TcpStream) -> Result<(u8, u8, Vec<u8>)> {
    let mut head = [0; 9];
    from.read_exact(&mut head).await?;
    let [high, middle, low, kind, flags, ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
    from.read_exact(&mut payload).await?;
    Ok((kind, flags, payload))
}

/// What a peer that is there says to such a frame, if anything.
pub(super) fn answer(kind: u8, flags: u8, payload: &[u8]) -> Option<Vec<u8>> {
    match kind {
        _ if flags & ACK != 0 => None,
        SETTINGS => Some(frame(SETTINGS, ACK, 0, &[])),
        PING => Some(frame(PING, ACK, 0, payload)),
        _ => None,
    }
}

fn stream(number: u32) -> u32 {
    2 * number + 1
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let [_, high, middle, low] = length.to_be_bytes();
    let head = [high, middle, low, kind, flags];
    [&head, stream.to_be_bytes().as_slice(), payload].concat()
}

/// A text without Huffman's code; all here have less than 127 bytes.
fn literal(block: &mut Vec<u8>, text: &str) {
    block.push(u8::try_from(text.len()).unwrap_or(126));
    block.extend(text.as_bytes());
}
