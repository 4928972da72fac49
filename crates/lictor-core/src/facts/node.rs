//! Nodes: the data planes that enroll, join and report.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::elapsed::Elapsed;
use crate::facts::entitlement::Basis;
use crate::facts::usage::{MAX_COUNT, MAX_EPOCHS};
use crate::feed::{Applied, Mode, NodePolicy};
use crate::time::{SECONDS_PER_DAY, Timestamp};
use crate::words::words;

/// How long an enrollment token can be used, in seconds: a day.
pub const TOKEN_TTL: i64 = 86_400;

/// The longest name of a node, in characters.
pub const MAX_NAME_LENGTH: usize = 63;

/// The greatest revision that an adoption goes above. A node may claim any revision, and above it there
/// must be room for all that are still to come.
pub const MAX_ADOPTED: u64 = MAX_COUNT / 2;

/// How long a node that left is kept, in seconds: 90 days. Of one organization no more are kept than it
/// may have nodes, nor while the usage series of the month come to half of what it may have.
pub const LEFT_KEPT: i64 = 90 * SECONDS_PER_DAY;

/// The most epochs that a node may know of which was removed and comes back.
pub const MAX_KNOWN_EPOCHS: usize = MAX_EPOCHS;

/// The most epochs of a node of which it is remembered who counts in them.
pub const MAX_COUNTED: usize = 16;

/// The most starts of an epoch that are remembered before the one that counts in it.
pub const MAX_BEFORE: usize = 32;

/// The most epochs of a node that are put together.
pub const MAX_MERGED: usize = 16;

/// How often what is delivered on the same basis was changed, or how it is written. Raise it with every
/// such change, so that no node meets other content under the revision that it knows.
const CONTENT_CHANGES: u64 = 1;

/// How a node left its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leave {
    /// It said goodbye.
    Goodbye,
    /// It was silent for too long.
    Silence,
}

words!(
    Leave, "a way in which nodes leave", {
        Goodbye => "goodbye",
        Silence => "silence",
    }
);

/// What the ledger records about a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    /// The application that it serves.
    pub application: String,
    /// The pool by whose token it joined last. `None` if it had a token of its own.
    pub pool: Option<Uuid>,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// When it joined with its enrollment token.
    pub joined_at: Option<Timestamp>,
    /// When it was revoked, or left. `None` if it is neither.
    pub revoked_at: Option<Timestamp>,
    /// How it left its pool, to which it can come back. `None` if it did not.
    pub left: Option<Leave>,
}

impl NodeState {
    /// Whether it is neither revoked nor has left.
    pub(crate) fn is_live(&self) -> bool {
        self.revoked_at.is_none()
    }

    /// Whether it has joined or still can. Unless it is revoked, it then keeps its place and its name.
    pub(crate) fn takes_place(&self, identity: &NodeIdentity, now: Elapsed) -> bool {
        self.joined_at.is_some() || !identity.has_expired(now)
    }
}

/// The counts that a live node belongs to: one that was not revoked and has not left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeGroup {
    /// The application that it serves.
    pub application: String,
    /// The pool that it has a place in.
    pub pool: Option<Uuid>,
    /// Whether it has joined.
    pub joined: bool,
}

/// A node's name and credentials; not part of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeIdentity {
    /// Its display name; of the nodes that are not revoked only one has it.
    pub name: String,
    /// The SHA-256 of its enrollment token. `None` if it joined by its pool's.
    pub token_sha256: Option<Digest>,
    /// From when on the token cannot be used; of a node of a pool, when it took its place there.
    pub token_expires_at: Elapsed,
    /// The SHA-256 of the credential that it made when it joined.
    pub credential_sha256: Option<Digest>,
}

impl NodeIdentity {
    /// Whether it is too late to join with its enrollment token.
    pub fn has_expired(&self, now: Elapsed) -> bool {
        self.token_expires_at <= now
    }
}

/// What a node last reported about itself; not part of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSeen {
    /// When, by the wall clock.
    pub at: Timestamp,
    /// When, on the line of elapsed time. `None` if a version wrote it that did not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Elapsed>,
    /// The name of its machine.
    pub host: String,
    /// The version of its program.
    pub version: String,
    /// How recent its state is.
    pub mode: Mode,
    /// Which state it applies.
    pub applied: Option<Applied>,
    /// The SHA-256 of the control plane's key that it takes states from, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<Digest>,
    /// The license that is in force there.
    pub license: Option<Uuid>,
    /// The requests that it counted this month.
    pub requests: u64,
    /// What is wrong there, in its own words.
    pub problems: Vec<String>,
}

impl NodeSeen {
    /// When it said so, which spans are measured from.
    pub fn heard_at(&self) -> Elapsed {
        self.heard_at.unwrap_or(Elapsed::from_seconds(self.at))
    }
}

/// A stored node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// UUID v7.
    pub id: Uuid,
    /// The organization it belongs to.
    pub organization: Uuid,
    /// What the ledger records about it.
    pub state: NodeState,
    /// What it is recognized by.
    pub identity: NodeIdentity,
    /// The name of its pool. `None` if it is in none.
    pub pool: Option<String>,
    /// After how many seconds of silence it gives its place there back.
    pub forget_after: Option<i64>,
    /// What it last said. `None` if nothing yet.
    pub seen: Option<NodeSeen>,
}

/// The settings of all nodes of an organization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NodeSettings {
    /// How long they go on without news.
    pub policy: NodePolicy,
    /// By how much adoptions have raised the revision of the state.
    pub raised: u64,
}

impl NodeSettings {
    /// The revision of the state that rests on `basis`: it rises when a license, a trusted key or
    /// the policy changes, with a version that delivers something else, and with nothing else.
    pub fn state_revision(&self, basis: Basis) -> u64 {
        CONTENT_CHANGES
            .saturating_add(self.raised)
            .saturating_add(basis.licenses)
            .saturating_add(basis.trust)
    }
}

/// Which start of a node counts in one of its epochs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counting {
    /// The epoch.
    pub epoch: String,
    /// The start that was last let go on in it.
    pub start: Uuid,
    /// Those before it, the last at the end: what each of them counted is of this epoch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Uuid>,
    /// Whether it took its leave, so that any other that has all of its counts may go on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left: bool,
}

impl Counting {
    pub(crate) fn holds(&self, start: Uuid) -> bool {
        self.start == start || self.before.contains(&start)
    }
}

/// Why a node cannot join with an enrollment token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinRefusal {
    /// The node was revoked.
    #[error("the node was revoked; enroll another with `lictor node enroll`")]
    Revoked,
    /// Nobody joins by the pool's token any more.
    #[error("the pool's token was revoked; make another with `lictor node enroll --pool`")]
    PoolRevoked,
    /// Another node has used it.
    #[error("this enrollment token was used already; make another with `lictor node enroll`")]
    Used,
    /// It has expired.
    #[error("this enrollment token has expired; make another with `lictor node enroll`")]
    Expired,
    /// Every place of the pool is taken.
    #[error(
        "all {0} places of the pool are taken; one becomes free when a node leaves, is silent \
         for the pool's --forget-after or is revoked"
    )]
    Full(u64),
}
