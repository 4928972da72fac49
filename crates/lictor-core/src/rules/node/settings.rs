//! Settings of all nodes of an organization: how long they keep working without news, and the revision of their
//! state.

use crate::change::Change;
use crate::decision::Decision;
use crate::digest::Digest;
use crate::error::Error;
use crate::feed::{Applied, NodePolicy};
use crate::state::State;

/// Sets how long the organization's nodes keep working without news. `state` contains the node settings.
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

/// Raises the revision of the state above the highest one that a node reported, so that nodes with a newer state
/// accept the one stored here. `state` contains the node settings and when trust changed. If no node is ahead,
/// nothing changes.
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

/// Whether a node has a state that this control plane did not make: one with a greater revision, or with the same
/// revision and another content. `content` is the digest of `revision` here.
pub fn is_ahead(applied: &Applied, revision: u64, content: Digest) -> bool {
    applied.revision > revision
        || (applied.revision == revision && applied.content_sha256 != content)
}
