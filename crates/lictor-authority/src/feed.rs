//! The feed's use cases: nodes join, are sent signed states, and report. It holds the control plane's
//! own key, and in memory who is connected and who said what last.

mod delivery;
mod lives;
mod places;
mod presence;
mod registry;
mod reports;
mod starts;
mod subscribers;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use lictor_core::Error;
use lictor_core::digest::Digest;
use lictor_core::elapsed::Now;
use lictor_core::facts::grant::GrantRefusal;
use lictor_core::facts::node::Node;
use lictor_core::facts::pool::Pool;
use lictor_core::feed::{Audience, Join, Joined, StateTerms, sign};
use lictor_store::{Fact, PoolBy, Rule, Write, Written};
use uuid::Uuid;

pub(super) use delivery::Delivery;
pub use places::{Enrolled, NodesOf};
pub use presence::Connection;
use registry::Fate;
pub use registry::Feed;

use super::Authority;
use super::attempts::Attempt;
use crate::answering;

/// How many hex digits of its digest stand for a content.
const TAG_DIGITS: usize = 16;

/// What a token lets join.
#[derive(Debug)]
pub enum Joinable {
    /// This node.
    Node(Box<Node>),
    /// Nodes of this pool.
    Pool(Box<Pool>),
}

impl Joinable {
    /// The organization it belongs to.
    pub fn organization(&self) -> Uuid {
        match self {
            Self::Node(node) => node.organization,
            Self::Pool(pool) => pool.organization,
        }
    }
}

/// A state as it is sent to one node.
#[derive(Debug, Clone)]
pub struct SignedState {
    /// Its revision.
    pub revision: u64,
    /// When it was signed, and when the same revision is to be signed again.
    pub signing: Signing,
    /// Whether it tells the node that it was revoked.
    pub revoked: bool,
    /// The whole document, in one line.
    pub document: Arc<str>,
}

impl SignedState {
    /// The document, without a copy of it.
    pub fn into_bytes(self) -> Bytes {
        struct Document(Arc<str>);
        impl AsRef<[u8]> for Document {
            fn as_ref(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }
        Bytes::from_owner(Document(self.document))
    }
}

/// When a state was signed.
#[derive(Debug, Clone, Copy)]
pub struct Signing {
    issued: Now,
    /// After how many seconds it is to be signed again.
    again_after: i64,
}

impl Signing {
    /// In how many seconds it is to be signed again; 0: now, as its time is over, or as the wall
    /// clock that it was dated by was set since.
    pub fn again_in(&self, now: &Now) -> i64 {
        if now.step_since(&self.issued).is_some() {
            return 0;
        }
        let again_at = self.issued.elapsed().plus(self.again_after);
        again_at.since(now.elapsed()).max(0)
    }
}

impl Authority {
    /// Which node shows this credential. One that was revoked is told so, and nothing else.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], or a fault of the store.
    pub async fn sign_in_node(&self, credential: &str) -> Result<Arc<Node>, Error> {
        let sha256 = Digest::of(credential.as_bytes());
        let now = self.clock.now().elapsed();
        let known = self.feed.known(sha256, now, self.store.is_exclusive());
        let node = match known {
            Some(node) => Some(node),
            None => {
                let found = self.store.node_by_secret(sha256).await?.map(Arc::new);
                if let Some(node) = &found {
                    self.feed.know(sha256, node.clone(), now);
                }
                found
            }
        };
        // What is remembered may have been read before the organization was removed.
        let own = |node: &Arc<Node>| {
            node.identity.credential_sha256 == Some(sha256)
                && !self.feed.is_removed(node.organization)
                && self.feed.fate(node.id) != Some(Fate::Removed)
        };
        let node = node.filter(own).ok_or(Error::Unauthenticated)?;
        self.feed.note_sign(node.id, self.clock.now().elapsed());
        answering::signed_in();
        answering::acts_in(node.organization);
        Ok(node)
    }

    /// Notes that this node's feed is open for as long as what is returned lives.
    pub fn connect_feed(&self, node: &Node) -> Connection {
        self.feed.connect(node, self.clock.now().elapsed())
    }

    /// What a node is told that was revoked; none: it was not.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn state_if_revoked(&self, node: &Node) -> Result<Option<SignedState>, Error> {
        Ok(if self.is_revoked(node) {
            Some(self.signed_state(node).await?)
        } else {
            None
        })
    }

    /// Whether a node was revoked, also since it was read.
    pub fn is_revoked(&self, node: &Node) -> bool {
        self.fate(node) == Fate::Revoked
    }

    /// Whether a node left its pool, also since it was read.
    pub fn has_left(&self, node: &Node) -> bool {
        self.fate(node) == Fate::Left
    }

    fn fate(&self, node: &Node) -> Fate {
        let stored = match (node.state.revoked_at, node.state.left) {
            (None, _) => Fate::Lives,
            (Some(_), None) => Fate::Revoked,
            (Some(_), Some(_)) => Fate::Left,
        };
        self.feed.fate(node.id).unwrap_or(stored)
    }

    /// What was enrolled with this token, whether it may still join or not. An address from
    /// which too many unknown ones came is not answered for a while.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for an unknown token, [`Error::GrantRefused`] where there were too
    /// many, or a fault of the store.
    pub async fn enrolled(&self, token: &str, from: IpAddr) -> Result<Joinable, Error> {
        let now = self.clock.now().elapsed();
        let attempt = Attempt { client: None, from };
        if self.attempts.are_too_many(&attempt, now) {
            return Err(Error::GrantRefused(GrantRefusal::TooManyFailures));
        }
        let sha256 = Digest::of(token.as_bytes());
        let found = self.store.node_by_secret(sha256).await?;
        let own = |node: &Node| node.identity.token_sha256 == Some(sha256);
        if let Some(node) = found.filter(own) {
            return Ok(Joinable::Node(Box::new(node)));
        }
        if let Some(pool) = self.store.node_pool(PoolBy::Token(sha256)).await? {
            return Ok(Joinable::Pool(Box::new(pool)));
        }
        self.attempts.failed(&attempt, now);
        Err(Error::Unauthenticated)
    }

