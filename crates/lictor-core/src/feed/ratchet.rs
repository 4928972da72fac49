//! The ratchet: what a node remembers of the last state that it accepted, so that it never accepts an older
//! one.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::document::keys::KeyId;
use crate::feed::{StateDocument, StateError};
use crate::time::Timestamp;

/// The newest accepted state. It belongs to the key that signed it, because revisions of different keys cannot
/// be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratchet {
    /// The key that signed it.
    pub key_id: KeyId,
    /// Its revision.
    pub revision: u64,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// The SHA-256 of its content.
    pub content_sha256: Digest,
}

impl Ratchet {
    /// The ratchet once this state is accepted.
    pub fn of(state: &StateDocument<'_>) -> Self {
        Self {
            key_id: state.key_id(),
            revision: state.revision(),
            issued_at: state.issued_at(),
            content_sha256: state.content_sha256(),
        }
    }

    /// Refuses a state that is not newer: one with a smaller revision, or one with the same revision that has
    /// another content or was not signed later.
    ///
    /// # Errors
    /// [`StateError::Older`], [`StateError::OtherContent`], [`StateError::Repeated`].
    pub fn check(&self, state: &StateDocument<'_>) -> Result<(), StateError> {
        if self.key_id != state.key_id() {
            return Ok(());
        }
        let revision = state.revision();
        if revision < self.revision {
            return Err(StateError::Older {
                held: self.revision,
                received: revision,
            });
        }
        if revision > self.revision {
            return Ok(());
        }
        if state.content_sha256() != self.content_sha256 {
            return Err(StateError::OtherContent(revision));
        }
        if state.issued_at() <= self.issued_at {
            return Err(StateError::Repeated(revision));
        }
        Ok(())
    }
}
