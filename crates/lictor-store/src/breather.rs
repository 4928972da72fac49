//! Long work on a thread of its own lets threads go first that have something short to do, so that nobody
//! waits for a processor for as long as the system would let it go on.

use std::time::{Duration, Instant};

/// How long it goes on before others may go first.
const LONG: Duration = Duration::from_micros(250);

/// Long work in pieces.
#[derive(Debug)]
pub struct Breather(Instant);

impl Breather {
    /// Of work that begins now.
    #[expect(clippy::new_without_default, reason = "it begins at a moment")]
    pub fn new() -> Self {
        Self(Instant::now())
    }

    /// Lets others go first, if it went on for long. To be called between small pieces.
    pub fn breathe(&mut self) {
        if self.0.elapsed() > LONG {
            std::thread::yield_now();
            self.0 = Instant::now();
        }
    }
}