    /// Lets a node join that showed its enrollment token.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a credential that is no new one, [`Error::JoinRefused`],
    /// [`Error::NodeLimit`], [`Error::QuotaReached`], or a fault of the store.
    pub async fn join(&self, enrolled: &Joinable, join: &Join) -> Result<Joined, Error> {
        let credential = join.credential_sha256;
        let node = match enrolled {
            Joinable::Pool(pool) => &self.join_pool(pool, join).await?,
            Joinable::Node(node) => {
                self.check_credential(node, credential).await?;
                self.join_node(node, credential, self.clock.now()).await?;
                node
            }
        };
        let state = self.signed_state(node).await?;
        Ok(Joined {
            node: node.id,
            name: node.identity.name.clone(),
            organization: node.organization,
            application: node.state.application.clone(),
            pool: node.pool.clone(),
            control_plane_key: self.feed.public_key(),
            state: state.document.to_string(),
        })
    }

    /// Refuses a credential that another node signs in with, or that is an enrollment token: whoever
    /// enrolled the node knows that.
    async fn check_credential(&self, node: &Node, credential: Digest) -> Result<(), Error> {
        let known = self.store.node_by_secret(credential).await?;
        let own = |known: &Node| {
            known.id == node.id && known.identity.credential_sha256 == Some(credential)
        };
        if known.as_ref().is_none_or(own) {
            return Ok(());
        }
        Err(known_credential())
    }

    /// The newest state, signed for this node now.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where its organization was removed, or a fault of the store.
    pub async fn signed_state(&self, node: &Node) -> Result<SignedState, Error> {
        if self.feed.is_removed(node.organization) {
            return Err(Error::Unauthenticated);
        }
        let delivery = self
            .delivery(node.organization, &node.state.application)
            .await?;
        let issued = self.clock.now();
        let terms = StateTerms {
            audience: Audience {
                organization: node.organization,
                node: node.id,
            },
            revision: delivery.revision,
            issued_at: issued.wall(),
            expires_at: issued.wall().saturating_add(delivery.policy.expires_after),
            revoked: self.is_revoked(node),
        };
        let document = self.signed(node.organization, terms, delivery.clone());
        Ok(SignedState {
            revision: delivery.revision,
            signing: Signing {
                issued,
                again_after: spread(&delivery, node),
            },
            revoked: terms.revoked,
            document: document.await?,
        })
    }

    /// The document that says this. The same for the same node in the same second is signed once, for a
    /// large one takes milliseconds.
    async fn signed(
        &self,
        organization: Uuid,
        terms: StateTerms,
        delivery: Arc<Delivery>,
    ) -> Result<Arc<str>, Error> {
        let content = delivery.content_sha256;
        let feed = Arc::clone(&self.feed);
        let signed = async move {
            let bytes = delivery.content.get().len();
            let signing = move || sign(feed.key(), &terms, &delivery.content);
            let signed = self.long_work(organization, bytes, signing).await?;
            Ok(Arc::from(signed.map_err(Error::internal)?))
        };
        self.feed.signed(terms, content, signed).await
    }

    /// The same for an open feed: when many of an organization are woken at once, some are signed at a
    /// time, so that others are answered between them.
    ///
    /// # Errors
    /// As [`Authority::signed_state`].
    pub async fn signed_state_in_turn(&self, node: &Node) -> Result<SignedState, Error> {
        let signing = self.signed_state(node);
        self.feed.turns().done(node.organization, signing).await?
    }

    /// What tells the newest state from others without signing it: the same for one that would only
    /// be signed anew too soon. The content counts too: after a restore one revision may have another.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn state_tag(&self, node: &Node) -> Result<String, Error> {
        let delivery = self
            .delivery(node.organization, &node.state.application)
            .await?;
        let between = delivery.policy.sign_again_after().max(1);
        let window = self.clock.now().wall().div_euclid(between);
        let content = delivery.content_sha256.to_string();
        let content = content.get(..TAG_DIGITS).unwrap_or(&content);
        let revoked = if self.is_revoked(node) {
            "-revoked"
        } else {
            ""
        };
        Ok(format!("{}.{window}-{content}{revoked}", delivery.revision))
    }

    /// Writes what a rule makes of what a node says.
    pub(super) async fn write_of_node(
        &self,
        node: &Node,
        facts: Vec<Fact>,
        rule: Rule,
        now: Now,
    ) -> Result<Written, Error> {
        let write = Write {
            stream: node.organization,
            actor: Some(node.id),
            now,
            facts,
            rule,
            idempotent: None,
        };
        self.run(write).await
    }

    /// Ends all feeds, so that the server can stop.
    pub fn end_feeds(&self) {
        self.feed.end();
    }

    /// The nodes and open feeds of this server.
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A credential that somebody else has, or that is a token.
pub(super) fn known_credential() -> Error {
    Error::InvalidInput {
        field: "credential_sha256",
        reason: "it is known here already; make a new one of 256 random bits".to_owned(),
    }
}

/// In how many seconds this node's state is signed again: sooner for some, so that not all of them
/// are at once.
fn spread(delivery: &Delivery, node: &Node) -> i64 {
    let longest = delivery.policy.sign_again_after().max(1);
    let share = i64::from(node.id.as_bytes()[15]);
    longest - longest * share / 1024
}
