//! What is remembered of nodes while the server runs: who signed in, what became of each, what it said last, and the
//! documents that were signed.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use lictor_core::digest::Digest;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::node::{Node, NodeSeen};
use lictor_core::feed::StateTerms;
use lictor_core::{Error, PublicKey, SigningKey};
use quick_cache::Weighter;
use quick_cache::sync::Cache as Bounded;
use tokio::sync::watch;
use uuid::Uuid;

use super::super::long_work::Turns;
use super::super::reactions::{NodeEvent, Reactions};
use super::lives::Lives;
use super::places::Places;
use super::presence::{Connection, Presence};
use super::subscribers::Subscribers;
use super::{Delivery, lock};

/// How many nodes are kept by their credentials.
const NODES: usize = 16_384;

/// How many deliveries are expected in memory, and how many bytes they may take there. Each change makes
/// another one, and those before stay until there is no more room. So few that the largest has room in a
/// part of it.
const DELIVERIES: usize = 256;
const DELIVERY_BYTES: u64 = 64 << 20;

/// How many signed states are expected in memory, and how many bytes they may take there: so few that
/// the largest has room in a part of it.
const SIGNED: usize = 32;
const SIGNED_BYTES: u64 = 8 << 20;

/// For how many seconds what was read of a node is believed, and for how many what became of it since is
/// remembered beside it: longer, so that whoever was read before is never believed alone.
const KNOWN_FOR: i64 = 600;
const FATES_FOR: i64 = 3_600;

/// What became of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has its place.
    Lives,
    /// It gave its place in its pool back.
    Left,
    /// It left long ago, and nothing is stored of it.
    Removed,
    /// It was revoked.
    Revoked,
}

/// Which delivery: of an organization's application, since the tick of its last change; where there
/// are other servers, of this second.
type Place = (Uuid, String, u64, Option<Elapsed>);

/// The nodes and feeds of one server. It has no `Debug`, for it holds the control plane's key.
pub struct Feed {
    key: SigningKey,
    instance: Uuid,
    subscribers: Subscribers,
    presence: Arc<Presence>,
    /// What became of nodes of late, and when that was; who was read since knows it from the store.
    fates: Mutex<HashMap<Uuid, (Fate, Elapsed)>>,
    /// Organizations that were removed.
    removed: Mutex<HashSet<Uuid>>,
    seen: Mutex<HashMap<Uuid, Seen>>,
    pub(super) lives: Lives,
    pub(super) places: Places,
    /// By what they sign in with, which a node is given once. That one was revoked, or its organization
    /// removed, is noted beside it, so that no change makes anybody be read again.
    known: Bounded<Digest, (Arc<Node>, Elapsed)>,
    kept: Bounded<Place, Arc<Delivery>, ByLength>,
    signed: Bounded<Said, Arc<str>, ByLength>,
}

/// What a document says: to whom and until when, and the digest of its content.
type Said = (StateTerms, Digest);

/// Documents differ in length by a factor of a thousand.
#[derive(Clone)]
struct ByLength;

impl Weighter<Said, Arc<str>> for ByLength {
    fn weight(&self, _: &Said, document: &Arc<str>) -> u64 {
        (size_of::<Said>() + document.len()) as u64
    }
}

impl Weighter<Place, Arc<Delivery>> for ByLength {
    fn weight(&self, (_, application, ..): &Place, delivery: &Arc<Delivery>) -> u64 {
        let own = size_of::<Place>() + size_of::<Delivery>();
        (own + application.len() + delivery.content.get().len()) as u64
    }
}

/// What a node said last, and what of it is stored.
struct Seen {
    last: NodeSeen,
    kept: Option<NodeSeen>,
}

