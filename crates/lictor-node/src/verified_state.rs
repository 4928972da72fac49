//! The state that a node decides by, with its licenses verified by the node itself.

use lictor_core::digest::Digest;
use lictor_core::feed::{NodePolicy, Pinned, Ratchet, StateDocument};
use lictor_core::rules::in_force::Candidate;
use lictor_core::{Timestamp, TrustPolicy};

use crate::identity::Identity;

/// A state that was taken.
#[derive(Debug)]
pub(crate) struct Held {
    /// The SHA-256 of its whole text.
    pub sha256: Digest,
    /// Which one it is.
    pub ratchet: Ratchet,
    /// From when on it has expired.
    pub expires_at: Timestamp,
    /// How long the node goes on without news.
    pub policy: NodePolicy,
    /// The application's licenses, the newest first.
    pub candidates: Vec<Candidate>,
}

impl Held {
    /// Verifies the licenses in a state against the keys that the node pinned. The control plane may
    /// ask for more than when the node joined, and never for less.
    pub(crate) fn of(
        document: &StateDocument<'_>,
        sha256: Digest,
        identity: &Identity,
        pinned: &Pinned,
    ) -> Self {
        let content = document.content();
        let policy = match (identity.policy, content.policy) {
            (TrustPolicy::Structural, TrustPolicy::Structural) => TrustPolicy::Structural,
            _ => TrustPolicy::Verified,
        };
        let candidates = if content.application == identity.application {
            content.candidates(identity.organization, &pinned.trust_set(), policy)
        } else {
            Vec::new()
        };
        Self {
            sha256,
            ratchet: Ratchet::of(document),
            expires_at: document.expires_at(),
            policy: content.node_policy,
            candidates,
        }
    }
}
