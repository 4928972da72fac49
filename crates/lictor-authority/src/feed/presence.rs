//! Which nodes are connected: those with an open feed that gave a sign of life a short time ago. An
//! open socket is no sign of life: the node at its other end may hang, or be gone without a word.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lictor_core::elapsed::Elapsed;
use lictor_core::facts::node::Node;
use lictor_core::feed::REPORT_SECONDS;
use tokio::sync::Notify;
use uuid::Uuid;

/// How many feeds of one node are open at most: the newest. A node needs one, and another while the
/// server has not noticed yet that the one before is gone.
const MAX_FEEDS: usize = 2;

/// For how many seconds a sign of life holds: a report that is due each minute, and half as long for
/// one that was lost to be sent again.
const SIGN_HOLDS: i64 = REPORT_SECONDS.cast_signed() * 3 / 2;

/// The open feeds of this server's nodes.
#[derive(Default)]
pub(super) struct Presence {
    nodes: Mutex<HashMap<Uuid, Present>>,
}

/// A node with an open feed.
struct Present {
    organization: Uuid,
    /// What ends each of its open feeds, the oldest first.
    feeds: VecDeque<Arc<Notify>>,
    /// When it last gave a sign of life; none: it took its leave since.
    sign: Option<Elapsed>,
}

impl Present {
    /// Whether it is connected. Whatever tells or counts connected nodes asks here.
    fn is_connected(&self, now: Elapsed) -> bool {
        self.sign.is_some_and(|sign| now.since(sign) < SIGN_HOLDS)
    }
}

/// An open feed, counted until it is dropped.
pub struct Connection {
    presence: Arc<Presence>,
    node: Uuid,
    ended: Arc<Notify>,
}

impl Connection {
    /// Waits until newer feeds of the node have taken this one's place.
    pub async fn superseded(&self) {
        self.ended.notified().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut nodes = self.presence.nodes();
        if let Some(present) = nodes.get_mut(&self.node) {
            present.feeds.retain(|feed| !Arc::ptr_eq(feed, &self.ended));
            if present.feeds.is_empty() {
                nodes.remove(&self.node);
            }
        }
    }
}

impl Presence {
    fn nodes(&self) -> MutexGuard<'_, HashMap<Uuid, Present>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a node's feed is open for as long as what is returned lives; asking for it is a
    /// sign of life. Beyond [`MAX_FEEDS`] it ends the oldest.
    pub(super) fn connect(self: &Arc<Self>, node: &Node, now: Elapsed) -> Connection {
        let mut nodes = self.nodes();
        let present = nodes.entry(node.id).or_insert(Present {
            organization: node.organization,
            feeds: VecDeque::new(),
            sign: None,
        });
        let ended = Arc::new(Notify::new());
        present.feeds.push_back(Arc::clone(&ended));
        if present.feeds.len() > MAX_FEEDS
            && let Some(oldest) = present.feeds.pop_front()
        {
            oldest.notify_one();
        }
        present.sign = Some(now);
        Connection {
            presence: Arc::clone(self),
            node: node.id,
            ended,
        }
    }

    /// Notes a sign of life.
    pub(super) fn note_sign(&self, node: Uuid, now: Elapsed) {
        if let Some(present) = self.nodes().get_mut(&node) {
            present.sign = Some(now);
        }
    }

    /// Notes that a node is about to end, whatever becomes of its feed.
    pub(super) fn note_leave(&self, node: Uuid) {
        if let Some(present) = self.nodes().get_mut(&node) {
            present.sign = None;
        }
    }

    /// Ends all feeds of a node.
    pub(super) fn end(&self, node: Uuid) {
        if let Some(present) = self.nodes().get_mut(&node) {
            present.sign = None;
            present.feeds.iter().for_each(|feed| feed.notify_one());
        }
    }

    pub(super) fn is_connected(&self, node: Uuid, now: Elapsed) -> bool {
        let nodes = self.nodes();
        nodes
            .get(&node)
            .is_some_and(|present| present.is_connected(now))
    }

    /// How many of the organization's nodes are connected.
    pub(super) fn count(&self, organization: Uuid, now: Elapsed) -> usize {
        let nodes = self.nodes();
        let own = nodes.values().filter(|it| it.organization == organization);
        own.filter(|it| it.is_connected(now)).count()
    }
}
