//! What a rule decides: changes, which are the ledger's entries, and the records stored with them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::{Role, Scope};
use crate::keys::{KeyId, PublicKey};
use crate::time::Timestamp;
use crate::trust::TrustPolicy;
use crate::usage::UsageCount;

/// One change of one stream. It holds ids and figures, never a name or an e-mail, and it is all
/// that [`State::apply`](crate::State::apply) needs to make the state anew. Its JSON form is
/// stored for ever: variants and fields are added, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// The installation's trust policy was set.
    PolicySet {
        /// The policy.
        policy: TrustPolicy,
    },
    /// An organization was created; in the installation's stream.
    OrganizationCreated {
        /// Its id.
        id: Uuid,
        /// Its key.
        key: String,
        /// Its number.
        number: u64,
    },
    /// The organization of this stream was removed; nothing follows.
    OrganizationRemoved,
    /// A key became active.
    KeyTrusted {
        /// Its id.
        key_id: KeyId,
        /// The key itself.
        public_key: PublicKey,
    },
    /// A key signs no new licenses any more.
    KeyRetired {
        /// Its id.
        key_id: KeyId,
    },
    /// Nothing that a key signed is trusted any more.
    KeyRevoked {
        /// Its id.
        key_id: KeyId,
    },
    /// A token was created.
    TokenCreated {
        /// Its id.
        id: Uuid,
        /// Its role.
        role: Role,
        /// What it is narrowed to.
        scopes: Vec<Scope>,
        /// When it ends.
        expires_at: Option<Timestamp>,
    },
    /// A token was revoked.
    TokenRevoked {
        /// Its id.
        id: Uuid,
    },
    /// An application became known.
    ApplicationCreated {
        /// Its key.
        key: String,
    },
    /// A license was added, replaced or touched.
    LicenseWritten {
        /// Its id.
        id: Uuid,
        /// The application that its claims name.
        application: String,
        /// The SHA-256 of its payload; 64 lower-case hex digits as text.
        payload_sha256: Digest,
        /// When it was created, or what the client said of that.
        created_at: Timestamp,
        /// When it was written.
        updated_at: Timestamp,
    },
    /// A license was removed.
    LicenseRemoved {
        /// Its id.
        id: Uuid,
    },
}

/// What is stored in the same transaction as the changes without being a part of the ledger:
/// secrets, names that may have to be erased, bytes, and counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The exact text of a license, by its SHA-256.
    Payload {
        /// The SHA-256 of the text.
        sha256: Digest,
        /// The text.
        text: Arc<str>,
    },
    /// The hash of a token's secret, and its name.
    TokenSecret {
        /// The token's id.
        id: Uuid,
        /// The SHA-256 of the secret.
        sha256: [u8; 32],
        /// The token's name.
        name: Option<String>,
    },
    /// An organization's name.
    OrganizationName {
        /// The organization's id.
        id: Uuid,
        /// The name.
        name: String,
    },
    /// A usage count; stored if it is greater than the one that is there.
    Usage(UsageCount),
}

/// What a rule decided: nothing at all, or changes and records that are stored together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// The ledger entries to append, in order.
    pub changes: Vec<Change>,
    /// What is stored with them.
    pub records: Vec<Record>,
}

impl Decision {
    /// All is already as it was asked to be.
    pub fn nothing() -> Self {
        Self::default()
    }
}

impl From<Change> for Decision {
    fn from(change: Change) -> Self {
        Self {
            changes: vec![change],
            records: Vec::new(),
        }
    }
}

/// A SHA-256, as 64 lower-case hex digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}