impl Feed {
    /// Feeds that sign with this key; `instance` is another one at each start.
    pub(crate) fn new(key: SigningKey, instance: Uuid) -> Self {
        Self {
            key,
            instance,
            subscribers: Subscribers::default(),
            presence: Arc::default(),
            fates: Mutex::default(),
            removed: Mutex::default(),
            seen: Mutex::default(),
            lives: Lives::default(),
            places: Places::default(),
            known: Bounded::new(NODES),
            kept: Bounded::with_weighter(DELIVERIES, DELIVERY_BYTES, ByLength),
            signed: Bounded::with_weighter(SIGNED, SIGNED_BYTES, ByLength),
        }
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The control plane's public key.
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// Which start of the control plane this is.
    pub fn instance(&self) -> Uuid {
        self.instance
    }

    /// Wakes at every change that some node of the organization is to hear of.
    pub fn changes(&self, organization: Uuid) -> watch::Receiver<()> {
        self.subscribers.changes(organization)
    }

    /// The turns of feeds that were woken.
    pub(super) fn turns(&self) -> &Turns {
        &self.subscribers.turns
    }

    /// Turns true when the server stops.
    pub fn ending(&self) -> watch::Receiver<bool> {
        self.subscribers.ending()
    }

    pub(super) fn end(&self) {
        self.subscribers.end();
    }

    /// Notes that a node's feed is open for as long as what is returned lives.
    pub(super) fn connect(&self, node: &Node, now: Elapsed) -> Connection {
        self.presence.connect(node, now)
    }

    /// Notes that a node was heard of.
    pub(super) fn note_sign(&self, node: Uuid, now: Elapsed) {
        self.presence.note_sign(node, now);
    }

    /// The machines on which a node runs more than once at a time.
    pub(crate) fn at_once(&self, node: Uuid, now: Elapsed) -> Vec<String> {
        self.lives.at_once(node, now)
    }

    /// The machines on which a node runs in a folder that is a copy, or an older one that was put back.
    pub(crate) fn put_back(&self, node: Uuid, now: Elapsed) -> Vec<String> {
        self.lives.put_back(node, now)
    }

    /// How many nodes run more than once at a time, or in such a folder.
    pub(crate) fn copied(&self, now: Elapsed) -> usize {
        self.lives.copied(now)
    }

    /// Notes that a node said it is about to end.
    pub(super) fn note_leave(&self, node: Uuid) {
        self.presence.note_leave(node);
    }

    /// Whether the node's feed is open, and it gave a sign of life in the last 90 seconds.
    pub(crate) fn is_connected(&self, node: Uuid, now: Elapsed) -> bool {
        self.presence.is_connected(node, now)
    }

    /// How many of the organization's nodes are connected.
    pub(crate) fn connected_of(&self, organization: Uuid, now: Elapsed) -> usize {
        self.presence.count(organization, now)
    }

    /// What became of a node of late, if anything did.
    pub(super) fn fate(&self, node: Uuid) -> Option<Fate> {
        lock(&self.fates).get(&node).map(|(fate, _)| *fate)
    }

    /// Notes what became of a node. What was remembered of one that is gone is forgotten.
    fn note_fate(&self, node: Uuid, fate: Fate, at: Elapsed) {
        lock(&self.fates).insert(node, (fate, at));
        if fate != Fate::Lives {
            self.forget(node);
        }
    }

    fn forget(&self, node: Uuid) {
        lock(&self.seen).remove(&node);
        self.lives.forget(node);
    }

    /// Forgets what became of nodes long ago, and what late reports of theirs have left.
    pub(crate) fn forget_fates(&self, now: Elapsed) {
        let mut gone = Vec::new();
        lock(&self.fates).retain(|node, (fate, at)| {
            let late = now.since(*at) < FATES_FOR;
            if !late && *fate != Fate::Lives {
                gone.push(*node);
            }
            late
        });
        gone.into_iter().for_each(|node| self.forget(node));
    }

    /// Whether the organization was removed since this server started.
    pub(crate) fn is_removed(&self, organization: Uuid) -> bool {
        lock(&self.removed).contains(&organization)
    }

    /// Takes up what a write of this moment has changed, before whoever rests on it is answered. The tick
    /// comes last: whoever sees it finds the rest.
    pub(crate) fn learn(&self, reactions: &Reactions<'_>, now: Elapsed) {
        self.places.invalidate(reactions);
        for reaction in reactions.each() {
            if let Some((node, event)) = reaction.node {
                self.note_event(node, event, now);
            }
            if reaction.organization_removed {
                lock(&self.removed).insert(reactions.stream);
            }
        }
        self.subscribers.note(reactions);
    }

    fn note_event(&self, node: Uuid, event: NodeEvent, now: Elapsed) {
        match event {
            NodeEvent::Revoked => self.note_fate(node, Fate::Revoked, now),
            NodeEvent::Left => {
                self.note_fate(node, Fate::Left, now);
                self.presence.end(node);
            }
            NodeEvent::Removed => self.note_fate(node, Fate::Removed, now),
            // Nothing is remembered of a new one.
            NodeEvent::Enrolled if self.fate(node).is_none() => {}
            // One that was removed, and is taken up again. How its starts were judged before, as by a late
            // report, does not hold any more.
            NodeEvent::Enrolled | NodeEvent::Returned => {
                self.note_fate(node, Fate::Lives, now);
                self.forget(node);
            }
        }
    }

    /// Wakes those whom a write concerns. They may be thousands, so this is not for the one who writes.
    pub(crate) fn wake(&self, reactions: &Reactions<'_>) {
        self.subscribers.wake(reactions);
    }

    /// The last tick that concerns an organization.
    pub fn tick_of(&self, organization: Uuid) -> u64 {
        self.subscribers.tick_of(organization)
    }

    /// The delivery to an organization's application, from memory unless something changed since.
    /// However many ask at once, one of them reads.
    pub(super) async fn delivery(
        &self,
        (organization, application): (Uuid, &str),
        now: Option<Elapsed>,
        fresh: impl Future<Output = Result<Delivery, Error>>,
    ) -> Result<Arc<Delivery>, Error> {
        // The tick first: what is read after it is not older than it.
        let tick = self.tick_of(organization);
        let place = (organization, application.to_owned(), tick, now);
        match self.kept.get_value_or_guard_async(&place).await {
            Ok(delivery) => Ok(delivery),
            Err(guard) => {
                let delivery = Arc::new(fresh.await?);
                let _ = guard.insert(delivery.clone());
                Ok(delivery)
            }
        }
    }

    /// The document that says this, from memory or signed now. However many ask at once, one of them
    /// signs.
    pub(super) async fn signed(
        &self,
        terms: StateTerms,
        content: Digest,
        signing: impl Future<Output = Result<Arc<str>, Error>>,
    ) -> Result<Arc<str>, Error> {
        let said = (terms, content);
        match self.signed.get_value_or_guard_async(&said).await {
            Ok(document) => Ok(document),
            Err(guard) => {
                let document = signing.await?;
                let _ = guard.insert(document.clone());
                Ok(document)
            }
        }
    }

    pub(super) fn known(
        &self,
        credential: Digest,
        now: Elapsed,
        exclusive: bool,
    ) -> Option<Arc<Node>> {
        let (node, read_at) = self.known.get(&credential)?;
        let longest = if exclusive { KNOWN_FOR } else { 1 };
        (now.since(read_at) < longest).then_some(node)
    }

    pub(crate) fn know(&self, credential: Digest, node: Arc<Node>, now: Elapsed) {
        self.known.insert(credential, (node, now));
    }

    /// What a node said last, if it did since this server started.
    pub(crate) fn seen(&self, node: Uuid) -> Option<NodeSeen> {
        lock(&self.seen).get(&node).map(|seen| seen.last.clone())
    }

    /// What is stored of what a node said since this server started.
    pub(super) fn kept(&self, node: Uuid) -> Option<NodeSeen> {
        lock(&self.seen).get(&node)?.kept.clone()
    }

    pub(super) fn note(&self, node: Uuid, seen: NodeSeen, kept: bool) {
        let mut all = lock(&self.seen);
        let before = all.remove(&node).and_then(|before| before.kept);
        let kept = if kept { Some(seen.clone()) } else { before };
        all.insert(node, Seen { last: seen, kept });
    }
}

#[cfg(test)]
mod tests {
    use lictor_core::Timestamp;
    use lictor_core::change::Change;
    use lictor_core::facts::node::{NodeIdentity, NodeState};
    use lictor_core::feed::NodePolicy;
    use serde_json::value::RawValue;

