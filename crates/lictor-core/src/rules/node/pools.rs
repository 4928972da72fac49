//! Joining and leaving pools of nodes.

use uuid::Uuid;

use crate::change::Change;
use crate::decision::Decision;
use crate::digest::Digest;
use crate::elapsed::Elapsed;
use crate::error::{Error, Kind};
use crate::facts::entitlement::NodeTerms;
use crate::facts::node::{JoinRefusal, Leave, NodeIdentity, NodeState};
use crate::facts::pool::{MAX_POOL_NAME_LENGTH, PoolIdentity, PoolState, name_in_pool};
use crate::feed::NodeStart;
use crate::record::Record;
use crate::rules::application;
use crate::rules::node::enroll::{check_name_of, live_named, missing, room};
use crate::rules::node::starts::is_followed;
use crate::state::State;

/// The bounds of a token's validity, in seconds.
const TTL: std::ops::RangeInclusive<i64> = 60..=3_650 * 86_400;

/// The bounds of the silence after which a node is forgotten, in seconds. It may be shorter than the interval
/// between reports, because a node with an open feed is not silent.
const FORGET_AFTER: std::ops::RangeInclusive<i64> = 10..=400 * 86_400;

/// The most places of a pool.
const MAX_USES: u64 = 1_000_000;

/// A pool to create.
#[derive(Debug, Clone)]
pub struct NewPool {
    /// UUID v7.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The application that its nodes serve.
    pub application: String,
    /// How many nodes it may have at once.
    pub uses: u64,
    /// How long its token can be used, in seconds.
    pub ttl: i64,
    /// After how many seconds of silence a node loses its place.
    pub forget_after: i64,
    /// The SHA-256 of its token.
    pub token_sha256: Digest,
}

/// Creates a pool. `state` contains the application and the pool with this name. If that pool's token has
/// expired, it is revoked and its name becomes free.
///
/// # Errors
/// [`Error::NotFound`] for the application, [`Error::InvalidInput`], [`Error::AlreadyExists`].
pub fn create_pool(state: &State, new: &NewPool, now: Elapsed) -> Result<Decision<Uuid>, Error> {
    application::find(state, &new.application)?;
    check_name_of(&new.name, MAX_POOL_NAME_LENGTH)?;
    if !(1..=MAX_USES).contains(&new.uses) {
        return Err(invalid("limit", format!("use 1 to {MAX_USES}")));
    }
    if !TTL.contains(&new.ttl) {
        return Err(invalid("ttl_seconds", "use 1m to 3650d".to_owned()));
    }
    if !FORGET_AFTER.contains(&new.forget_after) {
        return Err(invalid(
            "forget_after_seconds",
            "use 10s to 400d".to_owned(),
        ));
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
    // First, because only one live pool may have the name.
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
    let id = new.id;
    Ok(decision.with(move |_| Ok(id)))
}

/// Revokes the token of a pool. No node can join with it any more; existing nodes keep working. Repeating it
/// changes nothing.
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

/// Whether the token of a pool lets this node join, or come back.
fn check_token(
    pool: &PoolState,
    identity: &PoolIdentity,
    known: Option<&NodeState>,
    now: Elapsed,
) -> Result<(), Error> {
    if known.is_some_and(|node| node.left.is_none()) {
        return Err(Error::JoinRefused(JoinRefusal::Revoked));
    }
    if !pool.is_live() {
        return Err(Error::JoinRefused(JoinRefusal::PoolRevoked));
    }
    match known {
        Some(known) => check_application(pool, &known.application),
        // The token's expiry matters only for new nodes. Known ones joined in time.
        None if identity.has_expired(now) => Err(Error::JoinRefused(JoinRefusal::Expired)),
        None => Ok(()),
    }
}

/// Lets a node join with the token of a pool and the SHA-256 of its credential. `node` is the node with that
/// credential, or the id for a new one. A known node keeps its place, or takes one again under its old name if it
/// left. `state` contains the pool, the application, how many of its nodes have yet to join, `node`, and any other
/// node with its name.
///
/// # Errors
/// [`Error::NotFound`] for the pool or the application, [`Error::JoinRefused`], [`Error::Outdated`] if the terms
/// are no longer current, [`Error::NodeLimit`], [`Error::InvalidInput`] for a node of another application,
/// [`Error::AlreadyExists`] if another node has been given its name.
pub fn join_pool(
    state: &State,
    pool: Uuid,
    node: Uuid,
    credential_sha256: Digest,
    terms: &NodeTerms,
    now: Elapsed,
) -> Result<Decision, Error> {
    let no_pool = || missing_pool(pool.to_string());
    let found = state.node_pools.get(&pool).ok_or_else(no_pool)?;
    let identity = state.pool_identities.get(&pool).ok_or_else(no_pool)?;
    let known = state.nodes.get(&node);
    if known.is_some_and(NodeState::is_live) {
        return Ok(Decision::nothing());
    }
    check_token(found, identity, known, now)?;
    let application = application::find(state, &found.application)?;
    if found.taken >= found.uses {
        return Err(Error::JoinRefused(JoinRefusal::Full(found.uses)));
    }
    if terms.basis != state.basis_of(application) {
        return Err(Error::Outdated);
    }
    let enrolled = room(state, &found.application, terms)? + 1;
    if known.is_some() {
        return return_to_pool(state, pool, node, (terms.limit, enrolled), now);
    }
    let joined = [
        Change::NodeEnrolled {
            id: node,
            application: found.application.clone(),
            limit: terms.limit,
            enrolled,
            pool: Some(pool),
        },
        Change::NodeJoined { id: node },
    ];
    let mut decision: Decision = joined.into_iter().collect();
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

/// Gives a node that left a place of its pool again, under its old name.
fn return_to_pool(
    state: &State,
    pool: Uuid,
    node: Uuid,
    (limit, enrolled): (Option<u32>, u64),
    now: Elapsed,
) -> Result<Decision, Error> {
    let own = state.node_identities.get(&node);
    let own = own.ok_or_else(|| missing(node.to_string()))?;
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
    Ok(decision)
}

/// Checks that a node serves the pool's application.
pub(super) fn check_application(pool: &PoolState, application: &str) -> Result<(), Error> {
    if application == pool.application {
        return Ok(());
    }
    let reason = "it belongs to a node of another application; start it in a new folder";
    Err(invalid("credential_sha256", reason.to_owned()))
}

/// Frees the place of a node of which a start says goodbye. The node keeps its place if another start has
/// continued, or if it is in no pool. `state` contains the node and which starts count in its epochs.
pub fn leave(state: &State, id: Uuid, start: Option<&NodeStart>) -> Decision<bool> {
    let decision = match start.is_some_and(|start| is_followed(state, id, start)) {
        true => Decision::nothing(),
        false => left(state, id, Leave::Goodbye),
    };
    let leaves = !decision.is_nothing();
    decision.with(move |_| Ok(leaves))
}

/// Frees the places of nodes that were silent for too long. `silent` says since when each node has been silent.
/// `state` contains the nodes and their pools.
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

/// The error for a missing pool.
pub fn missing_pool(name: impl Into<String>) -> Error {
    Error::NotFound {
        kind: Kind::NodePool,
        name: name.into(),
    }
}

fn invalid(field: &'static str, reason: String) -> Error {
    Error::InvalidInput { field, reason }
}
