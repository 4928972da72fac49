//! Nodes: data planes that are enrolled, join, report and are revoked. What they are sent is in
//! `feed`. Of every secret only the SHA-256 comes here.

mod gone;
mod places;
mod pools;
mod reports;
mod starts;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::application;
use crate::change::{Change, Decision, Digest, Record};
use crate::elapsed::Elapsed;
use crate::error::{Error, Kind};
use crate::feed::{Applied, Mode, NodePolicy};
use crate::license::Entitlement;
use crate::seats::{ApplicationBasis, Basis};
use crate::state::State;
use crate::time::Timestamp;
use crate::usage::MAX_COUNT;

pub use gone::{LEFT_KEPT, MAX_KNOWN_EPOCHS, left_source, remove, take_up};
pub use places::{Place, node_of};
pub use pools::{
    DEFAULT_FORGET_AFTER, DEFAULT_POOL_TTL, Leave, MAX_POOL_NAME_LENGTH, NewPool, Pool,
    PoolIdentity, PoolState, create_pool, forget, join_pool, leave, missing_pool, name_in_pool,
    revoke_pool,
};
pub use reports::{
    MAX_MERGED, check_counts, earlier, is_without_room, merge, merged, report, seen, usage_of,
};
pub use starts::{Counting, MAX_BEFORE, MAX_COUNTED, begin, epochs_of};

/// How long an enrollment token can be used, in seconds: a day.
pub const TOKEN_TTL: i64 = 86_400;

/// The longest name of a node, in characters.
pub const MAX_NAME_LENGTH: usize = 63;

/// The greatest revision that an adoption goes above: behind one that a node only claims to know there
/// must be room for all that are still to come.
pub const MAX_ADOPTED: u64 = MAX_COUNT / 2;

/// How often what is delivered on the same basis was changed, or how it is written. Raise it with every
/// such change, so that no node meets other content under the revision that it knows.
const CONTENT_CHANGES: u64 = 1;

/// What the ledger knows of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    /// The application that it serves.
    pub application: String,
    /// The pool by whose token it joined last; none: it had a token of its own.
    pub pool: Option<Uuid>,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// When it joined with its enrollment token.
    pub joined_at: Option<Timestamp>,
    /// When it was revoked, or left; none: it is neither.
    pub revoked_at: Option<Timestamp>,
    /// How it left its pool, to which it can come back; none: it did not.
    pub left: Option<Leave>,
}

impl NodeState {
    /// Whether it is neither revoked nor has left.
    pub(crate) fn is_live(&self) -> bool {
        self.revoked_at.is_none()
    }

    /// Whether it keeps its place and its name, unless it is revoked: it joined, or still can.
    fn takes_place(&self, identity: &NodeIdentity, now: Elapsed) -> bool {
        self.joined_at.is_some() || !identity.has_expired(now)
    }
}

/// What a node is known and recognized by; no part of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeIdentity {
    /// What people call it; of the nodes that are not revoked only one has it.
    pub name: String,
    /// The SHA-256 of its enrollment token; none: it joined by its pool's.
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

/// What a node last said of itself; no part of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSeen {
    /// When, by the wall clock.
    pub at: Timestamp,
    /// When, on the line of elapsed time; none: a version wrote it that did not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Elapsed>,
    /// The name of its machine.
    pub host: String,
    /// The version of its program.
    pub version: String,
    /// How it stands.
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
    /// What the ledger knows of it.
    pub state: NodeState,
    /// What it is recognized by.
    pub identity: NodeIdentity,
    /// The name of its pool; none: it is of none.
    pub pool: Option<String>,
    /// After how many seconds of silence it gives its place there back.
    pub forget_after: Option<i64>,
    /// What it last said; none: nothing yet.
    pub seen: Option<NodeSeen>,
}

/// What holds for all nodes of an organization.
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

/// A node to enroll.
#[derive(Debug, Clone)]
pub struct NewNode {
    /// UUID v7.
    pub id: Uuid,
    /// What to call it.
    pub name: String,
    /// The application that it is to serve.
    pub application: String,
    /// The SHA-256 of its enrollment token.
    pub token_sha256: Digest,
}

/// What the license in force grants, as it was found before the transaction.
#[derive(Debug, Clone, Copy)]
pub struct NodeTerms {
    /// As [`Entitlement::granted_nodes`] says.
    pub limit: Option<u32>,
    /// What it was derived from.
    pub basis: ApplicationBasis,
}

