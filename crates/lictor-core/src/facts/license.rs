//! Stored licenses.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::time::Timestamp;

/// The longest document that is accepted, in bytes; real ones have about 800.
pub const MAX_PAYLOAD_BYTES: usize = 65_536;

/// A stored license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct License {
    /// Its id within the organization.
    pub id: Uuid,
    /// The document, byte for byte as it was given.
    pub payload: Arc<str>,
    /// What the ledger records about it.
    pub state: LicenseState,
}

/// What the ledger records about a license.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseState {
    /// The application that its claims name.
    pub application: String,
    /// The SHA-256 of its payload.
    pub payload_sha256: Digest,
    /// When it was created, or what the client said of that.
    pub created_at: Timestamp,
    /// When it was written.
    pub updated_at: Timestamp,
    /// The ledger position of its last write.
    pub revision: u64,
}

/// The licenses of an application that were written last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Newest {
    /// They, the greatest (`updated_at`, revision) first.
    pub licenses: Vec<License>,
    /// All that were written after this are among them; [`FIRST`]: there are no others.
    pub all_after: (Timestamp, u64),
}

/// What every license was written after: before any `updated_at` and revision.
pub const FIRST: (Timestamp, u64) = (Timestamp::MIN, 0);
