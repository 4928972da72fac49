//! Pools of nodes: one token that many nodes join by, each taking a place that it gives back. What a
//! node counted stays under its name, which is of its own for ever.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::starts::is_followed;
use super::{
    JoinRefusal, MAX_NAME_LENGTH, NodeIdentity, NodeState, NodeTerms, check_name_of, live_named,
    room,
};
use crate::application;
use crate::change::{Change, Decision, Digest, Record};
use crate::elapsed::Elapsed;
use crate::error::{Error, Kind};
use crate::feed::Start;
use crate::state::State;
use crate::time::Timestamp;

/// The longest name of a pool, in characters: its nodes have a hyphen and twelve more.
pub const MAX_POOL_NAME_LENGTH: usize = MAX_NAME_LENGTH - 13;

/// How long the token of a pool can be used if nothing else is said, in seconds: 30 days.
pub const DEFAULT_POOL_TTL: i64 = 30 * 86_400;

/// After how many seconds of silence a place is given back if nothing else is said: an hour.
pub const DEFAULT_FORGET_AFTER: i64 = 3_600;

/// The bounds of both, in seconds. A node whose feed is open is not silent, so that the silence may be
/// shorter than what lies between two reports.
const TTL: std::ops::RangeInclusive<i64> = 60..=3_650 * 86_400;
const FORGET_AFTER: std::ops::RangeInclusive<i64> = 10..=400 * 86_400;

/// The most places of a pool.
const MAX_USES: u64 = 1_000_000;

/// How a node gave its place back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leave {
    /// It said so.
    Goodbye,
    /// It was silent for too long.
    Silence,
}

impl Leave {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Goodbye, Self::Silence];

    /// The word for it, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Goodbye => "goodbye",
            Self::Silence => "silence",
        }
    }

    /// What this word stands for.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// What the ledger knows of a pool.
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

/// What a pool is known by; no part of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolIdentity {
    /// What people call it; of the pools that are not revoked only one has it.
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
    /// What the ledger knows of it.
    pub state: PoolState,
    /// What it is known by.
    pub identity: PoolIdentity,
}

/// A pool to make.
#[derive(Debug, Clone)]
pub struct NewPool {
    /// UUID v7.
    pub id: Uuid,
    /// What to call it.
    pub name: String,
    /// The application that its nodes are to serve.
    pub application: String,
    /// How many nodes there may be of it at once.
    pub uses: u64,
    /// How long its token can be used, in seconds.
    pub ttl: i64,
    /// After how many seconds of silence a node gives its place back.
    pub forget_after: i64,
    /// The SHA-256 of its token.
    pub token_sha256: Digest,
}

/// What a node of a pool is called: by the pool, and by the last group of its id. So no other node ever
/// has its name, and an entry of the ledger tells whose it is.
pub fn name_in_pool(pool: &str, node: Uuid) -> String {
    let digits = node.simple().to_string();
    format!("{pool}-{}", &digits[20..])
}

/// Makes a pool. `state` holds the application, and the pool with this name: one whose token has expired
/// is revoked and gives its name back.
///
/// # Errors
/// [`Error::NotFound`] for the application, [`Error::InvalidInput`], [`Error::AlreadyExists`].
pub fn create_pool(state: &State, new: &NewPool, now: Elapsed) -> Result<Decision, Error> {
    application::find(state, &new.application)?;
    check_name_of(&new.name, MAX_POOL_NAME_LENGTH)?;
    if !(1..=MAX_USES).contains(&new.uses) {
        return Err(invalid("uses", format!("use 1 to {MAX_USES}")));
    }
    if !TTL.contains(&new.ttl) {
        return Err(invalid("ttl", "use 1m to 3650d".to_owned()));
    }
    if !FORGET_AFTER.contains(&new.forget_after) {
        return Err(invalid("forget_after", "use 10s to 400d".to_owned()));
    }
    let live = |id: &Uuid| state.node_pools.get(id).is_some_and(PoolState::is_live);
    let named = state.pool_identities.iter();
    let named = named
        .filter(|(id, _)| live(id))
        .find(|(_, identity)| identity.name == new.name);
    if named.is_some_and(|(_, identity)| !identity.has_expired(now)) {
        return Err(Error::AlreadyExists {
            kind: Kind::NodePool,
            name: new.name.clone(),
        });
    }
    // First, as of the pools that are not revoked only one has the name.
    let revoked = named.map(|(id, _)| Change::NodePoolRevoked { id: *id });
    let made = Change::NodePoolCreated {
        id: new.id,
        application: new.application.clone(),
        uses: new.uses,
        forget_after: new.forget_after,
    };
    let mut decision: Decision = revoked.into_iter().chain([made]).collect();
    decision.records.push(Record::NodePoolIdentity {
        id: new.id,
        identity: PoolIdentity {
            name: new.name.clone(),
            token_sha256: new.token_sha256,
            token_expires_at: now.plus(new.ttl),
        },
    });
    Ok(decision)
}

