//! The ledger: entries in one hash chain per stream, so that a lost, changed or moved entry shows.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::change::{Change, Digest};
use crate::time::Timestamp;

/// One change as it stands in a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The organization's id, or [`INSTALLATION`](crate::INSTALLATION).
    pub stream: Uuid,
    /// 1 for the first, without gaps.
    pub position: u64,
    /// When it was decided, by the server's clock.
    pub at: Timestamp,
    /// The token of the caller who asked for it; none: the server itself.
    pub actor: Option<Uuid>,
    /// What changed.
    pub change: Change,
}

/// Where a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The position of its last entry; 0: it has none.
    pub position: u64,
    /// The hash of its last entry; all zero: it has none.
    pub hash: Digest,
}

impl Head {
    /// The head of a stream without entries.
    pub const EMPTY: Self = Self {
        position: 0,
        hash: Digest([0; 32]),
    };

    /// The head after an entry whose stored text is `body`: the hash covers the hash before it
    /// and the exact text.
    pub fn next(self, body: &str) -> Self {
        let chained = [self.hash.0.as_slice(), body.as_bytes()].concat();
        Self {
            position: self.position + 1,
            hash: Digest::of(&chained),
        }
    }
}

impl Entry {
    /// The text that is stored and hashed.
    ///
    /// # Errors
    /// None in practice: every part of an entry has a JSON form.
    pub fn to_body(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a stored text.
    ///
    /// # Errors
    /// The text is not one that [`Entry::to_body`] made.
    pub fn from_body(body: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(body)
    }
}
