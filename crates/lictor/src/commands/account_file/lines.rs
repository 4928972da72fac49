//! In which line of a file a row begins. The reader of rows counts a line end when it is past it,
//! which behind an empty line, or where lines end as on Windows, is one row late.

use std::collections::VecDeque;
use std::io::{Read, Result};

/// Bytes on their way to a reader of rows.
pub(super) struct Lines<R> {
    bytes: R,
    /// The position of the next byte, and its line.
    offset: u64,
    line: u64,
    /// Whether the line has had nothing in it.
    is_empty: bool,
    /// Where the lines begin that have something in them, and their numbers.
    begun: VecDeque<(u64, u64)>,
}

impl<R> Lines<R> {
    /// Bytes that begin with this line.
    pub(super) fn new(bytes: R, line: u64) -> Self {
        Self {
            bytes,
            offset: 0,
            line,
            is_empty: true,
            begun: VecDeque::new(),
        }
    }

    /// The line of the row that was read from here on. Positions are asked for in order.
    pub(super) fn line_of(&mut self, position: &csv::Position) -> u64 {
        while self
            .begun
            .front()
            .is_some_and(|(offset, _)| *offset < position.byte())
        {
            self.begun.pop_front();
        }
        let begun = self.begun.front();
        begun.map_or(position.line(), |(_, line)| *line)
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.bytes.read(buffer)?;
        for byte in buffer.iter().take(count) {
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.is_empty = true;
                }
                b'\r' => {}
                _ if self.is_empty => {
                    self.begun.push_back((self.offset, self.line));
                    self.is_empty = false;
                }
                _ => {}
            }
            self.offset += 1;
        }
        Ok(count)
    }
}