/// Revokes the token of a pool: nobody joins by it any more, and its nodes go on. Repeating it changes
/// nothing.
///
/// # Errors
/// [`Error::NotFound`].
pub fn revoke_pool(state: &State, id: Uuid) -> Result<Decision, Error> {
    let pool = state.node_pools.get(&id);
    let pool = pool.ok_or_else(|| missing_pool(id.to_string()))?;
    Ok(match pool.revoked_at {
        Some(_) => Decision::nothing(),
        None => Change::NodePoolRevoked { id }.into(),
    })
}

/// Lets a node join that shows the token of a pool and the SHA-256 of a credential. A node that is known
/// by that credential is `node`: one that has its place keeps it, and one that left takes a place again,
/// under the name that it has. Else `node` is the id of a new one. `state` holds the pool, the
/// application, how many of its nodes are still to join, `node`, and who else has its name.
///
/// # Errors
/// [`Error::NotFound`] for the pool or the application, [`Error::JoinRefused`], [`Error::Outdated`] where
/// the terms are not those of now, [`Error::NodeLimit`], [`Error::InvalidInput`] for a node of another
/// application, [`Error::AlreadyExists`] where another node was given its name meanwhile.
pub fn join_pool(
    state: &State,
    pool: Uuid,
    node: Uuid,
    credential_sha256: Digest,
    terms: &NodeTerms,
    now: Elapsed,
) -> Result<Decision, Error> {
    let missing = || missing_pool(pool.to_string());
    let found = state.node_pools.get(&pool).ok_or_else(missing)?;
    let identity = state.pool_identities.get(&pool).ok_or_else(missing)?;
    let known = state.nodes.get(&node);
    if known.is_some_and(NodeState::is_live) {
        return Ok(Decision::nothing());
    }
    if known.is_some_and(|node| node.left.is_none()) {
        return Err(Error::JoinRefused(JoinRefusal::Revoked));
    }
    if !found.is_live() {
        return Err(Error::JoinRefused(JoinRefusal::PoolRevoked));
    }
    // The end of a token is for those who are not known yet: others have joined in time.
    if known.is_none() && identity.has_expired(now) {
        return Err(Error::JoinRefused(JoinRefusal::Expired));
    }
    if let Some(known) = known {
        check_application(found, &known.application)?;
    }
    let application = application::find(state, &found.application)?;
    if found.taken >= found.uses {
        return Err(Error::JoinRefused(JoinRefusal::Full(found.uses)));
    }
    if terms.basis != state.basis_of(application) {
        return Err(Error::Outdated);
    }
    let enrolled = room(state, &found.application, terms)? + 1;
    let limit = terms.limit;
    if known.is_some() {
        let own = state.node_identities.get(&node);
        let own = own.ok_or_else(|| super::missing(node.to_string()))?;
        if live_named(state, &own.name).is_some() {
            return Err(Error::AlreadyExists {
                kind: Kind::Node,
                name: own.name.clone(),
            });
        }
        let mut decision: Decision = Change::NodeReturned {
            id: node,
            pool,
            limit,
            enrolled,
        }
        .into();
        decision.records.push(Record::NodeIdentity {
            id: node,
            identity: NodeIdentity {
                token_expires_at: now,
                ..own.clone()
            },
        });
        return Ok(decision);
    }
    let mut decision: Decision = [
        Change::NodeEnrolled {
            id: node,
            application: found.application.clone(),
            limit,
            enrolled,
            pool: Some(pool),
        },
        Change::NodeJoined { id: node },
    ]
    .into_iter()
    .collect();
    decision.records.push(Record::NodeIdentity {
        id: node,
        identity: NodeIdentity {
            name: name_in_pool(&identity.name, node),
            token_sha256: None,
            token_expires_at: now,
            credential_sha256: Some(credential_sha256),
        },
    });
    Ok(decision)
}