    use super::*;
    use crate::reactions::tests::written;

    const NOW: Elapsed = Elapsed::from_seconds(1);

    fn node(number: u8) -> Node {
        Node {
            id: Uuid::from_u128(number.into()),
            organization: Uuid::from_u128(100),
            state: NodeState {
                application: "gateway".to_owned(),
                created_at: Timestamp::default(),
                pool: None,
                joined_at: None,
                revoked_at: None,
                left: None,
            },
            identity: NodeIdentity {
                name: format!("node-{number}"),
                token_sha256: Some(Digest([number; 32])),
                token_expires_at: NOW,
                credential_sha256: Some(Digest([number; 32])),
            },
            pool: None,
            forget_after: None,
            seen: None,
        }
    }

    fn delivery(bytes: usize) -> Delivery {
        let text = format!("\"{}\"", "x".repeat(bytes));
        Delivery {
            revision: 1,
            content_sha256: Digest([0; 32]),
            content: RawValue::from_string(text).expect("it is JSON"),
            policy: NodePolicy::default(),
        }
    }

    #[tokio::test]
    async fn deliveries_take_no_more_memory_than_they_may() {
        let feed = Feed::new(SigningKey::from_seed([7; 32]), Uuid::nil());
        let (organization, bytes) = (Uuid::from_u128(100), 2 << 20);
        let mut all = Vec::new();
        for number in 0..64 {
            let (application, fresh) = (format!("app-{number}"), async { Ok(delivery(bytes)) });
            let place = (organization, application.as_str());
            let made = feed.delivery(place, None, fresh).await;
            all.push(Arc::downgrade(&made.expect("it is made")));
        }
        let kept = all.iter().filter(|one| one.upgrade().is_some()).count();
        assert!(
            kept > 0 && (kept * bytes) as u64 <= DELIVERY_BYTES,
            "{kept}"
        );
    }

    #[test]
    fn what_becomes_of_one_node_makes_no_other_be_read_again() {
        let feed = Feed::new(SigningKey::from_seed([7; 32]), Uuid::nil());
        feed.know(Digest([1; 32]), Arc::new(node(1)), NOW);
        let other = Uuid::from_u128(2);
        for change in [
            Change::NodeJoined { id: other },
            Change::NodeRevoked { id: other },
            Change::OrganizationRemoved,
        ] {
            let stream = Uuid::from_u128(200);
            feed.learn(&Reactions::to(stream, &written(stream, change)), NOW);
        }
        assert!(feed.known(Digest([1; 32]), NOW, true).is_some());
        assert_eq!(feed.fate(other), Some(Fate::Revoked));
        assert!(feed.is_removed(Uuid::from_u128(200)));
    }
}
