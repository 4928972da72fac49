//! Whether several streams wrote lately: who writes now and then would wait for whatever is under way
//! when it comes, so work in large pieces is for those who write alone.

use std::time::{Duration, Instant};

use uuid::Uuid;

/// For how long a write counts as recent.
const RECENT: Duration = Duration::from_millis(100);

/// Whose write was the last, and when another one's came after it.
#[derive(Debug, Default)]
pub struct RecentStreams {
    last: Option<(Uuid, Instant)>,
    changed: Option<Instant>,
}

impl RecentStreams {
    /// Notes that a stream writes.
    pub fn note(&mut self, stream: Uuid, now: Instant) {
        let is_recent = |at: Instant| now.duration_since(at) < RECENT;
        if let Some((last, at)) = self.last
            && last != stream
            && is_recent(at)
        {
            self.changed = Some(now);
        }
        self.last = Some((stream, now));
    }

    /// Whether writes of several streams came within the last 100 ms.
    pub fn are_several(&self, now: Instant) -> bool {
        self.changed
            .is_some_and(|at| now.duration_since(at) < RECENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_streams_are_those_that_write_within_100_ms() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let began = Instant::now();
        let at = |milliseconds| began + Duration::from_millis(milliseconds);
        let mut streams = RecentStreams::default();
        streams.note(one, at(0));
        streams.note(one, at(50));
        assert!(!streams.are_several(at(50)));
        streams.note(other, at(149));
        assert!(streams.are_several(at(149)));
        streams.note(other, at(200));
        assert!(streams.are_several(at(248)));
        assert!(!streams.are_several(at(249)));
        streams.note(one, at(300));
        assert!(!streams.are_several(at(300)));
    }
}