impl NodeTerms {
    /// The terms of an entitlement that was derived from `basis`.
    pub fn of(entitlement: &Entitlement, basis: ApplicationBasis) -> Self {
        Self {
            limit: entitlement.granted_nodes(),
            basis,
        }
    }
}

/// Why an enrollment token lets nobody join.
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
    /// Its time is over.
    #[error("this enrollment token has expired; make another with `lictor node enroll`")]
    Expired,
    /// Every place of the pool is taken.
    #[error(
        "all {0} places of the pool are taken; one becomes free when a node leaves, is silent \
         for the pool's --forget-after or is revoked"
    )]
    Full(u64),
}

/// Enrolls a node. `state` holds the application, how many of its nodes are still to join, and the node
/// with this name: where that one can join no more, it is revoked and gives its name back.
///
/// # Errors
/// [`Error::NotFound`] for the application, [`Error::InvalidInput`], [`Error::AlreadyExists`],
/// [`Error::Outdated`] where the terms are not those of now, [`Error::NodeLimit`].
pub fn enroll(
    state: &State,
    new: &NewNode,
    terms: &NodeTerms,
    now: Elapsed,
) -> Result<Decision, Error> {
    let application = application::find(state, &new.application)?;
    check_name(&new.name)?;
    let named = live_named(state, &new.name);
    if named.is_some_and(|(_, node, identity)| node.takes_place(identity, now)) {
        return Err(Error::AlreadyExists {
            kind: Kind::Node,
            name: new.name.clone(),
        });
    }
    if terms.basis != state.basis_of(application) {
        return Err(Error::Outdated);
    }
    let enrolled = room(state, &new.application, terms)?;
    // First, as of the nodes that are not revoked only one has the name.
    let revoked = named.map(|(id, ..)| Change::NodeRevoked { id });
    let new_one = Change::NodeEnrolled {
        id: new.id,
        application: new.application.clone(),
        limit: terms.limit,
        enrolled: enrolled + 1,
        pool: None,
    };
    let mut decision: Decision = revoked.into_iter().chain([new_one]).collect();
    decision.records.push(Record::NodeIdentity {
        id: new.id,
        identity: NodeIdentity {
            name: new.name.clone(),
            token_sha256: Some(new.token_sha256),
            token_expires_at: now.plus(TOKEN_TTL),
            credential_sha256: None,
        },
    });
    Ok(decision)
}

/// The nodes that are not revoked.
fn live(state: &State) -> impl Iterator<Item = (Uuid, &NodeState, &NodeIdentity)> {
    let nodes = state.nodes.iter();
    nodes
        .filter(|(_, node)| node.is_live())
        .filter_map(|(id, node)| Some((*id, node, state.node_identities.get(id)?)))
}

fn live_named<'a>(state: &'a State, name: &str) -> Option<(Uuid, &'a NodeState, &'a NodeIdentity)> {
    live(state).find(|(_, _, identity)| identity.name == name)
}

/// How many nodes of an application take a place, if there is one for another.
fn room(state: &State, application: &str, terms: &NodeTerms) -> Result<u64, Error> {
    let joined = application::find(state, application)?.joined_nodes;
    let to_join = state.nodes_to_join.get(application).copied();
    let enrolled = joined + to_join.unwrap_or_default();
    match terms.limit {
        Some(limit) if enrolled >= u64::from(limit) => Err(Error::NodeLimit {
            application: application.to_owned(),
            limit,
            enrolled,
        }),
        Some(_) | None => Ok(enrolled),
    }
}

/// Lets a node join that shows its enrollment token. The same credential again changes nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::JoinRefused`].
pub fn join(
    state: &State,
    id: Uuid,
    credential_sha256: Digest,
    now: Elapsed,
) -> Result<Decision, Error> {
    let node = find(state, id)?;
    let identity = state
        .node_identities
        .get(&id)
        .ok_or_else(|| missing(id.to_string()))?;
    if node.revoked_at.is_some() {
        return Err(Error::JoinRefused(JoinRefusal::Revoked));
    }
    match identity.credential_sha256 {
        Some(known) if known == credential_sha256 => return Ok(Decision::nothing()),
        Some(_) => return Err(Error::JoinRefused(JoinRefusal::Used)),
        None if identity.has_expired(now) => {
            return Err(Error::JoinRefused(JoinRefusal::Expired));
        }
        None => {}
    }
    let mut decision: Decision = Change::NodeJoined { id }.into();
    decision.records.push(Record::NodeIdentity {
        id,
        identity: NodeIdentity {
            credential_sha256: Some(credential_sha256),
            ..identity.clone()
        },
    });
    Ok(decision)
}

