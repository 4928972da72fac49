//! How many connections there were and are: two counters that each connection moves, and nothing of
//! what is said on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The connections of one listener.
#[derive(Debug, Default)]
pub struct Connections {
    accepted: AtomicU64,
    open: AtomicU64,
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
}
