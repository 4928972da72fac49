//! How many connections there were and are, and how many were cut off and why: counters that each
//! connection moves, and nothing of what is said on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The connections of one listener.
#[derive(Debug, Default)]
pub struct Connections {
    accepted: AtomicU64,
    open: AtomicU64,
    cut: [AtomicU64; Cut::ALL.len()],
}

/// Why a connection or a stream was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// No request began in time.
    Silent,
    /// The head of a request was not whole in time.
    SlowHead,
    /// The peer did not take what was sent to it.
    Untaken,
    /// The peer did not take what was sent to it on one stream of HTTP/2, which alone ended.
    UntakenStream,
    /// The peer closed its side, and its request took long.
    Left,
    /// Too many frames of HTTP/2 carried nothing.
    Frames,
    /// Others needed the room, and nobody had signed in, or its peer neither sent nor took what memory
    /// was held for.
    NoRoom,
    /// Its address held as many as it may.
    Address,
}

impl Cut {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::Silent,
        Self::SlowHead,
        Self::Untaken,
        Self::UntakenStream,
        Self::Left,
        Self::Frames,
        Self::NoRoom,
        Self::Address,
    ];

    /// Whether the connection ends by a reset: its peer takes too little, or would take what others
    /// need. To all others is sent what was said before.
    pub(super) fn is_by_reset(self) -> bool {
        matches!(self, Self::Untaken | Self::Frames | Self::NoRoom)
    }

    /// What it is called in metrics: what was cut off, and why.
    pub fn labels(self) -> [(&'static str, &'static str); 2] {
        let (what, reason) = match self {
            Self::Silent => ("connection", "silent"),
            Self::SlowHead => ("connection", "slow-head"),
            Self::Untaken => ("connection", "untaken"),
            Self::UntakenStream => ("stream", "untaken"),
            Self::Left => ("connection", "left"),
            Self::Frames => ("connection", "empty-frames"),
            Self::NoRoom => ("connection", "no-room"),
            Self::Address => ("connection", "address"),
        };
        [("what", what), ("reason", reason)]
    }
}

/// One connection, which counts as open until this is dropped.
#[derive(Debug)]
pub struct Open(Arc<Connections>);

/// What went over a listener since the server started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that are open now.
    pub open: u64,
    /// Requests that were answered.
    pub requests: u64,
}

impl Connections {
    /// Counts a connection.
    pub(super) fn open(self: &Arc<Self>) -> Open {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// Counts that one was cut off.
    pub(super) fn note_cut(&self, cut: Cut) {
        self.cut[cut as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many were cut off for this reason.
    pub fn cut(&self, cut: Cut) -> u64 {
        self.cut[cut as usize].load(Ordering::Relaxed)
    }

    /// Its figures, beside so many requests.
    pub(super) fn with(&self, requests: u64) -> Traffic {
        Traffic {
            accepted: self.accepted.load(Ordering::Relaxed),
            open: self.open.load(Ordering::Relaxed),
            requests,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_counts_as_open_until_its_end() {
        let connections = Arc::new(Connections::default());
        let (first, second) = (connections.open(), connections.open());
        drop(first);
        let traffic = |accepted, open| Traffic {
            accepted,
            open,
            requests: 7,
        };
        assert_eq!(connections.with(7), traffic(2, 1));
        drop(second);
        assert_eq!(connections.with(7), traffic(2, 0));
    }

    #[test]
    fn each_reason_is_counted_by_itself() {
        let connections = Connections::default();
        for (number, cut) in Cut::ALL.into_iter().enumerate() {
            (0..=number).for_each(|_| connections.note_cut(cut));
        }
        let counts = Cut::ALL.map(|cut| connections.cut(cut));
        assert!(
            counts.into_iter().eq(1..=Cut::ALL.len() as u64),
            "{counts:?}"
        );
    }
}
