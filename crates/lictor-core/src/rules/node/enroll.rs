//! Enrolling, joining and revoking single nodes.

use uuid::Uuid;

use crate::change::Change;
use crate::decision::Decision;
use crate::digest::Digest;
use crate::elapsed::Elapsed;
use crate::error::{Error, Kind};
use crate::facts::entitlement::NodeTerms;
use crate::facts::node::{JoinRefusal, MAX_NAME_LENGTH, NodeIdentity, NodeState, TOKEN_TTL};
use crate::record::Record;
use crate::rules::application;
use crate::state::State;

/// A node to enroll.
#[derive(Debug, Clone)]
pub struct NewNode {
    /// UUID v7.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The application that it serves.
    pub application: String,
    /// The SHA-256 of its enrollment token.
    pub token_sha256: Digest,
}

/// Enrolls a node. `state` contains the application, how many of its nodes have yet to join, and the node with
/// this name. If that node can no longer join, it is revoked and its name becomes free.
///
/// # Errors
/// [`Error::NotFound`] for the application, [`Error::InvalidInput`], [`Error::AlreadyExists`],
/// [`Error::Outdated`] if the terms are no longer current, [`Error::NodeLimit`].
pub fn enroll(
    state: &State,
    new: &NewNode,
    terms: &NodeTerms,
    now: Elapsed,
) -> Result<Decision<Uuid>, Error> {
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
    // First, because only one live node may have the name.
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
    let id = new.id;
    Ok(decision.with(move |_| Ok(id)))
}

/// The nodes that are not revoked.
fn live(state: &State) -> impl Iterator<Item = (Uuid, &NodeState, &NodeIdentity)> {
    let nodes = state.nodes.iter();
    nodes
        .filter(|(_, node)| node.is_live())
        .filter_map(|(id, node)| Some((*id, node, state.node_identities.get(id)?)))
}

pub(super) fn live_named<'a>(
    state: &'a State,
    name: &str,
) -> Option<(Uuid, &'a NodeState, &'a NodeIdentity)> {
    live(state).find(|(_, _, identity)| identity.name == name)
}

/// How many nodes of an application are enrolled, if there is room for another one.
pub(super) fn room(state: &State, application: &str, terms: &NodeTerms) -> Result<u64, Error> {
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

/// Lets a node join with its enrollment token. Repeating it with the same credential changes nothing.
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

/// Revokes a node. It gets no more states, and its place is free. A node that has left can no longer come back.
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

/// The error for a missing node.
pub fn missing(name: impl Into<String>) -> Error {
    Error::NotFound {
        kind: Kind::Node,
        name: name.into(),
    }
}

fn find(state: &State, id: Uuid) -> Result<&NodeState, Error> {
    state.nodes.get(&id).ok_or_else(|| missing(id.to_string()))
}

pub(super) fn check_name(name: &str) -> Result<(), Error> {
    check_name_of(name, MAX_NAME_LENGTH)
}

pub(super) fn check_name_of(name: &str, longest: usize) -> Result<(), Error> {
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
