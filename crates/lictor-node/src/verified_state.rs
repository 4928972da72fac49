//! A state whose licenses this node has verified itself. The node decides by it.

use lictor_core::digest::Digest;
use lictor_core::feed::{NodePolicy, PinnedKeys, Ratchet, StateDocument};
use lictor_core::rules::in_force::Candidate;
use lictor_core::{Timestamp, TrustPolicy};

use crate::identity::Identity;

/// A state that the node accepted.
#[derive(Debug)]
pub(crate) struct VerifiedState {
    /// The SHA-256 of its full text.
    pub sha256: Digest,
    /// Its revision, signing time and content.
    pub ratchet: Ratchet,
    /// When it expires.
    pub expires_at: Timestamp,
    /// How long the node keeps working without news.
    pub policy: NodePolicy,
    /// The application's licenses, newest first.
    pub candidates: Vec<Candidate>,
}

impl VerifiedState {
    /// Verifies the licenses of a state with the keys that the node pinned. The control plane can make
    /// the policy stricter than it was when the node joined, but never more lenient.
    pub(crate) fn new(
        document: &StateDocument<'_>,
        sha256: Digest,
        identity: &Identity,
        pinned: &PinnedKeys,
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
