//! Frames of HTTP/2 that carry nothing, counted by their heads: a peer may send as many as its requests and answers give rise to, and some more.

use std::time::Duration;

use tokio::time::Instant;

/// What follows the first line of the preface, up to the first frame: `\r\nSM\r\n\r\n`.
const REST_OF_PREFACE: u64 = 8;

const HEAD_BYTES: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;

const END_STREAM: u8 = 0x01;
const PADDED: u8 = 0x08;

/// A padded frame of no more bytes may be all padding.
const LONGEST_PADDING: u64 = 256;

/// Frames that carry nothing, before anything else was said.
const AT_FIRST: u64 = 1_000;

/// The most that can be saved up.
const AT_MOST: u64 = 10_000;

/// For each request.
const PER_REQUEST: u64 = 10;

/// Bytes of answers for which there may be one: some clients open two windows for each 4 kB.
const BYTES_PER_FRAME: u64 = 1_024;

/// For each time this long, however little is said.
const TIME_PER_FRAME: Duration = Duration::from_millis(100);

/// Follows the frames that a peer sends.
///
/// The h2 library bounds resets, headers in pieces, and data that is small or empty. It answers or
/// looks at every PING, SETTINGS, PRIORITY and `WINDOW_UPDATE`, and all that it does not know, for as
/// long as they come (0.4.20, November 2026).
#[derive(Debug)]
pub(crate) struct Frames {
    /// Bytes before the next head.
    skipped: u64,
    head: [u8; HEAD_BYTES],
    /// Bytes of the head that are there.
    known: usize,
    allowed: u64,
    /// Bytes written that count for no frame yet.
    written: u64,
    /// Up to when time was counted.
    counted: Instant,
}

impl Frames {
    pub(crate) fn new() -> Self {
        Self {
            skipped: REST_OF_PREFACE,
            head: [0; HEAD_BYTES],
            known: 0,
            allowed: AT_FIRST,
            written: 0,
            counted: Instant::now(),
        }
    }

    /// Takes the bytes of one read, and says whether they are to be passed on: not if too many
    /// frames carried nothing.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> bool {
        let mut passed = true;
        while !bytes.is_empty() {
            if self.skipped > 0 {
                let count = usize::try_from(self.skipped).unwrap_or(usize::MAX);
                let count = count.min(bytes.len());
                self.skipped -= count as u64;
                bytes = &bytes[count..];
                continue;
            }
            let count = (HEAD_BYTES - self.known).min(bytes.len());
            self.head[self.known..self.known + count].copy_from_slice(&bytes[..count]);
            self.known += count;
            bytes = &bytes[count..];
            if self.known == HEAD_BYTES {
                passed &= self.take_head();
            }
        }
        passed
    }

    /// Notes what was written to the peer, which opens its windows for it.
    pub(crate) fn note_written(&mut self, bytes: usize) {
        self.written += bytes as u64;
        self.allow(self.written / BYTES_PER_FRAME);
        self.written %= BYTES_PER_FRAME;
    }

    fn take_head(&mut self) -> bool {
        let [high, middle, low, kind, flags, ..] = self.head;
        self.skipped = u64::from(u32::from_be_bytes([0, high, middle, low]));
        self.known = 0;
        match kind {
            HEADERS => {
                self.allow(PER_REQUEST);
                true
            }
            DATA if flags & END_STREAM != 0 => true,
            DATA if flags & PADDED != 0 && self.skipped <= LONGEST_PADDING => self.spend(),
            DATA if self.skipped > 0 => true,
            _ => self.spend(),
        }
    }

    fn allow(&mut self, frames: u64) {
        self.allowed = (self.allowed + frames).min(AT_MOST);
    }

    fn spend(&mut self) -> bool {
        if self.allowed == 0 {
            let now = Instant::now();
            let frames = (now - self.counted).as_millis() / TIME_PER_FRAME.as_millis();
            self.allow(u64::try_from(frames).unwrap_or(AT_MOST));
            self.counted = now;
        }
        let left = self.allowed.checked_sub(1);
        self.allowed = left.unwrap_or(0);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 6;
    const WINDOW_UPDATE: u8 = 8;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
        frame.extend_from_slice(payload);
        frame
    }

    /// After the preface.
    fn begun() -> Frames {
        let mut frames = Frames::new();
        assert!(frames.read(b"\r\nSM\r\n\r\n"));
        frames
    }

    /// How many of these frames are passed on, of at most 100,000.
    fn passed(frames: &mut Frames, frame: &[u8]) -> usize {
        (0..100_000).take_while(|_| frames.read(frame)).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_frames_that_carry_nothing_are_passed_on() {
        for (name, frame) in [
            ("PRIORITY", frame(2, 0, &[0; 5])),
            ("RST_STREAM", frame(3, 0, &[0; 4])),
            ("SETTINGS", frame(4, 0, &[])),
            ("PING", frame(PING, 0, &[0; 8])),
            ("WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, &[0, 0, 0, 1])),
            ("CONTINUATION", frame(9, 0, &[])),
            ("unknown", frame(0xbe, 0, &[7; 40])),
            ("empty DATA", frame(DATA, 0, &[])),
            ("padding", frame(DATA, PADDED, &[1, 0])),
        ] {
            assert_eq!(passed(&mut begun(), &frame), 1_000, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_data_answers_and_time_give_rise_to_more() {
        let mut frames = begun();
        let ping = frame(PING, 0, &[0; 8]);
        let data = frame(DATA, 0, b"data");
        assert_eq!(passed(&mut frames, &data), 100_000);
        assert_eq!(passed(&mut frames, &ping), 1_000);
        assert!(frames.read(&frame(HEADERS, 0, &[0x82])));
        assert_eq!(passed(&mut frames, &ping), 10);
        frames.note_written(1_000);
        frames.note_written(1_100);
        assert_eq!(passed(&mut frames, &ping), 2);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(passed(&mut frames, &ping), 20);
        frames.note_written(1 << 30);
        assert_eq!(passed(&mut frames, &ping), 10_000);
    }

    #[tokio::test(start_paused = true)]
    async fn it_does_not_matter_in_which_parts_frames_come() {
        let mut sent = b"\r\nSM\r\n\r\n".to_vec();
        for _ in 0..500 {
            sent.extend(frame(HEADERS, 0, &[0x82; 300]));
            for _ in 0..12 {
                sent.extend(frame(PING, 0, &[0; 8]));
            }
        }
        let cut = |step: usize| {
            let mut frames = Frames::new();
            let read = sent
                .chunks(step)
                .take_while(|part| frames.read(part))
                .count();
            read * step / 1_000
        };
        assert_eq!(cut(1), cut(7));
        assert_eq!(
            cut(1),
            sent.len() / 1_000,
            "1 000 are enough for 2 more each"
        );
        assert_eq!(cut(8), sent.len() / 1_000);
    }
}
