//! Pools of nodes: many nodes join with one token, and each takes a place until it leaves.

use uuid::Uuid;

use crate::digest::Digest;
use crate::elapsed::Elapsed;
use crate::facts::node::MAX_NAME_LENGTH;
use crate::time::Timestamp;

/// The longest name of a pool, in characters: its nodes have a hyphen and twelve more.
pub const MAX_POOL_NAME_LENGTH: usize = MAX_NAME_LENGTH - 13;

/// How long the token of a pool can be used if nothing else is said, in seconds: 30 days.
pub const DEFAULT_POOL_TTL: i64 = 30 * 86_400;

/// After how many seconds of silence a place is given back if nothing else is said: an hour.
pub const DEFAULT_FORGET_AFTER: i64 = 3_600;

/// What the ledger records about a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolState {
    /// The application that its nodes serve.
    pub application: String,
    /// How many nodes there may be of it at once.
    pub uses: u64,
    /// After how many seconds of silence a node gives its place back.
    pub forget_after: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its token was revoked.
    pub revoked_at: Option<Timestamp>,
    /// How many of its places are taken.
    pub taken: u64,
}

impl PoolState {
    pub(crate) fn is_live(&self) -> bool {
        self.revoked_at.is_none()
    }
}

/// A pool's name and token; not part of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolIdentity {
    /// Its display name; of the pools that are not revoked only one has it.
    pub name: String,
    /// The SHA-256 of its token.
    pub token_sha256: Digest,
    /// From when on the token cannot be used.
    pub token_expires_at: Elapsed,
}

impl PoolIdentity {
    /// Whether it is too late to join by it.
    pub fn has_expired(&self, now: Elapsed) -> bool {
        self.token_expires_at <= now
    }
}

/// A stored pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// UUID v7.
    pub id: Uuid,
    /// The organization it belongs to.
    pub organization: Uuid,
    /// What the ledger records about it.
    pub state: PoolState,
    /// What it is known by.
    pub identity: PoolIdentity,
}

/// The name of a node of a pool: the pool's name and the last group of the node's id. No other node
/// ever has this name, and an entry of the ledger shows whose it is.
pub fn name_in_pool(pool: &str, node: Uuid) -> String {
    let digits = node.simple().to_string();
    format!("{pool}-{}", &digits[20..])
}
