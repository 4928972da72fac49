//! The ratchet: what a node remembers of the state it took last, so that it never takes an older
//! one.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::document::keys::KeyId;
use crate::feed::{StateDocument, StateError};
use crate::time::Timestamp;

/// The newest state that was taken. It belongs to the key that signed it: a revision that another
/// key reached says nothing about this one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratchet {
    /// Who signed it.
    pub key_id: KeyId,
    /// Its revision.
    pub revision: u64,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// The SHA-256 of its content.
    pub content_sha256: Digest,
}

impl Ratchet {
    /// The ratchet behind this state.
    pub fn of(state: &StateDocument<'_>) -> Self {
        Self {
            key_id: state.key_id(),
            revision: state.revision(),
            issued_at: state.issued_at(),
            content_sha256: state.content_sha256(),
        }
    }

    /// Refuses a state that is not newer: a smaller revision, or the same with another content or
    /// without a later signing.
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
