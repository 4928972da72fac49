//! Nodes that join one server, and what tests of them measure by.

use std::time::{Duration, Instant};

pub(crate) use lictor_testkit::TestServer as Server;

use crate::node::Node;

/// A server that lets nodes join.
pub(crate) trait Joined {
    /// Enrolls a node for `konnect` and lets it join.
    fn node(&self, name: &str) -> Node {
        self.node_for(name, "konnect")
    }

    fn node_for(&self, name: &str, application: &str) -> Node;
}

impl<R> Joined for Server<R> {
    fn node_for(&self, name: &str, application: &str) -> Node {
        Node::join(&self.url, &self.enroll_for(name, application))
    }
}

/// Whether these bytes hold this text.
pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// Runs something that must take less than a second.
#[track_caller]
pub(crate) fn within_a_second<T>(act: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = act();
    assert!(begun.elapsed() < Duration::from_secs(1));
    done
}
