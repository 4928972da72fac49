//! What a spreadsheet writes, as UTF-8 with a known separator: the text's encoding is found by its
//! first bytes, the separator by `sep=` or by the first line. Never more than a part is in memory.

use std::io::{BufRead, BufReader, Chain, Cursor, Error, ErrorKind, Read, Result};

/// How much of a file may come before the end of the line that names the columns, in bytes.
const HEAD: u64 = 64 * 1024;

/// Replaces invalid UTF-16. It is also invalid in UTF-8, so that the row is refused.
const NO_TEXT: u8 = 0xff;

/// The separators that are looked for; of those that are as frequent, the first is taken.
const SEPARATORS: [u8; 3] = *b",;\t";

/// How two bytes make a unit of UTF-16.
type Unit = fn([u8; 2]) -> u16;

/// The rows of a file.
pub(super) struct Text<R> {
    /// UTF-8, from the line that names the columns or the empty ones before it.
    pub(super) bytes: Chain<Cursor<Vec<u8>>, Utf8<R>>,
    /// The number of the line that it begins with.
    pub(super) line: u64,
    /// The separator of fields.
    pub(super) separator: u8,
}

impl<R: Read> Text<R> {
    /// Reads as far as the columns' names go.
    pub(super) fn begin(file: R) -> Result<Self> {
        let mut bytes = Utf8::begin(file)?;
        let mut head = Vec::new();
        bytes.by_ref().take(HEAD).read_to_end(&mut head)?;
        if head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        let (mut line, mut named) = (1, None);
        if let Some((separator, length)) = separator_line(&head) {
            head.drain(..length);
            (line, named) = (2, Some(separator));
        }
        Ok(Self {
            separator: named.unwrap_or_else(|| most_frequent(&head)),
            line,
            bytes: Cursor::new(head).chain(bytes),
        })
    }
}

/// The separator that a first line `sep=;` names, and the length of that line.
fn separator_line(head: &[u8]) -> Option<(u8, usize)> {
    let end = head.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
    let length = end
        + if head[end..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
    let line = head[..end].strip_prefix(b"\"").unwrap_or(&head[..end]);
    match line {
        [s, e, p, b'=', separator, rest @ ..] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => {
            // Where others save such a file again, the line is quoted, or filled up to a row.
            let filled = |byte: &u8| *byte == b'"' || SEPARATORS.contains(byte);
            let known = separator.is_ascii() && *separator != b'"' && rest.iter().all(filled);
            known.then_some((*separator, length))
        }
        _ => None,
    }
}

/// Of the separators, the one that the first line with something in it has most, outside quotes.
fn most_frequent(head: &[u8]) -> u8 {
    let (mut counts, mut quoted) = ([0; SEPARATORS.len()], false);
    let begun = head.iter().skip_while(|byte| byte.is_ascii_whitespace());
    for byte in begun {
        match byte {
            b'"' => quoted = !quoted,
            b'\r' | b'\n' if !quoted => break,
            _ if quoted => {}
            byte => {
                if let Some(at) = SEPARATORS.iter().position(|one| one == byte) {
                    counts[at] += 1;
                }
            }
        }
    }
    let most = (1..counts.len()).fold(
        0,
        |best, at| if counts[at] > counts[best] { at } else { best },
    );
    SEPARATORS[most]
}

/// A text in UTF-8 or UTF-16, read as UTF-8.
pub(super) struct Utf8<R> {
    file: BufReader<R>,
    /// `None` if the text is UTF-8.
    unit: Option<Unit>,
    /// A unit that was read, and belongs to what follows.
    ahead: Option<u16>,
    /// Characters on their way.
    ready: Cursor<Vec<u8>>,
}

impl<R: Read> Utf8<R> {
    /// Finds the encoding: by a byte-order mark, or by the zero beside a first letter of ASCII.
    fn begin(file: R) -> Result<Self> {
        let mut file = BufReader::new(file);
        let first = file.fill_buf()?;
        let (unit, mark): (Option<Unit>, usize) = match first {
            [0xff, 0xfe, ..] => (Some(u16::from_le_bytes), 2),
            [0xfe, 0xff, ..] => (Some(u16::from_be_bytes), 2),
            [1..=0x7f, 0, ..] => (Some(u16::from_le_bytes), 0),
            [0, 1..=0x7f, ..] => (Some(u16::from_be_bytes), 0),
            _ => (None, 0),
        };
        file.consume(mark);
        Ok(Self {
            file,
            unit,
            ahead: None,
            ready: Cursor::default(),
        })
    }

    /// The next unit of UTF-16. `None` at the end.
    fn next(&mut self, unit: Unit) -> Result<Option<u16>> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        let mut pair = [0; 2];
        if self.file.fill_buf()?.is_empty() {
            return Ok(None);
        }
        match self.file.read_exact(&mut pair) {
            Ok(()) => Ok(Some(unit(pair))),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(Error::new(
                ErrorKind::InvalidData,
                "it is UTF-16 and ends within a character; is it cut off?",
            )),
            Err(error) => Err(error),
        }
    }

    /// Makes about so many bytes ready.
    fn decode(&mut self, unit: Unit, enough: usize) -> Result<()> {
        let mut ready = Vec::with_capacity(enough + 4);
        while ready.len() < enough {
            let Some(first) = self.next(unit)? else { break };
            let second = match first {
                0xd800..0xdc00 => self.next(unit)?,
                _ => None,
            };
            let mut decoded = char::decode_utf16(std::iter::once(first).chain(second));
            match decoded.next() {
                Some(Ok(letter)) => {
                    ready.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => {
                    ready.push(NO_TEXT);
                    self.ahead = second;
                }
            }
        }
        self.ready = Cursor::new(ready);
        Ok(())
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let Some(unit) = self.unit else {
            return self.file.read(buffer);
        };
        if self.ready.fill_buf()?.is_empty() {
            self.decode(unit, buffer.len().min(8 * 1024))?;
        }
        self.ready.read(buffer)
    }
}