/// Revokes a node: it is sent nothing any more, and its place is free. One that left cannot come back.
/// Repeating it changes nothing.
///
/// # Errors
/// [`Error::NotFound`].
pub fn revoke(state: &State, id: Uuid) -> Result<Decision, Error> {
    let node = find(state, id)?;
    Ok(match (node.revoked_at, node.left) {
        (None, _) => Change::NodeRevoked { id }.into(),
        (Some(_), Some(_)) => Change::NodeBarred { id }.into(),
        (Some(_), None) => Decision::nothing(),
    })
}

/// Sets how long the organization's nodes go on without news. `state` holds the node settings.
///
/// # Errors
/// [`Error::InvalidInput`].
pub fn set_policy(state: &State, policy: NodePolicy) -> Result<Decision, Error> {
    policy.check()?;
    Ok(if state.node_settings.policy == policy {
        Decision::nothing()
    } else {
        Change::NodePolicySet {
            stale_after: policy.stale_after,
            expires_after: policy.expires_after,
            grace: policy.grace,
        }
        .into()
    })
}

/// Raises the revision of the state above the highest that a node reported, so that nodes that know
/// better take what is stored here. `state` holds the node settings and when trust changed. Where
/// none is ahead, it changes nothing.
pub fn adopt(state: &State, ahead: Option<u64>) -> Decision {
    match ahead {
        None => Decision::nothing(),
        Some(highest) => {
            let current = state.node_settings.state_revision(state.basis());
            let raise = highest.saturating_sub(current).saturating_add(1);
            Change::NodesAdopted { raise }.into()
        }
    }
}

/// Whether a node knows a state that was never made here: a greater revision, or the same with
/// another content. `content` is that of `revision` here.
pub fn is_ahead(applied: &Applied, revision: u64, content: Digest) -> bool {
    applied.revision > revision
        || (applied.revision == revision && applied.content_sha256 != content)
}

/// A node that is not there.
pub fn missing(name: impl Into<String>) -> Error {
    Error::NotFound {
        kind: Kind::Node,
        name: name.into(),
    }
}

fn find(state: &State, id: Uuid) -> Result<&NodeState, Error> {
    state.nodes.get(&id).ok_or_else(|| missing(id.to_string()))
}

fn check_name(name: &str) -> Result<(), Error> {
    check_name_of(name, MAX_NAME_LENGTH)
}

fn check_name_of(name: &str, longest: usize) -> Result<(), Error> {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
    };
    let begins = name
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit());
    if begins && name.len() <= longest && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(Error::InvalidInput {
        field: "name",
        reason: format!(
            "use 1 to {longest} lower-case letters, digits, hyphens and dots, beginning \
             with a letter or digit"
        ),
    })
}

impl State {
    /// Applies a change of nodes.
    pub(crate) fn apply_to_nodes(&mut self, position: u64, at: Timestamp, change: &Change) {
        let before = self.place_of(change);
        self.apply_to_node(position, at, change);
        let after = self.place_of(change);
        self.move_place(before, after);
    }

    fn apply_to_node(&mut self, position: u64, at: Timestamp, change: &Change) {
        match change {
            Change::NodeEnrolled {
                id,
                application,
                pool,
                ..
            } => {
                let node = NodeState {
                    application: application.clone(),
                    pool: *pool,
                    created_at: at,
                    joined_at: None,
                    revoked_at: None,
                    left: None,
                };
                self.nodes.insert(*id, node);
            }
            Change::NodeJoined { id } => {
                if let Some(node) = self.nodes.get_mut(id) {
                    node.joined_at = Some(at);
                }
            }
            Change::NodeRevoked { id } => {
                if let Some(node) = self.nodes.get_mut(id) {
                    node.revoked_at = Some(at);
                }
            }
            Change::NodeLeft { .. }
            | Change::NodeReturned { .. }
            | Change::NodeBarred { .. }
            | Change::NodeRemoved { .. }
            | Change::NodePoolCreated { .. }
            | Change::NodePoolRevoked { .. } => self.apply_to_pools(at, change),
            Change::NodePolicySet {
                stale_after,
                expires_after,
                grace,
            } => {
                self.node_settings.policy = NodePolicy {
                    stale_after: *stale_after,
                    expires_after: *expires_after,
                    grace: *grace,
                };
                self.basis_changed = position;
            }
            Change::NodesAdopted { raise } => {
                self.node_settings.raised = self.node_settings.raised.saturating_add(*raise);
                self.basis_changed = position;
            }
            _ => {}
        }
    }
}