/// Refuses a node that serves another application than the pool's.
pub(super) fn check_application(pool: &PoolState, application: &str) -> Result<(), Error> {
    if application == pool.application {
        return Ok(());
    }
    let reason = "it belongs to a node of another application; start it in a new folder";
    Err(invalid("credential_sha256", reason.to_owned()))
}

/// Takes up that a start of a node says goodbye: the node's place is free. Where another start went on
/// meanwhile the node lives, and keeps it, as does one that is of no pool. `state` holds the node, and who
/// counts in its epochs.
pub fn leave(state: &State, id: Uuid, start: Option<&Start>) -> Decision {
    match start.is_some_and(|start| is_followed(state, id, start)) {
        true => Decision::nothing(),
        false => left(state, id, Leave::Goodbye),
    }
}

/// Gives the places of nodes back that were silent for too long. `silent` says since when each was;
/// `state` holds them and their pools.
pub fn forget(state: &State, silent: &[(Uuid, Elapsed)], now: Elapsed) -> Decision {
    let mut decision = Decision::nothing();
    for (id, since) in silent {
        let pool = state.nodes.get(id).and_then(|node| node.pool);
        let pool = pool.and_then(|pool| state.node_pools.get(&pool));
        if pool.is_some_and(|pool| now.since(*since) >= pool.forget_after) {
            decision.append(left(state, *id, Leave::Silence));
        }
    }
    decision
}

fn left(state: &State, id: Uuid, by: Leave) -> Decision {
    let node = state.nodes.get(&id);
    match node {
        Some(node) if node.pool.is_some() && node.is_live() => Change::NodeLeft { id, by }.into(),
        Some(_) | None => Decision::nothing(),
    }
}

/// A pool that is not there.
pub fn missing_pool(name: impl Into<String>) -> Error {
    Error::NotFound {
        kind: Kind::NodePool,
        name: name.into(),
    }
}

fn invalid(field: &'static str, reason: String) -> Error {
    Error::InvalidInput { field, reason }
}

impl PoolState {
    fn is_live(&self) -> bool {
        self.revoked_at.is_none()
    }
}

impl State {
    /// Applies a change of pools, or of what a node has of one.
    pub(super) fn apply_to_pools(&mut self, at: Timestamp, change: &Change) {
        match change {
            Change::NodePoolCreated {
                id,
                application,
                uses,
                forget_after,
            } => {
                let pool = PoolState {
                    application: application.clone(),
                    uses: *uses,
                    forget_after: *forget_after,
                    created_at: at,
                    revoked_at: None,
                    taken: 0,
                };
                self.node_pools.insert(*id, pool);
            }
            Change::NodePoolRevoked { id } => {
                if let Some(pool) = self.node_pools.get_mut(id) {
                    pool.revoked_at = Some(at);
                }
            }
            Change::NodeLeft { id, by } => {
                if let Some(node) = self.nodes.get_mut(id) {
                    (node.revoked_at, node.left) = (Some(at), Some(*by));
                }
            }
            Change::NodeReturned { id, pool, .. } => {
                if let Some(node) = self.nodes.get_mut(id) {
                    (node.revoked_at, node.left, node.pool) = (None, None, Some(*pool));
                }
            }
            Change::NodeBarred { id } => {
                if let Some(node) = self.nodes.get_mut(id) {
                    (node.revoked_at, node.left) = (Some(at), None);
                }
            }
            Change::NodeRemoved { id } => {
                self.nodes.remove(id);
                self.node_identities.remove(id);
            }
            _ => {}
        }
    }
}
